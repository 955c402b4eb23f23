"""How near the third of five sentences, filled by the asarm command, comes to the true one: ROUGE F1 as a Markdown table.

    sentence_infilling.py --model DIR [--model DIR ...] [--first-five] [--documents N] [--seeds N] [--asarm COMMAND] STORIES

STORIES is a text file, documents split by lines <|endoftext|>, or a .csv file with the columns sentence1 to sentence5
(ROCStories, Mostafazadeh et al. 2016). Documents of five sentences are taken, with --first-five the first five of longer ones
too. The gap has as many tokens as the true sentence has in the model's tokenizer; temperature 0.7, one token a call
(`sequential`), a seed of its own for every text. Stories that are too long for one of the models are left out for all. The
difference of each further model to the first one is over the same stories and seeds, with a 95 % interval over the stories.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shlex
from dataclasses import dataclass

import numpy as np

from asarm_tools.command_line.failure import InputError, run
from asarm_tools.corpora.corpus import documents, load_tokenizer
from asarm_tools.evaluation.asarm_lines import DEFAULT_COMMAND, fill_lines
from asarm_tools.evaluation.rouge import NAMES, rouge

PROGRAM = "sentence_infilling.py"
SENTENCES, GAP, TEMPERATURE = 5, 2, 0.7
COLUMNS = [f"sentence{number}" for number in range(1, SENTENCES + 1)]
# After a full stop with what closes a quotation, before what may begin a sentence, and not after a title.
SENTENCE_END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["'”’)]))(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)"""
                          r"""\s+(?=["'“‘(]?[A-Z0-9])""")
MARKUP = re.compile(r"[<\\]")


@dataclass(frozen=True)
class InfillingOptions:
    model: tuple[str, ...]
    first_five: bool
    documents: int | None
    seeds: int
    asarm: str
    stories: str


class Model:
    """A model folder: its tokens, and how many of them a text may have."""

    def __init__(self, folder: str):
        self.folder = folder
        self.tokenizer = load_tokenizer(os.path.join(folder, "spiece.model"))
        with open(os.path.join(folder, "asarm.json"), encoding="utf-8") as file:
            try:
                self.maximum = json.load(file)["maximum_length"]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{folder}: asarm.json has no maximum_length") from error

    def tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text))

    def takes(self, story: list[str]) -> bool:
        return self.tokens(" ".join(story)) <= self.maximum

    def prompt(self, story: list[str]) -> str:
        """The story with a gap in place of the third sentence."""
        return " ".join([*story[:GAP], f"<mask:{self.tokens(story[GAP])}>", *story[GAP + 1:]])


def main() -> None:
    options = parse_options()
    models = [Model(folder) for folder in options.model]
    found = read_stories(options.stories, options.documents, options.first_five)
    stories = [story for story in found if all(model.takes(story) for model in models)]
    if not stories:
        raise InputError(f"{options.stories}: none of {len(found)} documents of five sentences fits the models")
    command = shlex.split(options.asarm)
    scores = [score(command, model, stories, options.seeds) for model in models]
    print_table(options, len(found), stories, scores)


def parse_options() -> InfillingOptions:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--model", action="append", required=True, metavar="DIR", help="repeat it to compare with the first")
    parser.add_argument("--first-five", action="store_true", help="take the first five sentences of longer documents")
    parser.add_argument("--documents", type=int, metavar="N", help="look at the first N documents only")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="fill every story so many times (default 1)")
    parser.add_argument("--asarm", default=DEFAULT_COMMAND, metavar="COMMAND")
    parser.add_argument("stories", metavar="STORIES")
    given = parser.parse_args()
    if given.seeds < 1 or (given.documents is not None and given.documents < 1):
        parser.error("--seeds and --documents must be at least 1")
    return InfillingOptions(tuple(given.model), given.first_five, given.documents, given.seeds, given.asarm, given.stories)


def read_stories(path: str, limit: int | None, first_five: bool) -> list[list[str]]:
    """Five sentences each; documents with characters of the gap markup are left out."""
    split = read_csv(path) if path.endswith(".csv") else [split_sentences(text) for text in documents([path])]
    stories = [sentences[:SENTENCES] for sentences in split[:limit]
               if len(sentences) == SENTENCES or (first_five and len(sentences) > SENTENCES)]
    return [story for story in stories if not any(MARKUP.search(sentence) for sentence in story)]


def read_csv(path: str) -> list[list[str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            reader = csv.DictReader(file)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise InputError(f"{path} lacks one of the columns {', '.join(COLUMNS)}")
            return [[" ".join((row[name] or "").split()) for name in COLUMNS] for row in reader]
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path} is no CSV file in UTF-8: {error}") from error


def split_sentences(text: str) -> list[str]:
    return SENTENCE_END.split(" ".join(text.split()))


def score(command: list[str], model: Model, stories: list[list[str]], seeds: int) -> np.ndarray:
    """[stories, 3]: the mean over the seeds of each ROUGE."""
    lines = [{"text": model.prompt(story), "seed": 1 + number} for number, story in enumerate(stories * seeds)]
    asked = ["--model", model.folder, "--sampler", "sequential", "--temperature", str(TEMPERATURE)]
    results = fill_lines([*command, "infill", *asked], lines)
    values = [rouge(result["gaps"][0], story[GAP]) for result, story in zip(results, stories * seeds)]
    return np.array(values).reshape(seeds, len(stories), len(NAMES)).mean(0)


def print_table(options: InfillingOptions, found: int, stories: list[list[str]], scores: list[np.ndarray]) -> None:
    print(f"* `{options.stories}`: {len(stories)} of {found} stories fit, {options.seeds} texts each\n")
    print(f"| sentence 3 | {' | '.join(NAMES)} |\n| --- |{' ---: |' * len(NAMES)}")
    following = np.array([rouge(other[GAP], story[GAP]) for story, other in zip(stories, stories[1:] + stories[:1])])
    print_row("of the next story", [f"{mean:.1%}"[:-1] for mean in following.mean(0)])
    for folder, values in zip(options.model, scores):
        print_row(f"`{folder}`", [f"{mean:.1%}"[:-1] for mean in values.mean(0)])
    for folder, values in zip(options.model[1:], scores[1:]):
        print_row(f"`{folder}` less `{options.model[0]}`", [interval(column) for column in (values - scores[0]).T])


def interval(differences: np.ndarray) -> str:
    """The mean of hundredths with its 95 % interval."""
    spread = 1.96 * differences.std(ddof=1) / len(differences) ** 0.5 if len(differences) > 1 else np.nan
    return f"{100 * differences.mean():+.1f} ± {100 * spread:.1f}"


def print_row(name: str, cells: list[str]) -> None:
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
