"""Sequences that are decided round by round, and a runtime's side of the graph with the cache: what it keeps and what it hands over."""

from dataclasses import dataclass

import numpy as np
import torch

from asarm_tools.graphs.contract import CACHED_INPUTS, TARGET_STATES, cache_ports

NOBODY = 2 ** 31 - 1  # a rank past every horizon
STEP = 16  # the cache has a multiple of so many positions
KINDS = ("lattice", "random", "right to left")


@dataclass(frozen=True)
class Call:
    """What one sequence asks, and the ranks whose tokens are encoded on the way; further ranks come from the cache."""

    ranks: np.ndarray  # [T]
    horizons: np.ndarray  # [T]
    rows: np.ndarray  # [C]
    past: np.ndarray  # [P] the rank at each position, with these rows in place, or NOBODY; the last position is spare


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
        self.cached = max(self.cached, end)
        return Call(ranks, horizons, rows, self.past(room, self.cached))

    def idle(self, room: int) -> Call:
        """Nothing: a slot of a batch whose sequence waits."""
        nothing = np.zeros(0, np.int64)
        return Call(nothing, nothing, nothing, self.past(room, self.cached))

    def past(self, room: int, held: int) -> np.ndarray:
        assert room > self.length
        past = np.full(room, NOBODY)
        past[self.positions[:held]] = np.arange(held)
        return past

    def padded(self, call: Call, content: int, targets: int) -> dict[str, np.ndarray]:
        """The call as inputs of the graph. A padding row goes to the spare position, where nobody sees it; a spare target repeats the first."""
        spare = content - call.rows.size
        ranks, horizons = (part if part.size else np.array([self.given]) for part in (call.ranks, call.horizons))
        ranks, horizons = (np.pad(part, (0, targets - part.size), constant_values=part[0]) for part in (ranks, horizons))
        inputs = (np.pad(self.tokens[self.positions[call.rows]], (0, spare)), np.pad(self.positions[call.rows], (0, spare), constant_values=call.past.size - 1),
                  np.pad(np.maximum(self.given, call.rows + 1), (0, spare), constant_values=self.given), self.positions[ranks], horizons, call.past)
        return dict(zip(CACHED_INPUTS, inputs))


class Forgetful(Sequence):
    """A broken runtime: takes the keys of a rejected token for those of the token in its place."""

    def forget(self, rank: int) -> None:
        pass


class Cache:
    """Keys and values [B, H, P, D] of all layers by position, with anything where nobody has written."""

    def __init__(self, config, batch: int, room: int, dtype=np.float32):
        generator = np.random.default_rng(1)
        self.names, self.new_names = cache_ports(config.n_layer)
        self.ports = [(100 * generator.standard_normal((batch, config.n_head, room, config.d_head))).astype(dtype) for _ in self.names]

    def ask(self, run, sequences: list[Sequence], calls: list[Call], change=lambda inputs, sequences: None) -> list[np.ndarray]:
        """Logits [T, V] of each sequence's call; the cache is then what the graph made of it, which is the same but for the new rows."""
        inputs = stacked(sequences, calls)
        change(inputs, sequences)
        found = run({**inputs, **dict(zip(self.names, self.ports))})
        before, self.ports = self.ports, [found[name] for name in self.new_names]
        kept = np.ones(inputs["past_ranks"].shape, bool)
        np.put_along_axis(kept, inputs["content_positions"], False, 1)
        for old, new in zip(before, self.ports):
            assert new.shape == old.shape and np.array_equal(new.swapaxes(1, 2)[kept], old.swapaxes(1, 2)[kept])
        assert found[TARGET_STATES].shape[:2] == inputs["target_positions"].shape
        return [found["logits"][row, :call.ranks.size] for row, call in enumerate(calls)]


def stacked(sequences: list[Sequence], calls: list[Call]) -> dict[str, np.ndarray]:
    content, targets = max(1, *(call.rows.size for call in calls)), max(1, *(call.ranks.size for call in calls))
    rows = [sequence.padded(call, content, targets) for sequence, call in zip(sequences, calls)]
    return {name: np.stack([row[name] for row in rows]) for name in CACHED_INPUTS}


@torch.no_grad()
def stateless_answer(model, sequence: Sequence, call: Call) -> np.ndarray:
    """Logits [T, V] of the network that encodes the whole sequence anew."""
    prompt = (sequence.order < sequence.given).astype(np.int64)
    inputs = (sequence.tokens, sequence.order, prompt, sequence.positions[call.ranks], call.horizons)
    return model(*(torch.from_numpy(part)[None] for part in inputs))[0].numpy()


def play(model, run, sequences: list[Sequence], room: int, calls: int, change=lambda inputs, sequences: None) -> float:
    """The worst difference between PyTorch's network and the graph with a cache, over calls of all the sequences at once, each with moves of its own
    before; of several sequences some wait."""
    cache, worst = Cache(model.config, len(sequences), room), 0.0
    for _ in range(calls):
        asked = []
        for sequence in sequences:
            waits = len(sequences) > 1 and sequence.generator.integers(6) == 0
            if not waits:
                sequence.move()
            asked.append(sequence.idle(room) if waits else sequence.call(room))
        answers = cache.ask(run, sequences, asked, change)
        for sequence, call, logits in zip(sequences, asked, answers):
            if call.ranks.size:
                worst = max(worst, float(np.abs(logits - stateless_answer(model, sequence, call)).max()))
    return worst
