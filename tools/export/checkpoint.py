"""Reads and writes checkpoints in the Hugging Face layout: config.json with model.safetensors or pytorch_model.bin."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator

import numpy as np
import torch

from failure import InputError
from tensor_file import TensorFileError, map_tensors, write_tensors
from two_stream import ACTIVATIONS, TwoStreamConfig, TwoStreamModel

# In XLNet checkpoints but without effect here: segments are not used, the output matrix is tied to the embedding.
_UNUSED = ("rel_attn.r_s_bias", "rel_attn.seg_embed")
ARCHITECTURE = "XLNetLMHeadModel"
_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


class CheckpointError(InputError):
    """The folder is not a checkpoint that this project can run; the message names what is wrong."""


def read_config(folder: str) -> TwoStreamConfig:
    """config.json, refused where it asks for something that this network does not do."""
    path = os.path.join(folder, "config.json")
    try:
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
    except FileNotFoundError:
        raise CheckpointError(f"{folder} has no config.json") from None
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path} is no JSON object")
    _check_kind(path, raw)
    sizes = ("vocab_size", "d_model", "n_layer", "n_head", "d_inner")
    for name in sizes:
        if type(raw.get(name)) is not int or raw[name] < 1:  # True is an int too
            raise CheckpointError(f"{path}: {name} must be a positive integer, it is {raw.get(name)!r}")
    for name in ("layer_norm_eps", "clamp_len"):
        value = raw.get(name)
        if value is not None and (type(value) not in (int, float) or not abs(value) < 1 << 31):  # NaN and infinity are JSON to Python
            raise CheckpointError(f"{path}: {name} must be a number, it is {value!r}")
    if raw["d_model"] % 2:
        raise CheckpointError(f"{path}: d_model must be even, half sines and half cosines")
    head = raw["d_model"] // raw["n_head"]
    if raw["d_model"] % raw["n_head"] or raw.get("d_head") not in (None, head):
        raise CheckpointError(f"{path}: d_model must be n_head * d_head")
    return TwoStreamConfig(*(raw[name] for name in sizes), layer_norm_eps=float(raw.get("layer_norm_eps") or 1e-12),
                           clamp_len=int(raw.get("clamp_len") or -1), ff_activation=raw.get("ff_activation", "gelu"))


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
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise CheckpointError(f"{path}: ff_activation is {activation!r}, known are {', '.join(ACTIVATIONS)}")


def read_model(folder: str, dtype: torch.dtype = torch.float32) -> TwoStreamModel:
    """The network with the folder's weights, in evaluation mode."""
    model = TwoStreamModel(read_config(folder))
    state = {name: tensor for name, tensor in _read_state(folder).items() if not name.endswith(_UNUSED)}
    expected = model.state_dict()
    output, embedding = state.get("lm_loss.weight"), state.get("transformer.word_embedding.weight")
    if output is None and embedding is not None:
        state["lm_loss.weight"] = embedding
    elif output is not None and embedding is not None and not torch.equal(output, embedding):
        raise CheckpointError(f"{folder}: lm_loss.weight differs from the word embedding; untied outputs are not supported")
    missing, surplus = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    if missing or surplus:
        raise CheckpointError(f"{folder}: tensors missing: {missing[:5]}, not understood: {surplus[:5]}")
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            raise CheckpointError(f"{folder}: {name} has shape {list(tensor.shape)}, config.json says {list(expected[name].shape)}")
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{folder}: {name} holds values that are not finite")
    model.load_state_dict(state)
    return model.to(dtype).eval()


@contextlib.contextmanager
def appearing(folder: str) -> Iterator[str]:
    """A folder to write into, which takes the place of the missing one once it is whole."""
    building = f"{os.path.abspath(folder)}.{os.getpid()}.part"
    try:
        os.makedirs(building)
        yield building
        os.rename(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def write_model(folder: str, model: TwoStreamModel, **extra: object) -> None:
    """Writes config.json and model.safetensors so that both this project and XLNetLMHeadModel read them."""
    os.makedirs(folder, exist_ok=True)
    config = model.config
    fields = {
        "architectures": [ARCHITECTURE], "model_type": "xlnet", "attn_type": "bi", "bi_data": False,
        "vocab_size": config.vocab_size, "d_model": config.d_model, "n_layer": config.n_layer, "n_head": config.n_head,
        "d_head": config.d_head, "d_inner": config.d_inner, "ff_activation": config.ff_activation, "untie_r": True,
        "layer_norm_eps": config.layer_norm_eps, "clamp_len": config.clamp_len, "dropout": config.dropout,
        "mem_len": None, "reuse_len": None, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 5, **extra,
    }
    tensors = {name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()}
    del tensors["lm_loss.weight"]
    for layer in range(config.n_layer):
        prefix = f"transformer.layer.{layer}.rel_attn."
        tensors[prefix + "r_s_bias"] = np.zeros((config.n_head, config.d_head), np.float32)
        tensors[prefix + "seg_embed"] = np.zeros((2, config.n_head, config.d_head), np.float32)
    write_tensors(os.path.join(folder, "model.safetensors"), tensors, {"format": "pt"})
    path = os.path.join(folder, "config.json")
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(fields, file, indent=2, sort_keys=True)
        file.write("\n")
    os.replace(path + ".part", path)


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
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} is no weight index") from error
    names = sorted(found)
    for name in names:
        if os.path.basename(name) != name or not os.path.exists(os.path.join(os.path.dirname(index), name)):
            raise CheckpointError(f"{index}: the shard {name!r} is missing")
    return names


def _read_state(folder: str) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = {}
    for path in weight_files(folder):
        if path.endswith(".safetensors"):
            try:
                state.update({name: torch.from_numpy(array).float() for name, array in map_tensors(path).items()})
            except TensorFileError as error:
                raise CheckpointError(str(error)) from error
        elif path.endswith(".bin"):
            state.update(_read_pickle(path))
    return state


def _read_pickle(path: str) -> dict[str, torch.Tensor]:
    # Weights only: the file is data, and its code is not run. A hostile file gets around that on PyTorch before 2.6
    # (CVE-2025-32434), so there it must come from people you trust; safetensors has no code at all.
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken pickle may fail in any way
        raise CheckpointError(f"{path} is no PyTorch weights file: {error}") from error
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{path} does not hold a table of tensors")
    return {name: tensor.float() for name, tensor in loaded.items() if isinstance(tensor, torch.Tensor)}
