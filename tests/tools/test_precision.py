"""Weights stored as float16: half the file, arithmetic in float32."""

import numpy as np
import onnx
import torch
from onnx import TensorProto

import export
from checkpoint import read_model, write_model
from exports import described, fresh, weights_of


def test_float16_weights_halve_the_file_and_compute_in_float32(tmp_path, call):
    torch.manual_seed(1)
    write_model(str(tmp_path / "checkpoint"), fresh(8192))
    for weights in ("float32", "float16"):
        assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", tmp_path / weights, "--weights", weights,
                    "--maximum-length", 16) == 0
    small, large = (described(tmp_path / weights)["files"]["model.onnx"]["bytes"] for weights in ("float16", "float32"))
    assert 0.5 < small / large < 0.55
    assert described(tmp_path / "float16")["precision"] == "float16-weights"
    model = onnx.load(str(tmp_path / "float16" / "model.onnx"))
    halved = {tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    users = [node.op_type for node in model.graph.node if halved & set(node.input)]
    assert users == ["Cast"] * len(halved) and len(halved) >= 8
    rounded = weights_of(tmp_path / "float16")["transformer.word_embedding.weight.float16"]
    assert np.array_equal(rounded, weights_of(tmp_path / "float32")["transformer.word_embedding.weight"].astype(np.float16))


def test_weights_beyond_float16_are_refused(tiny, tmp_path, output, call, capsys):
    model = read_model(str(tiny))
    model.transformer.layer[0].rel_attn.q.data[0, 0, 0] = 1e6
    write_model(str(tmp_path / "checkpoint"), model)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--weights", "float16") == 2
    assert "beyond the range of float16" in capsys.readouterr().err
    assert not output.exists()
