"""The network in NumPy against the PyTorch module, on random networks, orders and questions; its activation functions and positions."""

import itertools
import math

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.checkpoint import read_weights
from asarm_tools.checkpoints.tensor_file import read_tensors
from asarm_tools.checkpoints.torch_model import to_module, to_weights
from asarm_tools.network import activations, forward, positions, two_stream
from asarm_tools.network.config import LOWEST, MODEL_INPUTS
from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights, shapes

from exports import fresh_weights, small
from official import questions

TOLERANCE = 1e-5  # of the logits' size, in float32
VOCABULARY = 40


def random_case(generator: np.random.Generator, vocabulary: int = VOCABULARY) -> dict[str, np.ndarray]:
    """Any order, given tokens and questions; horizons up to the whole sequence, so that a target may see itself."""
    length, targets = int(generator.integers(1, 24)), int(generator.integers(1, 9))
    order = generator.permutation(length)
    prompt = (order < generator.integers(1, length + 1)).astype(np.int64)
    return {"input_ids": generator.integers(0, vocabulary, length), "order": order, "prompt_mask": prompt,
            "target_positions": generator.integers(0, length, targets), "target_horizons": generator.integers(1, length + 1, targets)}


@torch.no_grad()
def answer(model, case) -> np.ndarray:
    return model(*(torch.from_numpy(case[name])[None] for name in MODEL_INPUTS))[0].numpy()


def worst(weights: Weights, model, seed: int, cases: int = 12) -> float:
    """The largest difference in units of the largest logit."""
    generator, network = np.random.default_rng(seed), Network(weights)
    found = []
    for _ in range(cases):
        case = random_case(generator, weights.config.vocab_size)
        logits, expected = network.logits(case), answer(model, case)
        assert logits.dtype == np.float32 and logits.shape == expected.shape
        found.append(np.abs(logits - expected).max() / np.abs(expected).max())
    return float(max(found))


def biased(weights: Weights) -> Weights:
    """With a bias at the end of some layers' attention, as centring makes it."""
    generator = np.random.default_rng(3)
    for layer in range(0, weights.config.n_layer, 2):
        weights[f"transformer.layer.{layer}.rel_attn.o_bias"] = generator.standard_normal(weights.config.d_model, np.float32)
    return weights


NETWORKS = [
    *({"ff_activation": activation} for activation in LOWEST), *({"clamp_len": clamp} for clamp in (1, 3, 100)),
    *({"layer_norm_eps": epsilon} for epsilon in (0.0, 1e-5, 1e-3)), {"n_layer": 1}, {"n_layer": 4, "n_head": 8}, {"n_head": 1, "d_model": 6, "d_inner": 10}]


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("sizes", NETWORKS, ids=str)
def test_logits_are_those_of_pytorch(sizes, has_bias):
    for seed in range(3):
        weights = fresh_weights(VOCABULARY, seed, **{"n_layer": 2, **sizes})
        weights = biased(weights) if has_bias else weights
        assert worst(weights, to_module(weights).double(), seed) < TOLERANCE


def test_logits_are_those_of_the_official_code(tiny):
    network, asked = Network(read_weights(str(tiny))), questions(tiny)
    assert len(asked) == 26
    for question in asked.values():
        found = network.logits({name: part[0].numpy() for name, part in zip(MODEL_INPUTS, question.inputs)})
        assert np.abs(found - question.logits[0].numpy()).max() < 1e-5


def swapped_biases(weights):
    for layer in range(weights.config.n_layer):
        prefix = f"transformer.layer.{layer}.rel_attn."
        weights[prefix + "r_w_bias"], weights[prefix + "r_r_bias"] = weights[prefix + "r_r_bias"], weights[prefix + "r_w_bias"]


def no_output_bias(weights):
    weights.tensors = {name: values for name, values in weights.items() if not name.endswith("o_bias")}


def other_norm(weights):
    first, second = (f"transformer.layer.1.{part}.layer_norm.bias" for part in ("rel_attn", "ff"))
    weights[first], weights[second] = weights[second], weights[first]


