"""Accuracy on minimal pairs: the joint of a sentence against a product of single conditionals, and the control of exchanged sentences."""

import json
import random
import re

import numpy as np
import pytest
import torch
from sentencepiece import SentencePieceProcessor

from asarm_tools.checkpoints.torch_model import write_model
from asarm_tools.corpora.corpus import EOD_ID
from asarm_tools.evaluation import blimp

from exports import fresh
from synthetic import document


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(1)
    write_model(str(tmp_path / "checkpoint"), fresh(64))
    return tmp_path / "checkpoint"


def pairs(count: int, seed: int, **more: str) -> list[dict]:
    generator = random.Random(seed)
    sentences = [document(generator).split(". ")[0] + "." for _ in range(2 * count)]
    return [{"sentence_good": good, "sentence_bad": bad, **more} for good, bad in zip(sentences[::2], sentences[1::2])]


def write(path, entries: list[dict], exchange: bool = False):
    if exchange:
        entries = [{**entry, "sentence_good": entry["sentence_bad"], "sentence_bad": entry["sentence_good"]} for entry in entries]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def rows(page: str) -> dict[str, list[str]]:
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {name: rest for name, *rest in cells if name not in ("---", "term", "file")}


@torch.no_grad()
def one_by_one(model: torch.nn.Module, tokens: list[int], predicted: bool) -> float:
    """-log of the product of p(token | all before it, and the last <eod> if it is given), each in a call of its own in which
    the unknown tokens are masked."""
    window = [EOD_ID, *tokens, EOD_ID]
    total = 0.0
    for place in range(1, len(window) - (not predicted)):
        known = [i < place or (i == len(window) - 1 and not predicted) for i in range(len(window))]
        ids = torch.tensor([[token if seen else 6 for token, seen in zip(window, known)]])
        order = torch.empty(1, len(window), dtype=torch.long)
        order[0, [i for i in range(len(window)) if known[i]] + [i for i in range(len(window)) if not known[i]]] = torch.arange(len(window))
        prompt = torch.tensor([known]).long()
        logits = model(ids, order, prompt, torch.tensor([[place]]), torch.tensor([[sum(known)]]))
        total -= logits[0, 0].double().log_softmax(0)[window[place]].item()
    return total


@pytest.mark.parametrize("end", ["predicted", "given"])
def test_nats_are_those_of_single_conditionals(end):
    torch.manual_seed(2)
    model = fresh(64)
    generator = np.random.default_rng(3)
    sentences = [list(generator.integers(9, 64, size)) for size in (5, 2, 5, 9, 1, 2, 5)]
    nats = blimp.sentence_nats(model, sentences, end)
    expected = [one_by_one(model, tokens, end == "predicted") for tokens in sentences]
    assert np.allclose(nats, expected, rtol=0, atol=1e-4)
    other = [one_by_one(model, tokens, end != "predicted") for tokens in sentences]
    assert np.abs(nats - other).max() > 0.1  # the control: whether <eod> is given makes a difference


def test_batches_change_nothing(monkeypatch):
    torch.manual_seed(2)
    model = fresh(64)
    sentences = [list(np.random.default_rng(i).integers(9, 64, 4)) for i in range(9)]
    together = blimp.sentence_nats(model, sentences, "predicted")
    monkeypatch.setattr(blimp, "BATCH_TOKENS", 1)
    assert np.allclose(together, blimp.sentence_nats(model, sentences, "predicted"), rtol=0, atol=1e-4)


def test_exchanged_sentences_give_one_less_the_accuracy(texts, checkpoint, tmp_path, call, capsys):
    entries = pairs(30, 1)
    entries.append({"sentence_good": "Ana went home.", "sentence_bad": "Ana went home."})
    accuracies = []
    for exchange in (False, True):
        path = write(tmp_path / "x.jsonl", entries, exchange)
        assert call(blimp, "--checkpoint", checkpoint, "--tokenizer", texts / "spiece.model", path) == 0
        accuracies.append(float(rows(capsys.readouterr().out)["x"][2].rstrip("%")))
    assert abs(sum(accuracies) - 100) < 0.11 and accuracies[0] != accuracies[1]


def test_a_sentence_is_right_where_its_joint_is_higher(texts, checkpoint, tmp_path, call, capsys):
    tokenizer, model = SentencePieceProcessor(model_file=str(texts / "spiece.model")), blimp.read_model(str(checkpoint))
    entries = [{**pair, "linguistics_term": "thing"} for pair in pairs(12, 2)]
    hits = [one_by_one(model, tokenizer.encode(pair["sentence_good"]), True) < one_by_one(model, tokenizer.encode(pair["sentence_bad"]), True)
            for pair in entries]
    assert call(blimp, "--checkpoint", checkpoint, "--tokenizer", texts / "spiece.model", write(tmp_path / "x.jsonl", entries)) == 0
    assert rows(capsys.readouterr().out)["x"] == ["thing", "12", f"{np.mean(hits):.1%}"] and 0 < sum(hits) < 12


def test_terms_and_the_mean_are_over_files(texts, checkpoint, tmp_path, call, capsys):
    files = [write(tmp_path / "a.jsonl", pairs(20, 1, linguistics_term="one")),
             write(tmp_path / "b.jsonl", pairs(5, 2, linguistics_term="one")),
             write(tmp_path / "c.jsonl", pairs(9, 3, linguistics_term="two"))]
    assert call(blimp, "--checkpoint", checkpoint, "--tokenizer", texts / "spiece.model", *files) == 0
    page = capsys.readouterr().out
    table = rows(page)
    a, b, c = (float(table[name][2].rstrip("%")) for name in "abc")
    assert table["one"][0] == "2" and abs(float(table["one"][1].rstrip("%")) - (a + b) / 2) < 0.11
    assert table["two"] == ["1", table["c"][2]]
    assert abs(float(table["mean over files"][1].rstrip("%")) - (a + b + c) / 3) < 0.16
    assert re.search(r"predicted; 34 pairs of 3 files", page)


def test_a_limit_spreads_the_pairs(tmp_path):
    path = write(tmp_path / "x.jsonl", [{"sentence_good": f"good {i}", "sentence_bad": f"bad {i}"} for i in range(11)])
    assert [pair.good for pair in blimp.read_pairs(str(path), 3)] == ["good 0", "good 5", "good 10"]
    assert len(blimp.read_pairs(str(path), None)) == len(blimp.read_pairs(str(path), 50)) == 11


def test_mistakes_are_one_line(texts, checkpoint, tmp_path, call, capsys):
    usual = ["--checkpoint", checkpoint, "--tokenizer", texts / "spiece.model"]
    good = write(tmp_path / "x.jsonl", pairs(2, 1))
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "broken.jsonl").write_text('{"sentence_good": "A."}\n')
    (tmp_path / "list.jsonl").write_text("[]\n")
    write_model(str(tmp_path / "other"), fresh(70))
    (tmp_path / "again").mkdir()
    for arguments, message in (
            ([*usual, tmp_path / "empty.jsonl"], "has no pair"), ([*usual, tmp_path / "broken.jsonl"], "line 1 is no pair"),
            ([*usual, tmp_path / "list.jsonl"], "line 1 is no pair"), ([*usual, tmp_path / "missing.jsonl"], "missing.jsonl"),
            ([*usual, good, write(tmp_path / "again" / "x.jsonl", pairs(2, 1))], "same name"),
            (["--checkpoint", tmp_path / "other", *usual[2:], good], "has 70 tokens, the tokenizer 64")):
        assert call(blimp, *arguments) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert call(blimp, *usual, "--pairs", 0, good) == 2
