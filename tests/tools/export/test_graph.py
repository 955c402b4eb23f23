"""The graphs: what PyTorch is asked for, how they share their weights in model.onnx_data, what they answer."""

import inspect
import math
import re

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from asarm_tools.checkpoints.torch_model import read_model, write_model
from asarm_tools.export import command as export
from asarm_tools.export import fixtures, tracing
from asarm_tools.export.tracing import trace
from asarm_tools.network.cached import POSITION_ENCODING, CachedModel
from asarm_tools.network.config import MODEL_INPUTS

from exports import COMMITTED, GRAPHS, bare, contracts, described, fresh, large, place, weights_of
from official import has_recorded_sines

PAGE, MIB = 1 << 16, 1 << 20


@pytest.mark.parametrize("file", GRAPHS)
def test_word_embedding_is_stored_once_and_shared(tiny, output, call, file):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 64) == 0
    model = onnx.load(str(output / file))
    name = "transformer.word_embedding.weight"
    users = [node.op_type for node in model.graph.node if name in node.input]
    assert users == ["Gather", "Gemm"]
    weights = sum(parameter.numel() for parameter in read_model(str(tiny)).parameters())
    stored = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
    encoding = 128 * 32 if file == "model_cached.onnx" else 0
    assert weights <= stored - encoding < weights + 500  # newer exporters keep small constants there too


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_both_graphs_take_large_weights_from_the_same_places(tiny, output, call, weights):
    assert call(export, "--checkpoint", tiny, "--output", output, "--weights", weights, "--maximum-length", 40) == 0
    assert "model.onnx_data" in described(output)["files"]
    places = {}
    for file in GRAPHS:
        tensors = bare(output, file).graph.initializer
        outside = [tensor.name for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL]
        assert outside == [tensor.name for tensor in large(bare(output, file))]
        places[file] = {tensor.name: place(tensor) for tensor in tensors if tensor.name in outside}
    stateless, cached = places.values()
    assert {location for location, _, _ in (*stateless.values(), *cached.values())} == {"model.onnx_data"}
    encoding = cached.pop(POSITION_ENCODING)
    assert sorted(stateless.values()) == sorted(cached.values())
    named = [name for name in stateless if name.startswith("transformer.")]
    assert len(named) == 1 + 3 * 5 and all(stateless[name] == cached[name] for name in named)  # those that PyTorch does not rename
    taken = sorted({*stateless.values(), encoding})
    assert [offset for _, offset, _ in taken] == [0, *np.cumsum([length for _, _, length in taken])[:-1]]  # side by side
    assert (output / "model.onnx_data").stat().st_size == sum(length for _, _, length in taken)


@pytest.mark.parametrize("file", GRAPHS)
def test_weights_of_the_data_file_are_those_of_the_committed_export(tiny, output, call, file):
    length = described(COMMITTED)["maximum_length"]
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", length) == 0
    loaded, committed = (unnumbered(weights_of(folder, file)) for folder in (output, COMMITTED))
    assert loaded.keys() == committed.keys()
    assert all(np.array_equal(array, loaded[name]) or (name[0] == POSITION_ENCODING and not has_recorded_sines(tiny)) for name, array in committed.items())
    encoding = (POSITION_ENCODING, 0)
    assert encoding not in committed or np.abs(loaded[encoding] - committed[encoding]).max() < 1e-6


def unnumbered(weights: dict[str, np.ndarray]) -> dict[tuple[str, int], np.ndarray]:
    """What PyTorch transposed or folded has the name of a node, onnx::MatMul_739, whose numbers go up in the order of the layers but are
    others in every PyTorch; here they count from 0."""
    result: dict[tuple[str, int], np.ndarray] = {}
    for name in sorted(weights, key=lambda name: (len(name), name)):
        plain = re.sub(r"^(onnx::\w+_)\d+$", r"\1", name)
        result[plain, sum(other == plain for other, _ in result)] = weights[name]
    return result


def test_data_file_holds_nothing_but_unique_weights_on_pages(tmp_path, output, call):
    torch.manual_seed(1)
    model = fresh(64, n_layer=2, d_inner=8192)  # layer_1.weight and layer_2.weight are a MiB each
    write_model(str(tmp_path / "checkpoint"), model)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--maximum-length", 40) == 0
    unique = sum(4 * parameter.numel() for parameter in model.parameters() if parameter.numel() >= 1024)
    whole = (output / "model.onnx_data").stat().st_size
    assert unique + 4 * 80 * 32 <= whole < unique + 4 * 80 * 32 + 4 * PAGE
    for file in GRAPHS:
        paged = [place(tensor) for tensor in large(bare(output, file)) if place(tensor)[2] >= MIB]
        assert len(paged) == 4 and all(offset % PAGE == 0 for _, offset, _ in paged)
        assert (output / file).stat().st_size < 150_000


