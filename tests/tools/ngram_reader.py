"""ngrams.bin once more, as docs/ngrams-format.md has it: naive, by loops."""

import struct

import numpy as np


class Reader:
    """grams: (own, passed on) of every listed gram, by its tokens."""

    def __init__(self, data: bytes, size: int):
        self.data, self.place = data, 0
        magic, version, vocabulary, order, *counts = struct.unpack("<8sIII4I", self.take(36))
        assert (magic, version, vocabulary) == (b"AsArmNgr", 1, size)
        assert counts[0] == size and not any(counts[order:])
        self.grams = {}
        contexts, starts = [()], [0, size]
        for level in range(order):
            last = np.frombuffer(self.take(2 * counts[level]), "<u2") if level else np.arange(size)
            own = self.values(counts[level])
            passed_on = self.values(counts[level]) if level + 1 < order else np.ones(counts[level])
            grams = []
            for context, start, end in zip(contexts, starts, starts[1:]):
                assert (np.diff(last[start:end].astype(int)) > 0).all()
                grams += [(*context, int(token)) for token in last[start:end]]
            self.grams.update(zip(grams, zip(own, passed_on)))
            if level + 1 < order:
                contexts, starts = grams, np.frombuffer(self.take(4 * (counts[level] + 1)), "<u4").tolist()
                assert starts[0] == 0 and starts[-1] == counts[level + 1]
        assert self.place == len(data)

    def take(self, size: int) -> bytes:
        start, self.place = self.place, self.place + size + -size % 4
        return self.data[start:start + size]

    def values(self, count: int) -> np.ndarray:
        codes = np.frombuffer(self.take(count), np.uint8).astype(float)
        return np.where(codes == 255, 0, 2 ** (-codes / 8))

    def probability(self, token: int, context: tuple[int, ...]) -> float:
        if not context:
            return self.grams[(token,)][0]
        own = self.grams.get((*context, token), (0, 0))[0]
        passed_on = self.grams[context][1] if context in self.grams else 1
        return own + passed_on * self.probability(token, context[1:])
