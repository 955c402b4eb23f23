"""Which tokens training asks for: counts, kinds of gaps, lattice ranks."""

import numpy as np
import pytest

from asarm_tools.gaps import orders


@pytest.mark.parametrize("kind", orders.KINDS)
def test_positions_are_ascending_distinct_and_of_their_kind(kind):
    generator = np.random.default_rng(kind)
    for _ in range(300):
        length = int(generator.integers(2, 40))
        targets = orders.target_count(generator.uniform(0, 1), length)
        assert 1 <= targets <= length - 1
        positions = orders.target_positions(generator, kind, length, targets)
        assert positions.shape == (targets,)
        assert (np.diff(positions) > 0).all() and positions[0] >= 0 and positions[-1] < length
        spans = 1 + int((np.diff(positions) > 1).sum())
        if kind in (orders.SPAN, orders.CONTINUATION):
            assert spans == 1
        if kind == orders.CONTINUATION:
            assert positions[-1] == length - 1
        if kind == orders.SEVERAL_SPANS:
            assert min(2, targets, length - targets + 1) <= spans <= 5


def test_every_position_is_asked_by_scattered_and_spans():
    generator = np.random.default_rng(1)
    for kind in (orders.SCATTERED, orders.SPAN, orders.SEVERAL_SPANS):
        asked = np.concatenate([orders.target_positions(generator, kind, 9, 3) for _ in range(500)])
        assert set(asked) == set(range(9))


def test_lattice_batch_ranks_given_tokens_first_then_targets_left_to_right():
    generator = np.random.default_rng(2)
    tokens = generator.integers(9, 60, (20, 12))
    positions = np.stack([orders.target_positions(generator, number % 4, 12, 5) for number in range(20)])
    batch = {name: tensor.numpy() for name, tensor in orders.lattice_batch(tokens, positions).items()}
    for row in range(20):
        given = np.setdiff1d(np.arange(12), positions[row])
        assert np.array_equal(np.argsort(batch["order"][row]), np.concatenate((given, positions[row])))
        assert np.array_equal(np.flatnonzero(batch["prompt_mask"][row]), given)
        assert np.array_equal(batch["target_horizons"][row], np.arange(7, 12))  # each sees all ranks before its own
        assert np.array_equal(batch["labels"][row], tokens[row, positions[row]])
    assert np.array_equal(batch["input_ids"], tokens)
    assert all(array.dtype == np.int64 for array in batch.values())


def test_target_rate_widens_from_the_first_rate_to_the_range():
    generator = np.random.default_rng(3)

    def rates(step, low_rates=(0.0, 0.4), warmup=100):
        return [orders.target_rate(generator, step, warmup, [0.05, 0.99], low_rates) for _ in range(500)]

    assert set(rates(0)) == {orders.FIRST_RATE}
    for step, low, high in ((50, 0.10, 0.57), (100, 0.05, 0.99), (1000, 0.05, 0.99)):
        drawn = rates(step)
        assert low <= min(drawn) < low + 0.02 and high - 0.02 < max(drawn) <= high
    assert all(0.05 <= rate <= 0.99 for rate in rates(0, warmup=0))


def test_a_share_of_the_rates_stays_low():
    generator = np.random.default_rng(4)

    def share(low_rates, step=1000):
        return np.mean([orders.target_rate(generator, step, 100, [0.0, 1.0], low_rates) <= 0.4 for _ in range(4000)])

    assert share([0.5, 0.4]) == pytest.approx(0.5 + 0.5 * 0.4, abs=0.03)
    assert share([0.0, 0.4]) == pytest.approx(0.4, abs=0.03)
    assert share([1.0, 0.4]) == share([1.0, 0.0], step=0) == 1
