"""Rows without what their channels have on average: the same network, and smaller rows."""

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.torch_model import to_module
from asarm_tools.graphs.contract import CACHED_FILE, cache_ports
from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights
from asarm_tools.quantization import calibration
from asarm_tools.quantization.centre import Means, centre, random_windows

from exports import fresh_weights, write_graphs
from graph_session import Session, needs_a_runtime
from histories import KINDS, Sequence, play

TOLERANCE = 2e-5  # roundings of float32; logits are about 1 in size


@pytest.fixture(params=[1, 3])
def weights(request):
    """Random ones, with norms whose channels are far from zero."""
    weights, generator = fresh_weights(64, n_layer=request.param), np.random.default_rng(1)
    for name, values in list(weights.items()):
        if name.endswith(("layer_norm.bias", "layer_1.bias", "layer_2.bias", "r_w_bias", "r_r_bias")) or name == "lm_loss.bias":
            weights[name] = generator.standard_normal(values.shape, np.float32)
    return weights


def copied(weights: Weights) -> Weights:
    return Weights(weights.config, weights.tensors)


def centred(weights: Weights, windows=None) -> Weights:
    moved = copied(weights)
    centre(moved, random_windows(64, 32) if windows is None else windows)
    return moved


def answers(weights: Weights, seed: int = 2) -> torch.Tensor:
    """To questions of every horizon, some rows seeing the given tokens alone; in float64 by PyTorch."""
    generator = np.random.default_rng(seed)
    ids = torch.from_numpy(generator.integers(0, 64, (3, 20)))
    order = torch.from_numpy(np.stack([generator.permutation(20) for _ in range(3)]))
    prompt = (order < 6).long()
    positions = order.argsort(1)[:, 6:]
    ranks = order.gather(1, positions)
    with torch.no_grad():
        return to_module(weights).double()(ids, order, prompt, positions, torch.where(ranks % 2 == 0, ranks, 6))


def difference(weights: Weights, other: Weights) -> float:
    return (answers(weights) - answers(other)).abs().max().item()


def test_the_network_stays_the_same(weights):
    assert 0 < difference(centred(weights), weights) < TOLERANCE
    assert difference(centred(centred(weights), random_windows(64, 20)), weights) < TOLERANCE


def test_what_was_given_stays(weights):
    """Arrays of the checkpoint may be views of its file: changed biases are new arrays."""
    before = {name: values.copy() for name, values in weights.items()}
    moved = centred(weights)
    assert all(np.array_equal(weights[name], values) for name, values in before.items())
    assert all(moved[name] is weights[name] for name in before if values_are_a_matrix(name))


def values_are_a_matrix(name: str) -> bool:
    return name.endswith(("rel_attn.q", "rel_attn.k", "rel_attn.v", "rel_attn.o", "rel_attn.r", "_1.weight", "_2.weight", "word_embedding.weight"))


@needs_a_runtime
def test_the_network_with_a_cache_stays_the_same(weights, tmp_path):
    write_graphs(tmp_path, centred(weights), 24)
    with Session(tmp_path / CACHED_FILE) as session:
        for seed, kind in enumerate(KINDS):
            together = [Sequence(np.random.default_rng(seed + i), kind, 20, 64) for i in range(3)]
            assert play(to_module(weights).double(), session.run, together, 32, calls=20) < TOLERANCE


@pytest.mark.parametrize("part", ["r_w_bias", "r_r_bias", "o_bias", "layer_1.bias", "layer_2.bias", "rel_attn.layer_norm.bias", "ff.layer_norm.bias", "lm_loss.bias"])
def test_each_bias_matters(weights, part):
    """The control: one of them as it was before."""
    moved = centred(weights)
    changed = [name for name, _ in moved.items() if name.endswith(part)]
    one_layer, before = weights.config.n_layer == 1, dict(weights.items())
    after = {name: moved[name] for name in changed}
    for name in changed:
        moved[name] = before[name] if name in before else np.zeros_like(moved[name])
    if one_layer and part in ("r_w_bias", "r_r_bias", "o_bias"):
        assert all(np.array_equal(values, before[name]) for name, values in after.items())  # embeddings are not moved
    else:
        assert changed and difference(moved, weights) > 100 * TOLERANCE


def means(weights: Weights, windows) -> list[np.ndarray]:
    """Of what the matrices of all layers but the first take, and of the feed-forward networks of all."""
    network = Network(weights)
    batches, found = calibration.begin(network, windows), []
    for number in range(weights.config.n_layer):
        seen = Means()
        batches = [network.through_layer(number, batch, seen.add) for batch in batches]
        found += [seen.of("layer_1")] + ([seen.of("q")] if number else [])
    return found


def test_channels_are_zero_on_average(weights):
    windows = random_windows(64, 32)
    assert all(np.abs(mean).max() > 0.1 for mean in means(weights, windows))
    assert all(np.abs(mean).max() < 1e-5 for mean in means(centred(weights, windows), windows))


def test_usual_largest_values_are_those_of_the_activation_functions(weights):
    """What centre returns: by its windows, the median over rows of the largest value that the feed-forward network's middle has."""
    windows, network = random_windows(64, 32), Network(weights)
    found = centre(copied(weights), windows)
    assert len(found) == weights.config.n_layer
    batches, rows = calibration.begin(network, windows), []
    for batch in batches:
        network.through_layer(0, batch, lambda name, inputs: rows.extend(inputs.reshape(-1, inputs.shape[-1]).max(1)) if name == "layer_2" else None)
    assert abs(found[0] - np.median(rows)) < 1e-6


@needs_a_runtime
def test_target_states_are_those_of_the_network_before(weights, tmp_path):
    """What centring took out of the last rows is added again where a caller reads them."""
    config, length, positions = weights.config, 12, 16
    network = Network(weights)
    ids = np.arange(length)[None] % config.vocab_size
    asked = np.array([[7, 9]])
    visible = np.zeros((1, length + 2, length), bool)
    visible[:, :, :6] = True
    visible[:, np.arange(length), np.arange(length)] = True
    expected = network.through_layers(network.begin(ids, np.arange(length)[None], asked, visible)).rows
    horizons = np.where(np.arange(length) < 6, 6, np.arange(length) + 1)[None]
    past = np.concatenate((np.arange(length), np.full(positions - length, 1 << 30)))[None]
    inputs = {"input_ids": ids[:, :6], "content_positions": np.arange(6)[None], "content_horizons": horizons[:, :6], "target_positions": asked,
              "target_horizons": np.full((1, 2), 6), "past_ranks": np.where(past < 6, past, 1 << 30)}
    nothing = np.zeros((1, config.n_head, positions, config.d_head), np.float32)
    for moved, is_centred in ((centred(weights), True), (weights, False)):
        write_graphs(tmp_path, moved, 16)
        with Session(tmp_path / CACHED_FILE) as session:
            found = session.run({**inputs, **dict.fromkeys(cache_ports(config.n_layer)[0], nothing)})
        assert np.abs(found["target_states"] - expected).max() < TOLERANCE
        assert (moved.states_mean is not None) == is_centred
    assert np.abs(centred(weights).states_mean).max() > 1e-2  # what would be missing
