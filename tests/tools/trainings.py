"""Runs of the trainer's small preset, and what they print."""

import re
import time

import pytest
import torch

from asarm_tools.training import train


def small(texts, folder, *more) -> list[str]:
    """The command line of a run."""
    arguments = ["train.py", "--preset", "tiny-test", "--device", "cpu", "--tokenizer", texts / "spiece.model",
                 "--train", texts / "train.txt", "--valid", texts / "valid.txt", "--output", folder, *more]
    return [str(argument) for argument in arguments]


class Ticks:
    """A clock that goes on by so many seconds each time that it is read."""

    def __init__(self, seconds: float = 1.0):
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


def trained(texts, folder, *more, interrupt_at: int | None = None, clock=time.monotonic) -> list[str]:
    """The lines of a run of the small preset, cut short by a failure once it reports that step."""
    lines = []

    def say(line):
        lines.append(line)
        if line.startswith(f"step {interrupt_at} loss"):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", small(texts, folder, "--dropout", "0.1", *more))
        patch.setattr(train, "say", say)
        threads = torch.get_num_threads()
        try:
            train.main(clock)
        except KeyboardInterrupt:
            assert interrupt_at is not None
        finally:
            torch.set_num_threads(threads)
    return lines


def losses(lines: list[str]) -> dict[str, str]:
    """step -> loss and learning rate, without the speed."""
    return dict(match.groups() for line in lines if (match := re.match(r"step (\d+) (loss .* tokens [\d.]+M)", line)))


def validations(lines: list[str]) -> dict[str, str]:
    return dict(match.groups() for line in lines if (match := re.match(r"step (\d+) validation (.*)", line)))
