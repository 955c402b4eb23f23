"""Names of the weights in the graphs, and which tensors of a checkpoint each is made of."""

from __future__ import annotations

from dataclasses import dataclass

from asarm_tools.network.config import TwoStreamConfig

EMBEDDING, MASK_EMBEDDING, LOGITS_BIAS, POSITIONS = "embedding.weight", "mask_embedding", "logits.bias", "position_encoding"
STATES_MEAN = "target_states.mean"  # what centring took out of the rows after the last layer


@dataclass(frozen=True)
class Names:
    """By layer. Matrices are [inputs, outputs]; `output_biases` are the layers whose attention has a bias at its end."""

    config: TwoStreamConfig
    output_biases: frozenset[int] = frozenset()

    def query(self, layer: int) -> str:
        return f"layer.{layer}.attention.query.weight"

    def key_value(self, layer: int) -> str:
        """Both in one, [d, 2 d]."""
        return f"layer.{layer}.attention.key_value.weight"

    def position(self, layer: int) -> str:
        return f"layer.{layer}.attention.position.weight"

    def output(self, layer: int) -> str:
        return f"layer.{layer}.attention.output.weight"

    def output_bias(self, layer: int) -> str:
        return f"layer.{layer}.attention.output.bias"

    def has_output_bias(self, layer: int) -> bool:
        return layer in self.output_biases

    def query_bias(self, layer: int, kind: str) -> str:
        """kind: content_bias or distance_bias, [H, D]."""
        return f"layer.{layer}.attention.{kind}"

    def attention_norm(self, layer: int) -> tuple[str, str]:
        return f"layer.{layer}.attention.norm.weight", f"layer.{layer}.attention.norm.bias"

    def inner(self, layer: int) -> str:
        return f"layer.{layer}.feed_forward.inner.weight"

    def inner_bias(self, layer: int) -> str:
        return f"layer.{layer}.feed_forward.inner.bias"

    def outer(self, layer: int) -> str:
        return f"layer.{layer}.feed_forward.outer.weight"

    def outer_bias(self, layer: int) -> str:
        return f"layer.{layer}.feed_forward.outer.bias"

    def feed_forward_norm(self, layer: int) -> tuple[str, str]:
        return f"layer.{layer}.feed_forward.norm.weight", f"layer.{layer}.feed_forward.norm.bias"
