"""Counts the n-grams of texts into ngrams.bin, from which the runtime drafts (docs/ngrams-format.md).

    ngrams.py --tokenizer spiece.model --output ngrams.bin [--maximum-bytes 8000000] TEXT[=WEIGHT] [TEXT[=WEIGHT] ...]

Lists the grams of up to four tokens that explain most of the texts for a byte (pruning.py). What a text says counts WEIGHT times.
With --minimum-counts 2 2 2 instead: interpolated Kneser-Ney without what occurs less often. What is left out passes its share on to the
shorter context. The same texts in the same order give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sentencepiece import SentencePieceProcessor

from asarm_tools.command_line.failure import InputError, run
from asarm_tools.corpora.corpus import EOD_ID, PackedCorpus, load_tokenizer
from asarm_tools.corpora.mixture import WEIGHTED
from asarm_tools.ngrams.counts import candidates
from asarm_tools.ngrams.kneser_ney import KneserNey
from asarm_tools.ngrams.pruning import prune
from asarm_tools.ngrams.table_file import LARGEST_ORDER, Level, write_table

PROGRAM = "ngrams.py"
MAXIMUM_BYTES = 8_000_000
LARGEST_WEIGHT = 1000


@dataclass(frozen=True)
class NgramOptions:
    texts: tuple[tuple[str, float], ...]  # paths and weights
    tokenizer: str
    output: str
    vocabulary: int | None  # of the network, where larger than the tokenizer's
    maximum_bytes: int
    minimum_counts: tuple[int, ...] | None  # by order, from pairs on


def count_levels(tokens: np.ndarray, vocabulary: int, minimum_counts: Sequence[int]) -> list[Level]:
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


def parse_weights(texts: list[str]) -> list[tuple[str, float]]:
    """Paths and weights of TEXT[=WEIGHT]; a text without one has weight 1."""
    result = []
    for text in texts:
        match = WEIGHTED.fullmatch(text)
        try:
            path, weight = (text, 1.0) if match is None else (match["path"], float(match["weight"]))
        except ValueError:
            weight = 0.0
        if not 0 < weight <= LARGEST_WEIGHT or (match is not None and match["final"]):
            raise InputError(f"{text}: a weight is a number above 0, {LARGEST_WEIGHT} at most")
        result.append((path, weight))
    return result


def make_levels(options: NgramOptions, vocabulary: int, tokenizer: SentencePieceProcessor) -> list[Level]:
    if options.minimum_counts is not None:
        return count_levels(PackedCorpus([path for path, _ in options.texts], tokenizer).tokens, vocabulary, options.minimum_counts)
    streams = [(PackedCorpus([path], tokenizer).tokens, weight) for path, weight in options.texts]
    return prune(candidates(streams, vocabulary, LARGEST_ORDER), options.maximum_bytes)


def parse_options() -> NgramOptions:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("texts", nargs="+", metavar="TEXT[=WEIGHT]", help="text files, documents split by <|endoftext|> lines; what is in them counts WEIGHT times")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--vocabulary", type=int, help="of the network, where larger than the tokenizer's")
    parser.add_argument("--maximum-bytes", type=int, metavar="N", help=f"list what explains most of the texts in so many bytes (default {MAXIMUM_BYTES})")
    parser.add_argument("--minimum-counts", type=int, nargs="+", metavar="N", help="list what occurs so often, by order, from pairs on; of Kneser-Ney")
    given = parser.parse_args()
    if given.minimum_counts is not None and (not 1 <= len(given.minimum_counts) < LARGEST_ORDER or min(given.minimum_counts) < 1):
        raise InputError(f"--minimum-counts takes 1 to {LARGEST_ORDER - 1} counts of at least 1")
    if given.minimum_counts is not None and given.maximum_bytes is not None:
        raise InputError("--minimum-counts and --maximum-bytes do not go together")
    texts = parse_weights(given.texts)
    if given.minimum_counts is not None and any(weight != 1 for _, weight in texts):
        raise InputError("texts have no weights with --minimum-counts")
    return NgramOptions(tuple(texts), given.tokenizer, given.output, given.vocabulary, MAXIMUM_BYTES if given.maximum_bytes is None else given.maximum_bytes,
                        None if given.minimum_counts is None else tuple(given.minimum_counts))


def main() -> None:
    options = parse_options()
    tokenizer = load_tokenizer(options.tokenizer)
    vocabulary = options.vocabulary or tokenizer.vocab_size()
    if not tokenizer.vocab_size() <= vocabulary <= 1 << 16:
        raise InputError(f"a vocabulary of {vocabulary}: the tokenizer has {tokenizer.vocab_size()} pieces, 65536 is the most")
    levels = make_levels(options, vocabulary, tokenizer)
    write_table(options.output, levels, vocabulary)
    print(", ".join(f"{len(level.keys):,} of order {order}" for order, level in enumerate(levels, 1)))


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
