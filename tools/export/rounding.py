"""Matrices rounded to a few bits in blocks of one scale, as com.microsoft.MatMulNBits stores them.

A matrix [N, K] turns K inputs into N outputs. Each block of `block` neighbours along K has a scale; a value is (code - zero) * scale with
codes of `bits` bits and the zero in their middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_COLUMNS = 128  # inputs whose errors are gathered before the rest of the matrix is corrected
_DAMPING = 0.01  # of the mean second moment
_SHARE = (1.0, 0.96, 0.92, 0.88, 0.84, 0.8, 0.76, 0.72, 0.68, 0.64)  # of the largest value that still has a code of its own


@dataclass(frozen=True)
class Rounded:
    """codes uint8 [N, K], scales float32 [N, K / block]."""

    codes: np.ndarray
    scales: np.ndarray
    bits: int

    @property
    def block(self) -> int:
        return self.codes.shape[1] // self.scales.shape[1]

    def values(self) -> np.ndarray:
        """What the codes stand for, float32 [N, K]."""
        whole = (self.codes.astype(np.float32) - (1 << self.bits - 1)).reshape(*self.scales.shape, self.block) * self.scales[:, :, None]
        return whole.reshape(self.codes.shape)

    def packed(self) -> np.ndarray:
        """uint8 [N, K / block, block * bits / 8]; of two codes in a byte the first has the low half."""
        blocks = self.codes.reshape(*self.scales.shape, self.block)
        return blocks if self.bits == 8 else blocks[:, :, ::2] | blocks[:, :, 1::2] << 4


def best_scales(blocks: Tensor, importance: Tensor, bits: int) -> Tensor:
    """The scale [N] of each block [N, block] with the least squared error, weighted by importance [block]. A scale may be negative:
    there is one code more below the zero than above it, and the largest value gets the better side."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    extremes = torch.stack((blocks.amax(1) / high, blocks.amin(1) / low, blocks.amax(1) / low, blocks.amin(1) / high))
    size = blocks.abs().amax(1)
    full = torch.stack((size / high, size / low, -size / low, *extremes.unbind()))
    best, least = size / high, torch.full_like(size, torch.inf)
    for share in _SHARE:
        for candidate in full:
            scale = candidate * share
            error = (round_to(blocks, scale[:, None], bits) - blocks).square() @ importance
            better = error < least
            best, least = torch.where(better, scale, best), torch.where(better, error, least)
    return torch.where(best == 0, torch.ones_like(best), best)


def round_to(values: Tensor, scale: Tensor, bits: int) -> Tensor:
    """The nearest values that have a code."""
    return codes_of(values, scale, bits) * scale


def codes_of(values: Tensor, scale: Tensor, bits: int) -> Tensor:
    """Codes minus the zero, as floating point."""
    half = 1 << bits - 1
    return (values / scale).round().nan_to_num(0).clamp(-half, half - 1)


@torch.no_grad()
def round_matrix(matrix: Tensor, bits: int, block: int, importance: Tensor | None = None) -> Rounded:
    """Every value to its nearest code; the scales take the importance [K] of the inputs into account."""
    inputs = matrix.shape[1]
    weights = torch.ones(inputs) if importance is None else importance
    scales, codes = [], []
    for begin in range(0, inputs, block):
        part = matrix[:, begin:begin + block]
        scale = best_scales(part, weights[begin:begin + block], bits)
        scales.append(scale)
        codes.append(codes_of(part, scale[:, None], bits))
    return _pack(torch.cat(codes, 1), torch.stack(scales, 1), bits)


def _pack(codes: Tensor, scales: Tensor, bits: int) -> Rounded:
    return Rounded((codes + (1 << bits - 1)).to(torch.uint8).numpy(), scales.float().contiguous().numpy(), bits)


@torch.no_grad()
def round_with_compensation(matrix: Tensor, hessian: Tensor, bits: int, block: int) -> Rounded:
    """The matrix [N, K] so that its products with the inputs that the Hessian [K, K] was gathered from change little.

    GPTQ (Frantar et al. 2022, arXiv 2210.17323): one input after the other is rounded, the one with the largest second moment first, and
    those that follow take up its error. The scales are fixed before.
    """
    outputs, inputs = matrix.shape
    importance = hessian.diagonal()
    scales = torch.stack([best_scales(matrix[:, begin:begin + block], importance[begin:begin + block], bits) for begin in range(0, inputs, block)], 1)
    order = importance.argsort(descending=True)
    factor = _inverse_factor(hessian[order][:, order])
    work, codes = matrix[:, order].clone(), torch.empty_like(matrix)
    for begin in range(0, inputs, _COLUMNS):
        end = min(begin + _COLUMNS, inputs)
        errors = torch.empty(outputs, end - begin)
        for place in range(begin, end):
            column = int(order[place])
            scale = scales[:, column // block]
            code = codes_of(work[:, place], scale, bits)
            codes[:, column] = code
            errors[:, place - begin] = (work[:, place] - code * scale) / factor[place, place]
            work[:, place:end] -= errors[:, place - begin, None] * factor[place, place:end]
        work[:, end:] -= errors @ factor[begin:end, end:]
    return _pack(codes, scales, bits)


def _inverse_factor(hessian: Tensor) -> Tensor:
    """Upper Cholesky factor of the inverse, of a Hessian that is made a little larger on its diagonal."""
    wide = hessian.double()
    wide.diagonal().add_(_DAMPING * float(wide.diagonal().mean()) + 1e-12)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(wide))
    return torch.linalg.cholesky(inverse, upper=True).float()
