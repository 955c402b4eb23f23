"""Mixtures of texts, and batches that threads prepare."""

import threading

import numpy as np
import pytest
import sentencepiece

from asarm_tools.corpora.corpus import PackedCorpus
from asarm_tools.corpora.mixture import Mixture, parse_shares
from asarm_tools.gaps.orders import IGNORED
from asarm_tools.training import batches
from asarm_tools.training.options import BatchOptions

RECIPE = {"seed": 3, "tokens_per_step": 256, "lengths": (8, 16), "rates": (0.1, 0.9), "rate_warmup": 10, "low_rates": (0.5, 0.4),
              "kinds": (1, 2, 1, 1), "open_gaps": 0.0, "device": "cpu"}


def mixture_of(*weights: tuple[float, float]) -> Mixture:
    """Text number i is the token 10 + i, over and over."""
    mixture = object.__new__(Mixture)
    mixture.corpora = []
    for number in range(len(weights)):
        corpus = object.__new__(PackedCorpus)
        corpus.tokens, corpus.starts = np.full(1000, 10 + number, np.uint16), np.arange(0, 1000, 100)
        mixture.corpora.append(corpus)
    mixture.weights = [np.array([pair[part] for pair in weights]) / sum(pair[part] for pair in weights) for part in (0, 1)]
    return mixture


def test_weights_are_read_with_and_without_a_final_one():
    shares = parse_shares(["a=b.txt=0.5:.4", "c.txt=2"])
    assert [(share.paths, share.weights) for share in shares] == [(("a=b.txt",), (0.5, 0.4)), (("c.txt",), (2.0, 2.0))]
    (plain,) = parse_shares(["a.txt", "b=c.txt"])
    assert plain.paths == ("a.txt", "b=c.txt")


def test_plain_texts_are_drawn_by_size(texts):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    names = [str(texts / "train.txt"), str(texts / "valid.txt")]
    together, apart = PackedCorpus(names, pieces), Mixture(parse_shares(names), pieces)
    assert len(apart.corpora) == 1 and not apart.changes and apart.tokens == len(together.tokens)
    assert np.array_equal(apart.corpora[0].tokens, together.tokens)
    weighted = Mixture(parse_shares([name + "=1:2" for name in names]), pieces)
    assert not weighted.changes and weighted.weights[1].tolist() == [0.5, 0.5]
    assert Mixture(parse_shares([names[0] + "=1:2", names[1] + "=1"]), pieces).changes


@pytest.mark.parametrize("final", [False, True])
def test_windows_are_drawn_by_the_weights_of_the_part(final):
    weights = ((0.5, 0.4), (0.28, 0.2), (0.22, 0.4))
    maker = batches.BatchMaker(mixture_of(*weights), BatchOptions(**RECIPE))
    tokens = np.concatenate([maker.make(step, final)["input_ids"].numpy().ravel() for step in range(200)])
    shares = np.bincount(tokens, minlength=13)[10:] / len(tokens)
    here, other = (np.array([pair[part] for pair in weights]) for part in (final, not final))
    assert np.abs(shares - here).max() < 0.02 < np.abs(shares - other).max()


def test_a_text_without_weight_is_not_drawn():
    maker = batches.BatchMaker(mixture_of((1, 0), (0, 1)), BatchOptions(**RECIPE))
    assert [set(maker.make(5, final)["input_ids"].numpy().ravel()) for final in (False, True)] == [{10}, {11}]


def test_a_batch_follows_from_seed_step_and_part_alone():
    maker = batches.BatchMaker(mixture_of((1, 2), (2, 1)), BatchOptions(**RECIPE))
    same, again, later, final = (maker.make(*place) for place in ((7, False), (7, False), (8, False), (7, True)))
    other = batches.BatchMaker(maker.mixture, BatchOptions(**{**RECIPE, "seed": 4})).make(7, False)
    assert all((same[name] == again[name]).all() for name in same)
    for different in (later, final, other):
        assert any(same[name].shape != different[name].shape or (same[name] != different[name]).any() for name in same)


def test_share_of_open_gaps_and_kinds():
    maker = batches.BatchMaker(mixture_of((1, 1)), BatchOptions(**{**RECIPE, "open_gaps": 0.25, "kinds": (0, 0, 0, 1)}))
    made = [maker.make(step, False) for step in range(400)]
    opened = [bool((batch["labels"] == 8).any()) for batch in made]
    assert np.mean(opened) == pytest.approx(0.25, abs=0.05)
    for batch, is_open in zip(made, opened):
        continuation = batch["target_positions"][:, -1] == batch["input_ids"].shape[1] - 1
        assert is_open or (continuation.all() and not (batch["labels"] == IGNORED).any())


def test_batches_come_in_the_order_of_their_steps_though_threads_finish_in_another():
    """Step 0 waits until step 1 is done: only two threads can bring that about."""
    done = threading.Event()

    def make(step, final):
        if step == 0:
            assert done.wait(60)
        if step == 1:
            done.set()
        return step, final

    with batches.Prefetcher(make, lambda step: step >= 3, 0, threads=2) as prefetcher:
        assert [prefetcher.next() for _ in range(6)] == [(step, step >= 3) for step in range(6)]


def test_a_bounded_number_is_made_ahead():
    made, taken = [], 5
    with batches.Prefetcher(lambda step, _: made.append(step), lambda _: False, 10, threads=2) as prefetcher:
        for _ in range(taken):
            prefetcher.next()
        assert len(prefetcher.waiting) == prefetcher.depth == 6
    assert set(range(10, 10 + taken)) <= set(made) <= set(range(10, 10 + taken + 6))


def test_a_mistake_in_a_thread_is_one_of_the_run():
    def make(step, _):
        raise ValueError(f"step {step}")

    with batches.Prefetcher(make, lambda _: False, 4, threads=2) as prefetcher, pytest.raises(ValueError, match="step 4"):
        prefetcher.next()
