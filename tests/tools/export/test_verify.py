"""verify.py finds an export equal to its checkpoint, and sees every way in which it could differ."""

import json
import sys

import numpy as np
import pytest

from asarm_tools.checkpoints.checkpoint import read_weights, write_weights
from asarm_tools.checkpoints.tensor_file import read_tensors, write_tensors
from asarm_tools.export import command as export
from asarm_tools.export import verify

from conftest import ROOT


def change_golden(folder, name, change) -> None:
    tensors = read_tensors(folder / "golden.safetensors")
    tensors[name] = change(tensors[name])
    write_tensors(str(folder / "golden.safetensors"), tensors)


REPLAYS = pytest.mark.parametrize("replay", [verify.PYTORCH, verify.NUMPY])


@REPLAYS
def test_committed_exports_are_within_the_tolerance(tiny, micro, call, capsys, replay):
    # Goldens are of one processor and PyTorch: others round sums and sines otherwise, 2e-6 and, with the larger weights of micro, 1.5e-5.
    for model, checkpoint, limit in ((ROOT / "models" / "tiny", tiny, 1e-5), (micro / "onnx", micro, 3e-5)):
        assert call(verify, "--model", model, "--checkpoint", checkpoint, "--with", replay) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(read_tensors(model / "golden.safetensors")) // 6 + 1
        worst = max(float(line.split("difference ")[1]) for line in lines[:-1])
        assert worst < limit
        assert lines[-1] == f"{replay}: worst difference {worst:.3g}, tolerance 0.0001"


@REPLAYS
@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_fresh_exports_agree(tiny, tmp_path, call, weights, replay):
    assert call(export, "--checkpoint", tiny, "--output", tmp_path / "model", "--weights", weights, "--maximum-length", 20) == 0
    assert call(verify, "--model", tmp_path / "model", "--checkpoint", tiny, "--with", replay, "--tolerance", 1e-5 if replay == verify.PYTORCH else 1e-9) == 0


def test_rounded_weights_are_part_of_the_question(tiny, tmp_path, call):
    """The control: goldens of float16 weights do not pass for float32 ones."""
    assert call(export, "--checkpoint", tiny, "--output", tmp_path / "model", "--weights", "float16", "--maximum-length", 20) == 0
    path = tmp_path / "model" / "asarm.json"
    path.write_text(path.read_text().replace("float16-weights", "float32"))
    assert call(verify, "--model", tmp_path / "model", "--checkpoint", tiny) == 1


@pytest.mark.parametrize("name, change", [
    ("004.logits", lambda logits: logits + np.float32(2e-4)), ("004.logits", lambda logits: logits * np.float32("nan")),
    ("004.target_horizons", lambda horizons: horizons + 1), ("007.order", lambda order: order[::-1].copy()),
    ("005.input_ids", lambda ids: ids[::-1].copy())])
@REPLAYS
def test_differences_end_with_code_1(tiny, folder, call, name, change, replay):
    change_golden(folder, name, change)
    assert call(verify, "--model", folder, "--checkpoint", tiny, "--with", replay) == 1


def test_pytorch_replays_where_it_is_installed(tiny, folder, call, capsys, monkeypatch):
    assert call(verify, "--model", folder, "--checkpoint", tiny) == 0
    assert "\npytorch: worst difference" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "asarm_tools.export.answers", None)
    assert call(verify, "--model", folder, "--checkpoint", tiny) == 0
    assert "\nnumpy: worst difference" in capsys.readouterr().out
    assert call(verify, "--model", folder, "--checkpoint", tiny, "--with", "pytorch") == 2
    assert "--with pytorch needs PyTorch" in capsys.readouterr().err


def test_tolerance_is_the_callers(tiny, folder, call):
    change_golden(folder, "004.logits", lambda logits: logits + np.float32(2e-4))
    assert call(verify, "--model", folder, "--checkpoint", tiny, "--tolerance", "1e-3") == 0


def test_another_checkpoint_is_refused(tiny, folder, tmp_path, call, capsys):
    weights = read_weights(str(tiny))
    weights["lm_loss.bias"] = weights["lm_loss.bias"] + 1
    write_weights(str(tmp_path / "other"), weights)
    assert call(verify, "--model", folder, "--checkpoint", tmp_path / "other") == 2
    assert "exported from another checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("text, message", [
    ("{", "does not describe"), ("[]", "does not describe"), ("{}", "does not describe"), (None, "asarm.json"),
    (json.dumps({"precision": "int1", "files": {}, "source": {"checkpoint_sha256": ""}}), "unknown precision")])
def test_broken_folders_are_refused(tiny, folder, call, capsys, text, message):
    (folder / "asarm.json").unlink() if text is None else (folder / "asarm.json").write_text(text)
    assert call(verify, "--model", folder, "--checkpoint", tiny) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_truncated_goldens_are_refused(tiny, folder, call, capsys):
    path = folder / "golden.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert call(verify, "--model", folder, "--checkpoint", tiny) == 2
    assert "cut off" in capsys.readouterr().err
