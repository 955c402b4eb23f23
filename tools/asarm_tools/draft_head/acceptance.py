"""How often drafts of each source would be accepted, by how many tokens before the target a row misses: sum_x min(p~(x), q(x))."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from asarm_tools.draft_head.network import DraftHead
from asarm_tools.draft_head.rows import NONE, Rows
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.ngrams.table_reader import NgramTable

BATCH = 512
EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of n-gram odds beside the head
MISSED = ((1, 1), (2, 2), (3, 3), (4, 4), (5, math.inf))
UNLIKELY = 1 / 512  # beyond the shortlist of the runtime


class Acceptance:
    """Sums of acceptances by source and by group of rows: missed tokens 1, 2, 3, 4, more; rows behind a rejection; rows that have seen the token before."""

    def __init__(self) -> None:
        self.values: dict[str, list[Tensor]] = {}
        self.groups: list[Tensor] = []

    def means(self, source: str) -> list[float]:
        """By group, then over the rows that have not seen the token before."""
        values, groups = torch.cat(self.values[source]), torch.cat(self.groups)
        return [float(values[groups == group].mean()) for group in range(len(MISSED) + 2)] + [float(values[groups <= len(MISSED)].mean())]


def measure(model: TwoStreamModel, head: DraftHead, rows: Rows, table: NgramTable | None, temperature: float, banned: list[int]) -> Acceptance:
    """Of the row, n-grams, the product of both, the head, and the head with n-grams to several powers, all at one temperature."""
    found = Acceptance()
    for index in torch.arange(len(rows.columns)).split(BATCH):
        part = rows.take(index)
        found.groups.append(_groups(part))
        with torch.no_grad():
            for name, draft, answer in _drafts(model, head, part, table, temperature, banned):
                found.values.setdefault(name, []).append(torch.minimum(draft, answer).sum(1))
    return found


def best_exponent(found: Acceptance) -> float:
    """Of those measured, the one with the highest acceptance over the rows that have not seen the token before."""
    return max(EXPONENTS, key=lambda exponent: found.means(_with_ngrams(exponent))[-1] if _with_ngrams(exponent) in found.values else -1.0)


def _with_ngrams(exponent: float) -> str:
    return f"head, n-grams to {exponent:g}" if exponent else "head"


def _drafts(model: TwoStreamModel, head: DraftHead, rows: Rows, table: NgramTable | None, temperature: float,
            banned: list[int]) -> Iterator[tuple[str, Tensor, Tensor]]:
    def logits(states: Tensor) -> Tensor:
        found = model.logits(states[None])[0] / temperature
        found[:, banned] = -torch.inf
        return found

    answer, row = logits(rows.oracles).softmax(1), logits(rows.states).softmax(1)
    yield "row", row, answer
    odds = None if table is None else odds_of(table, rows)
    if table is not None and odds is not None:
        single = torch.tensor(table.own[0], dtype=torch.float32).clamp(min=1e-12).log()
        single[banned] = -torch.inf
        ngrams = (single + odds) / temperature
        yield "n-grams", ngrams.softmax(1), answer
        yield "product", (ngrams + 0.5 * row.clamp(min=1e-30).log() - 0.5 * single / temperature).nan_to_num(-torch.inf).softmax(1), answer
    correction = head(rows.states, rows.context) @ head.output_embedding.t() / temperature
    for exponent in EXPONENTS if odds is not None else EXPONENTS[:1]:
        yield _with_ngrams(exponent), _shortlisted(row, correction if odds is None else correction + exponent * odds / temperature, odds, temperature), answer


def _shortlisted(row: Tensor, correction: Tensor, odds: Tensor | None, temperature: float) -> Tensor:
    """About as the runtime does it: tokens that are unlikely by the row, and of no high odds by n-grams, share the mean correction of the others."""
    likely = row >= UNLIKELY
    if odds is not None:
        likely |= (odds / temperature > math.log(20)) & (row > 0)
    mass = torch.where(likely, row, 0)
    mean = (mass * correction).sum(1, keepdim=True) / mass.sum(1, keepdim=True).clamp(min=1e-30)
    return (row.log() + torch.where(likely, correction, mean)).softmax(1)


def odds_of(table: NgramTable, rows: Rows) -> Tensor:
    """[N, V] logarithms of the odds of n-grams."""
    contexts = torch.stack([rows.column(name) for name in ("before_3", "before_2", "before_1")], 1).tolist()
    return torch.from_numpy(np.log(np.stack([table.odds([token for token in context if token != NONE]) for context in contexts]))).float()


def _groups(rows: Rows) -> Tensor:
    missed = rows.column("missed").clamp(max=len(MISSED)) - 1
    groups = torch.where(rows.column("rejected") != NONE, len(MISSED), missed)
    return torch.where(rows.column("left_seen") > 0, len(MISSED) + 1, groups)
