"""ROUGE-1, -2 and -L (Lin 2004) of one text against one other: F1, lower case, words of letters and digits, no stemming."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

NAMES = ("ROUGE-1", "ROUGE-2", "ROUGE-L")
WORD = re.compile(r"[^\W_]+")


def rouge(candidate: str, reference: str) -> tuple[float, float, float]:
    """F1 of shared words, shared pairs of words, and the longest common subsequence of words; 0 where one side has none."""
    one, two = (WORD.findall(text.lower()) for text in (candidate, reference))
    return (overlap(one, two), overlap(list(pairwise(one)), list(pairwise(two))),
            f1(common_subsequence(one, two), len(one), len(two)))


def overlap(one: list, two: list) -> float:
    """Each occurrence is shared at most once."""
    return f1(sum((Counter(one) & Counter(two)).values()), len(one), len(two))


def f1(shared: int, one: int, two: int) -> float:
    """The harmonic mean of shared / one and shared / two."""
    return 2 * shared / (one + two) if shared else 0.0


def common_subsequence(one: list[str], two: list[str]) -> int:
    """Length of the longest one."""
    row = [0] * (len(two) + 1)
    for word in one:
        diagonal = 0
        for i, other in enumerate(two, 1):
            diagonal, row[i] = row[i], diagonal + 1 if word == other else max(row[i], row[i - 1])
    return row[-1]
