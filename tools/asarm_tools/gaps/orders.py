"""Which tokens are unknown, and in which order they are decoded: the lattice order, given tokens first, then left to right.

Gaps of every kind that users make: scattered tokens, one span, several spans, a continuation. The share of unknown tokens
("target rate") widens linearly from 0.15 to its final range over the first steps (Guo & Ermon 2025, training scheme).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

SCATTERED, SPAN, SEVERAL_SPANS, CONTINUATION = range(4)
KINDS = (SCATTERED, SPAN, SEVERAL_SPANS, CONTINUATION)
KIND_NAMES = ("SCATTERED", "SPAN", "SPANS", "CONTINUATION")
FIRST_RATE = 0.15
IGNORED = -100  # the label of a target that does not count; PyTorch's own


def target_rate(generator: np.random.Generator, step: int, warmup: int, rates: Sequence[float], low_rates: Sequence[float]) -> float:
    """A rate drawn from the range of this step; in the share low_rates[0] of the steps, of rates up to low_rates[1] alone."""
    progress = min(1.0, step / max(1, warmup))
    low, high = (FIRST_RATE + progress * (rate - FIRST_RATE) for rate in rates)
    if generator.random() < low_rates[0]:
        high = max(low, min(high, low_rates[1]))
    return generator.uniform(low, high)


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
    prompt = np.ones(tokens.shape, np.int64)
    np.put_along_axis(prompt, positions, 0, 1)
    return network_batch(tokens, lattice_order(prompt), prompt, positions)


def lattice_order(prompt: np.ndarray) -> np.ndarray:
    """int64 [B, S]: the rank of each position, given tokens first, then the others, both left to right."""
    return np.where(prompt == 1, np.cumsum(prompt, 1), prompt.sum(1, keepdims=True) + np.cumsum(1 - prompt, 1)) - 1


def network_batch(tokens: np.ndarray, order: np.ndarray, prompt: np.ndarray, positions: np.ndarray,
                  ignored: np.ndarray | None = None) -> dict[str, torch.Tensor]:
    """Every target's horizon is its own rank; ignored [B, T] says which targets do not count."""
    labels = np.take_along_axis(tokens, positions, 1)
    inputs = {
        "input_ids": tokens, "order": order, "prompt_mask": prompt, "target_positions": positions,
        "target_horizons": np.take_along_axis(order, positions, 1), "labels": labels if ignored is None else np.where(ignored, IGNORED, labels),
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in inputs.items()}
