"""The exporter's folder: its contract, its hashes, and what it must refuse."""

import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from asarm_tools.checkpoints import random_checkpoint
from asarm_tools.checkpoints.checkpoint import checkpoint_hash, read_weights, write_weights
from asarm_tools.export import command as export
from asarm_tools.export import fixtures, folder
from asarm_tools.network.config import TwoStreamConfig

from conftest import ROOT
from exports import described


def properties(model: onnx.ModelProto) -> dict[str, str]:
    assert len({entry.key for entry in model.metadata_props}) == len(model.metadata_props)
    return {entry.key: entry.value for entry in model.metadata_props}


def axes(port) -> tuple:
    kind = port.type.tensor_type
    return port.name, kind.elem_type, [axis.dim_param or axis.dim_value for axis in kind.shape.dim]


def test_export_of_tiny_keeps_the_contract(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 64) == 0
    model = onnx.load(str(output / "model.onnx"))
    int64, sequence, targets = TensorProto.INT64, ["batch", "sequence"], ["batch", "targets"]
    assert [axes(port) for port in model.graph.input] == [
        ("input_ids", int64, sequence), ("order", int64, sequence), ("prompt_mask", int64, sequence),
        ("target_positions", int64, targets), ("target_horizons", int64, targets)]
    assert [axes(port) for port in model.graph.output] == [("logits", TensorProto.FLOAT, ["batch", "targets", 64])]
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    sha256 = checkpoint_hash(str(tiny))
    assert properties(model) == {
        "asarm.format_version": "3", "asarm.mask_id": "6", "asarm.maximum_length": "64", "asarm.layers": "3", "asarm.heads": "4",
        "asarm.checkpoint_sha256": sha256}
    assert (output / "config.json").read_bytes() == (tiny / "config.json").read_bytes()
    description = described(output)
    files = description.pop("files")
    assert description == {
        "format_version": 3, "maximum_length": 64, "vocabulary_size": 64, "layers": 3, "heads": 4, "model_dimension": 32,
        "precision": "float32", "mask_id": 6, "separator_id": 7, "special_ids": list(range(9)),
        "source": {"checkpoint_sha256": sha256, "opset": 17}}
    assert {path.name for path in output.iterdir()} == {"asarm.json", *files}
    assert list(files) == ["config.json", "golden.safetensors", "model.onnx", "model.onnx_data", "model_cached.onnx"]
    for name, entry in files.items():
        data = (output / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}, name
    assert [path.name for path in output.parent.iterdir()] == ["model"]  # nothing left over


def test_export_of_tiny_keeps_the_contract_of_the_cache(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 64) == 0
    model = onnx.load(str(output / "model_cached.onnx"))
    int64, real, content, targets = TensorProto.INT64, TensorProto.FLOAT, ["batch", "content"], ["batch", "targets"]
    ports = [f"{layer}.{kind}" for layer in range(3) for kind in ("key", "value")]
    assert [axes(port) for port in model.graph.input] == [
        ("input_ids", int64, content), ("content_positions", int64, content), ("content_horizons", int64, content),
        ("target_positions", int64, targets), ("target_horizons", int64, targets),
        ("past_ranks", int64, ["batch", "past"]), *((f"past_key_values.{port}", real, ["batch", 4, "past", 8]) for port in ports)]
    assert [axes(port) for port in model.graph.output] == [
        ("logits", real, ["batch", "targets", 64]), *((f"present.{port}", real, ["batch", 4, "past", 8]) for port in ports),
        ("target_states", real, ["batch", "targets", 32])]
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert properties(model) == properties(onnx.load(str(output / "model.onnx")))


@pytest.mark.parametrize("arguments, message", [
    (["--opset", 16], "opset 16 is outside"), (["--opset", 22], "opset 22 is outside"), (["--maximum-length", 1], "at least 2"),
    (["--maximum-length", 1_000_000], "at most 65,536, it is 1000000"), (["--maximum-length", 65_537], "at most 65,536"),
    (["--tokenizer", "missing.model"], "missing.model"), (["--golden", "missing.safetensors"], "missing.safetensors"),
    (["--checkpoint", "missing"], "missing has no config.json")])
