"""Trains a small AS-ARM: teacher-forced joint cross-entropy on the targets of random lattice orders.

    train.py --tokenizer spiece.model --train TEXT[=WEIGHT[:FINAL]] ... --valid TEXT ... --output RUN
             [--preset NAME] [--steps N | --minutes M] [--init DIR | --resume] [options]

RUN/last.pt holds everything a resumed run needs; RUN/checkpoint is the averaged model in the Hugging Face layout, which
tools/export reads, and RUN/best that of the best validation so far. When --patience stops the run, RUN/checkpoint becomes the
best one; RUN/last.pt is always the latest. Each step's batch and dropout follow from the seed, the step and the part of the
run alone, so a resumed run of --steps repeats the losses of an uninterrupted one, whatever the number of threads.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import torch

from asarm_tools.command_line.failure import InputError, run
from asarm_tools.corpora.corpus import EOP_ID, PackedCorpus, load_tokenizer
from asarm_tools.corpora.mixture import Mixture, parse_shares
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.training.options import PROGRAM, parse_options
from asarm_tools.training.run_folder import check_start
from asarm_tools.training.trainer import Trainer
from asarm_tools.training.validation import Validation


def main(clock: Callable[[], float] = time.monotonic) -> None:
    options = parse_options()
    shares = parse_shares(options.train)
    check_start(options.output, options.resume)
    torch.set_num_threads(options.threads)
    tokenizer = load_tokenizer(options.tokenizer)
    if options.open_gaps and tokenizer.piece_to_id("<eop>") != EOP_ID:
        raise InputError(f"--open-gaps needs a tokenizer with <eop> as {EOP_ID}, as tokenizer.py makes them")
    config = TwoStreamConfig(tokenizer.vocab_size(), options.d_model, options.layers, options.heads, options.inner,
                             dropout=options.dropout)
    trainer = Trainer(options, config, say, clock)
    mixture = Mixture(shares, tokenizer)
    mixture.require(max(options.lengths))
    valid = {path: PackedCorpus([path], tokenizer) for path in options.valid}
    validation = Validation(valid, max(options.lengths), options.validation_windows, options.open_gaps > 0)
    os.makedirs(options.output, exist_ok=True)
    if options.resume:
        trainer.load()
    say(f"{sum(p.numel() for p in trainer.model.parameters())} parameters, {mixture.tokens} training tokens, "
        f"{trainer.schedule.describe(trainer.step)}")
    for line in mixture.describe():
        say(line)
    if mixture.changes:
        say(f"the final part begins with {trainer.schedule.describe_final()}")
    trainer.run(mixture, validation)


def say(line: str) -> None:
    print(line, flush=True)


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
