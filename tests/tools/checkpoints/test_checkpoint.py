"""Every layout that Hugging Face writes is read alike; broken, foreign and hostile files are refused by name."""

import json
import math
import os
import shutil
import struct

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.checkpoint import CheckpointError, checkpoint_hash, read_weights, weight_files
from asarm_tools.checkpoints.config_file import read_config
from asarm_tools.checkpoints.tensor_file import TensorFileError, read_tensors, write_tensors
from asarm_tools.checkpoints.torch_model import read_model, write_model

EMBEDDING = "transformer.word_embedding.weight"


@pytest.fixture
def folder(tiny, tmp_path):
    """A copy of the tiny checkpoint that a test may break."""
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny / name, tmp_path)
    return tmp_path


@pytest.fixture
def weights(tiny) -> dict[str, np.ndarray]:
    return read_tensors(tiny / "model.safetensors")


def states_equal(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    pairs = zip(first.state_dict().items(), second.state_dict().items())
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def change_config(folder, **fields) -> None:
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**raw, **fields}))


def test_round_trip(tiny, tmp_path):
    model = read_model(str(tiny))
    write_model(str(tmp_path), model, trained_length=40)
    again = read_model(str(tmp_path))
    assert states_equal(model, again)
    assert again.config == read_config(str(tiny))
    assert again.lm_loss.weight is again.transformer.word_embedding.weight
    assert json.loads((tmp_path / "config.json").read_text())["trained_length"] == 40
    names = set(read_tensors(tmp_path / "model.safetensors"))
    assert names == set(read_tensors(tiny / "model.safetensors"))  # so that XLNetLMHeadModel misses nothing either


def test_sharded_safetensors(folder, weights, tiny):
    (folder / "model.safetensors").unlink()
    shards = {f"model-0000{i + 1}-of-00002.safetensors": sorted(weights)[i::2] for i in range(2)}
    for shard, names in shards.items():
        write_tensors(str(folder / shard), {name: weights[name] for name in names})
    index = {"metadata": {}, "weight_map": {name: shard for shard, names in shards.items() for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert states_equal(read_model(str(folder)), read_model(str(tiny)))
    assert len(weight_files(str(folder))) == 3
    before = checkpoint_hash(str(folder))
    change_config(folder, note="other")
    assert checkpoint_hash(str(folder)) != before
    (folder / next(iter(shards))).unlink()
    with pytest.raises(CheckpointError, match="shard .* is missing"):
        read_model(str(folder))
    index["weight_map"][EMBEDDING] = "../elsewhere.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="shard .* is missing"):
        read_model(str(folder))


@pytest.mark.parametrize("zipped", [True, False])
def test_pytorch_model_bin(folder, weights, tiny, zipped):
    (folder / "model.safetensors").unlink()
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    state["lm_loss.weight"] = state[EMBEDDING]  # old files keep the tied matrix
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    assert states_equal(read_model(str(folder)), read_model(str(tiny)))


def test_bfloat16_safetensors(folder, weights, tiny):
    header, body = {}, b""
    for name, array in weights.items():
        data = torch.from_numpy(array).bfloat16().view(torch.int16).numpy().tobytes()
        header[name] = {"dtype": "BF16", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)
    expected = read_model(str(tiny)).bfloat16().float()
    assert states_equal(read_model(str(folder)), expected)


def test_truncated_files_are_refused(folder):
    whole = (folder / "model.safetensors").read_bytes()
    for size in (0, 7, 8, 100, 5000, len(whole) - 1):
        (folder / "model.safetensors").write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match="model.safetensors"):
            read_model(str(folder))


def test_broken_headers_are_refused(tmp_path):
    shapes = [([-1], [0, 4]), (["1"], [0, 4]), ([1], ["0", 4]), ([1], [4, 0]), ([2], [0, 4]), ([1 << 62, 4], [0, 4])]
    entries = [{"dtype": "F32", "shape": shape, "data_offsets": offsets} for shape, offsets in shapes]
    entries += [[], {}, {"a": 1}, {"dtype": "F7", "shape": [1], "data_offsets": [0, 4]}]
    for text in [b"[]", b"{", *(json.dumps({"x": entry}).encode() for entry in entries)]:
        (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 4)
        with pytest.raises(TensorFileError, match="x.safetensors"):
            read_tensors(tmp_path / "x.safetensors")


def test_broken_pickles_are_refused(folder, weights):
    (folder / "model.safetensors").unlink()
    path = folder / "pytorch_model.bin"
    torch.save({name: torch.from_numpy(array) for name, array in weights.items()}, path)
    whole = path.read_bytes()
    for data in (b"", b"garbage", whole[:1000], whole[:-1000]):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="pytorch_model.bin"):
            read_model(str(folder))
    torch.save([1], path)
    with pytest.raises(CheckpointError, match="table of tensors"):
        read_model(str(folder))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pickle_is_not_run(folder, zipped):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(folder / "executed"),)

    (folder / "model.safetensors").unlink()
    torch.save({EMBEDDING: Hostile()}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError):
        read_model(str(folder))
    assert not (folder / "executed").exists()


