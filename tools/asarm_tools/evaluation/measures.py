"""What is measured of a network: nats of a joint, acceptance of drafts, accuracy of single tokens."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from asarm_tools.evaluation.cases import BATCH, Case
from asarm_tools.gaps.orders import IGNORED, lattice_batch
from asarm_tools.network.config import MODEL_INPUTS


@torch.no_grad()
def joint_nats(model: torch.nn.Module, batches: list[dict[str, torch.Tensor]]) -> float:
    """Mean of -log p(token | earlier ranks) over all targets that count."""
    model.eval()
    device = next(model.parameters()).device
    total, count = 0.0, 0
    for batch in batches:
        logits = model(*(batch[name].to(device) for name in MODEL_INPUTS)).float()
        total += F.cross_entropy(logits.flatten(0, 1), batch["labels"].to(device).flatten(), ignore_index=IGNORED, reduction="sum").item()
        count += int((batch["labels"] != IGNORED).sum())
    return total / count


@torch.no_grad()
def second_draft_acceptance(model: torch.nn.Module, case: Case, banned: list[int]) -> float:
    """Mean over windows of sum_x min(p(x), q(x)): how often a round's second draft survives at temperature 1.

    A round starts at a random target rank n of each window, the earlier targets being the text's own. p is the draft for rank
    n + 1 at horizon n; q the oracle for it at horizon n + 1, after the draft for rank n was sampled from its own p.
    """
    model.eval()
    windows, targets = case.positions.shape
    generator = np.random.default_rng(targets)
    first, uniform = generator.integers(0, targets - 1, windows), generator.random(windows)
    accepted = []
    for i in range(0, windows, BATCH):
        batch = lattice_batch(case.windows[i:i + BATCH], case.positions[i:i + BATCH])
        pair = torch.from_numpy(first[i:i + BATCH, None] + np.arange(2))
        positions, ranks = (batch[name].gather(1, pair) for name in ("target_positions", "target_horizons"))
        draft = probabilities(model, batch, positions, ranks[:, :1].expand(-1, 2), banned)
        sample = draw(draft[:, 0], torch.from_numpy(uniform[i:i + BATCH]))
        batch["input_ids"] = batch["input_ids"].scatter(1, positions[:, :1], sample)
        oracle = probabilities(model, batch, positions[:, 1:], ranks[:, 1:], banned)
        accepted.append(torch.minimum(draft[:, 1], oracle[:, 0]).sum(1))
    return torch.cat(accepted).mean().item()


@torch.no_grad()
def top_accuracy(model: torch.nn.Module, case: Case, banned: list[int]) -> float:
    """Share of targets whose own token is the most probable one."""
    model.eval()
    hits = [probabilities(model, batch, batch["target_positions"], batch["target_horizons"], banned).argmax(2) == batch["labels"]
            for batch in case.batches()]
    return torch.cat(hits).double().mean().item()


def probabilities(model: torch.nn.Module, batch: dict[str, torch.Tensor], positions: torch.Tensor, horizons: torch.Tensor,
                  banned: list[int]) -> torch.Tensor:
    """float64 [B, T, V] on the CPU for positions [B, T] at horizons [B, T]; banned tokens have none."""
    device = next(model.parameters()).device
    inputs = (batch["input_ids"], batch["order"], batch["prompt_mask"], positions, horizons)
    logits = model(*(tensor.to(device) for tensor in inputs)).cpu().double()
    logits[..., banned] = -torch.inf
    return logits.softmax(2)


def draw(probability: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """[B, V] and uniform [B] in [0, 1) -> tokens [B, 1]; never one without probability."""
    running = probability.cumsum(1)
    return torch.searchsorted(running, (uniform * running[:, -1])[:, None].contiguous(), right=True)
