"""Counts the n-grams of a corpus into ngrams.bin, from which the runtime drafts (docs/ngrams-format.md).

    ngrams.py --tokenizer spiece.model --output ngrams.bin [--minimum-counts 2 2 2] TEXT [TEXT ...]

Interpolated Kneser-Ney; grams that occur less often than their order's minimum are left out and their mass is passed on to the
shorter context. The same texts give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "export"))

from data import EOD_ID, PackedCorpus, load_tokenizer  # noqa: E402
from failure import InputError, run  # noqa: E402
from kneser_ney import KneserNey  # noqa: E402
from ngram_file import LARGEST_ORDER, Level, write_table  # noqa: E402


def count_levels(tokens: np.ndarray, vocabulary: int, minimum_counts: list[int]) -> list[Level]:
    """Levels 1..order. minimum_counts: how often a gram of order 2, 3, .. must occur to be listed."""
    order = len(minimum_counts) + 1
    model = KneserNey(tokens, vocabulary, EOD_ID, order)
    every = np.arange(vocabulary)
    single = model.depths[0].probability(np.zeros(vocabulary, np.int64), every, np.full(vocabulary, 1 / vocabulary))
    levels = [Level(every.astype(np.uint64), single, np.ones(vocabulary))]
    for depth in range(1, order):
        keys, own = _forward(model, depth)
        occurring, counts = np.unique(_windows(tokens, depth + 1, vocabulary), return_counts=True)
        # A prefix that is not listed has no place for its grams. Counts fall with length, so this concerns document starts only.
        kept = np.isin(keys, occurring[counts >= minimum_counts[depth - 1]])
        kept &= np.isin(keys // np.uint64(vocabulary), levels[-1].keys)
        keys, own = keys[kept], own[kept]
        context = np.searchsorted(levels[-1].keys, keys // np.uint64(vocabulary))
        passed_on = 1 - np.bincount(context, own, len(levels[-1].keys))
        levels[-1] = Level(levels[-1].keys, levels[-1].own, np.maximum(passed_on, 0))
        levels.append(Level(keys, own, np.ones(len(keys))))
    return levels


def _forward(model: KneserNey, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys of all grams of a depth with their tokens from left to right, sorted, and their own shares."""
    grams, vocabulary = model.depths[depth].grams, model.vocabulary
    keys, context = np.zeros(len(grams), np.uint64), grams // vocabulary
    place = [np.uint64(1), np.uint64(vocabulary)]
    tokens = []
    for shorter in reversed(range(1, depth + 1)):  # the farthest token of the history comes off first
        entry = model.contexts[shorter][context]
        tokens.append(entry % vocabulary)
        context = entry // vocabulary
    for token in [*tokens, grams % vocabulary]:
        keys = keys * place[1] + token.astype(np.uint64)
    sort = np.argsort(keys)
    return keys[sort], model.depths[depth].own[sort]


def _windows(tokens: np.ndarray, length: int, vocabulary: int) -> np.ndarray:
    """uint64 keys of all runs of tokens within one document."""
    count = max(0, len(tokens) - length + 1)
    keys, whole = np.zeros(count, np.uint64), np.ones(count, bool)
    for i in range(length):
        run_tokens = tokens[i:i + count].astype(np.uint64)
        keys = keys * np.uint64(vocabulary) + run_tokens
        whole &= (run_tokens != EOD_ID) | (i in (0, length - 1))
    return keys[whole]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="text files, documents split by <|endoftext|> lines")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--vocabulary", type=int, help="of the network, where larger than the tokenizer's")
    parser.add_argument("--minimum-counts", type=int, nargs="+", default=[2, 2, 2], metavar="N", help="by order, from pairs on")
    arguments = parser.parse_args()
    if not 1 <= len(arguments.minimum_counts) < LARGEST_ORDER or min(arguments.minimum_counts) < 1:
        raise InputError(f"--minimum-counts takes 1 to {LARGEST_ORDER - 1} counts of at least 1")
    tokenizer = load_tokenizer(arguments.tokenizer)
    vocabulary = arguments.vocabulary or tokenizer.vocab_size()
    if not tokenizer.vocab_size() <= vocabulary <= 1 << 16:
        raise InputError(f"a vocabulary of {vocabulary}: the tokenizer has {tokenizer.vocab_size()} pieces, 65536 is the most")
    levels = count_levels(PackedCorpus(arguments.texts, tokenizer).tokens, vocabulary, arguments.minimum_counts)
    write_table(arguments.output, levels, vocabulary)
    print(", ".join(f"{len(level.keys):,} of order {order}" for order, level in enumerate(levels, 1)))


if __name__ == "__main__":
    run("ngrams.py", main)
