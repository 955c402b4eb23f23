"""Trains a small AS-ARM: teacher-forced joint cross-entropy on the targets of random lattice orders.

    train.py --tokenizer spiece.model --train TEXT [TEXT ...] --valid TEXT --output RUN [--resume] [options]

RUN/last.pt holds everything a resumed run needs; RUN/checkpoint is the averaged model in the Hugging Face layout, which
tools/export reads, and RUN/best that of the best validation so far. When --patience stops the run, RUN/checkpoint becomes the
best one; RUN/last.pt is always the latest. Each step's batch and dropout follow from (seed, step) alone, so a resumed run
repeats the losses of an uninterrupted one.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "export"))

from cases import validation_batches  # noqa: E402
from data import PackedCorpus, load_tokenizer  # noqa: E402
from failure import InputError, run  # noqa: E402
from measures import joint_nats  # noqa: E402
from options import parse_arguments  # noqa: E402
from orders import KINDS, lattice_batch, target_count, target_positions, target_rate  # noqa: E402
from run_folder import RunFolder, check_start  # noqa: E402
from two_stream import MODEL_INPUTS, TwoStreamConfig, TwoStreamModel  # noqa: E402


def main() -> None:
    arguments = parse_arguments()
    check_start(arguments.output, arguments.resume)
    torch.set_num_threads(arguments.threads)
    tokenizer = load_tokenizer(arguments.tokenizer)
    corpora = [PackedCorpus(texts, tokenizer) for texts in (arguments.train, arguments.train_final) if texts]
    valid = PackedCorpus([arguments.valid], tokenizer)
    config = TwoStreamConfig(tokenizer.vocab_size(), arguments.d_model, arguments.layers, arguments.heads, arguments.inner,
                             dropout=arguments.dropout)
    trainer = Trainer(arguments, config)
    os.makedirs(arguments.output, exist_ok=True)
    if arguments.resume:
        trainer.load()
    say(f"{sum(p.numel() for p in trainer.model.parameters())} parameters, {len(corpora[0].tokens)} training tokens, "
        f"step {trainer.step} of {arguments.steps}")
    if len(corpora) > 1:
        say(f"{len(corpora[1].tokens)} tokens alone from step {trainer.final_step} on")
    trainer.run(corpora, validation_batches(valid, max(arguments.lengths), limit=arguments.validation_windows))


class Trainer:
    """The optimiser's loop, with averaging, validation and checkpoints."""

    def __init__(self, arguments: argparse.Namespace, config: TwoStreamConfig):
        self.arguments = arguments
        self.device = torch.device(arguments.device)
        torch.manual_seed(arguments.seed)
        self.model = initialise(TwoStreamModel(config)).to(self.device)
        self.average = TwoStreamModel(config).to(self.device)
        self.average.load_state_dict(self.model.state_dict())
        self.network = torch.compile(self.model) if arguments.compile else self.model
        self.optimiser = torch.optim.AdamW(parameter_groups(self.model, arguments.weight_decay), lr=0.0, betas=(0.9, 0.98),
                                           eps=1e-8)
        self.step, self.seen, self.best, self.stale = 0, 0, math.inf, 0
        sizes = {name: getattr(config, name) for name in ("vocab_size", "d_model", "n_layer", "n_head", "d_inner")}
        self.folder = RunFolder(arguments.output, {"seed": arguments.seed, **sizes})
        self.final_step = round(arguments.steps * (1 - arguments.final_fraction))

    def run(self, corpora: list[PackedCorpus], valid: dict) -> None:
        """The last of the corpora is used alone in the final steps, the first before."""
        arguments, clock, since = self.arguments, time.monotonic(), 0
        losses: list[float] = []
        while self.step < arguments.steps:
            batch = self.batch(corpora[-1 if self.step >= self.final_step else 0])
            losses.append(self.train_step(batch))
            self.step += 1
            since += batch["input_ids"].numel()
            self.seen += batch["input_ids"].numel()
            if self.step % arguments.report_every == 0:
                rate = since / (time.monotonic() - clock)
                say(f"step {self.step} loss {np.mean(losses):.4f} lr {self.learning_rate():.2e} tokens {self.seen / 1e6:.2f}M "
                    f"{rate:.0f} tokens/s")
                losses, clock, since = [], time.monotonic(), 0
            if self.step % arguments.validate_every == 0 or self.step == arguments.steps:
                if self.validate(valid):
                    say(f"no better for {self.stale} validations: stopping early")
                    self.save()
                    if self.folder.has_best():
                        self.folder.choose_best()
                    break
            if self.step % arguments.save_every == 0 or self.step == arguments.steps:
                self.save()

    def batch(self, corpus: PackedCorpus) -> dict[str, torch.Tensor]:
        """One window length, one rate and mixed kinds of gaps per step."""
        arguments = self.arguments
        generator = np.random.default_rng((arguments.seed, self.step))
        length = int(generator.choice(arguments.lengths))
        count = max(1, arguments.tokens_per_step // length)
        rate = target_rate(generator, self.step, arguments.rate_warmup, *arguments.rates)
        targets = target_count(rate, length)
        tokens = corpus.windows(generator, count, length)
        positions = np.stack([target_positions(generator, int(generator.choice(KINDS)), length, targets) for _ in range(count)])
        return {name: tensor.to(self.device) for name, tensor in lattice_batch(tokens, positions).items()}

    def train_step(self, batch: dict[str, torch.Tensor]) -> float:
        torch.manual_seed(self.arguments.seed * 1_000_003 + self.step)  # dropout
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.arguments.bf16):
            logits = self.network(*(batch[name] for name in MODEL_INPUTS))
        loss = F.cross_entropy(logits.float().flatten(0, 1), batch["labels"].flatten())
        if not torch.isfinite(loss):
            raise InputError(f"the loss of step {self.step + 1} is {loss.item()}: resume with a lower --learning-rate")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.update_average()
        return loss.item()

    def learning_rate(self) -> float:
        """Linear warm-up, then constant, then linear decay to zero over the last decay_steps."""
        arguments = self.arguments
        rise = (self.step + 1) / max(1, arguments.warmup)
        fall = (arguments.steps - self.step) / max(1, arguments.decay_steps)
        return arguments.learning_rate * min(1.0, rise, fall)

    @torch.no_grad()
    def update_average(self) -> None:
        """Exponential moving average; its memory grows with the steps done, up to the given decay."""
        decay = min(self.arguments.average_decay, self.step / (self.step + 10))
        for kept, current in zip(self.average.parameters(), self.model.parameters()):
            kept.lerp_(current, 1 - decay)

    def validate(self, valid: dict) -> bool:
        """Prints nats per token by rate and keeps the best model; True when it is time to stop."""
        nats = {name: joint_nats(self.average, batches) for name, batches in valid.items()}
        say(f"step {self.step} validation " + " ".join(f"{name} {value:.4f}" for name, value in nats.items()))
        mean = float(np.mean(list(nats.values())))
        self.stale += 1
        if mean < self.best:
            self.best, self.stale = mean, 0
            self.write_model("best")
        return self.arguments.patience > 0 and self.stale >= self.arguments.patience

    def save(self) -> None:
        self.folder.write_last({
            "model": self.model.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "step": self.step, "seen": self.seen, "best": self.best, "stale": self.stale})
        self.write_model("checkpoint")

    def write_model(self, name: str) -> None:
        self.folder.write_model(name, self.average, trained_length=max(self.arguments.lengths), trained_tokens=self.seen)

    def load(self) -> None:
        state = self.folder.read_last()
        try:
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.folder.last} does not fit this model: {str(error)[:200]}") from error
        self.step, self.seen, self.best, self.stale = (state[name] for name in ("step", "seen", "best", "stale"))
        if not self.folder.has_best():
            self.best = math.inf  # a run of an earlier version: the next validation is the best that is kept


def initialise(model: TwoStreamModel) -> TwoStreamModel:
    """Normal weights of deviation 0.02, scaled down on the way into the residual stream (GPT-2's scheme)."""
    residual = 0.02 / math.sqrt(2 * model.config.n_layer)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or name.endswith("_bias"):
            continue
        nn.init.normal_(parameter, std=residual if name.endswith(("rel_attn.o", "layer_2.weight")) else 0.02)
    nn.init.zeros_(model.lm_loss.bias)
    return model


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    run("train.py", main)
