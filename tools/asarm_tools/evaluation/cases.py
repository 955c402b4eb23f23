"""What is evaluated: fixed windows of held-out text and the positions in them that are unknown. The same on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from asarm_tools.corpora.corpus import PackedCorpus
from asarm_tools.gaps.orders import CONTINUATION, SCATTERED, SPAN, lattice_batch, target_count, target_positions

RATES = (0.05, 0.15, 0.50, 0.95)
SPAN_TOKENS = 20
BATCH = 16


@dataclass(frozen=True)
class Case:
    """windows [W, S] token ids; starts [W], where each begins in the stream; positions [W, T], the unknown ones, ascending."""

    name: str
    windows: np.ndarray
    starts: np.ndarray
    positions: np.ndarray

    def batches(self) -> list[dict[str, torch.Tensor]]:
        """Teacher-forced joints of BATCH windows each."""
        return [lattice_batch(self.windows[i:i + BATCH], self.positions[i:i + BATCH]) for i in range(0, len(self.windows), BATCH)]

    def places(self) -> np.ndarray:
        """[W, T]: the unknown positions as places in the stream."""
        return self.starts[:, None] + self.positions


class CaseMaker:
    """Cases over the same windows; limit takes that many of them, evenly spread over the text."""

    def __init__(self, corpus: PackedCorpus, length: int, limit: int | None = None):
        windows = corpus.consecutive(length)
        self.length, self.available = length, len(windows)
        chosen = np.arange(len(windows))
        if limit is not None and limit < len(windows):
            chosen = np.linspace(0, len(windows) - 1, limit).astype(int)
        self.windows, self.starts = windows[chosen], chosen * length

    def case(self, name: str, kinds: tuple[int, ...], targets: int, seed: int) -> Case:
        """Windows take the kinds of gaps in turn."""
        generator = np.random.default_rng(seed)
        positions = np.stack([target_positions(generator, kinds[i % len(kinds)], self.length, targets)
                              for i in range(len(self.windows))])
        return Case(name, self.windows, self.starts, positions)

    def rate(self, rate: float, kinds: tuple[int, ...], name: str) -> Case:
        return self.case(name, kinds, target_count(rate, self.length), round(rate * 1000))

    def mixed_rates(self) -> list[Case]:
        """Half of the windows with scattered gaps, half with one span."""
        return [self.rate(rate, (SCATTERED, SPAN), f"{rate:.0%}") for rate in RATES]

    def span(self) -> Case:
        targets = min(SPAN_TOKENS, self.length - 1)
        return self.case(f"one gap of {targets} tokens", (SPAN,), targets, SPAN_TOKENS)

    def spans(self) -> list[Case]:
        """Single gaps, continuations, and the whole window after its first token."""
        return [
            self.rate(0.15, (SPAN,), "one gap, 15%"), self.rate(0.50, (SPAN,), "one gap, 50%"), self.span(), self.continuation(),
            self.case("all but the first token, left to right", (CONTINUATION,), self.length - 1, 0)]

    def continuation(self) -> Case:
        return self.rate(0.50, (CONTINUATION,), "continuation, 50%")

    def scattered(self) -> Case:
        return self.rate(0.95, (SCATTERED,), "95% scattered")

    def single_tokens(self, special: list[int]) -> Case:
        """One random target a window, no special token; windows that hold nothing else are left out."""
        generator = np.random.default_rng(1)
        weights = generator.random(self.windows.shape) * ~np.isin(self.windows, special)
        kept = weights.max(1) > 0
        return Case("one token", self.windows[kept], self.starts[kept], weights.argmax(1)[kept, None])


def validation_batches(corpus: PackedCorpus, length: int, limit: int | None = None) -> dict[str, list[dict[str, torch.Tensor]]]:
    """The batches by rate that the trainer watches."""
    return {case.name: case.batches() for case in CaseMaker(corpus, length, limit).mixed_rates()}
