"""Steps that are not finite, and the optimiser's state."""

import copy

import pytest
import torch

from asarm_tools.command_line.failure import InputError
from asarm_tools.training import recovery
from asarm_tools.training.optimiser import load_state, make_optimiser, update_average
from asarm_tools.training.trainer import Trainer

from trainings import losses, trained


@pytest.fixture
def poison(monkeypatch):
    """poison(steps, value): before each of these steps, from 0, a weight becomes that value. Returns the rates of all steps."""
    original = Trainer.train_step

    def set_up(steps, value=float("nan")):
        rates = []

        def train_step(trainer, batch):
            if trainer.step in steps:
                trainer.weights[2].data.view(-1)[0] = value
            rates.append(trainer.learning_rate())
            return original(trainer, batch)

        monkeypatch.setattr(Trainer, "train_step", train_step)
        return rates

    return set_up


def finite(state: dict) -> bool:
    tensors = [*state["model"].values(), *state["average"].values()]
    tensors += [value for one in state["optimiser"]["state"].values() for value in one.values() if torch.is_tensor(value)]
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_run_recovers_from_a_weight_that_is_not_finite(texts, tmp_path, poison, value):
    rates = poison({44}, value)
    lines = trained(texts, tmp_path, "--decay-steps", 0)
    said = [line for line in lines if "not finite" in line]
    assert said == ["step 45 is not finite: back to the averaged weights, the learning rate times 0.5 (recovery 1 of at most 5)"]
    state = torch.load(tmp_path / "last.pt")
    assert state["recoveries"] == 1 and state["step"] == 60 and finite(state)
    assert rates[49] == 5e-3 and rates[50] == 2.5e-3  # checked with the report of step 50
    curve = {step: float(text.split()[1]) for step, text in losses(lines).items()}
    assert curve["60"] < curve["10"] and all(loss == loss for loss in curve.values())  # step 50 is of its good steps


def test_without_recovery_the_run_is_lost(texts, tmp_path, poison, monkeypatch):
    """The control of the test above."""
    poison({44})
    monkeypatch.setattr(recovery.Recovery, "restore", lambda _: None)
    monkeypatch.setattr(recovery, "MOST_RECOVERIES", 100)
    trained(texts, tmp_path)
    assert not finite(torch.load(tmp_path / "last.pt"))


def test_a_run_gives_up_after_some_recoveries(texts, tmp_path, poison):
    poison(set(range(31, 60)))
    with pytest.raises(InputError, match="step 3[0-9] is not finite, after 2 recoveries, .* begin again with a lower --learning-rate"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recovery, "MOST_RECOVERIES", 2)
            trained(texts, tmp_path, "--report-every", 2)
    state = torch.load(tmp_path / "last.pt")
    assert state["step"] == 30 and finite(state)


def test_a_resumed_run_keeps_its_halved_rate_and_repeats_the_uninterrupted_one(texts, tmp_path, poison):
    poison({12})
    whole = trained(texts, tmp_path / "whole")
    before = trained(texts, tmp_path / "cut", interrupt_at=40)
    after = trained(texts, tmp_path / "cut", "--resume")
    assert sum("not finite" in line for line in whole) == 1 and not any("not finite" in line for line in after)
    assert {**losses(before), **losses(after)} == losses(whole)


def test_losses_are_looked_at_every_few_steps_only(texts, tmp_path, monkeypatch):
    checked, original = [], recovery.Recovery.check

    def check(self, step):
        assert all(torch.is_tensor(value) for pair in self.unchecked for value in pair)
        checked.append(step)
        return original(self, step)

    monkeypatch.setattr(recovery.Recovery, "check", check)
    trained(texts, tmp_path, "--steps", 50, "--report-every", 45, "--validate-every", 100, "--save-every", 100)
    assert checked == [20, 40, 45, 50]


def small_network() -> torch.nn.Module:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))


def step_of(model, optimiser, scale=1.0):
    optimiser.zero_grad(set_to_none=True)
    (model(torch.ones(1, 3)).sum() * scale).backward()
    optimiser.step()


def test_only_moments_that_are_not_finite_are_cleared_and_then_wholly():
    model, average = small_network(), small_network()
    optimiser = make_optimiser(model, 0.1, torch.device("cpu"))
    step_of(model, optimiser)
    guard, first, second = recovery.Recovery(model, average, optimiser), *list(model.parameters())[:2]
    kept = {name: value.clone() for name, value in optimiser.state[second].items()}
    optimiser.state[first]["exp_avg"][0, 0] = torch.nan
    guard.record(torch.tensor(1.0), torch.tensor(1.0))
    guard.record(torch.tensor(2.0), torch.tensor(torch.inf))
    guard.record(torch.tensor(torch.nan), torch.tensor(torch.nan))
    assert "step 8 is not finite" in guard.check(9) and guard.scale == 0.5
    assert guard.mean_loss() == 1.0 and guard.check(9) is None
    assert all((value == 0).all() for value in optimiser.state[first].values())
    assert all(torch.equal(optimiser.state[second][name], value) for name, value in kept.items())
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), average.parameters()))


def test_a_state_of_fused_kernels_goes_on_without_them():
    """As of a run on a GPU that is resumed on a CPU."""
    model, other = small_network(), small_network()
    optimiser, resumed = (make_optimiser(network, 0.1, torch.device("cpu")) for network in (model, other))
    for group in (*optimiser.param_groups, *resumed.param_groups):
        group["lr"] = 0.1
    step_of(model, optimiser)
    state = copy.deepcopy(optimiser.state_dict())  # newer versions share its tensors
    for group in state["param_groups"]:
        group["fused"] = True
    load_state(resumed, state)
    assert not any(group.get("fused") for group in resumed.param_groups)
    other.load_state_dict(model.state_dict())
    step_of(model, optimiser)
    step_of(other, resumed)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), other.parameters()))


def test_average_goes_the_same_way_with_and_without_grouped_kernels(monkeypatch):
    results = []
    for grouped in (True, False):
        if not grouped:
            monkeypatch.delattr(torch, "_foreach_lerp_", raising=False)
        average, current = (list(small_network().parameters()) for _ in range(2))
        with torch.no_grad():
            for parameter in current:
                parameter.add_(1)
        before = [parameter.clone() for parameter in average]
        update_average(average, current, 90, 0.998)  # 90 / 100 of the old, as the memory is still short
        update_average(average, current, 10 ** 6, 0.5)
        results.append(average)
        assert all(torch.allclose(new - old, torch.tensor(0.1 + 0.9 * 0.5), atol=1e-6) for new, old in zip(average, before))
    assert all(torch.allclose(one, two) for one, two in zip(*results))
