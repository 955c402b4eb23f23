"""Trains a draft head for a checkpoint, which stays as it is, on texts: draft_head.safetensors for export.py --draft-head.

    draft_head.py --checkpoint DIR --tokenizer spiece.model --train TEXT[=WEIGHT] ... --valid TEXT ... --output draft_head.safetensors
                  [--ngrams ngrams.bin] [--minutes M] [options]

A round makes rows of a few windows by one forward pass of the network and keeps them; steps draw from those of the kept rounds, of which an old one
at random gives way, so that a row is used about twice. Many small steps learn more than few large ones of as many rows. The loss is the Kullback-Leibler divergence from the full conditional
at first, and the acceptance itself, of the draft with n-grams, in the last part of the time. At the end acceptances on the held-out texts are printed, and the exponent on
the odds of n-grams is chosen by them.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.corpora.corpus import PackedCorpus, load_tokenizer
from asarm_tools.corpora.mixture import Mixture, parse_shares
from asarm_tools.draft_head.acceptance import MISSED, Acceptance, best_exponent, measure, odds_of
from asarm_tools.draft_head.head_file import write_head
from asarm_tools.draft_head.network import DraftHead
from asarm_tools.draft_head.rows import RowMaker, Rows
from asarm_tools.gaps.orders import KINDS, target_count, target_positions
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.ngrams.table_reader import NgramTable
from asarm_tools.text.special_tokens import of_tokenizer

PROGRAM = "draft_head.py"
KIND_WEIGHTS = (0.12, 0.40, 0.36, 0.12)  # as the kinds of gaps of train.py
RATES = (0.08, 0.5)  # shares of unknown tokens
WINDOWS = 4  # of a round
STEPS_A_ROUND = 4
KEPT_ROUNDS = 400  # whose rows steps draw from
ROUNDS_A_STEP = 16
WARMUP, CONSTANT = 50, 0.3  # steps, and the share of the time before the learning rate falls
ACCEPTANCE_FROM, ACCEPTANCE_EXPONENT = 0.6, 0.5  # the share of the time before the loss is the acceptance, and the exponent on n-gram odds in it
REPORT_EVERY = 500
TEMPERATURES = (1.0, 0.7)


@dataclass(frozen=True, kw_only=True)
class HeadOptions:
    """The fields are named as the options of the command."""

    checkpoint: str
    tokenizer: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    output: str
    ngrams: str | None
    minutes: float
    hidden: int
    rank: int
    length: int
    step_rows: int
    bf16: bool
    learning_rate: float
    valid_windows: int
    seed: int
    threads: int


def main(clock: Callable[[], float] = time.monotonic) -> None:
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = read_model(options.checkpoint)
    tokenizer = load_tokenizer(options.tokenizer)
    special = of_tokenizer(options.tokenizer, model.config.vocab_size)
    table = None if options.ngrams is None else NgramTable(options.ngrams, model.config.vocab_size)
    mixture = Mixture(parse_shares(options.train), tokenizer)
    mixture.require(options.length)
    valid = {path: PackedCorpus([path], tokenizer) for path in options.valid}
    for corpus in valid.values():
        corpus.require(options.length)
    if options.rank > min(model.config.vocab_size, model.config.d_model):
        raise InputError(f"--rank must be at most {min(model.config.vocab_size, model.config.d_model)} for this checkpoint, it is {options.rank}")
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    trainer = HeadTrainer(model, table, options)
    print(f"{sum(weight.numel() for weight in trainer.head.parameters())} parameters, {mixture.tokens} training tokens", flush=True)
    trainer.run(mixture, clock)
    write_head(options.output, trainer.head, 0.0)  # kept if the measurements fail
    exponent = report(trainer, valid, sorted({special.mask_id, *special.special_ids}))
    write_head(options.output, trainer.head, exponent)
    print(f"{options.output}: written")


class HeadTrainer:
    """The head, its optimiser, and the rows that steps draw from."""

    def __init__(self, model: TwoStreamModel, table: NgramTable | None, options: HeadOptions):
        self.model, self.table, self.options = model.requires_grad_(False), table, options
        self.embedding = model.transformer.word_embedding.weight.detach()
        self.head = DraftHead(self.embedding, options.hidden, options.rank)
        self.maker = RowMaker(read_model(options.checkpoint, torch.bfloat16).requires_grad_(False) if options.bf16 else model, table)
        self.optimiser = torch.optim.AdamW(self.head.parameters(), lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.generator = np.random.default_rng(options.seed)
        self.kept: list[Rows] = []

    def run(self, mixture: Mixture, clock: Callable[[], float]) -> None:
        start, step, losses = clock(), 0, []
        while (spent := (clock() - start) / (60 * self.options.minutes)) < 1:
            if step % STEPS_A_ROUND == 0:
                self.add_round(mixture)
            for group in self.optimiser.param_groups:
                group["lr"] = self.options.learning_rate * min(1.0, (step + 1) / WARMUP, (1 - spent) / (1 - CONSTANT))
            losses.append(self.step(spent >= ACCEPTANCE_FROM))
            step += 1
            if step % REPORT_EVERY == 0:
                print(f"step {step} loss {np.mean(losses[-REPORT_EVERY:]):.4f} {60 * self.options.minutes * spent:.0f} s", flush=True)

    def add_round(self, mixture: Mixture) -> None:
        self.kept.append(self.halves(self.make(mixture.windows(self.generator, WINDOWS, self.options.length, False))))
        if len(self.kept) > KEPT_ROUNDS:
            del self.kept[int(self.generator.integers(len(self.kept) - 1))]

    def make(self, tokens: np.ndarray) -> Rows:
        """Rows of windows [B, S] with gaps of every kind."""
        length = tokens.shape[1]
        targets = max(2, target_count(self.generator.uniform(*RATES), length))  # the first one misses nothing
        kinds = self.generator.choice(KINDS, len(tokens), p=KIND_WEIGHTS)
        return self.maker.make(self.generator, tokens, np.stack([target_positions(self.generator, int(kind), length, targets) for kind in kinds]))

    @staticmethod
    def halves(rows: Rows) -> Rows:
        return Rows(rows.states.half(), rows.oracles.half(), rows.columns)

    def step(self, by_acceptance: bool) -> float:
        """On rows of rounds drawn evenly: Kullback-Leibler divergence of the corrected row from the full conditional, or what is missing to acceptance 1."""
        rounds = self.generator.choice(len(self.kept), min(len(self.kept), ROUNDS_A_STEP), replace=False)
        share = max(1, self.options.step_rows // len(rounds))
        drawn = [self.kept[number].take(torch.from_numpy(self.generator.integers(0, len(self.kept[number].columns), share))) for number in rounds]
        rows = Rows(*(torch.cat([getattr(part, name) for part in drawn]) for name in ("states", "oracles", "columns")))
        with torch.no_grad():
            answer = self.logits(rows.oracles).log_softmax(1)
            row = self.logits(rows.states)
            if by_acceptance and self.table is not None:
                row = row + ACCEPTANCE_EXPONENT * odds_of(self.table, rows)
        found = self.head.logits(row, rows.states, rows.context).log_softmax(1)
        if by_acceptance:
            loss = 1 - torch.minimum(answer.exp(), found.exp()).sum(1).mean()
        else:
            loss = (answer.exp() * (answer - found)).sum(1).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.head.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())

    def logits(self, states: Tensor) -> Tensor:
        return self.model.logits(states[None])[0]


def report(trainer: HeadTrainer, valid: dict[str, PackedCorpus], banned: list[int]) -> float:
    """Prints acceptances on fixed windows of each text, and gives the mean of the exponents that are best at temperature 1."""
    exponents = []
    for path, corpus in valid.items():
        trainer.generator = np.random.default_rng(0)
        windows = corpus.consecutive(trainer.options.length)
        chosen = windows[np.linspace(0, len(windows) - 1, min(trainer.options.valid_windows, len(windows))).astype(int)]
        rows = [trainer.make(chosen[begin:begin + WINDOWS]) for begin in range(0, len(chosen), WINDOWS)]
        joined = Rows(*(torch.cat([getattr(part, name) for part in rows]) for name in ("states", "oracles", "columns")))
        for temperature in TEMPERATURES:
            found = measure(trainer.model, trainer.head, joined, trainer.table, temperature, banned)
            print_table(f"{path}, T = {temperature:g}, {len(joined.columns)} rows", found)
            exponents += [best_exponent(found)] if temperature == 1 else []
    return float(np.mean(exponents))


def print_table(title: str, found: Acceptance) -> None:
    names = [f"misses {low}" if low == high else f"{low} or more" for low, high in MISSED]
    print(f"\n{title}\n\n| draft | {' | '.join(names)} | behind a rejection | token before seen | all that have not |\n| --- |{' ---: |' * (len(names) + 3)}")
    for source in found.values:
        print(f"| {source} | {' | '.join('-' if math.isnan(mean) else f'{mean:.3f}' for mean in found.means(source))} |")


def parse_options() -> HeadOptions:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", required=True, metavar="DIR")
    parser.add_argument("--tokenizer", required=True, metavar="FILE")
    parser.add_argument("--train", nargs="+", required=True, metavar="TEXT[=WEIGHT]", help="without weights windows are drawn by size")
    parser.add_argument("--valid", nargs="+", required=True, metavar="TEXT", help="held-out texts")
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--ngrams", metavar="FILE", help="the n-gram table that the head will draft with")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--hidden", type=int, default=768, help="width of the hidden layer")
    parser.add_argument("--rank", type=int, default=192, help="length of embeddings; at most the width of the network")
    parser.add_argument("--length", type=int, default=128, help="of windows, in tokens")
    parser.add_argument("--step-rows", type=int, default=128)
    parser.add_argument("--bf16", action="store_true", help="the network's rows in bfloat16: faster on processors that have it")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--valid-windows", type=int, default=64, help="of each held-out text")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = vars(parser.parse_args())
    for name in ("minutes", "hidden", "rank", "step_rows", "learning_rate", "valid_windows", "threads"):
        if not given[name] > 0 or not math.isfinite(given[name]):
            raise InputError(f"--{name.replace('_', '-')} must be above 0, it is {given[name]}")
    if given["length"] < 16:
        raise InputError(f"--length must be at least 16, it is {given['length']}")
    return HeadOptions(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
