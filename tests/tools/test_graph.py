"""model.onnx: what PyTorch is asked for, what the check of the written file sees, external data."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import export
import fixtures
import graph
from checkpoint import read_model
from exports import COMMITTED, described, weights_of
from two_stream import MODEL_INPUTS


def test_word_embedding_is_stored_once_and_shared(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output) == 0
    model = onnx.load(str(output / "model.onnx"))
    name = "transformer.word_embedding.weight"
    users = [node.op_type for node in model.graph.node if name in node.input]
    assert users == ["Gather", "Gemm"]
    weights = sum(parameter.numel() for parameter in read_model(str(tiny)).parameters())
    stored = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
    assert weights <= stored < weights + 500  # newer exporters keep small constants there too


def test_external_data_beyond_the_limit(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--external-data-above", 10_000) == 0
    assert "model.onnx_data" in described(output)["files"]
    bare = onnx.load(str(output / "model.onnx"), load_external_data=False)
    outside = [tensor for tensor in bare.graph.initializer if tensor.data_location == TensorProto.EXTERNAL]
    assert {entry.value for tensor in outside for entry in tensor.external_data if entry.key == "location"} == {"model.onnx_data"}
    loaded = weights_of(output)
    assert loaded.keys() == weights_of(COMMITTED).keys()
    assert all(np.array_equal(array, loaded[name]) for name, array in weights_of(COMMITTED).items())


def test_opset_that_this_pytorch_lacks_is_named(tiny, output, call, capsys, monkeypatch):
    def unsupported(*_, opset_version, **__):
        raise ValueError(f"Unsupported ONNX opset version: {opset_version}\nmore")

    monkeypatch.setattr(torch.onnx, "export", unsupported)
    assert call(export, "--checkpoint", tiny, "--output", output, "--opset", 21) == 2
    assert "cannot export opset 21: Unsupported ONNX opset version: 21\n" in capsys.readouterr().err


def test_newer_pytorch_is_asked_for_the_tracing_exporter(tiny, tmp_path, monkeypatch):
    seen, original = {}, torch.onnx.export

    def newer(model, args, f, *, dynamo=True, **options):
        seen.update(dynamo=dynamo)
        original(model, args, f, **options)

    monkeypatch.setattr(torch.onnx, "export", newer)
    graph.trace(read_model(str(tiny)), 17, str(tmp_path))
    assert seen == {"dynamo": False}


def duplicate_transposed(model):
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "transformer.word_embedding.weight")
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(weight).T), "copy"))


def foreign_operator(model):
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def static_batch(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def weight_in_a_constant(model):
    large = numpy_helper.from_array(np.zeros((64, 128), np.float32))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["unused"], name="hidden", value=large))


def renamed_output(model):
    name = model.graph.output[0].name
    model.graph.output[0].name = "scores"
    for node in model.graph.node:
        node.output[:] = ["scores" if output == name else output for output in node.output]


def broken_graph(change, tmp_path):
    model = onnx.load(str(COMMITTED / "model.onnx"))
    change(model)
    onnx.save(model, str(tmp_path / "model.onnx"))


@pytest.mark.parametrize("change, message", [
    (duplicate_transposed, "a weight twice"), (foreign_operator, "outside the standard"), (static_batch, "other inputs"),
    (weight_in_a_constant, "large constant"), (renamed_output, "other inputs and outputs"),
    (lambda model: model.graph.node.pop(0), "not valid"), (lambda model: model.graph.node.pop(), "no node makes logits")])
def test_check_sees_graphs_that_break_the_contract(tmp_path, change, message):
    graph.check(str(COMMITTED), 17, 64)
    broken_graph(change, tmp_path)
    with pytest.raises(export.InputError, match=message):
        graph.check(str(tmp_path), 17, 64)
    with pytest.raises(export.InputError, match="another opset"):
        graph.check(str(COMMITTED), 18, 64)


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_exported_graph_answers_like_pytorch(tiny, output, call, weights):
    """Through onnx's own interpreter where there is one; `asarm verify` does it through ONNX Runtime."""
    reference = pytest.importorskip("onnx.reference", reason="onnx before 1.13 cannot run a graph")
    assert call(export, "--checkpoint", tiny, "--output", output, "--weights", weights, "--maximum-length", 20) == 0
    session = reference.ReferenceEvaluator(str(output / "model.onnx"))
    for case in fixtures.read_cases(str(output / "golden.safetensors"), 64):
        (logits,) = session.run(None, {name: case[name][None] for name in MODEL_INPUTS})
        assert np.abs(logits[0] - case["logits"]).max() < 1e-4
