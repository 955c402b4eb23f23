"""Precisions: float16 storage, which rounds nothing twice; float16 arithmetic; quantized weights."""

import numpy as np
import pytest
from onnx import TensorProto

from asarm_tools.checkpoints.checkpoint import read_weights, write_weights
from asarm_tools.checkpoints.config_file import read_config
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.export import fixtures, recover, verify
from asarm_tools.export.options import PrecisionOptions
from asarm_tools.export.variant import Variant
from asarm_tools.graphs import files
from asarm_tools.graphs.names import EMBEDDING, POSITIONS, Names
from asarm_tools.network.config import LOWEST, MODEL_INPUTS
from asarm_tools.network.forward import Network
from asarm_tools.network.positions import relative_encoding
from asarm_tools.network.weights import Weights
from asarm_tools.quantization import calibration
from asarm_tools.quantization.centre import centre, random_windows
from asarm_tools.quantization.quantize import Quantizer, as_matrix

from conftest import ROOT
from exports import GRAPHS, bare, contracts, described, fresh_weights, large, place, weights_of
from graph_session import Session, needs_a_runtime

MATRICES = 6  # of a layer: query, key and value in one, position, output, inner, outer


@pytest.fixture
def folders(tmp_path, call):
    """folders(weights, length) -> its exports with float32 and with float16 weights."""
    def export_both(values, length: int):
        write_weights(str(tmp_path / "checkpoint"), values)
        for weights in ("float32", "float16"):
            assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", tmp_path / weights, "--weights", weights,
                        "--maximum-length", length) == 0
        return tmp_path / "float32", tmp_path / "float16"

    return export_both


def test_float16_weights_halve_the_file_and_compute_in_float32(folders):
    full, half = folders(fresh_weights(8191), 40)  # the embedding is just too small for a page of its own
    encoding = 4 * 80 * 32  # stays float32
    places = [{place(tensor) for file in GRAPHS for tensor in large(bare(folder, file))} for folder in (half, full)]
    sizes = [sum(length for _, _, length in found) - encoding for found in places]
    assert sizes[0] / sizes[1] == 0.5
    wholes = [sum(entry["bytes"] for name, entry in described(folder)["files"].items() if "model" in name) for folder in (half, full)]
    assert 0.5 < wholes[0] / wholes[1] < 0.55
    assert described(half)["precision"] == "float16-weights"
    assert not any("asarm.precision" in properties(bare(folder, file)) for folder in (half, full) for file in GRAPHS)
    for file in GRAPHS:
        model = bare(half, file)
        halved = {tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
        users = [node.op_type for node in model.graph.node if halved & set(node.input)]
        assert users == ["Cast"] * len(halved) and len(halved) == 1 + MATRICES + 1  # with the embedding and the bias of the head
        assert {tensor.name for tensor in large(model)} - halved == {POSITIONS}
        rounded = weights_of(half, file)[EMBEDDING]
        assert rounded.dtype == np.float16 and np.array_equal(rounded, weights_of(full, file)[EMBEDDING].astype(np.float16))


def test_position_encoding_stays_float32(folders):
    weights = fresh_weights(64)
    for folder in folders(weights, 40):
        for file in GRAPHS:
            stored = weights_of(folder, file)[POSITIONS]
            assert stored.dtype == np.float32
            assert np.array_equal(stored[:-1], relative_encoding(40, weights.config)) and not stored[-1].any()


def test_weights_beyond_float16_are_refused(tiny, tmp_path, output, call, capsys):
    weights = read_weights(str(tiny))
    weights["transformer.layer.0.rel_attn.q"][0, 0, 0] = 1e6
    write_weights(str(tmp_path / "checkpoint"), weights)
    for options in (["--weights", "float16"], ["--precision", "fp16"]):
        assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, *options) == 2
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
    default = Variant(PrecisionOptions(precision=precision)).describe(read_config(str(folder)))
    expected = {"precision": precision} if group_size is None else {"precision": precision, "block": group_size}
    assert default == expected == {name: value for name, value in described(folder).items() if name in ("precision", "block")}


