"""The page of samples, made by a stand-in for the asarm command; and the committed prompts."""

import json
import re
import shlex
import sys

import pytest

from asarm_tools.evaluation import samples

from conftest import ROOT

# Answers every line with its seed's word in every gap, as asarm does: given text comes back as it is, spaces beside gaps included.
STAND_IN = """
import json, re, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "infill" and options["--temperature"] == "0.7"
with open(options["--input"]) as asked, open(options["--output"], "w") as answered:
    for number, line in enumerate(asked, 1):
        request, gaps = json.loads(line), []
        def word(found):
            gaps.append(f"word_{request['seed']}")
            return gaps[-1]
        text = re.sub(r"<mask(:[0-9]+)?>", word, request["text"])
        answer = {"line": number, "text": text, "gaps": gaps, "sampler": "assd", "seed": request["seed"],
                  "model": options.get("--model", "stand-in")}
        answered.write(json.dumps({**answer, **CHANGE}) + chr(10))
sys.exit(CODE)
"""


@pytest.fixture
def page(tmp_path, call):
    """page(prompts, change, code, more) -> exit code; the page stands in SAMPLES.md."""

    def make(prompts: str, change: dict | None = None, code: int = 0, more: tuple = ()) -> int:
        (tmp_path / "prompts.jsonl").write_text(prompts)
        (tmp_path / "stand_in.py").write_text(STAND_IN.replace("CHANGE", repr(change or {})).replace("CODE", str(code)))
        command = shlex.join([sys.executable, str(tmp_path / "stand_in.py")])
        return call(samples, "--prompts", tmp_path / "prompts.jsonl", "--output", tmp_path / "SAMPLES.md", "--asarm", command,
                    *more)

    return make


def test_page_holds_every_result_with_its_gaps_in_bold(page, tmp_path):
    prompts = [{"kind": "One", "text": "A <mask:3> b*c."}, {"kind": "Two", "text": "<mask> and, <mask:12>"}]
    assert page("".join(json.dumps(prompt) + "\n" for prompt in prompts)) == 0
    lines = (tmp_path / "SAMPLES.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## 1. One", "## 2. Two"]
    assert [line for line in lines if re.match(r"\d\. ", line)] == [
        *(f"{seed}. A <b>word\\_{seed}</b> b\\*c." for seed in (1, 2, 3)),
        *(f"{seed}. <b>word\\_{seed}</b> and, <b>word\\_{seed}</b>" for seed in (1, 2, 3))]
    assert "`A <mask:3> b*c.`" in lines
    assert any("Not hand-picked" in line for line in lines) and any("python3 tools/train/samples.py" in line for line in lines)


def test_the_model_is_the_callers(page, tmp_path):
    assert page('{"kind": "One", "text": "A <mask>"}', more=("--model", "models/other")) == 0
    assert "`models/other`" in (tmp_path / "SAMPLES.md").read_text()


def test_page_names_no_folder_of_the_machine(page, tmp_path):
    assert page('{"kind": "One", "text": "A <mask>"}', more=("--model", ROOT / "models" / "other")) == 0
    text = (tmp_path / "SAMPLES.md").read_text()
    assert str(tmp_path) not in text and str(ROOT) not in text and sys.executable not in text
    assert "other`, sampler" in text and "--prompts prompts.jsonl --output SAMPLES.md" in text and "stand_in.py" in text
    assert samples.relative("run --x=/a/b.c 'd/e' ~/f") == "run --x=b.c 'd/e' f"


@pytest.mark.parametrize("prompts, change, code, message", [
    ("", {}, 0, "has no prompt"), ("{", {}, 0, "line 1 is no prompt"), ("[]", {}, 0, "line 1 is no prompt"),
    ('{"text": "A <mask>"}', {}, 0, "line 1 is no prompt"), ('{"kind": "x", "text": "A mask"}', {}, 0, "line 1 is no prompt"),
    ('{"kind": "x", "text": "A \\\\<mask>"}', {}, 0, "line 1 is no prompt"),
    ('{"kind": "x", "text": "A <mask>"}', {}, 3, "ended with code 3"),
    ('{"kind": "x", "text": "A <mask>"}', {"line": 7}, 0, "in their order"),
    ('{"kind": "x", "text": "A <mask>"}', {"text": "B word_1"}, 0, "does not fit its prompt")])
def test_mistakes_are_one_line_and_leave_no_page(page, tmp_path, capsys, prompts, change, code, message):
    assert page(prompts, change, code) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "SAMPLES.md").exists()


def test_a_long_prompt_is_quoted_and_its_results_are_what_stands_beside_the_gaps(page, tmp_path):
    words = " ".join(f"n{i:03}" for i in range(100))
    assert page(json.dumps({"kind": "One", "text": f"{words} a*b <mask:3> c_d {words} <mask>, e. {words}"})) == 0
    lines = (tmp_path / "SAMPLES.md").read_text().splitlines()
    quoted = next(line for line in lines if line.startswith("> "))
    assert quoted == f"> {words} a\\*b `<mask:3>` c\\_d {words} `<mask>`, e. {words}"
    tail, head = " ".join(words.split()[-15:]), " ".join(words.split()[:15])
    assert [line for line in lines if re.match(r"\d\. ", line)] == [
        f"{seed}. … {tail} a\\*b <b>word\\_{seed}</b> c\\_d {head} … {' '.join(words.split()[-16:])} <b>word\\_{seed}</b>, e. {head} …"
        for seed in (1, 2, 3)]


@pytest.mark.parametrize("text, after, before, expected", [
    ("short", True, True, "short"), ("x" * 160, True, True, "x" * 160), ("x" * 80, True, False, "x" * 80),
    ("word " * 33, True, True, " ".join(["word"] * 16) + " … " + "word " * 16),
    ("word " * 33, False, True, "… " + "word " * 16), ("word " * 33, True, False, "word " * 15 + "word …"), ("x" * 200, True, True, "…")])
def test_beside_gaps_are_whole_words(text, after, before, expected):
    assert samples.beside_gaps(text, after, before) == expected


def test_committed_prompts_are_of_every_kind():
    prompts = samples.read_prompts(str(ROOT / "models" / "prompts.jsonl"))
    texts = [prompt["text"] for prompt in prompts]
    gaps = [[int(size or 1) for size in re.findall(r"<mask(?::(\d+))?>", text)] for text in texts]
    sizes = [size for each in gaps for size in each]
    assert len(prompts) == len(set(texts)) == len({prompt["kind"] for prompt in prompts}) == 24
    assert (min(sizes), max(sizes)) == (1, 60) and len(set(sizes)) >= 12
    assert sum(text.startswith("<mask") for text in texts) >= 3 and sum(text.endswith(">") for text in texts) >= 2
    assert sum(len(each) > 1 for each in gaps) >= 6 and sum('"' in text for text in texts) >= 3
    for kind, least in (("Encyclopaedic", 3), ("Dialogue", 2), ("Instructions", 1), ("Long context", 2)):
        assert sum(prompt["kind"].startswith(kind) for prompt in prompts) >= least
    for prompt, text, each in zip(prompts, texts, gaps):
        pieces = len(samples.GAP.sub("", text)) / 2.5 + sum(each)  # few pieces are shorter than 2.5 characters on average
        assert pieces < 512 if prompt["kind"].startswith("Long context") else pieces < 128
        assert not prompt["kind"].startswith("Long context") or len(text.split()) > 200
