"""What the check of the written files sees in either graph, and between them."""

import os
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from asarm_tools.export import command as export
from asarm_tools.export import graph

from exports import COMMITTED, GRAPHS, bare, contracts, place

EMBEDDING, QUERY = "transformer.word_embedding.weight", "transformer.layer.0.rel_attn.q"


@pytest.fixture
def folder(tmp_path):
    """A copy of the committed export that a test may break."""
    return shutil.copytree(COMMITTED, tmp_path / "model")


def refused(folder, file: str, change, message: str) -> bool:
    """Whether the check passes the folder, and refuses it with that message once the graph is changed."""
    graph.check(str(folder), contracts(COMMITTED), 17)
    model = bare(folder, file)
    change(model)
    onnx.save(model, str(folder / file))
    with pytest.raises(export.InputError, match=message):
        graph.check(str(folder), contracts(COMMITTED), 17)
    return True


def initializer(model: onnx.ModelProto, name: str) -> TensorProto:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def foreign_operator(model):
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def foreign_node(model):
    model.graph.node[0].domain = "com.microsoft"


def other_opset(model):
    model.opset_import[0].version = 18


def static_batch(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def static_rows(model):
    model.graph.output[-1].type.tensor_type.shape.dim[1].dim_value = 3


def other_type(model):
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.INT32


def weight_in_a_constant(model):
    hidden = numpy_helper.from_array(np.zeros((64, 128), np.float32))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["unused"], name="hidden", value=hidden))


def rename(ports, model, name: str, other: str) -> None:
    next(port for port in ports if port.name == name).name = other
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [other if found == name else found for found in names]


def renamed_input(model):
    rename(model.graph.input, model, model.graph.input[-1].name, "horizons")


def renamed_output(model):
    rename(model.graph.output, model, model.graph.output[-1].name, "scores")


def one_output_less(model):
    model.graph.output.pop()


def swapped_outputs(model):
    model.graph.output.insert(0, model.graph.output.pop())


def first_node_lost(model):
    del model.graph.node[0]


def last_node_lost(model):
    producer = next(node for node in model.graph.node if model.graph.output[0].name in node.output)
    model.graph.node.remove(producer)


@pytest.mark.parametrize("file, change, message", [
    *((file, change, message) for file in GRAPHS for change, message in [
        (foreign_operator, "outside the standard"), (foreign_node, "outside the standard|not valid"),
        (other_opset, "another opset than 17"), (static_batch, "other inputs"), (static_rows, "other inputs"),
        (other_type, "other inputs|not valid"), (weight_in_a_constant, "large constant"),
        (renamed_input, "other inputs and outputs"), (renamed_output, "other inputs and outputs"),
        (one_output_less, "other inputs"), (first_node_lost, "not valid"), (last_node_lost, "no node makes logits")]),
    ("model_cached.onnx", swapped_outputs, "other inputs")])
def test_a_graph_that_breaks_the_contract_is_refused(folder, file, change, message):
    assert refused(folder, file, change, message)


@pytest.mark.parametrize("file", GRAPHS)
def test_a_graph_that_is_not_there_or_no_graph_is_refused(folder, file):
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[:-len(whole) // 3])
    with pytest.raises(export.InputError, match=file):
        graph.check(str(folder), contracts(COMMITTED), 17)
    (folder / file).unlink()
    with pytest.raises((export.InputError, OSError), match=file):
        graph.check(str(folder), contracts(COMMITTED), 17)


def test_the_opset_is_that_which_was_asked_for():
    with pytest.raises(export.InputError, match="another opset than 18"):
        graph.check(str(COMMITTED), contracts(COMMITTED), 18)


@pytest.mark.parametrize("file", GRAPHS)
def test_a_missing_data_file_is_refused(folder, file):
    os.rename(folder / "model.onnx_data", folder / "elsewhere")
    with pytest.raises((export.InputError, OSError), match="model.onnx_data"):
        graph.check(str(folder), contracts(COMMITTED), 17)


def test_a_weight_that_model_onnx_has_twice_is_refused(folder):
    weight = numpy_helper.to_array(initializer(onnx.load(str(folder / "model.onnx")), EMBEDDING))

    def add_transposed(model):
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight.T), "copy"))

    assert refused(folder, "model.onnx", add_transposed, "a weight twice")


def data_of_its_own(folder, array: np.ndarray):
    """Change: the weight gets a place of its own at the end of the data file."""
    def append(model):
        path = folder / "model.onnx_data"
        offset = path.stat().st_size
        path.write_bytes(path.read_bytes() + array.tobytes())
        tensor = initializer(model, QUERY)
        tensor.raw_data = array.tobytes()
        set_external_data(tensor, path.name, offset=offset, length=array.nbytes)
        tensor.ClearField("raw_data")
    return append


def test_graphs_that_do_not_share_a_weight_are_refused(folder):
    """Also where the values are the same: they would be loaded twice."""
    weight = numpy_helper.to_array(initializer(onnx.load(str(folder / "model.onnx")), QUERY))
    assert refused(folder, "model_cached.onnx", data_of_its_own(folder, weight), f"do not share {QUERY}")
    shutil.copytree(COMMITTED, folder, dirs_exist_ok=True)
    assert refused(folder, "model.onnx", data_of_its_own(folder, weight + 1), f"do not share {QUERY}")
    shutil.copytree(COMMITTED, folder, dirs_exist_ok=True)
    inline = numpy_helper.from_array(weight, QUERY)
    assert refused(folder, "model_cached.onnx", lambda model: initializer(model, QUERY).CopyFrom(inline), f"do not share {QUERY}")
    shutil.copytree(COMMITTED, folder, dirs_exist_ok=True)
    copy = numpy_helper.from_array(np.ascontiguousarray(weight.T), "copy")
    assert refused(folder, "model_cached.onnx", lambda model: model.graph.initializer.append(copy), "do not share copy")


def test_a_part_of_a_shared_weight_is_not_shared(folder):
    def shift(model):
        tensor = initializer(model, QUERY)
        location, offset, length = place(tensor)
        tensor.raw_data = b"x"
        set_external_data(tensor, location, offset=offset + 4, length=length)
        tensor.ClearField("raw_data")

    assert refused(folder, "model_cached.onnx", shift, f"do not share {QUERY}")
