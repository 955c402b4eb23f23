"""Checkpoints of random weights."""

import numpy as np
import pytest

from asarm_tools.checkpoints import random_checkpoint
from asarm_tools.checkpoints.checkpoint import checkpoint_hash, read_weights, write_weights
from asarm_tools.checkpoints.torch_model import read_model


def test_random_checkpoints_appear_whole_or_not_at_all(tmp_path, call, monkeypatch):
    monkeypatch.setattr(random_checkpoint, "write_weights", lambda folder, weights: (write_weights(folder, weights), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        call(random_checkpoint, "--size", "small", "--output", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setattr("sys.argv", ["", "--size", "small", "--output", str(tmp_path / "new")])
    assert random_checkpoint.main() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["new"] and read_model(str(tmp_path / "new")).config.d_model == 128


@pytest.mark.parametrize("size", ["text", "small"])
def test_random_checkpoints_are_of_their_seed(tmp_path, call, size):
    """Small ones are wider, so that their answers differ from each other; norms do nothing yet."""
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        assert call(random_checkpoint, "--size", size, "--seed", seed, "--output", tmp_path / name) == 0
    first, again, other = (read_weights(str(tmp_path / name)) for name in ("first", "again", "other"))
    assert first.config == random_checkpoint.SIZES[size] and checkpoint_hash(str(tmp_path / "first")) == checkpoint_hash(str(tmp_path / "again"))
    for name, values in first.items():
        assert np.array_equal(values, again[name]) and np.isfinite(values).all()
        if "layer_norm" in name:
            assert (values == name.endswith("weight")).all()
        else:
            assert not np.array_equal(values, other[name]) and 0.05 < values.std() < 0.2
    assert call(random_checkpoint, "--size", size, "--output", tmp_path / "first") == 2
