"""Matrices rounded to integers with one scale for each output.

A matrix [N, K] turns K inputs into N outputs. int8: a weight is a quantized value times the output's scale. int4: a value of 4 bits times a small
integer that a group of `group_size` inputs along K shares, times the output's scale; so both become the same kind of int8 matrix when a graph is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# Quantized values are multiplied with activations of 8 bits without a sign. Processors without VNNI add two such products in 16 bits with
# saturation: 2 * 255 * 64 just fits, so that one bit of eight is not used.
_INT8_BITS = 7
LARGEST = 1 << _INT8_BITS - 1
_MAX_GROUP_SCALE = LARGEST // 8  # of int4, whose quantized values go from -8 to 7

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


def best_scales(groups: Tensor, importance: Tensor, bits: int) -> Tensor:
    """The scale [N] of each group [N, group_size] with the least squared error, weighted by importance [group_size]. A scale may be negative:
    there is one quantized value more below the zero than above it, and the largest value gets the better side."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    extremes = torch.stack((groups.amax(1) / high, groups.amin(1) / low, groups.amax(1) / low, groups.amin(1) / high))
    size = groups.abs().amax(1)
    full = torch.stack((size / high, size / low, -size / low, *extremes.unbind()))
    return _least_error(groups, importance, bits, (candidate * share for share in _SHARE for candidate in full))


def best_group_scales(groups: Tensor, importance: Tensor, units: Tensor) -> Tensor:
    """The integer [N] of each group [N, group_size] that makes the best scale of the unit [N]; not 0, at most 8 in size."""
    sizes = range(1, _MAX_GROUP_SCALE + 1)
    scales = _least_error(groups, importance, 4, (units * sign * size for size in sizes for sign in (1, -1)))
    return (scales / units).round()


def _least_error(groups: Tensor, importance: Tensor, bits: int, candidates: Iterable[Tensor]) -> Tensor:
    best, least = None, torch.full((len(groups),), torch.inf)
    for scale in candidates:
        error = (round_to(groups, scale[:, None], bits) - groups).square() @ importance
        better = error < least
        best, least = scale if best is None else torch.where(better, scale, best), torch.where(better, error, least)
    return torch.where(best == 0, torch.ones_like(best), best)


def round_to(values: Tensor, scale: Tensor, bits: int) -> Tensor:
    """The nearest values that can be represented."""
    return quantized_values_of(values, scale, bits) * scale


def quantized_values_of(values: Tensor, scale: Tensor, bits: int) -> Tensor:
    """As floating point."""
    half = 1 << bits - 1
    return (values / scale).round().nan_to_num(0).clamp(-half, half - 1)


@dataclass(frozen=True)
class _Steps:
    """The distance between neighbouring values, float [N, groups], as a product of units [N] and group_scales [N, groups]."""

    units: Tensor
    group_scales: Tensor | None
    bits: int
    group_size: int

    def of(self, column: int) -> Tensor:
        return self.units if self.group_scales is None else self.units * self.group_scales[:, column // self.group_size]

    def rounded(self, quantized: Tensor) -> Rounded:
        group_scales = None if self.group_scales is None else self.group_scales.to(torch.int8).numpy()
        return Rounded(quantized.to(torch.int8).contiguous().numpy(), self.units.float().contiguous().numpy(), group_scales)


def _steps(matrix: Tensor, importance: Tensor, group_size: int | None) -> _Steps:
    inputs = matrix.shape[1]
    if group_size is None:
        return _Steps(best_scales(matrix, importance, _INT8_BITS), None, _INT8_BITS, inputs)
    places = [slice(begin, begin + group_size) for begin in range(0, inputs, group_size)]
    wanted = torch.stack([best_scales(matrix[:, place], importance[place], 4).abs() * matrix[:, place].any(1) for place in places], 1)
    units = wanted.amax(1) / _MAX_GROUP_SCALE  # a group of zeros, which any scale fits, has no say in it
    units = torch.where(units == 0, torch.ones_like(units), units)
    group_scales = torch.stack([best_group_scales(matrix[:, place], importance[place], units) for place in places], 1)
    return _Steps(units, group_scales, 4, group_size)


@torch.no_grad()
def round_matrix(matrix: Tensor, group_size: int | None, importance: Tensor | None = None) -> Rounded:
    """Every value to its nearest quantized one, int4 in groups, or int8 without groups; the scales take the importance [K] of the inputs into account."""
    steps = _steps(matrix, torch.ones(matrix.shape[1]) if importance is None else importance, group_size)
    parts = [quantized_values_of(matrix[:, begin:begin + steps.group_size], steps.of(begin)[:, None], steps.bits) for begin in range(0, matrix.shape[1], steps.group_size)]
    return steps.rounded(torch.cat(parts, 1))


@torch.no_grad()
def round_with_compensation(matrix: Tensor, hessian: Tensor, group_size: int | None) -> Rounded:
    """The matrix [N, K] so that its products with the inputs that the Hessian [K, K] was gathered from change little.

    GPTQ (Frantar et al. 2022, arXiv 2210.17323): one input after the other is rounded, the one with the largest second moment first, and
    those that follow take up its error. The scales are fixed before.
    """
    outputs, inputs = matrix.shape
    importance = hessian.diagonal() + _damping(hessian)  # also of inputs that were never seen
    steps = _steps(matrix, importance, group_size)
    order = importance.argsort(descending=True)
    factor = _inverse_factor(hessian[order][:, order])
    work, quantized = matrix[:, order].clone(), torch.empty_like(matrix)
    for begin in range(0, inputs, _COLUMNS):
        end = min(begin + _COLUMNS, inputs)
        errors = torch.empty(outputs, end - begin)
        for place in range(begin, end):
            column = int(order[place])
            scale = steps.of(column)
            code = quantized_values_of(work[:, place], scale, steps.bits)
            quantized[:, column] = code
            errors[:, place - begin] = (work[:, place] - code * scale) / factor[place, place]
            work[:, place:end] -= errors[:, place - begin, None] * factor[place, place:end]
        work[:, end:] -= errors @ factor[begin:end, end:]
    return steps.rounded(quantized)


def _damping(hessian: Tensor) -> float:
    return _DAMPING * float(hessian.diagonal().mean()) + 1e-12


def _inverse_factor(hessian: Tensor) -> Tensor:
    """Upper Cholesky factor of the inverse, of a Hessian that is made a little larger on its diagonal."""
    wide = hessian.double()
    wide.diagonal().add_(_damping(wide))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(wide))
    return torch.linalg.cholesky(inverse, upper=True).float()
