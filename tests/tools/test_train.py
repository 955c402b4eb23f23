"""The trainer on a small made-up language: it learns, resumes without a trace, and its checkpoint exports."""

import json
import re

import numpy as np
import pytest
import sentencepiece
import torch

import evaluate
import export
import precision
import verify
from cases import validation_batches
from checkpoint import read_model
from data import PackedCorpus
from measures import joint_nats
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
    exact, halved, coarse = (read_model(str(whole[0] / "checkpoint")) for _ in range(3))
    precision.round_weights(halved)
    with torch.no_grad():
        for parameter in coarse.parameters():
            parameter.copy_((parameter * 4).round() / 4)
    nats = [joint_nats(model, batches) for model in (exact, halved, coarse)]
    assert 0 < abs(nats[1] - nats[0]) < 1e-3
    assert abs(nats[2] - nats[0]) > 1e-2


def test_final_texts_are_used_alone_in_the_final_steps(texts, whole, tmp_path):
    (tmp_path / "final.txt").write_text((texts / "train.txt").read_text().replace("stone", "market"))
    short = ("--steps", 8, "--report-every", 1)
    alone = ("--train-final", tmp_path / "final.txt")
    without = trained(texts, tmp_path / "without", *short)
    lines = trained(texts, tmp_path / "half", *short, *alone, "--final-fraction", 0.5)
    assert "alone from step 4 on" in lines[1]
    same = [step for step, text in losses(lines).items() if text == losses(without)[step]]
    assert same == ["1", "2", "3", "4"]
    assert "alone from step 6 on" in trained(texts, tmp_path / "decay", *short, *alone, "--decay-steps", 2)[1]
