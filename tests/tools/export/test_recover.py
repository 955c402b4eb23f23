"""An exported folder becomes the checkpoint that it was made from, but for what the network does not use."""

import json
import shutil

import numpy as np
import onnx
import pytest

from asarm_tools.checkpoints.checkpoint import read_weights, write_weights
from asarm_tools.checkpoints.tensor_file import read_tensors
from asarm_tools.export import command as export
from asarm_tools.export import recover, verify
from asarm_tools.quantization.precision import round_weights

from exports import COMMITTED, GRAPHS, TRACED, bare, described, fresh_weights

UNUSED = ("r_s_bias", "seg_embed")  # zeros by design: they change nothing


@pytest.fixture
def export_of(tmp_path, call):
    """export_of(checkpoint, name, *arguments) -> a new model folder."""
    def export_there(checkpoint, name, *arguments):
        assert call(export, "--checkpoint", checkpoint, "--output", tmp_path / name, "--maximum-length", 20, *arguments) == 0
        return tmp_path / name

    return export_there


@pytest.fixture
def recovered(tmp_path, call):
    """recovered(model folder, name) -> the checkpoint made of it."""
    def recover_there(model, name="recovered"):
        assert call(recover, "--model", model, "--output", tmp_path / name) == 0
        return tmp_path / name

    return recover_there


def same_weights(checkpoint, weights: dict[str, np.ndarray]) -> bool:
    """Bit for bit, so that zeros keep their sign."""
    found = read_tensors(checkpoint / "model.safetensors")
    assert found.keys() == weights.keys() and any(name.endswith(UNUSED) for name in found)
    for name, array in found.items():
        wanted = np.zeros_like(weights[name]) if name.endswith(UNUSED) else weights[name]
        assert (array.dtype, array.shape, array.tobytes()) == (np.float32, wanted.shape, wanted.tobytes()), name
    return True


