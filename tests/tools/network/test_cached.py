"""The network with a cache gives the answers of the stateless one, in float64, over random histories; and mistakes of a runtime show."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.network.cached import CachedModel
from asarm_tools.network.two_stream import TwoStreamModel

from histories import KINDS, NOBODY, Forgetful, Sequence, play
from official import questions

TOLERANCE, SEEN = 1e-9, 1e-3  # roundings are about 1e-14; a mistake of a runtime must be far beyond
LENGTH = 24


@pytest.fixture(params=["tiny", "micro"])
def model(request):
    return read_model(str(request.getfixturevalue(request.param)), torch.float64)


@pytest.fixture
def cached(model):
    return CachedModel(model, LENGTH).eval()


def sequences(kind: str, count: int, seed: int, vocabulary: int, lengths=(3, LENGTH + 1), kept=Sequence) -> list[Sequence]:
    generator = np.random.default_rng(seed)
    return [kept(generator, kind, int(generator.integers(*lengths)), vocabulary) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_call_of_a_history_is_answered_as_without_a_cache(model, cached, kind):
    whole = replaced = 0
    for seed in range(12):
        alone = sequences(kind, 1, seed, model.config.vocab_size)
        assert play(model, cached, alone, alone[0].length, calls=30) < TOLERANCE
        whole, replaced = whole + (alone[0].decided == alone[0].length), replaced + alone[0].replaced
    assert whole >= 6 and replaced >= 60  # histories that end, and tokens that were encoded and then rejected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", [17, LENGTH])
def test_sequences_of_other_length_and_state_share_calls(model, cached, kind, room):
    """With padded rows, padded targets and positions of the cache that nobody has written."""
    for seed in range(4):
        together = sequences(kind, 5, seed, model.config.vocab_size, lengths=(2, room + 1))
        assert len({sequence.length for sequence in together}) > 1
        assert play(model, cached, together, room, calls=20) < TOLERANCE


@pytest.mark.parametrize("room", [1, 12])
def test_first_call_needs_no_cache(model, cached, room):
    """Prefill: any room that holds nothing is the same."""
    for seed in range(12):
        together = sequences(KINDS[seed % 3], 3, seed, model.config.vocab_size, lengths=(2, 13))
        assert play(model, cached, together, LENGTH, calls=1, change=lambda inputs, _: cut(inputs, room)) < TOLERANCE


def cut(inputs: dict[str, torch.Tensor], room: int) -> None:
    assert (inputs["past_ranks"] == NOBODY).all()
    inputs["past_ranks"] = inputs["past_ranks"][:, :room]


def test_logits_without_a_cache_are_those_of_the_official_code(tiny):
    model = read_model(str(tiny), torch.float64)
    asked = questions(tiny)
    worst = 0.0
    for question in asked.values():
        ids, order, prompt, places, horizons = question.inputs
        length, layers, heads, size = ids.shape[1], model.config.n_layer, model.config.n_head, model.config.d_head
        seen = torch.where(prompt > 0, prompt.sum(), order + 1)
        past = [torch.zeros(1, heads, 1, size, dtype=torch.float64)] * (2 * layers)
        with torch.no_grad():
            network = CachedModel(model, length)
            logits, *present = network(ids, torch.arange(length)[None], order, seen, places, horizons, torch.full_like(order[:, :1], NOBODY), *past)
        worst = max(worst, (logits - question.logits).abs().max().item())
        assert [port.shape for port in present] == [(1, length, heads, size)] * (2 * layers)
    assert len(asked) == 26
    assert worst < 1e-7  # 3e-15 with the sine of PyTorch 1.13


def test_distances_beyond_the_clamp_are_one(tiny):
    free = read_model(str(tiny), torch.float64)
    model = TwoStreamModel(replace(free.config, clamp_len=3)).double().eval()
    model.load_state_dict(free.state_dict())
    clamped = CachedModel(model, LENGTH).eval()
    for seed, kind in enumerate(KINDS):
        assert play(model, clamped, sequences(kind, 3, seed, 64, lengths=(8, LENGTH + 1)), LENGTH, calls=20) < TOLERANCE
        assert play(free, clamped, sequences(kind, 3, seed, 64, lengths=(8, LENGTH + 1)), LENGTH, calls=20) > SEEN


def test_a_longer_table_of_distances_changes_nothing(model):
    longer = CachedModel(model, 3 * LENGTH).eval()
    assert play(model, longer, sequences("random", 4, 1, model.config.vocab_size), LENGTH, calls=20) < TOLERANCE


def test_a_rejected_token_that_is_not_overwritten_shows(model, cached):
    together = sequences("random", 5, 1, model.config.vocab_size, kept=Forgetful)
    assert play(model, cached, together, LENGTH, calls=20) > SEEN
    assert sum(sequence.replaced for sequence in together) > 10


def one_more_shown(inputs, _):
    inputs["past_ranks"] -= 1


def one_more_hidden(inputs, _):
    inputs["past_ranks"] += 1


def given_tokens_causal(inputs, _):
    inputs["content_horizons"] = inputs["content_ranks"] + 1


def decided_tokens_seen_by_given_ones(inputs, sequences):
    lengths = torch.tensor([[sequence.known] for sequence in sequences])
    inputs["content_horizons"] = inputs["content_horizons"].maximum(lengths)


def padding_rows_seen(inputs, _):
    inputs["content_ranks"][inputs["content_ranks"] == NOBODY] = 0


def unwritten_positions_seen(inputs, _):
    inputs["past_ranks"][inputs["past_ranks"] == NOBODY] = 0


def keys_at_the_next_position(inputs, _):
    inputs["content_positions"] = (inputs["content_positions"] + 1).clamp(max=LENGTH - 1)


@pytest.mark.parametrize("mistake", [
    one_more_shown, one_more_hidden, given_tokens_causal, decided_tokens_seen_by_given_ones, padding_rows_seen, unwritten_positions_seen,
    keys_at_the_next_position])
def test_mistakes_of_a_runtime_show(model, cached, mistake):
    """The control: the tolerance tells the likely mistakes of a runtime from the right inputs."""
    def played(**options):
        return play(model, cached, sequences("random", 5, 1, model.config.vocab_size), LENGTH, calls=20, **options)

    worst = played(change=mistake)
    print(f"{mistake.__name__}: {worst:.3g}")
    assert worst > SEEN
    assert played() < TOLERANCE
