"""Sequences that are decided round by round, and a runtime's side of the graph with the cache: what it keeps and what it hands over."""

from dataclasses import dataclass

import numpy as np
import torch

from asarm_tools.network.cached import CACHED_INPUTS

NOBODY = 2 ** 31 - 1  # a rank past every horizon
KINDS = ("lattice", "random", "right to left")


@dataclass(frozen=True)
class Call:
    """What one sequence asks, and the ranks whose tokens are encoded on the way; further ranks come from the cache."""

    ranks: np.ndarray  # [T]
    horizons: np.ndarray  # [T]
    rows: np.ndarray  # [C]
    past: np.ndarray  # [P] the rank at each position, or NOBODY


class Sequence:
    """Tokens by position. Ranks below `decided` stay, further ones below `known` are draft tokens; ranks below `cached` have been encoded."""

    def __init__(self, generator: np.random.Generator, kind: str, length: int, vocabulary: int):
        self.generator, self.vocabulary, self.length = generator, vocabulary, length
        self.given = self.decided = self.known = int(generator.integers(1, length))
        self.cached = self.replaced = 0
        places = generator.permutation(length)
        unknown = places[self.given:] if kind == "random" else np.sort(places[self.given:])
        self.positions = np.concatenate((places[:self.given], unknown[::-1] if kind == "right to left" else unknown))  # by rank
        self.order = np.argsort(self.positions)
        self.tokens = generator.integers(0, vocabulary, length)

    def move(self) -> None:
        """Drafts tokens, other ones than before; or accepts some of the draft tokens and commits another token after them; or nothing."""
        move = self.generator.integers(4)
        if move <= 1:
            self.known = min(self.length, self.decided + int(self.generator.integers(1, 5)))
            for rank in range(self.decided, self.known):
                self.replace(rank)
        elif move == 2:
            self.decided += int(self.generator.integers(0, self.known - self.decided + 1))
            if self.decided < self.known:
                self.replace(self.decided)
                self.decided += 1
            self.known = self.decided

    def replace(self, rank: int) -> None:
        place = self.positions[rank]
        self.tokens[place] = (self.tokens[place] + self.generator.integers(1, self.vocabulary)) % self.vocabulary
        self.replaced += rank < self.cached
        self.forget(rank)

    def forget(self, rank: int) -> None:
        """What the cache holds of this rank and of those that saw it is void."""
        self.cached = min(self.cached, rank)

    def question(self) -> tuple[np.ndarray, np.ndarray]:
        """Ranks and horizons: a draft of what is undecided, an oracle about what is proposed, or any ranks under any horizons."""
        kind = self.generator.integers(3)
        if kind == 0 and self.decided < self.length:
            ranks = np.arange(self.decided, min(self.length, self.decided + 4))
            horizons = np.full_like(ranks, self.decided)
        elif kind == 1 and self.decided < self.length:
            horizons = ranks = np.arange(self.decided, min(self.length, self.known + 1))
        else:
            ranks = self.generator.integers(self.given, self.length, self.generator.integers(1, 6))
            horizons = self.generator.integers(self.given, np.minimum(ranks, self.known) + 1)
        mixed = self.generator.permutation(ranks.size)
        return ranks[mixed], horizons[mixed]

    def call(self, room: int) -> Call:
        """A question with the rows that the cache lacks, and now and then some that it has: all given ones, or some after those."""
        ranks, horizons = self.question()
        end = int(self.generator.choice((horizons.max(), self.known)))
        first = min(self.cached, end - 1)
        if first < self.given - 1 or self.generator.integers(8) == 0:
            first = 0  # given tokens see each other
        elif self.generator.integers(4) == 0:
            first = int(self.generator.integers(self.given - 1, first + 1))
        rows = self.generator.permutation(np.arange(first, end))
        past = np.full(room, NOBODY)
        held = np.setdiff1d(np.arange(self.cached), rows)
        past[self.positions[held]] = held
        self.cached = max(self.cached, end)
        return Call(ranks, horizons, rows, past)

    def padded(self, call: Call, content: int, targets: int) -> dict[str, np.ndarray]:
        """The call as inputs of the graph. A padding row sees what is given and is seen by nobody; a spare target repeats the first."""
        more = content - call.rows.size
        rows = np.concatenate((call.rows, np.zeros(more, np.int64)))
        spare = (0, targets - call.ranks.size)
        ranks, horizons = (np.pad(part, spare, constant_values=part[0]) for part in (call.ranks, call.horizons))
        places = self.positions[rows]
        inputs = (self.tokens[places], places, np.concatenate((call.rows, np.full(more, NOBODY))), np.maximum(self.given, rows + 1),
                  self.positions[ranks], horizons, call.past)
        return dict(zip(CACHED_INPUTS, inputs))


class Forgetful(Sequence):
    """A broken runtime: takes the keys of a rejected token for those of the token in its place."""

    def forget(self, rank: int) -> None:
        pass


class Cache:
    """Keys and values [B, H, P, D] of all layers by position, with anything where nobody has written."""

    def __init__(self, config, batch: int, room: int):
        generator = torch.Generator().manual_seed(1)
        shape = (batch, config.n_head, room, config.d_head)
        self.ports = [1e4 * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2 * config.n_layer)]

    @torch.no_grad()
    def ask(self, model, sequences: list[Sequence], calls: list[Call], change=lambda inputs, sequences: None) -> list[torch.Tensor]:
        """Logits [T, V] of each sequence's call; puts the new rows into their places."""
        content, targets = max(call.rows.size for call in calls), max(call.ranks.size for call in calls)
        rows = [sequence.padded(call, content, targets) for sequence, call in zip(sequences, calls)]
        inputs = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in CACHED_INPUTS}
        change(inputs, sequences)
        past = inputs["past_ranks"].shape[1]
        logits, *present = model(*inputs.values(), *(port[:, :, :past] for port in self.ports))
        for port, new in zip(self.ports, present):
            for row, (sequence, call) in enumerate(zip(sequences, calls)):
                port[row, :, sequence.positions[call.rows]] = new[row, :call.rows.size].transpose(0, 1)
        return [logits[row, :call.ranks.size] for row, call in enumerate(calls)]


@torch.no_grad()
def stateless_answer(model, sequence: Sequence, call: Call) -> torch.Tensor:
    """Logits [T, V] of the network that encodes the whole sequence anew."""
    prompt = (sequence.order < sequence.given).astype(np.int64)
    inputs = (sequence.tokens, sequence.order, prompt, sequence.positions[call.ranks], call.horizons)
    return model(*(torch.from_numpy(part)[None] for part in inputs))[0]


def play(model, cached, sequences: list[Sequence], room: int, calls: int, change=lambda inputs, sequences: None) -> float:
    """The worst difference between both networks over calls of all the sequences at once, each with moves of its own before."""
    cache, worst = Cache(model.config, len(sequences), room), 0.0
    for _ in range(calls):
        for sequence in sequences:
            sequence.move()
        asked = [sequence.call(room) for sequence in sequences]
        answers = cache.ask(cached, sequences, asked, change)
        for sequence, call, logits in zip(sequences, asked, answers):
            worst = max(worst, (logits - stateless_answer(model, sequence, call)).abs().max().item())
    return worst
