"""Weights stored as float16: half the file, arithmetic in float32, nothing rounded twice."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

import export
from cached import POSITION_ENCODING
from checkpoint import read_model, write_model
from exports import GRAPHS, bare, described, fresh, large, weights_of
from two_stream import relative_encoding


@pytest.fixture
def folders(tmp_path, call):
    """folders(model, length) -> its exports with float32 and with float16 weights."""
    def export_both(model, length: int):
        write_model(str(tmp_path / "checkpoint"), model)
        for weights in ("float32", "float16"):
            assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", tmp_path / weights, "--weights", weights,
                        "--maximum-length", length) == 0
        return tmp_path / "float32", tmp_path / "float16"

    torch.manual_seed(1)
    return export_both


def test_float16_weights_halve_the_file_and_compute_in_float32(folders):
    full, half = folders(fresh(8192), 40)
    encoding = 4 * 79 * 32  # stays float32
    sizes = [described(folder)["files"]["model.onnx_data"]["bytes"] - encoding for folder in (half, full)]
    assert sizes[0] / sizes[1] == 0.5
    wholes = [sum(entry["bytes"] for name, entry in described(folder)["files"].items() if "model" in name) for folder in (half, full)]
    assert 0.5 < wholes[0] / wholes[1] < 0.55
    assert described(half)["precision"] == "float16-weights"
    for file in GRAPHS:
        model = bare(half, file)
        halved = {tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
        users = [node.op_type for node in model.graph.node if halved & set(node.input)]
        assert users == ["Cast"] * len(halved) and len(halved) >= 8
        assert {tensor.name for tensor in large(model)} - halved == ({POSITION_ENCODING} if file == "model_cached.onnx" else set())
        rounded = weights_of(half, file)["transformer.word_embedding.weight.float16"]
        assert np.array_equal(rounded, weights_of(full, file)["transformer.word_embedding.weight"].astype(np.float16))


def test_position_encoding_stays_float32(folders):
    model = fresh(64)
    for folder in folders(model, 40):
        stored = weights_of(folder, "model_cached.onnx")[POSITION_ENCODING]
        assert stored.dtype == np.float32
        assert np.array_equal(stored, relative_encoding(40, model.config, model.lm_loss.bias).detach().numpy())


@pytest.mark.parametrize("heads", [16, 32])
def test_scaled_biases_are_not_rounded_again(folders, heads):
    """At this width biases are large. The graph with the cache holds them scaled, which float16 cannot: 1/sqrt(32), or too small by 1/8."""
    _, half = folders(fresh(16, d_model=1024, n_head=heads), 8)
    plain, scaled = ([array for name, array in weights_of(half, file).items() if name.startswith("onnx::Add_") and array.size == 1024]
                     for file in GRAPHS)
    assert [array.dtype for array in plain] == [np.float16] * 2 and len(scaled) == 2
    for once, again in zip(plain, scaled):
        exact = once.astype(np.float64).ravel() * (1024 // heads) ** -0.5
        assert np.allclose(again.ravel(), exact, rtol=1e-6, atol=0)


def test_weights_beyond_float16_are_refused(tiny, tmp_path, output, call, capsys):
    model = read_model(str(tiny))
    model.transformer.layer[0].rel_attn.q.data[0, 0, 0] = 1e6
    write_model(str(tmp_path / "checkpoint"), model)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--weights", "float16") == 2
    assert "beyond the range of float16" in capsys.readouterr().err
    assert not output.exists()
