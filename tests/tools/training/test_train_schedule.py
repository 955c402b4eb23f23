"""Runs that end by the clock, learning rates by steps and by the clock, and the presets."""

import math
import re
import shlex

import pytest
import torch

from asarm_tools.corpora.mixture import parse_shares
from asarm_tools.training import batches
from asarm_tools.training.options import ScheduleOptions, parse_options
from asarm_tools.training.schedule import Schedule, Stopwatch

from conftest import ROOT
from trainings import Ticks, losses, small, trained


def schedule_of(watch: Stopwatch, **changes) -> Schedule:
    return Schedule.of(ScheduleOptions(**{"steps": 100, "minutes": None, "warmup": 10, "decay_fraction": 0.4, "final_fraction": 0.4, **changes}), watch)


def test_by_steps_the_rate_rises_stays_and_falls_to_zero():
    schedule = schedule_of(Stopwatch())
    assert [schedule.rate(step) for step in (0, 4, 9, 30, 60)] == pytest.approx([0.1, 0.5, 1, 1, 1])
    assert [schedule.rate(step) for step in (70, 80, 99, 100)] == pytest.approx([0.75, 0.5, 0.025, 0])
    assert [schedule.final(step) for step in (59, 60)] == [False, True] and [schedule.ended(step) for step in (99, 100)] == [False, True]
    assert schedule_of(Stopwatch(), decay_fraction=0.0).rate(99) == 1


def test_by_the_clock_only_the_warm_up_is_of_steps():
    clock = Ticks(0)
    watch = Stopwatch(clock)
    watch.before = 10.0  # of an interrupted run
    watch.start()
    schedule = schedule_of(watch, minutes=1)
    for now, rate, final, ended in (
            (0, 1, False, False), (25, 1, False, False), (26.1, 0.9958, True, False), (38, 0.5, True, False), (49, 1 / 24, True, False), (50, 0, True, True)):
        clock.now = now
        assert schedule.rate(1000) == pytest.approx(rate, abs=1e-4) and (schedule.final(7), schedule.ended(7)) == (final, ended)
    clock.now = 0
    assert schedule.rate(3) == pytest.approx(0.4)


def test_a_run_of_minutes_ends_in_time_and_a_resumed_one_with_the_time_that_is_left(texts, tmp_path):
    """The clock is read less than ten times in a step."""
    def run(minutes, *more):
        lines = trained(texts, tmp_path, "--minutes", minutes, "--save-every", 5, "--report-every", 1, *more, clock=Ticks(0.125))
        return lines, torch.load(tmp_path / "last.pt")

    lines, first = run(0.5)
    assert "step 0, 0.0 of 0.5 minutes" in lines[0] and 30 <= first["elapsed"] <= 30 + 10 * 0.125 and first["step"] > 20
    rates = [float(re.search(r"lr ([\d.e+-]+)", text)[1]) for text in losses(lines).values()]
    assert max(rates) == pytest.approx(5e-3, rel=0.01) and rates[-1] < 1e-3  # fell with the clock
    lines, same = run(0.5, "--resume")
    assert len(lines) == 1 and same["step"] == first["step"]
    lines, second = run(0.75, "--resume")
    assert "0.5 of 0.8 minutes" in lines[0] and 45 <= second["elapsed"] <= 45 + 10 * 0.125
    assert second["step"] - first["step"] == pytest.approx(first["step"] / 2, abs=3)


def test_an_interrupted_run_of_minutes_goes_on_from_its_last_save(texts, tmp_path):
    trained(texts, tmp_path, "--minutes", 5, "--save-every", 10, "--validate-every", 1000, clock=Ticks(), interrupt_at=30)
    state = torch.load(tmp_path / "last.pt")
    assert state["step"] == 20 and 20 <= state["elapsed"] < 300
    lines = trained(texts, tmp_path, "--steps", 25, "--resume")  # by steps from here on
    assert "step 20 of 25" in lines[0]


