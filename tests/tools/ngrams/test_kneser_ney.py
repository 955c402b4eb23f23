"""The n-gram baseline: a distribution, worked out by hand where it is small, better than single tokens where it is larger."""

import numpy as np
import pytest
import sentencepiece

from asarm_tools.corpora.corpus import EOD_ID, PackedCorpus
from asarm_tools.ngrams.kneser_ney import KneserNey, discounts


def packed(texts, name) -> PackedCorpus:
    return PackedCorpus([str(texts / name)], sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model")))


def test_bigrams_worked_out_by_hand():
    """Bigrams |1 12 21 13 31 12 (| the boundary, token 0): 12 twice, the others once; too few for modified discounts.

    Pairs: discount 4 / (4 + 2 * 1) = 2/3. After 1, 3 counts: 2 keeps 4/9, 3 keeps 1/9, and 4/9 pass on.
    Single tokens end 3, 1 and 1 different pairs: discount 2 / 2 = 1. 1 keeps 2/5; 3/5 pass on to four tokens alike.
    """
    model = KneserNey(np.array([1, 2, 1, 3, 1, 2]), vocabulary=4, boundary=0, order=2)
    single = np.array([3, 11, 3, 3]) / 20
    after_one = np.array([3, 11, 23, 8]) / 45
    every = np.arange(4)
    assert np.allclose(model.probability(every, np.full((1, 4), 1)), after_one, rtol=1e-12)
    assert np.allclose(model.depths[0].probability(np.zeros(4, int), every, np.full(4, 0.25)), single, rtol=1e-12)
    # 2 and 3 were followed by 1 only, once: 1/3 is kept. An unseen context passes everything on.
    assert np.allclose(model.probability(every, np.full((1, 4), 3)), [0.1, 1 / 3 + 2 / 3 * 11 / 20, 0.1, 0.1], rtol=1e-12)
    stream = np.array([1, 2])
    assert np.allclose(np.exp(-model.nats(stream)), [1 / 3 + 2 / 3 * 11 / 20, 23 / 45], rtol=1e-12)


def test_discounts_are_the_modified_ones_where_counts_allow():
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 3])
    assert np.allclose(discounts(counts), [0, 0.5, 1.25, 2.0])
    assert np.allclose(discounts(np.repeat([1, 2], [4, 1])), [0, 2 / 3, 2 / 3, 2 / 3])
    assert np.allclose(discounts(np.array([5, 6])), [0, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("order", [1, 2, 5])
def test_probabilities_sum_to_one_after_seen_and_unseen_contexts(texts, order):
    model = KneserNey(packed(texts, "train.txt").tokens, 64, EOD_ID, order)
    valid = packed(texts, "valid.txt").tokens[:40]
    contexts = np.concatenate((model.histories(valid.astype(np.int64)),
                               np.random.default_rng(1).integers(0, 64, (order - 1, 40))), 1)
    for history in contexts.T:
        probability = model.probability(np.arange(64), np.repeat(history[:, None], 64, 1))
        assert probability.min() > 0
        assert abs(probability.sum() - 1) < 1e-12


def test_longer_contexts_are_better_and_beat_add_one_unigrams(texts):
    train, valid = packed(texts, "train.txt").tokens, packed(texts, "valid.txt").tokens
    counts = np.bincount(train, minlength=64) + 1
    unigram = -np.log(counts / counts.sum())[valid].mean()
    nats = [KneserNey(train, 64, EOD_ID, order).nats(valid).mean() for order in (1, 2, 5)]
    assert abs(nats[0] - unigram) < 0.5
    assert nats[1] < unigram - 0.5
    assert nats[2] < nats[1] - 0.2


def test_histories_end_at_a_boundary():
    model = KneserNey(np.array([1, 2, 0, 3, 4]), vocabulary=5, boundary=0, order=4)
    assert model.histories(np.array([1, 2, 0, 3, 4])).tolist() == [[0, 1, 2, 0, 3], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_order_and_vocabulary_do_not_overflow():
    """Five of the largest ids do not fit 64 bits side by side."""
    stream = np.array([65535, 65534, 65533, 65535, 65534, 65533, 65535], np.uint16)
    model = KneserNey(stream, 1 << 16, boundary=7)
    assert model.nats(stream)[3:].max() < np.log(4) < model.nats(np.array([65000]))[0]
