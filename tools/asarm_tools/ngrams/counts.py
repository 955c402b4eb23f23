"""How often runs of tokens occur in texts that count by weight, and the shares that interpolation gives to them (docs/ngrams-format.md).

A gram of n tokens lies within one document; <eod> may only be its first token, where it says that a document begins. A drafter
never proposes <eod>, so nothing is listed that ends in it. Every order counts plain occurrences, the shorter ones too: Kneser-Ney's
shorter orders are made for a table that lists every longer gram, and most of those are pruned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asarm_tools.corpora.corpus import EOD_ID
from asarm_tools.ngrams.kneser_ney import discounts

LEAST_TIMES = 2  # what occurs once is counted, but not listed: two thirds of all runs of three or four tokens, and never worth a place


@dataclass(frozen=True)
class Counts:
    """Runs of one length: keys uint64 [G], base vocabulary, sorted; times int64 [G]; weights float64 [G], times by the weights of the texts."""

    keys: np.ndarray
    times: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Candidates:
    """The grams of one order that may be listed, sorted: keys uint64 [G]; context int64 [G], the place of all tokens but the last in the
    order below.

    explained float64 [G] is the discounted weight, the part of its occurrences that the gram itself accounts for; own float64 [G] the
    same over the weight of all grams of its context. A table without the gram leaves as much to the shorter context.
    """

    keys: np.ndarray
    context: np.ndarray
    explained: np.ndarray
    own: np.ndarray


def candidates(streams: list[tuple[np.ndarray, float]], vocabulary: int, order: int) -> list[Candidates]:
    """Orders 1..order of streams of tokens [N] and their weights. Order 1 lists every token and its own sums to one."""
    levels = [_single(count(streams, vocabulary, 1), vocabulary)]
    for length in range(2, order + 1):
        counts = count(streams, vocabulary, length)
        explained = _explained(counts)
        contexts = counts.keys // np.uint64(vocabulary)
        starts = _starts(contexts)
        total = np.repeat(np.add.reduceat(counts.weights, starts), np.diff(np.append(starts, len(contexts)))) if len(starts) else contexts
        kept = counts.times >= LEAST_TIMES  # so does its context, which is therefore listed below
        keys, explained, total = counts.keys[kept], explained[kept], total[kept]
        levels.append(Candidates(keys, np.searchsorted(levels[-1].keys, contexts[kept]), explained, explained / total))
    return levels


def count(streams: list[tuple[np.ndarray, float]], vocabulary: int, length: int) -> Counts:
    """All runs of so many tokens, the streams one after another: one order of one stream is sorted at a time."""
    result = Counts(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0))
    for tokens, weight in streams:
        keys = windows(tokens, length, vocabulary)
        keys.sort()
        starts = _starts(keys)
        times = np.diff(np.append(starts, len(keys)))
        result = _merge(result, Counts(keys[starts], times, times * weight))
    return result


def windows(tokens: np.ndarray, length: int, vocabulary: int) -> np.ndarray:
    """uint64 keys of all runs of tokens within one document, in the order of the text."""
    places = max(0, len(tokens) - length + 1)
    keys, whole = np.zeros(places, np.uint64), np.ones(places, bool)
    for i in range(length):
        part = tokens[i:i + places]
        keys *= np.uint64(vocabulary)
        keys += part.astype(np.uint64)
        if i or length == 1:
            whole &= part != EOD_ID
    return keys[whole]


def _single(counts: Counts, vocabulary: int) -> Candidates:
    every = np.arange(vocabulary, dtype=np.uint64)
    explained = np.zeros(vocabulary)
    explained[counts.keys.astype(np.int64)] = _explained(counts)
    total = counts.weights.sum()
    own = explained / total + (1 - explained.sum() / total) / vocabulary
    return Candidates(every, np.zeros(vocabulary, np.int64), explained, own)


def _explained(counts: Counts) -> np.ndarray:
    """Weights less the discount, which is that of the times: a text of weight 4 shows nothing four times as surely."""
    discount = discounts(counts.times)[np.minimum(counts.times, 3)]
    return counts.weights * (1 - discount / counts.times)


def _merge(one: Counts, other: Counts) -> Counts:
    if not len(one.keys):
        return other
    keys = np.concatenate((one.keys, other.keys))
    sort = np.argsort(keys, kind="stable")
    keys = keys[sort]
    starts = _starts(keys)
    times, weights = (np.add.reduceat(np.concatenate(pair)[sort], starts) for pair in ((one.times, other.times), (one.weights, other.weights)))
    return Counts(keys[starts], times, weights)


def _starts(keys: np.ndarray) -> np.ndarray:
    """Where a new key begins among sorted ones."""
    return np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.int64)
