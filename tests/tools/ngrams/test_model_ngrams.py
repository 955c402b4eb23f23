"""The network's own n-grams: its conditionals up to pruning and codes, frequencies that stay as they are, bounded memory and size."""

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.random_checkpoint import random_weights
from asarm_tools.checkpoints.torch_model import to_module
from asarm_tools.command_line.failure import InputError
from asarm_tools.ngrams import model_ngrams
from asarm_tools.ngrams.table_file import to_bytes
from asarm_tools.text.special_tokens import without_tokenizer

from exports import fresh_weights, small
from ngram_reader import Reader

V = 64
SPECIAL = without_tokenizer(V)
TEXT = [token for token in range(V) if token not in SPECIAL.special_ids]
BLUR = np.log(2) / 8 + 1e-3  # two codes multiply, each off by half a step; and the rounding of float32


def opinionated(seed: int):
    """Random weights under which the next token depends on the last one."""
    return random_weights(small(V, n_layer=2), seed, 0.2)


@pytest.fixture(scope="module")
def weights():
    return opinionated(1)


def conditionals(weights, token_at: int, target: int) -> np.ndarray:
    """float64 [V, V]: of the target given each token at its position and a separator at 0, by PyTorch's network."""
    model = to_module(weights)
    length = max(token_at, target) + 1
    given = [0, token_at]
    rank = {position: index for index, position in enumerate(given + [i for i in range(length) if i not in given])}
    order = torch.tensor([rank[position] for position in range(length)]).expand(V, -1)
    tokens = torch.full((V, length), SPECIAL.mask_id)
    tokens[:, 0], tokens[:, token_at] = SPECIAL.separator_id, torch.arange(V)
    prompt = torch.zeros(V, length, dtype=torch.int64)
    prompt[:, given] = 1
    with torch.no_grad():
        logits = model(tokens, order, prompt, torch.full((V, 1), target), torch.full((V, 1), 2))[:, 0].double()
    logits[:, SPECIAL.special_ids] = -torch.inf
    return logits.softmax(1).numpy()


def table(weights) -> Reader:
    return Reader(to_bytes(model_ngrams.build(weights, SPECIAL), V), V)


def worst(reader: Reader, expected: np.ndarray) -> float:
    """Largest difference of the logarithms over all listed pairs."""
    pairs = [gram for gram in reader.grams if len(gram) == 2]
    assert len(pairs) > 4 * V
    return max(abs(np.log(reader.probability(token, (context,)) / expected[context, token])) for context, token in pairs)


def test_listed_pairs_have_the_conditionals_of_the_network(weights):
    assert worst(table(weights), conditionals(weights, model_ngrams.DISTANCE, model_ngrams.DISTANCE + 1)) < BLUR


def test_control_the_token_right_of_the_target_is_far_off(weights):
    assert worst(table(weights), conditionals(weights, model_ngrams.DISTANCE + 1, model_ngrams.DISTANCE)) > 5 * BLUR


def test_control_another_network_is_far_off(weights):
    assert worst(table(weights), conditionals(opinionated(2), model_ngrams.DISTANCE, model_ngrams.DISTANCE + 1)) > 5 * BLUR


def test_what_is_not_listed_shares_the_rest_by_frequency(weights):
    reader, expected = table(weights), conditionals(weights, model_ngrams.DISTANCE, model_ngrams.DISTANCE + 1)
    for context in range(V):
        assert abs(sum(reader.probability(token, (context,)) for token in range(V)) - 1) < 0.05
        others = [token for token in TEXT if (context, token) not in reader.grams]
        assert abs(np.log(sum(reader.probability(token, (context,)) for token in others) / expected[context, others].sum())) < BLUR


def test_special_tokens_have_no_probability_but_may_stand_left(weights):
    reader = table(weights)
    assert all(reader.grams[(token,)][0] == 0 for token in SPECIAL.special_ids)
    assert not any(gram[1] in SPECIAL.special_ids for gram in reader.grams if len(gram) == 2)
    assert any(gram[0] == SPECIAL.separator_id for gram in reader.grams if len(gram) == 2)


def test_frequencies_are_stationary(weights):
    expected = conditionals(weights, model_ngrams.DISTANCE, model_ngrams.DISTANCE + 1)
    single = model_ngrams.frequencies(model_ngrams.collect(weights, SPECIAL))
    np.testing.assert_allclose(single @ expected, single, atol=1e-5)
    assert np.abs(expected.mean(0) @ expected - expected.mean(0)).max() > 1e-4  # the control: means of the rows are not


def test_few_candidates_lose_no_probability(weights, monkeypatch):
    expected = conditionals(weights, model_ngrams.DISTANCE, model_ngrams.DISTANCE + 1)
    monkeypatch.setattr(model_ngrams, "MOST_CANDIDATES", 10 * V)
    monkeypatch.setattr(model_ngrams, "CHUNK_LOGITS", 7 * V)  # the last chunk is smaller
    found = model_ngrams.collect(weights, SPECIAL)
    assert found.tokens.shape == found.probabilities.shape == (V, 10)
    np.testing.assert_allclose(found.probabilities, np.take_along_axis(expected, found.tokens.astype(int), 1), rtol=1e-4)
    np.testing.assert_allclose(np.sort(found.probabilities), np.sort(expected)[:, -10:], rtol=1e-4)
    listed = np.zeros(V)
    np.add.at(listed, found.tokens.ravel(), found.probabilities.ravel())
    np.testing.assert_allclose(listed / V + found.rest, expected.mean(0), atol=1e-6)
    assert abs(model_ngrams.frequencies(found).sum() - 1) < 1e-9
    assert worst(table(weights), expected) < BLUR


def test_the_most_valuable_pairs_stay_within_the_size(weights, monkeypatch):
    expected = conditionals(weights, model_ngrams.DISTANCE, model_ngrams.DISTANCE + 1)
    single = model_ngrams.frequencies(model_ngrams.collect(weights, SPECIAL))
    monkeypatch.setattr(model_ngrams, "LARGEST_SIZE", 1500)
    data = to_bytes(model_ngrams.build(weights, SPECIAL), V)
    assert 1490 < len(data) <= 1500
    listed = np.zeros((V, V), bool)
    listed[tuple(zip(*[gram for gram in Reader(data, V).grams if len(gram) == 2]))] = True
    gain = (expected - single) * (single[:, None] + 1 / V)
    assert gain[listed].min() > 0.999 * gain[~listed].max() > 0


def test_a_network_without_preferences_lists_nothing():
    flat = fresh_weights(V)
    for name in ("transformer.word_embedding.weight", "lm_loss.bias"):
        flat[name] = np.zeros_like(flat[name])
    reader = table(flat)
    assert len(reader.grams) == V
    assert all(abs(reader.probability(token, (9,)) * len(TEXT) - 1) < 0.05 for token in TEXT)


def test_a_vocabulary_that_the_format_does_not_hold_is_refused():
    with pytest.raises(InputError, match="65536 at most"):
        model_ngrams.build(fresh_weights((1 << 16) + 1, d_model=4, d_inner=4), SPECIAL)
