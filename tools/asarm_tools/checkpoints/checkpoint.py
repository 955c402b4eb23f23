"""Reads and writes checkpoints in the Hugging Face layout: config.json with model.safetensors or pytorch_model.bin."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np

from asarm_tools.checkpoints.config_file import ARCHITECTURE, CONFIG_FILE, CheckpointError, read_config
from asarm_tools.checkpoints.tensor_file import TensorFileError, map_tensors, write_tensors
from asarm_tools.command_line.whole_files import whole_file
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.weights import Weights, shapes

# In XLNet checkpoints but without effect here: segments are not used, the output matrix is tied to the embedding.
_UNUSED = ("rel_attn.r_s_bias", "rel_attn.seg_embed")
_OUTPUT, _EMBEDDING = "lm_loss.weight", "transformer.word_embedding.weight"
_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def read_weights(folder: str) -> Weights:
    """The network's weights; those of a safetensors file in float32 are views of it, which take no memory of their own."""
    config = read_config(folder)
    state = {name: tensor for name, tensor in _read_state(folder).items() if not name.endswith(_UNUSED)}
    _tie(folder, state)
    _check_size(folder, config, state)
    expected = shapes(config)
    missing, surplus = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    if missing or surplus:
        raise CheckpointError(f"{folder}: tensors missing: {missing[:5]}, not understood: {surplus[:5]}")
    for name, tensor in state.items():
        if tensor.shape != expected[name]:
            raise CheckpointError(f"{folder}: {name} has shape {list(tensor.shape)}, config.json says {list(expected[name])}")
        if not np.isfinite(tensor).all():
            raise CheckpointError(f"{folder}: {name} holds values that are not finite")
    return Weights(config, state)


def _tie(folder: str, state: dict[str, np.ndarray]) -> None:
    """Embedding and output matrix are one: a file may hold it under either name, or under both."""
    output, embedding = state.pop(_OUTPUT, None), state.get(_EMBEDDING)
    if output is not None and embedding is not None and not np.array_equal(output, embedding, equal_nan=True):
        raise CheckpointError(f"{folder}: {_OUTPUT} differs from the word embedding; untied outputs are not supported")
    if output is not None:
        state[_EMBEDDING] = output


def _check_size(folder: str, config: TwoStreamConfig, state: dict[str, np.ndarray]) -> None:
    """Before memory is taken for what config.json asks for: the weights must be about as many."""
    asked = config.vocab_size * config.d_model + config.n_layer * (5 * config.d_model ** 2 + 2 * config.d_model * config.d_inner)
    held = sum(tensor.size for tensor in state.values())
    if asked > 4 * held:
        raise CheckpointError(f"{folder}: config.json asks for {asked:,} weights, the files hold {held:,}: weights are missing")


def write_weights(folder: str, weights: Weights, **extra: object) -> None:
    """Writes config.json and model.safetensors so that both this project and XLNetLMHeadModel read them; extra fields go to config.json."""
    os.makedirs(folder, exist_ok=True)
    config = weights.config
    fields = {
        "architectures": [ARCHITECTURE], "model_type": "xlnet", "attn_type": "bi", "bi_data": False,
        "vocab_size": config.vocab_size, "d_model": config.d_model, "n_layer": config.n_layer, "n_head": config.n_head,
        "d_head": config.d_head, "d_inner": config.d_inner, "ff_activation": config.ff_activation, "untie_r": True,
        "layer_norm_eps": config.layer_norm_eps, "clamp_len": config.clamp_len, "dropout": config.dropout,
        "mem_len": None, "reuse_len": None, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 5, **extra,
    }
    tensors = dict(weights.items())
    for layer in range(config.n_layer):
        prefix = f"transformer.layer.{layer}.rel_attn."
        tensors[prefix + "r_s_bias"] = np.zeros((config.n_head, config.d_head), np.float32)
        tensors[prefix + "seg_embed"] = np.zeros((2, config.n_head, config.d_head), np.float32)
    write_tensors(os.path.join(folder, "model.safetensors"), tensors, {"format": "pt"})
    with whole_file(os.path.join(folder, CONFIG_FILE)) as part, open(part, "w", encoding="utf-8") as file:
        json.dump(fields, file, indent=2, sort_keys=True)
        file.write("\n")


def weight_files(folder: str) -> list[str]:
    """The files that hold the weights, an index before its shards."""
    for name in _FILES:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            if not name.endswith(".index.json"):
                return [path]
            return [path, *(os.path.join(folder, shard) for shard in _shards(path))]
    raise CheckpointError(f"{folder} has none of {', '.join(_FILES)}")


def checkpoint_hash(folder: str) -> str:
    """SHA-256 over config.json and the weight files, in hexadecimal."""
    digest, config = hashlib.sha256(), os.path.join(folder, "config.json")
    if not os.path.exists(config):
        raise CheckpointError(f"{folder} has no config.json")
    for path in [config, *weight_files(folder)]:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def _shards(index: str) -> list[str]:
    try:
        with open(index, encoding="utf-8") as file:
            found = set(json.load(file)["weight_map"].values())
        if not all(isinstance(name, str) for name in found):
            raise TypeError("a file name that is no text")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{index} is no weight index") from error
    names = sorted(found)
    for name in names:
        if os.path.basename(name) != name or not os.path.exists(os.path.join(os.path.dirname(index), name)):
            raise CheckpointError(f"{index}: the shard {name!r} is missing")
    return names


def _read_state(folder: str) -> dict[str, np.ndarray]:
    state: dict[str, np.ndarray] = {}
    for path in weight_files(folder):
        if path.endswith(".safetensors"):
            try:
                state.update(map_tensors(path))
            except TensorFileError as error:
                raise CheckpointError(str(error)) from error
        elif path.endswith(".bin"):
            state.update(_read_pickle(path))
    for name, tensor in state.items():
        if tensor.dtype.kind != "f":
            raise CheckpointError(f"{folder}: {name} is of type {tensor.dtype}, weights are floating-point numbers")
    return {name: tensor.astype(np.float32, copy=False) for name, tensor in state.items()}


def _read_pickle(path: str) -> dict[str, np.ndarray]:
    try:
        from asarm_tools.checkpoints.data_pickles import load_arrays  # needs PyTorch, safetensors do not
    except ImportError as error:
        raise CheckpointError(f"{path} is a file of PyTorch, which is not installed here ({error}): install it, or convert the checkpoint to safetensors") from error
    try:
        loaded = load_arrays(path)
    except Exception as error:  # a broken pickle may fail in any way
        raise CheckpointError(f"{path} is no PyTorch weights file: {error}") from error
    if loaded is None:
        raise CheckpointError(f"{path} does not hold a table of tensors")
    return loaded
