"""ROUGE by cases computed by hand; stories of text and CSV files; the table, with a stand-in for the asarm command."""

import json
import shlex
import shutil
import sys

import pytest

from asarm_tools.evaluation import sentence_infilling
from asarm_tools.evaluation.rouge import rouge

STORY = ["Ana went home.", "Ben saw a stone.", "The stone was at the sea.", "Cid took it.", "Dora was at school."]

# Fills the gap with what a file beside the model says; writes down what it was asked.
STAND_IN = """
import json, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "infill" and options["--temperature"] == "0.7" and options["--sampler"] == "sequential"
with open(options["--input"]) as asked, open(options["--output"], "w") as answered:
    requests = [json.loads(line) for line in asked]
    json.dump(requests, open(options["--model"] + "/asked.json", "w"))
    fillings = json.load(open(options["--model"] + "/fillings.json"))
    for number, request in enumerate(requests, 1):
        answered.write(json.dumps({"line": number, "gaps": [fillings[(number - 1) % len(fillings)]]}) + chr(10))
"""


@pytest.mark.parametrize("candidate, reference, expected", [
    ("The cat sat.", "the CAT, sat!", (1, 1, 1)),
    ("the cat sat on the mat", "the mat", (2 * 2 / 8, 2 * 1 / 6, 2 * 2 / 8)),  # "the" twice against once: shared once
    ("the the the", "the cat", (2 / 5, 0, 2 / 5)),
    ("police kill the gunman", "police killed the gunman", (6 / 8, 2 / 6, 6 / 8)),
    ("the gunman kill police", "police killed the gunman", (6 / 8, 2 / 6, 4 / 8)),  # the order counts for ROUGE-L
    ("a b c d", "a x c y d", (6 / 9, 0, 6 / 9)),
    ("It's 3 o'clock.", "it s 3 o clock", (1, 1, 1)),
    ("Là-bas.", "là", (2 / 3, 0, 2 / 3)),
    ("", "a", (0, 0, 0)), ("?!", "...", (0, 0, 0)), ("cat", "cat", (1, 0, 1))])
def test_rouge_of_cases_by_hand(candidate, reference, expected):
    assert rouge(candidate, reference) == pytest.approx(expected)
    assert rouge(reference, candidate) == pytest.approx(expected)


def test_sentences_end_where_a_reader_ends_them():
    text = 'Mr. Fox ran. "Stop!" she said. "Why?" He was 3.5 years old.\nThe end... "Is it?" Yes!'
    assert sentence_infilling.split_sentences(text) == [
        "Mr. Fox ran.", '"Stop!" she said.', '"Why?"', "He was 3.5 years old.", "The end...", '"Is it?"', "Yes!"]


@pytest.fixture
def model(tmp_path, texts):
    """model(name, fillings, maximum) -> a folder for the stand-in."""

    def make(name: str, fillings: list[str], maximum: int = 512):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(texts / "spiece.model", folder)
        (folder / "asarm.json").write_text(json.dumps({"maximum_length": maximum}))
        (folder / "fillings.json").write_text(json.dumps(fillings))
        return folder

    return make


