"""What the matrices of a network see when it reads text: the second moments of their inputs, gathered layer after layer.

Windows of the text with random orders and gaps, as the network is used: scattered tokens and one span in turn, a few or nearly all unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import sentencepiece
import torch
from torch import Tensor

from asarm_tools.command_line.failure import InputError
from asarm_tools.network.two_stream import Layer, TwoStreamModel, content_visibility, relative_encoding

DOCUMENT_END = "<|endoftext|>"
_BATCH = 8


@dataclass
class Batch:
    """States of some windows between two layers: rows [B, S + T, d], of which the first S are the content."""

    rows: Tensor
    distance: Tensor
    visible: Tensor
    length: int


def read_windows(path: str, tokenizer: str, separator: int, length: int, count: int) -> np.ndarray:
    """int64 [count or less, length]: pieces of the text, evenly spread; documents end with the separator."""
    with open(path, encoding="utf-8") as file:
        try:
            documents = [text.strip() for text in file.read().split(DOCUMENT_END) if text.strip()]
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8: {error}") from error
    encoded = sentencepiece.SentencePieceProcessor(model_file=tokenizer).encode(documents)
    stream = np.array([token for ids in encoded for token in (*ids, separator)], np.int64)
    if len(stream) < length:
        raise InputError(f"{path} has {len(stream)} tokens, calibration needs {length} at least")
    windows = stream[:len(stream) // length * length].reshape(-1, length)
    return windows[np.linspace(0, len(windows) - 1, min(count, len(windows))).astype(int)]


def begin(model: TwoStreamModel, windows: np.ndarray, seed: int = 1) -> list[Batch]:
    """The states before the first layer."""
    generator = np.random.default_rng(seed)
    return [_start(model, generator, windows[i:i + _BATCH], i) for i in range(0, len(windows), _BATCH)]


def _start(model: TwoStreamModel, generator: np.random.Generator, tokens: np.ndarray, number: int) -> Batch:
    count, length = tokens.shape
    targets = int(np.clip(round(generator.uniform(0.05, 0.95) * length), 1, length - 1))
    prompt = np.ones((count, length), np.int64)
    for row in range(count):
        first = generator.integers(0, length - targets + 1)
        unknown = generator.permutation(length)[:targets] if (number // _BATCH + row) % 2 else first + np.arange(targets)
        prompt[row, unknown] = 0
    order = np.where(prompt == 1, prompt.cumsum(1) - 1, length - targets + (1 - prompt).cumsum(1) - 1)
    positions = torch.from_numpy(np.argsort(order, 1)[:, length - targets:].copy())
    ranks, given = torch.from_numpy(order), torch.from_numpy(prompt)
    visible = torch.cat((content_visibility(ranks, given), ranks[:, None, :] < ranks.gather(1, positions)[:, :, None]), 1)
    everywhere = torch.arange(length)
    distance = torch.cat((everywhere.expand(count, -1), positions), 1)[:, :, None] - everywhere
    content = model.transformer.word_embedding(torch.from_numpy(tokens))
    return Batch(torch.cat((content, model.transformer.mask_emb.expand(count, targets, -1)), 1), distance, visible, length)


class Collector(Protocol):
    """Sees the inputs [.., K] of matrices, by name."""

    def add(self, name: str, inputs: Tensor) -> None: ...


class Moments:
    """Sums of outer products of inputs, by the name of the matrix that takes them."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}

    def add(self, name: str, inputs: Tensor) -> None:
        flat = inputs.flatten(0, -2)
        product = flat.t() @ flat
        self.sums[name] = self.sums[name].add_(product) if name in self.sums else product


@torch.no_grad()
def through_layer(model: TwoStreamModel, number: int, batches: list[Batch], moments: Collector | None = None) -> Iterator[Batch]:
    """The states after a layer; of the last one only rows of targets matter."""
    layer, last = model.transformer.layer[number], number == model.config.n_layer - 1
    for batch in batches:
        encoding = relative_encoding(batch.length, model.config, batch.rows)
        content, first = batch.rows[:, :batch.length], batch.length if last else 0
        distance, visible, rows = (part[:, first:] for part in (batch.distance, batch.visible, batch.rows))
        yield Batch(_layer(layer, rows, content, encoding, distance, visible, moments), distance, visible, batch.length)


def _layer(layer: Layer, rows: Tensor, content: Tensor, encoding: Tensor, distance: Tensor, visible: Tensor, moments: Collector | None) -> Tensor:
    attention, forward = layer.rel_attn, layer.ff
    merged = attention.mix(rows, content, encoding, distance, visible)
    after = attention.output(merged, rows)
    inner = forward.inner(after)
    if moments is not None:
        for name, inputs in (("q", rows), ("k", content), ("v", content), ("o", merged), ("layer_1", after), ("layer_2", inner)):
            moments.add(name, inputs)
    return forward.output(inner, after)
