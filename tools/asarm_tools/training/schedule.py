"""How far a run is, by steps or by the clock, and what follows: its end, its learning rate, its final part."""

from __future__ import annotations

import time
from collections.abc import Callable

from asarm_tools.training.options import ScheduleOptions


class Stopwatch:
    """Seconds that a run takes, those before its interruptions included."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock, self.before = clock, 0.0
        self.since: float | None = None

    def start(self) -> None:
        self.since = self.clock()

    def elapsed(self) -> float:
        return self.before + (0.0 if self.since is None else self.clock() - self.since)


class Schedule:
    """length, decay and final_from are in the unit of position: steps, or seconds."""

    def __init__(self, warmup: int, length: float, decay: float, final_from: float, position: Callable[[int], float], unit: str):
        self.warmup, self.length, self.decay, self.final_from = warmup, length, decay, final_from
        self.position, self.unit = position, unit

    @staticmethod
    def of(options: ScheduleOptions, watch: Stopwatch) -> Schedule:
        decay, final = options.decay_fraction, options.final_fraction
        if options.minutes is not None:
            seconds = 60 * options.minutes
            return Schedule(options.warmup, seconds, decay * seconds, seconds * (1 - final), lambda _: watch.elapsed(), "second")
        steps = options.steps
        assert steps is not None
        return Schedule(options.warmup, steps, decay * steps, round(steps * (1 - final)), float, "step")

    def ended(self, step: int) -> bool:
        """Before the step of that number, from 0."""
        return self.position(step) >= self.length

    def final(self, step: int) -> bool:
        """Whether a batch that is prepared now for that step is of the final part."""
        return self.position(step) >= self.final_from

    def rate(self, step: int) -> float:
        """Share of the peak learning rate: linear warm-up in steps, then constant, then linear decay to zero."""
        rise = (step + 1) / max(1, self.warmup)
        left = max(0.0, self.length - self.position(step))
        return min(1.0, rise, left / self.decay if self.decay else 1.0)

    def describe(self, step: int) -> str:
        if self.unit == "step":
            return f"step {step} of {self.length}"
        return f"step {step}, {self.position(step) / 60:.1f} of {self.length / 60:.1f} minutes"

    def describe_final(self) -> str:
        return f"{self.unit} {self.final_from:.0f}"
