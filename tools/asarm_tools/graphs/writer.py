"""Writes ONNX graphs node by node: each node, its result and each weight has a name that says what it is, such as `layer.3.attention.scores`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper

OPSETS = range(17, 22)
END = (1 << 31) - 1  # of a Slice: to the end of the axis
ORT_DOMAIN = "com.microsoft"  # of operators that only ONNX Runtime has


class GraphWriter:
    """Collects the nodes and initializers of one graph. Names within a `scope` get its prefix; a node is named as its first result."""

    def __init__(self, opset: int):
        self.opset = opset
        self.weights: dict[str, np.ndarray] = {}  # the initializers by name
        self._nodes: list[onnx.NodeProto] = []
        self._made: set[str] = set()
        self._domains: set[str] = set()
        self._prefix = ""

    @contextlib.contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names of nodes within begin with `name` and a dot."""
        outer, self._prefix = self._prefix, f"{self._prefix}{name}."
        try:
            yield
        finally:
            self._prefix = outer

    @contextlib.contextmanager
    def no_scope(self) -> Iterator[None]:
        """Names of nodes within are whole names: of what belongs to a weight or a tensor, not to the place that first needs it."""
        outer, self._prefix = self._prefix, ""
        try:
            yield
        finally:
            self._prefix = outer

    def node(self, kind: str, name: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        """Adds a node with one result, and returns the name of it."""
        return self.nodes(kind, (name,), *inputs, domain=domain, **attributes)[0]

    def nodes(self, kind: str, names: tuple[str, ...], *inputs: str, domain: str = "", **attributes: object) -> list[str]:
        """Adds a node with several results, and returns their names."""
        outputs = [self._prefix + name for name in names]
        for output in outputs:
            if output in self._made:
                raise ValueError(f"two nodes make {output}")
        self._made.update(outputs)
        self._domains.add(domain)
        self._nodes.append(helper.make_node(kind, list(inputs), outputs, outputs[0], domain=domain, **attributes))
        return outputs

    def has(self, name: str) -> bool:
        """Whether a node makes a tensor of this name (the whole name, scopes included)."""
        return name in self._made

    def output(self, port: str, source: str) -> str:
        """Makes a tensor the graph's output `port`: the node that makes it gets that name for its result, so that no copy is needed."""
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [port if name == source else name for name in names]
        self._made.add(port)
        return port

    def weight(self, name: str, values: np.ndarray) -> str:
        """Adds an initializer under its whole name, once."""
        self.weights.setdefault(name, values)
        return name

    def integers(self, *values: int) -> str:
        """A constant int64 [len(values)]."""
        return self.weight("constant." + "_".join(map(str, values)).replace("-", "minus_"), np.array(values, np.int64))

    def number(self, value: float, kind: type = np.float32) -> str:
        """A constant without axes."""
        array: np.ndarray = np.array(value, kind)
        return self.weight(f"constant.{array.dtype}.{array.item()!r}", array)

    def reduce_max(self, name: str, values: str) -> str:
        """Over the last axis, which stays as one of length 1."""
        if self.opset < 18:
            return self.node("ReduceMax", name, values, axes=[-1], keepdims=1)
        return self.node("ReduceMax", name, values, self.integers(-1), keepdims=1)

    def size(self, name: str, values: str, axis: int) -> str:
        """int64 [1], the length of an axis."""
        return self.node("Shape", name, values, start=axis, end=axis + 1)

    def finish(self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], name: str) -> onnx.ModelProto:
        """The graph, without its initializers: `weights` has them."""
        nodes = _used(self._nodes, {port.name for port in outputs})
        read = {source for node in nodes for source in node.input}
        self.weights = {key: values for key, values in self.weights.items() if key in read}
        domains = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(domain, 1) for domain in sorted({node.domain for node in nodes} - {""}))]
        model = helper.make_model(helper.make_graph(nodes, name, inputs, outputs), opset_imports=domains, producer_name="asarm-export")
        model.ir_version = 8  # of opset 17: readers of that age take the file
        return model


def _used(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """The nodes, in order, whose results somebody reads."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    return kept[::-1]
