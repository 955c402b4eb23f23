"""Goldens: recorded ones of the official code, generated ones over all states, broken ones."""

import numpy as np
import pytest

from asarm_tools.checkpoints.checkpoint import checkpoint_hash, read_weights
from asarm_tools.checkpoints.tensor_file import read_tensors
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.export import fixtures
from asarm_tools.network.forward import Network

from exports import COMMITTED, described, fresh_weights


def test_committed_export_is_of_the_committed_checkpoint(tiny):
    """models/tiny holds the official answers, one draft and one oracle of each case with a given token."""
    assert described(COMMITTED)["source"]["checkpoint_sha256"] == checkpoint_hash(str(tiny))
    committed, official = fixtures.read_cases(str(COMMITTED / "golden.safetensors"), 64), fixtures.from_official(str(tiny))
    assert len(committed) == len(official) == 26
    assert all(np.array_equal(a[name], b[name]) for a, b in zip(committed, official) for name in b)


def test_official_goldens_are_converted_and_checked(tiny, micro, tmp_path, output, call, capsys):
    golden = tmp_path / "new" / "official.safetensors"
    assert call(fixtures, "--official", tiny, "--output", golden) == 0
    assert call(export, "--checkpoint", tiny, "--output", output, "--golden", golden) == 0
    assert (output / "golden.safetensors").read_bytes() == golden.read_bytes()
    capsys.readouterr()
    assert call(export, "--checkpoint", tiny, "--output", output, "--golden", golden, "--weights", "float16") == 2
    assert "differs by" in capsys.readouterr().err
    assert call(export, "--checkpoint", micro, "--output", output, "--golden", golden) == 2
    assert "vocabulary of 8" in capsys.readouterr().err
    assert described(output)["vocabulary_size"] == 64  # the earlier export stands


def test_generated_goldens_cover_orders_questions_and_states(tiny):
    network = Network(read_weights(str(tiny)))
    cases = fixtures.generate(network, fixtures.usual_lengths(40), 6, list(range(9)))
    assert len(cases) == 12
    lengths = [case["order"].size for case in cases]
    assert lengths[0] == 2 and lengths[-1] == 40
    given = [int(case["prompt_mask"].sum()) for case in cases]
    assert any(g == 1 and n > 4 for g, n in zip(given, lengths)) and any(g == n - 1 and n > 4 for g, n in zip(given, lengths))
    for case, g in zip(cases, given):
        ranks, horizons = case["order"][case["target_positions"]], case["target_horizons"]
        assert np.array_equal(np.sort(case["order"]), np.arange(case["order"].size))
        assert np.array_equal(case["prompt_mask"], case["order"] < g)
        assert (horizons >= g).all() and (horizons <= ranks).all()
        seen = case["order"] < horizons.max()
        assert not np.isin(case["input_ids"][seen], range(9)).any()
    assert any(len(set(case["target_horizons"])) == 1 and case["target_horizons"].size > 1 for case in cases)
    assert any(case["target_horizons"].min() > g for case, g in zip(cases, given))  # decided tokens that are not given
    again = fixtures.generate(network, fixtures.usual_lengths(40), 6, list(range(9)))
    assert all(np.array_equal(a[name], b[name]) for a, b in zip(cases, again) for name in a)


def test_golden_file_of_a_real_vocabulary_is_small(tmp_path):
    cases = fixtures.generate(Network(fresh_weights(4096)), fixtures.usual_lengths(512), 6, list(range(9)))
    fixtures.write_cases(str(tmp_path / "golden.safetensors"), cases)
    assert (tmp_path / "golden.safetensors").stat().st_size < 1_500_000
    assert len(fixtures.read_cases(str(tmp_path / "golden.safetensors"), 4096)) == 12


def test_a_large_vocabulary_still_has_several_targets_in_a_case(tmp_path):
    cases = fixtures.generate(Network(fresh_weights(32000)), fixtures.usual_lengths(64), 6, list(range(9)))
    assert len(cases) == 12 and max(case["logits"].shape[0] for case in cases) == 3
    assert sum(case["logits"].nbytes for case in cases) < 6_000_000


def test_goldens_with_missing_or_wrong_tensors_are_refused(exported, tmp_path):
    whole = read_tensors(exported / "golden.safetensors")
    path = str(tmp_path / "golden.safetensors")
    changes = [lambda t: t.pop("003.order"), lambda t: t.update({"003.order": np.zeros(3, np.int64)}),
               lambda t: t.update({"003.logits": np.zeros((1, 63), np.float32)}), lambda t: t.clear(),
               lambda t: t.update({"003.order": t["003.order"].astype(np.int32)}), lambda t: t["003.input_ids"].fill(64),
               lambda t: t["003.order"].fill(0), lambda t: t["003.prompt_mask"].fill(2), lambda t: t["003.target_positions"].fill(-1),
               lambda t: t["003.target_horizons"].fill(99), lambda t: t.update({"003.logits": t["003.logits"].astype(np.float64)})]
    for change in changes:
        tensors = {name: array.copy() for name, array in whole.items()}
        change(tensors)
        fixtures.write_tensors(path, tensors)
        with pytest.raises(InputError, match="golden.safetensors"):
            fixtures.read_cases(path, 64)


def test_lengths_of_goldens_are_the_callers(tiny, output, call, capsys):
    arguments = ["--checkpoint", tiny, "--output", output, "--maximum-length", 40]
    assert call(export, *arguments, "--golden-lengths", 8, 40, 3) == 0
    cases = fixtures.read_cases(str(output / "golden.safetensors"), 64)
    assert [case["order"].size for case in cases] == [8, 40, 3]
    for length in (1, 41):
        assert call(export, *arguments, "--golden-lengths", length) == 2
        assert "--golden-lengths must be of 2 to 40" in capsys.readouterr().err


@pytest.mark.parametrize("change, message", [
    ({"prompt_mask": [0, 0, 0]}, "no given token"), ({"order": [2, 0, 1]}, "given tokens behind others"), ({"target_horizons": [0]}, "does not see all given"),
    ({}, "3 tokens, the maximum length is 2")])
def test_cases_that_a_folder_cannot_have_are_refused(tmp_path, change, message):
    case = {"input_ids": [9, 9, 9], "order": [0, 1, 2], "prompt_mask": [1, 0, 0], "target_positions": [1], "target_horizons": [1], **change}
    arrays = {name: np.array(values, np.int64) for name, values in case.items()}
    path = str(tmp_path / "golden.safetensors")
    fixtures.write_cases(path, [{**arrays, "logits": np.zeros((1, 20), np.float32)}])
    assert len(fixtures.read_cases(path, 20)) == 1
    with pytest.raises(InputError, match=message):
        fixtures.read_cases(path, 20, 2 if not change else 3)
