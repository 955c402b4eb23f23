"""Replays the goldens of a model folder through PyTorch or NumPy and prints the worst difference of the logits.

    verify.py --model DIR --checkpoint DIR [--tolerance 1e-4]
    verify.py --against transformers --model DIR --checkpoint DIR [--text FILE] [--tolerance 1e-4]

`asarm verify` does the same through ONNX Runtime, so that the two together compare the exported graph with PyTorch. --against transformers
compares both with Hugging Face's XLNetLMHeadModel, and the tokens of a text with its XLNetTokenizer.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import numpy as np

from asarm_tools.checkpoints.checkpoint import checkpoint_hash, read_weights
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.export.description import GOLDEN_FILE, read_description
from asarm_tools.export.fixtures import Case, read_cases
from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights
from asarm_tools.quantization.precision import FLOAT16_WEIGHTS, round_weights

PROGRAM = "verify.py"
TOLERANCE = 1e-4
PYTORCH, NUMPY = "pytorch", "numpy"


def answers(weights: Weights, kind: str | None) -> tuple[str, Callable[[Case], np.ndarray]]:
    """What replays a case, and its name: PyTorch where it is installed and nothing else is asked for, else NumPy."""
    if kind != NUMPY:
        try:
            from asarm_tools.export.answers import answer_by_pytorch
            return PYTORCH, answer_by_pytorch(weights)
        except ImportError as error:
            if kind == PYTORCH:
                raise InputError(f"--with {PYTORCH} needs PyTorch: {error}") from error
    return NUMPY, Network(weights).logits


def difference(found: np.ndarray, case: Case) -> float:
    """Worst absolute difference of one case's logits; NaN where either side is not finite."""
    return float(np.max(np.abs(found - case["logits"])))


def main() -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, metavar="DIR", help="exported model folder")
    parser.add_argument("--checkpoint", required=True, metavar="DIR", help="the checkpoint that it was exported from")
    parser.add_argument("--with", dest="replay", choices=(PYTORCH, NUMPY), help="what replays the goldens; default: PyTorch where it is installed")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="default %(default)s")
    parser.add_argument("--against", choices=("transformers",), help="compare with this library instead of the recorded logits")
    parser.add_argument("--text", metavar="FILE", help="of --against: UTF-8 text whose lines' tokens are compared too")
    arguments = parser.parse_args()
    description = read_description(arguments.model)
    if arguments.against is not None:
        try:
            from asarm_tools.export import against_transformers
        except ImportError as error:
            raise InputError(f"--against {arguments.against} needs PyTorch: {error}") from error
        rows = against_transformers.compare(arguments.model, arguments.checkpoint, description, arguments.text, arguments.tolerance)
        against_transformers.print_table(rows)
        return 0 if all(row.passes for row in rows) else 1
    if arguments.text is not None:
        raise InputError("--text is for --against transformers")
    if description["source"]["checkpoint_sha256"] != checkpoint_hash(arguments.checkpoint):
        raise InputError(f"{arguments.model} was exported from another checkpoint than {arguments.checkpoint}")
    weights = read_weights(arguments.checkpoint)
    if description["precision"] == FLOAT16_WEIGHTS:
        round_weights(weights)
    name, answer = answers(weights, arguments.replay)
    worst = 0.0
    for number, case in enumerate(read_cases(os.path.join(arguments.model, GOLDEN_FILE), weights.config.vocab_size)):
        found = difference(answer(case), case)
        worst = float(np.maximum(worst, found))  # keeps a NaN
        print(f"case {number:03d}: sequence {case['order'].size}, targets {len(case['logits'])}, difference {found:.3g}")
    print(f"{name}: worst difference {worst:.3g}, tolerance {arguments.tolerance:.3g}")
    return 0 if worst <= arguments.tolerance else 1


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
