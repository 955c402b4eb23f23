"""Matrices rounded to few bits: quantized values and their bytes, scales and group scales, and rounding that makes up for its errors."""

import numpy as np
import pytest
import torch

from asarm_tools.quantization.rounding import best_group_scales, best_scales, pairs, round_matrix, round_with_compensation

GROUP_SIZES = pytest.mark.parametrize("group_size", [None, 16, 32, 64])  # int8, and int4


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@GROUP_SIZES
def test_values_are_near(group_size):
    matrix = normal(24, 128)
    rounded = round_matrix(matrix, group_size)
    step = rounded.scales[:, None] * (1 if group_size is None else np.abs(rounded.group_scales).repeat(group_size, 1))
    outside = np.abs(rounded.values() - matrix.numpy()) > np.abs(step) * 0.5001  # values beyond the last quantized one, which the best scale may leave out
    assert outside.mean() < 0.05
    error = np.square(rounded.values() - matrix.numpy()).mean()
    assert error < (3e-4 if group_size is None else 0.015)


@pytest.mark.parametrize("group_size", [16, 32, 64])
def test_bytes_hold_the_quantized_values_of_int4(group_size):
    rounded = round_matrix(normal(24, 128), group_size)
    packed = rounded.packed()
    assert (packed.shape, packed.dtype) == ((24, 128 // group_size, group_size // 2), np.uint8) and rounded.group_scales.shape == (24, 128 // group_size)
    quantized = np.stack((packed & 15, packed >> 4), 3).astype(int) - 8
    whole = (quantized * rounded.group_scales[:, :, None, None]).reshape(24, 128)
    assert np.array_equal(pairs()[(rounded.group_scales[:, :, None].astype(int) + 8) * 256 + packed].reshape(24, 128), whole)
    assert np.array_equal(whole, rounded.whole()) and np.array_equal((whole * rounded.scales[:, None]).astype(np.float32), rounded.values())


@GROUP_SIZES
def test_two_products_fit_16_bits(group_size):
    """With activations of up to 255: processors without VNNI add two of them with saturation. Also of matrices of nothing but extremes."""
    for matrix in (normal(24, 128), normal(24, 128).sign(), -torch.ones(4, 128), torch.zeros(4, 128).index_fill(1, torch.tensor(5), -3.0)):
        for rounded in (round_matrix(matrix, group_size), round_with_compensation(matrix, torch.eye(128), group_size)):
            whole = rounded.whole()
            assert whole.dtype == np.int8 and 2 * 255 * np.abs(whole.astype(int)).max() < 1 << 15
            assert group_size is None or (np.abs(rounded.group_scales).max() <= 8 and rounded.group_scales.all())


def relative_error(rounded, matrix) -> float:
    return np.square(rounded.values() - matrix.numpy()).sum() / matrix.square().sum().item()


@pytest.mark.parametrize("rounding", [round_matrix, lambda matrix, group_size: round_with_compensation(matrix, torch.eye(128), group_size)])
def test_a_block_of_zeros_costs_the_others_nothing(rounding):
    matrix = normal(24, 128) * 0.02
    matrix[:, 32:64] = 0
    matrix[5] = 0
    whole = rounding(matrix, 32).values()
    assert not whole[:, 32:64].any() and not whole[5].any()
    sizes = np.abs(rounding(matrix, 32).group_scales)
    assert sizes.min() >= 1 and sizes.max() == 8
    assert relative_error(rounding(matrix, 32), matrix) < 0.012


def test_matrices_of_few_values_are_exact():
    quantized = torch.randint(-8, 8, (16, 64), generator=torch.Generator().manual_seed(1)).float()
    quantized[:, ::32] = -8
    group_scales = torch.tensor([[8.0, 3.0]]).repeat_interleave(32, 1)
    for scale in (0.25, -0.5):
        assert np.array_equal(round_matrix(quantized * group_scales * scale, 32).values(), (quantized * group_scales * scale).numpy())
        assert np.array_equal(round_matrix(quantized * 8 * scale, None).values(), (quantized * 8 * scale).numpy())
    for group_size in (None, 32):
        assert not round_matrix(torch.zeros(4, 32), group_size).values().any()


def test_searched_scales_are_better_than_those_of_the_extremes():
    groups = torch.randn(500, 32, generator=torch.Generator().manual_seed(1))
    ones = torch.ones(32)

    def error(scale, weights):
        rounded = (groups / scale[:, None]).round().clamp(-8, 7) * scale[:, None]
        return ((rounded - groups).square() @ weights).mean()

    assert error(best_scales(groups, ones, 4), ones) < 0.85 * error(groups.abs().amax(1) / 7, ones)
    heavy = torch.ones(32)
    heavy[:4] = 100
    assert error(best_scales(groups, heavy, 4), heavy) < 0.9 * error(best_scales(groups, ones, 4), heavy)


def test_multipliers_are_the_best_ones():
    groups, ones, units = normal(500, 32), torch.ones(32), normal(500).abs() * 0.02 + 0.03

    def error(group_scales):
        scale = (units * group_scales)[:, None]
        return (((groups / scale).round().clamp(-8, 7) * scale - groups).square() @ ones)

    best = best_group_scales(groups, ones, units)
    assert ((best.abs() >= 1) & (best.abs() <= 8) & (best == best.round())).all() and (best < 0).any()
    for other in (*range(-8, 0), *range(1, 9)):
        assert (error(best) <= error(torch.full_like(units, other)) + 1e-4).all()
    ones[:4] = 100
    assert error(best_group_scales(groups, ones, units)).sum() < 0.97 * error(best).sum()


@pytest.mark.parametrize("group_size", [None, 32])
def test_compensation_keeps_the_products(group_size):
    """Of inputs that depend on each other; the control is the same rounding without it."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(2000, 16, generator=generator) @ torch.randn(16, 64, generator=generator) + 0.3 * torch.randn(2000, 64, generator=generator)
    matrix = torch.randn(48, 64, generator=generator)
    hessian = inputs.t() @ inputs
    both = (round_matrix(matrix, group_size, hessian.diagonal()), round_with_compensation(matrix, hessian.clone(), group_size))
    errors = [(inputs @ (torch.from_numpy(rounded.values()) - matrix).t()).square().mean().item() for rounded in both]
    assert errors[1] < 0.5 * errors[0]


@GROUP_SIZES
def test_inputs_that_are_never_seen_are_no_trouble(group_size):
    matrix, hessian = normal(8, 64), torch.zeros(64, 64)
    assert relative_error(round_with_compensation(matrix, hessian, group_size), matrix) < 1.05 * relative_error(round_matrix(matrix, group_size), matrix)
    hessian[:16, :16] = torch.eye(16)
    if group_size in (None, 64):
        return  # those that are never seen share a step with those that are, and give way
    assert relative_error(round_with_compensation(matrix, hessian, group_size), matrix) < 1.5 * relative_error(round_matrix(matrix, group_size), matrix)
