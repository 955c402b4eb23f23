"""Checkpoints as PyTorch modules, for training and cross-checks."""

from __future__ import annotations

import torch

from asarm_tools.checkpoints.checkpoint import read_weights, write_weights
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.network.weights import Weights


def read_model(folder: str, dtype: torch.dtype = torch.float32) -> TwoStreamModel:
    """The network with the folder's weights, in evaluation mode."""
    return to_module(read_weights(folder)).to(dtype)


def write_model(folder: str, model: TwoStreamModel, **extra: object) -> None:
    """Writes config.json and model.safetensors; extra fields go to config.json."""
    write_weights(folder, to_weights(model), **extra)


def to_module(weights: Weights) -> TwoStreamModel:
    """A module with a copy of the weights, in evaluation mode."""
    model = TwoStreamModel(weights.config)
    state = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    for layer in range(weights.config.n_layer):
        bias = state.pop(f"transformer.layer.{layer}.rel_attn.o_bias", None)
        model.transformer.layer[layer].rel_attn.o_bias = None if bias is None else torch.nn.Parameter(bias)
    state["lm_loss.weight"] = state["transformer.word_embedding.weight"]
    model.load_state_dict(state, strict=False)
    return model.eval()


def to_weights(model: TwoStreamModel) -> Weights:
    """The module's weights in float32."""
    state = {name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()}
    del state["lm_loss.weight"]
    return Weights(model.config, state)
