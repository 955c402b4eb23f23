"""Matrices rounded to few bits: quantized values and their bytes, scales and group scales, and rounding that makes up for its errors."""

import numpy as np
import pytest

from asarm_tools.quantization.rounding import best_group_scales, best_scales, pairs, round_matrix, round_with_compensation

GROUP_SIZES = pytest.mark.parametrize("group_size", [None, 16, 32, 64])  # int8, and int4


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def ones(size: int) -> np.ndarray:
    return np.ones(size, np.float32)


def identity(size: int) -> np.ndarray:
    return np.eye(size, dtype=np.float32)


@GROUP_SIZES
def test_values_are_near(group_size):
    matrix = normal(24, 128)
    rounded = round_matrix(matrix, group_size)
    step = rounded.scales[:, None] * (1 if group_size is None else np.abs(rounded.group_scales).repeat(group_size, 1))
    outside = np.abs(rounded.values() - matrix) > np.abs(step) * 0.5001  # values beyond the last quantized one, which the best scale may leave out
    assert outside.mean() < 0.05
    error = np.square(rounded.values() - matrix).mean()
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
    one_column = np.zeros((4, 128), np.float32)
    one_column[:, 5] = -3
    for matrix in (normal(24, 128), np.sign(normal(24, 128)), -np.ones((4, 128), np.float32), one_column):
        for rounded in (round_matrix(matrix, group_size), round_with_compensation(matrix, identity(128), group_size)):
            whole = rounded.whole()
            assert whole.dtype == np.int8 and 2 * 255 * np.abs(whole.astype(int)).max() < 1 << 15
            assert group_size is None or (np.abs(rounded.group_scales).max() <= 8 and rounded.group_scales.all())


def relative_error(rounded, matrix) -> float:
    return np.square(rounded.values() - matrix).sum() / np.square(matrix).sum()


@pytest.mark.parametrize("rounding", [round_matrix, lambda matrix, group_size: round_with_compensation(matrix, identity(128), group_size)])
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
    quantized = np.random.default_rng(1).integers(-8, 8, (16, 64)).astype(np.float32)
    quantized[:, ::32] = -8
    group_scales = np.array([[8, 3]], np.float32).repeat(32, 1)
    for scale in (np.float32(0.25), np.float32(-0.5)):
        assert np.array_equal(round_matrix(quantized * group_scales * scale, 32).values(), quantized * group_scales * scale)
        assert np.array_equal(round_matrix(quantized * 8 * scale, None).values(), quantized * 8 * scale)
    for group_size in (None, 32):
        assert not round_matrix(np.zeros((4, 32), np.float32), group_size).values().any()


def test_searched_scales_are_better_than_those_of_the_extremes():
    groups, alike, heavy = normal(500, 32), ones(32), ones(32)
    heavy[:4] = 100

    def error(scale, weights):
        rounded = np.rint(groups / scale[:, None]).clip(-8, 7) * scale[:, None]
        return (np.square(rounded - groups) @ weights).mean()

    assert error(best_scales(groups, alike, 4), alike) < 0.85 * error(np.abs(groups).max(1) / 7, alike)
    assert error(best_scales(groups, heavy, 4), heavy) < 0.9 * error(best_scales(groups, alike, 4), heavy)


def test_multipliers_are_the_best_ones():
    groups, importance, units = normal(500, 32), ones(32), np.abs(normal(500)) * np.float32(0.02) + np.float32(0.03)

    def error(group_scales):
        scale = (units * group_scales)[:, None]
        return np.square(np.rint(groups / scale).clip(-8, 7) * scale - groups) @ importance

    best = best_group_scales(groups, importance, units)
    assert ((np.abs(best) >= 1) & (np.abs(best) <= 8) & (best == np.rint(best))).all() and (best < 0).any()
    for other in (*range(-8, 0), *range(1, 9)):
        assert (error(best) <= error(np.full_like(units, other)) + 1e-4).all()
    importance[:4] = 100
    assert error(best_group_scales(groups, importance, units)).sum() < 0.97 * error(best).sum()


@pytest.mark.parametrize("group_size", [None, 32])
def test_compensation_keeps_the_products(group_size):
    """Of inputs that depend on each other; the control is the same rounding without it."""
    generator = np.random.default_rng(1)
    common, mixed, own, matrix = (generator.standard_normal(shape, np.float32) for shape in ((2000, 16), (16, 64), (2000, 64), (48, 64)))
    inputs = common @ mixed + np.float32(0.3) * own
    hessian = inputs.T @ inputs
    both = (round_matrix(matrix, group_size, hessian.diagonal()), round_with_compensation(matrix, hessian, group_size))
    errors = [np.square(inputs @ (rounded.values() - matrix).T).mean() for rounded in both]
    assert errors[1] < 0.5 * errors[0]


@GROUP_SIZES
def test_inputs_that_are_never_seen_are_no_trouble(group_size):
    matrix, hessian = normal(8, 64), np.zeros((64, 64), np.float32)
    assert relative_error(round_with_compensation(matrix, hessian, group_size), matrix) < 1.05 * relative_error(round_matrix(matrix, group_size), matrix)
    hessian[:16, :16] = identity(16)
    if group_size in (None, 64):
        return  # those that are never seen share a step with those that are, and give way
    assert relative_error(round_with_compensation(matrix, hessian, group_size), matrix) < 1.5 * relative_error(round_matrix(matrix, group_size), matrix)


@GROUP_SIZES
def test_outputs_are_rounded_each_for_itself(group_size):
    """More of them than are rounded at once: the same as one by one, and none depends on the order of threads."""
    matrix = normal(600, 64)
    matrix[300] *= 1000
    whole = round_matrix(matrix, group_size)
    for begin in (0, 255, 256, 300, 599):
        alone = round_matrix(matrix[begin:begin + 1], group_size)
        assert np.array_equal(alone.quantized[0], whole.quantized[begin]) and alone.scales[0] == whole.scales[begin]
    again = round_matrix(matrix, group_size)
    assert np.array_equal(again.quantized, whole.quantized) and np.array_equal(again.scales, whole.scales)


def test_every_value_has_its_nearest_quantized_one():
    matrix = normal(24, 128)
    for group_size in (None, 32):
        rounded = round_matrix(matrix, group_size)
        least, most, steps = (-8, 7, rounded.group_scales.repeat(group_size, 1)) if group_size else (-64, 63, np.ones((24, 128), np.float32))
        error = np.abs(rounded.values() - matrix)
        for other in (rounded.quantized.astype(int) - 1, rounded.quantized.astype(int) + 1):
            allowed = (other >= least) & (other <= most)
            assert (error <= np.abs(other * steps * rounded.scales[:, None] - matrix) + 1e-6)[allowed].all()
        assert rounded.quantized.min() >= least and rounded.quantized.max() <= most and not np.array_equal(rounded.values(), matrix)


def test_what_was_given_stays():
    matrix, hessian = normal(16, 64), identity(64)
    before = matrix.copy(), hessian.copy()
    round_matrix(matrix, 32), round_with_compensation(matrix, hessian, 32)
    assert np.array_equal(matrix, before[0]) and np.array_equal(hessian, before[1])
