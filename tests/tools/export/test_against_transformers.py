"""verify.py --against transformers: agreement where there is some, and a failure for everything that could differ.

Where the library itself is at hand (Debian unstable) it is asked; elsewhere a stand-in made of the published network is.
"""

import importlib
import json
import re
import shutil
import sys

import numpy as np
import pytest

from asarm_tools.checkpoints.checkpoint import read_weights, write_weights
from asarm_tools.export import against_transformers, verify
from asarm_tools.export import command as export

import stand_in
from conftest import ROOT
from exports import fresh_weights

TOKENIZER = ROOT / "tests" / "golden" / "tokenizer" / "spiece.model"
PLAIN = "Anna went to the mill.\n\n  Two  spaces, and the end.\nShe said that it was late"


@pytest.fixture(autouse=True)
def library(monkeypatch):
    try:
        return importlib.import_module("transformers")
    except ImportError:
        monkeypatch.setitem(sys.modules, "transformers", stand_in.transformers_module())
        return sys.modules["transformers"]


@pytest.fixture
def checked(call, capsys):
    """checked(folder, checkpoint, *options) -> exit code, and what was found by row."""
    def check(folder, checkpoint, *options):
        code = call(verify, "--against", "transformers", "--model", folder, "--checkpoint", checkpoint, *options)
        rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][2:]
        return code, {row[0]: (row[2].partition(",")[0], row[3]) for row in rows}

    return check


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """A small network's checkpoint and folder, with the committed model's tokenizer."""
    made = tmp_path_factory.mktemp("stories")
    write_weights(str(made / "checkpoint"), fresh_weights(4096), trained_length=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["export.py", "--checkpoint", str(made / "checkpoint"), "--tokenizer", str(TOKENIZER), "--output", str(made / "model")])
        assert export.main() == 0
    return made / "model", made / "checkpoint"


@pytest.fixture
def text(tmp_path):
    (tmp_path / "text").write_text(PLAIN)
    return tmp_path / "text"


def test_an_export_and_its_checkpoint_agree(tiny, exported, checked):
    code, rows = checked(exported, tiny)
    assert code == 0 and all(passed == "passed" for _, passed in rows.values())
    assert float(rows["logits of checkpoint by PyTorch, float64"][0]) < 1e-12
    assert all(float(found) < 1e-5 for found, _ in rows.values())
    graphs = [name for name in rows if name.startswith("logits of model")]
    runtimes = [importlib.util.find_spec(name) is not None for name in ("onnxruntime", "onnx.reference")]
    assert len(graphs) == (2 if runtimes[0] else 1 if runtimes[1] else 0)


def test_tokens_of_plain_text_agree(stories, text, checked):
    code, rows = checked(*stories, "--text", text)
    assert code == 0 and float(rows["logits of checkpoint by PyTorch, float64"][0]) < 1e-12
    tokens = [found for name, found in rows.items() if name.startswith("tokens of XLNetTokenizer")]
    assert tokens == [("0 lines differ", "passed")]


def test_float16_weights_are_compared_with_rounded_weights(tiny, output, call, checked):
    assert call(export, "--checkpoint", tiny, "--output", output, "--weights", "float16", "--maximum-length", 20) == 0
    assert checked(output, tiny)[0] == 0
    path = output / "asarm.json"
    path.write_text(path.read_text().replace("float16-weights", "float32"))
    code, rows = checked(output, tiny)  # the control
    assert code == (1 if any(name.startswith("logits of model") for name in rows) else 0)


@pytest.mark.parametrize("name, change", [
    ("transformer.layer.1.rel_attn.r", 0.01), ("transformer.layer.2.ff.layer_2.bias", 0.01), ("lm_loss.bias", 1e-3)])
def test_another_weight_is_a_difference(tiny, exported, checked, monkeypatch, library, name, change):
    """Of the network alone, so that the library's stays."""
    def other(folder):
        weights = read_weights(folder)
        weights[name] = weights[name].copy()
        weights[name].reshape(-1)[3] += change
        return weights

    monkeypatch.setattr(against_transformers, "read_weights", other)
    code, rows = checked(exported, tiny)
    assert code == 1 and rows["logits of checkpoint by PyTorch, float64"][1] == "failed"
    assert [passed for what, (_, passed) in rows.items() if "model" in what] == ["passed"] * (len(rows) - 2)


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_shifted_horizon_is_a_difference(tiny, exported, checked, monkeypatch, shift):
    original = against_transformers.barred_by_order
    monkeypatch.setattr(against_transformers, "barred_by_order", lambda order, prompt, horizon: original(order, prompt, horizon + shift))
    code, rows = checked(exported, tiny)
    assert code == 1 and rows["logits of checkpoint by PyTorch, float64"][1] == "failed"


def test_another_checkpoint_is_a_difference(tiny, exported, tmp_path, checked):
    weights = read_weights(str(tiny))
    weights["transformer.mask_emb"] = weights["transformer.mask_emb"] + np.float32(0.01)
    write_weights(str(tmp_path / "other"), weights)
    code, rows = checked(exported, tmp_path / "other")
    assert code == (1 if len(rows) > 2 else 0)  # the graphs are not those of this checkpoint; its network is


def test_one_other_token_is_a_difference(stories, text, checked):
    """XLNetTokenizer makes a straight quote of two marks; the folder's text goes to SentencePiece as it is."""
    text.write_text(PLAIN + "\n``quoted''\n")
    code, rows = checked(*stories, "--text", text)
    assert code == 1
    ((found, passed),) = [row for name, row in rows.items() if name.startswith("tokens of XLNetTokenizer")]
    assert (found, passed) == ("1 lines differ", "failed")


def test_tolerance_is_the_callers(tiny, exported, checked):
    code, rows = checked(exported, tiny, "--tolerance", 1e-9)
    assert code == 1 and rows["logits of checkpoint by PyTorch, float64"][1] == "passed" and rows["logits of transformers itself, float32"][1] == "failed"


def test_what_cannot_be_compared_is_one_line(tiny, exported, stories, text, tmp_path, call, capsys, monkeypatch):
    folder = shutil.copytree(stories[0], tmp_path / "stories")
    description = json.loads((folder / "asarm.json").read_text())
    (folder / "asarm.json").write_text(json.dumps({**description, "text_encoding": "asarm-code"}))
    (tmp_path / "latin").write_bytes("Zoë".encode("latin-1"))
    int8 = ROOT / "tests" / "golden" / "precision" / "int8"
    for arguments, message in (
            (["--model", int8, "--checkpoint", tiny], "only float32 and float16-weights"),
            (["--model", exported, "--checkpoint", tiny, "--text", text], "has no tokenizer: leave --text out"),
            (["--model", folder, "--checkpoint", stories[1], "--text", text], "text_encoding asarm-code"),
            (["--model", stories[0], "--checkpoint", stories[1], "--text", tmp_path / "latin"], "is not UTF-8"),
            (["--model", stories[0], "--checkpoint", stories[1], "--text", tmp_path / "missing"], "missing"),
            (["--model", exported, "--checkpoint", tmp_path / "missing"], "no config.json")):
        assert call(verify, "--against", "transformers", *arguments) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert call(verify, "--model", exported, "--checkpoint", tiny, "--text", text) == 2
    assert "--text is for --against transformers" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert call(verify, "--against", "transformers", "--model", exported, "--checkpoint", tiny) == 2
    assert re.search("needs Hugging Face's transformers", capsys.readouterr().err)
