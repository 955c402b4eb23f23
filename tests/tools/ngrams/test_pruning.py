"""Tables of a given size: what is counted, that what is kept is worth most (by brute force), prefixes, sums, weights."""

import itertools
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from asarm_tools.corpora.corpus import EOD_ID
from asarm_tools.ngrams import corpus_ngrams as ngrams
from asarm_tools.ngrams import counts as ngram_counts
from asarm_tools.ngrams import pruning as ngram_pruning
from asarm_tools.ngrams.kneser_ney import discounts
from asarm_tools.ngrams.table_file import to_bytes

from ngram_reader import Reader

V = 64
SMALLEST = 36 + V * 6 + 3 * 4  # header, order 1, and the one offset of every empty order that longer grams may follow


@pytest.fixture
def tokens() -> np.ndarray:
    """Documents of 30 tokens or so, some of which follow each other more often than others."""
    generator = np.random.default_rng(13)
    follows = generator.dirichlet(np.full(V - 9, 0.05), V)
    stream = [EOD_ID]
    for _ in range(6000):
        end = generator.random() < 1 / 30
        stream.append(EOD_ID if end else 9 + int(generator.choice(V - 9, p=follows[stream[-1]])))
    return np.array(stream[1:], np.uint16)


def runs(tokens: np.ndarray, length: int) -> Counter:
    """Occurrences, by loops: <eod> is only the first of several tokens."""
    stream = tokens.tolist()
    found = [tuple(stream[i:i + length]) for i in range(len(stream) - length + 1)]
    return Counter(gram for gram in found if EOD_ID not in gram[length > 1:])


def key(gram: tuple[int, ...]) -> int:
    return sum(token * V ** place for place, token in enumerate(reversed(gram)))


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_occurrences_are_counted_by_weight_within_documents(tokens, length):
    other = tokens[500:1500]
    counts = ngram_counts.count([(tokens, 2.5), (other, 1.0)], V, length)
    first, second = runs(tokens, length), runs(other, length)
    expected = sorted({*first, *second})
    assert counts.keys.tolist() == [key(gram) for gram in expected]
    assert counts.times.tolist() == [first[gram] + second[gram] for gram in expected]
    assert counts.weights.tolist() == [2.5 * first[gram] + second[gram] for gram in expected]


@pytest.mark.parametrize("order", [2, 3, 4])
def test_own_shares_are_discounted_plain_occurrences_of_the_context(tokens, order):
    level = ngram_counts.candidates([(tokens, 3.0)], V, order)[-1]
    occurring = runs(tokens, order)
    discount = discounts(np.array([*occurring.values()]))
    after = Counter()
    for gram, times in occurring.items():
        after[gram[:-1]] += times
    expected = {key(gram): (times - discount[min(times, 3)]) / after[gram[:-1]] for gram, times in occurring.items() if times > 1}
    assert level.keys.tolist() == sorted(expected)
    np.testing.assert_allclose(level.own, [expected[k] for k in sorted(expected)])


@pytest.mark.parametrize("most", [SMALLEST, 1000, 5000, 20_000, 10_000_000])
def test_no_table_is_larger_than_asked_and_every_prefix_is_listed(tokens, most):
    data = table(tokens, most)
    reader = Reader(data, V)
    assert len(data) <= most
    assert all(gram[:-1] in reader.grams for gram in reader.grams if len(gram) > 1)
    assert not any(gram[-1] == EOD_ID for gram in reader.grams if len(gram) > 1)
    if most == SMALLEST:
        assert len(reader.grams) == V and len(data) == SMALLEST
    elif most < 10_000:
        assert len(data) > 0.97 * most  # nothing is wasted
    elif most > 1_000_000:
        assert len(reader.grams) == V + sum(times > 1 for length in (2, 3, 4) for times in runs(tokens, length).values())


