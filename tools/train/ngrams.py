"""Counts the n-grams of a corpus into ngrams.bin, from which the runtime drafts (docs/ngrams-format.md).

    ngrams.py --tokenizer spiece.model --output ngrams.bin [--minimum-counts 2 2 2 | --maximum-bytes B] TEXT [TEXT ...]

A text that is named several times counts as often.

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
from ngram_file import LARGEST_ORDER, Level, whole_size, write_table  # noqa: E402


class Candidates:
    """All grams of a stream of tokens, of which tables list those that occur often enough."""

    def __init__(self, tokens: np.ndarray, vocabulary: int, order: int, least: int = 1):
        """least: grams of order 2 and more that occur less often are not even candidates."""
        model = KneserNey(tokens, vocabulary, EOD_ID, order)
        self.vocabulary = vocabulary
        self.single = model.depths[0].probability(np.zeros(vocabulary, np.int64), np.arange(vocabulary), np.full(vocabulary, 1 / vocabulary))
        self.grams: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # of each order from 2 on: keys, own shares, occurrences
        for depth in range(1, order):
            keys, own = _forward(model, depth)
            occurring, counts = np.unique(_windows(tokens, depth + 1, vocabulary), return_counts=True)
            # Those at document starts, which the model counts with a boundary before them, occur in no window.
            place = np.minimum(np.searchsorted(occurring, keys), len(occurring) - 1)
            occurrences = np.where(occurring[place] == keys, counts[place], 0)
            kept = occurrences >= max(1, least)
            self.grams.append((keys[kept], own[kept], occurrences[kept]))

    def levels(self, minimum_counts: list[int]) -> list[Level]:
        """Levels 1..order. minimum_counts: how often a gram of order 2, 3, .. must occur to be listed."""
        levels = [Level(np.arange(self.vocabulary).astype(np.uint64), self.single, np.ones(self.vocabulary))]
        for (keys, own, occurrences), minimum in zip(self.grams, minimum_counts):
            # A prefix that is not listed has no place for its grams. Counts fall with length, so this concerns document starts only.
            kept = occurrences >= minimum
            kept[kept] = np.isin(keys[kept] // np.uint64(self.vocabulary), levels[-1].keys)
            keys, own = keys[kept], own[kept]
            context = np.searchsorted(levels[-1].keys, keys // np.uint64(self.vocabulary))
            passed_on = 1 - np.bincount(context, own, len(levels[-1].keys))
            levels[-1] = Level(levels[-1].keys, levels[-1].own, np.maximum(passed_on, 0))
            levels.append(Level(keys, own, np.ones(len(keys))))
        return levels

    def levels_within(self, most: int) -> tuple[list[Level], int]:
        """The levels of the least common minimum count whose file has at most so many bytes, and that count."""
        low, high = 1, 2  # below two nothing is a candidate
        while self._size(high) > most:
            if high > 1 << 40:
                raise InputError(f"a table of {most} bytes does not hold the single tokens")
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._size(middle) <= most else (middle, high)
        return self.levels([high] * len(self.grams)), high

    def _size(self, minimum: int) -> int:
        levels = self.levels([minimum] * len(self.grams))
        return whole_size(len(levels), [len(level.keys) for level in levels])


def count_levels(tokens: np.ndarray, vocabulary: int, minimum_counts: list[int]) -> list[Level]:
    """Levels 1..order. minimum_counts: how often a gram of order 2, 3, .. must occur to be listed."""
    return Candidates(tokens, vocabulary, len(minimum_counts) + 1).levels(minimum_counts)


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
    parser.add_argument("--minimum-counts", type=int, nargs="+", metavar="N", help="by order, from pairs on; default 2 2 2")
    parser.add_argument("--maximum-bytes", type=int, metavar="B", help="instead: the least common minimum count, of grams of up to four tokens, whose file has at most so many bytes")
    arguments = parser.parse_args()
    if arguments.minimum_counts is not None and arguments.maximum_bytes is not None:
        raise InputError("--minimum-counts and --maximum-bytes do not go together")
    counts = arguments.minimum_counts or [2] * (LARGEST_ORDER - 1)
    if not 1 <= len(counts) < LARGEST_ORDER or min(counts) < 1:
        raise InputError(f"--minimum-counts takes 1 to {LARGEST_ORDER - 1} counts of at least 1")
    tokenizer = load_tokenizer(arguments.tokenizer)
    vocabulary = arguments.vocabulary or tokenizer.vocab_size()
    if not tokenizer.vocab_size() <= vocabulary <= 1 << 16:
        raise InputError(f"a vocabulary of {vocabulary}: the tokenizer has {tokenizer.vocab_size()} pieces, 65536 is the most")
    if arguments.maximum_bytes is not None and arguments.maximum_bytes < whole_size(LARGEST_ORDER, [vocabulary, 0, 0, 0]):
        raise InputError(f"--maximum-bytes {arguments.maximum_bytes} does not hold the single tokens")
    candidates = Candidates(PackedCorpus(arguments.texts, tokenizer).tokens, vocabulary, len(counts) + 1, 2 if arguments.maximum_bytes else min(counts))
    levels, least = candidates.levels_within(arguments.maximum_bytes) if arguments.maximum_bytes is not None else (candidates.levels(counts), None)
    write_table(arguments.output, levels, vocabulary)
    print(", ".join(f"{len(level.keys):,} of order {order}" for order, level in enumerate(levels, 1)) + ("" if least is None else f", of at least {least} occurrences"))


if __name__ == "__main__":
    run("ngrams.py", main)
