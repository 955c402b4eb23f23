"""Matrices rounded to few bits: the layout of MatMulNBits, scales, and rounding that makes up for its errors."""

import numpy as np
import pytest
import torch

from rounding import Rounded, best_scales, round_matrix, round_with_compensation


def unpacked(rounded: Rounded) -> np.ndarray:
    """The values from the bytes, as ONNX Runtime's documentation defines them."""
    outputs, blocks, _ = rounded.packed().shape
    values = np.empty((outputs, blocks, rounded.block), np.float32)
    for place in range(rounded.block):
        byte = rounded.packed()[:, :, place * rounded.bits // 8]
        code = byte if rounded.bits == 8 else (byte >> 4 * (place % 2)) & 15
        values[:, :, place] = (code.astype(np.float32) - 2 ** (rounded.bits - 1)) * rounded.scales
    return values.reshape(outputs, -1)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("block", [32, 64])
def test_packed_codes_give_the_values(bits, block):
    matrix = torch.randn(24, 128, generator=torch.Generator().manual_seed(1))
    rounded = round_matrix(matrix, bits, block)
    assert rounded.packed().shape == (24, 128 // block, block * bits // 8) and rounded.scales.shape == (24, 128 // block)
    assert np.array_equal(unpacked(rounded), rounded.values())
    step = np.repeat(np.abs(rounded.scales), block, 1)
    outside = np.abs(rounded.values() - matrix.numpy()) > step * 0.5001  # values beyond the last code, which the best scale may leave out
    assert outside.mean() < 0.05


def test_matrices_of_few_values_are_exact():
    codes = torch.randint(-8, 8, (16, 64), generator=torch.Generator().manual_seed(1)).float()
    codes[:, ::32] = -8
    for scale in (0.25, -0.5):
        assert np.array_equal(round_matrix(codes * scale, 4, 32).values(), (codes * scale).numpy())
    assert not round_matrix(torch.zeros(4, 32), 4, 32).values().any()


def test_searched_scales_are_better_than_those_of_the_extremes():
    blocks = torch.randn(500, 32, generator=torch.Generator().manual_seed(1))
    ones = torch.ones(32)

    def error(scale, weights):
        rounded = (blocks / scale[:, None]).round().clamp(-8, 7) * scale[:, None]
        return ((rounded - blocks).square() @ weights).mean()

    assert error(best_scales(blocks, ones, 4), ones) < 0.85 * error(blocks.abs().amax(1) / 7, ones)
    heavy = torch.ones(32)
    heavy[:4] = 100
    assert error(best_scales(blocks, heavy, 4), heavy) < 0.9 * error(best_scales(blocks, ones, 4), heavy)


def test_compensation_keeps_the_products():
    """Of inputs that depend on each other; the control is the same rounding without it."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(2000, 16, generator=generator) @ torch.randn(16, 64, generator=generator) + 0.3 * torch.randn(2000, 64, generator=generator)
    matrix = torch.randn(48, 64, generator=generator)
    hessian = inputs.t() @ inputs
    errors = []
    for rounded in (round_matrix(matrix, 4, 32, hessian.diagonal()), round_with_compensation(matrix, hessian.clone(), 4, 32)):
        errors.append((inputs @ (torch.from_numpy(rounded.values()) - matrix).t()).square().mean().item())
    assert errors[1] < 0.5 * errors[0]


def test_inputs_that_are_never_seen_are_no_trouble():
    matrix = torch.randn(8, 64, generator=torch.Generator().manual_seed(1))
    assert np.isfinite(round_with_compensation(matrix, torch.zeros(64, 64), 4, 32).values()).all()
