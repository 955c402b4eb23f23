"""What --precision and --weights ask for: changes of the network before it is traced, and of the traced graphs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.contract import FLOAT32_SUFFIX
from asarm_tools.export.half import compute_in_float16
from asarm_tools.export.integer_products import has_finer_steps
from asarm_tools.export.options import PrecisionOptions
from asarm_tools.export.products import replace_matrices
from asarm_tools.export.tracing import Traced
from asarm_tools.export.widen import widen_matrices
from asarm_tools.network.config import LOWEST
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.quantization import calibration
from asarm_tools.quantization.centre import centre, random_windows
from asarm_tools.quantization.precision import FLOAT16_WEIGHTS, FLOAT32, PRECISIONS, WEIGHTS_ONLY, Precision, round_weights, store_as_float16
from asarm_tools.quantization.quantize import Quantizer

GROUP_SIZES = (16, 32, 64, 128)  # of int4
DEFAULT_GROUP_SIZE = 32
CALIBRATION_WINDOWS, CALIBRATION_LENGTH = 128, 128


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--precision", choices=PRECISIONS, default=PrecisionOptions.precision, help="of weights and arithmetic, default %(default)s")
    parser.add_argument("--weights", choices=("float32", "float16"), default=PrecisionOptions.weights, help="of fp32: how large weights are stored")
    parser.add_argument("--group-size", type=int, choices=GROUP_SIZES, help=f"of int4: weights that share a group scale, default {DEFAULT_GROUP_SIZE}")
    parser.add_argument("--calibration", metavar="TEXT", help="of int8 and int4: text to round for, documents split by <|endoftext|>")


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

    def describe(self, model: TwoStreamModel) -> dict[str, object]:
        """Fields of asarm.json."""
        group_size = self.group_size(model)
        return {"precision": self.precision.name, **({} if group_size is None else {"block": group_size})}

    def properties(self) -> tuple[str, ...]:
        """Fields of asarm.json that the graphs repeat, so that nobody takes such an export for another. Graphs that compute in float32 have
        none: they stay byte for byte what they were."""
        return () if self.precision.name in (FLOAT32, FLOAT16_WEIGHTS) else ("precision",)

    def group_size(self, model: TwoStreamModel) -> int | None:
        """Of int4; every matrix must be made of whole ones."""
        if self.precision.bits != 4:
            return None
        group_size = self.options.group_size or DEFAULT_GROUP_SIZE
        inner = (model.config.d_model, model.config.d_inner)
        if any(size % group_size for size in inner):
            raise InputError(f"d_model {inner[0]} and d_inner {inner[1]} are no multiples of a group size of {group_size}")
        return group_size

    def round_storage(self, model: TwoStreamModel) -> None:
        """Before the goldens are made: storage as float16 makes another network, which is computed exactly."""
        if self.precision is WEIGHTS_ONLY:
            round_weights(model)

    def prepare(self, model: TwoStreamModel, tokenizer: str, separator: int, length: int) -> dict[str, Callable[[Traced], None]]:
        """After the goldens are made: rounds the network in place; returns what has to be done with a traced graph, by the suffix of the file
        that it becomes."""
        if self.precision is WEIGHTS_ONLY:
            return {"": store_as_float16}
        if self.precision is PRECISIONS["fp16"]:
            return {"": compute_in_float16}
        if self.precision.bits is None:
            return {"": lambda traced: None}
        windows = self._windows(tokenizer, separator, length)
        usual = centre(model, random_windows(model.config.vocab_size, length) if windows is None else windows)
        lowest = LOWEST[model.config.ff_activation]
        bounded = {f"transformer.layer.{number}.ff.layer_2.weight" for number, largest in enumerate(usual) if has_finer_steps(lowest, largest)}
        rounded = Quantizer(model, self.group_size(model)).run(windows)
        return {"": lambda traced: replace_matrices(traced, rounded, lowest, bounded), FLOAT32_SUFFIX: lambda traced: widen_matrices(traced, rounded)}

    def _windows(self, tokenizer: str, separator: int, length: int) -> np.ndarray | None:
        if self.options.calibration is None:
            return None
        if not os.path.exists(tokenizer):
            raise InputError(f"--calibration {self.options.calibration} is a text, but there is no tokenizer to read it with")
        return calibration.read_windows(self.options.calibration, tokenizer, separator, min(length, CALIBRATION_LENGTH), CALIBRATION_WINDOWS)
