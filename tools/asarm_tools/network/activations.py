"""The activation functions of the feed-forward network on float32 arrays, under the names of Hugging Face."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

_STEPS, _END = 4096, 5  # of the table of erf: steps of a unit (an error of 8e-9), and where float32 knows no difference from 1


def gelu(rows: np.ndarray) -> np.ndarray:
    """By erf."""
    result = erf(rows * np.float32(0.5 ** 0.5))
    result += 1
    result *= rows
    result *= np.float32(0.5)
    return result


def tanh_gelu(rows: np.ndarray) -> np.ndarray:
    """The approximation by tanh (Hendrycks & Gimpel 2016, arXiv 1606.08415)."""
    inner = np.float32((2 / math.pi) ** 0.5) * (rows + np.float32(0.044715) * rows * rows * rows)
    return np.float32(0.5) * rows * (1 + np.tanh(inner))


def relu(rows: np.ndarray) -> np.ndarray:
    return np.maximum(rows, 0)


def silu(rows: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # exp of a large number: the result is 0, as it should be
        return rows / (1 + np.exp(-rows))


ACTIVATIONS = {"gelu": gelu, "gelu_new": tanh_gelu, "relu": relu, "silu": silu, "swish": silu}


def erf(values: np.ndarray) -> np.ndarray:
    """The error function to about 1e-7, by linear interpolation in a fine table: NumPy has none."""
    table, step = _table()
    place = np.minimum(np.abs(values), np.float32(_END)) * np.float32(_STEPS)
    left = np.nan_to_num(place).astype(np.int32)
    place -= left.astype(np.float32)
    place *= step[left]
    place += table[left]
    return np.copysign(place, values)


@lru_cache(maxsize=1)
def _table() -> tuple[np.ndarray, np.ndarray]:
    """erf at the steps, and what it rises to the next one; float32."""
    values = np.array([math.erf(place / _STEPS) for place in range(_END * _STEPS + 2)])
    return values.astype(np.float32), np.diff(values, append=1).astype(np.float32)
