"""Open gaps: a gap of N slots holds n tokens and then <eop>; nobody sees the slots behind it, and nobody asks for them.

So a network learns a gap's length with its text, from one joint: left to right, until <eop>. The unused slots have the last
ranks, behind every target's horizon and every other token's; the text after the gap stands where N slots put it.
"""

from __future__ import annotations

import numpy as np
import torch

from asarm_tools.corpora.corpus import EOP_ID, MASK_ID
from asarm_tools.gaps.orders import lattice_order, network_batch

MOST_TOKENS, MOST_UNUSED = 24, 16
LEAST_LENGTH = 4  # a token, <eop>, an unused slot, and a given token


def open_gap_batch(generator: np.random.Generator, windows: np.ndarray) -> dict[str, torch.Tensor]:
    """One open gap in each of the windows [B, S]; of a window's tokens, the last make way for <eop> and unused slots.

    Targets are a gap's tokens and its <eop>. Shorter gaps than the longest of the batch repeat their last target, with IGNORED as label.
    """
    count, length = windows.shape
    tokens = generator.integers(1, 1 + max(1, min(MOST_TOKENS, length // 4)), count)[:, None]
    unused = generator.integers(0, 1 + min(MOST_UNUSED, length // 4), count)[:, None]
    start = generator.integers(0, length - tokens - unused)
    end = start + tokens  # where <eop> stands
    place = np.arange(length)
    behind = place > end + unused
    ids = np.take_along_axis(windows, np.where(behind, place - 1 - unused, place), 1)
    ids = np.where(place == end, EOP_ID, np.where((place > end) & ~behind, MASK_ID, ids))
    prompt = ((place < start) | behind).astype(np.int64)
    number = np.arange(tokens.max() + 1)
    positions = np.minimum(start + number, end)
    return network_batch(ids, lattice_order(prompt), prompt, positions, ignored=number > tokens)
