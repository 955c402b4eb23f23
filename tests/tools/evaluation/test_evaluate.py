"""The tables of evaluate.py on a made-up language and checkpoints of random weights."""

import re

import pytest
import torch
from sentencepiece import SentencePieceProcessor

from asarm_tools.checkpoints.torch_model import write_model
from asarm_tools.corpora.corpus import PackedCorpus
from asarm_tools.evaluation import evaluate

from exports import fresh


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(1)
    write_model(str(tmp_path / "checkpoint"), fresh(64))
    return tmp_path / "checkpoint"


def usual(texts) -> list:
    return ["--tokenizer", texts / "spiece.model", "--train", texts / "train.txt", "--valid", texts / "valid.txt",
            "--length", 32, "--windows", 8]


def test_tables_compare_checkpoints_and_repeat(texts, checkpoint, tmp_path, call, capsys):
    write_model(str(tmp_path / "other"), fresh(64))
    pages = []
    for _ in range(2):
        assert call(evaluate, "--checkpoint", checkpoint, "--checkpoint", tmp_path / "other", *usual(texts)) == 0
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1]
    assert "8 of its" in pages[0]
    rows = [line.strip("| ").split(" | ") for line in pages[0].splitlines() if line.startswith("| ")]
    names = [row[0] for row in rows if row[0] not in ("unknown", "---", "tokens")]
    assert names[1:] == [
        "5%", "15%", "50%", "95%", "one gap, 15%", "one gap, 50%", "one gap of 20 tokens", "continuation, 50%",
        "all but the first token, left to right", "95% scattered", "one gap of 20 tokens", "continuation, 50%", "one token"]
    nats = [row for row in rows if row[0].endswith("%") and len(row) == 6]
    assert len(nats) == 4 + 3
    for row in nats:
        unigram, five_gram, *models = (float(cell.split(" / ")[0]) for cell in row[2:])
        assert five_gram < unigram < min(models)  # random weights are worse than either


def test_words_have_as_many_nats_as_their_tokens(texts, checkpoint, call, capsys):
    assert call(evaluate, "--checkpoint", checkpoint, *usual(texts)) == 0
    page = capsys.readouterr().out
    tokens_per_word = float(re.search(r"tokens, ([\d.]+) a word", page)[1])
    cells = re.findall(r"([\d.]+) / ([\d.]+)", page)
    corpus = PackedCorpus([str(texts / "valid.txt")], SentencePieceProcessor(model_file=str(texts / "spiece.model")))
    assert abs(tokens_per_word - len(corpus.tokens) / corpus.words) < 1e-3 and "end of a document is a token" in page
    assert tokens_per_word > 1 and len(cells) == 2 + 9 * 3
    assert all(abs(float(token) * tokens_per_word - float(word)) < 0.01 for token, word in cells)


def test_mistakes_are_one_line(texts, checkpoint, tmp_path, call, capsys):
    write_model(str(tmp_path / "other"), fresh(70))
    for arguments, message in (
            (["--checkpoint", tmp_path / "other", *usual(texts)], "has 70 tokens, the tokenizer 64"),
            (["--checkpoint", tmp_path / "missing", *usual(texts)], "has no config.json"),
            (["--checkpoint", checkpoint, *usual(texts), "--valid", tmp_path / "missing.txt"], "missing.txt"),
            (["--checkpoint", checkpoint, *usual(texts), "--length", 10 ** 6], "no window of 1000000")):
        assert call(evaluate, *arguments) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert call(evaluate, "--checkpoint", checkpoint, *usual(texts), "--windows", 0) == 2
