"""The packed corpus and its windows."""

import numpy as np
import pytest
import sentencepiece

from asarm_tools.command_line.failure import InputError
from asarm_tools.corpora import corpus as corpora


def test_windows_come_from_the_stream_and_many_of_them_from_starts(texts):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    corpus = corpora.PackedCorpus([str(texts / "train.txt")], pieces)
    assert len(corpus.starts) == 300 and (corpus.tokens == corpora.EOD_ID).sum() == 300
    assert (corpus.tokens[corpus.starts[1:] - 1] == corpora.EOD_ID).all()
    windows = corpus.windows(np.random.default_rng(1), 400, 8)
    stream, begins = "".join(map(chr, corpus.tokens)), {tuple(corpus.tokens[start:start + 8]) for start in corpus.starts}
    assert all("".join(map(chr, window)) in stream for window in windows)
    assert 0.05 < np.mean([tuple(window) in begins for window in windows]) < 0.2
    assert np.array_equal(corpus.consecutive(8).ravel(), corpus.tokens[:len(corpus.tokens) // 8 * 8])


def corpus_of(lengths: list[int]) -> corpora.PackedCorpus:
    """Documents of these lengths; nothing is encoded."""
    corpus = object.__new__(corpora.PackedCorpus)
    corpus.tokens, corpus.starts = np.zeros(sum(lengths), np.uint16), np.cumsum([0, *lengths[:-1]])
    return corpus


def places(corpus: corpora.PackedCorpus, count: int, length: int) -> np.ndarray:
    """Where windows begin."""
    corpus.tokens = np.arange(len(corpus.tokens))
    return corpus.windows(np.random.default_rng(1), count, length)[:, 0]


def half_to_the_start(corpus: corpora.PackedCorpus, count: int, length: int) -> np.ndarray:
    """The control, as it was: half of the windows begin where their document begins."""
    generator = np.random.default_rng(1)
    begin = generator.integers(0, len(corpus.tokens) - length + 1, count)
    starts = corpus.starts[np.searchsorted(corpus.starts, begin, side="right") - 1]
    return np.minimum(np.where(generator.random(count) < 0.5, starts, begin), len(corpus.tokens) - length)


def seen(corpus: corpora.PackedCorpus, begin: np.ndarray, length: int) -> np.ndarray:
    """How often each token is in a window, over the mean."""
    total = len(corpus.tokens)
    count = np.cumsum(np.bincount(begin, minlength=total) - np.bincount(begin + length, minlength=total + 1)[:total])
    return count / count.mean()


def test_openings_of_long_documents_are_not_seen_more_than_half_as_much_again():
    """Against the control, whose openings are."""
    corpus, length = corpus_of([3200] * 40), 32
    place = np.arange(len(corpus.tokens)) % 3200
    for draw, lowest, highest in ((places, 1.1, 1.4), (half_to_the_start, 10, 60)):
        count = seen(corpus, draw(corpus, 200_000, length), length)
        assert lowest < count[place < length].mean() < highest
    assert 0.9 < seen(corpus, places(corpus, 200_000, length), length)[place >= length].mean() < 1.01


def test_openings_are_drawn_by_documents_whatever_their_length():
    """Against the control, which draws them by length."""
    corpus, length = corpus_of([100, 10_000] * 20), 32
    for draw, ratio in ((places, 1), (half_to_the_start, 100)):
        begin = draw(corpus, 400_000, length)
        short, long = (np.isin(begin, corpus.starts[first::2]).sum() for first in (0, 1))
        assert long / short == pytest.approx(ratio, rel=0.15)


def test_half_of_the_windows_of_short_documents_are_openings():
    corpus = corpus_of([20] * 500)
    assert np.isin(places(corpus, 10_000, 32), corpus.starts).mean() == pytest.approx(0.525, abs=0.02)


def test_documents_are_encoded_in_chunks(texts, monkeypatch):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    whole = corpora.PackedCorpus([str(texts / "train.txt")], pieces)
    monkeypatch.setattr(corpora, "CHUNK", 7)
    chunked = corpora.PackedCorpus([str(texts / "train.txt")], pieces)
    assert np.array_equal(whole.tokens, chunked.tokens) and np.array_equal(whole.starts, chunked.starts)
    assert whole.words == chunked.words == len((texts / "train.txt").read_text().replace("<|endoftext|>", "").split())


def test_foreign_tokenizer_is_refused(texts, tmp_path):
    sentencepiece.SentencePieceTrainer.train(input=str(texts / "train.txt"), model_prefix=str(tmp_path / "x"), vocab_size=60,
                                             minloglevel=2)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "x.model"))
    with pytest.raises(InputError, match="<mask> as 6"):
        corpora.PackedCorpus([str(texts / "train.txt")], pieces)
