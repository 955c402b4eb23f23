"""Steps that are not finite: noticed every few steps, so that the device is not waited for in each, and undone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from asarm_tools.command_line.failure import InputError

CHECK_EVERY = 20
MOST_RECOVERIES = 5


class Recovery:
    """Loss and gradient norm of every step stay on the device until a check; a finite norm means finite weights after the step.

    The averaged weights of the last good check are kept. A bad check puts them back into the model and its average, clears
    moments that are not finite, and halves the learning rate (`scale`); after MOST_RECOVERIES it gives up.
    """

    def __init__(self, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer):
        self.model, self.average, self.optimiser = model, average, optimiser
        self.count = 0
        self.losses: list[Tensor] = []
        self.unchecked: list[tuple[Tensor, Tensor]] = []
        self.kept = [parameter.detach().clone() for parameter in average.parameters()]

    @property
    def scale(self) -> float:
        return 0.5 ** self.count

    def record(self, loss: Tensor, norm: Tensor) -> None:
        self.unchecked.append((loss, norm))

    def check(self, step: int) -> str | None:
        """After that many steps: a line that tells what was undone, if anything was."""
        if not self.unchecked:
            return None
        finite = torch.stack([torch.stack(pair) for pair in self.unchecked]).isfinite().all(1).tolist()
        good = len(finite) if all(finite) else finite.index(False)
        first = step - len(finite) + good + 1
        self.losses += [loss for loss, _ in self.unchecked[:good]]
        self.unchecked.clear()
        if good == len(finite):
            self.keep()
            return None
        if self.count == MOST_RECOVERIES:
            raise InputError(f"step {first} is not finite, after {self.count} recoveries, each of which halved the rate, as a resumed run goes on: begin again with a lower --learning-rate")
        self.count += 1
        self.restore()
        return (f"step {first} is not finite: back to the averaged weights, the learning rate times {self.scale:g} "
                f"(recovery {self.count} of at most {MOST_RECOVERIES})")

    def mean_loss(self) -> float:
        """Of the good steps since the last call."""
        mean = torch.stack(self.losses).mean().item() if self.losses else float("nan")
        self.losses = []
        return mean

    @torch.no_grad()
    def keep(self) -> None:
        for kept, parameter in zip(self.kept, self.average.parameters()):
            kept.copy_(parameter)

    @torch.no_grad()
    def restore(self) -> None:
        for module in (self.model, self.average):
            for parameter, kept in zip(module.parameters(), self.kept):
                parameter.copy_(kept)
        for state in self.optimiser.state.values():
            tensors = [value for value in state.values() if isinstance(value, Tensor)]
            if not all(bool(tensor.isfinite().all()) for tensor in tensors):
                for tensor in tensors:  # both moments and the count of steps: one moment alone would mislead the other
                    tensor.zero_()