@pytest.mark.parametrize("change, message", [
    (lambda w: w.pop(EMBEDDING), "missing.*word_embedding"),
    (lambda w: w.pop("transformer.layer.1.rel_attn.o"), r"missing.*layer\.1\.rel_attn\.o"),
    (lambda w: w.update(other=np.zeros(1, np.float32)), "not understood.*other"),
    (lambda w: w.update({"transformer.layer.0.rel_attn.q": np.zeros((32, 32), np.float32)}), r"rel_attn\.q has shape \[32, 32\]"),
    (lambda w: w.update({"lm_loss.bias": np.full(64, np.nan, np.float32)}), "lm_loss.bias holds values that are not finite"),
    (lambda w: w.update({"lm_loss.weight": w[EMBEDDING] + 1}), "untied outputs are not supported")])
def test_other_weights_are_refused(folder, weights, change, message):
    change(weights)
    write_tensors(str(folder / "model.safetensors"), weights)
    with pytest.raises(CheckpointError, match=message):
        read_model(str(folder))


@pytest.mark.parametrize("field, value", [
    ("model_type", "bert"), ("attn_type", "uni"), ("bi_data", True), ("ff_activation", "tanh"), ("ff_activation", 1),
    ("architectures", ["XLNetForSequenceClassification"]), ("architectures", "XLNetLMHeadModel"), ("vocab_size", None),
    ("d_model", "32"), ("n_layer", 0), ("n_head", 5), ("d_head", 16), ("d_model", 31), ("layer_norm_eps", "small"),
    ("clamp_len", []), ("clamp_len", float("nan")), ("clamp_len", float("inf")), ("clamp_len", True), ("clamp_len", 1e30),
    ("clamp_len", 2.5), ("clamp_len", "4"), ("clamp_len", 1 << 31), ("d_head", 8.5), ("d_head", "8"), ("d_head", True), ("d_inner", 64.0),
    ("vocab_size", "64"), ("n_head", 4.5), ("d_model", True), ("layer_norm_eps", float("nan")), ("layer_norm_eps", True),
    ("layer_norm_eps", -1e-5), ("n_layer", True), ("n_layer", 1 << 40)])
def test_other_configurations_are_refused(folder, field, value):
    change_config(folder, **{field: value})
    with pytest.raises(CheckpointError, match=r"config\.json: .*(" + field + "|d_model)"):
        read_config(str(folder))


@pytest.mark.parametrize("alias, name", [
    ("n_token", "vocab_size"), ("hidden_size", "d_model"), ("num_attention_heads", "n_head"), ("num_hidden_layers", "n_layer")])
def test_other_names_of_the_sizes_are_understood(folder, tiny, alias, name):
    """Those of Hugging Face's XLNetConfig; what says two things is refused."""
    raw = json.loads((folder / "config.json").read_text())
    size = raw.pop(name)
    for fields in ({alias: size}, {alias: size, name: size}, {alias: None, name: size}, {alias: size, name: None}):
        (folder / "config.json").write_text(json.dumps({**raw, **fields}))
        assert states_equal(read_model(str(folder)), read_model(str(tiny))), fields
    for value in (2 * size, str(size), float(size)):
        (folder / "config.json").write_text(json.dumps({**raw, name: size, alias: value}))
        with pytest.raises(CheckpointError, match=f"{alias} is {value!r}, but {name} is {size}"):
            read_config(str(folder))
    (folder / "config.json").write_text(json.dumps({**raw, alias: float(size)}))
    with pytest.raises(CheckpointError, match=f"{name} must be a positive integer"):
        read_config(str(folder))


def test_no_epsilon_is_no_default_epsilon(folder):
    change_config(folder, layer_norm_eps=0)
    assert read_config(str(folder)).layer_norm_eps == 0
    change_config(folder, layer_norm_eps=None)
    assert read_config(str(folder)).layer_norm_eps == 1e-12