def test_the_final_part_begins_by_the_clock(texts, tmp_path, monkeypatch):
    asked, make = {}, batches.BatchMaker.make

    def record(maker, step, final):
        asked[step] = final
        return make(maker, step, final)

    monkeypatch.setattr(batches.BatchMaker, "make", record)
    share = f"{texts / 'train.txt'}=1:2"
    lines = trained(texts, tmp_path, "--minutes", 2, "--final-fraction", 0.25, "--train", share, f"{texts / 'valid.txt'}=1", clock=Ticks())
    assert "the final part begins with second 90" in lines
    steps = torch.load(tmp_path / "last.pt")["step"]
    flags = [asked[step] for step in range(steps)]
    assert flags == sorted(flags) and 0.6 < flags.index(True) / steps < 0.95


def test_the_preset_of_english_18m_runs(texts, tmp_path):
    """Its options with the sizes of the small preset."""
    sizes = ("--d-model", 32, "--layers", 2, "--heads", 2, "--inner", 64, "--tokens-per-step", 512, "--lengths", 8, 16, 16, 32)
    shares = [f"{texts / 'train.txt'}=0.5:0.4", f"{texts / 'valid.txt'}=0.28:0.2"]
    lines = trained(texts, tmp_path, "--preset", "english-18m", *sizes, "--train", *shares, "--steps", 12, "--report-every", 4, "--no-bf16",
                    "--threads", 1, "--open-gaps", 0.25, "--valid", texts / "valid.txt", texts / "train.txt")
    assert list(losses(lines)) == ["4", "8", "12"] and "the final part begins with step 7" in lines
    for name in ("valid.txt", "train.txt"):
        assert any(line.startswith(f"step 12 validation {name} 5% ") for line in lines)
        assert any(re.fullmatch(rf"step 12 validation {name} open gaps [\d.]+", line) for line in lines)
    assert '"open_gaps": 0.25' in (tmp_path / "checkpoint" / "config.json").read_text()


def test_the_command_of_the_readme_is_the_recipe_of_english_18m(monkeypatch):
    text = (ROOT / "tools" / "README.md").read_text().replace("\\\n", " ")
    (command,) = [line for line in text.splitlines() if "train.py" in line and "--preset english-18m" in line and "--init" not in line]
    monkeypatch.setattr("sys.argv", [*shlex.split(command)[1:], "--device", "cpu"])
    options = parse_options()
    assert [share.weights for share in parse_shares(options.train)] == [(0.5, 0.4), (0.28, 0.2), (0.22, 0.4)]
    assert len(options.valid) == 2
    recipe = {"layers": 8, "d_model": 384, "heads": 6, "inner": 1536, "tokens_per_step": 32768, "learning_rate": 1.2e-3, "warmup": 400, "steps": 6285, "minutes": None,
                  "decay_fraction": 0.4, "final_fraction": 0.4, "average_decay": 0.998, "weight_decay": 0.05, "lengths": (64, 128, 256, 256, 512), "bf16": True,
                  "rates": (0.02, 0.95), "rate_warmup": 600, "low_rates": (0.5, 0.4), "kinds": (1, 2, 1, 1), "open_gaps": 0, "dropout": 0}
    assert {name: getattr(options, name) for name in recipe} == recipe


@pytest.mark.parametrize("more, steps, minutes, decay", [
    ([], 60, None, 1 / 3), (["--steps", 40], 40, None, 0.5), (["--minutes", 2], None, 2, 1 / 3), (["--decay-fraction", 0.5], 60, None, 0.5),
    (["--minutes", 2, "--decay-fraction", 0.1], None, 2, 0.1), (["--decay-steps", 30], 60, None, 0.5), (["--steps", 10], 10, None, 2)])
def test_what_is_given_of_a_budget_wins(texts, tmp_path, monkeypatch, more, steps, minutes, decay):
    """The preset's decay is of 20 of 60 steps: it stays as many steps where the steps are others, and is the same share of minutes."""
    monkeypatch.setattr("sys.argv", small(texts, tmp_path, *more))
    options = parse_options()
    assert (options.steps, options.minutes) == (steps, minutes) and math.isclose(options.decay_fraction, decay)
    assert options.final_fraction == min(1, options.decay_fraction)
