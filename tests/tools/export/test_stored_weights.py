"""Which weights an export stores as what: not more rounded than its goldens, and no valid checkpoint is taken for one with copies."""

import numpy as np

from asarm_tools.checkpoints.checkpoint import write_weights
from asarm_tools.checkpoints.random_checkpoint import random_weights
from asarm_tools.export import command as export
from asarm_tools.network.config import TwoStreamConfig

from exports import weights_of


def test_float16_storage_rounds_no_matrix_that_the_goldens_do_not(tmp_path, call):
    """Keys and values of width 24 are too few to be stored as float16, though they are enough side by side."""
    weights = random_weights(TwoStreamConfig(vocab_size=50, d_model=24, n_layer=2, n_head=2, d_inner=48), 1, 0.3)
    write_weights(str(tmp_path / "checkpoint"), weights)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", tmp_path / "model", "--maximum-length", 40, "--weights", "float16") == 0
    stored = weights_of(tmp_path / "model")
    assert stored["layer.0.attention.key_value.weight"].dtype == np.float32
    assert stored["layer.0.feed_forward.inner.weight"].dtype == np.float16


def test_groups_as_long_as_rows_are_no_copies_of_each_other(tmp_path, call):
    """Group scales of two layers are often the same numbers in another order."""
    weights = random_weights(TwoStreamConfig(vocab_size=50, d_model=128, n_layer=14, n_head=2, d_inner=1024), 1, 0.1)
    write_weights(str(tmp_path / "checkpoint"), weights)
    options = ("--precision", "int4", "--group-size", 128, "--maximum-length", 16)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", tmp_path / "model", *options) == 0
