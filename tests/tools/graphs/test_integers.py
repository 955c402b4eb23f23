"""Products in integers: what the nodes compute, by their definitions in NumPy, against the products of float32."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from asarm_tools.graphs.integers import IntegerArithmetic, has_finer_steps
from asarm_tools.graphs.names import EMBEDDING, LOGITS_BIAS, POSITIONS, Names
from asarm_tools.graphs.widened import WidenedArithmetic
from asarm_tools.graphs.writer import END, GraphWriter
from asarm_tools.network.config import LOWEST, TwoStreamConfig
from asarm_tools.network.two_stream import ACTIVATIONS
from asarm_tools.quantization.rounding import Rounded, round_matrix

K, N, ROWS, HEADS = 64, 48, 9, 4
TYPES = {TensorProto.FLOAT: np.float32, TensorProto.INT32: np.int32, TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8}


def quantize(values, step, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(values / step) + zero, limits.min, limits.max).astype(zero.dtype)


def cut(values, starts, ends, axes):
    (start,), (end,), (axis,) = starts, ends, axes
    return values[(slice(None),) * int(axis) + (slice(int(start), int(end)),)]


def largest(values, axes=(-1,), keepdims=1):
    return values.max(tuple(int(axis) for axis in axes), keepdims=bool(keepdims))


OPERATORS = {
    "Abs": np.abs, "Add": np.add, "Mul": np.multiply, "Div": np.divide, "Max": np.maximum, "Round": np.rint, "MatMul": np.matmul,
    "Cast": lambda values, to: values.astype(TYPES[to]), "Concat": lambda *parts, axis: np.concatenate(parts, axis), "ReduceMax": largest,
    "Transpose": lambda values, perm: values.transpose(perm), "Reshape": lambda values, shape: values.reshape(shape), "QuantizeLinear": quantize,
    "Gather": lambda values, places, axis=0: values.take(places, axis), "Slice": cut, "Unsqueeze": lambda values, axes: np.expand_dims(values, tuple(axes)),
    "GatherElements": lambda values, places, axis: np.take_along_axis(values, places, axis),
    "Split": lambda values, sizes, axis: np.split(values, np.cumsum(sizes)[:-1], axis),
    "MatMulIntegerToFloat": lambda a, b, step, scales, zero, middle: (a.astype(np.int64) - zero) @ (b.astype(np.int64) - middle) * (step * scales),
    "Shape": lambda values, start, end: np.array(values.shape[start:end]), "Expand": lambda values, shape: np.broadcast_to(values, shape),
}


class Given:
    """What a GraphWeights is to an arithmetic: matrices that are rounded by name, and others."""

    def __init__(self, rounded: dict[str, Rounded], **others: np.ndarray):
        self.rounded, self.others = rounded, others
        self.config = TwoStreamConfig(vocab_size=len(rounded[EMBEDDING].scales) if EMBEDDING in rounded else 1, d_model=K, n_layer=1, n_head=HEADS, d_inner=K)
        self.names = Names(self.config)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.others[name.replace(".", "_")]


class Graph:
    """Nodes that an arithmetic writes, and what they give."""

    def __init__(self, given: Given, opset: int = 17, kind=IntegerArithmetic, **options):
        self.writer = GraphWriter(opset)
        if kind is IntegerArithmetic:
            options = {"lowest": 0, "bounded": set(), **options}
        self.arithmetic = kind(self.writer, given, **options)
        self.outputs: list[str] = []

    def finish(self, *outputs: str):
        self.outputs = list(outputs)
        self.model = self.writer.finish([], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs], "graph")
        return self

    def kinds(self) -> list[str]:
        return [node.op_type for node in self.model.graph.node]

    def evaluate(self, **inputs) -> list[np.ndarray]:
        values = {**self.writer.weights, **inputs}
        for node in self.model.graph.node:
            attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
            results = OPERATORS[node.op_type](*(values[name] for name in node.input), **attributes)
            values.update(zip(node.output, results if len(node.output) > 1 else [results]))
            if node.op_type == "MatMulIntegerToFloat":
                matrix = values[node.input[1]]
                assert matrix.dtype == np.int8 and np.abs(matrix.astype(int)).max() <= 64  # two of them times 255 fit 16 bits
        return [values[name] for name in self.outputs]


@pytest.fixture(params=[None, 16], ids=["int8", "int4"])
def matrices(request):
    """matrices(*names) -> Given with matrices [K, N] of exactly quantized values, and these matrices, [N, K]."""
    def make(*names, outputs=N, **others):
        found = {}
        for number, name in enumerate(names):
            matrix = np.random.default_rng(number).standard_normal((outputs, K), np.float32)
            matrix[5] = 0
            found[name] = round_matrix(matrix, None if name == EMBEDDING or "position" in name else request.param)
        return Given(found, **others), {name: rounded.values() for name, rounded in found.items()}
    return make


def rows_with_outliers(*shape: int) -> np.ndarray:
    rows = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    rows[..., 3] *= 20
    return rows


def check(found, rows, matrix, steps):
    """No result is further off than half a step of every input allows, and on average they are as far off as such steps make them."""
    errors = np.abs(found - rows @ matrix.T)
    assert (errors <= 0.501 * steps * np.abs(matrix).sum(1) + 1e-4).all()
    expected = steps / 12 ** 0.5 * np.sqrt((matrix ** 2).sum(1))
    assert 0.6 < np.sqrt((errors ** 2).mean() / (expected ** 2).mean()) < 1.25


@pytest.mark.parametrize("opset", [17, 18, 21])
def test_products_of_rows_and_of_some_of_them(matrices, opset):
    """As keys, values and queries: of the same rows, and of a part."""
    given, values = matrices("q", "kv")
    graph = Graph(given, opset)
    query = graph.arithmetic.product("query", "rows", "q")
    part = graph.arithmetic.take_rows("part", "rows", graph.writer.integers(0), graph.writer.integers(2))
    graph.finish(query, graph.arithmetic.product("key_value", part, "kv"))
    kinds = graph.kinds()
    assert kinds.count("MatMulIntegerToFloat") == 2 and kinds.count("QuantizeLinear") == 1 and "MatMul" not in kinds
    maxima = [node for node in graph.model.graph.node if node.op_type == "ReduceMax"]
    assert maxima and all(("axes" in [attribute.name for attribute in node.attribute]) == (opset == 17) for node in maxima)
    rows = rows_with_outliers(2, ROWS, K)
    rows[1, 4] = 1e-3
    steps = np.abs(rows).max(2, keepdims=True) / 127
    for found, name, taken in zip(graph.evaluate(rows=rows), ("q", "kv"), (ROWS, 2)):
        check(found, rows[:, :taken], values[name], steps[:, :taken])
    for alone, together in zip(graph.evaluate(rows=rows[1:, :2]), graph.evaluate(rows=rows)):
        assert np.array_equal(alone[0], together[1, :2])  # a row has the same bits whoever shares the call


def test_one_step_for_all_rows_shows(matrices, monkeypatch):
    """The control: a maximum over more than the last axis."""
    given, _ = matrices("q")
    monkeypatch.setattr(GraphWriter, "reduce_max", lambda self, name, values: self.node("ReduceMax", name, values, axes=[-2, -1], keepdims=1))
    graph = Graph(given)
    graph.finish(graph.arithmetic.product("query", "rows", "q"))
    rows = rows_with_outliers(2, ROWS, K)
    assert not np.array_equal(graph.evaluate(rows=rows[1:, :2])[0][0], graph.evaluate(rows=rows)[0][1, :2])


def test_rows_of_zeros_give_zeros(matrices):
    given, _ = matrices("q")
    graph = Graph(given)
    graph.finish(graph.arithmetic.product("query", "rows", "q"))
    rows = rows_with_outliers(1, ROWS, K)
    rows[0, 2] = 0
    with np.errstate(invalid="ignore"):
        (found,) = graph.evaluate(rows=rows)
    assert not found[0, 2].any() and np.isfinite(found).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", [0.3, 3, 30])
def test_what_an_activation_function_gives_has_finer_steps(matrices, activation, size):
    given, values = matrices("outer")
    graph = Graph(given, lowest=LOWEST[activation], bounded={"outer"})
    graph.finish(graph.arithmetic.product("y", "rows", "outer"))
    rows = ACTIVATIONS[activation](torch.from_numpy(np.random.default_rng(1).standard_normal((4, ROWS, K), np.float32)) * size).numpy()
    rows[2, 4] = 0
    below = 24 if LOWEST[activation] else 0
    steps = np.maximum(rows.max(2, keepdims=True) / (255 - below), -LOWEST[activation] / 24)
    check(graph.evaluate(rows=rows)[0], rows, values["outer"], steps)
    assert np.array_equal(graph.evaluate(rows=rows[2:, 3:5])[0], graph.evaluate(rows=rows)[0][2:, 3:5])
    assert not graph.evaluate(rows=rows)[0][2, 4].any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_least_values_are_those_of_the_functions(activation):
    least = ACTIVATIONS[activation](torch.linspace(-20, 2, 400_001, dtype=torch.float64)).min().item()
    assert LOWEST[activation] <= least <= LOWEST[activation] + 1e-4


def test_least_values_are_of_use_where_rows_are_large():
    assert [has_finer_steps(-0.17, largest) for largest in (0.01, 0.9, 1.3, 2, 30)] == [False, False, True, True, True]
    assert has_finer_steps(0.0, 0.01) and not has_finer_steps(-0.2785, 1.5)


@pytest.mark.parametrize("vocabulary", [48, 49])
def test_head_and_lookup_use_one_matrix(matrices, vocabulary):
    bias = np.linspace(-1, 1, vocabulary, dtype=np.float32)
    given, values = matrices(EMBEDDING, outputs=vocabulary, **{LOGITS_BIAS.replace(".", "_"): bias})
    graph = Graph(given)
    graph.finish(graph.arithmetic.embed("tokens", "ids"), graph.arithmetic.logits("logits", "tokens"))
    assert [name for name, array in graph.writer.weights.items() if array.size >= vocabulary * K] == [f"{EMBEDDING}.int8"]
    rows, logits = graph.evaluate(ids=np.random.default_rng(1).integers(0, vocabulary, (2, ROWS)))
    matrix = values[EMBEDDING]
    assert np.isin(rows.reshape(-1, K), matrix).all()
    check(logits - bias, rows, matrix, np.abs(rows).max(2, keepdims=True) / 127)


def table_of(encoding: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """float64 [H, D, distances], scaled."""
    size = K // HEADS
    return (encoding.astype(float) @ matrix.T.astype(float)).reshape(-1, HEADS, size).transpose(1, 2, 0) * size ** -0.5


@pytest.fixture
def distances(matrices):
    """Rows, places, what is to be found, the table, and a graph that takes them from a table which is known when it is loaded, or not."""
    position = "layer.0.attention.position.weight"
    encoding = np.random.default_rng(1).standard_normal((22, K)).astype(np.float32)
    given, values = matrices(position, outputs=K, **{POSITIONS: encoding})
    table = table_of(encoding, values[position])
    rows = rows_with_outliers(HEADS, ROWS, K // HEADS)
    places = np.random.default_rng(2).integers(0, 22, (HEADS, ROWS, 5))
    return given, encoding, rows, places, table, np.take_along_axis(rows @ table, places, 2)


def test_distances_are_taken_from_a_table_of_integers(distances):
    given, _, rows, places, table, exact = distances
    graph = Graph(given)
    graph.finish(graph.arithmetic.distances("taken", "rows", graph.arithmetic.table("table", 0), "places"))
    assert graph.kinds().count("MatMulIntegerToFloat") == 1
    (found,) = graph.evaluate(rows=rows, places=places)
    table_steps = np.abs(table).max(2, keepdims=True) / 63
    scaled = rows * table_steps.transpose(0, 2, 1)
    bound = 0.501 * (np.abs(rows) @ table_steps + np.abs(scaled).max(2, keepdims=True) / 127 * 64 * table.shape[1])
    assert (np.abs(found - exact) <= bound).all() and np.abs(found - exact).max() > 1e-6
    assert np.abs(found - exact).mean() < 0.03 * np.abs(exact).mean()
    assert np.array_equal(graph.evaluate(rows=rows[:, 2:4], places=places[:, 2:4])[0], found[:, 2:4])


def test_distances_of_other_tables_are_float32(distances):
    given, encoding, rows, places, _, exact = distances
    graph = Graph(given)
    graph.finish(graph.arithmetic.distances("taken", "rows", graph.arithmetic.dynamic_table("table", "encoding", 0), "places"))
    assert "MatMulIntegerToFloat" not in graph.kinds()
    (found,) = graph.evaluate(rows=rows, places=places, encoding=encoding)
    assert np.abs(found - exact).max() < 1e-4


def test_widened_matrices_are_the_rounded_ones(matrices):
    given, values = matrices("q", EMBEDDING)
    graph = Graph(given, kind=WidenedArithmetic)
    graph.finish(graph.arithmetic.product("query", "rows", "q"), graph.arithmetic.embed("tokens", "ids"), graph.arithmetic.product("again", "rows", "q"))
    assert {node.domain for node in graph.model.graph.node} == {""} and len(set(graph.kinds()) & {"Cast", "Mul"}) == 2
    assert len({node.input[1] for node in graph.model.graph.node if node.op_type == "MatMul"}) == 1  # widened once, read twice
    rows, ids = rows_with_outliers(2, ROWS, K), np.arange(N)[None]
    query, tokens, again = graph.evaluate(rows=rows, ids=ids)
    assert np.array_equal(query, rows @ values["q"].T) and np.array_equal(query, again)
    assert np.array_equal(tokens[0], values[EMBEDDING])


def test_int4_is_stored_in_bytes_of_two(matrices):
    given, values = matrices("q")
    graph = Graph(given)
    graph.finish(graph.arithmetic.product("query", "rows", "q"), "q.int8")
    bits = given.rounded["q"].bits
    stored = {name: array for name, array in graph.writer.weights.items() if name.startswith("q.")}
    assert sum(array.nbytes for name, array in stored.items() if "scales" not in name and "multipliers" not in name) == N * K * bits // 8
    assert np.array_equal(graph.evaluate(rows=rows_with_outliers(1, ROWS, K))[1].T * given.rounded["q"].scales[:, None], values["q"])


def test_all_rows_to_the_end_can_be_taken(matrices):
    given, values = matrices("q")
    graph = Graph(given)
    part = graph.arithmetic.take_rows("part", "rows", graph.writer.integers(3), graph.writer.integers(END))
    graph.finish(graph.arithmetic.product("query", part, "q"))
    rows = rows_with_outliers(2, ROWS, K)
    check(graph.evaluate(rows=rows)[0], rows[:, 3:], values["q"], np.abs(rows[:, 3:]).max(2, keepdims=True) / 127)