@pytest.mark.parametrize("precision, bits", [("int8", 8), ("int4", 4)])
def test_rounded_matrices_are_stored_once_and_none_is_left(tmp_path, output, call, precision, bits):
    weights = fresh_weights(256, d_model=64, n_layer=2, d_inner=128)
    write_weights(str(tmp_path / "checkpoint"), weights)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 40) == 0
    assert described(output)["precision"] == precision
    quantized = sum(values.size for _, values in weights.items() if values.size >= 1024)
    bytes_whatever = 2 * 64 * 64 + 256 * 64  # tables of positions and the embedding are int8 in int4 too
    pairs = 17 * 256 * 2 if bits == 4 else 0
    expected = (quantized - bytes_whatever) * bits // 8 + bytes_whatever + pairs + 4 * 80 * 64  # the encoding of positions is float32; scales are few
    assert expected <= described(output)["files"]["model.onnx_data"]["bytes"] < expected + 64 * 20
    for file in GRAPHS:
        graph = bare(output, file).graph
        assert properties(bare(output, file))["asarm.precision"] == precision
        kinds = [node.op_type for node in graph.node]
        tables = 2 if file == "model_cached.onnx" else 0  # in the other graph they are float32 and known when it runs only
        assert kinds.count("MatMulIntegerToFloat") == 2 * 5 + tables + 1 and "Gemm" not in kinds  # keys and values are one product
        assert {node.domain for node in graph.node} == {"", "com.microsoft"} and {node.op_type for node in graph.node if node.domain} == {"MatMulIntegerToFloat"}
        wide = [tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= 1024]
        assert wide == [POSITIONS]


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_float32_graphs_widen_the_same_integers_by_standard_operators(tmp_path, output, call, precision):
    write_weights(str(tmp_path / "checkpoint"), fresh_weights(256, d_model=64, n_layer=2, d_inner=128))
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 40) == 0
    for file in GRAPHS:
        wide, narrow = bare(output, file.replace(".onnx", "_float32.onnx")), bare(output, file)
        assert {entry.domain for entry in wide.opset_import} <= {"", "ai.onnx"} and not [node.op_type for node in wide.graph.node if node.domain]
        assert properties(wide) == properties(narrow) and properties(wide)["asarm.precision"] == precision
        integers = {tensor.name: place(tensor) for tensor in large(narrow) if tensor.data_type in (TensorProto.INT8, TensorProto.UINT8)}
        assert integers and {tensor.name: place(tensor) for tensor in large(wide) if tensor.data_type in (TensorProto.INT8, TensorProto.UINT8)} == integers
        floats = [tensor.name for tensor in wide.graph.initializer if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= 1024]
        assert floats == [POSITIONS]
    assert set(described(output)["files"]) >= {"model_float32.onnx", "model_cached_float32.onnx"}


def copied(weights: Weights) -> Weights:
    return Weights(weights.config, weights.tensors)


@needs_a_runtime
@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_float32_graphs_are_the_rounded_network(tmp_path, output, call, precision):
    weights = fresh_weights(64, d_model=64, n_layer=2, d_inner=64)
    write_weights(str(tmp_path / "checkpoint"), weights)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 20) == 0
    rounded = copied(weights)
    centre(rounded, random_windows(64, 20))
    Quantizer(rounded, 32 if precision == "int4" else None).run(None)
    with Session(output / "model_float32.onnx") as session:
        for case in fixtures.read_cases(str(output / "golden.safetensors"), 64)[-3:]:
            logits = session.run({name: case[name][None] for name in MODEL_INPUTS})["logits"]
            assert np.abs(logits[0] - Network(rounded).logits(case)).max() < 1e-4
            assert np.abs(logits[0] - Network(weights).logits(case)).max() > 1e-3  # what is not rounded is another network


def test_rounded_values_are_those_of_the_weights():
    """What the quantizer leaves in the network is what it gives to the graphs, each under the name of its tensor."""
    weights = fresh_weights(64, d_model=64, n_layer=2, d_inner=128)
    exact, rounded = copied(weights), {}
    for group_size in (None, 32):
        weights = copied(exact)
        rounded = Quantizer(weights, group_size).run(None)
        matrices = [name for name, values in exact.items() if values.ndim > 1 and "bias" not in name and "mask" not in name]
        assert sorted(rounded) == sorted(matrices) and len(matrices) == 1 + 2 * 7
        for name, found in rounded.items():
            assert np.array_equal(as_matrix(name, weights[name]), found.values()) and not np.array_equal(weights[name], exact[name])
            assert found.bits == (8 if group_size is None or name.endswith((".r", "embedding.weight")) else 4)
        assert all(weights[name] is exact[name] for name, _ in exact.items() if name not in rounded)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_steps_of_rows_are_each_row_s_own(tiny, output, call, precision):
    """A maximum over any other axis would let rows of a call depend on each other."""
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", precision, "--maximum-length", 40) == 0
    for file in GRAPHS:
        maxima = [node for node in bare(output, file).graph.node if node.op_type == "ReduceMax" and node.output[0].endswith(".largest")]
        axes = [list(attribute.ints) for node in maxima for attribute in node.attribute if attribute.name == "axes"]
        assert len(axes) == len(maxima) >= 3 * 3 + 1 and axes == [[-1]] * len(axes)


