"""Interpolated Kneser-Ney n-grams with modified discounts (Chen & Goodman 1998), left to right: the baseline of evaluate.py.

A gram of depth d is a token after d earlier ones. The deepest grams count their occurrences, each shallower one the different
deeper grams that end in it. A context of depth d is numbered by its place in a sorted table of (number of the context of depth
d - 1, token d places back), so that every key fits 64 bits whatever the vocabulary.
"""

from __future__ import annotations

import numpy as np


class KneserNey:
    """p(token | up to order - 1 tokens before it). Nothing before a boundary token is seen, only the boundary again."""

    def __init__(self, tokens: np.ndarray, vocabulary: int, boundary: int, order: int = 5):
        self.vocabulary, self.boundary, self.order = vocabulary, boundary, order
        tokens = tokens.astype(np.int64)
        self.contexts = [np.zeros(1, np.int64)]  # depth 0: the empty context
        context = np.zeros(len(tokens), np.int64)
        for past in self.histories(tokens):
            table, context = np.unique(context * vocabulary + past, return_inverse=True)
            self.contexts.append(table)
        grams, counts = np.unique(context * vocabulary + tokens, return_counts=True)
        self.depths: list[GramTable] = []
        for depth in reversed(range(order)):
            self.depths.insert(0, GramTable(grams, counts, len(self.contexts[depth]), vocabulary))
            shorter = self.contexts[depth][grams // vocabulary] // vocabulary
            grams, counts = np.unique(shorter * vocabulary + grams % vocabulary, return_counts=True)

    def histories(self, tokens: np.ndarray) -> np.ndarray:
        """int64 [order - 1, N]: the tokens before each, the nearest first."""
        result = np.full((self.order - 1, len(tokens)), self.boundary, np.int64)
        for back in range(1, self.order):
            result[back - 1, back:] = tokens[:-back]
            if back > 1:
                result[back - 1, result[back - 2] == self.boundary] = self.boundary
        return result

    def probability(self, tokens: np.ndarray, histories: np.ndarray) -> np.ndarray:
        """float64 [N] of tokens [N] after histories [order - 1, N]."""
        tokens, context = tokens.astype(np.int64), np.zeros(len(tokens), np.int64)
        result = self.depths[0].probability(context, tokens, np.full(len(tokens), 1 / self.vocabulary))
        for depth in range(1, self.order):
            place, found = look_up(self.contexts[depth], context * self.vocabulary + histories[depth - 1])
            context = np.where(found, place, -1)
            result = self.depths[depth].probability(context, tokens, result)
        return result

    def nats(self, tokens: np.ndarray) -> np.ndarray:
        """[N]: -log p of every token of a stream given those before it."""
        return -np.log(self.probability(tokens, self.histories(tokens.astype(np.int64))))


class GramTable:
    """The grams of one depth. grams [G] sorted, context * vocabulary + token; counts [G]."""

    def __init__(self, grams: np.ndarray, counts: np.ndarray, contexts: int, vocabulary: int):
        self.grams, self.vocabulary = grams, vocabulary
        discount = discounts(counts)[np.minimum(counts, 3)]
        context = grams // vocabulary
        total = np.bincount(context, counts, contexts)
        self.own = (counts - discount) / total[context]
        self.passed_on = np.bincount(context, discount, contexts) / total

    def probability(self, context: np.ndarray, tokens: np.ndarray, shorter: np.ndarray) -> np.ndarray:
        """[N] from contexts [N], -1 where never seen, tokens [N] and their probability after the shorter context [N]."""
        place, found = look_up(self.grams, context * self.vocabulary + tokens)
        passed_on = np.where(context >= 0, self.passed_on[context], 1.0)
        return np.where(found, self.own[place], 0.0) + passed_on * shorter


def look_up(table: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places [N] in a sorted table, and whether the key is there; keys of unseen contexts are negative and are not."""
    place = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return place, table[place] == keys


def discounts(counts: np.ndarray) -> np.ndarray:
    """[4]: what is taken from a gram counted 0, 1, 2, and 3 or more times; one value for all where the text is too small."""
    ones, twos, threes, fours = (int(np.count_nonzero(counts == number)) for number in (1, 2, 3, 4))
    single = ones / (ones + 2 * twos) if ones else 0.5
    if ones and twos and threes and fours:
        modified = np.array([0, 1 - 2 * single * twos / ones, 2 - 3 * single * threes / twos, 3 - 4 * single * fours / threes])
        if (modified[1:] > 0).all() and (modified[1:] < [1, 2, 3]).all():
            return modified
    return np.array([0, single, single, single])
