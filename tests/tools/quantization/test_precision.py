"""Precisions: float16 storage, which rounds nothing twice; float16 arithmetic; quantized weights."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from onnx import TensorProto

from asarm_tools.checkpoints.checkpoint import read_config
from asarm_tools.checkpoints.torch_model import read_model, write_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.export import fixtures, graph, products, recover, verify, widen
from asarm_tools.export.options import PrecisionOptions
from asarm_tools.export.variant import Variant
from asarm_tools.network.cached import POSITION_ENCODING
from asarm_tools.network.config import LOWEST
from asarm_tools.network.two_stream import relative_encoding
from asarm_tools.quantization import calibration
from asarm_tools.quantization.centre import centre, random_windows
from asarm_tools.quantization.quantize import Quantizer, as_matrix

from conftest import ROOT
from exports import GRAPHS, bare, contracts, described, fresh, large, place, weights_of


@pytest.fixture
def folders(tmp_path, call):
    """folders(model, length) -> its exports with float32 and with float16 weights."""
    def export_both(model, length: int):
        write_model(str(tmp_path / "checkpoint"), model)
        for weights in ("float32", "float16"):
            assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", tmp_path / weights, "--weights", weights,
                        "--maximum-length", length) == 0
        return tmp_path / "float32", tmp_path / "float16"

    torch.manual_seed(1)
    return export_both


def test_float16_weights_halve_the_file_and_compute_in_float32(folders):
    full, half = folders(fresh(8192), 40)
    encoding = 4 * 80 * 32  # stays float32
    sizes = [described(folder)["files"]["model.onnx_data"]["bytes"] - encoding for folder in (half, full)]
    assert sizes[0] / sizes[1] == 0.5
    wholes = [sum(entry["bytes"] for name, entry in described(folder)["files"].items() if "model" in name) for folder in (half, full)]
    assert 0.5 < wholes[0] / wholes[1] < 0.55
    assert described(half)["precision"] == "float16-weights"
    assert not any("asarm.precision" in properties(bare(folder, file)) for folder in (half, full) for file in GRAPHS)
    for file in GRAPHS:
        model = bare(half, file)
        halved = {tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
        users = [node.op_type for node in model.graph.node if halved & set(node.input)]
        assert users == ["Cast"] * len(halved) and len(halved) >= 8
        assert {tensor.name for tensor in large(model)} - halved == ({POSITION_ENCODING} if file == "model_cached.onnx" else set())
        rounded = weights_of(half, file)["transformer.word_embedding.weight.float16"]
        assert np.array_equal(rounded, weights_of(full, file)["transformer.word_embedding.weight"].astype(np.float16))


def test_position_encoding_stays_float32(folders):
    model = fresh(64)
    for folder in folders(model, 40):
        stored = weights_of(folder, "model_cached.onnx")[POSITION_ENCODING]
        assert stored.dtype == np.float32
        assert np.array_equal(stored[:-1], relative_encoding(40, model.config, model.lm_loss.bias).detach().numpy()) and not stored[-1].any()


def test_weights_beyond_float16_are_refused(tiny, tmp_path, output, call, capsys):
    model = read_model(str(tiny))
    model.transformer.layer[0].rel_attn.q.data[0, 0, 0] = 1e6
    write_model(str(tmp_path / "checkpoint"), model)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--weights", "float16") == 2
    assert "beyond the range of float16" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize("arguments, message", [
    (["--precision", "int8", "--weights", "float16"], "storage for --precision fp32"), (["--group-size", 32], "for int4, not for fp32"),
    (["--precision", "fp16", "--calibration", "x"], "for int8 and int4"), (["--precision", "int8", "--group-size", 64], "for int4, not for int8"),
    (["--precision", "int4", "--group-size", 64], "no multiples of a group size of 64"),
    (["--precision", "int4", "--calibration", "x"], "no tokenizer")])
def test_options_that_do_not_go_together_are_refused(tiny, output, call, capsys, arguments, message):
    assert call(export, "--checkpoint", tiny, "--output", output, *arguments) == 2
    assert message in capsys.readouterr().err and not output.exists()


def properties(model) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


@pytest.mark.parametrize("precision, group_size", [("int8", None), ("int4", 32)])
def test_the_runtime_is_tested_with_the_default_group_size(precision, group_size):
    """CacheEqualityTests looks at these folders."""
    folder = ROOT / "tests" / "golden" / "precision" / precision
    default = Variant(PrecisionOptions(precision=precision)).describe(SimpleNamespace(config=read_config(str(folder))))
    expected = {"precision": precision} if group_size is None else {"precision": precision, "block": group_size}
    assert default == expected == {name: value for name, value in described(folder).items() if name in ("precision", "block")}


@pytest.mark.parametrize("precision, bits", [("int8", 8), ("int4", 4)])
def test_rounded_matrices_are_stored_once_and_none_is_left(tmp_path, output, call, precision, bits):
    torch.manual_seed(1)
    model = fresh(256, d_model=64, n_layer=2, d_inner=128)
    write_model(str(tmp_path / "checkpoint"), model)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 40) == 0
    assert described(output)["precision"] == precision
    quantized = sum(parameter.numel() for parameter in model.parameters() if parameter.numel() >= 1024)
    bytes_whatever = 2 * 64 * 64 + 256 * 64  # tables of positions and the embedding are int8 in int4 too
    pairs = 17 * 256 * 2 if bits == 4 else 0
    expected = (quantized - bytes_whatever) * bits // 8 + bytes_whatever + pairs + 4 * 80 * 64  # the encoding of positions is float32; scales are few
    assert expected <= described(output)["files"]["model.onnx_data"]["bytes"] < expected + 64 * 20
    for file in GRAPHS:
        graph = bare(output, file).graph
        assert properties(bare(output, file))["asarm.precision"] == precision
        kinds = [node.op_type for node in graph.node]
        tables = 2 if file == "model_cached.onnx" else 0
        assert kinds.count("MatMulIntegerToFloat") == 2 * 5 + tables + 1 and "Gemm" not in kinds  # keys and values are one product
        assert {node.domain for node in graph.node} == {"", "com.microsoft"} and {node.op_type for node in graph.node if node.domain} == {"MatMulIntegerToFloat"}
        wide = [tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= 1024]
        assert wide == ([POSITION_ENCODING] if file == "model_cached.onnx" else [])


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_float32_graphs_widen_the_same_integers_by_standard_operators(tmp_path, output, call, precision):
    torch.manual_seed(1)
    write_model(str(tmp_path / "checkpoint"), fresh(256, d_model=64, n_layer=2, d_inner=128))
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 40) == 0
    for file in GRAPHS:
        wide, narrow = bare(output, file.replace(".onnx", "_float32.onnx")), bare(output, file)
        assert {entry.domain for entry in wide.opset_import} <= {"", "ai.onnx"} and not [node.op_type for node in wide.graph.node if node.domain]
        assert properties(wide) == properties(narrow) and properties(wide)["asarm.precision"] == precision
        integers = {tensor.name: place(tensor) for tensor in large(narrow) if tensor.data_type in (TensorProto.INT8, TensorProto.UINT8)}
        assert integers and {tensor.name: place(tensor) for tensor in large(wide) if tensor.data_type in (TensorProto.INT8, TensorProto.UINT8)} == integers
        floats = [tensor.name for tensor in wide.graph.initializer if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= 1024]
        assert floats == ([POSITION_ENCODING] if "cached" in file else [])
    assert set(described(output)["files"]) >= {"model_float32.onnx", "model_cached_float32.onnx"}


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_float32_graphs_are_the_rounded_network(tmp_path, output, call, precision):
    reference = pytest.importorskip("onnx.reference", reason="onnx before 1.13 cannot run a graph")
    torch.manual_seed(1)
    model = fresh(64, d_model=64, n_layer=2, d_inner=64)
    write_model(str(tmp_path / "checkpoint"), model)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 20) == 0
    centre(model, random_windows(64, 20))
    exact = copy.deepcopy(model)
    Quantizer(model, 32 if precision == "int4" else None).run(None)
    evaluator = reference.ReferenceEvaluator(str(output / "model_float32.onnx"))
    for case in fixtures.read_cases(str(output / "golden.safetensors"), 64)[-3:]:
        inputs = {port.name: case[port.name][None] for port in contracts(output)[0].inputs}
        (logits,) = evaluator.run(None, inputs)
        assert np.abs(logits[0] - fixtures.answer(model, case)).max() < 1e-4
        assert np.abs(logits[0] - fixtures.answer(exact, case)).max() > 1e-3  # what is not rounded is another network


def test_an_initializer_that_no_matrix_was_found_for_is_refused(tiny, output, call, capsys, monkeypatch):
    found = widen._find
    monkeypatch.setattr(widen, "_find", lambda array, rounded: None if array.ndim == 3 else found(array, rounded))
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", "int8", "--maximum-length", 40) == 2
    assert "they have no quantized values: transformer.layer.0.rel_attn" in capsys.readouterr().err and not output.exists()


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_steps_of_rows_are_each_row_s_own(tiny, output, call, precision):
    """A maximum over any other axis would let rows of a call depend on each other."""
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", precision, "--maximum-length", 40) == 0
    for file in GRAPHS:
        maxima = [node for node in bare(output, file).graph.node if node.op_type == "ReduceMax" and node.output[0].endswith(".largest")]
        axes = [list(attribute.ints) for node in maxima for attribute in node.attribute if attribute.name == "axes"]
        assert len(axes) == len(maxima) >= 3 * 4 + 1 and axes == [[-1]] * len(axes)


@pytest.mark.parametrize("activation, size, bounded", [("gelu", 30, True), ("gelu", 0.1, False), ("relu", 0.1, True), ("silu", 30, True)])
def test_rows_are_centred_and_bounded_before_they_are_rounded(tmp_path, output, call, activation, size, bounded):
    torch.manual_seed(1)
    model = fresh(33, d_model=64, n_layer=2, d_inner=64, ff_activation=activation)
    for layer in model.transformer.layer:
        layer.ff.layer_1.weight.data *= size
    write_model(str(tmp_path / "checkpoint"), model)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", "int8", "--maximum-length", 40) == 0
    moved = copy.deepcopy(model)
    centre(moved, random_windows(33, 40))
    for file in GRAPHS:
        stored, nodes = weights_of(output, file), bare(output, file).graph.node
        assert np.array_equal(stored["transformer.layer.1.rel_attn.o_bias"], moved.transformer.layer[1].rel_attn.o_bias.numpy())
        products = [node for node in nodes if node.op_type == "MatMulIntegerToFloat" and "rounding.below" in node.input]
        assert [node.input[1] for node in products] == [f"transformer.layer.{number}.ff.layer_2.weight.int8" for number in range(2) if bounded]
        if bounded:
            lowest = LOWEST[activation]
            assert stored["rounding.below"] == (24 if lowest else 0) and np.isclose(stored["rounding.below_step"], -lowest / 24, atol=1e-9)


@pytest.mark.parametrize("precision, group_size", [("int8", None), ("int4", None), ("int4", 16), ("int4", 64)])
def test_weights_can_be_read_by_the_table_of_the_model_format(tmp_path, output, call, precision, group_size):
    torch.manual_seed(1)
    model = fresh(33, d_model=64, n_layer=2, d_inner=128)
    write_model(str(tmp_path / "checkpoint"), model)
    asked = () if group_size is None else ("--group-size", group_size)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 40, *asked) == 0
    size = group_size or 32
    assert described(output).get("block") == (size if precision == "int4" else None)
    stored = weights_of(output, "model_cached.onnx")
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2 or name.endswith("_bias") or "mask" in name or name == "lm_loss.weight":
            continue
        matrix = as_matrix(name, parameter).numpy()
        if f"{name}.int8" in stored:
            whole = stored[f"{name}.int8"].T.astype(int)
        else:
            quantized = stored[f"{name}.int4"]
            assert quantized.shape == (len(matrix), matrix.shape[1] // size, size // 2) and stored[f"{name}.multipliers"].shape == (*quantized.shape[:2], 1)
            whole = (np.stack((quantized & 15, quantized >> 4), 3).astype(int) - 8) * (stored[f"{name}.multipliers"].astype(int) - 8)[..., None]
        error = whole.reshape(matrix.shape) * stored[f"{name}.scales"][:, None] - matrix
        assert (error ** 2).mean() < (0.01 if f"{name}.int4" in stored else 3e-4) * (matrix ** 2).mean(), name
    assert sum(name.endswith(".int4") for name in stored) == (2 * 6 if precision == "int4" else 0)


@pytest.mark.parametrize("kind, message", [
    ("MatMul", "they have no quantized values: transformer.layer.0.rel_attn.q"), ("Gather", "left in float32: transformer.word_embedding.weight")])
def test_a_matrix_that_is_written_in_another_way_is_refused(tiny, output, call, capsys, monkeypatch, kind, message):
    """Nodes of one kind are hidden from the exporter; of the embedding the product finds its quantized values, the lookup does not."""
    found = products.Rewriter._name
    monkeypatch.setattr(products.Rewriter, "_name", lambda self, node: None if node.op_type == kind else found(self, node))
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", "int4", "--maximum-length", 40) == 2
    assert message in capsys.readouterr().err and not output.exists()


def test_a_head_that_is_written_in_another_way_is_refused(tiny, output, call, capsys, monkeypatch):
    traced = export.trace

    def other(*arguments):
        result = traced(*arguments)
        (reshape,) = (node for node in result.model.graph.node if "logits" in node.output)
        reshape.op_type = "Expand"
        return result

    monkeypatch.setattr(export, "trace", other)
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", "int8", "--maximum-length", 40) == 2
    assert "wrote the head in a way that this exporter does not know" in capsys.readouterr().err and not output.exists()


def test_operators_of_onnx_runtime_are_for_codes_alone(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", "int8", "--maximum-length", 40) == 0
    graph.check(str(output), contracts(output), 17, quantized=True)
    with pytest.raises(InputError, match="outside the standard"):
        graph.check(str(output), contracts(output), 17)


def test_goldens_of_every_precision_are_those_of_float32(tiny, tmp_path, call):
    for precision in ("fp32", "fp16", "int4"):
        assert call(export, "--checkpoint", tiny, "--output", tmp_path / precision, "--precision", precision, "--maximum-length", 40) == 0
        assert (tmp_path / precision / "golden.safetensors").read_bytes() == (tmp_path / "fp32" / "golden.safetensors").read_bytes()
        assert call(verify, "--model", tmp_path / precision, "--checkpoint", tiny) == 0
    assert call(recover, "--model", tmp_path / "int4", "--output", tmp_path / "again") == 2


def test_float16_graphs_hold_no_float32_weight_and_keep_their_ports(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", "fp16", "--maximum-length", 40) == 0
    for file in GRAPHS:
        graph = bare(output, file).graph
        assert properties(bare(output, file))["asarm.precision"] == "float16"
        assert not [tensor.name for tensor in large(bare(output, file)) if tensor.data_type == TensorProto.FLOAT]
        assert all(port.type.tensor_type.elem_type != TensorProto.FLOAT16 for port in (*graph.input, *graph.output))
        (logits,) = (node for node in graph.node if "logits" in node.output)
        assert (logits.op_type, logits.attribute[0].i) == ("Cast", TensorProto.FLOAT)


def test_calibration_makes_the_rounded_network_closer(texts, tmp_path, call):
    """Of the same network, on text that it was not calibrated on."""
    torch.manual_seed(1)
    model = fresh(64, d_model=64, n_layer=2, d_inner=64)
    windows = calibration.read_windows(str(texts / "train.txt"), str(texts / "spiece.model"), 7, 32, 64)
    others = calibration.read_windows(str(texts / "valid.txt"), str(texts / "spiece.model"), 7, 32, 8)
    errors = []
    for given in (None, windows):
        rounded = copy.deepcopy(model)
        Quantizer(rounded, 32).run(given)
        errors.append(sum((a.rows - b.rows).square().mean().item() for a, b in zip(states(model, others), states(rounded, others))))
    assert errors[1] < 0.9 * errors[0]


def states(model, windows) -> list[calibration.Batch]:
    """After all layers."""
    with torch.no_grad():
        batches = calibration.begin(model, windows)
    for number in range(model.config.n_layer):
        batches = list(calibration.through_layer(model, number, batches))
    return batches
