"""A network's matrices rounded to int8 or int4, in the network itself and as quantized values for the graphs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from asarm_tools.export.products import TABLE, matrix_key
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.quantization import calibration
from asarm_tools.quantization.rounding import Rounded, round_matrix, round_with_compensation

EMBEDDING = "transformer.word_embedding.weight"


class Quantizer:
    """Rounds in the order of the layers, each with the inputs that those before it give once they are rounded."""

    def __init__(self, model: TwoStreamModel, group_size: int | None):
        """block: of int4; None for int8."""
        self.model, self.group_size = model, group_size
        self.rounded: dict[bytes, tuple[str, Rounded]] = {}

    @torch.no_grad()
    def run(self, windows: np.ndarray | None) -> dict[bytes, tuple[str, Rounded]]:
        """By matrix_key of the rounded values; windows [W, S] of tokens, or None where there is no text to learn from."""
        self._round(EMBEDDING, self.model.transformer.word_embedding.weight, None)
        batches = None if windows is None else calibration.begin(self.model, windows)
        for number, layer in enumerate(self.model.transformer.layer):
            moments = calibration.Moments()
            if batches is not None:
                for _ in calibration.through_layer(self.model, number, batches, moments):
                    pass
            prefix = f"transformer.layer.{number}."
            for name in "qkvor":
                self._round(f"{prefix}rel_attn.{name}", getattr(layer.rel_attn, name), moments.sums.get(name))
            for name in ("layer_1", "layer_2"):
                self._round(f"{prefix}ff.{name}.weight", getattr(layer.ff, name).weight, moments.sums.get(name))
            if batches is not None:
                batches = list(calibration.through_layer(self.model, number, batches))
        return self.rounded

    def _round(self, name: str, parameter: nn.Parameter, moments: Tensor | None) -> None:
        matrix = as_matrix(name, parameter)
        # int8 in int4 too: what makes a table when the graph is loaded, and the head, whose errors are those of the logits.
        group_size = None if name == EMBEDDING or name.endswith(TABLE) else self.group_size
        rounded = round_matrix(matrix, group_size) if moments is None else round_with_compensation(matrix, moments, group_size)
        matrix.copy_(torch.from_numpy(rounded.values()))
        self.rounded[matrix_key(matrix.numpy())] = name, rounded


def as_matrix(name: str, parameter: Tensor) -> Tensor:
    """A view [outputs, inputs] of a parameter."""
    if parameter.ndim == 2:
        return parameter.detach()
    flat = parameter.detach().flatten(1)
    return flat if name.endswith(".o") else flat.t()
