"""What the trainer watches: nats per token of held-out texts by the share of unknown tokens, and of open gaps where they are trained."""

from __future__ import annotations

import os

import numpy as np
from torch import nn

from asarm_tools.corpora.corpus import PackedCorpus
from asarm_tools.evaluation.cases import BATCH, CaseMaker, validation_batches
from asarm_tools.evaluation.measures import joint_nats
from asarm_tools.gaps.open_gaps import open_gap_batch

OPEN_GAPS = "open gaps"


class Validation:
    """Fixed windows of each text."""

    def __init__(self, corpora: dict[str, PackedCorpus], length: int, limit: int, open_gaps: bool):
        self.closed = {name: validation_batches(corpus, length, limit) for name, corpus in corpora.items()}
        self.open = {name: self.open_gap_batches(corpus, length, limit) for name, corpus in corpora.items()} if open_gaps else {}

    @staticmethod
    def open_gap_batches(corpus: PackedCorpus, length: int, limit: int) -> list[dict]:
        generator, windows = np.random.default_rng(0), CaseMaker(corpus, length, limit).windows
        return [open_gap_batch(generator, windows[i:i + BATCH]) for i in range(0, len(windows), BATCH)]

    def measure(self, model: nn.Module) -> tuple[list[str], float]:
        """A line for each text and each kind of gap, and the mean of the closed gaps, by which the best model is chosen."""
        lines: list[str] = []
        means: list[float] = []
        for name, cases in self.closed.items():
            nats = {case: joint_nats(model, batches) for case, batches in cases.items()}
            means += nats.values()
            title = f"validation {os.path.basename(name)}" if len(self.closed) > 1 else "validation"
            lines.append(" ".join([title, *(f"{case} {value:.4f}" for case, value in nats.items())]))
            if name in self.open:
                lines.append(f"{title} {OPEN_GAPS} {joint_nats(model, self.open[name]):.4f}")
        return lines, float(np.mean(means))
