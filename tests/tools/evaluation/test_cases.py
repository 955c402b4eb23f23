"""What is evaluated: windows spread over the text, gaps of the named kinds, places in the stream."""

import numpy as np
import pytest
import sentencepiece

from asarm_tools.corpora.corpus import EOD_ID, PackedCorpus
from asarm_tools.evaluation.cases import CaseMaker, validation_batches


@pytest.fixture(scope="module")
def corpus(texts):
    return PackedCorpus([str(texts / "valid.txt")], sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model")))


def test_places_hold_the_tokens_that_are_asked(corpus):
    maker = CaseMaker(corpus, 32, 10)
    assert len(maker.windows) == 10 < maker.available == len(corpus.tokens) // 32
    assert maker.starts[0] == 0 and maker.starts[-1] == (maker.available - 1) * 32
    for case in [*maker.mixed_rates(), *maker.spans(), maker.scattered(), maker.single_tokens([EOD_ID])]:
        labels = np.concatenate([batch["labels"].numpy() for batch in case.batches()])
        assert np.array_equal(corpus.tokens[case.places()], labels)


def test_a_limit_beyond_the_text_takes_every_window(corpus):
    maker = CaseMaker(corpus, 32, 10 ** 6)
    assert len(maker.windows) == maker.available == len(CaseMaker(corpus, 32).windows)


def test_gaps_are_of_their_kinds(corpus):
    maker = CaseMaker(corpus, 32, 12)
    sizes = [case.positions.shape[1] for case in maker.mixed_rates()]
    assert sizes == [2, 5, 16, 30]
    for case in maker.mixed_rates():
        assert (np.diff(case.positions[1::2]) == 1).all()  # every other window has one span
    assert (np.diff(maker.mixed_rates()[2].positions[0::2]).max(1) > 1).all()
    spans = maker.spans()
    assert all((np.diff(case.positions) == 1).all() for case in spans)
    assert [case.positions.shape[1] for case in spans] == [5, 16, 20, 16, 31]
    assert (spans[3].positions[:, -1] == 31).all() and (spans[4].positions[:, 0] == 1).all()
    assert len(np.unique(spans[2].positions[:, 0])) > 3


def test_single_tokens_are_none_of_the_special_ones(corpus):
    maker = CaseMaker(corpus, 4)
    everything_but = np.setdiff1d(np.arange(64), [EOD_ID])
    case = maker.single_tokens(list(everything_but))
    assert 0 < len(case.windows) == (maker.windows == EOD_ID).any(1).sum() < len(maker.windows)
    assert (corpus.tokens[case.places()] == EOD_ID).all()


def test_the_same_again(corpus):
    batches = [validation_batches(corpus, 32, 6) for _ in range(2)]
    assert list(batches[0]) == ["5%", "15%", "50%", "95%"]
    for one, two in zip(*(run.values() for run in batches)):
        assert all((first[name] == second[name]).all() for first, second in zip(one, two) for name in first)
