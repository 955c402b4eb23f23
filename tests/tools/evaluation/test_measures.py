"""What is measured of a network, on networks whose answers are known."""

import math

import numpy as np
import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.evaluation import measures
from asarm_tools.evaluation.cases import Case


class Answers(torch.nn.Module):
    """logits = answer(input_ids [B, S], target_positions [B, T], target_horizons [B, T])."""

    def __init__(self, answer):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.answer = answer

    def forward(self, input_ids, order, prompt_mask, target_positions, target_horizons):
        return self.answer(input_ids, target_positions, target_horizons)


def random_case(vocabulary: int, windows: int = 40, length: int = 12, targets: int = 5) -> Case:
    generator = np.random.default_rng(1)
    positions = np.stack([np.sort(generator.permutation(length)[:targets]) for _ in range(windows)])
    return Case("random", generator.integers(0, vocabulary, (windows, length)), np.arange(windows) * length, positions)


def fixed(*weights):
    """The same distribution everywhere."""
    return Answers(lambda ids, positions, horizons: torch.tensor(weights).log().expand(*positions.shape, -1))


def test_joint_nats_of_a_fixed_distribution():
    case = random_case(3)
    share = np.bincount(np.take_along_axis(case.windows, case.positions, 1).ravel(), minlength=3) / case.positions.size
    expected = -(share * np.log([0.5, 0.25, 0.25])).sum()
    assert abs(measures.joint_nats(fixed(0.5, 0.25, 0.25), case.batches()) - expected) < 1e-6


def test_acceptance_is_one_where_the_first_draft_does_not_matter():
    assert abs(measures.second_draft_acceptance(fixed(0.5, 0.2, 0.3), random_case(3), []) - 1) < 1e-12


def test_acceptance_of_two_known_distributions():
    """p even over four; q twice as much for the token before: minima 3/5 of thrice 1/4 plus 1/4, where q is 1/5 and 2/5."""

    def answer(ids, positions, horizons):
        if positions.shape[1] == 2:
            assert (horizons[:, 0] == horizons[:, 1]).all()
            return torch.zeros(*positions.shape, 4)
        return torch.nn.functional.one_hot(ids.gather(1, positions - 1), 4) * math.log(2)

    case = random_case(4)
    case.positions[:] = np.arange(3, 8)  # one span, so that the token before is the first draft
    assert abs(measures.second_draft_acceptance(Answers(answer), case, []) - (3 * 0.2 + 0.25)) < 1e-6


def test_acceptance_looks_at_no_token_that_is_still_unknown(tiny):
    model, case = read_model(str(tiny)), random_case(50, targets=2)
    changed = Case(case.name, case.windows.copy(), case.starts, case.positions)
    np.put_along_axis(changed.windows, case.positions, 11, 1)
    accepted = [measures.second_draft_acceptance(model, each, [6]) for each in (case, changed)]
    assert accepted[0] == accepted[1] and 0 < accepted[0] < 1
    np.put_along_axis(changed.windows, 11 - case.positions, 11, 1)  # the control: given ones do matter
    assert measures.second_draft_acceptance(model, changed, [6]) != accepted[0]


def test_banned_tokens_have_no_probability_and_are_not_drawn():
    batch = random_case(4).batches()[0]
    asked = batch["target_positions"], batch["target_horizons"]
    probability = measures.probabilities(fixed(0.4, 0.3, 0.2, 0.1), batch, *asked, [0, 3])
    assert torch.allclose(probability[0, 0], torch.tensor([0, 0.6, 0.4, 0]).double())
    uniform = (torch.arange(1000).double() + 0.5) / 1000
    drawn = measures.draw(probability[:1, 0].expand(1000, -1), uniform)
    assert drawn.shape == (1000, 1)
    assert drawn.flatten().bincount().tolist() == [0, 600, 400]


def test_top_accuracy_counts_the_most_probable_token():
    case = random_case(3)
    labels = np.take_along_axis(case.windows, case.positions, 1)
    assert measures.top_accuracy(fixed(0.2, 0.5, 0.3), case, []) == (labels == 1).mean()
    assert measures.top_accuracy(fixed(0.2, 0.5, 0.3), case, [1]) == (labels == 2).mean()
