"""The batch of each step, prepared in background threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from asarm_tools.corpora.mixture import Mixture
from asarm_tools.gaps.open_gaps import open_gap_batch
from asarm_tools.gaps.orders import KINDS, lattice_batch, target_count, target_positions, target_rate
from asarm_tools.training.options import BatchOptions

Batch = dict[str, torch.Tensor]
PREPARED_PER_THREAD = 3


class BatchMaker:
    """A batch follows from the seed, the step and the part of the run alone. int32, half of what goes to the device."""

    def __init__(self, mixture: Mixture, options: BatchOptions):
        self.mixture, self.options = mixture, options
        self.kinds = np.array(options.kinds) / sum(options.kinds)
        self.pinned = torch.device(options.device).type == "cuda"

    def make(self, step: int, final: bool) -> Batch:
        """One window length and one rate for all windows, and mixed kinds of gaps; or an open gap in each window."""
        options = self.options
        generator = np.random.default_rng((options.seed, step))
        length = int(generator.choice(options.lengths))
        count = max(1, options.tokens_per_step // length)
        targets = target_count(target_rate(generator, step, options.rate_warmup, options.rates, options.low_rates), length)
        tokens = self.mixture.windows(generator, count, length, final)
        if generator.random() < options.open_gaps:
            batch = open_gap_batch(generator, tokens)
        else:
            kinds = generator.choice(KINDS, count, p=self.kinds)
            batch = lattice_batch(tokens, np.stack([target_positions(generator, int(kind), length, targets) for kind in kinds]))
        narrow = {name: tensor.int() for name, tensor in batch.items()}
        return {name: tensor.pin_memory() for name, tensor in narrow.items()} if self.pinned else narrow


class Prefetcher:
    """The batches of consecutive steps, in their order whatever the number of threads; a bounded number is made ahead.

    final(step) is asked in the caller's thread, when the batch is put into work. What make raises, next raises.
    """

    def __init__(self, make: Callable[[int, bool], Batch], final: Callable[[int], bool], first: int, threads: int):
        self.make, self.final, self.step = make, final, first
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self.waiting: deque[Future] = deque()
        self.depth = PREPARED_PER_THREAD * threads

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)

    def next(self) -> Batch:
        self.fill()
        batch = self.waiting.popleft().result()
        self.fill()
        return batch

    def fill(self) -> None:
        while len(self.waiting) < self.depth:
            self.waiting.append(self.pool.submit(self.make, self.step, self.final(self.step)))
            self.step += 1


def to_device(batch: Batch, device: torch.device) -> Batch:
    """int64 there, as the network takes it; from pinned memory without waiting."""
    return {name: tensor.to(device, non_blocking=True).long() for name, tensor in batch.items()}
