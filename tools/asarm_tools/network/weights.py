"""The weights of a network as arrays, under the names of Hugging Face's XLNetLMHeadModel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from asarm_tools.network.config import TwoStreamConfig


class Weights:
    """float32 arrays by name; the output matrix is the embedding, `transformer.word_embedding.weight`."""

    def __init__(self, config: TwoStreamConfig, tensors: Mapping[str, np.ndarray]):
        self.config, self.tensors = config, dict(tensors)
        self.states_mean: np.ndarray | None = None  # [d], what the rows after the last layer are short of; centring takes it out of them

    def __getitem__(self, name: str) -> np.ndarray:
        return self.tensors[name]

    def __setitem__(self, name: str, values: np.ndarray) -> None:
        self.tensors[name] = values

    def output_bias(self, layer: int) -> np.ndarray | None:
        """A bias [d] at the end of attention: no part of a checkpoint, centring makes one."""
        return self.tensors.get(f"transformer.layer.{layer}.rel_attn.o_bias")

    def items(self) -> Iterator[tuple[str, np.ndarray]]:
        return iter(self.tensors.items())


def shapes(config: TwoStreamConfig) -> dict[str, tuple[int, ...]]:
    """The tensors of a checkpoint, and the shape of each."""
    width, heads = config.d_model, (config.n_head, config.d_head)
    found: dict[str, tuple[int, ...]] = {
        "transformer.word_embedding.weight": (config.vocab_size, width), "transformer.mask_emb": (1, 1, width), "lm_loss.bias": (config.vocab_size,)}
    for layer in range(config.n_layer):
        prefix = f"transformer.layer.{layer}."
        found.update({f"{prefix}rel_attn.{name}": (width, *heads) for name in "qkvor"})
        found.update({f"{prefix}rel_attn.{name}": heads for name in ("r_w_bias", "r_r_bias")})
        for norm in ("rel_attn.layer_norm", "ff.layer_norm"):
            found[f"{prefix}{norm}.weight"] = found[f"{prefix}{norm}.bias"] = (width,)
        found[f"{prefix}ff.layer_1.weight"], found[f"{prefix}ff.layer_1.bias"] = (config.d_inner, width), (config.d_inner,)
        found[f"{prefix}ff.layer_2.weight"], found[f"{prefix}ff.layer_2.bias"] = (width, config.d_inner), (width,)
    return found
