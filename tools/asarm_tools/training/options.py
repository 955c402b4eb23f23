"""The command line of train.py; a preset gives other defaults, and what is given explicitly wins."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass, fields
from typing import Any

import torch

from asarm_tools.command_line.failure import InputError
from asarm_tools.gaps.open_gaps import LEAST_LENGTH
from asarm_tools.gaps.orders import KIND_NAMES
from asarm_tools.training.presets import DEFAULTS, PRESETS

AT_LEAST_1 = ("threads", "batch_threads", "d_model", "layers", "heads", "inner", "tokens_per_step", "steps", "validate_every", "save_every",
              "report_every", "validation_windows")
AT_LEAST_0 = ("seed", "warmup", "decay_steps", "rate_warmup", "patience", "learning_rate", "weight_decay", "kinds", "minutes")
SHARES = ("dropout", "average_decay", "decay_fraction", "final_fraction", "rates", "low_rates", "open_gaps")
PROGRAM = "train.py"
BUDGET = ("steps", "minutes", "decay_steps", "decay_fraction")  # what is given decides which of the preset's hold


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What a step's batch follows from, beside its number and the texts."""

    seed: int
    device: str
    tokens_per_step: int
    lengths: tuple[int, ...]  # of windows, drawn evenly
    rates: tuple[float, float]  # final range of the share of unknown tokens
    rate_warmup: int  # steps until the range is that one
    low_rates: tuple[float, float]  # that share of the steps stays below that rate
    kinds: tuple[float, ...]  # weights of the kinds of gaps
    open_gaps: float  # share of the windows


@dataclass(frozen=True, kw_only=True)
class ScheduleOptions:
    """Where a run ends, by steps or by the clock, and the learning rate on the way there."""

    steps: int | None
    minutes: float | None
    warmup: int
    decay_fraction: float
    final_fraction: float


@dataclass(frozen=True, kw_only=True)
class TrainOptions(BatchOptions, ScheduleOptions):
    """All options of a run, checked and settled."""

    tokenizer: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    output: str
    resume: bool
    init: str | None
    d_model: int
    layers: int
    heads: int
    inner: int
    dropout: float
    learning_rate: float
    weight_decay: float
    average_decay: float
    bf16: bool
    compile: bool
    threads: int
    batch_threads: int
    validate_every: int
    save_every: int
    report_every: int
    validation_windows: int
    patience: int


def parse_options() -> TrainOptions:
    """Those of the command line, and of the preset."""
    parser = make_parser()
    known, _ = parser.parse_known_args()
    usual = {**DEFAULTS, **PRESETS[known.preset]}
    parser.set_defaults(**{name: value for name, value in usual.items() if name not in BUDGET})
    given = vars(parser.parse_args())
    check_numbers(given)
    settled = {**given, **budget(given, usual)}
    if given["init"] is not None and given["resume"]:
        raise InputError("--init starts a run, --resume goes on with one: leave one of them out")
    check_device(given["device"])
    if given["compile"] and not hasattr(torch, "compile"):
        raise InputError("--compile needs PyTorch 2")
    if given["batch_threads"] is None:
        settled["batch_threads"] = 4 if torch.device(given["device"]).type == "cuda" else 1
    values = {field.name: settled[field.name] for field in fields(TrainOptions)}
    return TrainOptions(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Trains a small AS-ARM on random lattice orders.")
    parser.add_argument("--preset", choices=PRESETS, default="small-cpu")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--train", nargs="+", required=True, metavar="TEXT[=WEIGHT[:FINAL]]",
                        help="without weights windows are drawn by size; FINAL is the weight in the final part of the run")
    parser.add_argument("--final-fraction", type=float, help="share of the run that is final (default: that of the decay)")
    parser.add_argument("--valid", nargs="+", required=True, metavar="TEXT")
    parser.add_argument("--output", required=True, metavar="RUN")
    parser.add_argument("--resume", action="store_true", help="go on with the run of --output")
    parser.add_argument("--init", metavar="DIR", help="start from the weights of this checkpoint")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="matrix products in bfloat16")
    parser.add_argument("--compile", action="store_true", help="torch.compile (PyTorch 2.x)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--batch-threads", type=int, help="threads that prepare batches (default: 4 for a GPU, else 1)")
    parser.add_argument("--steps", type=int, help="where the run ends")
    parser.add_argument("--minutes", type=float, help="end by the clock instead: of the steps, without the last validation")
    parser.add_argument("--decay-steps", type=int, help="the last steps, in which the learning rate falls to zero")
    parser.add_argument("--decay-fraction", type=float, help="the same as a share of the run")
    parser.add_argument("--lengths", type=int, nargs="+", help="window lengths, drawn evenly")
    parser.add_argument("--rates", type=float, nargs=2, metavar=("LOW", "HIGH"), help="final range of the share of unknown tokens")
    parser.add_argument("--low-rates", type=float, nargs=2, metavar=("SHARE", "RATE"), help="that share of the steps stays below that rate")
    parser.add_argument("--kinds", type=float, nargs=len(KIND_NAMES), metavar=KIND_NAMES, help="weights of the kinds of gaps")
    parser.add_argument("--open-gaps", type=float, metavar="SHARE", help="share of the windows with an open gap: its text, <eop>, then slots that nobody sees")
    own = {action.dest for action in parser._actions}
    for name, value in DEFAULTS.items():
        if name not in own:
            parser.add_argument("--" + name.replace("_", "-"), type=type(value))
    return parser


