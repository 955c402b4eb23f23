"""ONNX files that share their weights, and the checks of those files against docs/model-format.md."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from asarm_tools.command_line.failure import InputError
from asarm_tools.graphs import gpu
from asarm_tools.graphs.build import Graph
from asarm_tools.graphs.contract import DATA_FILE, Contract
from asarm_tools.graphs.writer import ORT_DOMAIN
from asarm_tools.quantization.precision import LARGE

_PAGE, _PAGED_FROM = 1 << 16, 1 << 20  # tensors of a MiB and more begin at a page, so that they can be mapped on every system
_BLOCK = 1 << 22  # bytes that are read at once
_ALIGNMENT = 64  # bytes, of the others: an odd number of float16 would leave no place for float32


def describe(model: onnx.ModelProto, properties: Mapping[str, object]) -> None:
    """Writes metadata_props, for stacks that see the ONNX file alone."""
    helper.set_model_props(model, {name: str(value) for name, value in properties.items()})


def save(graphs: dict[str, Graph], folder: str) -> None:
    """Writes the graphs by file name; every large tensor goes once into the data file beside them, whichever graphs use it."""
    places: dict[bytes, tuple[int, int]] = {}
    with open(os.path.join(folder, DATA_FILE), "wb") as data:
        for graph in graphs.values():
            graph.model.graph.initializer.extend(_initializer(name, array, data, places) for name, array in graph.weights.items())
    for file, graph in graphs.items():
        onnx.save(graph.model, os.path.join(folder, file))


def _initializer(name: str, array: np.ndarray, data: BinaryIO, places: dict[bytes, tuple[int, int]]) -> TensorProto:
    if array.size < LARGE:
        return numpy_helper.from_array(array, name)
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(array.data).digest()
    if digest not in places:
        data.seek(-data.tell() % (_PAGE if array.nbytes >= _PAGED_FROM else _ALIGNMENT), os.SEEK_CUR)
        places[digest] = data.tell(), array.nbytes
        data.write(array.data)
    tensor = TensorProto(name=name, data_type=_kind(array.dtype), dims=array.shape, raw_data=b"")
    offset, length = places[digest]
    set_external_data(tensor, DATA_FILE, offset=offset, length=length)
    tensor.ClearField("raw_data")
    return tensor


def _kind(dtype: np.dtype) -> int:
    """ONNX's type of these numbers, by the one conversion that every version of onnx has."""
    return numpy_helper.from_array(np.empty(0, dtype)).data_type


def _dtype(kind: int) -> np.dtype:
    return numpy_helper.to_array(TensorProto(data_type=kind, dims=[0])).dtype


