"""The optimiser's loop, with averaging, recovery, validation and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from asarm_tools.command_line.failure import InputError
from asarm_tools.corpora.mixture import Mixture
from asarm_tools.gaps.orders import IGNORED
from asarm_tools.network.config import MODEL_INPUTS, TwoStreamConfig
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.training.batches import Batch, BatchMaker, Prefetcher, to_device
from asarm_tools.training.initial import initialise, load_checkpoint
from asarm_tools.training.optimiser import load_state, make_optimiser, update_average
from asarm_tools.training.options import TrainOptions
from asarm_tools.training.recovery import CHECK_EVERY, Recovery
from asarm_tools.training.run_folder import RunFolder
from asarm_tools.training.schedule import Schedule, Stopwatch
from asarm_tools.training.validation import Validation

COUNTERS = ("step", "seen", "best", "stale")


class Trainer:
    """A run that may begin, or go on from what load finds in its folder."""

    def __init__(self, options: TrainOptions, config: TwoStreamConfig, say: Callable[[str], None] = print,
                 clock: Callable[[], float] = time.monotonic):
        self.options, self.say, self.device = options, say, torch.device(options.device)
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32
        self.step, self.seen, self.best, self.stale = 0, 0, math.inf, 0
        torch.manual_seed(options.seed)
        self.model = initialise(TwoStreamModel(config))
        if options.init is not None:
            self.seen = load_checkpoint(self.model, options.init)
        self.model.to(self.device)
        self.average = TwoStreamModel(config).to(self.device)
        self.average.load_state_dict(self.model.state_dict())
        self.network = torch.compile(self.model) if options.compile else self.model
        self.optimiser = make_optimiser(self.model, options.weight_decay, self.device)
        self.weights, self.averaged = list(self.model.parameters()), list(self.average.parameters())
        self.recovery = Recovery(self.model, self.average, self.optimiser)
        self.periods = (options.report_every, options.validate_every, options.save_every, CHECK_EVERY)
        self.watch = Stopwatch(clock)
        self.schedule = Schedule.of(options, self.watch)
        sizes = {name: getattr(config, name) for name in ("vocab_size", "d_model", "n_layer", "n_head", "d_inner")}
        self.folder = RunFolder(options.output, {"seed": options.seed, **sizes})

    def run(self, mixture: Mixture, validation: Validation) -> None:
        """To its end, or until validations make no more progress."""
        maker, threads = BatchMaker(mixture, self.options), self.options.batch_threads
        self.watch.start()
        done, reported, since = self.schedule.ended(self.step), self.watch.elapsed(), self.seen
        with Prefetcher(maker.make, self.schedule.final, self.step, threads) as batches:
            while not done:
                self.recovery.record(*self.train_step(batches.next()))
                self.step += 1
                done = self.schedule.ended(self.step)
                report, validate, save, check = (self.step % every == 0 for every in self.periods)
                if done or report or validate or save or check:
                    self.check()
                if report:
                    now = self.watch.elapsed()
                    self.report((self.seen - since) / max(now - reported, 1e-9))
                    reported, since = now, self.seen
                if (done or validate) and self.validate(validation):
                    self.stop_early()
                    return
                if done or save:
                    self.save()

    def check(self) -> None:
        undone = self.recovery.check(self.step)
        if undone is not None:
            self.say(undone)

    def train_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Loss and norm of the gradients, on the device; counts the tokens, not the step."""
        torch.manual_seed(self.options.seed * 1_000_003 + self.step)  # dropout
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.model.train()
        batch = to_device(batch, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.bf16):
            logits = self.network(*(batch[name] for name in MODEL_INPUTS))
        loss = F.cross_entropy(logits.float().flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimiser.step()
        update_average(self.averaged, self.weights, self.step, self.options.average_decay)
        self.seen += batch["input_ids"].numel()
        return loss.detach(), norm.detach()

    def learning_rate(self) -> float:
        return self.options.learning_rate * self.schedule.rate(self.step) * self.recovery.scale

    def report(self, speed: float) -> None:
        place = "" if self.options.minutes is None else f" {self.watch.elapsed() / 60:.2f} min"
        self.say(f"step {self.step} loss {self.recovery.mean_loss():.4f} lr {self.learning_rate():.2e} tokens {self.seen / 1e6:.2f}M "
                 f"{speed:.0f} tokens/s{place}")

    def validate(self, validation: Validation) -> bool:
        """Keeps the best model; True when it is time to stop."""
        lines, mean = validation.measure(self.average)
        for line in lines:
            self.say(f"step {self.step} {line}")
        self.stale += 1
        if mean < self.best:
            self.best, self.stale = mean, 0
            self.write_model("best")
        return self.options.patience > 0 and self.stale >= self.options.patience

    def stop_early(self) -> None:
        self.say(f"no better for {self.stale} validations: stopping early")
        self.save()
        if self.folder.has_best():
            self.folder.choose_best()

    def save(self) -> None:
        self.folder.write_last({
            "model": self.model.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            **{name: getattr(self, name) for name in COUNTERS}, "elapsed": self.watch.elapsed(), "recoveries": self.recovery.count})
        self.write_model("checkpoint")

    def write_model(self, name: str) -> None:
        extra = {"open_gaps": self.options.open_gaps} if self.options.open_gaps else {}
        self.folder.write_model(name, self.average, trained_length=max(self.options.lengths), trained_tokens=self.seen, **extra)

    def load(self) -> None:
        state = self.folder.read_last()
        try:
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            load_state(self.optimiser, state["optimiser"])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.folder.last} does not fit this model: {str(error)[:200]}") from error
        for name in COUNTERS:
            setattr(self, name, state[name])
        self.watch.before, self.recovery.count = state.get("elapsed", 0.0), state.get("recoveries", 0)  # not in files of earlier versions
        self.recovery.keep()
        if not self.folder.has_best():
            self.best = math.inf  # a run of an earlier version: the next validation is the best that is kept