def budget(given: dict[str, Any], usual: dict[str, Any]) -> dict[str, float | None]:
    """Steps or minutes, and the decay and the final part as shares of them."""
    for one, other in (("steps", "minutes"), ("decay_steps", "decay_fraction"), ("minutes", "decay_steps")):
        if given[one] is not None and given[other] is not None:
            raise InputError(f"--{one} and --{other} do not go together: leave one of them out".replace("_", "-"))
    steps = usual["steps"] if given["minutes"] is None and given["steps"] is None else given["steps"]
    fraction = given["decay_fraction"]
    if fraction is None and given["decay_steps"] is not None:
        fraction = given["decay_steps"] / steps
    elif fraction is None:
        fraction = usual.get("decay_fraction")
        if fraction is None:
            fraction = usual["decay_steps"] / (usual["steps"] if steps is None else steps)
    final = given["final_fraction"]
    return {"steps": steps, "decay_fraction": fraction, "final_fraction": min(1.0, fraction) if final is None else final}


def check_numbers(given: dict[str, Any]) -> None:
    for names, low, high in ((AT_LEAST_1, 1, math.inf), (AT_LEAST_0, 0, math.inf), (SHARES, 0, 1), (("lengths",), 2, math.inf)):
        for name in names:
            found = given[name]
            for value in found if isinstance(found, list) else [found] if found is not None else []:
                if not (low <= value <= high and math.isfinite(value)):
                    limits = f"at least {low}" if high == math.inf else f"from {low} to {high}"
                    raise InputError(f"--{name.replace('_', '-')} must be {limits}, it is {value}")
    if given["rates"][0] > given["rates"][1]:
        raise InputError("--rates must be a low and a high one, in this order")
    if given["minutes"] == 0:
        raise InputError("--minutes must be above 0")
    if not sum(given["kinds"]):
        raise InputError("--kinds must have a weight above 0")
    if given["open_gaps"] and min(given["lengths"]) < LEAST_LENGTH:
        raise InputError(f"--open-gaps needs --lengths of at least {LEAST_LENGTH}")
    if given["d_model"] % 2 or given["d_model"] % given["heads"]:
        raise InputError(f"--d-model must be even and a multiple of --heads, it is {given['d_model']} with {given['heads']} heads")


def check_device(name: str) -> None:
    try:
        torch.zeros(1, device=name).item()
    except Exception as error:  # each kind of device fails in its own way
        raise InputError(f"--device {name} is not available: {str(error)[:200]}") from error
