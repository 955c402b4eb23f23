"""The weights of a network under their names in the graphs, laid out as the graphs read them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from asarm_tools.graphs.names import EMBEDDING, LOGITS_BIAS, MASK_EMBEDDING, POSITIONS, STATES_MEAN, Names
from asarm_tools.network.positions import position_encoding
from asarm_tools.network.weights import Weights
from asarm_tools.quantization.precision import LARGE, to_float16
from asarm_tools.quantization.rounding import Rounded, joined


class GraphWeights:
    """Views of the checkpoint's weights where the layout is the same; what has to be made is made once, for all graphs.

    found: matrices in integers by their names in the checkpoint, none for floating-point graphs; `rounded` has them by their names in the graphs.
    """

    def __init__(self, weights: Weights, length: int, found: dict[str, Rounded] | None = None):
        self.config = weights.config
        self.names = Names(weights.config, frozenset(layer for layer in range(weights.config.n_layer) if weights.output_bias(layer) is not None))
        self.rounded = {} if found is None else _rounded(found, self.names)
        self.has_states_mean = weights.states_mean is not None
        self._sources = _sources(weights, self.names, length)
        self._made: dict[str, np.ndarray] = {}  # float32
        self._float16: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        """float32, a matrix [inputs, outputs]; the embedding [V, d]."""
        if name not in self._made:
            self._made[name] = self._sources[name]()
        return self._made[name]

    def is_float16(self, name: str) -> bool:
        """Whether a large weight has values of float16 only, as round_weights makes them: it loses nothing when it is stored as float16."""
        values = self[name]
        with np.errstate(over="ignore"):
            return values.size >= LARGE and np.array_equal(values.astype(np.float16), values)

    def as_float16(self, name: str) -> np.ndarray:
        """Raises InputError where a value is beyond the range of float16."""
        if name not in self._float16:
            self._float16[name] = to_float16(name, self._sources[name]())
        return self._float16[name]


def _rounded(found: dict[str, Rounded], names: Names) -> dict[str, Rounded]:
    matrices = {EMBEDDING: found["transformer.word_embedding.weight"]}
    for layer in range(names.config.n_layer):
        attention, forward = (f"transformer.layer.{layer}.{part}." for part in ("rel_attn", "ff"))
        matrices[names.query(layer)], matrices[names.key_value(layer)] = found[attention + "q"], joined([found[attention + "k"], found[attention + "v"]])
        matrices[names.position(layer)], matrices[names.output(layer)] = found[attention + "r"], found[attention + "o"]
        matrices[names.inner(layer)], matrices[names.outer(layer)] = found[f"{forward}layer_1.weight"], found[f"{forward}layer_2.weight"]
    return matrices


def _sources(weights: Weights, names: Names, length: int) -> dict[str, Callable[[], np.ndarray]]:
    sources: dict[str, Callable[[], np.ndarray]] = {
        EMBEDDING: lambda: weights["transformer.word_embedding.weight"],
        MASK_EMBEDDING: lambda: weights["transformer.mask_emb"].reshape(1, 1, -1),
        LOGITS_BIAS: lambda: weights["lm_loss.bias"],
        POSITIONS: lambda: position_encoding(length, weights.config),
    }
    mean = weights.states_mean
    if mean is not None:
        sources[STATES_MEAN] = partial(np.asarray, mean)
    for layer in range(weights.config.n_layer):
        sources.update(_layer_sources(weights, names, layer))
    return sources


def _layer_sources(weights: Weights, names: Names, layer: int) -> dict[str, Callable[[], np.ndarray]]:
    width, prefix = weights.config.d_model, f"transformer.layer.{layer}."

    def attention(name: str) -> np.ndarray:
        """[d, H * D]"""
        return weights[f"{prefix}rel_attn.{name}"].reshape(width, -1)

    def plain(name: str) -> Callable[[], np.ndarray]:
        return lambda: weights[prefix + name]

    sources = {
        names.query(layer): lambda: attention("q"),
        names.key_value(layer): lambda: np.concatenate((attention("k"), attention("v")), 1),
        names.position(layer): lambda: attention("r"),
        names.output(layer): lambda: attention("o").T,
        names.query_bias(layer, "content_bias"): plain("rel_attn.r_w_bias"),
        names.query_bias(layer, "distance_bias"): plain("rel_attn.r_r_bias"),
        names.inner(layer): lambda: weights[f"{prefix}ff.layer_1.weight"].T,
        names.inner_bias(layer): plain("ff.layer_1.bias"),
        names.outer(layer): lambda: weights[f"{prefix}ff.layer_2.weight"].T,
        names.outer_bias(layer): plain("ff.layer_2.bias"),
        names.output_bias(layer): lambda: weights.output_bias(layer),
    }
    for norm, name in ((names.attention_norm(layer), "rel_attn.layer_norm"), (names.feed_forward_norm(layer), "ff.layer_norm")):
        sources[norm[0]], sources[norm[1]] = plain(f"{name}.weight"), plain(f"{name}.bias")
    return sources
