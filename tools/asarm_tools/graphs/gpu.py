"""A static check that a graph runs on CUDA devices: kernels for every node, and no node of a layer that ONNX Runtime would put on the CPU.

gpu_operators.json lists the kernels of ONNX Runtime's CUDA execution provider. Integer products have none: the graphs of int8 and int4 for CPUs do not
pass, their *_float32 graphs do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import onnx
from onnx import TensorProto

from asarm_tools.command_line.failure import InputError

LIST = os.path.join(os.path.dirname(__file__), "gpu_operators.json")
CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})
SLOW = frozenset({"Einsum"})
OF_SHAPES = frozenset({"Shape", "Size", "ConstantOfShape", "Range", "NonZero"})  # their results, or what they read, are on the CPU
LAYER = "layer."  # how the names of a layer's nodes begin


@dataclass(frozen=True)
class Kernel:
    """The kernels of one operator: from which opset, and for which element types by type parameter."""

    opset: int
    types: dict[str, frozenset[int]]


def read_kernels(path: str = LIST) -> dict[tuple[str, str], Kernel]:
    """By domain and operator."""
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)["operators"]
    return {(entry["domain"], entry["operator"]): Kernel(entry["opset"], {name: frozenset(map(_kind, types)) for name, types in entry["types"].items()})
            for entry in entries}


def check(model: onnx.ModelProto, file: str) -> None:
    """Raises InputError, with what it found first. The model has the types of all tensors in it, from onnx.shape_inference."""
    for finding in findings(model):
        raise InputError(f"the exported graph {file} would not run on a GPU alone: {finding}")


def findings(model: onnx.ModelProto) -> Iterator[str]:
    """What keeps nodes off a GPU, a line each."""
    kernels, kinds = read_kernels(), _kinds(model.graph)
    opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}
    for node in model.graph.node:
        if node.op_type in CONTROL_FLOW | SLOW:
            yield f"{node.name} is of the operator {node.op_type}"
            continue
        domain = "" if node.domain == "ai.onnx" else node.domain
        kernel, opset = kernels.get((domain, node.op_type)), opsets.get(domain, 1)
        if kernel is None or opset < kernel.opset:
            yield f"{node.name} is of the operator {domain or 'ai.onnx'}.{node.op_type} of opset {opset}, for which no kernel is listed"
            continue
        yield from _types(node, kernel, opset, kinds)
        if node.name.startswith(LAYER):
            yield from _layer(node, kinds)


def _types(node: onnx.NodeProto, kernel: Kernel, opset: int, kinds: dict[str, int]) -> Iterator[str]:
    """Element types that the kernel is not listed for."""
    schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    for formal, names in ((schema.inputs, node.input), (schema.outputs, node.output)):
        for place, name in enumerate(names):
            parameter = _parameter(formal[min(place, len(formal) - 1)])  # the last one may be there several times
            if not name or "(" in parameter:  # left out, or of one type only
                continue
            if name not in kinds:
                yield f"the type of {name}, of {node.name}, is not known"
            elif kinds[name] not in kernel.types.get(parameter, ()):
                yield f"{node.name} is a {node.op_type} with {parameter} of {_word(kinds[name])}, for which no kernel is listed"


def _parameter(formal: object) -> str:
    """The type parameter of an operator's input or output; older versions of onnx have it under another name."""
    return getattr(formal, "type_str", None) or getattr(formal, "typeStr")  # noqa: B009 (mypy does not know it)


def _layer(node: onnx.NodeProto, kinds: dict[str, int]) -> Iterator[str]:
    """Shapes that are computed within a layer: ONNX Runtime does that on the CPU, and each use waits for the device."""
    if node.op_type in OF_SHAPES:
        yield f"{node.name} computes a shape within a layer, by {node.op_type}"
    yield from (f"{node.name} computes int64 within a layer: {name}" for name in node.output if kinds.get(name) == TensorProto.INT64)


def _kinds(graph: onnx.GraphProto) -> dict[str, int]:
    """Element types of all tensors."""
    known = {port.name: port.type.tensor_type.elem_type for port in (*graph.value_info, *graph.input, *graph.output)}
    known.update((tensor.name, tensor.data_type) for tensor in graph.initializer)
    return {name: kind for name, kind in known.items() if kind != TensorProto.UNDEFINED}


def _kind(word: str) -> int:
    return TensorProto.DataType.Value(word.upper())


def _word(kind: int) -> str:
    return TensorProto.DataType.Name(kind).lower()