@pytest.mark.parametrize("change", [swapped_biases, no_output_bias, other_norm])
def test_another_weight_shows(change):
    """The control."""
    weights = biased(fresh_weights(VOCABULARY, n_layer=3))
    model = to_module(weights).double()
    change(weights)
    assert worst(weights, model, 1) > 10 * TOLERANCE


def negated_distance(monkeypatch):
    original = forward.relative_encoding
    monkeypatch.setattr(forward, "relative_encoding", lambda *given: original(*given)[::-1])


def distance_off_by_one(monkeypatch):
    original = forward.relative_encoding
    monkeypatch.setattr(forward, "relative_encoding", lambda length, config: original(length + 1, config)[2:])


def approximate_gelu(monkeypatch):
    monkeypatch.setitem(forward.ACTIVATIONS, "gelu", activations.tanh_gelu)


def no_hiding(monkeypatch):
    monkeypatch.setattr(forward, "HIDDEN_SCORE", -1.0)


@pytest.mark.parametrize("mistake", [negated_distance, distance_off_by_one, approximate_gelu, no_hiding])
def test_mistakes_show(monkeypatch, mistake):
    """The control of the tolerance."""
    weights = fresh_weights(VOCABULARY, n_layer=2)
    mistake(monkeypatch)
    assert worst(weights, to_module(weights).double(), 1) > 10 * TOLERANCE


def test_a_row_that_sees_nothing_averages_over_all():
    """As in the reference: the score that hides is finite."""
    weights = fresh_weights(VOCABULARY, n_layer=2)
    case = {**random_case(np.random.default_rng(1)), "target_horizons": np.zeros(3, np.int64), "target_positions": np.zeros(3, np.int64)}
    expected = answer(to_module(weights).double(), case)
    assert np.abs(Network(weights).logits(case) - expected).max() < TOLERANCE * np.abs(expected).max()


def test_inputs_of_matrices_are_what_they_take():
    """collect gets what quantization learns from: here the matrices are put to work on it once more."""
    weights = biased(fresh_weights(VOCABULARY, n_layer=2))
    network, seen = Network(weights), {}
    case = random_case(np.random.default_rng(2))
    length, targets = case["order"].size, case["target_positions"].size
    visible = np.ones((1, length + targets, length), bool)
    states = network.begin(case["input_ids"][None], np.arange(length)[None], case["target_positions"][None], visible)
    after = network.through_layer(0, states, lambda name, inputs: seen.update({name: inputs}))
    assert list(seen) == ["q", "k", "v", "o", "layer_1", "layer_2"]
    assert np.array_equal(seen["q"], states.rows) and np.array_equal(seen["k"], states.rows[:, :length]) and seen["k"] is seen["v"]
    prefix = "transformer.layer.0."
    outer = seen["layer_2"] @ weights[prefix + "ff.layer_2.weight"].T + weights[prefix + "ff.layer_2.bias"] + seen["layer_1"]
    with torch.no_grad():
        layer = to_module(weights).transformer.layer[0]
        expected = layer.ff.layer_norm(torch.from_numpy(outer)).numpy()
        attended = layer.rel_attn.output(torch.from_numpy(seen["o"]), torch.from_numpy(seen["q"])).numpy()
    assert np.abs(after.rows - expected).max() < 1e-5 and np.abs(seen["layer_1"] - attended).max() < 1e-5
    last = network.through_layer(1, after, lambda name, inputs: seen.update({name: inputs}))
    assert last.rows.shape[1] == targets and seen["q"].shape[1] == targets and seen["k"].shape[1] == length


