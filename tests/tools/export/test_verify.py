"""verify.py finds an export equal to its checkpoint, and sees every way in which it could differ."""

import json
import shutil

import numpy as np
import pytest

from asarm_tools.checkpoints.torch_model import read_model, write_model
from asarm_tools.checkpoints.tensor_file import read_tensors, write_tensors
from asarm_tools.export import command as export
from asarm_tools.export import verify

from conftest import ROOT


@pytest.fixture
def folder(tmp_path):
    """A copy of the committed export that a test may change."""
    return shutil.copytree(ROOT / "models" / "tiny", tmp_path / "model")


def change_golden(folder, name, change) -> None:
    tensors = read_tensors(folder / "golden.safetensors")
    tensors[name] = change(tensors[name])
    write_tensors(str(folder / "golden.safetensors"), tensors)


def test_committed_exports_are_within_the_tolerance(tiny, micro, call, capsys):
    # Goldens are of one processor and PyTorch: others round sums and sines otherwise, 2e-6 and, with the larger weights of micro, 1.5e-5.
    for model, checkpoint, limit in ((ROOT / "models" / "tiny", tiny, 1e-5), (micro / "onnx", micro, 3e-5)):
        assert call(verify, "--model", model, "--checkpoint", checkpoint) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(read_tensors(model / "golden.safetensors")) // 6 + 1
        worst = max(float(line.split("difference ")[1]) for line in lines[:-1])
        assert worst < limit
        assert lines[-1] == f"worst difference {worst:.3g}, tolerance 0.0001"


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_fresh_exports_agree_exactly(tiny, tmp_path, call, weights):
    assert call(export, "--checkpoint", tiny, "--output", tmp_path / "model", "--weights", weights, "--maximum-length", 20) == 0
    assert call(verify, "--model", tmp_path / "model", "--checkpoint", tiny, "--tolerance", 1e-6) == 0


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
def test_differences_end_with_code_1(tiny, folder, call, name, change):
    change_golden(folder, name, change)
    assert call(verify, "--model", folder, "--checkpoint", tiny) == 1


def test_tolerance_is_the_callers(tiny, folder, call):
    change_golden(folder, "004.logits", lambda logits: logits + np.float32(2e-4))
    assert call(verify, "--model", folder, "--checkpoint", tiny, "--tolerance", "1e-3") == 0


def test_another_checkpoint_is_refused(tiny, folder, tmp_path, call, capsys):
    model = read_model(str(tiny))
    model.lm_loss.bias.data += 1
    write_model(str(tmp_path / "other"), model)
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
