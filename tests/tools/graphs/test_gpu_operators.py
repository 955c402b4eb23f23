"""Which graphs run on a GPU alone: those in floating point, of every activation function and opset, and no others."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from asarm_tools.checkpoints.checkpoint import read_weights
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.graphs import contract, gpu
from asarm_tools.graphs.arithmetic import FloatArithmetic
from asarm_tools.graphs.build import build
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.writer import OPSETS
from asarm_tools.network.config import LOWEST
from asarm_tools.network.weights import Weights

MEMORY = 16


def graphs(weights: Weights, opset: int, kind: int = TensorProto.FLOAT, stored_as_float16: bool = False) -> list[onnx.ModelProto]:
    """Both, with the types of all tensors."""
    found = GraphWeights(weights, MEMORY)
    models = []
    for ports in (contract.stateless(weights.config), contract.cached(weights.config, kind)):
        graph = build(ports, opset, found, MEMORY, lambda writer: FloatArithmetic(writer, found, kind, stored_as_float16))
        models.append(typed(graph.model, graph.weights))
    return models


def typed(model: onnx.ModelProto, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in weights.items())
    return onnx.shape_inference.infer_shapes(model)


@pytest.fixture
def weights(tiny) -> Weights:
    return read_weights(str(tiny))


@pytest.fixture
def cached(weights) -> onnx.ModelProto:
    return graphs(weights, 17)[1]


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_graphs_in_floating_point_run_on_a_gpu(weights, opset, kind):
    assert [list(gpu.findings(model)) for model in graphs(weights, opset, kind)] == [[], []]


def test_weights_stored_as_float16_run_on_a_gpu(weights):
    assert [list(gpu.findings(model)) for model in graphs(weights, 17, stored_as_float16=True)] == [[], []]


@pytest.mark.parametrize("activation", LOWEST)
def test_every_activation_function_runs_on_a_gpu(weights, activation):
    weights.config = replace(weights.config, ff_activation=activation)
    assert [list(gpu.findings(model)) for model in graphs(weights, 17)] == [[], []]


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_of_integers_only_the_widened_graphs_run_on_a_gpu(tiny, output, call, precision):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 16, "--precision", precision) == 0
    for file in (contract.STATELESS_FILE, contract.CACHED_FILE):
        stem = file.removesuffix(".onnx")
        wide = onnx.load(str(output / f"{stem}{contract.FLOAT32_SUFFIX}.onnx"), load_external_data=False)
        assert list(gpu.findings(onnx.shape_inference.infer_shapes(wide))) == []
        whole = onnx.load(str(output / file), load_external_data=False)
        assert "MatMulIntegerToFloat" in next(gpu.findings(onnx.shape_inference.infer_shapes(whole)))


def added(model: onnx.ModelProto, node: onnx.NodeProto, kind: int) -> onnx.ModelProto:
    """The graph with one node more, whose result has the type `kind`."""
    model.graph.node.append(node)
    model.graph.value_info.append(helper.make_tensor_value_info(node.output[0], kind, None))
    return model


@pytest.mark.parametrize(("node", "kind", "finding"), [
    (helper.make_node("Einsum", ["logits"], ["more"], "more", equation="btv->bvt"), TensorProto.FLOAT, "more is of the operator Einsum"),
    (helper.make_node("Shape", ["logits"], ["more"], "layer.0.more"), TensorProto.INT64, "layer.0.more computes a shape within a layer, by Shape"),
    (helper.make_node("Add", ["past_ranks", "past_ranks"], ["more"], "layer.1.more"), TensorProto.INT64, "layer.1.more computes int64 within a layer: more"),
    (helper.make_node("Clip", ["rows.columns"], ["more"], "more"), TensorProto.INT32, "more is a Clip with T of int32, for which no kernel"),
    (helper.make_node("Hardmax", ["logits"], ["more"], "more"), TensorProto.FLOAT, "ai.onnx.Hardmax of opset 17, for which no kernel"),
    (helper.make_node("MatMulIntegerToFloat", ["a", "b"], ["more"], "more", domain="com.microsoft"), TensorProto.FLOAT,
     "com.microsoft.MatMulIntegerToFloat of opset 1, for which no kernel"),
    (helper.make_node("Neg", ["logits"], ["more"], "more"), TensorProto.FLOAT, "ai.onnx.Neg"),
])
def test_nodes_without_a_kernel_and_shapes_in_a_layer_are_found(cached, node, kind, finding):
    assert any(finding in line for line in gpu.findings(added(cached, node, kind)))
    with pytest.raises(InputError, match="would not run on a GPU alone"):
        gpu.check(cached, "model_cached.onnx")


def test_shapes_before_the_layers_are_no_finding(cached):
    assert list(gpu.findings(added(cached, helper.make_node("Shape", ["logits"], ["more"], "more"), TensorProto.INT64))) == []


def test_a_tensor_of_unknown_type_is_a_finding(cached):
    cached.graph.node.append(helper.make_node("Sqrt", ["nowhere"], ["more"], "more"))
    cached.graph.node.append(helper.make_node("Mul", ["more", "more"], ["twice"], "twice"))
    assert any("the type of more, of twice, is not known" in line for line in gpu.findings(cached))


def test_the_list_names_operators_of_onnx_by_their_type_parameters():
    for (domain, operator), kernel in gpu.read_kernels().items():
        schema = onnx.defs.get_schema(operator, max(kernel.opset, OPSETS[0]), domain)
        assert {constraint.type_param_str for constraint in schema.type_constraints} == set(kernel.types), operator
