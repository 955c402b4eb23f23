"""Makes a checkpoint of an exported folder again, to export it in a newer format or to train on from it.

    recover.py --model DIR --output DIR

The weights are those that the folder stores: of float16 storage the rounded ones.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from checkpoint import read_config, write_model
from contract import STATELESS_FILE
from export import CONFIG_FILE
from failure import InputError, run
from two_stream import TwoStreamModel


def recover(folder: str) -> TwoStreamModel:
    """The network of an exported folder."""
    graph = onnx.load(os.path.join(folder, STATELESS_FILE)).graph
    weights = {tensor.name.removesuffix(".float16"): numpy_helper.to_array(tensor).astype(np.float32) for tensor in graph.initializer}
    model = TwoStreamModel(read_config(folder))
    state = model.state_dict()
    for name in state:
        key, transposed = _stored_name(name, graph)
        if key not in weights:
            raise InputError(f"{folder}: {STATELESS_FILE} does not hold {name} where this exporter puts it")
        array = weights[key].T if transposed else weights[key]
        state[name] = torch.from_numpy(np.ascontiguousarray(array)).reshape(state[name].shape)
    model.load_state_dict(state)
    return model


def _stored_name(name: str, graph: onnx.GraphProto) -> tuple[str, bool]:
    """The initializer that holds a parameter, and whether it holds it transposed: PyTorch's exporter folds some of them."""
    if name == "lm_loss.weight":
        return "transformer.word_embedding.weight", False
    parts = name.split(".")
    if name.endswith(("layer_1.weight", "layer_2.weight")):
        add = next(node for node in graph.node if name.replace(".weight", ".bias") in node.input)
        product = next(node for node in graph.node if node.op_type == "MatMul" and node.output[0] in add.input)
        return product.input[1], True
    if parts[-1] in ("r_w_bias", "r_r_bias"):
        folded = [name for node in graph.node if node.op_type == "Add" for name in node.input if name.startswith("onnx::Add_")]
        order = 2 * int(parts[2]) + (parts[-1] == "r_r_bias")
        return (folded[order] if order < len(folded) else name), False
    return name, False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, metavar="DIR", help="exported model folder")
    parser.add_argument("--output", required=True, metavar="DIR", help="checkpoint to write: config.json and model.safetensors")
    arguments = parser.parse_args()
    if os.path.exists(arguments.output):
        raise InputError(f"{arguments.output} is there already")
    model = recover(arguments.model)
    with open(os.path.join(arguments.model, CONFIG_FILE), "rb") as file:
        config = file.read()
    write_model(arguments.output, model)
    with open(os.path.join(arguments.output, CONFIG_FILE), "wb") as file:
        file.write(config)  # unchanged, with what the network does not need
    print(f"{arguments.output}: written")
    return 0


if __name__ == "__main__":
    run("recover.py", main)