def all_bytes(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_recovered_weights_are_those_of_the_checkpoint(tiny, export_of, recovered):
    checkpoint = recovered(export_of(tiny, "model"))
    assert same_weights(checkpoint, read_tensors(tiny / "model.safetensors"))
    assert (checkpoint / "config.json").read_bytes() == (tiny / "config.json").read_bytes()
    assert {path.name for path in checkpoint.iterdir()} == {"config.json", "model.safetensors"}


def test_committed_exports_hold_the_golden_weights(tiny, micro, recovered):
    """Whatever their format."""
    for model, checkpoint in ((COMMITTED, tiny), (micro / "onnx", micro)):
        assert same_weights(recovered(model, checkpoint.name), read_tensors(checkpoint / "model.safetensors"))


def test_folders_of_format_1_hold_the_golden_weights(micro, tmp_path, recovered):
    """Which PyTorch traced: float32 of micro, and float16-weights of normal numbers."""
    assert all(described(TRACED / name)["format_version"] == 1 for name in ("float32", "float16"))
    assert same_weights(recovered(TRACED / "float32", "first"), read_tensors(micro / "model.safetensors"))
    weights = fresh_weights(32, 1)
    round_weights(weights)
    write_weights(str(tmp_path / "rounded"), weights)
    assert same_weights(recovered(TRACED / "float16", "second"), read_tensors(tmp_path / "rounded" / "model.safetensors"))


def test_an_old_folder_becomes_a_new_one(micro, tmp_path, export_of, recovered, call):
    """The way from format 1 to format 3: recover, then export."""
    checkpoint = recovered(TRACED / "float32")
    assert described(export_of(checkpoint, "new"))["format_version"] == 3
    assert same_weights(recovered(tmp_path / "new", "again"), read_tensors(micro / "model.safetensors"))


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_folders_of_integers_are_refused(tiny, output, export_of, call, capsys, precision):
    assert refused(call, capsys, export_of(tiny, "rounded", "--precision", precision), output, "model.onnx does not hold embedding.weight")
    assert not output.exists()


def test_float16_folders_give_their_rounded_weights(tiny, export_of, recovered):
    """Of fp16 also the small ones are rounded."""
    checkpoint = recovered(export_of(tiny, "model", "--precision", "fp16"))
    found = read_tensors(checkpoint / "model.safetensors")
    for name, values in read_tensors(tiny / "model.safetensors").items():
        assert name.endswith(UNUSED) or np.array_equal(found[name], values.astype(np.float16).astype(np.float32)), name


def test_recovered_float16_weights_are_the_rounded_ones(tiny, tmp_path, export_of, recovered):
    checkpoint = recovered(export_of(tiny, "model", "--weights", "float16"))
    weights = read_weights(str(tiny))
    round_weights(weights)
    write_weights(str(tmp_path / "rounded"), weights)
    assert same_weights(checkpoint, read_tensors(tmp_path / "rounded" / "model.safetensors"))
    name = "transformer.layer.1.ff.layer_1.weight"
    before, after = (read_tensors(path / "model.safetensors")[name] for path in (tiny, checkpoint))
    assert np.array_equal(after, before.astype(np.float16)) and not np.array_equal(after, before)


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_export_of_the_recovered_checkpoint_repeats_every_byte(tiny, export_of, recovered, call, weights):
    first = export_of(tiny, "first", "--weights", weights)
    second = export_of(recovered(first), "second", "--weights", weights)
    assert (first / "model.onnx_data").read_bytes() == (second / "model.onnx_data").read_bytes()
    assert (first / "golden.safetensors").read_bytes() == (second / "golden.safetensors").read_bytes()
    for file in GRAPHS:  # but for the hash of the checkpoint, which had unused weights
        graphs = [bare(folder, file) for folder in (first, second)]
        for graph in graphs:
            kept = [entry for entry in graph.metadata_props if entry.key != "asarm.checkpoint_sha256"]
            assert len(kept) == len(graph.metadata_props) - 1
            del graph.metadata_props[:]
            graph.metadata_props.extend(kept)
        assert graphs[0].SerializeToString() == graphs[1].SerializeToString()
    again = recovered(second, "again")
    assert all_bytes(again) == all_bytes(second.parent / "recovered")
    assert all_bytes(export_of(again, "third", "--weights", weights)) == all_bytes(second)
    assert call(verify, "--model", first, "--checkpoint", again) == 2  # the hash again
    assert call(verify, "--model", second, "--checkpoint", again, "--with", "numpy", "--tolerance", 1e-9) == 0


def test_wide_models_whose_biases_lie_in_the_data_file(tmp_path, export_of, recovered):
    weights = fresh_weights(16, d_model=1024, n_head=16, n_layer=2)
    write_weights(str(tmp_path / "wide"), weights)
    assert same_weights(recovered(export_of(tmp_path / "wide", "model")), read_tensors(tmp_path / "wide" / "model.safetensors"))
    rounded = recovered(export_of(tmp_path / "wide", "half", "--weights", "float16"), "rounded")
    round_weights(weights)
    write_weights(str(tmp_path / "wide"), weights)
    assert same_weights(rounded, read_tensors(tmp_path / "wide" / "model.safetensors"))


def test_a_wrong_weight_is_seen(tiny, export_of, recovered):
    """The control: one changed bit."""
    checkpoint = recovered(export_of(tiny, "model"))
    weights = read_tensors(tiny / "model.safetensors")
    weights["transformer.layer.2.rel_attn.r_r_bias"].view(np.int32)[0, 0] ^= 1
    with pytest.raises(AssertionError, match="r_r_bias"):
        same_weights(checkpoint, weights)


def refused(call, capsys, model, output, message: str) -> bool:
    assert call(recover, "--model", model, "--output", output) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("recover.py: ") and error.count("\n") == 1
    return True


def test_existing_output_is_refused(folder, output, call, capsys):
    output.mkdir()
    assert refused(call, capsys, folder, output, f"{output} is there already")
    assert list(output.iterdir()) == []
    assert refused(call, capsys, folder, folder / "asarm.json", "asarm.json is there already")


@pytest.mark.parametrize("file", ["model.onnx", "model.onnx_data", "config.json"])
def test_folders_without_a_file_are_refused(folder, output, call, capsys, file):
    (folder / file).unlink()
    assert refused(call, capsys, folder, output, file)
    assert not output.exists()


@pytest.mark.parametrize("file", ["model.onnx", "model.onnx_data"])
def test_truncated_files_are_refused(folder, output, call, capsys, file):
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[:len(whole) // 2])
    assert refused(call, capsys, folder, output, "model.onnx")
    assert not output.exists()


@pytest.mark.parametrize("field, value", [("n_layer", 4), ("n_head", 2), ("d_inner", 32), ("vocab_size", 32)])
def test_graphs_of_another_config_are_refused(folder, output, call, capsys, field, value):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: value, "d_head": None}))
    assert refused(call, capsys, folder, output, "model.onnx does not hold")
    assert not output.exists()


@pytest.mark.parametrize("name", ["mask_embedding", "logits.bias", "layer.1.attention.key_value.weight", "layer.2.attention.distance_bias", "layer.0.feed_forward.norm.bias"])
def test_graphs_without_a_weight_are_refused(folder, output, call, capsys, name):
    model = bare(folder, "model.onnx")
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.replace(name, "other")
    onnx.save(model, str(folder / "model.onnx"))
    assert refused(call, capsys, folder, output, f"does not hold {name} as floating-point numbers")
    assert not output.exists()


def test_graphs_of_others_are_refused(tmp_path, output, call, capsys):
    """Without the names of this exporter they are taken for traced ones."""
    folder = shutil.copytree(TRACED / "float32", tmp_path / "old")
    model = bare(folder, "model.onnx")
    for node in model.graph.node:
        node.input[:] = [name.replace("ff.layer_1.bias", "ff.bias") for name in node.input]
    onnx.save(model, str(folder / "model.onnx"))
    assert refused(call, capsys, folder, output, "does not hold transformer.layer.0.ff.layer_1.weight")