@pytest.mark.parametrize("activation, size, bounded", [("gelu", 30, True), ("gelu", 0.1, False), ("relu", 0.1, True), ("silu", 30, True)])
def test_rows_are_centred_and_bounded_before_they_are_rounded(tmp_path, output, call, activation, size, bounded):
    weights = fresh_weights(33, d_model=64, n_layer=2, d_inner=64, ff_activation=activation)
    for layer in range(2):
        name = f"transformer.layer.{layer}.ff.layer_1.weight"
        weights[name] = weights[name] * np.float32(size)
    write_weights(str(tmp_path / "checkpoint"), weights)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", "int8", "--maximum-length", 40) == 0
    moved, names = copied(weights), Names(weights.config)
    centre(moved, random_windows(33, 40))
    for file in GRAPHS:
        stored, nodes = weights_of(output, file), bare(output, file).graph.node
        assert np.array_equal(stored[names.output_bias(1)], moved.output_bias(1)) and names.output_bias(0) not in stored
        products = {node.input[1].removesuffix(".int8"): node for node in nodes if node.op_type == "MatMulIntegerToFloat"}
        zeros = {name: int(stored[node.input[4]]) for name, node in products.items()}
        below = 24 if LOWEST[activation] else 0
        assert {name for name, zero in zeros.items() if zero == below} == {names.outer(layer) for layer in range(2) if bounded}
        assert all(zero in (128, below) for zero in zeros.values())
        if bounded:
            steps = [node for node in nodes if node.op_type == "Max" and "feed_forward.outer" in node.name]
            assert len(steps) == 2 and all(np.isclose(stored[node.input[1]], -LOWEST[activation] / 24, atol=1e-9) for node in steps)


