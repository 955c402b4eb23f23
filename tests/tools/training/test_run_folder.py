"""The trainer's folder: what it keeps, what it resumes from, and what it refuses."""

import os

import pytest
import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.corpora.corpus import load_tokenizer
from asarm_tools.corpora.mixture import Mixture, parse_shares
from asarm_tools.evaluation.measures import joint_nats
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.training import train, validation
from asarm_tools.training.batches import BatchMaker, to_device
from asarm_tools.training.options import parse_options
from asarm_tools.training.trainer import Trainer

from trainings import small, trained, validations


@pytest.fixture
def trainer(texts, tmp_path, monkeypatch):
    """One that has not made a step yet."""
    monkeypatch.setattr("sys.argv", small(texts, tmp_path / "fresh"))
    return Trainer(parse_options(), TwoStreamConfig(64, d_model=32, n_layer=2, n_head=2, d_inner=64))


@pytest.fixture
def batch(trainer, texts):
    mixture = Mixture(parse_shares([str(texts / "train.txt")]), load_tokenizer(str(texts / "spiece.model")))
    return BatchMaker(mixture, trainer.options).make(0, False)


@pytest.fixture(scope="module")
def short(texts, tmp_path_factory):
    """The folder of a run of five steps."""
    folder = tmp_path_factory.mktemp("short")
    trained(texts, folder, "--steps", 5)
    return folder


def test_loss_is_the_joint_of_the_same_batch(trainer, batch):
    wide = to_device(batch, torch.device("cpu"))
    assert (wide["target_horizons"] == wide["order"].gather(1, wide["target_positions"])).all()  # each its own rank
    assert {tensor.dtype for tensor in batch.values()} == {torch.int32} and {tensor.dtype for tensor in wide.values()} == {torch.int64}
    nats = joint_nats(trainer.model, [wide])
    loss, norm = trainer.train_step(batch)
    assert loss.item() == pytest.approx(nats, abs=1e-5) and norm.item() > 0
    assert joint_nats(trainer.model, [wide]) != nats


def test_stopping_early_keeps_the_last_step_and_leaves_the_best_model(texts, tmp_path, monkeypatch):
    """The figures of the validations are given, so that every PyTorch has its best one at step 15: better, worse, better, worse, worse."""
    nats = iter([mean for mean in (3.0, 3.5, 2.5, 2.75, 2.625) for _ in range(4)])  # of four rates each
    monkeypatch.setattr(validation, "joint_nats", lambda *_: next(nats))
    lines = trained(texts, tmp_path, "--validate-every", 5, "--save-every", 100, "--average-decay", 0, "--patience", 2)
    assert lines[-1] == "no better for 2 validations: stopping early" and list(validations(lines)) == ["5", "10", "15", "20", "25"]
    state = torch.load(tmp_path / "last.pt")
    assert (state["step"], state["stale"], state["best"], list(nats)) == (25, 2, 2.5, [])
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "checkpoint" / name).read_bytes() == (tmp_path / "best" / name).read_bytes()
    kept = read_model(str(tmp_path / "checkpoint")).state_dict()
    assert not all(torch.equal(kept[name], tensor) for name, tensor in state["average"].items())
    assert f'"trained_tokens": {15 * 512}' in (tmp_path / "checkpoint" / "config.json").read_text()


def test_an_earlier_run_is_not_written_over(texts, short):
    before = (short / "last.pt").read_bytes()
    with pytest.raises(InputError, match="earlier run: go on with --resume"):
        trained(texts, short, "--steps", 5)
    assert (short / "last.pt").read_bytes() == before


@pytest.mark.parametrize("more, message", [
    (["--seed", 2], "with seed 1, this one has 2"), (["--inner", 32], "with d_inner 64, this one has 32"),
    (["--heads", 4], "with n_head 2, this one has 4")])
def test_another_recipe_is_not_resumed(texts, short, more, message):
    with pytest.raises(InputError, match=message):
        trained(texts, short, "--resume", *more)


def test_files_of_earlier_versions_are_resumed(texts, short, tmp_path):
    state = torch.load(short / "last.pt")
    del state["recipe"]
    torch.save(state, tmp_path / "last.pt")
    assert "step 5 of 7" in trained(texts, tmp_path, "--resume", "--steps", 7)[0]
    with pytest.raises(InputError, match="earlier run"):
        trained(texts, tmp_path)
    torch.save(state, tmp_path / "last.pt")
    with pytest.raises(InputError, match="does not fit this model"):
        trained(texts, tmp_path, "--resume", "--inner", 32)


