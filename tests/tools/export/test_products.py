"""Products in integers: what the rewritten nodes compute, by their definitions in numpy, against the products of float32."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.integer_products import has_finer_steps
from asarm_tools.export.products import matrix_key, replace_matrices
from asarm_tools.export.tracing import Traced
from asarm_tools.network.config import LOWEST
from asarm_tools.network.two_stream import ACTIVATIONS
from asarm_tools.quantization.rounding import round_matrix

K, N, ROWS = 64, 48, 9
TYPES = {TensorProto.FLOAT: np.float32, TensorProto.INT32: np.int32, TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8}


def quantize(values, step, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(values / step) + zero, limits.min, limits.max).astype(zero.dtype)


def cut(values, starts, ends, axes, steps):
    (start,), (end,), (axis,), (step,) = starts, ends, axes, steps
    return values[(slice(None),) * int(axis) + (slice(int(start), int(end), int(step)),)]


def largest(values, axes=(-1,), keepdims=1):
    return values.max(tuple(int(axis) for axis in axes), keepdims=bool(keepdims))


OPERATORS = {
    "Constant": lambda value: numpy_helper.to_array(value), "Abs": np.abs, "Add": np.add, "Mul": np.multiply, "Div": np.divide, "Max": np.maximum, "Round": np.rint, "MatMul": np.matmul,
    "Cast": lambda values, to: values.astype(TYPES[to]), "Concat": lambda *parts, axis: np.concatenate(parts, axis), "ReduceMax": largest,
    "Transpose": lambda values, perm: values.transpose(perm), "Reshape": lambda values, shape: values.reshape(shape), "QuantizeLinear": quantize,
    "Gather": lambda values, places, axis: values.take(places, axis), "Slice": cut, "Unsqueeze": lambda values, axes: np.expand_dims(values, tuple(axes)),
    "GatherElements": lambda values, places, axis: np.take_along_axis(values, places, axis),
    "Split": lambda values, sizes, axis: np.split(values, np.cumsum(sizes)[:-1], axis),
    "MatMulIntegerToFloat": lambda a, b, step, scales, zero, middle: (a.astype(np.int64) - zero) @ (b.astype(np.int64) - middle) * (step * scales),
}


def evaluate(traced: Traced, **inputs):
    values = {**traced.weights, **inputs}
    for node in traced.model.graph.node:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        results = OPERATORS[node.op_type](*(values[name] for name in node.input), **attributes)
        values.update(zip(node.output, results if len(node.output) > 1 else [results]))
        for name in node.output:
            assert not name.endswith(".codes") or np.abs(values[name].astype(int)).max() <= 64  # two of them times 255 fit 16 bits
    return [values[port.name] for port in traced.model.graph.output]


def traced(nodes, weights: dict, outputs, opset: int = 17) -> Traced:
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    return Traced(helper.make_model(helper.make_graph(nodes, "graph", [], ports), opset_imports=[helper.make_opsetid("", opset)]), dict(weights))


@pytest.fixture(params=[None, 16], ids=["int8", "int4"])
def network(request):
    """matrices(*names) -> matrices [N, K] of exactly quantized values, and what rounding knows of them."""
    def make(*names, outputs=N):
        made, known = {}, {}
        for number, name in enumerate(names):
            matrix = torch.randn(outputs, K, generator=torch.Generator().manual_seed(number))
            matrix[5] = 0
            block = None if "embedding" in name else request.param
            rounded = round_matrix(matrix, block)
            made[name] = rounded.values()
            known[matrix_key(made[name])] = name, rounded
        return made, known
    return make


def rows_with_outliers(*shape: int) -> np.ndarray:
    rows = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    rows[..., 3] *= 20
    return rows


def product_of(rows: str, name: str, output: str):
    return helper.make_node("MatMul", [rows, f"{name}.t"], [output], output)


def known_names(known) -> list[str]:
    return [name for name, _ in known.values()]


def check(found, rows, matrix, steps):
    """No result is further off than half a step of every input allows, and on average they are as far off as such steps make them."""
    errors = np.abs(found - rows @ matrix.T)
    assert (errors <= 0.501 * steps * np.abs(matrix).sum(1) + 1e-4).all()
    expected = steps / 12 ** 0.5 * np.sqrt((matrix ** 2).sum(1))
    assert 0.6 < np.sqrt((errors ** 2).mean() / (expected ** 2).mean()) < 1.25


@pytest.mark.parametrize("opset", [17, 18, 21])
def test_products_of_rows_and_of_some_of_them(network, opset):
    """As keys, values and queries: of the same rows, and of a part."""
    matrices, known = network("layer.q", "layer.k", "layer.v")
    weights = {f"{name}.t": matrix.T for name, matrix in matrices.items()}
    weights.update(starts=np.array([0]), ends=np.array([2]), steps=np.array([1]))
    nodes = [helper.make_node("Constant", [], ["axes"], value=numpy_helper.from_array(np.array([1]))), product_of("rows", "layer.q", "q"),
             helper.make_node("Slice", ["rows", "starts", "ends", "axes", "steps"], ["part"]),
             product_of("part", "layer.k", "k"), product_of("part", "layer.v", "v")]
    graph = traced(nodes, weights, ("q", "k", "v"), opset)
    replace_matrices(graph, known, 0, set())
    kinds = [node.op_type for node in graph.model.graph.node]
    assert kinds.count("MatMulIntegerToFloat") == 2 and kinds.count("QuantizeLinear") == 1 and "MatMul" not in kinds
    assert all(("axes" in [attribute.name for attribute in node.attribute]) == (opset == 17) for node in graph.model.graph.node if node.op_type == "ReduceMax")
    rows = rows_with_outliers(2, ROWS, K)
    rows[1, 4] = 1e-3
    steps = np.abs(rows).max(2, keepdims=True) / 127
    for found, name, taken in zip(evaluate(graph, rows=rows), "qkv", (ROWS, 2, 2)):
        check(found, rows[:, :taken], matrices[f"layer.{name}"], steps[:, :taken])
    for alone, together in zip(evaluate(graph, rows=rows[1:, :2]), evaluate(graph, rows=rows)):
        assert np.array_equal(alone[0], together[1, :2])  # a row has the same bits whoever shares the call


def test_other_slices_are_rounded_for_themselves(network):
    """Of the last axis, or where nobody knows of which."""
    matrices, known = network("layer.q")
    for axes in (np.array([2]), "constant", None):
        weights = {"layer.q.t": matrices["layer.q"].T, "starts": np.array([0]), "ends": np.array([K]), "steps": np.array([1])}
        nodes = []
        if isinstance(axes, str):
            nodes = [helper.make_node("Constant", [], ["axes"], value=numpy_helper.from_array(np.array([2])))]
        elif axes is not None:
            weights["axes"] = axes
        nodes += [helper.make_node("Slice", ["rows", "starts", "ends", "axes", "steps"], ["part"]), product_of("part", "layer.q", "q")]
        graph = traced(nodes, weights, ("q",))
        replace_matrices(graph, known, 0, set())
        rows = rows_with_outliers(1, ROWS, 2 * K)
        rows[:, :, K:] *= 100
        (found,) = evaluate(graph, rows=rows, axes=np.array([2]))
        check(found, rows[:, :, :K], matrices["layer.q"], np.abs(rows[:, :, :K]).max(2, keepdims=True) / 127)


def test_rows_of_zeros_give_zeros(network):
    matrices, known = network("layer.q")
    graph = traced([product_of("rows", "layer.q", "q")], {"layer.q.t": matrices["layer.q"].T}, ("q",))
    replace_matrices(graph, known, 0, set())
    rows = rows_with_outliers(1, ROWS, K)
    rows[0, 2] = 0
    with np.errstate(invalid="ignore"):
        (found,) = evaluate(graph, rows=rows)
    assert not found[0, 2].any() and np.isfinite(found).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", [0.3, 3, 30])
def test_what_an_activation_function_gives_has_finer_steps(network, activation, size):
    matrices, known = network("layer.ff.layer_2.weight")
    matrix = matrices["layer.ff.layer_2.weight"]
    graph = traced([product_of("rows", "layer.ff.layer_2.weight", "y")], {"layer.ff.layer_2.weight.t": matrix.T}, ("y",))
    replace_matrices(graph, known, LOWEST[activation], set(known_names(known)))
    rows = ACTIVATIONS[activation](torch.randn(4, ROWS, K, generator=torch.Generator().manual_seed(1)) * size).numpy()
    rows[2, 4] = 0
    below = 24 if LOWEST[activation] else 0
    steps = np.maximum(rows.max(2, keepdims=True) / (255 - below), -LOWEST[activation] / 24)
    check(evaluate(graph, rows=rows)[0], rows, matrix, steps)
    assert np.array_equal(evaluate(graph, rows=rows[2:, 3:5])[0], evaluate(graph, rows=rows)[0][2:, 3:5])
    assert not evaluate(graph, rows=rows)[0][2, 4].any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_least_values_are_those_of_the_functions(activation):
    least = ACTIVATIONS[activation](torch.linspace(-20, 2, 400_001, dtype=torch.float64)).min().item()
    assert LOWEST[activation] <= least <= LOWEST[activation] + 1e-4


def test_least_values_are_of_use_where_rows_are_large():
    assert [has_finer_steps(-0.17, largest) for largest in (0.01, 0.9, 1.3, 2, 30)] == [False, False, True, True, True]
    assert has_finer_steps(0.0, 0.01) and not has_finer_steps(-0.2785, 1.5)


@pytest.mark.parametrize("vocabulary", [48, 49])
def test_head_and_lookup_use_one_matrix(network, vocabulary):
    matrices, known = network("word_embedding.weight", outputs=vocabulary)
    (matrix,) = matrices.values()
    bias = np.linspace(-1, 1, vocabulary, dtype=np.float32)
    weights = {"e": matrix, "bias": bias, "flat": np.array([-1, K]), "shape": np.array([2, ROWS, vocabulary])}
    nodes = [helper.make_node("Gather", ["e", "ids"], ["rows"], "rows", axis=0), helper.make_node("Reshape", ["rows", "flat"], ["flattened"]),
             helper.make_node("Gemm", ["flattened", "e", "bias"], ["product"], transB=1), helper.make_node("Reshape", ["product", "shape"], ["logits"])]
    graph = traced(nodes, weights, ("rows", "logits"))
    replace_matrices(graph, known, 0, set())
    assert [name for name, array in graph.weights.items() if array.size >= matrix.size] == ["word_embedding.weight.int8"]
    rows, logits = evaluate(graph, ids=np.random.default_rng(1).integers(0, vocabulary, (2, ROWS)))
    assert np.isin(rows.reshape(-1, K), matrix).all()
    check(logits - bias, rows, matrix, np.abs(rows).max(2, keepdims=True) / 127)


def test_distances_are_taken_from_a_table_of_integers(network):
    matrices, known = network("layer.rel_attn.r")
    (matrix,) = matrices.values()
    heads, size, distances = 3, 16, 22
    encoding = np.random.default_rng(1).standard_normal((distances, K)).astype(np.float32)
    weights = {"encoding": encoding, "r.t": matrix.T, "shape": np.array([distances, heads, size])}
    nodes = [helper.make_node("MatMul", ["encoding", "r.t"], ["flat"], "flat"), helper.make_node("Reshape", ["flat", "shape"], ["split"]),
             helper.make_node("Transpose", ["split"], ["table"], perm=[1, 2, 0]), helper.make_node("MatMul", ["rows", "table"], ["all"], "all"),
             helper.make_node("GatherElements", ["all", "places"], ["taken"], "taken", axis=2)]
    graph = traced(nodes, weights, ("taken",))
    replace_matrices(graph, known, 0, set())
    rows = rows_with_outliers(heads, ROWS, size)
    places = np.random.default_rng(2).integers(0, distances, (heads, ROWS, 5))
    table = (encoding @ matrix.T).reshape(distances, heads, size).transpose(1, 2, 0)
    exact = np.take_along_axis(rows @ table, places, 2)
    (found,) = evaluate(graph, rows=rows, places=places)
    table_steps = np.abs(table).max(2, keepdims=True) / 63
    scaled = rows * table_steps.transpose(0, 2, 1)
    bound = 0.501 * (np.abs(rows) @ table_steps + np.abs(scaled).max(2, keepdims=True) / 127 * 64 * size)
    assert (np.abs(found - exact) <= bound).all() and np.abs(found - exact).max() > 1e-6
    assert np.abs(found - exact).mean() < 0.03 * np.abs(exact).mean()
    assert np.array_equal(evaluate(graph, rows=rows[:, 2:4], places=places[:, 2:4])[0], found[:, 2:4])


def test_products_with_distances_that_somebody_else_reads_are_refused():
    nodes = [helper.make_node("MatMul", ["a", "b"], ["table"]), helper.make_node("MatMul", ["rows", "table"], ["all"]), helper.make_node("Add", ["all", "all"], ["sum"])]
    graph = traced(nodes, {"a": np.ones((2, 3, 4), np.float32), "b": np.ones((4, 5), np.float32)}, ("sum",))
    with pytest.raises(InputError, match="products with distances in a way"):
        replace_matrices(graph, {}, 0, set())
