"""The graphs: their names and operators, and how they share their weights in model.onnx_data."""

import math
from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from asarm_tools.checkpoints.checkpoint import read_weights, write_weights
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.graphs import contract, files
from asarm_tools.graphs.arithmetic import FloatArithmetic
from asarm_tools.graphs.build import build
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.names import EMBEDDING, LOGITS_BIAS, MASK_EMBEDDING, POSITIONS, Names
from asarm_tools.graphs.writer import OPSETS, GraphWriter
from asarm_tools.network.positions import position_encoding

from exports import GRAPHS, bare, described, fresh_weights, large, place, weights_of

PAGE, MIB = 1 << 16, 1 << 20
PRECISIONS = {"fp32": [], "float16-weights": ["--weights", "float16"], "fp16": ["--precision", "fp16"], "int8": ["--precision", "int8"], "int4": ["--precision", "int4"]}
RUNTIME_ONLY = {"MatMulIntegerToFloat"}  # the one operator that is not of the standard


@pytest.fixture(scope="module", params=PRECISIONS)
def precision(request):
    return request.param


@pytest.fixture(scope="module")
def folder(precision, tiny, tmp_path_factory):
    """tiny in a precision."""
    output = tmp_path_factory.mktemp("graphs") / precision
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["export.py", "--checkpoint", str(tiny), "--output", str(output), "--maximum-length", "40", *PRECISIONS[precision]])
        assert export.main() == 0
    return output


def graph_files(folder) -> list[str]:
    return sorted(path.name for path in folder.glob("*.onnx"))


def weight_names(config, layers_with_bias=()) -> set[str]:
    names = Names(config)
    found = {EMBEDDING, MASK_EMBEDDING, LOGITS_BIAS, POSITIONS}
    for layer in range(config.n_layer):
        found |= {names.query(layer), names.key_value(layer), names.position(layer), names.output(layer), names.query_bias(layer, "content_bias"),
                  names.query_bias(layer, "distance_bias"), *names.attention_norm(layer), names.inner(layer), names.inner_bias(layer), names.outer(layer),
                  names.outer_bias(layer), *names.feed_forward_norm(layer)}
    return found | {names.output_bias(layer) for layer in layers_with_bias}


def test_files_of_each_precision(precision, folder):
    both = ["model_cached_float32.onnx", "model_float32.onnx"] if precision.startswith("int") else []
    assert graph_files(folder) == sorted([*GRAPHS, *both])


def test_every_weight_has_its_name_once(precision, folder, tiny):
    """The stored names are those of the table in the format, with a suffix where they are stored in another way."""
    config = read_weights(str(tiny)).config
    biased = range(1, config.n_layer) if precision.startswith("int") else ()
    for file in graph_files(folder):
        stored = [tensor.name for tensor in bare(folder, file).graph.initializer]
        assert len(set(stored)) == len(stored)
        plain = [name for name in stored if not name.startswith("constant.") and not name.endswith((".scales", ".multipliers")) and name != "int4.pairs"]
        plain = [name.removesuffix(".int8").removesuffix(".int4") for name in plain]
        expected = weight_names(config, biased) | ({"heads"} if "cached" in file else set())
        expected |= {"target_states.mean"} if "cached" in file and precision.startswith("int") else set()
        assert Counter(plain) == Counter(expected)


def test_nodes_are_named_for_what_they_make(folder):
    for file in graph_files(folder):
        nodes = bare(folder, file).graph.node
        made = [output for node in nodes for output in node.output]
        assert len(set(made)) == len(made) and len({node.name for node in nodes}) == len(nodes)
        ports = {output.name for output in bare(folder, file).graph.output}
        assert all(node.name and (node.name == node.output[0] or node.output[0] in ports) for node in nodes)
        layered = {node.name.split(".")[1] for node in nodes if node.name.startswith("layer.")}
        assert layered == {"0", "1", "2"}


def test_nobody_makes_what_nobody_reads(folder):
    for file in graph_files(folder):
        graph = bare(folder, file).graph
        read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        assert {output for node in graph.node if len(node.output) == 1 for output in node.output} <= read
        assert {tensor.name for tensor in graph.initializer} <= read and {port.name for port in graph.input} <= read


