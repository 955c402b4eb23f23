"""Runs that start from a checkpoint."""

import json

import pytest

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError

from trainings import trained


@pytest.fixture(scope="module")
def start(texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    trained(texts, folder, "--steps", 5)
    return folder / "checkpoint"


def weights(folder) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_a_run_goes_on_from_the_weights(texts, tmp_path, start):
    """At a rate of zero they stay, unlike those of a run that starts with random ones."""
    still = ("--steps", 3, "--learning-rate", 0, "--seed", 7)
    trained(texts, tmp_path / "from", *still, "--init", start)
    assert weights(tmp_path / "from" / "checkpoint") == weights(start)
    trained(texts, tmp_path / "fresh", *still)
    assert weights(tmp_path / "fresh" / "checkpoint") != weights(start)
    trained(texts, tmp_path / "on", "--steps", 3, "--init", start)
    assert weights(tmp_path / "on" / "checkpoint") != weights(start)


def test_trained_tokens_are_those_of_both_runs(texts, tmp_path, start):
    trained(texts, tmp_path, "--steps", 3, "--init", start)
    assert json.loads((tmp_path / "checkpoint" / "config.json").read_text())["trained_tokens"] == 8 * 512
    config = json.loads((start / "config.json").read_text())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text(json.dumps({**config, "trained_tokens": "many"}))
    (tmp_path / "other" / "model.safetensors").write_bytes(weights(start))
    trained(texts, tmp_path / "untold", "--steps", 3, "--init", tmp_path / "other")
    assert json.loads((tmp_path / "untold" / "checkpoint" / "config.json").read_text())["trained_tokens"] == 3 * 512


@pytest.mark.parametrize("more, message", [
    (["--inner", 32], "has d_inner 64, this run d_inner 32"), (["--layers", 3, "--heads", 4], "has n_layer 2, n_head 2, this run n_layer 3, n_head 4")])
def test_other_sizes_are_refused(texts, tmp_path, start, more, message):
    with pytest.raises(InputError, match=message):
        trained(texts, tmp_path / "run", "--init", start, *more)
    assert not (tmp_path / "run").exists()


def test_another_activation_is_refused(texts, tmp_path, start):
    config = json.loads((start / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "ff_activation": "relu"}))
    (tmp_path / "model.safetensors").write_bytes(weights(start))
    assert read_model(str(tmp_path)).config.ff_activation == "relu"
    with pytest.raises(InputError, match="ff_activation relu, this run ff_activation gelu"):
        trained(texts, tmp_path / "run", "--init", tmp_path)


def test_a_resumed_run_needs_the_checkpoint_no_more(texts, tmp_path, start):
    trained(texts, tmp_path, "--steps", 3, "--init", start)
    assert "step 3 of 5" in trained(texts, tmp_path, "--steps", 5, "--resume")[0]