def check(folder: str, contracts: list[Contract], opset: int, quantized: bool = False) -> None:
    """Reads the written files back and refuses them where they break their contracts or hold a weight twice.

    quantized: weights are quantized, for which ONNX Runtime has operators of its own.
    """
    graphs = []
    for contract in contracts:
        in_integers = quantized and not contract.computes_in_float32
        path = os.path.join(folder, contract.file)
        try:
            graphs.append(onnx.load(path, load_external_data=False))
            _check_operators(graphs[-1], opset, in_integers)
            _check_outputs(graphs[-1].graph, contract)
            onnx.checker.check_model(path)  # by path: also finds external data
            inferred = onnx.shape_inference.infer_shapes(graphs[-1], strict_mode=True)
        except (DecodeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise InputError(f"the exported graph {contract.file} is not valid: {error}") from error
        _check_ports(inferred.graph, contract)
        if not in_integers:
            gpu.check(inferred, contract.file)
    _check_weights(graphs[0], os.path.join(folder, DATA_FILE))
    for graph in graphs[1:]:
        _check_shared(graphs[0], graph)


def _check_operators(model: onnx.ModelProto, opset: int, quantized: bool) -> None:
    domains = {node.domain for node in model.graph.node} | {entry.domain for entry in model.opset_import}
    if domains - {"", "ai.onnx"} - ({ORT_DOMAIN} if quantized else set()):
        raise InputError(f"the exported graph has operators outside the standard: {sorted(domains)}")
    if [entry.version for entry in model.opset_import if entry.domain != ORT_DOMAIN] != [opset]:
        raise InputError(f"the exported graph has another opset than {opset}")


def _check_ports(graph: onnx.GraphProto, contract: Contract) -> None:
    """Names, types and dynamic axes of inputs and outputs."""
    expected = [(port.name, port.kind, port.axes) for port in (*contract.inputs, *contract.outputs)]
    found = []
    for port in (*graph.input, *graph.output):
        kind = port.type.tensor_type
        found.append((port.name, kind.elem_type, tuple(axis.dim_param or axis.dim_value for axis in kind.shape.dim)))
    if found != expected:
        raise InputError(f"the exported graph {contract.file} has other inputs and outputs than the contract: {found}")


def _check_outputs(graph: onnx.GraphProto, contract: Contract) -> None:
    """Those that the graph declares: onnx's checker before 1.17 lets one pass that no node makes."""
    made = {name for node in graph.node for name in node.output}
    for port in contract.outputs:
        if port.name not in made and port.name in {output.name for output in graph.output}:
            raise InputError(f"the exported graph is not valid: no node makes {port.name}")


def _check_weights(model: onnx.ModelProto, data_file: str) -> None:
    """No large weight may be there twice, also not transposed, nor hide in a Constant node."""
    seen: dict[tuple[int, ...], tuple[str, object]] = {}
    for tensor in model.graph.initializer:
        if np.prod(tensor.dims, dtype=np.int64) < LARGE or tensor.data_type == TensorProto.UINT8:  # bytes of int4 have few values, whose order is all
            continue
        content, is_constant = _content(_blocks(tensor, data_file))
        if is_constant:
            continue  # equal fresh biases are no copies
        place = _place(tensor) if tensor.external_data else tensor.name
        other, where = seen.setdefault(content, (tensor.name, place))
        if where != place:
            raise InputError(f"the exported graph holds a weight twice: {other} and {tensor.name}")


def _blocks(tensor: TensorProto, data_file: str) -> Iterator[np.ndarray]:
    """All values in a row, some at a time."""
    if not tensor.external_data:
        yield numpy_helper.to_array(tensor).ravel()
        return
    kind, (offset, length) = _dtype(tensor.data_type), _place(tensor)
    with open(data_file, "rb") as file:
        file.seek(offset)
        for begin in range(0, length, _BLOCK):
            yield np.frombuffer(file.read(min(_BLOCK, length - begin)), kind)


def _content(blocks: Iterator[np.ndarray]) -> tuple[tuple[int, ...], bool]:
    """The same for all orders of the same values, and hardly ever for others: their size and sums of two hashes of each value. And whether they are all equal."""
    size, totals, first, is_constant = 0, np.zeros(2, np.uint64), None, True
    for values in blocks:
        first = values[:1] if first is None else first
        is_constant = is_constant and bool((values == first).all())
        bits = values.view(f"u{values.dtype.itemsize}")
        size += values.nbytes
        mixed = (bits.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        for place, shift in enumerate((29, 32)):
            mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(0xBF58476D1CE4E5B9)
            totals[place:place + 1] += mixed.sum(dtype=np.uint64)
    return (size, *map(int, totals)), is_constant


def _check_shared(first: onnx.ModelProto, other: onnx.ModelProto) -> None:
    """Large matrices of the other graph must be at places of the data file that the first one uses; it may have vectors of its own."""
    places = {_place(tensor) for tensor in first.graph.initializer if tensor.external_data}
    for tensor in other.graph.initializer:
        size = np.prod(tensor.dims, dtype=np.int64)
        is_matrix = sum(extent > 1 for extent in tensor.dims) > 1
        if size >= LARGE and is_matrix and _place(tensor) not in places:
            raise InputError(f"the exported graphs do not share {tensor.name}")


def _place(tensor: TensorProto) -> tuple[int, int]:
    """Offset and length in the data file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    return int(entries.get("offset", 0)), int(entries.get("length", 0))