def test_operators_are_standard_and_no_control_flow(precision, folder):
    for file in graph_files(folder):
        model = bare(folder, file)
        domains = {node.op_type: node.domain for node in model.graph.node}
        foreign = {kind for kind, domain in domains.items() if domain}
        assert foreign == (RUNTIME_ONLY if precision.startswith("int") and "float32" not in file else set())
        assert not {"If", "Loop", "Scan", "SequenceMap"} & domains.keys()
        assert not any(attribute.HasField("g") or attribute.graphs for node in model.graph.node for attribute in node.attribute)
        assert all(onnx.defs.has(kind) for kind in domains.keys() - foreign) and not model.functions


def test_properties_of_all_graphs_are_one(folder):
    found = [{entry.key: entry.value for entry in bare(folder, file).metadata_props} for file in graph_files(folder)]
    assert all(properties == found[0] for properties in found) and found[0]["asarm.format_version"] == "3"


def test_large_weights_are_taken_from_the_same_places(folder):
    """And lie outside; those of one name at one place, whatever the graph."""
    places: dict[str, tuple] = {}
    for file in graph_files(folder):
        tensors = bare(folder, file).graph.initializer
        outside = [tensor for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL]
        assert [tensor.name for tensor in outside] == [tensor.name for tensor in large(bare(folder, file))] and outside
        for tensor in outside:
            assert places.setdefault(tensor.name, place(tensor)) == place(tensor)
    assert {location for location, _, _ in places.values()} == {"model.onnx_data"}
    taken = sorted(set(places.values()))
    assert len(taken) == len(places)
    assert all(begin % 64 == 0 and 0 <= begin - (before + length) < 64 for (_, before, length), (_, begin, _) in pairwise(taken))
    assert (folder / "model.onnx_data").stat().st_size == taken[-1][1] + taken[-1][2]


@pytest.mark.parametrize("file", GRAPHS)
def test_the_embedding_is_stored_once_and_read_as_it_is(exported, tiny, file):
    """By the lookup and by the head, with nothing between."""
    model = bare(exported, file)
    assert [node.op_type for node in model.graph.node if EMBEDDING in node.input] == ["Gather", "Gemm"]
    weights = sum(values.size for _, values in read_weights(str(tiny)).items())
    stored = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
    assert weights <= stored - 128 * 32 < weights + 100  # the encoding of positions; small constants


def test_integers_leave_no_float_matrix(tiny, tmp_path, call):
    for precision in ("int8", "int4"):
        assert call(export, "--checkpoint", tiny, "--output", tmp_path / precision, "--maximum-length", 40, "--precision", precision) == 0
        for file in graph_files(tmp_path / precision):
            floats = {tensor.name for tensor in bare(tmp_path / precision, file).graph.initializer
                      if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16) and math.prod(tensor.dims) >= 32 * 32}
            assert floats == {POSITIONS}


def test_data_file_holds_nothing_but_unique_weights_on_pages(tmp_path, output, call):
    weights = fresh_weights(64, n_layer=2, d_inner=8192)  # inner and outer matrices are a MiB each
    write_weights(str(tmp_path / "checkpoint"), weights)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--maximum-length", 40) == 0
    unique = sum(4 * values.size for _, values in weights.items() if values.size >= 1024)
    whole = (output / "model.onnx_data").stat().st_size
    assert unique + 4 * 80 * 32 <= whole < unique + 4 * 80 * 32 + 4 * PAGE
    for file in GRAPHS:
        paged = [place(tensor) for tensor in large(bare(output, file)) if place(tensor)[2] >= MIB]
        assert len(paged) == 4 and all(offset % PAGE == 0 for _, offset, _ in paged)
        assert (output / file).stat().st_size < 150_000


def test_an_odd_vocabulary_leaves_the_places_aligned(tmp_path, output, call):
    write_weights(str(tmp_path / "checkpoint"), fresh_weights(1027))
    arguments = ["--weights", "float16", "--maximum-length", 40]
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, *arguments) == 0
    places = [place(tensor) for file in GRAPHS for tensor in large(bare(output, file))]
    assert any(length % 4 for _, _, length in places)  # the bias of the logits
    assert all(offset % 64 == 0 for _, offset, _ in places)


