"""How good checkpoints are on held-out text, beside n-grams of the same tokens, as Markdown tables.

    evaluate.py --checkpoint DIR [--checkpoint DIR ...] --tokenizer spiece.model --train TEXT [TEXT ...] --valid TEXT
                [--length 128] [--windows 256]

Nats are of the teacher-forced joint of all unknown tokens of a window in the lattice order; the end of a document is a token.
Nats per word are those per token times all tokens per word: the total over the words. The n-grams see the true tokens to
the left of each, unknown ones and those before the window included; a model sees both sides, but unknown tokens only once they
are decided.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.corpora.corpus import EOD_ID, PackedCorpus, load_tokenizer
from asarm_tools.evaluation.cases import Case, CaseMaker
from asarm_tools.evaluation.measures import joint_nats, second_draft_acceptance, top_accuracy
from asarm_tools.ngrams.kneser_ney import KneserNey
from asarm_tools.text.special_tokens import of_tokenizer

PROGRAM = "evaluate.py"


@dataclass(frozen=True)
class EvaluateOptions:
    checkpoint: tuple[str, ...]
    tokenizer: str
    train: tuple[str, ...]
    valid: str
    length: int
    windows: int


class Baselines:
    """-log p of every token of the validation stream [N] under an add-one unigram and a 5-gram model of the training text."""

    def __init__(self, train: PackedCorpus, valid: PackedCorpus, vocabulary: int):
        counts = np.bincount(train.tokens, minlength=vocabulary) + 1.0
        self.unigram = -np.log(counts / counts.sum())[valid.tokens]
        self.five_gram = KneserNey(train.tokens, vocabulary, EOD_ID).nats(valid.tokens)
        self.tokens_per_word = len(valid.tokens) / valid.words  # with the document ends, whose nats the means hold too

    def cell(self, nats: float) -> str:
        """Nats per token / per word."""
        return f"{nats:.3f} / {nats * self.tokens_per_word:.3f}"


def main() -> None:
    options = parse_options()
    tokenizer = load_tokenizer(options.tokenizer)
    vocabulary, special = tokenizer.vocab_size(), of_tokenizer(options.tokenizer, tokenizer.vocab_size()).special_ids
    models = [read_model(folder) for folder in options.checkpoint]
    for folder, model in zip(options.checkpoint, models):
        if model.config.vocab_size != vocabulary:
            raise InputError(f"{folder} has {model.config.vocab_size} tokens, the tokenizer {vocabulary}")
    train, valid = PackedCorpus(options.train, tokenizer), PackedCorpus([options.valid], tokenizer)
    maker, baselines = CaseMaker(valid, options.length, options.windows), Baselines(train, valid, vocabulary)
    titles = ["model"] if len(models) == 1 else [f"model {number}" for number in range(1, len(models) + 1)]
    for title, folder, model in zip(titles, options.checkpoint, models):
        say(f"* {title}: `{folder}`, {sum(p.numel() for p in model.parameters()):,} parameters")
    say(f"* n-grams: trained on {len(train.tokens):,} tokens")
    say(f"* validation: {len(valid.tokens):,} tokens, {baselines.tokens_per_word:.3f} a word (the end of a document is a token "
        f"and no word); {len(maker.windows)} of its {maker.available} windows of {options.length} tokens, evenly spread")
    print_left_to_right(baselines)
    nats_titles = ["targets", "unigram", "5-gram", *titles]
    head("Nats per token / per word; scattered gaps in half of the windows, one gap in the others", "unknown", nats_titles)
    print_nats(maker.mixed_rates(), models, baselines)
    head("Nats per token / per word; one gap in every window", "unknown", nats_titles)
    print_nats(maker.spans(), models, baselines)
    head("Acceptance of ASSD's second draft at temperature 1", "unknown", titles)
    for case in (maker.scattered(), maker.span(), maker.continuation()):
        row(case.name, *(f"{second_draft_acceptance(model, case, special):.3f}" for model in models))
    head("Most probable token is the true one", "unknown", ["windows", *titles])
    case = maker.single_tokens(special)
    row(case.name, len(case.windows), *(f"{top_accuracy(model, case, special):.1%}" for model in models))


def parse_options() -> EvaluateOptions:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", action="append", required=True, metavar="DIR", help="repeat it to compare")
    parser.add_argument("--tokenizer", required=True, metavar="FILE")
    parser.add_argument("--train", nargs="+", required=True, metavar="TEXT", help="the texts of the n-grams")
    parser.add_argument("--valid", required=True, metavar="TEXT")
    parser.add_argument("--length", type=int, default=128, help="tokens of a window")
    parser.add_argument("--windows", type=int, default=256, help="evaluate at most so many")
    given = parser.parse_args()
    if given.length < 4 or given.windows < 1:
        parser.error("--length must be at least 4, --windows at least 1")
    return EvaluateOptions(tuple(given.checkpoint), given.tokenizer, tuple(given.train), given.valid, given.length, given.windows)


def print_left_to_right(baselines: Baselines) -> None:
    head("N-grams over the whole validation text, left to right: nats per token / per word", "tokens", ["unigram", "5-gram"])
    row(f"{len(baselines.unigram):,}", *(baselines.cell(nats.mean()) for nats in (baselines.unigram, baselines.five_gram)))


def print_nats(cases: list[Case], models: Sequence[torch.nn.Module], baselines: Baselines) -> None:
    for case in cases:
        values = [nats[case.places()].mean() for nats in (baselines.unigram, baselines.five_gram)]
        values += [joint_nats(model, case.batches()) for model in models]
        row(case.name, f"{case.positions.size:,}", *map(baselines.cell, values))


def head(title: str, first: str, columns: list[str]) -> None:
    say(f"\n{title}\n")
    row(first, *columns)
    row("---", *["---:"] * len(columns))


def row(*cells: object) -> None:
    say("| " + " | ".join(map(str, cells)) + " |")


def say(line: str) -> None:
    print(line, flush=True)


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