@pytest.mark.parametrize("precision, group_size", [("int8", None), ("int4", None), ("int4", 16), ("int4", 64)])
def test_weights_can_be_read_by_the_table_of_the_model_format(tmp_path, output, call, precision, group_size):
    weights = fresh_weights(33, d_model=64, n_layer=2, d_inner=128)
    write_weights(str(tmp_path / "checkpoint"), weights)
    asked = () if group_size is None else ("--group-size", group_size)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--precision", precision, "--maximum-length", 40, *asked) == 0
    size, names = group_size or 32, Names(weights.config)
    assert described(output).get("block") == (size if precision == "int4" else None)
    sources = {EMBEDDING: ["transformer.word_embedding.weight"]}
    for layer in range(2):
        attention, forward = f"transformer.layer.{layer}.rel_attn.", f"transformer.layer.{layer}.ff."
        sources.update({names.query(layer): [attention + "q"], names.key_value(layer): [attention + "k", attention + "v"], names.position(layer): [attention + "r"],
                        names.output(layer): [attention + "o"], names.inner(layer): [forward + "layer_1.weight"], names.outer(layer): [forward + "layer_2.weight"]})
    for file in GRAPHS:
        stored = weights_of(output, file)
        for name, parameters in sources.items():
            matrix = np.concatenate([as_matrix(parameter, weights[parameter]) for parameter in parameters])
            if f"{name}.int8" in stored:
                whole = stored[f"{name}.int8"].T.astype(int)
            else:
                quantized = stored[f"{name}.int4"]
                assert quantized.shape == (len(matrix), matrix.shape[1] // size, size // 2) and stored[f"{name}.multipliers"].shape == (*quantized.shape[:2], 1)
                whole = (np.stack((quantized & 15, quantized >> 4), 3).astype(int) - 8) * (stored[f"{name}.multipliers"].astype(int) - 8)[..., None]
            error = whole.reshape(matrix.shape) * stored[f"{name}.scales"][:, None] - matrix
            assert (error ** 2).mean() < (0.01 if f"{name}.int4" in stored else 3e-4) * (matrix ** 2).mean(), name
        assert sum(name.endswith(".int4") for name in stored) == (2 * 5 if precision == "int4" else 0)


def test_operators_of_onnx_runtime_are_for_codes_alone(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", "int8", "--maximum-length", 40) == 0
    files.check(str(output), contracts(output), 17, quantized=True)
    with pytest.raises(InputError, match="outside the standard"):
        files.check(str(output), contracts(output), 17)
    for ports in contracts(output):
        wide = ports.named("_float32")
        narrow = output / ports.file
        (output / wide.file).write_bytes(narrow.read_bytes())
    with pytest.raises(InputError, match="outside the standard"):  # in graphs for devices without them they never are
        files.check(str(output), [ports.named("_float32") for ports in contracts(output)], 17, quantized=True)


def test_goldens_of_every_precision_are_those_of_float32(tiny, tmp_path, call):
    for precision in ("fp32", "fp16", "int4"):
        assert call(export, "--checkpoint", tiny, "--output", tmp_path / precision, "--precision", precision, "--maximum-length", 40) == 0
        assert (tmp_path / precision / "golden.safetensors").read_bytes() == (tmp_path / "fp32" / "golden.safetensors").read_bytes()
        assert call(verify, "--model", tmp_path / precision, "--checkpoint", tiny) == 0
    assert call(recover, "--model", tmp_path / "int4", "--output", tmp_path / "again") == 2


def test_float16_graphs_hold_no_float32_weight_and_have_a_cache_of_float16(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--precision", "fp16", "--maximum-length", 40) == 0
    for file in GRAPHS:
        graph = bare(output, file).graph
        assert properties(bare(output, file))["asarm.precision"] == "float16"
        assert not [tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT and not tensor.name.startswith("constant.")]
        halves = {port.name for port in (*graph.input, *graph.output) if port.type.tensor_type.elem_type == TensorProto.FLOAT16}
        assert halves == ({port.name for port in (*graph.input, *graph.output) if port.name.startswith(("past_key_values.", "present.", "target_states"))})
        (logits,) = (node for node in graph.node if "logits" in node.output)
        assert (logits.op_type, logits.attribute[0].i) == ("Cast", TensorProto.FLOAT)


def test_calibration_makes_the_rounded_network_closer(texts, tmp_path, call):
    """Of the same network, on text that it was not calibrated on."""
    weights = fresh_weights(64, d_model=64, n_layer=2, d_inner=64)
    windows = calibration.read_windows(str(texts / "train.txt"), str(texts / "spiece.model"), 7, 32, 64)
    others = calibration.read_windows(str(texts / "valid.txt"), str(texts / "spiece.model"), 7, 32, 8)
    errors = []
    for given in (None, windows):
        rounded = copied(weights)
        Quantizer(rounded, 32).run(given)
        errors.append(sum(np.square(a - b).mean() for a, b in zip(states(weights, others), states(rounded, others))))
    assert errors[1] < 0.9 * errors[0]


def states(weights: Weights, windows) -> list[np.ndarray]:
    """After all layers."""
    network = Network(weights)
    return [network.through_layers(batch).rows for batch in calibration.begin(network, windows)]


def test_an_export_is_calibrated_on_its_text(texts, tmp_path, call):
    """Other quantized values than without a text, of the same sizes."""
    write_weights(str(tmp_path / "checkpoint"), fresh_weights(64, d_model=64, n_layer=2, d_inner=64))
    arguments = ["--checkpoint", tmp_path / "checkpoint", "--tokenizer", texts / "spiece.model", "--precision", "int4", "--maximum-length", 40]
    assert call(export, *arguments, "--output", tmp_path / "plain") == 0
    assert call(export, *arguments, "--output", tmp_path / "calibrated", "--calibration", texts / "train.txt") == 0
    plain, calibrated = (weights_of(tmp_path / name) for name in ("plain", "calibrated"))
    assert plain.keys() == calibrated.keys()
    changed = {name for name, values in plain.items() if name.endswith(".int4") and not np.array_equal(values, calibrated[name])}
    assert len(changed) == 2 * 5
