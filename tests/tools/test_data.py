"""The packed corpus and its windows."""

import numpy as np
import pytest
import sentencepiece

import data
from failure import InputError


def test_windows_come_from_the_stream_and_half_of_them_from_starts(texts):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    corpus = data.PackedCorpus([str(texts / "train.txt")], pieces)
    assert len(corpus.starts) == 300 and (corpus.tokens == data.EOD_ID).sum() == 300
    assert (corpus.tokens[corpus.starts[1:] - 1] == data.EOD_ID).all()
    windows = corpus.windows(np.random.default_rng(1), 400, 8)
    stream, begins = "".join(map(chr, corpus.tokens)), {tuple(corpus.tokens[start:start + 8]) for start in corpus.starts}
    assert all("".join(map(chr, window)) in stream for window in windows)
    assert 0.4 < np.mean([tuple(window) in begins for window in windows]) < 0.7
    assert np.array_equal(corpus.consecutive(8).ravel(), corpus.tokens[:len(corpus.tokens) // 8 * 8])


def test_foreign_tokenizer_is_refused(texts, tmp_path):
    sentencepiece.SentencePieceTrainer.train(input=str(texts / "train.txt"), model_prefix=str(tmp_path / "x"), vocab_size=60,
                                             minloglevel=2)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "x.model"))
    with pytest.raises(InputError, match="<mask> as 6"):
        data.PackedCorpus([str(texts / "train.txt")], pieces)
