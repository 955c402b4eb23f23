"""What tests of exported folders share."""

import json

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from conftest import ROOT
from two_stream import TwoStreamConfig, TwoStreamModel

COMMITTED = ROOT / "models" / "tiny"


def described(folder) -> dict:
    return json.loads((folder / "asarm.json").read_text())


def weights_of(folder) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(str(folder / "model.onnx")).graph.initializer}


def fresh(vocabulary: int) -> TwoStreamModel:
    model = TwoStreamModel(TwoStreamConfig(vocabulary, d_model=32, n_layer=1, n_head=2, d_inner=32))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()
