"""What tests of exported folders share."""

import json
import math

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

from asarm_tools.checkpoints.config_file import read_config
from asarm_tools.checkpoints.random_checkpoint import random_weights
from asarm_tools.graphs import contract, files
from asarm_tools.graphs.arithmetic import FloatArithmetic
from asarm_tools.graphs.build import build
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.network.weights import Weights
from asarm_tools.quantization.precision import LARGE

from conftest import ROOT

COMMITTED = ROOT / "models" / "tiny"
TRACED = ROOT / "tests" / "golden" / "traced"  # folders of format 1
GRAPHS = ("model.onnx", "model_cached.onnx")


def described(folder) -> dict:
    return json.loads((folder / "asarm.json").read_text())


def weights_of(folder, file: str = "model.onnx") -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(str(folder / file)).graph.initializer}


def bare(folder, file: str) -> onnx.ModelProto:
    """The graph without what lies in the data file."""
    return onnx.load(str(folder / file), load_external_data=False)


def large(model: onnx.ModelProto) -> list[TensorProto]:
    return [tensor for tensor in model.graph.initializer if math.prod(tensor.dims) >= LARGE]


def place(tensor: TensorProto) -> tuple[str, int, int]:
    """Data file, offset and length; a tensor within its graph has no such entries."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    return entries["location"], int(entries["offset"]), int(entries["length"])


def contracts(folder) -> list[contract.Contract]:
    config = read_config(str(folder))
    return [contract.stateless(config), contract.cached(config)]


def fresh(vocabulary: int, **sizes) -> TwoStreamModel:
    model = TwoStreamModel(small(vocabulary, **sizes))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def fresh_weights(vocabulary: int, seed: int = 1, deviation: float = 0.2, **sizes) -> Weights:
    """Normal ones, those of the norms around 1."""
    weights = random_weights(small(vocabulary, **sizes), seed, deviation)
    generator = np.random.default_rng(seed)
    for name, values in list(weights.items()):
        if "layer_norm" in name:
            weights[name] = values + generator.standard_normal(values.shape, np.float32) * np.float32(deviation)
    return weights


def small(vocabulary: int, **sizes) -> TwoStreamConfig:
    return TwoStreamConfig(vocabulary, **{"d_model": 32, "n_layer": 1, "n_head": 2, "d_inner": 32, **sizes})


def write_graphs(folder, weights: Weights, length: int, opset: int = 17) -> None:
    """Both in float32, without the rest of an export."""
    found = GraphWeights(weights, length)
    kinds = contract.stateless(weights.config), contract.cached(weights.config)
    files.save({ports.file: build(ports, opset, found, length, lambda writer: FloatArithmetic(writer, found)) for ports in kinds}, str(folder))
