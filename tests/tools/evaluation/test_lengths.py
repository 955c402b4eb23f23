"""The tables of lengths.py on results written by hand: each way to choose a length, the measures, and files that are none."""

import json

import numpy as np
import pytest

from asarm_tools.evaluation import lengths


def row(kind="word", length=2, original="b c", prior=(-1, -1, -1), joint=(-9, -9, -9), conditional=(-1, -2, -3), texts=("b", "b c", "b x d")) -> dict:
    return {"gap": {"kind": kind, "before": "a ", "original": original, "after": " e."}, "length": length,
            "prior": list(prior), "joint": list(joint), "conditional": list(conditional), "texts": list(texts)}


@pytest.fixture
def written(tmp_path):
    """written(rows) -> the file."""

    def write(*rows) -> str:
        path = tmp_path / "results.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
        return str(path)

    return write


def test_each_way_chooses_by_its_own_rule(written):
    gaps, left_out = lengths.read_gaps(written(
        row(prior=(-0.1, -3, -9), joint=(-8.9, -10.1, -8.5), conditional=(-2, -6, -3.3)), row(conditional=(-1, -1.8, -6)), {"gap": {}, "length": None}))
    chosen = {name: list(found) for name, found in lengths.choices(gaps).items()}
    assert left_out == 1
    assert chosen == {
        lengths.HALF: [1, 3],  # -3.55, -5.05, -11.6; and all priors alike
        lengths.WHOLE: [1, 3],  # -7, -7.1, -14.2
        "evidence alone": [2, 3],  # -6.9, -4.1, -5.2
        lengths.BASELINE: [3, 2],  # -2, -3, -1.1; -1, -0.9, -2
        "the same less its mean for the length": [3, 2],  # against the other gap: -1, -2.1, +0.9
        lengths.PRIOR: [1, 1],
        lengths.TRUE: [2, 2],
    }


def test_measures_of_a_choice(written):
    gaps, _ = lengths.read_gaps(written(row(), row(length=3, original="b c d")))
    scores = lengths.judge(gaps, np.array([1, 3]), len)
    assert scores.exact.tolist() == [False, True]
    assert scores.within_one.tolist() == [True, True]
    assert scores.rouge == pytest.approx([2 / 3, 4 / 6])
    assert scores.nats.tolist() == [-2, 0]  # with the number of characters in place of nats
    assert np.isnan(scores.surprisal).all()
    posterior = lengths.log_posteriors(gaps)[lengths.HALF]
    assert np.exp(posterior).sum(1) == pytest.approx([1, 1])
    weights = np.exp(np.array([-4, -3.5, -3]))  # half of -8, -7, -6
    assert lengths.judge(gaps, np.array([1, 3]), len, posterior).surprisal == pytest.approx(-np.log(weights[[1, 2]] / weights.sum()))


def test_intervals_are_those_of_the_mean():
    assert lengths.interval(np.array([1.0, 2.0, 3.0]), 2) == "2.00 ± 1.13"


def test_tables_have_all_gaps_and_each_kind(texts, written, call, capsys):
    path = written(row(), row("phrase"), row(), row("phrase", length=1))
    assert call(lengths, "--tokenizer", texts / "spiece.model", "--train", texts / "train.txt", "--results", path) == 0
    page = capsys.readouterr().out
    assert [line for line in page.splitlines() if line.startswith("**")] == ["**all**: 4 gaps", "**word**: 2 gaps", "**phrase**: 2 gaps"]
    true = next(line for line in page.splitlines() if line.startswith(f"| {lengths.TRUE} |"))
    assert true.startswith("| the true length | 100.0 ± 0.0 | 100.0 ± 0.0 | ")


@pytest.mark.parametrize("rows, message", [
    ([row()], "fewer than two"), ([row(), row(), {"length": 3}], "line 3"), ([row(), row(prior=[0], joint=[0], conditional=[0])], "same number")])
def test_other_files_are_refused(texts, written, call, capsys, rows, message):
    assert call(lengths, "--tokenizer", texts / "spiece.model", "--train", texts / "train.txt", "--results", written(*rows)) == 2
    assert message in capsys.readouterr().err
