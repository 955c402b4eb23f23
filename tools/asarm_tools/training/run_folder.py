"""What a training run leaves in its folder: last.pt for --resume, and the averaged models `checkpoint` and `best`."""

from __future__ import annotations

import os
import shutil

import torch

from asarm_tools.checkpoints.data_pickles import load_data
from asarm_tools.checkpoints.torch_model import write_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.command_line.whole_files import whole_file
from asarm_tools.network.two_stream import TwoStreamModel

PARTS = ("model", "average", "optimiser", "step", "seen", "best", "stale")


class RunFolder:
    """recipe: what a resumed run must have in common with the interrupted one, by name."""

    def __init__(self, path: str, recipe: dict[str, int]):
        self.path, self.recipe = path, recipe
        self.last = os.path.join(path, "last.pt")

    def write_last(self, state: dict) -> None:
        with whole_file(self.last) as part:
            torch.save({**state, "recipe": self.recipe}, part)

    def read_last(self) -> dict:
        """The state of PARTS, on the CPU; files of earlier versions hold no recipe."""
        try:
            state = load_data(self.last)
        except Exception as error:  # a broken pickle may fail in any way
            raise InputError(f"{self.last} is cut off or no state of a run: {error}") from error
        if not isinstance(state, dict) or any(name not in state for name in PARTS):
            raise InputError(f"{self.last} is no state of a run")
        recipe = state.get("recipe", {})
        for name, here in self.recipe.items():
            if recipe.get(name, here) != here:
                raise InputError(f"{self.last} is of a run with {name} {recipe[name]}, this one has {here}")
        return state

    def write_model(self, name: str, model: TwoStreamModel, **extra: object) -> None:
        write_model(os.path.join(self.path, name), model, **extra)

    def has_best(self) -> bool:
        return os.path.exists(os.path.join(self.path, "best", "config.json"))

    def choose_best(self) -> None:
        """Makes `best` the checkpoint."""
        for name in ("model.safetensors", "config.json"):
            with whole_file(os.path.join(self.path, "checkpoint", name)) as part:
                shutil.copyfile(os.path.join(self.path, "best", name), part)


def check_start(path: str, resume: bool) -> None:
    """A new run never writes over an earlier one."""
    last = os.path.join(path, "last.pt")
    if resume and not os.path.exists(last):
        raise InputError(f"{last} is missing: nothing to resume")
    if not resume and os.path.exists(last):
        raise InputError(f"{last} is of an earlier run: go on with --resume, or take another --output")