@pytest.mark.parametrize("field, value", [("vocab_size", 1 << 30), ("n_layer", 50_000_000), ("d_inner", 1 << 30)])
def test_sizes_beyond_the_weights_take_no_memory(folder, field, value):
    change_config(folder, **{field: value})
    with pytest.raises(CheckpointError, match="config.json asks for .* weights, the files hold"):
        read_model(str(folder))


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_the_tied_matrix_may_have_the_name_of_the_output_alone(folder, weights, tiny, kind, sharded):
    weights["lm_loss.weight"] = weights.pop(EMBEDDING)
    (folder / "model.safetensors").unlink()
    whole = {"safetensors": "model.safetensors", "bin": "pytorch_model.bin"}[kind]
    shards = {f"{i}.{kind}": sorted(weights)[i::2] for i in range(2)} if sharded else {whole: list(weights)}
    for shard, names in shards.items():
        part = {name: weights[name] for name in names}
        if kind == "bin":
            torch.save({name: torch.from_numpy(array) for name, array in part.items()}, folder / shard)
        else:
            write_tensors(str(folder / shard), part)
    if sharded:
        (folder / (whole + ".index.json")).write_text(json.dumps({"weight_map": {name: shard for shard, names in shards.items() for name in names}}))
    assert states_equal(read_model(str(folder)), read_model(str(tiny)))


def test_heads_without_a_size_share_the_model(folder):
    change_config(folder, d_head=None)
    assert read_config(str(folder)).d_head == 8


@pytest.mark.parametrize("field, value", [
    ("untie_r", False), ("same_length", True), ("mem_len", 384), ("reuse_len", 128), ("use_mems_eval", False), ("architectures", None)])
def test_fields_without_an_effect_are_accepted(folder, tiny, field, value):
    """They speak of memories of earlier segments, or of biases that every layer has in the file."""
    change_config(folder, **{field: value})
    assert states_equal(read_model(str(folder)), read_model(str(tiny))) and read_config(str(folder)) == read_config(str(tiny))


@pytest.mark.parametrize("name, expected", [
    ("relu", lambda x: np.maximum(x, 0)), ("silu", lambda x: x / (1 + np.exp(-x))), ("swish", lambda x: x / (1 + np.exp(-x))),
    ("gelu", lambda x: x * (1 + np.array([math.erf(value / math.sqrt(2)) for value in x])) / 2),
    ("gelu_new", lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))) / 2)])
def test_activations_are_those_of_hugging_face(folder, tiny, name, expected):
    change_config(folder, ff_activation=name)
    model = read_model(str(folder), torch.float64)
    values = np.linspace(-6, 6, 25)
    assert np.allclose(model.transformer.layer[0].ff.activation(torch.from_numpy(values)).numpy(), expected(values), atol=1e-12)
    write_model(str(folder / "again"), model)
    assert read_config(str(folder / "again")).ff_activation == name


def test_sharded_pytorch_model_bin(folder, weights, tiny):
    (folder / "model.safetensors").unlink()
    shards = {f"pytorch_model-0000{i + 1}-of-00002.bin": sorted(weights)[i::2] for i in range(2)}
    for shard, names in shards.items():
        torch.save({name: torch.from_numpy(weights[name]) for name in names}, folder / shard)
    index = {"metadata": {}, "weight_map": {name: shard for shard, names in shards.items() for name in names}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert states_equal(read_model(str(folder)), read_model(str(tiny)))


def test_clamped_distances_are_understood(folder):
    change_config(folder, clamp_len=4)
    assert read_config(str(folder)).clamp_len == 4


@pytest.mark.parametrize("text, message", [("{", "not JSON"), ("[]", "no JSON object"), ("\udcff", "not JSON")])
def test_broken_configuration_is_refused(folder, text, message):
    (folder / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError, match=message):
        read_config(str(folder))


def test_numbers_beyond_floating_point_are_refused(folder):
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace('"clamp_len": -1', '"clamp_len": 1e400'))
    assert (folder / "config.json").read_text() != text
    with pytest.raises(CheckpointError, match=r"clamp_len must be an integer below 2\^31, it is inf"):
        read_config(str(folder))


@pytest.mark.parametrize("names", [[5], [5, "model.safetensors"], [None]])
def test_an_index_whose_file_names_are_no_text_is_refused(folder, names):
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    index = {"weight_map": {str(number): name for number, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="no weight index"):
        weight_files(str(folder))


def test_weights_of_safetensors_are_views_that_leave_the_file_alone(folder):
    """Of the file, without memory of their own; what is written to them is not kept."""
    weights, before = read_weights(str(folder)), (folder / "model.safetensors").read_bytes()
    assert all(not values.flags.owndata for _, values in weights.items())
    weights["lm_loss.bias"][:] = 5
    assert (folder / "model.safetensors").read_bytes() == before and (read_weights(str(folder))["lm_loss.bias"] != 5).any()


def test_missing_files_are_named(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="none of model.safetensors"):
        read_model(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match="no config.json"):
        read_model(str(folder))
