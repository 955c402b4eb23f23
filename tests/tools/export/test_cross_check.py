"""An export runs its graphs where something can: a graph that answers otherwise than the network is refused, and nothing is left."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from asarm_tools.checkpoints.checkpoint import read_weights
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.export import cross_check, fixtures
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.network.weights import Weights
from asarm_tools.quantization.precision import PRECISIONS, WEIGHTS_ONLY, round_weights

from conftest import ROOT
from graph_session import HAS_ONNXRUNTIME, needs_a_runtime, needs_onnxruntime


@pytest.fixture
def cases(exported):
    return fixtures.read_cases(str(exported / "golden.safetensors"), 64)


def test_nothing_is_run_where_nothing_can(exported, tiny, cases, monkeypatch):
    """And no error is made of that."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cross_check.run_graphs(str(exported), read_weights(str(tiny)).config, cases[:1]) == {}
    cross_check.check(str(exported), read_weights(str(tiny)), cases, PRECISIONS["fp32"])


@needs_a_runtime
def test_graphs_answer_like_the_network(exported, tiny, cases):
    config = read_weights(str(tiny)).config
    found = cross_check.run_graphs(str(exported), config, cases)
    assert list(found) == (["model.onnx by onnxruntime", "model_cached.onnx by onnxruntime"] if HAS_ONNXRUNTIME else ["model.onnx by onnx.reference"])
    for answers in found.values():
        assert len(answers) == len(cases) == 12
        assert max(np.abs(one - case["logits"]).max() for one, case in zip(answers, cases)) < 1e-5


ALONE = """
import importlib.util, sys
import numpy as np
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *given: None if name == "onnxruntime" else find(name, *given)
from asarm_tools.checkpoints.checkpoint import read_weights
from asarm_tools.export import cross_check, fixtures
folder, checkpoint = sys.argv[1:]
cases = fixtures.read_cases(folder + "/golden.safetensors", 64)[:3]
found = cross_check.run_graphs(folder, read_weights(checkpoint).config, cases)
print(*found, max(np.abs(one - case["logits"]).max() for answers in found.values() for one, case in zip(answers, cases)))
"""


@needs_onnxruntime
def test_without_onnxruntime_the_interpreter_of_onnx_runs_the_stateless_graph(exported, tiny):
    """In a process of its own: where onnxruntime is loaded, onnx's interpreter does not know its own operators any more."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}
    printed = subprocess.run([sys.executable, "-c", ALONE, str(exported), str(tiny)], env=environment, capture_output=True, encoding="utf-8", check=True).stdout
    name, worst = printed.strip().rsplit(" ", 1)
    assert name == "model.onnx by onnx.reference" and float(worst) < 1e-5


@needs_a_runtime
@pytest.mark.parametrize("name, change", [
    ("transformer.layer.1.rel_attn.r", 0.1), ("transformer.layer.2.ff.layer_2.bias", 0.02), ("lm_loss.bias", 1e-3), ("transformer.mask_emb", 0.02),
    ("transformer.layer.0.rel_attn.r_w_bias", 0.2)])
def test_another_weight_is_refused(exported, tiny, cases, name, change):
    weights = read_weights(str(tiny))
    cross_check.check(str(exported), weights, cases, PRECISIONS["fp32"])
    weights[name] = weights[name].copy()
    weights[name][..., 3] += np.float32(change)
    with pytest.raises(InputError, match=r"model\.onnx by .* differs from the network by .*: the export is not usable"):
        cross_check.check(str(exported), weights, cases, PRECISIONS["fp32"])


@needs_a_runtime
@pytest.mark.parametrize("options", [[], ["--weights", "float16"], ["--precision", "int8"], ["--precision", "int4"]], ids=str)
def test_an_export_with_a_broken_weight_ends(tiny, output, call, capsys, monkeypatch, options):
    """One matrix lies the other way round in the graphs."""
    original = GraphWeights.__init__

    def broken(self, *given):
        original(self, *given)
        name = self.names.output(1)
        if name in self.rounded:
            rounded = self.rounded[name]
            self.rounded[name] = type(rounded)(rounded.quantized[::-1].copy(), rounded.scales, rounded.group_scales)
        self._sources[name] = lambda source=self._sources[name]: source().T

    monkeypatch.setattr(GraphWeights, "__init__", broken)
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 40, *options) == 2
    error = capsys.readouterr().err
    assert "differs from the network by" in error and error.count("\n") == 1 and list(output.parent.iterdir()) == []


@needs_onnxruntime
@pytest.mark.parametrize("options, precision", [
    (["--precision", "fp16"], PRECISIONS["fp16"]), (["--precision", "int8"], PRECISIONS["int8"]), (["--precision", "int4"], PRECISIONS["int4"]),
    (["--weights", "float16"], WEIGHTS_ONLY)], ids=str)
def test_rounded_graphs_pass_and_those_of_another_network_do_not(tiny, output, call, monkeypatch, options, precision):
    """Both graphs of every kind; the export itself has passed the check with its own weights."""
    seen = []
    monkeypatch.setattr(cross_check, "check", lambda *given, check=cross_check.check: seen.append(given) or check(*given))
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 40, *options) == 0
    ((_, weights, cases, found),) = seen
    assert found is precision
    with pytest.raises(InputError, match="differs from the network"):
        other = Weights(weights.config, weights.tensors)
        other["transformer.word_embedding.weight"] = other["transformer.word_embedding.weight"][::-1].copy()
        cross_check.check(str(output), other, cases, precision)
    if precision is WEIGHTS_ONLY:
        weights = read_weights(str(tiny))
        with pytest.raises(InputError, match="differs from the network"):
            cross_check.check(str(output), weights, cases, precision)  # not rounded
        round_weights(weights)
        cross_check.check(str(output), weights, cases, precision)


@needs_onnxruntime
def test_a_graph_that_does_not_run_is_refused(folder, tiny, cases):
    (folder / "model_cached.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match="onnxruntime does not run .*model_cached.onnx"):
        cross_check.run_graphs(str(folder), read_weights(str(tiny)).config, cases[:1])


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_an_answer_that_is_not_a_number_is_refused(exported, tiny, cases, monkeypatch, broken):
    """Whichever case it belongs to."""
    network = cross_check.Network(read_weights(str(tiny)))
    answers = [network.logits(case) for case in sorted(cases, key=lambda case: case["order"].size)[:cross_check.CASES]]
    answers[broken] = answers[broken] * np.nan
    monkeypatch.setattr(cross_check, "run_graphs", lambda *given: {"model.onnx": answers})
    with pytest.raises(InputError, match="differs from the network by nan"):
        cross_check.check(str(exported), read_weights(str(tiny)), cases, PRECISIONS["fp32"])
