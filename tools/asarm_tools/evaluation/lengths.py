"""How well ways to choose the length of a gap do, from what `perf -- lengths` wrote, as Markdown tables.

    lengths.py --tokenizer spiece.model --train TEXT [TEXT ...] --results RESULTS.jsonl [RESULTS.jsonl ...]

Each way chooses one of the lengths that were compared, and with it the greedy filling of that length. Fillings are judged by ROUGE-L against what was cut
out, and by the nats of the filled text under a 5-gram model of the training texts, less those of the original text: below zero the n-grams
find the filled text more likely.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from asarm_tools.command_line.failure import InputError, run
from asarm_tools.corpora.corpus import EOD_ID, PackedCorpus, load_tokenizer
from asarm_tools.evaluation.rouge import rouge
from asarm_tools.ngrams.kneser_ney import KneserNey

PROGRAM = "lengths.py"
HALF = "evidence with weight 1/2, and prior"
WHOLE = "evidence and prior"
PRIOR = "prior"
BASELINE = "mean log-probability of a token"
TRUE = "the true length"


@dataclass(frozen=True)
class Gap:
    """A gap whose text is known, and what the network says of the lengths from 1 to L."""

    kind: str
    before: str
    original: str
    after: str
    length: int
    prior: np.ndarray  # [L] log p(N)
    joint: np.ndarray  # [L] log p(g, S | P, N) of the greedy filling g
    conditional: np.ndarray  # [L] log p(g | P, S, N)
    texts: tuple[str, ...]  # [L] the greedy fillings


@dataclass(frozen=True)
class Scores:
    """[gaps] of one way to choose."""

    exact: np.ndarray
    within_one: np.ndarray
    rouge: np.ndarray
    nats: np.ndarray
    surprisal: np.ndarray  # -log of the posterior of the true length; nan for ways that have none


def main() -> None:
    options = parse_options()
    tokenizer = load_tokenizer(options.tokenizer)
    five_gram = KneserNey(PackedCorpus(options.train, tokenizer).tokens, tokenizer.vocab_size(), EOD_ID)

    def nats(text: str) -> float:
        return float(five_gram.nats(np.array([EOD_ID, *tokenizer.encode(text)], np.int64))[1:].sum())

    for path in options.results:
        gaps, left_out = read_gaps(path)
        print(f"\n### {path}\n\n{len(gaps)} gaps; {left_out} others have more tokens, or a character that is not in the vocabulary.")
        posteriors = log_posteriors(gaps)
        scores = {name: judge(gaps, lengths, nats, posteriors.get(name)) for name, lengths in choices(gaps).items()}
        for kind in (None, *dict.fromkeys(gap.kind for gap in gaps)):
            print_table(kind or "all", scores, np.array([kind in (None, gap.kind) for gap in gaps]))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--tokenizer", required=True, metavar="FILE")
    parser.add_argument("--train", nargs="+", required=True, metavar="TEXT", help="the texts of the 5-gram model")
    parser.add_argument("--results", nargs="+", required=True, metavar="RESULTS", help="what `perf -- lengths` wrote")
    return parser.parse_args()


def read_gaps(path: str) -> tuple[list[Gap], int]:
    """The gaps, and the number of those that were not compared."""
    gaps, left_out = [], 0
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                if row.get("length") is None:
                    left_out += 1
                    continue
                cut = row["gap"]
                gaps.append(Gap(
                    cut["kind"], cut["before"], cut["original"], cut["after"], row["length"], np.array(row["prior"]), np.array(row["joint"]),
                    np.array(row["conditional"]), tuple(row["texts"])))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(f"{path}: line {number} is none of `perf -- lengths`") from error
    if len(gaps) < 2:
        raise InputError(f"{path} has fewer than two gaps")
    if len({gap.joint.shape for gap in gaps}) != 1:
        raise InputError(f"{path}: not all gaps have the same number of lengths")
    return gaps, left_out


def column(gaps: Sequence[Gap], name: str) -> np.ndarray:
    return np.array([getattr(gap, name) for gap in gaps])


def log_posteriors(gaps: Sequence[Gap]) -> dict[str, np.ndarray]:
    """[gaps, L] log p(N | text) of the ways that have it."""
    prior, evidence = column(gaps, "prior"), column(gaps, "joint") - column(gaps, "conditional")
    scores = {HALF: evidence / 2 + prior, WHOLE: evidence + prior, "evidence alone": evidence, PRIOR: prior}
    return {name: values - np.logaddexp.reduce(values, 1, keepdims=True) for name, values in scores.items()}


def choices(gaps: Sequence[Gap]) -> dict[str, np.ndarray]:
    """[gaps] the length that each way chooses."""
    conditional = column(gaps, "conditional")
    means = conditional / np.arange(1, conditional.shape[1] + 1)
    others = (means.sum(0) - means) / (len(gaps) - 1)  # the mean of each length over the other gaps: how length biases the mean
    scores = {**log_posteriors(gaps), BASELINE: means, "the same less its mean for the length": means - others}
    return {**{name: 1 + values.argmax(1) for name, values in scores.items()}, TRUE: column(gaps, "length")}


def judge(gaps: Sequence[Gap], lengths: np.ndarray, nats: Callable[[str], float], log_posterior: np.ndarray | None = None) -> Scores:
    """nats(text) -> the nats of a text; log_posterior [gaps, L]."""
    true = column(gaps, "length")
    fillings = [gap.texts[length - 1] for gap, length in zip(gaps, lengths)]
    found = [rouge(filling, gap.original)[2] for gap, filling in zip(gaps, fillings)]
    beyond = [nats(gap.before + filling + gap.after) - nats(gap.before + gap.original + gap.after) for gap, filling in zip(gaps, fillings)]
    surprisal = np.full(len(gaps), np.nan) if log_posterior is None else -log_posterior[np.arange(len(gaps)), true - 1]
    return Scores(lengths == true, np.abs(lengths - true) <= 1, np.array(found), np.array(beyond), surprisal)


def print_table(kind: str, scores: dict[str, Scores], chosen: np.ndarray) -> None:
    """Means with 95 % intervals; the last two columns compare with the baseline, gap by gap."""
    print(f"\n**{kind}**: {chosen.sum()} gaps\n")
    print(f"| length by | exact | within one | ROUGE-L | 5-gram nats | nats of the true length | exact, less baseline | ROUGE-L, less baseline |\n| --- |{' ---: |' * 7}")
    baseline = scores[BASELINE]
    for name, own in scores.items():
        cells = [percent(own.exact[chosen]), percent(own.within_one[chosen]), percent(own.rouge[chosen]), interval(own.nats[chosen], 1)]
        cells.append("" if np.isnan(own.surprisal).any() else interval(own.surprisal[chosen], 2))
        differences = [percent(own.exact[chosen] * 1.0 - baseline.exact[chosen]), percent(own.rouge[chosen] - baseline.rouge[chosen])]
        print(f"| {name} | {' | '.join(cells + (['', ''] if name == BASELINE else differences))} |")


def percent(values: np.ndarray) -> str:
    return interval(100.0 * values, 1)


def interval(values: np.ndarray, digits: int) -> str:
    """The mean with its 95 % interval."""
    spread = 1.96 * values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return f"{values.mean():.{digits}f} ± {spread:.{digits}f}"


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
