"""The draft head: rows that it learns from, its file, and that it learns."""

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.checkpoint import write_weights
from asarm_tools.checkpoints.random_checkpoint import random_weights
from asarm_tools.checkpoints.tensor_file import read_tensors
from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.corpora.corpus import load_tokenizer
from asarm_tools.draft_head import acceptance, head_file, head_sizes, train
from asarm_tools.draft_head.network import DraftHead
from asarm_tools.draft_head.rows import NONE, RowMaker, Rows
from asarm_tools.gaps.orders import lattice_batch
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.ngrams.table_file import Level, write_table
from asarm_tools.ngrams.table_reader import NgramTable

from trainings import Ticks

VOCABULARY = 64


@pytest.fixture
def model(tiny):
    return read_model(str(tiny)).requires_grad_(False)


@pytest.fixture
def table(tmp_path):
    """Of pairs: after token t comes t + 1 with probability 3/4."""
    single = np.full(VOCABULARY, 1 / VOCABULARY)
    keys = np.arange(VOCABULARY, dtype=np.uint64) * np.uint64(VOCABULARY) + (np.arange(VOCABULARY, dtype=np.uint64) + np.uint64(1)) % np.uint64(VOCABULARY)
    levels = [Level(np.arange(VOCABULARY, dtype=np.uint64), single, np.full(VOCABULARY, 0.25)), Level(keys, np.full(VOCABULARY, 0.75), np.ones(VOCABULARY))]
    write_table(str(tmp_path / "ngrams.bin"), levels, VOCABULARY)
    return NgramTable(str(tmp_path / "ngrams.bin"), VOCABULARY)


def make(model, table, tokens, positions, **options) -> Rows:
    return RowMaker(model, table, **options).make(np.random.default_rng(1), tokens, positions)


def test_rows_are_those_of_the_network(model):
    """Without wrong tokens: a row that misses n tokens is the network's answer to the horizon n ranks below."""
    generator = np.random.default_rng(2)
    tokens = generator.integers(9, VOCABULARY, (2, 20))
    positions = np.array([[3, 4, 5, 9, 10, 11, 12, 13], [0, 1, 2, 3, 4, 5, 6, 7]])
    rows = make(model, None, tokens, positions, targets=8, chains=0)
    batch = lattice_batch(tokens, positions)
    assert set(rows.column("missed").tolist()) >= {1, 2, 3}
    asked = 0
    for window in range(2):
        for rank in range(12, 20):
            position = int(np.argsort(batch["order"][window].numpy())[rank])
            before = [int(tokens[window, position - back]) if position >= back else NONE for back in (1, 2)]
            for missed in range(1, rank - 11):
                found = [number for number, row in enumerate(rows.columns.tolist()) if row[:2] == before and row[4] == missed]
                inputs = [batch[name][window:window + 1] for name in ("input_ids", "order", "prompt_mask")]
                expected, oracle = (model(*inputs, torch.tensor([[position]]), torch.tensor([[horizon]]))[0, 0] for horizon in (rank - missed, rank))
                for number in found:
                    assert torch.allclose(model.logits(rows.states[None, number:number + 1])[0, 0], expected, atol=1e-4)
                    assert torch.allclose(model.logits(rows.oracles[None, number:number + 1])[0, 0], oracle, atol=1e-4)
                    asked += 1
    assert asked >= 20


def test_rows_behind_wrong_tokens_see_these(model, table):
    """As if the text had them: a window with the chain's tokens in place of its own."""
    tokens = np.arange(9, 29)[None]
    positions = np.arange(6, 14)[None]
    rows = make(model, table, tokens, positions, targets=1, chains=4)
    chosen = [number for number, row in enumerate(rows.columns.tolist()) if row[2] != NONE and row[4] == 1]
    assert len(chosen) == 4
    for number in chosen:
        before, _, wrong, *_ = rows.columns[number].tolist()
        place = int(np.flatnonzero(tokens[0] == before)[0]) + 1
        changed = tokens.copy()
        changed[0, place - 1] = wrong
        batch = lattice_batch(changed, positions)
        rank = int(batch["order"][0, place])
        expected = model(batch["input_ids"], batch["order"], batch["prompt_mask"], torch.tensor([[place]]), torch.tensor([[rank]]))[0, 0]
        assert torch.allclose(model.logits(rows.states[None, number:number + 1])[0, 0], expected, atol=1e-4)