def test_an_odd_vocabulary_leaves_the_places_aligned(tmp_path, output, call):
    write_model(str(tmp_path / "checkpoint"), fresh(1027))
    arguments = ["--weights", "float16", "--maximum-length", 40]
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, *arguments) == 0
    places = [place(tensor) for file in GRAPHS for tensor in large(bare(output, file))]
    assert any(length % 4 for _, _, length in places)  # the bias of the logits
    assert all(offset % 64 == 0 for _, offset, _ in places)


def test_opset_that_this_pytorch_lacks_is_named(tiny, output, call, capsys, monkeypatch):
    def unsupported(*_, opset_version, **__):
        raise ValueError(f"Unsupported ONNX opset version: {opset_version}\nmore")

    monkeypatch.setattr(torch.onnx, "export", unsupported)
    assert call(export, "--checkpoint", tiny, "--output", output, "--opset", 21) == 2
    assert "cannot export opset 21: Unsupported ONNX opset version: 21\n" in capsys.readouterr().err


def test_newer_pytorch_is_asked_for_the_tracing_exporter(tiny, tmp_path, monkeypatch):
    seen, original = [], torch.onnx.export
    tracing_too = {"dynamo": False} if "dynamo" in inspect.signature(original).parameters else {}

    def newer(model, args, f, *, dynamo=True, **options):
        seen.append(dynamo)
        original(model, args, f, **options, **tracing_too)

    monkeypatch.setattr(torch.onnx, "export", newer)
    model = read_model(str(tiny))
    for module, ports in zip((model, CachedModel(model, 20)), contracts(tiny)):
        trace(module.eval(), ports, 17, str(tmp_path))
    assert seen == [False, False]


def test_weights_take_no_memory_of_their_own(tiny, tmp_path):
    """Nor do they go through the file; where PyTorch hides them they do, with the same result."""
    model = read_model(str(tiny))
    traced = trace(model, contracts(tiny)[0], 17, str(tmp_path))
    assert np.shares_memory(traced.weights["transformer.word_embedding.weight"], model.lm_loss.weight.detach().numpy())
    assert (tmp_path / "model.onnx").stat().st_size < 120_000 and not traced.model.graph.initializer


def test_a_pytorch_that_hides_its_parameters_gives_the_same_graph(tiny, tmp_path, monkeypatch):
    model = read_model(str(tiny))
    seen = trace(model, contracts(tiny)[0], 17, str(tmp_path))
    monkeypatch.setattr(tracing, "_take_weights", lambda *_: None)
    hidden = trace(model, contracts(tiny)[0], 17, str(tmp_path))
    assert hidden.model.graph.node == seen.model.graph.node and hidden.model.graph.input == seen.model.graph.input
    assert list(hidden.weights) == list(seen.weights)
    assert all(np.array_equal(array, seen.weights[name]) for name, array in hidden.weights.items())


@pytest.mark.parametrize("opset", [16, 22])
def test_opsets_outside_the_contract_are_not_traced(tiny, tmp_path, opset):
    model = read_model(str(tiny))
    for module, ports in zip((model, CachedModel(model, 20)), contracts(tiny)):
        with pytest.raises(export.InputError, match=f"opset {opset} is outside"):
            trace(module, ports, opset, str(tmp_path))


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_exported_graph_answers_like_pytorch(tiny, output, call, weights):
    """Through onnx's own interpreter where there is one; `asarm verify` does it through ONNX Runtime."""
    reference = pytest.importorskip("onnx.reference", reason="onnx before 1.13 cannot run a graph")
    assert call(export, "--checkpoint", tiny, "--output", output, "--weights", weights, "--maximum-length", 20) == 0
    session = reference.ReferenceEvaluator(str(output / "model.onnx"))
    for case in fixtures.read_cases(str(output / "golden.safetensors"), 64):
        (logits,) = session.run(None, {name: case[name][None] for name in MODEL_INPUTS})
        assert np.abs(logits[0] - case["logits"]).max() < 1e-4
