"""Matrices rounded to integers with one scale for each output.

A matrix [N, K] turns K inputs into N outputs. int8: a weight is a quantized value times the output's scale. int4: a value of 4 bits times a small
integer that a group of `group_size` inputs along K shares, times the output's scale; so both become the same kind of int8 matrix when a graph is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from asarm_tools.command_line.failure import InputError

# Quantized values are multiplied with activations of 8 bits without a sign. Processors without VNNI add two such products in 16 bits with
# saturation: 2 * 255 * 64 just fits, so that one bit of eight is not used.
_INT8_BITS = 7
LARGEST = 1 << _INT8_BITS - 1
_MAX_GROUP_SCALE = LARGEST // 8  # of int4, whose quantized values go from -8 to 7

_ROWS, _THREADS = 256, 16  # outputs that are rounded at once
_COLUMNS = 128  # inputs whose errors are gathered before the rest of the matrix is corrected
_DAMPING = 0.01  # of the mean second moment
_SHARE = (1.0, 0.96, 0.92, 0.88, 0.84, 0.8, 0.76, 0.72, 0.68, 0.64)  # of the largest value that is still represented itself


@dataclass(frozen=True)
class Rounded:
    """quantized int8 [N, K], scales float32 [N]; of int4 also group_scales int8 [N, K / group_size]."""

    quantized: np.ndarray
    scales: np.ndarray
    group_scales: np.ndarray | None = None

    @property
    def bits(self) -> int:
        return 8 if self.group_scales is None else 4

    def whole(self) -> np.ndarray:
        """int8 [N, K]: what times the scale of the output is the value."""
        if self.group_scales is None:
            return self.quantized
        return self.quantized * self.group_scales.repeat(self.quantized.shape[1] // self.group_scales.shape[1], 1)

    def values(self) -> np.ndarray:
        """float32 [N, K]."""
        return self.whole() * self.scales[:, None]

    def packed(self) -> np.ndarray:
        """Of int4: uint8 [N, K / group_size, group_size / 2], two quantized values plus 8 in each; the first has the low half."""
        assert self.group_scales is not None
        shifted = (self.quantized + 8).astype(np.uint8).reshape(*self.group_scales.shape, -1)
        return shifted[:, :, ::2] | shifted[:, :, 1::2] << 4


def pairs() -> np.ndarray:
    """int8 [17 * 256, 2]: the integers that a byte of two quantized values stands for, by (group scale + 8) * 256 + byte."""
    group_scales, quantized = np.arange(-_MAX_GROUP_SCALE, _MAX_GROUP_SCALE + 1), np.arange(256)
    return (group_scales[:, None, None] * (np.stack((quantized & 15, quantized >> 4), 1) - 8)).reshape(-1, 2).astype(np.int8)


def best_scales(groups: np.ndarray, importance: np.ndarray, bits: int) -> np.ndarray:
    """The scale [N] of each group [N, group_size] with the least squared error, weighted by importance [group_size]. A scale may be negative:
    there is one quantized value more below the zero than above it, and the largest value gets the better side."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    largest, least, size = groups.max(1), groups.min(1), np.abs(groups).max(1)
    full = (size / high, size / low, -size / low, largest / high, least / low, largest / low, least / high)
    return _least_error(groups, importance, bits, (candidate * np.float32(share) for share in _SHARE for candidate in full))


