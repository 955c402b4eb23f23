"""Names, types and sizes of the two graphs of a model folder: docs/model-format.md as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from onnx import TensorProto

from asarm_tools.network.cached import CACHED_INPUTS, cache_ports
from asarm_tools.network.config import MODEL_INPUTS, TwoStreamConfig

LOGITS = "logits"
STATELESS_FILE, CACHED_FILE, DATA_FILE = "model.onnx", "model_cached.onnx", "model.onnx_data"
FLOAT32_SUFFIX = "_float32"  # of the graphs of int8 and int4 for devices that have no kernels for integer products


@dataclass(frozen=True)
class Port:
    """An input or output; a size that is a word is dynamic."""

    name: str
    kind: int
    axes: tuple[str | int, ...]


@dataclass(frozen=True)
class Contract:
    """One graph: its file, inputs and outputs in the order of the module's forward."""

    file: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def named(self, suffix: str) -> Contract:
        """The same contract of a file with a suffix to its name."""
        stem, extension = self.file.rsplit(".", 1)
        return replace(self, file=f"{stem}{suffix}.{extension}")

    @property
    def computes_in_float32(self) -> bool:
        return FLOAT32_SUFFIX in self.file

    def examples(self) -> tuple[torch.Tensor, ...]:
        """Inputs to trace with. The dynamic sizes differ from each other, so that the trace confuses none."""
        sizes = {"batch": 2, "sequence": 7, "targets": 3, "content": 5, "past": 4}
        shapes = [[sizes[axis] if isinstance(axis, str) else axis for axis in port.axes] for port in self.inputs]
        return tuple(torch.zeros(shape, dtype=torch.int64 if port.kind == TensorProto.INT64 else torch.float32)
                     for shape, port in zip(shapes, self.inputs))

    def dynamic_axes(self) -> dict[str, dict[int, str]]:
        """As torch.onnx.export wants them."""
        return {port.name: {place: axis for place, axis in enumerate(port.axes) if isinstance(axis, str)}
                for port in (*self.inputs, *self.outputs)}


def stateless(config: TwoStreamConfig) -> Contract:
    """model.onnx: whole sequences in, one row of logits per question out."""
    axes = [("batch", "sequence")] * 3 + [("batch", "targets")] * 2
    return Contract(STATELESS_FILE, _integers(MODEL_INPUTS, axes), (_logits(config),))


def cached(config: TwoStreamConfig) -> Contract:
    """model_cached.onnx: new rows and a cache in, logits and the rows to put into the cache out."""
    axes = [("batch", "content")] * 4 + [("batch", "targets")] * 2 + [("batch", "past")]
    heads = (config.n_head, config.d_head)
    past, present = cache_ports(config.n_layer)
    return Contract(
        CACHED_FILE,
        (*_integers(CACHED_INPUTS, axes), *(Port(name, TensorProto.FLOAT, ("batch", heads[0], "past", heads[1])) for name in past)),
        (_logits(config), *(Port(name, TensorProto.FLOAT, ("batch", "content", *heads)) for name in present)))


def _integers(names: tuple[str, ...], axes: list[tuple[str, str]]) -> tuple[Port, ...]:
    return tuple(Port(name, TensorProto.INT64, pair) for name, pair in zip(names, axes))


def _logits(config: TwoStreamConfig) -> Port:
    return Port(LOGITS, TensorProto.FLOAT, ("batch", "targets", config.vocab_size))