def test_sums_over_every_context_are_one_up_to_codes(tokens):
    levels = ngram_counts.candidates([(tokens, 1.0)], V, 4)
    pruned = ngram_pruning.prune(levels, 6000)
    for level, longer in pairwise(pruned):
        own = np.bincount(np.searchsorted(level.keys, longer.keys // np.uint64(V)), longer.own, len(level.keys))
        np.testing.assert_allclose(own + level.passed_on, 1, atol=1e-12)
    reader = Reader(to_bytes(pruned, V), V)
    for context in [(), (9,), (EOD_ID,), *(tuple(tokens[i:i + 3].tolist()) for i in range(0, 300, 7))]:
        assert abs(sum(reader.probability(token, context) for token in range(V)) - 1) < 0.05


def test_of_all_sets_with_their_prefixes_the_kept_one_explains_most_at_its_size():
    levels = small_tree(np.random.default_rng(26))
    best = {}  # by bytes, over every set that holds its prefixes
    for kept in closed_sets(levels):
        taken = bytes_of(kept)
        best[taken] = max(best.get(taken, 0.0), explained(levels, kept))
    worse_by_gram, seen = 0, set()
    whole = [np.ones(len(level.keys), bool) for level in levels[1:]]
    for most in range(SMALLEST, ngram_pruning.size(levels, whole) + 1):
        kept = ngram_pruning.fit(levels, most)
        assert ngram_pruning.size(levels, kept) <= most
        taken = bytes_of(kept)
        seen.add(taken)
        assert explained(levels, kept) == pytest.approx(max(value for size, value in best.items() if size <= taken))
        worse_by_gram += explained(levels, by_count_alone(levels, taken)) < explained(levels, kept) - 1e-9
    assert len(seen) > 5
    assert worse_by_gram > 0  # the control: a common threshold, blind to bytes and to what stands behind a gram, keeps less


def test_a_rare_context_is_kept_for_what_follows_it():
    level = ngram_counts.Candidates
    single = level(np.arange(V, dtype=np.uint64), np.zeros(V, np.int64), np.zeros(V), np.full(V, 1 / V))
    pairs = level(np.array([key((9, 10)), key((20, 21))], np.uint64), np.array([9, 20]), np.array([1.0, 8.0]), np.array([0.1, 0.5]))
    threes = level(np.array([key((9, 10, 11))], np.uint64), np.array([0]), np.array([40.0]), np.array([0.9]))
    room = ngram_pruning.size([single, pairs, threes], [np.array([True, False]), np.array([True])])
    pair, three = ngram_pruning.fit([single, pairs, threes], room)
    assert (pair.tolist(), three.tolist()) == ([True, False], [True])
    rarer = level(threes.keys, threes.context, np.array([2.0]), threes.own)  # the control: nothing much follows
    pair, three = ngram_pruning.fit([single, pairs, rarer], room)
    assert (pair.tolist(), three.tolist()) == ([False, True], [False])


def test_a_weight_favours_a_text_and_whole_weights_are_no_other_shares(tokens):
    half = len(tokens) // 2
    first, second = tokens[:half], np.where(tokens == EOD_ID, EOD_ID, V + 8 - tokens)[half:].astype(np.uint16)  # of other grams
    counts = {weight: kept_of(first, [(first, weight), (second, 1.0)]) for weight in (1.0, 8.0)}
    assert counts[8.0] > 1.2 * counts[1.0]
    alone, scaled = (ngram_counts.candidates([(tokens, weight)], V, 4) for weight in (1.0, 8.0))
    for one, other in zip(alone, scaled):
        np.testing.assert_allclose(one.own, other.own)
        np.testing.assert_allclose(8 * one.explained, other.explained)


def test_the_tool_prunes_by_bytes_and_repeats_itself(texts, tmp_path, call, capfd):
    arguments = ("--tokenizer", texts / "spiece.model", f"{texts / 'train.txt'}=2", texts / "valid.txt")
    assert call(ngrams, "--maximum-bytes", 2000, "--output", tmp_path / "a.bin", *arguments) == 0
    assert call(ngrams, "--maximum-bytes", 2000, "--output", tmp_path / "b.bin", *arguments) == 0
    assert call(ngrams, "--output", tmp_path / "whole.bin", *arguments) == 0
    sizes = [(tmp_path / name).stat().st_size for name in ("a.bin", "b.bin", "whole.bin")]
    assert sizes[0] <= 2000 < sizes[2] <= ngrams.MAXIMUM_BYTES
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    assert "64 of order 1" in capfd.readouterr().out


@pytest.mark.parametrize("options, message", [
    (["{}=2", "--minimum-counts", 2], "no weights with --minimum-counts"),
    (["{}=0"], "a weight is a number above 0"),
    (["{}=1001"], "1000 at most"),
    (["{}=1:2"], "a weight is a number above 0"),
    (["{}=1.2.3"], "a weight is a number above 0"),
])
def test_bad_weights_are_refused(texts, tmp_path, call, capfd, options, message):
    output = tmp_path / "ngrams.bin"
    filled = [str(option).format(texts / "train.txt") for option in options]
    assert call(ngrams, "--tokenizer", texts / "spiece.model", "--output", output, *filled) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not output.exists()


def test_short_texts_have_tables_too():
    for stream in ([9], [9, EOD_ID], [9, 10, EOD_ID], [9, 9, 9, 9, EOD_ID]):
        reader = Reader(table(np.array(stream, np.uint16), 10_000), V)
        assert sum(reader.probability(token, ()) for token in range(V)) == pytest.approx(1, abs=0.05)


def test_keys_of_the_largest_vocabulary_fit():
    stream = np.tile(np.array([65535, 65534, 65533], np.uint16), 3)
    levels = ngram_counts.candidates([(stream, 1.0)], 1 << 16, 4)
    assert levels[3].keys[-1] == ((65535 * 65536 + 65534) * 65536 + 65533) * 65536 + 65535


def table(tokens: np.ndarray, most: int) -> bytes:
    return to_bytes(ngram_pruning.prune(ngram_counts.candidates([(tokens, 1.0)], V, 4), most), V)


def kept_of(text: np.ndarray, streams: list[tuple[np.ndarray, float]]) -> int:
    """How many runs of three tokens of a text are listed."""
    reader = Reader(to_bytes(ngram_pruning.prune(ngram_counts.candidates(streams, V, 4), 3000), V), V)
    return sum(times for gram, times in runs(text, 3).items() if gram in reader.grams)


def small_tree(generator: np.random.Generator) -> list[ngram_counts.Candidates]:
    """Four pairs, five runs of three and five of four, worth random numbers."""
    contexts = [np.array([9, 9, 10, 11]), np.array([0, 0, 1, 2, 3]), np.array([0, 1, 2, 2, 4])]
    levels = [ngram_counts.Candidates(np.arange(V, dtype=np.uint64), np.zeros(V, np.int64), np.zeros(V), np.full(V, 1 / V))]
    for context in contexts:
        keys = levels[-1].keys[context] * np.uint64(V) + np.arange(12, 12 + len(context), dtype=np.uint64)
        worth = generator.uniform(1, 20, len(context))
        levels.append(ngram_counts.Candidates(keys, context, worth, worth / 100))
    return levels


def closed_sets(levels: list[ngram_counts.Candidates]):
    sizes = [len(level.keys) for level in levels[1:]]
    for bits in itertools.product([False, True], repeat=sum(sizes)):
        kept = np.split(np.array(bits), np.cumsum(sizes)[:-1])
        if all(kept[i][level.context][part].all() for i, (level, part) in enumerate(zip(levels[2:], kept[1:]))):
            yield kept


def bytes_of(kept: list[np.ndarray]) -> int:
    """Without padding."""
    return sum((8 if i + 1 < len(kept) else 3) * int(part.sum()) for i, part in enumerate(kept))


def explained(levels: list[ngram_counts.Candidates], kept: list[np.ndarray]) -> float:
    return sum(float(level.explained[part].sum()) for level, part in zip(levels[1:], kept))


def by_count_alone(levels: list[ngram_counts.Candidates], most: int) -> list[np.ndarray]:
    """The least common threshold whose grams take no more bytes."""
    for threshold in [0.0, *sorted(np.concatenate([level.explained for level in levels[1:]]))]:
        kept = [level.explained > threshold for level in levels[1:]]
        for i, level in enumerate(levels[2:]):
            kept[i + 1] &= kept[i][level.context]
        if bytes_of(kept) <= most:
            return kept
    raise AssertionError(most)
