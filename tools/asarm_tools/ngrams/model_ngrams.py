"""An n-gram table of order 2 from the network itself, to draft from where there is no corpus (docs/ngrams-format.md).

For every token the network says what follows it when nothing else is known but a document's start some positions before. That
is one call of two content rows and one query row per token. The same weights give the same bytes on one machine.

Shapes: V vocabulary, C candidates per token, B tokens of a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights
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


def build(weights: Weights, special: SpecialTokens) -> list[Level]:
    """The table's two orders. Special tokens, which are never generated, have no probability in it."""
    vocabulary = weights.config.vocab_size
    if vocabulary > LARGEST_VOCABULARY:
        raise InputError(f"a vocabulary of {vocabulary} tokens: an n-gram table has {LARGEST_VOCABULARY} at most")
    successors = collect(weights, special)
    return prune(successors, frequencies(successors), (LARGEST_SIZE - PADDING - whole_size(2, [vocabulary, 0])) // 3)


def collect(weights: Weights, special: SpecialTokens) -> Successors:
    """Asks the network, a chunk of tokens at a time, and keeps the best: V x V probabilities are never there at once."""
    vocabulary = weights.config.vocab_size
    candidates = min(vocabulary, MOST_CANDIDATES // vocabulary)
    tokens = np.empty((vocabulary, candidates), np.uint16)
    probabilities = np.empty((vocabulary, candidates), np.float32)
    rest = np.zeros(vocabulary)
    banned = sorted({special.mask_id, *special.special_ids})
    network, chunk = Network(weights), max(1, CHUNK_LOGITS // vocabulary)
    for begin in range(0, vocabulary, chunk):
        asked = np.arange(begin, min(begin + chunk, vocabulary))
        row = next_token(network, asked, special.separator_id, banned)
        best = np.sort(np.argpartition(row, vocabulary - candidates, 1)[:, vocabulary - candidates:], 1)
        probabilities[asked], tokens[asked] = np.take_along_axis(row, best, 1), best
        np.put_along_axis(row, best, 0, 1)
        rest += row.sum(0, dtype=np.float64)
    return Successors(tokens, probabilities, rest / vocabulary)


def next_token(network: Network, tokens: np.ndarray, separator: int, banned: list[int]) -> np.ndarray:
    """float32 [B, V]: p(next | separator, token) of tokens [B], a separator standing DISTANCE positions before each."""
    batch = len(tokens)
    content = np.stack((np.full_like(tokens, separator), tokens), 1)
    positions = np.broadcast_to([0, DISTANCE], content.shape)
    states = network.begin(content, positions, np.full((batch, 1), DISTANCE + 1), np.ones((batch, 3, 2), bool))
    logits = network.head(network.through_layers(states).rows)[:, 0]
    logits[:, banned] = -np.inf
    likely = np.exp(logits - logits.max(1, keepdims=True))
    return likely / likely.sum(1, keepdims=True)


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