@torch.no_grad()
def test_a_fresh_head_corrects_nothing_and_its_file_is_that_of_the_format(model, tmp_path):
    embedding = model.transformer.word_embedding.weight
    head = DraftHead(embedding, 24, 8)
    states, context = torch.randn(5, embedding.shape[1]), torch.tensor([[1, 2, NONE]] * 5)
    assert not head(states, context).any()
    head.output.weight.normal_()
    head.missing.normal_()
    head_file.write_head(str(tmp_path / "head"), head, 0.5)
    head_sizes.check(str(tmp_path / "head"), VOCABULARY, embedding.shape[1])
    read = {name.removeprefix("draft_head."): values.astype(np.float64) for name, values in read_tensors(str(tmp_path / "head")).items()}
    inputs = read["input_embedding.weight"] * read["input_embedding.scale"][:, None]
    row = np.concatenate((states[0].double().numpy(), inputs[1], inputs[2], read["missing_tokens"][2]))
    hidden = read["hidden.weight"] @ row + read["hidden.bias"]
    output = read["output.weight"] @ (hidden / (1 + np.exp(-hidden))) + read["output.bias"]
    corrections = read["output_embedding.weight"] * read["output_embedding.scale"][:, None] @ output
    expected = (head(states, context) @ head.output_embedding.t())[0].detach().double().numpy()
    assert np.abs(corrections - expected).max() < 0.05 * np.abs(expected).max()
    for vocabulary, width in ((VOCABULARY + 1, embedding.shape[1]), (VOCABULARY, embedding.shape[1] + 1)):
        with pytest.raises(InputError):
            head_sizes.check(str(tmp_path / "head"), vocabulary, width)


def test_odds_and_draws_of_a_table(table):
    odds = table.odds([3, 5])
    assert odds[6] == pytest.approx(1 + 0.75 / (0.25 / VOCABULARY), rel=0.2) and (np.delete(odds, 6) == 1).all()
    assert (table.odds([]) == 1).all()
    assert table.draw_after(5, np.array([0.5, 0.5])) == 6 and table.draw_after(5, np.array([0.99, 0.0])) == 0


def test_acceptance_of_equal_rows_is_one(model):
    states = torch.randn(6, model.config.d_model)
    rows = Rows(states, states, torch.tensor([[9, 10, NONE, 11, 1, 0]] * 6))
    found = acceptance.measure(model, DraftHead(model.transformer.word_embedding.weight, 8, 4), rows, None, 1.0, [])
    assert found.means("row")[0] == pytest.approx(1, abs=1e-5) and found.means("head")[0] == pytest.approx(1, abs=1e-5)
    assert acceptance.best_exponent(found) == 0


def test_training_learns_and_writes_the_file(texts, tmp_path, call, capsys, monkeypatch):
    """The head alone comes nearer to the rows that see the tokens than the rows that it corrects."""
    vocabulary = load_tokenizer(str(texts / "spiece.model")).vocab_size()
    write_weights(str(tmp_path / "checkpoint"), random_weights(TwoStreamConfig(vocabulary, 32, 1, 2, 32), 1, 0.3))
    monkeypatch.setattr(train, "TEMPERATURES", (1.0,))
    output = tmp_path / "draft_head.safetensors"
    arguments = ["--checkpoint", tmp_path / "checkpoint", "--tokenizer", texts / "spiece.model", "--train", texts / "train.txt", "--valid", texts / "valid.txt", "--output", output]
    given = [*arguments, "--minutes", 5, "--hidden", 64, "--rank", 16, "--length", 16, "--threads", 1, "--valid-windows", 8]
    monkeypatch.setattr("sys.argv", [train.PROGRAM, *map(str, given)])
    threads = torch.get_num_threads()
    try:
        train.main(Ticks())  # a second a step, so 299 of them
    finally:
        torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    rows = {line.split(" | ")[0].removeprefix("| "): float(line.split(" | ")[-1].removesuffix(" |")) for line in printed.splitlines() if line.startswith(("| row", "| head"))}
    assert rows["head"] > rows["row"] and "n-grams" not in printed
    head_sizes.check(str(output), vocabulary, 32)
    assert call(train, *arguments, "--minutes", 0) == 2
    assert "--minutes must be above 0" in capsys.readouterr().err
