"""The command line of train.py; a preset gives other defaults, and what is given explicitly wins."""

from __future__ import annotations

import argparse
import os

import torch

PRESETS = {
    "tiny-test": dict(d_model=32, layers=2, heads=2, inner=64, lengths=[16, 32], tokens_per_step=512, steps=60, warmup=10,
                      decay_steps=20, rate_warmup=20, validate_every=30, save_every=30, learning_rate=5e-3, threads=1),
    "small-cpu": dict(),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train.py", description="Trains a small AS-ARM on random lattice orders.")
    parser.add_argument("--preset", choices=PRESETS, default="small-cpu")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--train", nargs="+", required=True, metavar="TEXT")
    parser.add_argument("--train-final", nargs="+", metavar="TEXT", help="texts that are used alone in the final steps")
    parser.add_argument("--final-fraction", type=float, help="share of the steps that are final (default: those of the decay)")
    parser.add_argument("--valid", required=True, metavar="TEXT")
    parser.add_argument("--output", required=True, metavar="RUN")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action="store_true", help="matrix products in bfloat16")
    parser.add_argument("--compile", action="store_true", help="torch.compile (PyTorch 2.x)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    numbers = dict(d_model=256, layers=4, heads=4, inner=640, tokens_per_step=2048, steps=10000, warmup=300, decay_steps=3000,
                   rate_warmup=2000, validate_every=500, save_every=250, report_every=10, validation_windows=64, patience=0)
    reals = dict(learning_rate=2e-3, weight_decay=0.05, dropout=0.0, average_decay=0.998)
    for name, value in numbers.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    for name, value in reals.items():
        parser.add_argument("--" + name.replace("_", "-"), type=float, default=value)
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 32, 64, 128, 128], help="window lengths, drawn evenly")
    parser.add_argument("--rates", type=float, nargs=2, default=[0.05, 0.99], help="final range of the share of unknown tokens")
    known, _ = parser.parse_known_args()
    parser.set_defaults(**PRESETS[known.preset])
    arguments = parser.parse_args()
    if arguments.compile and not hasattr(torch, "compile"):
        parser.error("--compile needs PyTorch 2")
    if arguments.final_fraction is None:
        arguments.final_fraction = min(1.0, arguments.decay_steps / max(1, arguments.steps))
    if not 0 <= arguments.final_fraction <= 1:
        parser.error("--final-fraction must be from 0 to 1")
    return arguments
