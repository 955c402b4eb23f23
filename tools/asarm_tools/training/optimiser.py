"""AdamW and the average of the weights, with PyTorch's fused kernels where there are some."""

from __future__ import annotations

import inspect

import torch
from torch import nn


def make_optimiser(model: nn.Module, weight_decay: float, device: torch.device) -> torch.optim.AdamW:
    """Weight decay on matrices only."""
    parameters = list(model.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
              {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0}]
    fused = {"fused": True} if device.type == "cuda" and _has_fused() else {}
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), eps=1e-8, **fused)


def _has_fused() -> bool:
    return "fused" in inspect.signature(torch.optim.AdamW).parameters


def load_state(optimiser: torch.optim.Optimizer, state: dict) -> None:
    """The state of a run on any device: whether kernels are fused is this device's affair."""
    for group in state["param_groups"]:
        if "fused" in group or _has_fused():
            group["fused"] = optimiser.param_groups[0].get("fused")
    optimiser.load_state_dict(state)


@torch.no_grad()
def update_average(average: list[nn.Parameter], current: list[nn.Parameter], step: int, decay: float) -> None:
    """Exponential moving average; its memory grows with the steps done, up to the given decay."""
    weight = 1 - min(decay, step / (step + 10))
    if hasattr(torch, "_foreach_lerp_"):
        torch._foreach_lerp_(average, current, weight)
        return
    for kept, new in zip(average, current):
        kept.lerp_(new, weight)
