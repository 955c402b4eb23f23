"""What the check of the written files sees in either graph, and between them."""

import os
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from asarm_tools.command_line.failure import InputError
from asarm_tools.graphs import files
from asarm_tools.graphs.names import EMBEDDING

from exports import GRAPHS, bare, contracts, place

QUERY = "layer.0.attention.query.weight"


def refused(folder, file: str, change, message: str) -> bool:
    """Whether the check passes the folder, and refuses it with that message once the graph is changed."""
    files.check(str(folder), contracts(folder), 17)
    model = bare(folder, file)
    change(model)
    onnx.save(model, str(folder / file))
    with pytest.raises(InputError, match=message):
        files.check(str(folder), contracts(folder), 17)
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


def two_nodes_make_one(model):
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def past_of_another_size(model):
    model.graph.input[-1].type.tensor_type.shape.dim[2].dim_param = "content"


def last_node_lost(model):
    producer = next(node for node in model.graph.node if model.graph.output[0].name in node.output)
    model.graph.node.remove(producer)


@pytest.mark.parametrize("file, change, message", [
    *((file, change, message) for file in GRAPHS for change, message in [
        (foreign_operator, "outside the standard"), (foreign_node, "outside the standard|not valid"),
        (other_opset, "another opset than 17"), (static_batch, "other inputs"), (static_rows, "other inputs"),
        (other_type, "other inputs|not valid"), (weight_in_a_constant, "Constant .*no kernel is listed"),
        (renamed_input, "other inputs and outputs"), (renamed_output, "other inputs and outputs"),
        (one_output_less, "other inputs"), (first_node_lost, "not valid"), (last_node_lost, "no node makes logits")]),
    *(("model_cached.onnx", change, message) for change, message in [
        (swapped_outputs, "other inputs"), (past_of_another_size, "other inputs"), (two_nodes_make_one, "not valid")])])
def test_a_graph_that_breaks_the_contract_is_refused(folder, file, change, message):
    assert refused(folder, file, change, message)


@pytest.mark.parametrize("file", GRAPHS)
def test_a_graph_that_is_not_there_or_no_graph_is_refused(folder, file):
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[:-len(whole) // 3])
    with pytest.raises(InputError, match=file):
        files.check(str(folder), contracts(folder), 17)
    (folder / file).unlink()
    with pytest.raises((InputError, OSError), match=file):
        files.check(str(folder), contracts(folder), 17)


def test_the_opset_is_that_which_was_asked_for(exported):
    with pytest.raises(InputError, match="another opset than 18"):
        files.check(str(exported), contracts(exported), 18)


@pytest.mark.parametrize("file", GRAPHS)
def test_a_missing_data_file_is_refused(folder, file):
    os.rename(folder / "model.onnx_data", folder / "elsewhere")
    with pytest.raises((InputError, OSError), match="model.onnx_data"):
        files.check(str(folder), contracts(folder), 17)


def test_a_weight_that_model_onnx_has_twice_is_refused(folder):
    weight = numpy_helper.to_array(initializer(onnx.load(str(folder / "model.onnx")), EMBEDDING))

    def add_transposed(model):
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight.T), "copy"))

    assert refused(folder, "model.onnx", add_transposed, "a weight twice")


@pytest.mark.parametrize("block", [files._BLOCK, 1 << 10])
def test_a_weight_that_lies_twice_in_the_data_file_is_refused(folder, monkeypatch, block):
    """Also in another order, and where it is read in parts: both are the same numbers."""
    monkeypatch.setattr(files, "_BLOCK", block)
    weight = numpy_helper.to_array(initializer(onnx.load(str(folder / "model.onnx")), EMBEDDING))
    path = folder / "model.onnx_data"
    offset = path.stat().st_size
    path.write_bytes(path.read_bytes() + weight.T.tobytes())

    def add(model):
        model.graph.initializer.append(TensorProto(name="copy", data_type=TensorProto.FLOAT, dims=weight.T.shape, raw_data=b"x"))
        set_external_data(model.graph.initializer[-1], path.name, offset=offset, length=weight.nbytes)
        model.graph.initializer[-1].ClearField("raw_data")

    assert refused(folder, "model.onnx", add, "a weight twice")


def test_equal_numbers_everywhere_are_no_copy(folder):
    """As the biases of an untrained network are; one other number makes it a weight."""
    arrays = [np.zeros(2048, np.float32), np.zeros(2048, np.float32)]

    def add(model):
        model.graph.initializer.extend(numpy_helper.from_array(array, f"bias.{number}") for number, array in enumerate(arrays))

    model = bare(folder, "model.onnx")
    add(model)
    onnx.save(model, str(folder / "model.onnx"))
    files.check(str(folder), contracts(folder), 17)
    arrays[0][5], arrays[1][7] = 1, 1
    del model.graph.initializer[-2:]
    add(model)
    onnx.save(model, str(folder / "model.onnx"))
    with pytest.raises(InputError, match="a weight twice: bias.0 and bias.1"):
        files.check(str(folder), contracts(folder), 17)


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


def test_graphs_that_do_not_share_a_weight_are_refused(exported, folder):
    """Also where the values are the same: they would be loaded twice."""
    weight = numpy_helper.to_array(initializer(onnx.load(str(folder / "model.onnx")), QUERY))
    assert refused(folder, "model_cached.onnx", data_of_its_own(folder, weight), f"do not share {QUERY}")
    shutil.copytree(exported, folder, dirs_exist_ok=True)
    assert refused(folder, "model.onnx", data_of_its_own(folder, weight + 1), f"do not share {QUERY}")
    shutil.copytree(exported, folder, dirs_exist_ok=True)
    inline = numpy_helper.from_array(weight, QUERY)
    assert refused(folder, "model_cached.onnx", lambda model: initializer(model, QUERY).CopyFrom(inline), f"do not share {QUERY}")
    shutil.copytree(exported, folder, dirs_exist_ok=True)
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
