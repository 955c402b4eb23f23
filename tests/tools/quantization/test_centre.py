"""Rows without what their channels have on average: the same network, and smaller rows."""

import copy

import numpy as np
import pytest
import torch

from asarm_tools.network.cached import CachedModel
from asarm_tools.quantization import calibration
from asarm_tools.quantization.centre import Means, centre, random_windows

from exports import fresh
from histories import KINDS, Sequence, play


@pytest.fixture(params=[1, 3])
def model(request):
    """Of random weights, with norms whose channels are far from zero."""
    torch.manual_seed(1)
    model = fresh(64, n_layer=request.param).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("layer_norm.bias", "layer_1.bias", "layer_2.bias", "r_w_bias", "r_r_bias")) or name == "lm_loss.bias":
                parameter.normal_()
    return model


def centred(model, windows=None):
    moved = copy.deepcopy(model)
    centre(moved, random_windows(model.config.vocab_size, 32) if windows is None else windows)
    return moved


def answers(model, seed: int = 2) -> torch.Tensor:
    """To questions of every horizon, some rows seeing the given tokens alone."""
    generator = np.random.default_rng(seed)
    ids = torch.from_numpy(generator.integers(0, 64, (3, 20)))
    order = torch.from_numpy(np.stack([generator.permutation(20) for _ in range(3)]))
    prompt = (order < 6).long()
    positions = order.argsort(1)[:, 6:]
    ranks = order.gather(1, positions)
    with torch.no_grad():
        return model(ids, order, prompt, positions, torch.where(ranks % 2 == 0, ranks, 6))


def test_the_network_stays_the_same(model):
    assert (answers(centred(model)) - answers(model)).abs().max() < 1e-11
    assert (answers(centred(centred(model), random_windows(64, 20))) - answers(model)).abs().max() < 1e-11


def test_the_network_with_a_cache_stays_the_same(model):
    moved = CachedModel(centred(model), 24).eval()
    for seed, kind in enumerate(KINDS):
        together = [Sequence(np.random.default_rng(seed + i), kind, 20, 64) for i in range(3)]
        assert play(model, moved, together, 24, calls=20) < 1e-9


@pytest.mark.parametrize("part", ["r_w_bias", "r_r_bias", "o_bias", "layer_1.bias", "layer_2.bias", "rel_attn.layer_norm.bias", "ff.layer_norm.bias", "lm_loss.bias"])
def test_each_bias_matters(model, part):
    """The control: one of them as it was before."""
    moved = centred(model)
    before = dict(model.named_parameters())
    with torch.no_grad():
        changed = [(name, parameter) for name, parameter in moved.named_parameters() if name.endswith(part)]
        for name, parameter in changed:
            parameter.copy_(before[name] if name in before else torch.zeros_like(parameter))
    one_layer = model.config.n_layer == 1
    if one_layer and part in ("r_w_bias", "r_r_bias", "o_bias"):
        assert all(torch.equal(parameter, before[name]) for name, parameter in changed)  # embeddings are not moved
    else:
        assert (answers(moved) - answers(model)).abs().max() > 1e-7


def means(model, windows) -> list[torch.Tensor]:
    """Of what the matrices of all layers but the first take, and of the feed-forward networks of all."""
    batches, found = calibration.begin(model, windows), []
    for number in range(model.config.n_layer):
        seen = Means()
        batches = list(calibration.through_layer(model, number, batches, seen))
        found += [seen.of("layer_1")] + ([seen.of("q")] if number else [])
    return found


def test_channels_are_zero_on_average(model):
    windows = random_windows(64, 32)
    assert all(mean.abs().max() > 0.1 for mean in means(model, windows))
    assert all(mean.abs().max() < 1e-9 for mean in means(centred(model, windows), windows))