def test_stored_weights_are_those_of_the_checkpoint(exported, tiny):
    weights, layer = read_weights(str(tiny)), "transformer.layer.1."
    names = Names(weights.config)
    for file in GRAPHS:
        stored = weights_of(exported, file)
        for name, values in ((EMBEDDING, weights["transformer.word_embedding.weight"]), (LOGITS_BIAS, weights["lm_loss.bias"]),
                             (names.query(1), weights[f"{layer}rel_attn.q"].reshape(32, 32)), (names.output(1), weights[f"{layer}rel_attn.o"].reshape(32, 32).T),
                             (names.key_value(1), np.concatenate([weights[f"{layer}rel_attn.{part}"].reshape(32, 32) for part in "kv"], 1)),
                             (names.inner(1), weights[f"{layer}ff.layer_1.weight"].T), (POSITIONS, position_encoding(64, weights.config))):
            assert stored[name].dtype == np.float32 and np.array_equal(stored[name], values), name


def test_weights_take_no_memory_of_their_own(tiny):
    """Those whose layout is the checkpoint's are its arrays; what is made is made once for both graphs."""
    weights = read_weights(str(tiny))
    found = GraphWeights(weights, 40)
    both = [build(ports, 17, found, 40, lambda writer: FloatArithmetic(writer, found)) for ports in (contract.stateless(weights.config), contract.cached(weights.config))]
    names = Names(weights.config)
    for graph in both:
        assert not graph.model.graph.initializer
        assert np.shares_memory(graph.weights[EMBEDDING], weights["transformer.word_embedding.weight"])
        assert np.shares_memory(graph.weights[names.outer(0)], weights["transformer.layer.0.ff.layer_2.weight"])
        assert np.shares_memory(graph.weights[names.key_value(0)], both[0].weights[names.key_value(0)])


@pytest.mark.parametrize("opset", [16, 22])
def test_opsets_outside_the_contract_are_refused(tiny, opset):
    weights = read_weights(str(tiny))
    found = GraphWeights(weights, 20)
    for ports in (contract.stateless(weights.config), contract.cached(weights.config)):
        with pytest.raises(InputError, match=f"opset {opset} is outside the contract's 17..21"):
            build(ports, opset, found, 20, lambda writer: FloatArithmetic(writer, found))


def test_a_writer_refuses_a_second_node_of_one_name():
    writer = GraphWriter(17)
    writer.node("Abs", "twice", "x")
    with pytest.raises(ValueError, match="two nodes make twice"):
        writer.node("Neg", "twice", "x")
    with writer.scope("layer.0"):
        assert writer.node("Abs", "twice", "x") == "layer.0.twice"
        with writer.no_scope():
            assert writer.node("Abs", "thrice", "x") == "thrice" and writer.has("thrice")


def test_a_copy_for_the_second_graph_is_refused(tiny, tmp_path):
    """A weight that one graph has in another layout would be there twice."""
    weights = read_weights(str(tiny))
    found, others = GraphWeights(weights, 40), GraphWeights(weights, 40)
    others._sources[EMBEDDING] = lambda: np.ascontiguousarray(weights["transformer.word_embedding.weight"] + 1)
    kinds = contract.stateless(weights.config), contract.cached(weights.config)
    files.save({ports.file: build(ports, 17, given, 40, partial(FloatArithmetic, weights=given)) for ports, given in zip(kinds, (found, others))}, str(tmp_path))
    with pytest.raises(InputError, match=f"do not share {EMBEDDING}"):
        files.check(str(tmp_path), list(kinds), 17)


def test_keys_are_written_in_place(exported):
    """One ScatterND for each port of the cache, and no Concat of old and new keys."""
    graph = bare(exported, "model_cached.onnx").graph
    written = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "ScatterND"}
    past, present = contract.cache_ports(3)
    assert written == dict(zip(present, past))
    assert not [node.name for node in graph.node if node.op_type == "Concat" and set(node.input) & {*past, *present}]


def test_descriptions_tell_the_opset(tiny, tmp_path, call):
    for opset in OPSETS:
        assert call(export, "--checkpoint", tiny, "--output", tmp_path / str(opset), "--maximum-length", 20, "--opset", opset) == 0
        assert described(tmp_path / str(opset))["source"]["opset"] == opset
        assert all([(entry.domain, entry.version) for entry in bare(tmp_path / str(opset), file).opset_import] == [("", opset)] for file in GRAPHS)
