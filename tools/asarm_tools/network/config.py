"""The fields of an XLNet config.json that change the mathematics."""

from __future__ import annotations

from dataclasses import dataclass

LOWEST = {"gelu": -0.17, "gelu_new": -0.1701, "relu": 0.0, "silu": -0.2785, "swish": -0.2785}  # activation functions as Hugging Face spells them; none gives less
MODEL_INPUTS = ("input_ids", "order", "prompt_mask", "target_positions", "target_horizons")  # of model.onnx and of the reference
HIDDEN_SCORE = -1e30  # finite, so that a row that sees nothing averages over all positions, as in the reference


@dataclass(frozen=True)
class TwoStreamConfig:
    """Sizes and options of the network."""

    vocab_size: int
    d_model: int
    n_layer: int
    n_head: int
    d_inner: int
    layer_norm_eps: float = 1e-12
    clamp_len: int = -1
    dropout: float = 0.0
    ff_activation: str = "gelu"

    @property
    def d_head(self) -> int:
        return self.d_model // self.n_head
