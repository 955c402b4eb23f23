"""XLNet's two-stream network on NumPy arrays, layer by layer: what goldens, centring and calibration ask. PyTorch's TwoStreamModel is the reference.

A content row knows its own token and becomes keys and values; a query row knows only its position and becomes a distribution (Yang et al. 2019,
arXiv 1906.08237, section 2.3). B batch, C content rows, T targets, R = C + T rows, H heads, D head size, d = H * D model size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from asarm_tools.network.activations import ACTIVATIONS
from asarm_tools.network.config import HIDDEN_SCORE
from asarm_tools.network.positions import relative_encoding
from asarm_tools.network.weights import Weights

Collector = Callable[[str, np.ndarray], None]  # sees the inputs [.., K] of a layer's matrices by name: q, k, v, o, layer_1, layer_2


@dataclass(frozen=True)
class States:
    """Rows [B, R, d] between two layers, of which the first `content` are content rows; distance and visible are those of rows to content rows."""

    rows: np.ndarray
    distance: np.ndarray  # int [B, R, C], query minus key
    visible: np.ndarray  # bool [B, R, C]
    content: int


class Network:
    """The forward pass with these weights, which may change between calls."""

    def __init__(self, weights: Weights):
        self.weights, self.config = weights, weights.config

    def logits(self, case: dict[str, np.ndarray]) -> np.ndarray:
        """float32 [T, V] of one sequence with the inputs of model.onnx, without a batch axis."""
        order, prompt, horizons = case["order"], case["prompt_mask"] > 0, case["target_horizons"]
        visible = np.concatenate(((order[None] <= order[:, None]) | (prompt[None] & prompt[:, None]), order[None] < horizons[:, None]))
        states = self.begin(case["input_ids"][None], np.arange(order.size)[None], case["target_positions"][None], visible[None])
        return self.head(self.through_layers(states).rows)[0]

    def begin(self, tokens: np.ndarray, positions: np.ndarray, target_positions: np.ndarray, visible: np.ndarray) -> States:
        """Before the first layer: tokens [B, C] at positions [B, C], and targets at positions [B, T]; visible [B, R, C]."""
        content = self.weights["transformer.word_embedding.weight"][tokens]
        mask = np.broadcast_to(self.weights["transformer.mask_emb"].reshape(1, 1, -1), (*target_positions.shape, self.config.d_model))
        distance = np.concatenate((positions, target_positions), 1)[:, :, None] - positions[:, None]
        return States(np.concatenate((content, mask), 1), distance, visible, tokens.shape[1])

    def through_layers(self, states: States) -> States:
        """After the last layer: rows [B, T, d] of the targets."""
        for layer in range(self.config.n_layer):
            states = self.through_layer(layer, states)
        return states

    def through_layer(self, layer: int, states: States, collect: Collector | None = None) -> States:
        """After one layer; after the last one there are only the rows of targets, the others would be read by nobody."""
        first = states.content if layer == self.config.n_layer - 1 else 0
        seen = replace(states, distance=states.distance[:, first:], visible=states.visible[:, first:])
        rows = self._layer(layer, states.rows[:, first:], states.rows[:, :states.content], seen, collect or (lambda name, inputs: None))
        return replace(seen, rows=rows)

    def head(self, rows: np.ndarray) -> np.ndarray:
        """[B, T, d] -> [B, T, V], by the tied embedding."""
        return rows @ self.weights["transformer.word_embedding.weight"].T + self.weights["lm_loss.bias"]

    def _layer(self, layer: int, rows: np.ndarray, content: np.ndarray, states: States, collect: Collector) -> np.ndarray:
        prefix = f"transformer.layer.{layer}."
        for name, inputs in (("q", rows), ("k", content), ("v", content)):
            collect(name, inputs)
        merged = self._mix(layer, rows, content, states)
        collect("o", merged)
        projected = merged @ self._matrix(layer, "o").T
        bias = self.weights.output_bias(layer)
        after = self._normed(f"{prefix}rel_attn.layer_norm", (projected if bias is None else projected + bias) + rows)
        collect("layer_1", after)
        inner = after @ self.weights[f"{prefix}ff.layer_1.weight"].T + self.weights[f"{prefix}ff.layer_1.bias"]
        inner = ACTIVATIONS[self.config.ff_activation](inner)
        collect("layer_2", inner)
        outer = inner @ self.weights[f"{prefix}ff.layer_2.weight"].T + self.weights[f"{prefix}ff.layer_2.bias"]
        return self._normed(f"{prefix}ff.layer_norm", outer + after)

    def _mix(self, layer: int, rows: np.ndarray, content: np.ndarray, states: States) -> np.ndarray:
        """[B, R, d]: what each row takes from the content, heads side by side (Dai et al. 2019, arXiv 1901.02860)."""
        prefix, longest = f"transformer.layer.{layer}.rel_attn.", int(np.abs(states.distance).max()) + 1
        query, key, value = (self._heads(states_of @ self._matrix(layer, name)) for states_of, name in ((rows, "q"), (content, "k"), (content, "v")))
        distances = self._heads((relative_encoding(longest, self.config) @ self._matrix(layer, "r"))[None])
        by_content = (query + self.weights[f"{prefix}r_w_bias"][:, None]) @ key.swapaxes(2, 3)
        by_distance = (query + self.weights[f"{prefix}r_r_bias"][:, None]) @ distances.swapaxes(2, 3)
        scores = by_content + np.take_along_axis(by_distance, (states.distance + longest - 1)[:, None], 3)
        scores = np.where(states.visible[:, None], scores * np.float32(self.config.d_head ** -0.5), np.float32(HIDDEN_SCORE))
        scores = np.exp(scores - scores.max(3, keepdims=True))
        mixed = (scores / scores.sum(3, keepdims=True)) @ value
        return mixed.swapaxes(1, 2).reshape(*rows.shape[:2], self.config.d_model)

    def _matrix(self, layer: int, name: str) -> np.ndarray:
        """[d, H * D]"""
        return self.weights[f"transformer.layer.{layer}.rel_attn.{name}"].reshape(self.config.d_model, -1)

    def _heads(self, rows: np.ndarray) -> np.ndarray:
        """[B, R, H * D] -> [B, H, R, D]"""
        return rows.reshape(*rows.shape[:2], self.config.n_head, self.config.d_head).swapaxes(1, 2)

    def _normed(self, name: str, rows: np.ndarray) -> np.ndarray:
        centred = rows - rows.mean(-1, keepdims=True)
        variance = np.square(centred).mean(-1, keepdims=True)
        return centred / np.sqrt(variance + np.float32(self.config.layer_norm_eps)) * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
