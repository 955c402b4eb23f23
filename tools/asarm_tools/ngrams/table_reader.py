"""Reads ngrams.bin (docs/ngrams-format.md), for what is learned beside a table."""

from __future__ import annotations

import numpy as np

from asarm_tools.ngrams.table_file import HEADER, NOTHING, STEPS, check

VALUES = np.append(2.0 ** (-np.arange(NOTHING) / STEPS), 0)


class NgramTable:
    """By order from 0: tokens int64 [G], own float64 [G]; but for the last, passed_on [G] and offsets [G + 1]."""

    def __init__(self, path: str, vocabulary: int):
        check(path, vocabulary)
        with open(path, "rb") as file:
            data = file.read()
        _, _, _, self.order, *grams = HEADER.unpack(data[:HEADER.size])
        self.tokens, self.own, self.passed_on, self.offsets = [], [], [], []
        place = HEADER.size

        def section(kind: str, count: int) -> np.ndarray:
            nonlocal place
            found = np.frombuffer(data, kind, count, place)
            place += (found.nbytes + 3) // 4 * 4
            return found

        for level in range(self.order):
            self.tokens.append(section("<u2", grams[level]).astype(np.int64) if level else np.arange(vocabulary))
            self.own.append(VALUES[section("u1", grams[level])])
            if level + 1 < self.order:
                self.passed_on.append(VALUES[section("u1", grams[level])])
                self.offsets.append(section("<u4", grams[level] + 1).astype(np.int64))
        self.running = self.own[0].cumsum()

    def odds(self, context: list[int]) -> np.ndarray:
        """[V] p(x | context) / p(x), up to a factor that makes it 1 where nothing is listed; the context in the order of the text."""
        listed, passed_on = np.zeros(len(self.own[0])), 1.0
        for length in range(1, min(len(context), self.order - 1) + 1):
            gram = self._find(context[-length:])
            if gram is None:
                break
            listed *= self.passed_on[length - 1][gram]
            passed_on *= self.passed_on[length - 1][gram]
            begin, end = self.offsets[length - 1][gram:gram + 2]
            listed[self.tokens[length][begin:end]] += self.own[length][begin:end]
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = 1 + listed / (max(passed_on, 1e-4) * self.own[0])
        return np.where(self.own[0] > 0, odds, 1)

    def draw_after(self, token: int, uniform: np.ndarray) -> int | None:
        """A token after another one, by pairs and single tokens; None for a table of single tokens."""
        if self.order < 2:
            return None
        begin, end = self.offsets[0][token:token + 2]
        place = int(np.searchsorted(self.own[1][begin:end].cumsum(), uniform[0], side="right"))
        if place < end - begin:
            return int(self.tokens[1][begin + place])
        return int(np.searchsorted(self.running, uniform[1] * self.running[-1], side="right"))

    def _find(self, context: list[int]) -> int | None:
        gram = context[0]
        for level, token in enumerate(context[1:], 1):
            begin, end = self.offsets[level - 1][gram:gram + 2]
            place = int(begin + np.searchsorted(self.tokens[level][begin:end], token))
            if place >= end or self.tokens[level][place] != token:
                return None
            gram = place
        return int(gram)
