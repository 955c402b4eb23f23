"""Times calls of a network in PyTorch in the way of the published code: the whole sequence in every call, no cache.

    reference.py --checkpoint DIR [--positions 512] [--rows 5]

Every line on standard input asks for one call; its milliseconds come out. Calls are in turn a draft (all targets see the same tokens) and an
oracle (each sees those before it). The network is this project's: it spares the last layer's content and runs no slower than
XLNetLMHeadModel with the same masks.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from checkpoint import read_model
from failure import InputError, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", required=True, metavar="DIR")
    parser.add_argument("--positions", type=int, default=512, help="default %(default)s")
    parser.add_argument("--rows", type=int, default=5, help="targets of a call, default %(default)s")
    arguments = parser.parse_args()
    if not 1 <= arguments.rows < arguments.positions // 2:
        raise InputError("--rows must be at least 1 and less than half of --positions")
    model = read_model(arguments.checkpoint)
    inputs = questions(arguments.positions, arguments.rows, model.config.vocab_size)
    for number, _ in enumerate(sys.stdin):
        start = time.perf_counter()
        with torch.no_grad():
            model(*inputs[number % 2])
        print(f"{(time.perf_counter() - start) * 1e3:.3f}", flush=True)
    return 0


def questions(length: int, rows: int, vocabulary: int) -> list[tuple[torch.Tensor, ...]]:
    """A draft and an oracle of the first targets of a gap in the middle, in left-to-right order."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(10, vocabulary, (1, length), generator=generator)
    first, gap = length // 2, max(rows, length // 12)
    prompt = torch.ones_like(ids)
    prompt[:, first:first + gap] = 0
    order = torch.where(prompt == 1, prompt.cumsum(1) - 1, length - gap + (1 - prompt).cumsum(1) - 1)
    targets = torch.arange(first, first + rows)[None]
    ranks = order.gather(1, targets)
    return [(ids, order, prompt, targets, horizons) for horizons in (torch.full_like(ranks, length - gap), ranks)]


if __name__ == "__main__":
    run("reference.py", main)