def test_bad_arguments_are_one_line_and_write_nothing(tiny, output, call, capsys, arguments, message):
    assert call(export, "--checkpoint", tiny, "--output", output, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("export.py: ") and error.count("\n") == 1
    assert list(output.parent.iterdir()) == []


def test_long_sequences_are_announced_with_their_memory(tiny, output, call, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(folder.shutil, "copyfile", lambda *_: seen.append(capsys.readouterr().err) or 1 / 0)
    for length, more in ((65_536, []), (4096, ["--golden-lengths", 4096]), (4096, [])):
        with pytest.raises(ZeroDivisionError):
            call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", length, *more)
    monkeypatch.setattr(folder, "WORTH_A_WORD", 1 << 40)
    with pytest.raises(ZeroDivisionError):
        call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 65_536)
    assert [bool(error) for error in seen] == [False, True, False, False]
    assert seen[1] == ("export.py: sequences of 4,096 tokens take about 1.5 GiB of memory here, 0.0 GiB on disk and 0.0 GiB in a loaded model, "
                       "beside the weights: --maximum-length and --golden-lengths bound them\n")


def test_the_estimate_for_a_base_model_is_that_of_the_format(capsys):
    """docs/model-format.md: the table in memory takes 8 * layers * width * length bytes."""
    folder.warn_of_memory(random_checkpoint.SIZES["base"], 65_536, [1024])
    assert "3.3 GiB of memory here, 0.4 GiB on disk and 4.5 GiB in a loaded model" in capsys.readouterr().err


def test_fresh_goldens_of_long_models_are_short(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 20_000) == 0
    assert described(output)["maximum_length"] == 20_000
    lengths = [case["order"].size for case in fixtures.read_cases(str(output / "golden.safetensors"), 64)]
    assert (min(lengths), max(lengths)) == (2, 1024)


def test_onnx_is_loaded_before_pytorch():
    """The other way round, its checker crashes on Debian unstable."""
    program = "import sys, asarm_tools.export.against_transformers; names = list(sys.modules); print(names.index('onnx') < names.index('torch'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "tools")})
    assert done.stdout == "True\n", done.stderr


def test_trained_length_of_the_checkpoint_must_be_a_length(tiny, tmp_path, output, call, capsys):
    write_weights(str(tmp_path / "checkpoint"), read_weights(str(tiny)), trained_length="long")
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output) == 2
    assert "'long'" in capsys.readouterr().err


def test_open_gaps_of_the_checkpoint_are_described(tiny, tmp_path, output, call, capsys):
    write_weights(str(tmp_path / "open"), read_weights(str(tiny)), open_gaps=0.25)
    assert call(export, "--checkpoint", tmp_path / "open", "--output", output) == 0
    assert [described(output)[field] for field in ("open_gaps", "gap_end_id", "format_version")] == [0.25, 8, 3]
    assert call(export, "--checkpoint", tiny, "--output", output) == 0 and not {"open_gaps", "gap_end_id"} & set(described(output))
    for wrong in (1.5, "some", True):
        write_weights(str(tmp_path / "open"), read_weights(str(tiny)), open_gaps=wrong)
        assert call(export, "--checkpoint", tmp_path / "open", "--output", output) == 2
        assert "open_gaps" in capsys.readouterr().err


def test_a_wide_network_is_exported_in_int8(tmp_path, output, call):
    """From 1,024 numbers on vectors of the cached graph alone are large, too."""
    weights = random_checkpoint.random_weights(TwoStreamConfig(9, 1024, 1, 16, 64), 1, 0.02)
    write_weights(str(tmp_path / "wide"), weights)
    assert call(export, "--checkpoint", tmp_path / "wide", "--output", output, "--precision", "int8", "--maximum-length", 8) == 0


def test_goldens_longer_than_the_model_are_refused(tiny, tmp_path, output, call, capsys):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 32) == 0
    golden = shutil.copyfile(output / "golden.safetensors", tmp_path / "golden.safetensors")
    assert call(export, "--checkpoint", tiny, "--output", tmp_path / "short", "--maximum-length", 16, "--golden", golden) == 2
    assert "the maximum length is 16" in capsys.readouterr().err
    assert call(export, "--checkpoint", tiny, "--output", tmp_path / "both", "--golden", golden, "--golden-lengths", 3) == 2
    assert "--golden-lengths" in capsys.readouterr().err


def test_logits_that_are_not_finite_are_refused(tiny, tmp_path, output, call, capsys):
    weights = read_weights(str(tiny))
    weights["transformer.layer.1.ff.layer_1.weight"] = np.full_like(weights["transformer.layer.1.ff.layer_1.weight"], 3e38)
    write_weights(str(tmp_path / "checkpoint"), weights)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--maximum-length", 40) == 2
    assert "not finite" in capsys.readouterr().err
