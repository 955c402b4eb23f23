"""The encoding of relative positions."""

from __future__ import annotations

import numpy as np

from asarm_tools.network.config import TwoStreamConfig


def relative_encoding(length: int, config: TwoStreamConfig) -> np.ndarray:
    """float32 [2 S - 1, d]: sinusoids of the distances -(S-1)..S-1, a half of sines, then a half of cosines."""
    distances = np.arange(2 * length - 1, dtype=np.float32) - np.float32(length - 1)
    if config.clamp_len > 0:
        distances = distances.clip(-config.clamp_len, config.clamp_len)
    # One over the power, not the power of the negative: float32 then rounds as in the reference.
    exponents = np.arange(0, config.d_model, 2, dtype=np.float32) / np.float32(config.d_model)
    angles = distances[:, None] * (1 / np.power(np.float32(10000), exponents))
    return np.concatenate((np.sin(angles), np.cos(angles)), 1)


def position_encoding(length: int, config: TwoStreamConfig) -> np.ndarray:
    """The same with a row of zeros at the end, which no distance takes: products with an odd number of columns are slower."""
    return np.pad(relative_encoding(length, config), ((0, 1), (0, 0)))
