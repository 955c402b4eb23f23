"""The example that decodes with the cache: what it says of each token, model.onnx says of whole sequences."""

import importlib.util
import json
import os

import numpy as np
import pytest

from asarm_tools.export import command as export

from conftest import ROOT

onnxruntime = pytest.importorskip("onnxruntime")

LEFT, GAP, RIGHT = [5, 17, 9, 40], 12, [23, 2, 31]
TOLERANCE = 1e-4


def load():
    """The example is a file by itself, of no package."""
    found = importlib.util.spec_from_file_location("decode_with_cache", ROOT / "tools" / "examples" / "decode_with_cache.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


example = load()


@pytest.fixture
def folder(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 40) == 0
    return output


def of_whole_sequences(folder, filled) -> np.ndarray:
    """Log-probabilities of the filled tokens by model.onnx, each asked given all before it, without a cache."""
    tokens = np.array([*LEFT, *(token for _, token, _ in filled), *RIGHT], np.int64)
    given = np.array([*range(len(LEFT)), *range(len(LEFT) + GAP, len(tokens))])
    gap, ranks = np.arange(len(LEFT), len(LEFT) + GAP), np.empty(len(tokens), np.int64)
    ranks[[*given, *gap]] = np.arange(len(tokens))
    session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"), providers=["CPUExecutionProvider"])
    inputs = {"input_ids": tokens, "order": ranks, "prompt_mask": np.isin(np.arange(len(tokens)), given).astype(np.int64), "target_positions": gap, "target_horizons": ranks[gap]}
    logits = session.run(["logits"], {name: values[None] for name, values in inputs.items()})[0][0].astype(np.float64)
    description = json.loads((folder / "asarm.json").read_text())
    logits[:, [description["mask_id"], *description["special_ids"]]] = -np.inf
    largest = logits.max(-1, keepdims=True)
    return (logits - largest - np.log(np.exp(logits - largest).sum(-1, keepdims=True)))[np.arange(GAP), tokens[gap]]


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_log_probabilities_are_those_of_whole_sequences(folder, seed):
    filled = example.fill(str(folder), LEFT, GAP, RIGHT, seed)
    assert [position for position, _, _ in filled] == list(range(len(LEFT), len(LEFT) + GAP))
    assert np.abs(np.array([value for _, _, value in filled]) - of_whole_sequences(folder, filled)).max() < TOLERANCE


def test_without_an_update_of_the_ranks_they_are_not(folder, monkeypatch):
    monkeypatch.setattr(example.CachedModel, "place", lambda *_: None)
    filled = example.fill(str(folder), LEFT, GAP, RIGHT)
    assert np.abs(np.array([value for _, _, value in filled]) - of_whole_sequences(folder, filled)).max() > 100 * TOLERANCE


def test_a_seed_draws_the_same_tokens_again(folder):
    draws = [[token for _, token, _ in example.fill(str(folder), LEFT, GAP, RIGHT, seed)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_ranks_that_are_written_again_are_seen_no_more_at_their_old_positions(folder):
    """A draft token that was rejected at one position, and its rank at another one: as if it had never been."""
    answers = []
    for rejected in (True, False):
        model = example.CachedModel(str(folder), 16)
        model.run([5, 17], [0, 1], [0, 1], [2, 2], [2], [2])
        if rejected:
            model.run([40, 41], [2, 3], [2, 3], [3, 4], [4], [4])
        answers.append(model.run([9, 8], [7, 2], [2, 3], [3, 4], [4], [4]))
    assert np.array_equal(*answers)


def test_the_bits_do_not_depend_on_the_length_of_the_cache(folder):
    answers = []
    for positions in (16, 32, 64):  # the last one is longer than the model's maximum length
        model = example.CachedModel(str(folder), positions)
        model.run([5, 17], [0, 1], [0, 1], [2, 2], [2], [2])
        answers.append(model.run([9], [2], [2], [3], [3], [3]))
    assert np.array_equal(answers[0], answers[1]) and np.array_equal(answers[0], answers[2])


@pytest.mark.parametrize(("left", "gap"), [([], 3), ([1], 0), ([1], 40)])
def test_what_cannot_be_filled_is_refused(folder, left, gap):
    with pytest.raises(SystemExit):
        example.fill(str(folder), left, gap, [])