def test_broken_states_are_refused(texts, short, tmp_path):
    whole = (short / "last.pt").read_bytes()
    for data in (b"", b"garbage", whole[:1000], whole[:-1000]):
        (tmp_path / "last.pt").write_bytes(data)
        with pytest.raises(InputError, match="last.pt is cut off"):
            trained(texts, tmp_path, "--resume")
    torch.save({"model": 1}, tmp_path / "last.pt")
    with pytest.raises(InputError, match="is no state of a run"):
        trained(texts, tmp_path, "--resume")


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_state_is_not_run(texts, short, tmp_path, zipped):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    state = torch.load(short / "last.pt")
    torch.save({**state, "best": Hostile()}, tmp_path / "last.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match="last.pt is cut off or no state of a run"):
        trained(texts, tmp_path, "--resume")
    assert not (tmp_path / "executed").exists()


def test_mistakes_are_one_line(texts, tmp_path, call, capsys, monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    usual = {"--preset": "tiny-test", "--tokenizer": texts / "spiece.model", "--train": texts / "train.txt",
             "--valid": texts / "valid.txt", "--output": tmp_path / "run"}
    (tmp_path / "short.txt").write_text("Ana")
    (tmp_path / "latin.txt").write_bytes("Zoë".encode("latin-1"))
    (tmp_path / "empty.txt").write_text("\n<|endoftext|>\n")
    for change, more, message in (
            ({}, ["--resume"], "nothing to resume"), ({"--train": f"{tmp_path / 'empty.txt'}=1:2"}, [], "no document"),
            ({"--valid": tmp_path / "short.txt"}, [], "no window of 32"),
            ({"--train": tmp_path / "short.txt"}, [], "no window of"), ({"--train": tmp_path / "empty.txt"}, [], "no document"),
            ({"--train": tmp_path / "missing.txt"}, [], "missing.txt"),
            ({"--train": tmp_path / "latin.txt"}, [], "latin.txt is not UTF-8"),
            ({"--tokenizer": texts / "train.txt"}, [], "train.txt is no whole SentencePiece model"),
            ({"--tokenizer": tmp_path / "missing.model"}, [], "missing.model"),
            ({}, ["--heads", 3], "multiple of --heads"), ({}, ["--d-model", 33, "--heads", 3], "must be even"),
            ({}, ["--report-every", 0], "--report-every must be at least 1"), ({}, ["--lengths", 16, 1], "--lengths must be at least 2"),
            ({}, ["--rates", 0.9, 0.1], "--rates"), ({}, ["--learning-rate", "nan"], "--learning-rate must be at least 0"),
            ({}, ["--final-fraction", 1.5], "--final-fraction must be from 0 to 1"), ({}, ["--device", "abacus"], "--device abacus"),
            ({}, ["--steps", 9, "--minutes", 1], "--steps and --minutes do not go together"),
            ({}, ["--decay-steps", 9, "--minutes", 1], "--minutes and --decay-steps do not go together"),
            ({}, ["--decay-steps", 9, "--decay-fraction", 0.5], "--decay-steps and --decay-fraction do not go together"),
            ({}, ["--minutes", 0], "--minutes must be above 0"), ({}, ["--minutes", "nan"], "--minutes must be at least 0"),
            ({}, ["--decay-fraction", 2], "--decay-fraction must be from 0 to 1"), ({}, ["--batch-threads", 0], "--batch-threads must be at least 1"),
            ({}, ["--kinds", 0, 0, 0, 0], "--kinds must have a weight above 0"), ({}, ["--low-rates", 2, 0.4], "--low-rates must be from 0 to 1"),
            ({}, ["--open-gaps", 1.5], "--open-gaps must be from 0 to 1"),
            ({}, ["--open-gaps", 0.5, "--lengths", 3], "--open-gaps needs --lengths of at least 4"),
            ({}, ["--init", tmp_path, "--resume"], "--init starts a run, --resume goes on with one"),
            ({}, ["--init", tmp_path], "has no config.json"),
            ({}, ["--train", f"{texts / 'train.txt'}=1", texts / "valid.txt"], "valid.txt has no weight; give every text one, or none"),
            ({"--train": f"{texts / 'train.txt'}=0:1"}, [], "no text has a weight above 0 before the final part"),
            ({"--train": f"{texts / 'train.txt'}=1:0"}, [], "no text has a weight above 0 in the final part"),
            ({"--train": f"{texts / 'train.txt'}=1.2.3"}, [], "1.2.3 is not a weight")):
        pairs = [part for pair in {**usual, **change}.items() for part in pair]
        assert call(train, *pairs, *more) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
