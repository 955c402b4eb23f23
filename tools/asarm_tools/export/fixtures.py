"""Writes golden.safetensors: conditionals asked of the network in NumPy, which the runtime must answer alike (`asarm verify`).

Per case NNN, all without a batch axis: `NNN.input_ids`, `NNN.order`, `NNN.prompt_mask` [sequence], `NNN.target_positions`,
`NNN.target_horizons` [targets], all int64, and `NNN.logits` [targets, vocabulary] float32.

    fixtures.py --official FOLDER --output FILE    converts recorded cases of the official code (cases.json, cases.safetensors)
"""

from __future__ import annotations

import argparse
import json
import os

import numpy as np

from asarm_tools.checkpoints.tensor_file import read_tensors, write_tensors
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.network.config import MODEL_INPUTS
from asarm_tools.network.forward import Network

PROGRAM = "fixtures.py"
Case = dict[str, np.ndarray]  # MODEL_INPUTS and "logits"
CASES = 12
TARGETS = 8  # at most, in a generated case
LEAST_TARGETS = 3  # a large vocabulary has fewer, down to these
FILE_BYTES, MOST_BYTES = 1_300_000, 6_000_000  # of the logits of all generated cases: the aim, and the end of LEAST_TARGETS
LATTICE, RANDOM, RIGHT_TO_LEFT = range(3)
DRAFT, ORACLE, MIXED = range(3)
ONE, SOME, ALL_BUT_ONE = range(3)


