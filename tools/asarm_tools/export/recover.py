"""Makes a checkpoint of an exported folder again, to export it in a newer format or to train on from it.

    recover.py --model DIR --output DIR

The weights are those that the folder stores: of float16 storage the rounded ones. asarm_text.json beside them keeps how the folder treats text.
"""

from __future__ import annotations

import argparse
import os
import shutil

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from asarm_tools.checkpoints.checkpoint import read_config
from asarm_tools.checkpoints.torch_model import write_model
from asarm_tools.checkpoints.config_file import CONFIG_FILE
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.command_line.whole_files import whole_folder
from asarm_tools.export.command import TOKENIZER_FILE
from asarm_tools.export.contract import STATELESS_FILE
from asarm_tools.export.verify import read_description
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.text import text_rules
from asarm_tools.text.text_rules import CONFIG_FILE as TOKENIZER_CONFIG_FILE

PROGRAM = "recover.py"


def recover(folder: str) -> TwoStreamModel:
    """The network of an exported folder."""
    model = TwoStreamModel(read_config(folder))
    path = os.path.join(folder, STATELESS_FILE)
    try:
        graph = onnx.load(path).graph
        weights = {tensor.name.removesuffix(".float16"): numpy_helper.to_array(tensor).astype(np.float32) for tensor in graph.initializer}
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        raise InputError(f"{path} is no whole graph: {error}") from error
    state = model.state_dict()
    for name in state:
        key, transposed = _stored_name(name, graph, weights)
        stored = weights.get(key, np.empty(0))
        array = stored.T if transposed else stored
        if array.squeeze().shape != state[name].squeeze().shape:  # a folded bias has another axis of one
            raise InputError(f"{folder}: {STATELESS_FILE} does not hold {name} where this exporter puts it")
        state[name] = torch.from_numpy(np.ascontiguousarray(array)).reshape(state[name].shape)
    model.load_state_dict(state)
    return model


def _stored_name(name: str, graph: onnx.GraphProto, weights: dict[str, np.ndarray]) -> tuple[str, bool]:
    """The initializer that holds a parameter, and whether it holds it transposed: PyTorch's exporter folds some of them."""
    if name == "lm_loss.weight":
        return "transformer.word_embedding.weight", False
    parts = name.split(".")
    if name.endswith(("layer_1.weight", "layer_2.weight")):
        added = [term for node in graph.node if name.replace(".weight", ".bias") in node.input for term in node.input]
        factors = [node.input[1] for node in graph.node if node.op_type == "MatMul" and node.output[0] in added]
        return (factors[0] if factors else name), True
    if parts[-1] in ("r_w_bias", "r_r_bias"):
        folded = [term for node in graph.node if node.op_type == "Add" for term in node.input
                  if term.startswith("onnx::Add_") and term in weights and weights[term].ndim > 1]  # newer exporters have constants there
        order = 2 * int(parts[2]) + (parts[-1] == "r_r_bias")
        return (folded[order] if order < len(folded) else name), False
    return name, False


def main() -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, metavar="DIR", help="exported model folder")
    parser.add_argument("--output", required=True, metavar="DIR", help="checkpoint to write: config.json, model.safetensors and how text is treated")
    arguments = parser.parse_args()
    if os.path.exists(arguments.output):
        raise InputError(f"{arguments.output} is there already")
    model, description = recover(arguments.model), read_description(arguments.model)
    with open(os.path.join(arguments.model, CONFIG_FILE), "rb") as file:
        config = file.read()
    with whole_folder(arguments.output) as folder:
        write_model(folder, model)
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
