"""The trainer on a small made-up language: it learns, resumes without a trace, and its checkpoint exports."""

import json
import re

import numpy as np
import pytest
import sentencepiece
import torch

from asarm_tools.checkpoints.torch_model import read_model, to_module, to_weights
from asarm_tools.corpora.corpus import PackedCorpus
from asarm_tools.evaluation import evaluate
from asarm_tools.evaluation.cases import validation_batches
from asarm_tools.evaluation.measures import joint_nats
from asarm_tools.export import command as export
from asarm_tools.export import verify
from asarm_tools.quantization import precision

from trainings import losses, trained, validations


@pytest.fixture(scope="module")
def whole(texts, tmp_path_factory):
    """An uninterrupted run: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("run")
    return folder, trained(texts, folder)


def test_loss_falls(whole):
    _, lines = whole
    curve = {int(step): float(text.split()[1]) for step, text in losses(lines).items()}
    assert list(curve) == [10, 20, 30, 40, 50, 60]
    assert curve[60] < curve[10] - 0.5
    first, last = ([float(value) for value in re.findall(r"% ([\d.]+)", text)] for text in validations(lines).values())
    assert len(last) == 4 and np.mean(last) < np.mean(first)


def test_resumed_run_repeats_the_uninterrupted_one(texts, whole, tmp_path):
    folder, lines = whole
    before = trained(texts, tmp_path, interrupt_at=40)  # ten steps after the last save: they are done again
    assert list(losses(before)) == ["10", "20", "30", "40"]
    after = trained(texts, tmp_path, "--resume")
    assert list(losses(after)) == ["40", "50", "60"]
    assert {**losses(before), **losses(after)} == losses(lines)
    assert {**validations(before), **validations(after)} == validations(lines)
    weights = [(run / "checkpoint" / "model.safetensors").read_bytes() for run in (folder, tmp_path)]
    assert weights[0] == weights[1]


def test_another_seed_is_another_run(texts, whole, tmp_path):
    """The control of the test above."""
    assert losses(trained(texts, tmp_path, "--seed", 2, "--steps", 10))["10"] != losses(whole[1])["10"]


def test_checkpoint_exports_with_its_trained_length(texts, whole, tmp_path, call):
    checkpoint = whole[0] / "checkpoint"
    assert call(export, "--checkpoint", checkpoint, "--output", tmp_path / "model", "--tokenizer", texts / "spiece.model") == 0
    description = json.loads((tmp_path / "model" / "asarm.json").read_text())
    assert (description["maximum_length"], description["vocabulary_size"], description["layers"]) == (32, 64, 2)
    assert call(verify, "--model", tmp_path / "model", "--checkpoint", checkpoint) == 0
    assert read_model(str(checkpoint)).config.n_head == 2


def test_training_beats_the_unigram_model(texts, whole, call, capsys):
    assert call(evaluate, "--checkpoint", whole[0] / "checkpoint", "--tokenizer", texts / "spiece.model", "--train",
                texts / "train.txt", "--valid", texts / "valid.txt", "--length", 32) == 0
    rows = [re.findall(r"([\d.]+) / ", line) for line in capsys.readouterr().out.splitlines()]
    nats = [[float(cell) for cell in row] for row in rows if len(row) == 3]
    assert len(nats) == 4 + 5
    assert all(model < unigram for unigram, _, model in nats)


def test_float16_weights_lose_nothing_measurable(texts, whole):
    """Against a control that rounds coarsely, so that the measure is known to see a loss."""
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    batches = validation_batches(PackedCorpus([str(texts / "valid.txt")], tokenizer), 32)["50%"]
    exact, coarse = (read_model(str(whole[0] / "checkpoint")) for _ in range(2))
    weights = to_weights(exact)
    precision.round_weights(weights)
    halved = to_module(weights)
    with torch.no_grad():
        for parameter in coarse.parameters():
            parameter.copy_((parameter * 4).round() / 4)
    nats = [joint_nats(model, batches) for model in (exact, halved, coarse)]
    assert 0 < abs(nats[1] - nats[0]) < 1e-3
    assert abs(nats[2] - nats[0]) > 1e-2


def test_other_weights_hold_in_the_final_part(texts, whole, tmp_path):
    (tmp_path / "final.txt").write_text((texts / "train.txt").read_text().replace("stone", "market"))
    short = ("--steps", 8, "--report-every", 1)
    alone = ("--train", f"{texts / 'train.txt'}=1:0", f"{tmp_path / 'final.txt'}=0:1")
    without = trained(texts, tmp_path / "without", *short, "--train", f"{texts / 'train.txt'}=1", f"{tmp_path / 'final.txt'}=0")
    lines = trained(texts, tmp_path / "half", *short, *alone, "--final-fraction", 0.5)
    assert re.match(r"train.txt: \d+ tokens, weight 1, in the final part 0", lines[1])
    assert lines[3] == "the final part begins with step 4"
    same = [step for step, text in losses(lines).items() if text == losses(without)[step]]
    assert same == ["1", "2", "3", "4"]
    assert "begins with step 6" in trained(texts, tmp_path / "decay", *short, *alone, "--decay-steps", 2)[3]
    assert "begins with step 2" in trained(texts, tmp_path / "share", *short, *alone, "--decay-fraction", 0.75)[3]


def test_number_of_threads_changes_nothing(texts, tmp_path):
    """Nor does an interruption, with batches of several texts and kinds under way in the background."""
    (tmp_path / "other.txt").write_text((texts / "train.txt").read_text().replace("stone", "market"))
    more = ("--train", f"{texts / 'train.txt'}=2:1", f"{tmp_path / 'other.txt'}=1:2", "--open-gaps", 0.3, "--low-rates", 0.5, 0.4,
            "--kinds", 1, 2, 1, 0)
    runs = [trained(texts, tmp_path / str(threads), *more, "--batch-threads", threads) for threads in (1, 3)]
    assert losses(runs[0]) == losses(runs[1]) and validations(runs[0]) == validations(runs[1])
    before = trained(texts, tmp_path / "cut", *more, "--batch-threads", 3, interrupt_at=40)
    after = trained(texts, tmp_path / "cut", *more, "--batch-threads", 2, "--resume")
    assert {**losses(before), **losses(after)} == losses(runs[0])
    control = trained(texts, tmp_path / "control", *more[:-1], 1)  # one weight of a kind of gaps
    assert losses(control) != losses(runs[0])
