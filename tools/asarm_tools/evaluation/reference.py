"""Times calls of a network in PyTorch the way the published code makes them: the whole sequence in every call, no cache.

    reference.py --checkpoint DIR [--positions 512] [--rows 5] [--device cpu|cuda]

Every line on standard input asks for one call; its milliseconds come out. Calls are in turn a draft (all targets see the same tokens) and an
oracle (each sees those before it). A call is that of the network (published.py), which takes the steps of XLNetLMHeadModel: from token ids,
mask and target mapping to logits. What a sampler does around it, masks and softmax over the vocabulary included, is not timed.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.network.published import PublishedModel, barred_by_order, one_hot
from asarm_tools.text.special_tokens import without_tokenizer

PROGRAM = "reference.py"


def main() -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", required=True, metavar="DIR")
    parser.add_argument("--positions", type=int, default=512, help="default %(default)s")
    parser.add_argument("--rows", type=int, default=5, help="targets of a call, default %(default)s")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="default %(default)s; cuda computes in float32 without TF32")
    arguments = parser.parse_args()
    if not 1 <= arguments.rows < arguments.positions // 2:
        raise InputError("--rows must be at least 1 and less than half of --positions")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch finds no GPU")
    model = PublishedModel(read_model(arguments.checkpoint)).eval().to(arguments.device)
    questioned = questions(arguments.positions, arguments.rows, model.config.vocab_size)
    inputs = [tuple(tensor.to(arguments.device) for tensor in question) for question in questioned]
    for number, _ in enumerate(sys.stdin):
        start = time.perf_counter()
        with torch.no_grad():
            model(*inputs[number % 2])
            if arguments.device == "cuda":
                torch.cuda.synchronize()
        print(f"{(time.perf_counter() - start) * 1e3:.3f}", flush=True)
    return 0


def questions(length: int, rows: int, vocabulary: int) -> list[tuple[torch.Tensor, ...]]:
    """A draft and an oracle of the first targets of a gap in the middle, in left-to-right order.

    Both with the ids [1, S], the mask [1, S, S] and the target mapping [1, T, S]; the oracle has a draft token for each target.
    """
    generator = torch.Generator().manual_seed(1)
    mask_id = without_tokenizer(vocabulary).mask_id
    tokens = torch.randint(mask_id + 1, vocabulary, (1, length), generator=generator)
    first, gap = length // 2, max(rows, length // 12)
    given = length - gap
    prompt = torch.ones_like(tokens)
    prompt[:, first:first + gap] = 0
    order = torch.where(prompt == 1, prompt.cumsum(1) - 1, given + (1 - prompt).cumsum(1) - 1)
    mapping = one_hot(torch.arange(first, first + rows)[None], length)
    filled = ((given, given), (given + rows, length))  # ranks with a token, and ranks that later ranks may see
    return [(tokens.masked_fill(order >= known, mask_id), barred_by_order(order, prompt, seen), mapping) for known, seen in filled]


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
