"""Makes a checkpoint of an exported folder again, to export it in a newer format or to train on from it.

    recover.py --model DIR --output DIR

The weights are those that the folder stores: of float16 storage the rounded ones. asarm_text.json beside them keeps how the folder treats text.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from asarm_tools.checkpoints.checkpoint import write_weights
from asarm_tools.checkpoints.config_file import CONFIG_FILE, read_config
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.command_line.whole_files import whole_folder
from asarm_tools.export import recover_traced
from asarm_tools.export.description import TOKENIZER_FILE, read_description
from asarm_tools.graphs.contract import STATELESS_FILE
from asarm_tools.graphs.names import EMBEDDING, LOGITS_BIAS, MASK_EMBEDDING, Names
from asarm_tools.network.weights import Weights, shapes
from asarm_tools.text import text_rules
from asarm_tools.text.text_rules import CONFIG_FILE as TOKENIZER_CONFIG_FILE

PROGRAM = "recover.py"


def recover(folder: str) -> Weights:
    """The network of an exported folder. Raises InputError for one whose weights are stored as integers, or whose graph is damaged."""
    config, path = read_config(folder), os.path.join(folder, STATELESS_FILE)
    stored = read_initializers(path)
    if not any(name.startswith(EMBEDDING) for name in stored):
        return recover_traced.recover(folder, config, path)
    weights = {name: _found(folder, stored, name) for name in (EMBEDDING, MASK_EMBEDDING, LOGITS_BIAS)}
    network = Weights(config, {"transformer.word_embedding.weight": weights[EMBEDDING], "transformer.mask_emb": weights[MASK_EMBEDDING],
                               "lm_loss.bias": weights[LOGITS_BIAS]})
    for layer in range(config.n_layer):
        _recover_layer(folder, stored, network, layer)
    for name, shape in shapes(config).items():
        held = (shape[0], math.prod(shape[1:])) if ".rel_attn." in name else shape  # heads side by side
        if network[name].shape not in (held, shape):
            raise InputError(f"{folder}: {STATELESS_FILE} does not hold {name} in the size of {CONFIG_FILE}, {list(shape)}")
        network[name] = np.ascontiguousarray(network[name]).reshape(shape)
    return network


def read_initializers(path: str) -> dict[str, np.ndarray]:
    """The weights of a graph by name, float16 ones widened to float32."""
    try:
        return {tensor.name: numpy_helper.to_array(tensor).astype(np.float32) for tensor in onnx.load(path).graph.initializer}
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        raise InputError(f"{path} is no whole graph: {error}") from error


def _found(folder: str, stored: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in stored:
        raise InputError(f"{folder}: {STATELESS_FILE} does not hold {name} as floating-point numbers: only float32, float16-weights and float16 can be recovered")
    return stored[name]


def _recover_layer(folder: str, stored: dict[str, np.ndarray], network: Weights, layer: int) -> None:
    """The tensors of a layer, in the layout of the graphs."""
    names, prefix = Names(network.config), f"transformer.layer.{layer}."
    both, width = _found(folder, stored, names.key_value(layer)), network.config.d_model
    if both.shape != (width, 2 * width):
        raise InputError(f"{folder}: {STATELESS_FILE} holds {names.key_value(layer)} in another size than {[width, 2 * width]}")
    key, value = np.split(both, 2, 1)
    found = {"rel_attn.k": key, "rel_attn.v": value}
    for name, source in (("rel_attn.q", names.query(layer)), ("rel_attn.r", names.position(layer)),
                         ("rel_attn.r_w_bias", names.query_bias(layer, "content_bias")), ("rel_attn.r_r_bias", names.query_bias(layer, "distance_bias")),
                         ("ff.layer_1.bias", names.inner_bias(layer)), ("ff.layer_2.bias", names.outer_bias(layer))):
        found[name] = _found(folder, stored, source)
    for name, source in (("rel_attn.o", names.output(layer)), ("ff.layer_1.weight", names.inner(layer)), ("ff.layer_2.weight", names.outer(layer))):
        found[name] = _found(folder, stored, source).T
    for name, norm in (("rel_attn.layer_norm", names.attention_norm(layer)), ("ff.layer_norm", names.feed_forward_norm(layer))):
        found[f"{name}.weight"], found[f"{name}.bias"] = (_found(folder, stored, source) for source in norm)
    for name, values in found.items():
        network[prefix + name] = values


def main() -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, metavar="DIR", help="exported model folder")
    parser.add_argument("--output", required=True, metavar="DIR", help="checkpoint to write: config.json, model.safetensors and how text is treated")
    arguments = parser.parse_args()
    if os.path.exists(arguments.output):
        raise InputError(f"{arguments.output} is there already")
    weights, description = recover(arguments.model), read_description(arguments.model)
    with open(os.path.join(arguments.model, CONFIG_FILE), "rb") as file:
        config = file.read()
    with whole_folder(arguments.output) as folder:
        write_weights(folder, weights)
        with open(os.path.join(folder, CONFIG_FILE), "wb") as file:
            file.write(config)  # unchanged, with what the network does not need
        beside = os.path.join(arguments.model, TOKENIZER_CONFIG_FILE)
        if os.path.exists(beside):
            shutil.copyfile(beside, os.path.join(folder, TOKENIZER_CONFIG_FILE))
        if TOKENIZER_FILE in description["files"]:
            text_rules.record(description, folder)
    print(f"{arguments.output}: written")
    return 0


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
