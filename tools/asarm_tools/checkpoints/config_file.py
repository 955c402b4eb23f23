"""Reads config.json of an XLNet checkpoint, and refuses by name what this network does not do."""

from __future__ import annotations

import json
import os

from asarm_tools.command_line.failure import InputError
from asarm_tools.network.config import LOWEST, TwoStreamConfig

ARCHITECTURE = "XLNetLMHeadModel"
CONFIG_FILE = "config.json"
# Names that Hugging Face's XLNetConfig takes for the same fields.
ALIASES = {"n_token": "vocab_size", "hidden_size": "d_model", "num_attention_heads": "n_head", "num_hidden_layers": "n_layer"}
_SIZES = ("vocab_size", "d_model", "n_layer", "n_head", "d_inner")
_LARGEST = 1 << 31
_LARGEST_EPSILON = 1e6


class CheckpointError(InputError):
    """The folder is not a checkpoint that this project can run; the message names what is wrong."""


def read_config(folder: str) -> TwoStreamConfig:
    """The sizes and options of the network."""
    path = os.path.join(folder, CONFIG_FILE)
    raw = _without_aliases(path, _read(folder, path))
    _check_kind(path, raw)
    sizes = {name: _integer(path, raw, name, 1) for name in _SIZES}
    clamp = _integer(path, raw, "clamp_len", -_LARGEST, default=-1)
    d_model, heads = sizes["d_model"], sizes["n_head"]
    if d_model % 2:
        raise CheckpointError(f"{path}: d_model must be even, half sines and half cosines")
    if d_model % heads or _integer(path, raw, "d_head", 1, default=d_model // heads) != d_model // heads:
        raise CheckpointError(f"{path}: d_model must be n_head * d_head")
    return TwoStreamConfig(sizes["vocab_size"], d_model, sizes["n_layer"], heads, sizes["d_inner"], layer_norm_eps=_epsilon(path, raw),
                           clamp_len=clamp if clamp > 0 else -1, ff_activation=raw.get("ff_activation", "gelu"))


def _read(folder: str, path: str) -> dict:
    try:
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
    except FileNotFoundError:
        raise CheckpointError(f"{folder} has no {CONFIG_FILE}") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path} is no JSON object")
    return raw


def _without_aliases(path: str, raw: dict) -> dict:
    """The same fields, each under its first name; null is a field that is not there."""
    fields = {name: value for name, value in raw.items() if name not in ALIASES}
    for alias, name in ALIASES.items():
        value = raw.get(alias)
        if value is None:
            continue
        known = fields.get(name)
        if known is not None and (known != value or type(known) is not type(value)):
            raise CheckpointError(f"{path}: {alias} is {value!r}, but {name} is {known!r}: they are one field")
        fields[name] = value
    return fields


def _integer(path: str, raw: dict, name: str, least: int, default: int | None = None) -> int:
    """A field that counts something; 2.5, true and "2" are no counts."""
    value = raw.get(name)
    if value is None and default is not None:
        return default
    if type(value) is not int or not least <= value < _LARGEST:  # True is an int too
        kind = "a positive integer" if least > 0 else "an integer"
        raise CheckpointError(f"{path}: {name} must be {kind} below 2^31, it is {value!r}")
    return value


def _epsilon(path: str, raw: dict) -> float:
    value = raw.get("layer_norm_eps")
    if value is None:
        return 1e-12
    if type(value) not in (int, float) or not 0 <= value <= _LARGEST_EPSILON:  # NaN and infinity are JSON to Python
        raise CheckpointError(f"{path}: layer_norm_eps must be a number from 0 to {_LARGEST_EPSILON:g}, it is {str(value)[:40]}")
    return float(value)


def _check_kind(path: str, raw: dict) -> None:
    """Refuses other networks. untie_r has no effect, as every layer's biases are in the file; nor do same_length, mem_len, reuse_len and
    use_mems_*, which speak of memories of earlier segments and of one-directional attention."""
    demands = {"model_type": "xlnet", "attn_type": "bi", "bi_data": False}
    for name, wanted in demands.items():
        if raw.get(name, wanted) != wanted:
            raise CheckpointError(f"{path}: {name} is {raw[name]!r}, only {wanted!r} is supported")
    kinds = raw.get("architectures") or [ARCHITECTURE]
    if not isinstance(kinds, list) or ARCHITECTURE not in kinds:
        raise CheckpointError(f"{path}: architectures is {kinds!r}, only {ARCHITECTURE!r} is supported")
    activation = raw.get("ff_activation", "gelu")
    if not isinstance(activation, str) or activation not in LOWEST:
        raise CheckpointError(f"{path}: ff_activation is {activation!r}, known are {', '.join(LOWEST)}")
