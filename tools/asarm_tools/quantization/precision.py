"""The precisions of an export, and float32 weights that are stored as float16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.network.weights import Weights

FLOAT32, FLOAT16_WEIGHTS, FLOAT16, INT8, INT4 = "float32", "float16-weights", "float16", "int8", "int4"
LARGE = 1024  # elements; smaller tensors are not worth a Cast


@dataclass(frozen=True)
class Precision:
    """name in asarm.json; bits of a weight where they are quantized."""

    name: str
    bits: int | None = None


PRECISIONS = {
    "fp32": Precision(FLOAT32), "fp16": Precision(FLOAT16), "int8": Precision(INT8, 8), "int4": Precision(INT4, 4)}
WEIGHTS_ONLY = Precision(FLOAT16_WEIGHTS)
NAMES = {precision.name for precision in (*PRECISIONS.values(), WEIGHTS_ONLY)}


def round_weights(weights: Weights) -> None:
    """Rounds every large tensor through float16, as a graph with float16 storage has it. Raises InputError beyond the range of float16."""
    for name, values in list(weights.items()):
        if values.size >= LARGE:
            weights[name] = to_float16(name, values).astype(np.float32)


def to_float16(name: str, values: np.ndarray) -> np.ndarray:
    """Raises InputError where a value is beyond the range of float16."""
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    if not np.isfinite(halved).all():
        raise InputError(f"{name} holds values beyond the range of float16: export float32 weights")
    return halved
