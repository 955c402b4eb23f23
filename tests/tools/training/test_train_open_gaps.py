"""Open gaps: what a batch holds, who sees it, and what a run says of them."""

import numpy as np
import pytest
import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.corpora.corpus import EOP_ID, MASK_ID
from asarm_tools.evaluation.measures import joint_nats
from asarm_tools.gaps.open_gaps import open_gap_batch
from asarm_tools.gaps.orders import IGNORED
from asarm_tools.network.config import MODEL_INPUTS
from asarm_tools.training import train

from trainings import trained, validations


@pytest.fixture
def windows():
    return np.random.default_rng(5).integers(9, 64, (40, 32))


@pytest.fixture
def batch(windows):
    return open_gap_batch(np.random.default_rng(6), windows)


def unused(batch) -> torch.Tensor:
    """[B, S]: the slots behind <eop> of the gap."""
    end = (batch["input_ids"] == EOP_ID).int().argmax(1, keepdim=True)
    return (batch["prompt_mask"] == 0) & (torch.arange(batch["input_ids"].shape[1]) > end)


def test_a_gap_holds_its_tokens_then_eop_then_slots_without_text(windows, batch):
    arrays = {name: tensor.numpy() for name, tensor in batch.items()}
    sizes = set()
    for row, window in enumerate(windows):
        gap = np.flatnonzero(arrays["prompt_mask"][row] == 0)
        held = arrays["input_ids"][row]
        tokens = int((held[gap] != MASK_ID).sum()) - 1
        assert (np.diff(gap) == 1).all() and held[gap[tokens]] == EOP_ID and (held[gap[tokens + 1:]] == MASK_ID).all()
        text = np.delete(held, gap[tokens:])
        assert 1 <= tokens and len(gap) < 32 and np.array_equal(text, window[:len(text)])
        given = 32 - len(gap)
        assert np.array_equal(arrays["order"][row, gap], given + np.arange(len(gap)))  # unused slots last
        positions, labels = arrays["target_positions"][row], arrays["labels"][row]
        counts = labels != IGNORED
        assert np.array_equal(positions[counts], gap[:tokens + 1]) and np.array_equal(labels[counts], held[gap[:tokens + 1]])
        assert set(positions[~counts]) <= {gap[tokens]}
        assert np.array_equal(arrays["target_horizons"][row], arrays["order"][row, positions])
        sizes.add((tokens, len(gap) - tokens - 1))
    assert len({size for size, _ in sizes}) > 4 and {0, 8} <= {slots for _, slots in sizes}
    assert all(array.dtype == np.int64 for array in arrays.values())


@pytest.mark.parametrize("length", [4, 5, 8, 512])
def test_every_length_has_room_for_a_gap_and_a_given_token(length):
    batch = open_gap_batch(np.random.default_rng(7), np.random.default_rng(8).integers(9, 64, (300, length)))
    assert batch["input_ids"].shape == (300, length) and (batch["prompt_mask"].sum(1) >= 1).all()
    assert ((batch["input_ids"] == EOP_ID).sum(1) == 1).all()
    assert (batch["order"].sort(1).values == torch.arange(length)).all()


def logits(model, batch) -> torch.Tensor:
    with torch.no_grad():
        return model(*(batch[name] for name in MODEL_INPUTS))


def hidden_by_nothing(batch):
    """Horizons past all ranks."""
    return {**batch, "target_horizons": torch.full_like(batch["target_horizons"], batch["order"].shape[1])}


def ranked_before_the_text(batch):
    """Unused slots are decided first, as if they were part of what is known."""
    length = batch["order"].shape[1]
    first = torch.where(unused(batch), batch["order"] - length, batch["order"]).argsort(1).argsort(1)
    return {**batch, "order": first, "target_horizons": first.gather(1, batch["target_positions"])}


def given(batch):
    """Unused slots are text like any other, to the content rows and so in the end to the targets."""
    prompt = batch["prompt_mask"] | unused(batch)
    return {**batch, "prompt_mask": prompt}


@pytest.mark.parametrize("show", [None, hidden_by_nothing, ranked_before_the_text, given])
def test_nobody_sees_unused_slots(tiny, batch, show):
    """Against controls that show them: there the same change of their tokens changes the answers."""
    model = read_model(str(tiny))
    shown = batch if show is None else show(batch)
    other = torch.where(unused(batch), (batch["input_ids"] + torch.randint(1, 50, batch["input_ids"].shape)) % 64, batch["input_ids"])
    one, two = logits(model, shown), logits(model, {**shown, "input_ids": other})
    assert unused(batch).any() and torch.equal(one, two) == (show is None)


def test_targets_that_do_not_count_change_no_loss(tiny, batch):
    model = read_model(str(tiny))
    whole = joint_nats(model, [batch])
    rows = [{name: tensor[row:row + 1] for name, tensor in batch.items()} for row in range(len(batch["labels"]))]
    counts = [int((row["labels"] != IGNORED).sum()) for row in rows]
    cut = [{**row, **{name: row[name][:, :count] for name in ("target_positions", "target_horizons", "labels")}} for row, count in zip(rows, counts)]
    assert len(set(counts)) > 1 and whole == pytest.approx(joint_nats(model, cut), abs=1e-6)


def test_a_run_says_what_it_trained(texts, tmp_path):
    lines = trained(texts, tmp_path / "open", "--open-gaps", 0.5)
    config = (tmp_path / "open" / "checkpoint" / "config.json").read_text()
    nats = [float(line.split()[-1]) for line in lines if "validation open gaps" in line]
    assert '"open_gaps": 0.5' in config and len(nats) == 2 and nats[1] < nats[0]
    closed = trained(texts, tmp_path / "closed", "--steps", 2)
    assert not any("open gaps" in line for line in closed) and len(validations(closed)) == 1
    assert "open_gaps" not in (tmp_path / "closed" / "checkpoint" / "config.json").read_text()


def test_a_tokenizer_without_eop_is_refused(texts, tmp_path, call, capsys, monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(train, "EOP_ID", 9)
    assert call(train, "--preset", "tiny-test", "--tokenizer", texts / "spiece.model", "--train", texts / "train.txt", "--valid",
                texts / "valid.txt", "--output", tmp_path / "run", "--open-gaps", 0.5) == 2
    assert "--open-gaps needs a tokenizer with <eop>" in capsys.readouterr().err
