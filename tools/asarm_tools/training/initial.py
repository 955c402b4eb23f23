"""The weights that a run starts with: random ones, or those of a checkpoint."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict

from torch import nn

from asarm_tools.checkpoints.config_file import CONFIG_FILE
from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.network.two_stream import TwoStreamModel


def initialise(model: TwoStreamModel) -> TwoStreamModel:
    """Normal weights of deviation 0.02, scaled down on the way into the residual stream (GPT-2's scheme)."""
    residual = 0.02 / math.sqrt(2 * model.config.n_layer)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or name.endswith("_bias"):
            continue
        nn.init.normal_(parameter, std=residual if name.endswith(("rel_attn.o", "layer_2.weight")) else 0.02)
    nn.init.zeros_(model.lm_loss.bias)
    return model


def load_checkpoint(model: TwoStreamModel, folder: str) -> int:
    """Takes over the weights of a network of the same kind; returns the tokens that it was trained on so far."""
    read = read_model(folder)
    here, there = ({name: value for name, value in asdict(config).items() if name != "dropout"} for config in (model.config, read.config))
    different = [name for name in here if here[name] != there[name]]
    if different:
        had, has = (", ".join(f"{name} {fields[name]}" for name in different) for fields in (there, here))
        raise InputError(f"--init {folder} has {had}, this run {has}")
    model.load_state_dict(read.state_dict())
    with open(os.path.join(folder, CONFIG_FILE), encoding="utf-8") as file:
        tokens = json.load(file).get("trained_tokens")
    return tokens if type(tokens) is int and tokens > 0 else 0