@pytest.fixture
def table(tmp_path, call, capsys):
    """table(stories, *arguments) -> the rows below the head."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    command = shlex.join([sys.executable, str(tmp_path / "stand_in.py")])

    def make(stories, *arguments) -> list[list[str]]:
        assert call(sentence_infilling, "--asarm", command, *arguments, stories) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
        return [line.strip("| ").split(" | ") for line in lines[2:]]

    return make


def write(path, stories: list[list[str]]):
    path.write_text("\n<|endoftext|>\n".join(" ".join(story) for story in stories))
    return path


def write_csv(path, stories: list[list[str]]):
    rows = [",".join(['"1"', *('"' + sentence.replace('"', '""') + '"' for sentence in story)]) for story in stories]
    path.write_text("storyid,sentence1,sentence2,sentence3,sentence4,sentence5\n" + "\n".join(rows) + "\n")
    return path


def test_the_gap_has_the_true_sentences_tokens_and_a_seed_of_its_own(tmp_path, model, table):
    folder = model("m", ["x"])
    table(write(tmp_path / "s.txt", [STORY, STORY[::-1]]), "--model", folder, "--seeds", 2)
    asked = json.loads((folder / "asked.json").read_text())
    count = sentence_infilling.Model(str(folder)).tokens("The stone was at the sea.")
    assert asked[0]["text"] == f"Ana went home. Ben saw a stone. <mask:{count}> Cid took it. Dora was at school."
    assert [request["seed"] for request in asked] == [1, 2, 3, 4] and asked[2]["text"] == asked[0]["text"]


def test_rouge_is_the_mean_over_stories_and_seeds(tmp_path, model, table):
    truth = "The stone was at the sea."
    folder = model("m", [truth, "zzz", "zzz", "zzz"])  # right in one of two stories, for one of two seeds
    rows = table(write(tmp_path / "s.txt", [STORY, STORY]), "--model", folder, "--seeds", 2)
    assert rows[0] == ["of the next story", "100.0", "100.0", "100.0"]
    assert rows[1] == [f"`{folder}`", "25.0", "25.0", "25.0"] and len(rows) == 2


def test_differences_are_paired_and_have_an_interval(tmp_path, model, table):
    truth = "The stone was at the sea."
    models = [model("a", ["zzz", "zzz"]), model("b", [truth, truth]), model("c", [truth, "zzz"])]
    arguments = [word for folder in models for word in ("--model", folder)]
    rows = table(write(tmp_path / "s.txt", [STORY, STORY]), *arguments)
    assert rows[4] == [f"`{models[1]}` less `{models[0]}`", *["+100.0 ± 0.0"] * 3]
    assert rows[5] == [f"`{models[2]}` less `{models[0]}`", *["+50.0 ± 98.0"] * 3]  # 1.96 * sqrt(0.5) / sqrt(2)


def test_a_csv_gives_what_the_text_gives(tmp_path, model, table):
    stories = [STORY, [*STORY[:4], 'Emil said "no".']]
    folder = model("m", ["x"])
    asked = []
    for path in (write(tmp_path / "s.txt", stories), write_csv(tmp_path / "s.csv", stories)):
        table(path, "--model", folder)
        asked.append((folder / "asked.json").read_text())
    assert asked[0] == asked[1]


def test_which_documents_are_stories(tmp_path):
    path = str(write(tmp_path / "s.txt", [STORY[:4], STORY, [*STORY, "Emil went home."], [*STORY[:4], "A <b> c."], STORY]))
    assert sentence_infilling.read_stories(path, None, False) == [STORY, STORY]
    assert sentence_infilling.read_stories(path, None, True) == [STORY] * 3
    assert sentence_infilling.read_stories(path, 3, True) == [STORY] * 2


def test_a_story_that_one_model_cannot_take_is_left_out_for_all(tmp_path, model, table):
    long = ["Gustav went to the garden and to the market and to the hill and home."] * 5
    folders = [model("a", ["x"]), model("b", ["x"], maximum=60)]
    table(write(tmp_path / "s.txt", [long, STORY]), "--model", folders[0], "--model", folders[1])
    for folder in folders:
        assert [request["text"][:14] for request in json.loads((folder / "asked.json").read_text())] == ["Ana went home."]


def test_mistakes_are_one_line(tmp_path, model, call, capsys):
    folder = model("m", ["x"])
    good = write(tmp_path / "s.txt", [STORY])
    (tmp_path / "bad.csv").write_text("storyid,sentence1\n1,A.\n")
    (tmp_path / "broken").mkdir()
    shutil.copy(folder / "spiece.model", tmp_path / "broken")
    (tmp_path / "broken" / "asarm.json").write_text("{}")
    for arguments, message in (
            (["--model", folder, tmp_path / "bad.csv"], "lacks one of the columns"),
            (["--model", folder, write(tmp_path / "t.txt", [STORY[:3]])], "none of 0 documents"),
            (["--model", tmp_path / "broken", good], "no maximum_length"),
            (["--model", tmp_path / "missing", good], "missing"),
            (["--model", folder, "--asarm", "false", good], "ended with code 1")):
        assert call(sentence_infilling, *arguments) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert call(sentence_infilling, "--model", folder, "--seeds", 0, good) == 2
