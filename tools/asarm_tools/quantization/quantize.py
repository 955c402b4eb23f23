"""A network's matrices rounded to int8 or int4, in the network itself and as quantized values for the graphs."""

from __future__ import annotations

import numpy as np

from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights
from asarm_tools.quantization import calibration
from asarm_tools.quantization.rounding import Rounded, round_matrix, round_with_compensation

_EMBEDDING = "transformer.word_embedding.weight"


class Quantizer:
    """Rounds in the order of the layers, each with the inputs that those before it give once they are rounded."""

    def __init__(self, weights: Weights, group_size: int | None):
        """group_size: of int4; None for int8."""
        self.weights, self.group_size = weights, group_size

    def run(self, windows: np.ndarray | None) -> dict[str, Rounded]:
        """By names in the checkpoint; windows [W, S] of tokens, or None where there is no text to learn from. The weights get the rounded values."""
        network = Network(self.weights)
        # int8 in int4 too: the head, whose errors are those of the logits, and what makes a table when the graph is loaded.
        found = {_EMBEDDING: self._round(_EMBEDDING, None, None)}
        batches = None if windows is None else calibration.begin(network, windows)
        for layer in range(self.weights.config.n_layer):
            moments = calibration.Moments()
            if batches is not None:
                for batch in batches:
                    network.through_layer(layer, batch, moments.add)
            found.update(self._round_layer(layer, moments))
            if batches is not None:
                batches = [network.through_layer(layer, batch) for batch in batches]
        return found

    def _round_layer(self, layer: int, moments: calibration.Moments) -> dict[str, Rounded]:
        attention, forward = (f"transformer.layer.{layer}.{part}." for part in ("rel_attn", "ff"))
        found = {attention + name: self._round(attention + name, self.group_size, moments.of(name)) for name in "qkvo"}
        found[attention + "r"] = self._round(attention + "r", None, None)
        found.update({f"{forward}{name}.weight": self._round(f"{forward}{name}.weight", self.group_size, moments.of(name)) for name in ("layer_1", "layer_2")})
        return found

    def _round(self, name: str, group_size: int | None, moments: np.ndarray | None) -> Rounded:
        """Also writes the rounded values into the weights."""
        original = self.weights[name]
        matrix = as_matrix(name, original)
        rounded = round_matrix(matrix, group_size) if moments is None else round_with_compensation(matrix, moments, group_size)
        values = rounded.values()
        self.weights[name] = (values.T if _transposed(name) else values).reshape(original.shape)
        return rounded


def _transposed(name: str) -> bool:
    """Whether a parameter [d, H, D] has its inputs first."""
    return ".rel_attn." in name and not name.endswith(".o")


def as_matrix(name: str, parameter: np.ndarray) -> np.ndarray:
    """A view [outputs, inputs] of a parameter."""
    flat = parameter.reshape(len(parameter), -1)
    return flat.T if _transposed(name) else flat
