"""Takes out of the rows that are to be rounded what their channels have on average: some are always far from zero, and set the step of all others.

The network stays the same function. What a norm gives less, biases behind it make up for: those of the feed-forward network and of the query, one more
at the end of attention (values of all keys change alike, and their weights add up to 1), and the head's. Keys change alike too, which moves all scores of
a row by the same and a softmax not at all.
"""

from __future__ import annotations

import numpy as np

from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights
from asarm_tools.quantization import calibration

_WINDOWS, _LENGTH = 16, 64


class Means:
    """Of inputs, by the name of the matrix that takes them; and the largest values of rows."""

    def __init__(self) -> None:
        self._sums: dict[str, np.ndarray] = {}
        self._counts: dict[str, int] = {}
        self._largest: dict[str, list[np.ndarray]] = {}

    def add(self, name: str, inputs: np.ndarray) -> None:
        flat = inputs.reshape(-1, inputs.shape[-1])
        self._sums[name] = self._sums.get(name, 0) + flat.sum(0)
        self._counts[name] = self._counts.get(name, 0) + len(flat)
        self._largest.setdefault(name, []).append(flat.max(1))

    def of(self, name: str) -> np.ndarray:
        return self._sums[name] / np.float32(self._counts[name])

    def usual_largest(self, name: str) -> float:
        """The median."""
        return float(np.median(np.concatenate(self._largest[name])))


def random_windows(vocabulary: int, length: int) -> np.ndarray:
    """int64 [16, 64 or the length]: tokens where there is no text; which channels are far from zero hardly depends on them."""
    return np.random.default_rng(1).integers(0, vocabulary, (_WINDOWS, min(_LENGTH, length)))


def centre(weights: Weights, windows: np.ndarray) -> list[float]:
    """Changes the biases; windows [W, S] of tokens. Returns for each layer the usual largest value of a row that its activation function gives."""
    network = Network(weights)
    batches, means = calibration.begin(network, windows), []
    for layer in range(weights.config.n_layer):
        means.append(Means())
        batches = [network.through_layer(layer, batch, means[-1].add) for batch in batches]
    last = Means()
    for batch in batches:
        last.add("head", batch.rows)
    entering = [np.zeros_like(last.of("head")), *(mean.of("q") for mean in means[1:]), last.of("head")]  # embeddings stay as they are
    for layer, mean in enumerate(means):
        _shift_attention(weights, layer, entering[layer], mean.of("layer_1"))
        _shift_feed_forward(weights, layer, mean.of("layer_1"), entering[layer + 1])
    weights.states_mean = entering[-1] if weights.states_mean is None else weights.states_mean + entering[-1]
    weights["lm_loss.bias"] = weights["lm_loss.bias"] + weights["transformer.word_embedding.weight"] @ entering[-1]
    return [mean.usual_largest("layer_2") for mean in means]


def _shift_attention(weights: Weights, layer: int, before: np.ndarray, after: np.ndarray) -> None:
    """Rows come without `before`, and leave without `after`."""
    prefix, width = f"transformer.layer.{layer}.rel_attn.", weights.config.d_model
    query = before @ weights[f"{prefix}q"].reshape(width, -1)
    for name in ("r_w_bias", "r_r_bias"):
        weights[prefix + name] = weights[prefix + name] + query.reshape(weights[prefix + name].shape)
    if before.any():
        shift = before + before @ weights[f"{prefix}v"].reshape(width, -1) @ weights[f"{prefix}o"].reshape(width, -1).T
        bias = weights.output_bias(layer)
        weights[f"{prefix}o_bias"] = shift if bias is None else bias + shift
    weights[f"{prefix}layer_norm.bias"] = weights[f"{prefix}layer_norm.bias"] - after


def _shift_feed_forward(weights: Weights, layer: int, before: np.ndarray, after: np.ndarray) -> None:
    prefix = f"transformer.layer.{layer}.ff."
    weights[f"{prefix}layer_1.bias"] = weights[f"{prefix}layer_1.bias"] + weights[f"{prefix}layer_1.weight"] @ before
    weights[f"{prefix}layer_2.bias"] = weights[f"{prefix}layer_2.bias"] + before
    weights[f"{prefix}layer_norm.bias"] = weights[f"{prefix}layer_norm.bias"] - after