def best_group_scales(groups: np.ndarray, importance: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The integer [N] of each group [N, group_size] that makes the best scale of the unit [N]; not 0, at most 8 in size."""
    sizes = range(1, _MAX_GROUP_SCALE + 1)
    scales = _least_error(groups, importance, 4, (units * np.float32(sign * size) for size in sizes for sign in (1, -1)))
    return np.rint(scales / units)


def _least_error(groups: np.ndarray, importance: np.ndarray, bits: int, candidates: Iterable[np.ndarray]) -> np.ndarray:
    best, least = np.zeros(len(groups), np.float32), np.full(len(groups), np.inf, np.float32)
    for scale in candidates:
        error = np.square(round_to(groups, scale[:, None], bits) - groups) @ importance
        better = error < least
        best, least = np.where(better, scale, best), np.where(better, error, least)
    if np.isinf(least).any():
        raise InputError("a weight matrix has values that are too large to be rounded: export float32")
    return np.where(best == 0, np.float32(1), best)


def round_to(values: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    """The nearest values that can be represented."""
    return quantized_values_of(values, scale, bits) * scale


def quantized_values_of(values: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    """As floating point."""
    half = 1 << bits - 1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        quantized = values / scale
    np.rint(quantized, quantized)
    np.nan_to_num(quantized, copy=False, nan=0, posinf=half, neginf=-half)
    return np.clip(quantized, -half, half - 1, quantized)


@dataclass(frozen=True)
class _Steps:
    """The distance between neighbouring values, float [N, groups], as a product of units [N] and group_scales [N, groups]."""

    units: np.ndarray
    group_scales: np.ndarray | None
    bits: int
    group_size: int

    def of(self, column: int) -> np.ndarray:
        return self.units if self.group_scales is None else self.units * self.group_scales[:, column // self.group_size]

    def rounded(self, quantized: np.ndarray) -> Rounded:
        group_scales = None if self.group_scales is None else self.group_scales.astype(np.int8)
        return Rounded(np.ascontiguousarray(quantized, np.int8), np.ascontiguousarray(self.units, np.float32), group_scales)


def _steps(matrix: np.ndarray, importance: np.ndarray, group_size: int | None) -> _Steps:
    inputs = matrix.shape[1]
    if group_size is None:
        return _Steps(best_scales(matrix, importance, _INT8_BITS), None, _INT8_BITS, inputs)
    places = [slice(begin, begin + group_size) for begin in range(0, inputs, group_size)]
    wanted = np.stack([np.abs(best_scales(matrix[:, place], importance[place], 4)) * matrix[:, place].any(1) for place in places], 1)
    units = wanted.max(1) / np.float32(_MAX_GROUP_SCALE)  # a group of zeros, which any scale fits, has no say in it
    units = np.where(units == 0, np.float32(1), units)
    group_scales = np.stack([best_group_scales(matrix[:, place], importance[place], units) for place in places], 1)
    return _Steps(units, group_scales, 4, group_size)


def round_matrix(matrix: np.ndarray, group_size: int | None, importance: np.ndarray | None = None) -> Rounded:
    """Every value to its nearest quantized one, int4 in groups, or int8 without groups; the scales take the importance [K] of the inputs into account."""
    weights = np.ones(matrix.shape[1], np.float32) if importance is None else importance

    def part(begin: int) -> Rounded:
        rows = np.ascontiguousarray(matrix[begin:begin + _ROWS], np.float32)
        steps = _steps(rows, weights, group_size)
        columns = [quantized_values_of(rows[:, at:at + steps.group_size], steps.of(at)[:, None], steps.bits) for at in range(0, rows.shape[1], steps.group_size)]
        return steps.rounded(np.concatenate(columns, 1))

    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:  # outputs are rounded one by one, and NumPy's loops take one core each
        return joined(list(pool.map(part, range(0, len(matrix), _ROWS))))


def joined(parts: list[Rounded]) -> Rounded:
    """The outputs of all parts, one after the other."""
    group_scales = None if parts[0].group_scales is None else np.concatenate([part.group_scales for part in parts])
    return Rounded(np.concatenate([part.quantized for part in parts]), np.concatenate([part.scales for part in parts]), group_scales)


def round_with_compensation(matrix: np.ndarray, hessian: np.ndarray, group_size: int | None) -> Rounded:
    """The matrix [N, K] so that its products with the inputs that the Hessian [K, K] was gathered from change little.

    GPTQ (Frantar et al. 2022, arXiv 2210.17323): one input after the other is rounded, the one with the largest second moment first, and
    those that follow take up its error. The scales are fixed before.
    """
    outputs, inputs = matrix.shape
    importance = hessian.diagonal() + np.float32(_damping(hessian))  # also of inputs that were never seen
    steps = _steps(matrix, importance, group_size)
    order = np.argsort(-importance, kind="stable")
    factor = _inverse_factor(hessian[order][:, order])
    work, quantized = np.array(matrix[:, order], np.float32), np.empty(matrix.shape, np.float32)
    for begin in range(0, inputs, _COLUMNS):
        end = min(begin + _COLUMNS, inputs)
        errors = np.empty((outputs, end - begin), np.float32)
        for place in range(begin, end):
            column = int(order[place])
            scale = steps.of(column)
            code = quantized_values_of(work[:, place], scale, steps.bits)
            quantized[:, column] = code
            errors[:, place - begin] = (work[:, place] - code * scale) / factor[place, place]
            work[:, place:end] -= errors[:, place - begin, None] * factor[place, place:end]
        work[:, end:] -= errors @ factor[begin:end, end:]
    return steps.rounded(quantized)


def _damping(hessian: np.ndarray) -> float:
    return _DAMPING * float(hessian.diagonal().mean()) + 1e-12


def _inverse_factor(hessian: np.ndarray) -> np.ndarray:
    """Upper Cholesky factor of the inverse, of a Hessian that is made a little larger on its diagonal."""
    wide = hessian.astype(np.float64)
    wide[np.diag_indices_from(wide)] += _damping(wide)
    return np.linalg.cholesky(np.linalg.inv(wide)).T.astype(np.float32)
