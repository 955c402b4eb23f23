"""Takes out of the rows that are to be rounded what their channels have on average: some are always far from zero, and set the step of all others.

The network stays the same function. What a norm gives less, biases behind it make up for: those of the feed-forward network and of the query, one more
at the end of attention (values of all keys change alike, and their weights add up to 1), and the head's. Keys change alike too, which moves all scores of
a row by the same and a softmax not at all.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.quantization import calibration

_WINDOWS, _LENGTH = 16, 64


class Means:
    """Of inputs, by the name of the matrix that takes them; and the largest values of rows."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._largest: dict[str, list[Tensor]] = {}

    def add(self, name: str, inputs: Tensor) -> None:
        flat = inputs.flatten(0, -2)
        self._sums[name] = self._sums.get(name, 0) + flat.sum(0)
        self._counts[name] = self._counts.get(name, 0) + len(flat)
        self._largest.setdefault(name, []).append(flat.amax(1))

    def of(self, name: str) -> Tensor:
        return self._sums[name] / self._counts[name]

    def usual_largest(self, name: str) -> float:
        """The median."""
        return float(torch.cat(self._largest[name]).median())


def random_windows(vocabulary: int, length: int) -> np.ndarray:
    """int64 [16, 64 or the length]: tokens where there is no text; which channels are far from zero hardly depends on them."""
    return np.random.default_rng(1).integers(0, vocabulary, (_WINDOWS, min(_LENGTH, length)))


@torch.no_grad()
def centre(model: TwoStreamModel, windows: np.ndarray) -> list[float]:
    """Changes the biases in place; windows [W, S] of tokens. Returns for each layer the usual largest value of a row that its activation
    function gives."""
    layers = model.transformer.layer
    batches, means = calibration.begin(model, windows), []
    for number in range(len(layers)):
        means.append(Means())
        batches = list(calibration.through_layer(model, number, batches, means[-1]))
    last = Means()
    for batch in batches:
        last.add("head", batch.rows)
    entering = [torch.zeros_like(last.of("head")), *(mean.of("q") for mean in means[1:]), last.of("head")]  # embeddings stay as they are
    for layer, mean, before, after in zip(layers, means, entering, entering[1:]):
        _shift_attention(layer.rel_attn, before, mean.of("layer_1"))
        _shift_feed_forward(layer.ff, mean.of("layer_1"), after)
    model.lm_loss.bias += model.lm_loss.weight @ entering[-1]
    return [mean.usual_largest("layer_2") for mean in means]


def _shift_attention(attention: nn.Module, before: Tensor, after: Tensor) -> None:
    """Rows come without `before`, and leave without `after`."""
    query = (before @ attention.q.flatten(1)).view_as(attention.r_w_bias)
    attention.r_w_bias += query
    attention.r_r_bias += query
    if before.any():
        shift = before + before @ attention.v.flatten(1) @ attention.o.flatten(1).t()
        attention.o_bias = nn.Parameter(shift if attention.o_bias is None else attention.o_bias + shift, requires_grad=False)
    attention.layer_norm.bias -= after


def _shift_feed_forward(forward: nn.Module, before: Tensor, after: Tensor) -> None:
    forward.layer_1.bias += forward.layer_1.weight @ before
    forward.layer_2.bias += before
    forward.layer_norm.bias -= after
