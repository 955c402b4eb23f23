"""What a draft head learns from: rows of a frozen network that miss the tokens before their target, beside the rows that see them.

A window of B has S positions, T targets in lattice order and Z wrong tokens: chains of tokens that a draft might have had, seen only by the rows behind
them, as after a rejection. All rows of all windows are one forward pass of the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from asarm_tools.gaps.orders import lattice_order
from asarm_tools.network.two_stream import TwoStreamModel, relative_encoding
from asarm_tools.ngrams.table_reader import NgramTable

NONE = -1  # no token there
MISSED = np.array([4, 3, 2.5, 2, 1.5, 1, 1, 1])  # how often a row misses 1, 2, ... tokens
ROWS_A_TARGET = 3
CHAIN = 3  # tokens of a chain of wrong ones
COLUMNS = ("before_1", "before_2", "rejected", "before_3", "missed", "left_seen")


@dataclass(frozen=True)
class Rows:
    """states and oracles [N, S]: of the query of a row, and of the query of the same target that sees all ranks before it.

    columns int64 [N, 6]: the tokens one and two positions before the target and a rejected one that the row has seen there, then the token three
    positions before, how many ranks before the target the row misses, and whether it has seen the token before it.
    """

    states: Tensor
    oracles: Tensor
    columns: Tensor

    @property
    def context(self) -> Tensor:
        return self.columns[:, :3]

    def column(self, name: str) -> Tensor:
        return self.columns[:, COLUMNS.index(name)]

    def take(self, index: Tensor) -> Rows:
        return Rows(self.states[index].float(), self.oracles[index].float(), self.columns[index])


class RowMaker:
    """Rows of random targets of windows; wrong tokens follow the text by the pairs of an n-gram table, or are drawn from the text itself."""

    def __init__(self, model: TwoStreamModel, table: NgramTable | None, targets: int = 20, chains: int = 5):
        self.model, self.table, self.targets, self.chains = model, table, targets, chains

    @torch.no_grad()
    def make(self, generator: np.random.Generator, tokens: np.ndarray, positions: np.ndarray) -> Rows:
        """tokens [B, S]; positions [B, T], ascending."""
        windows = [self._window(generator, *window) for window in zip(tokens, positions)]
        longest = max(len(window.targets) for window in windows)
        content = torch.from_numpy(np.stack([window.content for window in windows]))
        places = torch.from_numpy(np.stack([window.places for window in windows]))
        targets = torch.from_numpy(np.stack([np.pad(window.targets, (0, longest - len(window.targets))) for window in windows]))
        visible = torch.from_numpy(np.stack([window.visibility(longest) for window in windows]))
        states = query_states(self.model, content, places, targets, visible)
        found = [(states[number, window.rows], states[number, window.oracles], torch.tensor(window.columns)) for number, window in enumerate(windows)]
        return Rows(*(torch.cat(parts) for parts in zip(*found)))

    def _window(self, generator: np.random.Generator, tokens: np.ndarray, positions: np.ndarray) -> _Window:
        chains = self.chains if len(positions) > CHAIN + 1 else 0
        window = _Window(tokens, positions, chains * CHAIN)
        for target in np.sort(generator.permutation(len(positions))[:self.targets]):
            for missed in 1 + generator.choice(len(MISSED), ROWS_A_TARGET, replace=False, p=MISSED / MISSED.sum()):
                window.add(int(target), max(0, int(target - missed)))
        for chain in range(chains):
            self._add_chain(generator, window, len(tokens) + chain * CHAIN, int(generator.integers(0, len(positions) - CHAIN)))
        return window

    def _add_chain(self, generator: np.random.Generator, window: _Window, begin: int, first: int) -> None:
        """Wrong tokens for the targets from `first` on, each after the one before; rows of the targets behind them."""
        for step in range(CHAIN):
            position = window.positions[first + step]
            follows = step > 0 and window.positions[first + step - 1] == position - 1
            before = window.content[begin + step - 1] if follows else window.tokens[position - 1] if position else NONE
            window.content[begin + step] = self._wrong_token(generator, window.tokens, int(before))
            window.places[begin + step] = position
            window.visible[begin + step, :len(window.order)] = window.order < window.given + first
            window.visible[begin + step, begin:begin + step + 1] = True
            window.add(first + step + 1, first, np.arange(begin, begin + step + 1))

    def _wrong_token(self, generator: np.random.Generator, tokens: np.ndarray, before: int) -> int:
        drawn = self.table.draw_after(before, generator.random(2)) if self.table is not None and before != NONE else None
        return int(generator.choice(tokens)) if drawn is None else drawn


@dataclass
class _Window:
    """The rows of one window; content and places [S + Z], visible [S + Z, S + Z]."""

    tokens: np.ndarray
    positions: np.ndarray
    wrong: int
    asked: list[int] = field(default_factory=list)  # positions of queries
    masks: list[np.ndarray] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    oracles: list[int] = field(default_factory=list)
    columns: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        length = len(self.tokens)
        prompt = np.ones(length, np.int64)
        prompt[self.positions] = 0
        self.order, self.given = lattice_order(prompt[None])[0], length - len(self.positions)
        self.content = np.concatenate((self.tokens, np.zeros(self.wrong, np.int64)))
        self.places = np.concatenate((np.arange(length), np.zeros(self.wrong, np.int64)))
        self.visible = np.zeros((length + self.wrong, length + self.wrong), bool)
        self.visible[:length, :length] = (self.order[None] <= self.order[:, None]) | ((prompt[:, None] * prompt[None]) > 0)
        self.answers: dict[int, int] = {}  # the query that sees all earlier ranks, by target

    @property
    def targets(self) -> np.ndarray:
        return np.array(self.asked, np.int64)

    def add(self, target: int, horizon: int, wrong: np.ndarray | None = None) -> None:
        """A row for a target that sees the targets below the horizon, and wrong tokens for those behind it."""
        if target >= len(self.positions) or horizon >= target:
            return
        if target not in self.answers:
            self.answers[target] = self._ask(target, target, None)
        position = int(self.positions[target])
        self.oracles.append(self.answers[target])
        self.rows.append(self._ask(target, horizon, wrong))
        rejected = NONE if wrong is None or self.places[wrong[-1]] != position - 1 else int(self.content[wrong[-1]])
        before = [int(self.tokens[position - back]) if position >= back else NONE for back in (1, 2, 3)]
        seen = int(position == 0 or self.order[position - 1] < self.given + horizon)
        self.columns.append([before[0], before[1], rejected, before[2], target - horizon, seen])

    def visibility(self, queries: int) -> np.ndarray:
        """bool [S + Z + queries, S + Z]; rows beyond those asked see the first position, and nobody reads them."""
        unused = np.zeros((queries - len(self.masks), len(self.content)), bool)
        unused[:, 0] = True
        return np.concatenate((self.visible, np.array(self.masks, bool).reshape(-1, len(self.content)), unused))

    def _ask(self, target: int, horizon: int, wrong: np.ndarray | None) -> int:
        mask = np.zeros(len(self.content), bool)
        mask[:len(self.tokens)] = self.order < self.given + horizon
        if wrong is not None:
            mask[wrong] = True
        self.masks.append(mask)
        self.asked.append(int(self.positions[target]))
        return len(self.asked) - 1


def query_states(model: TwoStreamModel, tokens: Tensor, places: Tensor, target_places: Tensor, visible: Tensor) -> Tensor:
    """[B, T, S] before the output layer: tokens [B, C] at places [B, C], of which several may have one place; visible [B, C + T, C]."""
    content = model.transformer.word_embedding(tokens)
    query = model.transformer.mask_emb.expand(*target_places.shape, -1)
    count = tokens.shape[1]
    distance = torch.cat((places, target_places), 1)[:, :, None] - places[:, None]
    encoding = relative_encoding(count, model.config, content)
    for layer in model.transformer.layer[:-1]:
        rows = layer(torch.cat((content, query), 1), content, encoding, distance, visible)
        content, query = rows[:, :count], rows[:, count:]
    return model.transformer.layer[-1](query, content, encoding, distance[:, count:], visible[:, count:])
