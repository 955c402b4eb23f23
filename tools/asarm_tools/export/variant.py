"""What --precision and --weights ask for: changes of the weights, and the arithmetic of the graphs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.options import PrecisionOptions
from asarm_tools.graphs.arithmetic import Arithmetic, FloatArithmetic
from asarm_tools.graphs.contract import FLOAT32_SUFFIX
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.integers import IntegerArithmetic, has_finer_steps
from asarm_tools.graphs.names import Names
from asarm_tools.graphs.widened import WidenedArithmetic
from asarm_tools.graphs.writer import GraphWriter
from asarm_tools.network.config import LOWEST, TwoStreamConfig
from asarm_tools.network.weights import Weights
from asarm_tools.quantization import calibration
from asarm_tools.quantization.centre import centre, random_windows
from asarm_tools.quantization.precision import FLOAT16_WEIGHTS, FLOAT32, PRECISIONS, WEIGHTS_ONLY, Precision, round_weights
from asarm_tools.quantization.quantize import Quantizer

GROUP_SIZES = (16, 32, 64, 128)  # of int4
DEFAULT_GROUP_SIZE = 32
CALIBRATION_WINDOWS, CALIBRATION_LENGTH = 128, 128


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--precision", choices=PRECISIONS, default=PrecisionOptions.precision, help="of weights and arithmetic, default %(default)s")
    parser.add_argument("--weights", choices=("float32", "float16"), default=PrecisionOptions.weights, help="of fp32: how large weights are stored")
    parser.add_argument("--group-size", type=int, choices=GROUP_SIZES, help=f"of int4: weights that share a group scale, default {DEFAULT_GROUP_SIZE}")
    parser.add_argument("--calibration", metavar="TEXT", help="of int8 and int4: text to round for, documents split by <|endoftext|>")


@dataclass(frozen=True)
class GraphKind:
    """How one pair of graphs computes: suffix of the files' names, type of the cache, arithmetic."""

    suffix: str
    cache: int
    arithmetic: Callable[[GraphWriter], Arithmetic]


class Variant:
    """One export's precision."""

    def __init__(self, options: PrecisionOptions):
        self.options = options
        self.precision: Precision = PRECISIONS[options.precision]
        if options.weights == "float16":
            if options.precision != "fp32":
                raise InputError(f"--weights float16 is storage for --precision fp32, not for {options.precision}")
            self.precision = WEIGHTS_ONLY
        if self.precision.bits is None and options.calibration is not None:
            raise InputError(f"--calibration is for int8 and int4, not for {options.precision}")
        if self.precision.bits != 4 and options.group_size is not None:
            raise InputError(f"--group-size is for int4, not for {options.precision}")

    def describe(self, config: TwoStreamConfig) -> dict[str, object]:
        """Fields of asarm.json."""
        group_size = self.group_size(config)
        return {"precision": self.precision.name, **({} if group_size is None else {"block": group_size})}

    def properties(self) -> tuple[str, ...]:
        """Fields of asarm.json that the graphs repeat, so that nobody takes such an export for another; none where all is float32."""
        return () if self.precision.name in (FLOAT32, FLOAT16_WEIGHTS) else ("precision",)

    def group_size(self, config: TwoStreamConfig) -> int | None:
        """Of int4; every matrix must be made of whole ones."""
        if self.precision.bits != 4:
            return None
        group_size = self.options.group_size or DEFAULT_GROUP_SIZE
        inner = (config.d_model, config.d_inner)
        if any(size % group_size for size in inner):
            raise InputError(f"d_model {inner[0]} and d_inner {inner[1]} are no multiples of a group size of {group_size}")
        return group_size

    def round_storage(self, weights: Weights) -> None:
        """Before the goldens are made: storage as float16 makes another network, which is computed exactly."""
        if self.precision is WEIGHTS_ONLY:
            round_weights(weights)

    def prepare(self, weights: Weights, tokenizer: str, separator: int, length: int) -> tuple[GraphWeights, list[GraphKind]]:
        """After the goldens are made: rounds the weights, and says which pairs of graphs to write from them."""
        if self.precision.bits is not None:
            return self._prepare_integers(weights, tokenizer, separator, length)
        found, kind = GraphWeights(weights, length), TensorProto.FLOAT16 if self.precision is PRECISIONS["fp16"] else TensorProto.FLOAT
        return found, [GraphKind("", kind, lambda writer: FloatArithmetic(writer, found, kind, self.precision is WEIGHTS_ONLY))]

    def _prepare_integers(self, weights: Weights, tokenizer: str, separator: int, length: int) -> tuple[GraphWeights, list[GraphKind]]:
        windows, config = self._windows(tokenizer, separator, length), weights.config
        usual = centre(weights, random_windows(config.vocab_size, length) if windows is None else windows)
        lowest, names = LOWEST[config.ff_activation], Names(config)
        bounded = {names.outer(layer) for layer, largest in enumerate(usual) if has_finer_steps(lowest, largest)}
        found = GraphWeights(weights, length, Quantizer(weights, self.group_size(config)).run(windows))
        return found, [GraphKind("", TensorProto.FLOAT, lambda writer: IntegerArithmetic(writer, found, lowest, bounded)),
                       GraphKind(FLOAT32_SUFFIX, TensorProto.FLOAT, lambda writer: WidenedArithmetic(writer, found))]

    def _windows(self, tokenizer: str, separator: int, length: int) -> np.ndarray | None:
        if self.options.calibration is None:
            return None
        if not os.path.exists(tokenizer):
            raise InputError(f"--calibration {self.options.calibration} is a text, but there is no tokenizer to read it with")
        return calibration.read_windows(self.options.calibration, tokenizer, separator, min(length, CALIBRATION_LENGTH), CALIBRATION_WINDOWS)
