"""The training texts and how much of each: --train TEXT[=WEIGHT[:FINAL]] ..."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sentencepiece

from asarm_tools.command_line.failure import InputError
from asarm_tools.corpora.corpus import PackedCorpus

WEIGHTED = re.compile(r"(?P<path>.+)=(?P<weight>[\d.]+)(?::(?P<final>[\d.]+))?")


@dataclass(frozen=True)
class Share:
    """Texts of one kind with their weights before the final part of a run and in it."""

    paths: tuple[str, ...]
    weights: tuple[float, float]


def parse_shares(texts: Sequence[str]) -> list[Share]:
    """One share for each text with a weight; texts without weights are one share together, drawn by size."""
    found = [(text, WEIGHTED.fullmatch(text)) for text in texts]
    plain = [text for text, match in found if match is None]
    if len(plain) == len(texts):
        return [Share(tuple(plain), (1.0, 1.0))]
    if plain:
        raise InputError(f"--train: {plain[0]} has no weight; give every text one, or none")
    shares = [Share((match["path"],), (_weight(text, match["weight"]), _weight(text, match["final"] or match["weight"])))
              for text, match in found if match is not None]
    for part, name in enumerate(("before the final part", "in the final part")):
        if not sum(share.weights[part] for share in shares):
            raise InputError(f"--train: no text has a weight above 0 {name}")
    return shares


def _weight(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"--train {text}: {number} is not a weight")
    return value


class Mixture:
    """Windows of several corpora, by weights that may be others in the final part."""

    def __init__(self, shares: list[Share], tokenizer: sentencepiece.SentencePieceProcessor):
        self.shares = shares
        self.corpora = [PackedCorpus(list(share.paths), tokenizer) for share in shares]
        self.weights = [np.array([share.weights[part] for share in shares]) for part in (0, 1)]
        self.weights = [weights / weights.sum() for weights in self.weights]

    @property
    def changes(self) -> bool:
        before, final = self.weights
        return not np.array_equal(before, final)

    @property
    def tokens(self) -> int:
        return sum(len(corpus.tokens) for corpus in self.corpora)

    def require(self, length: int) -> None:
        """At least one window of that length in every corpus."""
        for corpus in self.corpora:
            corpus.require(length)

    def windows(self, generator: np.random.Generator, count: int, length: int, final: bool) -> np.ndarray:
        """int64 [count, length]"""
        counts = generator.multinomial(count, self.weights[final])
        return np.concatenate([corpus.windows(generator, int(number), length) for corpus, number in zip(self.corpora, counts) if number])

    def describe(self) -> list[str]:
        """A line for each text with a weight."""
        if len(self.shares) == 1:
            return []
        return [f"{os.path.basename(share.paths[0])}: {len(corpus.tokens)} tokens, weight {before:.3g}, in the final part {final:.3g}"
                for share, corpus, before, final in zip(self.shares, self.corpora, *self.weights)]
