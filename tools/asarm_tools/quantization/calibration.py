"""What the matrices of a network see when it reads text: the second moments of their inputs, gathered layer after layer.

Windows of the text with random orders and gaps, as the network is used: scattered tokens and one span in turn, a few or nearly all unknown.
"""

from __future__ import annotations

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.network.forward import Network, States

DOCUMENT_END = "<|endoftext|>"
_BATCH = 8


def read_windows(path: str, tokenizer: str, separator: int, length: int, count: int) -> np.ndarray:
    """int64 [count or less, length]: pieces of the text, evenly spread; documents end with the separator."""
    with open(path, encoding="utf-8") as file:
        try:
            documents = [text.strip() for text in file.read().split(DOCUMENT_END) if text.strip()]
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8: {error}") from error
    try:
        import sentencepiece  # of no use to an export that reads no text
    except ImportError as error:
        raise InputError(f"--calibration needs the Python package sentencepiece: {error}") from error
    encoded = sentencepiece.SentencePieceProcessor(model_file=tokenizer).encode(documents)
    stream = np.array([token for ids in encoded for token in (*ids, separator)], np.int64)
    if len(stream) < length:
        raise InputError(f"{path} has {len(stream)} tokens, calibration needs {length} at least")
    windows = stream[:len(stream) // length * length].reshape(-1, length)
    return windows[np.linspace(0, len(windows) - 1, min(count, len(windows))).astype(int)]


def begin(network: Network, windows: np.ndarray, seed: int = 1) -> list[States]:
    """The states before the first layer."""
    generator = np.random.default_rng(seed)
    return [_start(network, generator, windows[i:i + _BATCH], i) for i in range(0, len(windows), _BATCH)]


def _start(network: Network, generator: np.random.Generator, tokens: np.ndarray, number: int) -> States:
    count, length = tokens.shape
    targets = int(np.clip(round(generator.uniform(0.05, 0.95) * length), 1, length - 1))
    prompt = np.ones((count, length), np.int64)
    for row in range(count):
        first = generator.integers(0, length - targets + 1)
        unknown = generator.permutation(length)[:targets] if (number // _BATCH + row) % 2 else first + np.arange(targets)
        prompt[row, unknown] = 0
    order = np.where(prompt == 1, prompt.cumsum(1) - 1, length - targets + (1 - prompt).cumsum(1) - 1)
    positions = np.argsort(order, 1)[:, length - targets:]
    ranks = np.take_along_axis(order, positions, 1)
    both_given = (prompt[:, :, None] * prompt[:, None]) > 0
    visible = np.concatenate(((order[:, None] <= order[:, :, None]) | both_given, order[:, None] < ranks[:, :, None]), 1)
    return network.begin(tokens, np.broadcast_to(np.arange(length), order.shape), positions, visible)


class Moments:
    """Sums of outer products of inputs, by the name of the matrix that takes them."""

    def __init__(self) -> None:
        self._sums: dict[str, np.ndarray] = {}

    def add(self, name: str, inputs: np.ndarray) -> None:
        flat = inputs.reshape(-1, inputs.shape[-1])
        product = flat.T @ flat
        self._sums[name] = self._sums[name] + product if name in self._sums else product

    def of(self, name: str) -> np.ndarray | None:
        """None where nothing was seen."""
        return self._sums.get(name)
