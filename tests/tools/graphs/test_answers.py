"""What model.onnx answers, against PyTorch in float64."""

import re

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.checkpoint import read_weights
from asarm_tools.checkpoints.torch_model import to_module
from asarm_tools.graphs import shared
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.layers import Layers
from asarm_tools.graphs.writer import OPSETS, GraphWriter
from asarm_tools.network.config import LOWEST, MODEL_INPUTS

from exports import fresh_weights, write_graphs
from graph_session import Session, needs_a_runtime


def random_case(generator, vocabulary: int) -> dict[str, np.ndarray]:
    """A batch of two sequences of one length, with their own orders and questions."""
    length, targets = int(generator.integers(2, 24)), int(generator.integers(1, 9))
    order = np.stack([generator.permutation(length) for _ in range(2)])
    given = generator.integers(1, length, (2, 1))
    places = generator.integers(0, length, (2, targets))
    return dict(zip(MODEL_INPUTS, (generator.integers(0, vocabulary, (2, length)), order, (order < given).astype(np.int64), places,
                                   generator.integers(1, length + 1, (2, targets)))))


def worst(weights, folder, cases: int = 8) -> float:
    """Of model.onnx against PyTorch in float64, in units of the largest logit."""
    model, generator, found = to_module(weights).double(), np.random.default_rng(1), []
    with Session(folder / "model.onnx") as session, torch.no_grad():
        for _ in range(cases):
            case = random_case(generator, weights.config.vocab_size)
            expected = model(*(torch.from_numpy(case[name]) for name in MODEL_INPUTS)).numpy()
            found.append(np.abs(session.run(case)["logits"] - expected).max() / np.abs(expected).max())
    return float(max(found))


@needs_a_runtime
@pytest.mark.parametrize("sizes", [
    *({"ff_activation": activation} for activation in LOWEST), {"clamp_len": 3}, {"layer_norm_eps": 1e-3}, {"n_layer": 1}, {"n_layer": 4, "n_head": 8},
    {"n_head": 1, "d_model": 6, "d_inner": 10}], ids=str)
def test_the_stateless_graph_answers_like_pytorch(tmp_path, sizes):
    weights = fresh_weights(40, **{"n_layer": 2, **sizes})
    weights["transformer.layer.0.rel_attn.o_bias"] = np.linspace(-1, 1, weights.config.d_model, dtype=np.float32)
    write_graphs(tmp_path, weights, 24)
    assert worst(weights, tmp_path) < 1e-5


@needs_a_runtime
@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset_answers_alike(tiny, tmp_path, opset):
    weights = read_weights(str(tiny))
    write_graphs(tmp_path, weights, 24, opset)
    assert worst(weights, tmp_path) < 1e-5


def swapped_biases(monkeypatch):
    others = {"content_bias": "distance_bias", "distance_bias": "content_bias"}
    original = GraphWeights.__getitem__
    monkeypatch.setattr(GraphWeights, "__getitem__", lambda self, name: original(self, re.sub("content_bias|distance_bias", lambda kind: others[kind[0]], name)))


def other_epsilon(monkeypatch):
    original = GraphWriter.node
    monkeypatch.setattr(GraphWriter, "node", lambda self, kind, *rest, **more: original(self, kind, *rest, **{**more, **({"epsilon": 0.01} if "epsilon" in more else {})}))


def no_hiding(monkeypatch):
    monkeypatch.setattr(shared, "HIDDEN_SCORE", 0.0)


def approximate_gelu(monkeypatch):
    original = Layers._activated
    monkeypatch.setattr(Layers, "_activated", lambda self, kind, rows: original(self, "gelu_new", rows))


@needs_a_runtime
@pytest.mark.parametrize("mistake", [swapped_biases, other_epsilon, no_hiding, approximate_gelu])
def test_mistakes_show(tmp_path, monkeypatch, mistake):
    """The control of the tolerance: graphs that are written wrongly."""
    weights = fresh_weights(40, n_layer=2)
    mistake(monkeypatch)
    write_graphs(tmp_path, weights, 24)
    monkeypatch.undo()
    assert worst(weights, tmp_path) > 3e-5
