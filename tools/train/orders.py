"""Which tokens are unknown, and in which order they are decoded: the lattice order, given tokens first, then left to right.

Gaps of every kind that users make: scattered tokens, one span, several spans, a continuation. The share of unknown tokens
("target rate") widens linearly from 0.15 to its final range over the first steps (Guo & Ermon 2025, training scheme).
"""

from __future__ import annotations

import numpy as np
import torch

SCATTERED, SPAN, SEVERAL_SPANS, CONTINUATION = range(4)
KINDS = (SCATTERED, SPAN, SEVERAL_SPANS, CONTINUATION)
FIRST_RATE = 0.15


def target_rate(generator: np.random.Generator, step: int, warmup: int, low: float, high: float) -> float:
    """A rate drawn from the range of this step."""
    progress = min(1.0, step / max(1, warmup))
    return generator.uniform(FIRST_RATE + progress * (low - FIRST_RATE), FIRST_RATE + progress * (high - FIRST_RATE))


def target_count(rate: float, length: int) -> int:
    """At least one target, and at least one given token."""
    return int(np.clip(round(rate * length), 1, length - 1))


def target_positions(generator: np.random.Generator, kind: int, length: int, targets: int) -> np.ndarray:
    """int64 [targets], ascending."""
    if kind == SCATTERED:
        return np.sort(generator.permutation(length)[:targets])
    if kind == SPAN:
        return generator.integers(0, length - targets + 1) + np.arange(targets)
    if kind == CONTINUATION:
        return length - targets + np.arange(targets)
    spans = min(int(generator.integers(2, 6)), targets, length - targets + 1)
    # Cut the targets into that many non-empty spans and spread the given tokens around them.
    cuts = np.sort(generator.permutation(targets - 1)[:spans - 1]) + 1
    span_of_target = np.searchsorted(cuts, np.arange(targets), side="right")
    given_before = np.sort(generator.permutation(length - targets + 1)[:spans])
    return given_before[span_of_target] + np.arange(targets)


def lattice_batch(tokens: np.ndarray, positions: np.ndarray) -> dict[str, torch.Tensor]:
    """The network's inputs for the teacher-forced joint: every target sees exactly the ranks before its own.

    tokens [B, S] and positions [B, T] int64; `labels` [B, T] are the tokens at the targets.
    """
    batch, length = tokens.shape
    targets = positions.shape[1]
    prompt = np.ones((batch, length), np.int64)
    np.put_along_axis(prompt, positions, 0, 1)
    unknown = 1 - prompt
    order = np.where(prompt == 1, np.cumsum(prompt, 1) - 1, length - targets + np.cumsum(unknown, 1) - 1)
    inputs = {
        "input_ids": tokens, "order": order, "prompt_mask": prompt, "target_positions": positions,
        "target_horizons": np.take_along_axis(order, positions, 1), "labels": np.take_along_axis(tokens, positions, 1),
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in inputs.items()}
