"""Which grams a table of so many bytes lists: those that explain most of the text for a byte (docs/decisions/0026).

A gram explains the part of its occurrences that its own share accounts for (counts.py); a draft loses about as many tokens
where it is missing. A gram needs its prefix, so prices are weighed over subtrees: at a price of one byte a gram is worth what it
explains, less its bytes, plus what the longer grams behind it are worth where that is positive. It is listed if that is above zero
and its prefix is listed. Of all sets that hold every prefix, this one explains most at its size.
"""

from __future__ import annotations

import math

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.ngrams.counts import Candidates
from asarm_tools.ngrams.table_file import Level, whole_size

HALVINGS = 60  # of the range of prices, which spans 2^40


def prune(levels: list[Candidates], maximum_bytes: int) -> list[Level]:
    """The table. What its grams do not own is passed on, so that every context sums to one."""
    return to_levels(levels, fit(levels, maximum_bytes))


def fit(levels: list[Candidates], maximum_bytes: int) -> list[np.ndarray]:
    """Which grams are kept, bool [G] by order: at the lowest price at which the file is not too large."""
    least = size(levels, [np.zeros(len(level.keys), bool) for level in levels[1:]])
    if least > maximum_bytes:
        raise InputError(f"--maximum-bytes {maximum_bytes} does not hold the single tokens, which take {least}")
    kept = choose(levels, 0.0)
    if size(levels, kept) <= maximum_bytes:
        return kept
    high = math.log2(sum(float(level.explained.sum()) for level in levels))  # nothing is worth more than all together
    low = high - 40
    kept = choose(levels, 2.0 ** high)
    for _ in range(HALVINGS):
        price = (low + high) / 2
        tried = choose(levels, 2.0 ** price)
        if size(levels, tried) <= maximum_bytes:
            high, kept = price, tried
        else:
            low = price
    return kept


def choose(levels: list[Candidates], price: float) -> list[np.ndarray]:
    """Which grams of order 2 and up are worth their bytes, bool [G] by order."""
    kept: list[np.ndarray] = []
    behind: np.ndarray = np.zeros(len(levels[-1].keys))
    for order in range(len(levels), 1, -1):
        level = levels[order - 1]
        worth = level.explained - price * bytes_of_gram(order, len(levels)) + behind
        positive = worth > 0
        kept.insert(0, positive)
        behind = np.bincount(level.context[positive], worth[positive], len(levels[order - 2].keys))
    for order in range(3, len(levels) + 1):
        kept[order - 2] &= kept[order - 3][levels[order - 1].context]
    return kept


def bytes_of_gram(order: int, longest: int) -> int:
    """Token and own share; if longer grams may follow, what it passes on and where they stand."""
    return 8 if order < longest else 3


def size(levels: list[Candidates], kept: list[np.ndarray]) -> int:
    return whole_size(len(levels), [len(levels[0].keys), *(int(np.count_nonzero(part)) for part in kept)])


def to_levels(levels: list[Candidates], kept: list[np.ndarray]) -> list[Level]:
    every = [np.ones(len(levels[0].keys), bool), *kept]
    table = []
    for level, part, longer, behind in zip(levels, every, levels[1:] + [None], every[1:] + [None]):
        passed_on = np.ones(len(level.keys))
        if longer is not None:
            passed_on = np.maximum(1 - np.bincount(longer.context[behind], longer.own[behind], len(level.keys)), 0)
        table.append(Level(level.keys[part], level.own[part], passed_on[part]))
    return table
