"""An n-gram table of order 2 from the network itself, to draft from where there is no corpus (docs/ngrams-format.md).

For every token the network says what follows it when nothing else is known but a document's start some positions before. That
is one call of two content rows and one query row per token. The same weights give the same bytes on one machine.

Shapes: V vocabulary, C candidates per token, B tokens of a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from asarm_tools.command_line.failure import InputError
from asarm_tools.network.cached import CachedModel
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.ngrams.table_file import LARGEST_VOCABULARY, Level, whole_size
from asarm_tools.text.special_tokens import SpecialTokens

# Positions from the separator to the token. Without a separator, or right behind it, drafts of the default model are kept 29 and
# 17 % less often; from 8 to 20 it makes little difference, and so do means over several (docs/decisions/0010).
DISTANCE = 8
LARGEST_SIZE, PADDING = 8_000_000, 5  # bytes of the file, and at most so many of them for nothing
KEPT_GAIN = 0.99  # of what listing pairs can add to the frequencies; the last hundredth takes two thirds of the pairs
MOST_CANDIDATES = 1 << 24  # of all tokens together, six bytes each
CHUNK_LOGITS = 1 << 22
ROUNDS = 200  # of the iteration to the frequencies, which usually takes some 20


@dataclass(frozen=True)
class Successors:
    """The most probable next tokens: tokens uint16 [V, C] ascending, probabilities float32 [V, C]; rest float64 [V], the mean of all others."""

    tokens: np.ndarray
    probabilities: np.ndarray
    rest: np.ndarray


def build(model: TwoStreamModel, special: SpecialTokens) -> list[Level]:
    """The table's two orders. Special tokens, which are never generated, have no probability in it."""
    vocabulary = model.config.vocab_size
    if vocabulary > LARGEST_VOCABULARY:
        raise InputError(f"a vocabulary of {vocabulary} tokens: an n-gram table has {LARGEST_VOCABULARY} at most")
    successors = collect(model, special)
    return prune(successors, frequencies(successors), (LARGEST_SIZE - PADDING - whole_size(2, [vocabulary, 0])) // 3)


def collect(model: TwoStreamModel, special: SpecialTokens) -> Successors:
    """Asks the network, a chunk of tokens at a time, and keeps the best: V x V probabilities are never there at once."""
    vocabulary = model.config.vocab_size
    candidates = min(vocabulary, MOST_CANDIDATES // vocabulary)
    tokens = np.empty((vocabulary, candidates), np.uint16)
    probabilities = np.empty((vocabulary, candidates), np.float32)
    rest = np.zeros(vocabulary)
    banned = sorted({special.mask_id, *special.special_ids})
    cached = CachedModel(model, DISTANCE + 2).eval()
    for chunk in torch.arange(vocabulary).split(max(1, CHUNK_LOGITS // vocabulary)):
        row = next_token(cached, chunk, special.separator_id, banned)
        best = row.topk(candidates, 1).indices.sort(1).values
        probabilities[chunk], tokens[chunk] = row.gather(1, best).numpy(), best.numpy().astype(np.uint16)
        rest += row.scatter(1, best, 0).sum(0, dtype=torch.float64).numpy()
    return Successors(tokens, probabilities, rest / vocabulary)


@torch.no_grad()
def next_token(model: CachedModel, tokens: torch.Tensor, separator: int, banned: list[int]) -> torch.Tensor:
    """float32 [B, V]: p(next | separator, token) of tokens [B], a separator standing DISTANCE positions before each."""
    batch, config = len(tokens), model.config
    pair = [row.expand(batch, 2) for row in torch.tensor([[[0, DISTANCE]], [[0, 1]], [[2, 2]]])]  # positions, ranks, horizons
    target = [torch.full((batch, 1), value) for value in (DISTANCE + 1, 2)]  # position and horizon
    unseen = torch.zeros(batch, config.n_head, 1, config.d_head)
    logits, *_ = model(torch.stack((torch.full_like(tokens, separator), tokens), 1), *pair, *target,
                       torch.full((batch, 1), 3), *[unseen] * (2 * config.n_layer))
    logits[..., banned] = -torch.inf
    return logits[:, 0].softmax(1)


def frequencies(successors: Successors) -> np.ndarray:
    """float64 [V]: the stationary distribution of the pairs, how often each token comes in an endless text of them."""
    vocabulary = len(successors.tokens)
    places = successors.tokens.ravel()
    left = np.maximum(1 - successors.probabilities.sum(1, dtype=np.float64), 0)
    rest = successors.rest / max(successors.rest.sum(), 1e-300)
    result = np.full(vocabulary, 1 / vocabulary)
    for _ in range(ROUNDS):
        listed = np.bincount(places, (successors.probabilities * result[:, None].astype(np.float32)).ravel(), vocabulary)
        following = listed + (left @ result) * rest
        following /= following.sum()
        change, result = np.abs(following - result).sum(), following
        if change < 1e-6:
            break
    return result


def prune(successors: Successors, single: np.ndarray, most: int) -> list[Level]:
    """Lists the pairs that are worth most, at most so many; the others share what is left of a token in proportion to single [V]."""
    vocabulary = len(single)
    share = single.astype(np.float32)[successors.tokens]
    # Half by frequency, half alike: what is never generated, like the separator, stands left of a target nevertheless.
    weight = ((single + 1 / vocabulary) / 2).astype(np.float32)
    gain = np.maximum((successors.probabilities - share) * weight[:, None], 0)
    listed = gain > smallest_gain(gain.ravel(), most)
    named, expected = (np.where(listed, values, 0).sum(1, dtype=np.float64) for values in (successors.probabilities, share))
    # What is listed is likelier than its frequency, so that this is at most 1, and nothing below is negative.
    passed_on = np.clip((1 - named) / (1 - expected), 0, 1)
    contexts, places = np.nonzero(listed)
    keys = contexts.astype(np.uint64) * np.uint64(vocabulary) + successors.tokens[contexts, places].astype(np.uint64)
    own = successors.probabilities[listed] - passed_on[contexts] * share[listed]
    every = np.arange(vocabulary, dtype=np.uint64)
    return [Level(every, single, passed_on), Level(keys, own, np.ones(len(keys)))]


def smallest_gain(gain: np.ndarray, most: int) -> float:
    """What a pair must exceed, so that at most so many do and, if they may, they hold KEPT_GAIN of the whole."""
    falling = np.sort(gain)[::-1]
    running = np.cumsum(falling, dtype=np.float64)
    count = min(most, int(np.searchsorted(running, KEPT_GAIN * running[-1])) + 1)
    return float(falling[count]) if count < len(falling) else 0.0