def generate(network: Network, lengths: list[int], mask_id: int, special_ids: list[int], seed: int = 1) -> list[Case]:
    """Cases over all kinds of orders, questions and states, one of each length; usual_lengths has enough for all kinds."""
    generator = np.random.default_rng(seed)
    vocabulary = network.config.vocab_size
    size = 4 * vocabulary * CASES
    targets = int(np.clip(FILE_BYTES // size, np.clip(MOST_BYTES // size, 1, LEAST_TARGETS), TARGETS))
    tokens = np.setdiff1d(np.arange(vocabulary), special_ids)
    if tokens.size == 0:  # a toy vocabulary of nothing but special tokens
        tokens = np.setdiff1d(np.arange(vocabulary), [mask_id])
    cases = []
    for number, length in enumerate(lengths):
        given = {ONE: 1, SOME: int(generator.integers(1, length)), ALL_BUT_ONE: length - 1}[(number + number // 3 + 1) % 3]
        order, prompt = _state(generator, number % 3, length, given)
        case = _question(generator, (number // 3) % 3, order, prompt, targets)
        ids = generator.choice(tokens, length)
        horizon = case["target_horizons"][0] if (number // 3) % 3 == DRAFT else length
        cases.append({"input_ids": np.where(order < horizon, ids, mask_id), **case})
    return [{**case, "logits": network.logits(case)} for case in cases]


def usual_lengths(maximum: int) -> list[int]:
    """From 2 to the longest sequence."""
    return np.geomspace(2, maximum, CASES).round().astype(int).tolist()


def _state(generator: np.random.Generator, kind: int, length: int, given: int) -> tuple[np.ndarray, np.ndarray]:
    """order and prompt_mask [length]: given tokens at random places have the first ranks."""
    positions = generator.permutation(length)
    prompt = np.isin(np.arange(length), positions[:given]).astype(np.int64)
    unknown = positions[given:] if kind == RANDOM else np.sort(positions[given:])
    if kind == RIGHT_TO_LEFT:
        unknown = unknown[::-1]
    order = np.empty(length, np.int64)
    order[np.concatenate((np.sort(positions[:given]), unknown))] = np.arange(length)
    return order, prompt


def _question(generator: np.random.Generator, kind: int, order: np.ndarray, prompt: np.ndarray, targets: int) -> Case:
    """Some ranks after a number of decided tokens: under one horizon, each under its own rank, or each under any."""
    length, given = order.size, int(prompt.sum())
    decided = int(generator.integers(given, length))
    ranks = np.arange(decided, min(length, decided + targets))
    horizons = {DRAFT: np.full_like(ranks, decided), ORACLE: ranks, MIXED: generator.integers(given, ranks + 1)}[kind]
    return {"order": order, "prompt_mask": prompt, "target_positions": np.argsort(order)[ranks], "target_horizons": horizons}


def from_official(folder: str) -> list[Case]:
    """A draft and an oracle of each recorded case with a given token; the reference's answer without any is a quirk."""
    with open(os.path.join(folder, "cases.json"), encoding="utf-8") as file:
        described = json.load(file)["cases"]
    recorded = read_tensors(os.path.join(folder, "cases.safetensors"))
    cases = []
    for entry in described:
        if entry["start"] < 1:
            continue
        prefix = f"case{entry['index']:02d}."
        order = recorded[prefix + "sigma"].astype(np.int64)
        state = {"order": order, "prompt_mask": (order < entry["start"]).astype(np.int64)}
        for question, ids in (("draft", "input_ids"), ("oracle", "filled_ids")):
            positions = recorded[f"{prefix}{question}_targets"].astype(np.int64)
            horizons = np.full_like(positions, entry["n"]) if question == "draft" else order[positions]
            cases.append({"input_ids": recorded[prefix + ids].astype(np.int64), **state, "target_positions": positions,
                          "target_horizons": horizons, "logits": recorded[f"{prefix}{question}_logits"]})
    return cases


def write_cases(path: str, cases: list[Case]) -> None:
    tensors = {f"{number:03d}.{name}": array for number, case in enumerate(cases) for name, array in case.items()}
    write_tensors(path, tensors, {"format": "asarm-golden", "format_version": "1"})


def read_cases(path: str, vocabulary: int, longest: int | None = None) -> list[Case]:
    """The cases of a file, refused where a tensor lacks, shapes do not agree or a number is out of its range.

    longest: refuses those too that a model folder of this maximum length cannot have.
    """
    tensors = read_tensors(path)
    cases = []
    for number in sorted({name.partition(".")[0] for name in tensors}):
        names = (*MODEL_INPUTS, "logits")
        missing = [name for name in names if f"{number}.{name}" not in tensors]
        if missing:
            raise InputError(f"{path}: case {number} lacks {missing}")
        case = {name: tensors[f"{number}.{name}"] for name in names}
        sequence, targets = case["input_ids"].shape, case["target_positions"].shape
        shapes = [sequence] * 3 + [targets] * 2 + [(*targets, vocabulary)]
        if len(sequence) != 1 or len(targets) != 1 or [array.shape for array in case.values()] != shapes:
            raise InputError(f"{path}: case {number} has shapes that do not agree with a vocabulary of {vocabulary}")
        wrong = _out_of_range(case, vocabulary)
        if wrong:
            raise InputError(f"{path}: case {number} has {', '.join(wrong)} of a wrong type or out of range")
        if longest is not None:
            _require_usable(f"{path}: case {number}", case, longest)
        cases.append(case)
    if not cases:
        raise InputError(f"{path} holds no case")
    return cases


def _out_of_range(case: Case, vocabulary: int) -> list[str]:
    """The names of tensors that the network cannot be asked with."""
    length = case["order"].size
    most = dict(zip(MODEL_INPUTS, (vocabulary - 1, length - 1, 1, length - 1, length)))
    wrong = [name for name, high in most.items() if case[name].dtype != np.int64 or ((case[name] < 0) | (case[name] > high)).any()]
    if "order" not in wrong and np.unique(case["order"]).size != length:
        wrong.append("order")
    return wrong + ["logits"] * (case["logits"].dtype != np.float32)


def _require_usable(name: str, case: Case, longest: int) -> None:
    """Given tokens have the first ranks, there is one, every query sees all of them, and the sequence is not too long."""
    given = int(case["prompt_mask"].sum())
    if case["order"].size > longest:
        raise InputError(f"{name} has {case['order'].size} tokens, the maximum length is {longest}")
    if given == 0 or case["order"][case["prompt_mask"] == 1].max() != given - 1:
        raise InputError(f"{name} has no given token, or given tokens behind others in its order")
    if (case["target_horizons"] < given).any():
        raise InputError(f"{name} has a query that does not see all given tokens")


def main() -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--official", required=True, metavar="FOLDER")
    parser.add_argument("--output", required=True, metavar="FILE")
    arguments = parser.parse_args()
    cases = from_official(arguments.official)
    os.makedirs(os.path.dirname(os.path.abspath(arguments.output)), exist_ok=True)
    write_cases(arguments.output, cases)
    print(f"{arguments.output}: {len(cases)} cases")
    return 0


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
