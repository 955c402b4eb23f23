"""ngrams.bin: the numbers of Kneser-Ney where nothing is pruned, sums near one where something is, the format's promises."""

import struct

import numpy as np
import pytest
import sentencepiece

import ngrams
from data import EOD_ID, PackedCorpus
from kneser_ney import KneserNey

V = 64


@pytest.fixture
def tokens(texts) -> np.ndarray:
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    return PackedCorpus([str(texts / "train.txt")], tokenizer).tokens


class Reader:
    """The format once more, as docs/ngrams-format.md has it: naive, by loops."""

    def __init__(self, data: bytes):
        self.data, self.place = data, 0
        magic, version, vocabulary, order, *counts = struct.unpack("<8sIII4I", self.take(36))
        assert (magic, version, vocabulary) == (b"AsArmNgr", 1, V)
        assert counts[0] == V and not any(counts[order:])
        self.grams = {}
        contexts, starts = [()], [0, V]
        for level in range(order):
            last = np.frombuffer(self.take(2 * counts[level]), "<u2") if level else np.arange(V)
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


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_unpruned_table_holds_kneser_ney_up_to_its_codes(tokens, order):
    reader = Reader(ngrams.to_bytes(ngrams.count_levels(tokens, V, [1] * (order - 1)), V))
    model = KneserNey(tokens, V, EOD_ID, order)
    near_start = np.convolve(tokens == EOD_ID, np.ones(order, bool))[:len(tokens)] > 0  # such histories the model cuts short
    places = np.flatnonzero(~near_start)[order:200]
    expected = np.exp(-model.nats(tokens)[places])
    for place, probability in zip(places, expected):
        context = tuple(int(token) for token in tokens[place - order + 1:place])
        assert abs(np.log(reader.probability(int(tokens[place]), context) / probability)) < 0.16  # a code is off by 4.4 % at most, and three multiply


def test_pruned_table_is_smaller_and_its_sums_stay_near_one(tokens):
    whole = ngrams.to_bytes(ngrams.count_levels(tokens, V, [1, 1]), V)
    pruned = ngrams.to_bytes(ngrams.count_levels(tokens, V, [20, 40]), V)
    assert len(pruned) < len(whole)
    reader = Reader(pruned)
    for context in [(), (9,), (10, 11), *[tuple(int(token) for token in tokens[i:i + 2]) for i in range(0, 300, 7)]]:
        assert abs(sum(reader.probability(token, context) for token in range(V)) - 1) < 0.05


def test_every_prefix_of_a_gram_is_listed_and_counts_reach_the_minimum(tokens):
    reader = Reader(ngrams.to_bytes(ngrams.count_levels(tokens, V, [20, 40]), V))
    stream = tokens.tolist()
    for gram in list(reader.grams)[::17]:
        assert len(gram) == 1 or gram[:-1] in reader.grams
        if len(gram) > 1:
            occurs = sum(tuple(stream[i:i + len(gram)]) == gram for i in range(len(stream)))
            assert occurs >= {2: 20, 3: 40}[len(gram)]


def test_the_largest_ids_of_the_largest_vocabulary_fit():
    stream = np.array([65535, 65534, 65533, 65535, 65534, 65533, 65535, 65534, 65533], np.uint16)
    levels = ngrams.count_levels(stream, 1 << 16, [1, 1, 1])
    assert levels[3].keys[-1] == ((65535 * 65536 + 65534) * 65536 + 65533) * 65536 + 65535
    assert len(ngrams.to_bytes(levels, 1 << 16)) % 4 == 0


def test_codes_round_to_the_nearest_and_end_at_nothing():
    codes = ngrams.quantise(np.array([1.0, 0.5, 2 ** -0.07, 1e-12, 0.0, 1.0000001]))
    assert codes.tolist() == [0, 8, 1, 255, 255, 0]


def test_the_tool_writes_the_same_bytes_again(texts, tmp_path, call, capfd):
    arguments = ("--tokenizer", texts / "spiece.model", texts / "train.txt", "--minimum-counts", 2, 2)
    assert call(ngrams, "--output", tmp_path / "a" / "ngrams.bin", *arguments) == 0
    assert call(ngrams, "--output", tmp_path / "b.bin", *arguments) == 0
    assert (tmp_path / "a" / "ngrams.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    assert "64 of order 1" in capfd.readouterr().out


@pytest.mark.parametrize("options, message", [
    (["--minimum-counts", 0], "counts of at least 1"),
    (["--minimum-counts", 1, 1, 1, 1], "takes 1 to 3 counts"),
    (["--vocabulary", 63], "the tokenizer has 64 pieces"),
    (["--vocabulary", 65537], "65536 is the most"),
])
def test_bad_options_are_refused(texts, tmp_path, call, capfd, options, message):
    output = tmp_path / "ngrams.bin"
    assert call(ngrams, texts / "train.txt", "--tokenizer", texts / "spiece.model", "--output", output, *options) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not output.exists()
