"""Names, types and sizes of the two graphs of a model folder: docs/model-format.md as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from onnx import TensorProto, ValueInfoProto, helper

from asarm_tools.network.config import MODEL_INPUTS, TwoStreamConfig

LOGITS, TARGET_STATES = "logits", "target_states"
CACHED_INPUTS = ("input_ids", "content_positions", "content_horizons", "target_positions", "target_horizons", "past_ranks")
STATELESS_FILE, CACHED_FILE, DATA_FILE = "model.onnx", "model_cached.onnx", "model.onnx_data"
FLOAT32_SUFFIX = "_float32"  # of the graphs of int8 and int4 for devices that have no kernels for integer products


@dataclass(frozen=True)
class Port:
    """An input or output; a size that is a word is dynamic."""

    name: str
    kind: int
    axes: tuple[str | int, ...]

    def described(self) -> ValueInfoProto:
        """As ONNX has it."""
        return helper.make_tensor_value_info(self.name, self.kind, list(self.axes))


@dataclass(frozen=True)
class Contract:
    """One graph: its file, inputs and outputs."""

    file: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def named(self, suffix: str) -> Contract:
        """The same contract of a file with a suffix to its name."""
        return replace(self, file=with_suffix(self.file, suffix))

    @property
    def has_cache(self) -> bool:
        return len(self.outputs) > 1

    @property
    def computes_in_float32(self) -> bool:
        return FLOAT32_SUFFIX in self.file


def with_suffix(file: str, suffix: str) -> str:
    """model.onnx -> model_float32.onnx"""
    stem, extension = file.rsplit(".", 1)
    return f"{stem}{suffix}.{extension}"


def stateless(config: TwoStreamConfig) -> Contract:
    """model.onnx: whole sequences in, one row of logits per question out."""
    axes = [("batch", "sequence")] * 3 + [("batch", "targets")] * 2
    return Contract(STATELESS_FILE, _integers(MODEL_INPUTS, axes), (_logits(config),))


def cached(config: TwoStreamConfig, kind: int = TensorProto.FLOAT) -> Contract:
    """model_cached.onnx: new rows and a cache in, logits and the cache with the new rows out. kind: the type of the cache."""
    axes = [("batch", "content")] * 3 + [("batch", "targets")] * 2 + [("batch", "past")]
    shape = ("batch", config.n_head, "past", config.d_head)
    past, present = cache_ports(config.n_layer)
    return Contract(
        CACHED_FILE,
        (*_integers(CACHED_INPUTS, axes), *(Port(name, kind, shape) for name in past)),
        (_logits(config), *(Port(name, kind, shape) for name in present), Port(TARGET_STATES, kind, ("batch", "targets", config.d_model))))


def cache_ports(layers: int) -> tuple[list[str], list[str]]:
    """Names of the inputs and outputs of the cache: a key and a value for each layer."""
    kinds = [(layer, kind) for layer in range(layers) for kind in ("key", "value")]
    return [f"past_key_values.{layer}.{kind}" for layer, kind in kinds], [f"present.{layer}.{kind}" for layer, kind in kinds]


def _integers(names: tuple[str, ...], axes: list[tuple[str, str]]) -> tuple[Port, ...]:
    return tuple(Port(name, TensorProto.INT64, pair) for name, pair in zip(names, axes))


def _logits(config: TwoStreamConfig) -> Port:
    return Port(LOGITS, TensorProto.FLOAT, ("batch", "targets", config.vocab_size))
