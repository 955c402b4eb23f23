"""ngrams.bin: the numbers of Kneser-Ney where nothing is pruned, sums near one where something is, the format's promises."""

import numpy as np
import pytest
import sentencepiece

from asarm_tools.corpora.corpus import EOD_ID, PackedCorpus
from asarm_tools.ngrams import corpus_ngrams as ngrams
from asarm_tools.ngrams.kneser_ney import KneserNey
from asarm_tools.ngrams.table_file import quantise, to_bytes

from ngram_reader import Reader

V = 64


@pytest.fixture
def tokens(texts) -> np.ndarray:
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    return PackedCorpus([str(texts / "train.txt")], tokenizer).tokens


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_unpruned_table_holds_kneser_ney_up_to_its_codes(tokens, order):
    reader = Reader(to_bytes(ngrams.count_levels(tokens, V, [1] * (order - 1)), V), V)
    model = KneserNey(tokens, V, EOD_ID, order)
    near_start = np.convolve(tokens == EOD_ID, np.ones(order, bool))[:len(tokens)] > 0  # such histories the model cuts short
    places = np.flatnonzero(~near_start)[order:200]
    expected = np.exp(-model.nats(tokens)[places])
    for place, probability in zip(places, expected):
        context = tuple(int(token) for token in tokens[place - order + 1:place])
        assert abs(np.log(reader.probability(int(tokens[place]), context) / probability)) < 0.16  # a code is off by 4.4 % at most, and three multiply


def test_pruned_table_is_smaller_and_its_sums_stay_near_one(tokens):
    whole = to_bytes(ngrams.count_levels(tokens, V, [1, 1]), V)
    pruned = to_bytes(ngrams.count_levels(tokens, V, [20, 40]), V)
    assert len(pruned) < len(whole)
    reader = Reader(pruned, V)
    for context in [(), (9,), (10, 11), *[tuple(int(token) for token in tokens[i:i + 2]) for i in range(0, 300, 7)]]:
        assert abs(sum(reader.probability(token, context) for token in range(V)) - 1) < 0.05


def test_every_prefix_of_a_gram_is_listed_and_counts_reach_the_minimum(tokens):
    reader = Reader(to_bytes(ngrams.count_levels(tokens, V, [20, 40]), V), V)
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
    assert len(to_bytes(levels, 1 << 16)) % 4 == 0


def test_codes_round_to_the_nearest_and_end_at_nothing():
    codes = quantise(np.array([1.0, 0.5, 2 ** -0.07, 1e-12, 0.0, 1.0000001]))
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
    (["--minimum-counts", 2, "--maximum-bytes", 9000], "do not go together"),
    (["--maximum-bytes", 100], "does not hold the single tokens"),
    (["--maximum-bytes", 0], "does not hold the single tokens"),
    (["--vocabulary", 63], "the tokenizer has 64 pieces"),
    (["--vocabulary", 65537], "65536 is the most"),
])
def test_bad_options_are_refused(texts, tmp_path, call, capfd, options, message):
    output = tmp_path / "ngrams.bin"
    assert call(ngrams, texts / "train.txt", "--tokenizer", texts / "spiece.model", "--output", output, *options) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not output.exists()
