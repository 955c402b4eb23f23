"""The timing of the published network: its protocol, and what the timed calls ask."""

import io
import subprocess
import sys
import threading

import pytest
import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.evaluation import reference
from asarm_tools.network.published import PublishedModel

from conftest import ROOT

LENGTH, ROWS = 48, 3
GAP, GIVEN = range(24, 28), 44  # positions without a token, and ranks with one


def test_every_line_is_answered_before_the_next(tiny):
    command = [sys.executable, str(ROOT / "tools" / "export" / "reference.py"), "--checkpoint", str(tiny), "--positions", "24", "--rows", "2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        timer = threading.Timer(100, process.kill)  # an answer that waits for more lines would never come
        timer.start()
        for _ in range(2):
            process.stdin.write("\n")
            assert float(process.stdout.readline()) > 0
        rest, _ = process.communicate()
        timer.cancel()
    assert rest == "" and process.returncode == 0


def test_draft_and_oracle_alternate(tiny, call, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(PublishedModel, "forward", lambda _, *inputs: asked.append((inputs, torch.is_grad_enabled())))
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n\n\n"))
    assert call(reference, "--checkpoint", tiny, "--positions", LENGTH, "--rows", ROWS) == 0
    assert len([float(line) for line in capsys.readouterr().out.splitlines()]) == 3
    draft, oracle = reference.questions(LENGTH, ROWS, 64)
    assert not torch.equal(draft[1], oracle[1])
    for (inputs, gradient), expected in zip(asked, (draft, oracle, draft)):
        assert not gradient
        assert all(torch.equal(*pair) for pair in zip(inputs, expected))


@pytest.mark.parametrize("kind", [0, 1])
def test_questions_are_those_of_the_network_without_the_steps_of_the_published_code(tiny, kind):
    """By what the logits depend on: three targets, in the draft without and in the oracle with their tokens."""
    model = read_model(str(tiny), torch.float64)
    ids, barred, mapping = reference.questions(LENGTH, ROWS, 64)[kind]
    assert (ids[0] == 6).nonzero().flatten().tolist() == list(GAP[ROWS if kind == 1 else 0:])
    order = torch.cat((torch.arange(24), torch.arange(GIVEN, LENGTH), torch.arange(24, GIVEN)))[None]
    targets = torch.tensor([list(GAP[:ROWS])])
    inputs = (ids, order, (order < GIVEN).long(), targets)
    horizons = order.gather(1, targets)
    with torch.no_grad():
        found = PublishedModel(model)(ids, barred.double(), mapping.double())
        draft, oracle = model(*inputs, torch.full_like(horizons, GIVEN)), model(*inputs, horizons)
    expected, other = (draft, oracle) if kind == 0 else (oracle, draft)
    assert (found - expected).abs().max() < 1e-9
    assert (found - other).abs().max() > 1e-3


@pytest.mark.parametrize("rows", [0, LENGTH // 2])
def test_rows_are_refused_that_do_not_fit(tiny, call, capsys, rows):
    assert call(reference, "--checkpoint", tiny, "--positions", LENGTH, "--rows", rows) == 2
    assert "--rows" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_missing_is_refused(tiny, call, capsys):
    assert call(reference, "--checkpoint", tiny, "--positions", LENGTH, "--rows", ROWS, "--device", "cuda") == 2
    assert "finds no GPU" in capsys.readouterr().err
