"""The command line of train.py; a preset gives other defaults, and what is given explicitly wins."""

from __future__ import annotations

import argparse
import math
import os

import torch

from failure import InputError

PRESETS = {
    "tiny-test": dict(d_model=32, layers=2, heads=2, inner=64, lengths=[16, 32], tokens_per_step=512, steps=60, warmup=10,
                      decay_steps=20, rate_warmup=20, validate_every=30, save_every=30, learning_rate=5e-3, threads=1),
    "small-cpu": dict(),
}
AT_LEAST_1 = ("threads", "d_model", "layers", "heads", "inner", "tokens_per_step", "steps", "validate_every", "save_every",
              "report_every", "validation_windows")
AT_LEAST_0 = ("seed", "warmup", "decay_steps", "rate_warmup", "patience", "learning_rate", "weight_decay")
SHARES = ("dropout", "average_decay", "final_fraction", "rates")


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
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
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
    if arguments.final_fraction is None:
        arguments.final_fraction = min(1.0, arguments.decay_steps / max(1, arguments.steps))
    check_numbers(arguments)
    check_device(arguments.device)
    if arguments.compile and not hasattr(torch, "compile"):
        raise InputError("--compile needs PyTorch 2")
    return arguments


def check_numbers(arguments: argparse.Namespace) -> None:
    for names, low, high in ((AT_LEAST_1, 1, math.inf), (AT_LEAST_0, 0, math.inf), (SHARES, 0, 1), (("lengths",), 2, math.inf)):
        for name in names:
            given = getattr(arguments, name)
            for value in given if isinstance(given, list) else [given]:
                if not (low <= value <= high and math.isfinite(value)):
                    limits = f"at least {low}" if high == math.inf else f"from {low} to {high}"
                    raise InputError(f"--{name.replace('_', '-')} must be {limits}, it is {value}")
    if arguments.rates[0] > arguments.rates[1]:
        raise InputError("--rates must be a low and a high one, in this order")
    if arguments.d_model % 2 or arguments.d_model % arguments.heads:
        raise InputError(f"--d-model must be even and a multiple of --heads, it is {arguments.d_model} with {arguments.heads} heads")


def check_device(name: str) -> None:
    try:
        torch.zeros(1, device=name).item()
    except Exception as error:  # each kind of device fails in its own way
        raise InputError(f"--device {name} is not available: {str(error)[:200]}") from error
