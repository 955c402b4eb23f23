"""How often a checkpoint finds the right sentence of a minimal pair more probable than the wrong one, as Markdown tables.

    blimp.py --checkpoint DIR --tokenizer spiece.model [--pairs N] [--end predicted|given] FILE.jsonl [FILE.jsonl ...]

A file holds one phenomenon, an object a line with "sentence_good", "sentence_bad" and perhaps "linguistics_term": the format
of BLiMP (Warstadt et al. 2020, arXiv 1912.00582). A sentence stands alone between two <eod>, as a document does in training.
Its probability is the exact joint of all its tokens, unknown, decoded from left to right: given the first <eod>, with the
second as one more unknown token, so that sentences of different lengths compare (--end predicted), or given both, and with
them the length (--end given). No probability is divided by a length. A tie counts half.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from sentencepiece import SentencePieceProcessor
from torch.nn import functional as F

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.corpora.corpus import EOD_ID, load_tokenizer
from asarm_tools.gaps.orders import lattice_batch
from asarm_tools.network.config import MODEL_INPUTS

PROGRAM = "blimp.py"
BATCH_TOKENS = 1024
NO_TERM = "(none)"


@dataclass(frozen=True)
class Pair:
    good: str
    bad: str
    term: str


@dataclass(frozen=True)
class Score:
    """Of one file: accuracy is the mean of 1, 0 and, for ties, a half."""

    name: str
    term: str
    pairs: int
    accuracy: float


@dataclass(frozen=True)
class BlimpOptions:
    checkpoint: str
    tokenizer: str
    files: tuple[str, ...]
    pairs: int | None
    end: str  # the <eod> after a sentence: predicted or given


def main() -> None:
    options = parse_options()
    tokenizer = load_tokenizer(options.tokenizer)
    files = {os.path.splitext(os.path.basename(path))[0]: read_pairs(path, options.pairs) for path in options.files}
    if len(files) < len(options.files):
        raise InputError("two files have the same name")
    model = read_model(options.checkpoint)
    if model.config.vocab_size != tokenizer.vocab_size():
        raise InputError(f"{options.checkpoint} has {model.config.vocab_size} tokens, the tokenizer {tokenizer.vocab_size()}")
    if tokenizer.piece_to_id("<eod>") != EOD_ID:
        raise InputError(f"{options.tokenizer} must have <eod> as {EOD_ID}, as tokenizer.py makes it")
    scores = score_files(model, tokenizer, files, options.end)
    print_tables(scores, options)


def parse_options() -> BlimpOptions:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", required=True, metavar="DIR")
    parser.add_argument("--tokenizer", required=True, metavar="FILE")
    parser.add_argument("--pairs", type=int, metavar="N", help="at most so many of each file, evenly spread (default: all)")
    parser.add_argument("--end", choices=("predicted", "given"), default="predicted", help="the <eod> after a sentence")
    parser.add_argument("files", nargs="+", metavar="FILE.jsonl")
    given = parser.parse_args()
    if given.pairs is not None and given.pairs < 1:
        parser.error("--pairs must be at least 1")
    return BlimpOptions(given.checkpoint, given.tokenizer, tuple(given.files), given.pairs, given.end)


def read_pairs(path: str, limit: int | None) -> list[Pair]:
    """The pairs of a file, or limit of them, evenly spread from the first to the last."""
    pairs = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
                pair = Pair(entry["sentence_good"], entry["sentence_bad"], entry.get("linguistics_term", NO_TERM))
                suits = all(isinstance(text, str) and text.strip() for text in (pair.good, pair.bad, pair.term))
            except (ValueError, TypeError, KeyError, AttributeError):
                suits = False
            if not suits:
                raise InputError(f"{path}: line {number} is no pair: an object with \"sentence_good\" and \"sentence_bad\"")
            pairs.append(pair)
    if not pairs:
        raise InputError(f"{path} has no pair")
    if limit is not None and limit < len(pairs):
        pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, limit).astype(int)]
    return pairs


def score_files(model: torch.nn.Module, tokenizer: SentencePieceProcessor, files: dict[str, list[Pair]], end: str) -> list[Score]:
    """All sentences of all files share their batches."""
    pairs = [pair for each in files.values() for pair in each]
    sentences = [tokenizer.encode(text) for pair in pairs for text in (pair.good, pair.bad)]
    nats = sentence_nats(model, sentences, end).reshape(-1, 2)
    hits = (np.sign(nats[:, 1] - nats[:, 0]) + 1) / 2
    scores, begin = [], 0
    for name, each in files.items():
        scores.append(Score(name, each[0].term, len(each), float(hits[begin:begin + len(each)].mean())))
        begin += len(each)
    return scores


@torch.no_grad()
def sentence_nats(model: torch.nn.Module, sentences: list[list[int]], end: str) -> np.ndarray:
    """-log p of each sentence, float64. Sentences of one length share batches; the same tokens are asked once, so that they tie."""
    by_length: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
    for tokens in dict.fromkeys(tuple(sentence) for sentence in sentences):
        by_length[len(tokens)].append(tokens)
    nats: dict[tuple[int, ...], float] = {}
    for length, same_length in sorted(by_length.items()):
        size = max(1, BATCH_TOKENS // (length + 2))
        unknown = 1 + np.arange(length + (end == "predicted"))
        for chunk in (same_length[i:i + size] for i in range(0, len(same_length), size)):
            windows = np.array([[EOD_ID, *tokens, EOD_ID] for tokens in chunk], np.int64)
            batch = lattice_batch(windows, np.tile(unknown, (len(chunk), 1)))
            logits = model(*(batch[name] for name in MODEL_INPUTS)).float()
            losses = F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), reduction="none")
            nats.update(zip(chunk, losses.view(len(chunk), -1).double().sum(1).tolist()))
    return np.array([nats[tuple(sentence)] for sentence in sentences])


def print_tables(scores: list[Score], options: BlimpOptions) -> None:
    by_term = defaultdict(list)
    for score in scores:
        by_term[score.term].append(score.accuracy)
    print(f"* model: `{options.checkpoint}`; <eod> after the sentence {options.end}; {sum(s.pairs for s in scores):,} pairs of "
          f"{len(scores)} files")
    print("\n| term | files | accuracy |\n| --- | ---: | ---: |")
    for term, accuracies in sorted(by_term.items()):
        print(f"| {term} | {len(accuracies)} | {np.mean(accuracies):.1%} |")
    print(f"| mean over files | {len(scores)} | {np.mean([score.accuracy for score in scores]):.1%} |")
    print("\n| file | term | pairs | accuracy |\n| --- | --- | ---: | ---: |")
    for score in sorted(scores, key=lambda score: score.name):
        print(f"| {score.name} | {score.term} | {score.pairs:,} | {score.accuracy:.1%} |", flush=True)


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