def test_a_batch_is_its_sequences():
    weights = fresh_weights(VOCABULARY, n_layer=2)
    network, generator = Network(weights), np.random.default_rng(1)
    tokens, places, targets = generator.integers(0, VOCABULARY, (3, 7)), generator.permuted(np.tile(np.arange(9), (3, 1)), axis=1)[:, :7], generator.integers(0, 9, (3, 2))
    visible = generator.random((3, 9, 7)) < 0.7

    def logits(rows):
        return network.head(network.through_layers(network.begin(tokens[rows], places[rows], targets[rows], visible[rows])).rows)

    for row in range(3):
        assert np.abs(logits([row])[0] - logits([0, 1, 2])[row]).max() < 1e-5
    assert np.abs(logits([0])[0] - logits([1])[0]).max() > 0.1


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_activation_functions_are_those_of_pytorch(name):
    values = np.concatenate((np.linspace(-12, 12, 100_001), [-100, -88.8, 0, 88.8, 100])).astype(np.float32)
    before = values.copy()
    found = activations.ACTIVATIONS[name](values)
    expected = two_stream.ACTIVATIONS[name](torch.from_numpy(values).double()).numpy()
    assert found.dtype == np.float32 and (np.abs(found - expected) <= 4e-7 * np.maximum(1, np.abs(expected))).all()
    assert np.array_equal(values, before) and activations.ACTIVATIONS.keys() == two_stream.ACTIVATIONS.keys() == LOWEST.keys()


def test_gelu_and_its_approximation_differ():
    """The control of their tolerance."""
    values = np.linspace(-4, 4, 1001).astype(np.float32)
    assert np.abs(activations.gelu(values) - activations.tanh_gelu(values)).max() > 1e-4


def test_the_error_function_is_exact_to_float32():
    values = np.concatenate((np.linspace(-8, 8, 200_001), np.geomspace(1e-30, 1e30, 200), [0.0, -0.0, 5.0, -5.0, 4.9999995, np.inf, -np.inf])).astype(np.float32)
    expected = np.array([math.erf(value) for value in values])
    found = activations.erf(values)
    assert np.abs(found - expected).max() < 1e-7
    assert np.array_equal(activations.erf(-values), -found) and np.abs(found).max() == 1


def test_positions_are_those_of_the_official_code(tiny):
    recorded = read_tensors(tiny / "debug_case05.safetensors")["pos_emb"][1:]  # distances 11 .. -11
    found = positions.relative_encoding(12, small(64))
    assert found.dtype == np.float32 and found.shape == (23, 32)
    assert np.abs(found[::-1] - recorded).max() < 1e-6
    assert np.abs(found - recorded).max() > 1  # the control: the other direction


@pytest.mark.parametrize("clamp, length", itertools.product((-1, 5), (1, 2, 300)))
def test_positions_are_those_of_pytorch(clamp, length):
    config = small(64, clamp_len=clamp)
    found, expected = positions.relative_encoding(length, config), two_stream.relative_encoding(length, config, torch.zeros(1))
    assert np.abs(found - expected.numpy()).max() < 5e-5  # of angles of up to 300 in float32: half a unit of the last place of 300 is 1.5e-5
    padded = positions.position_encoding(length, config)
    assert np.array_equal(padded[:-1], found) and not padded[-1].any() and len(padded) == 2 * length
    assert clamp < 0 or length < 300 or np.array_equal(found[0], found[length - 1 - clamp])


def test_modules_and_weights_hold_the_same():
    """to_module and to_weights, also with a bias that no checkpoint has."""
    weights = biased(fresh_weights(VOCABULARY, n_layer=3))
    again = to_weights(to_module(weights))
    assert dict(again.items()).keys() == dict(weights.items()).keys() == {*shapes(weights.config), *(f"transformer.layer.{layer}.rel_attn.o_bias" for layer in (0, 2))}
    assert all(np.array_equal(values, again[name]) for name, values in weights.items())


def test_activations_of_nan_and_infinity_are_no_errors():
    values = np.array([np.nan, np.inf, -np.inf, 3e38], np.float32)
    with np.errstate(all="ignore"):
        for name, activation in activations.ACTIVATIONS.items():
            found = activation(values)
            assert np.isnan(found[0]) and found[1] == np.inf, name
