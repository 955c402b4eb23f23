"""Nats per token of a checkpoint on held-out text, teacher-forced joint, beside an add-one unigram model of the same tokens.

    evaluate.py --checkpoint DIR --tokenizer spiece.model --train TEXT [TEXT ...] --valid TEXT [--length 128]

Packed windows; per rate of unknown tokens half of the windows have scattered gaps and half one span.
"""

from __future__ import annotations

import argparse
import os
import sys

import numpy as np
import sentencepiece
import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "export"))

from checkpoint import read_model  # noqa: E402
from data import PackedCorpus  # noqa: E402
from failure import run  # noqa: E402
from orders import SCATTERED, SPAN, lattice_batch, target_count, target_positions  # noqa: E402
from two_stream import MODEL_INPUTS  # noqa: E402

RATES = (0.05, 0.15, 0.50, 0.95)


def validation_batches(corpus: PackedCorpus, length: int, limit: int | None = None, size: int = 16) -> dict[str, list]:
    """Fixed batches by rate; limit takes that many windows, evenly spread over the text."""
    windows = corpus.consecutive(length)
    if limit is not None and limit < len(windows):
        windows = windows[np.linspace(0, len(windows) - 1, limit).astype(int)]
    result = {}
    for rate in RATES:
        generator = np.random.default_rng(round(rate * 1000))
        targets = target_count(rate, length)
        positions = np.stack([target_positions(generator, SCATTERED if i % 2 == 0 else SPAN, length, targets)
                              for i in range(len(windows))])
        result[f"{rate:.0%}"] = [lattice_batch(windows[i:i + size], positions[i:i + size]) for i in range(0, len(windows), size)]
    return result


@torch.no_grad()
def joint_nats(model: torch.nn.Module, batches: list[dict[str, torch.Tensor]]) -> float:
    """Mean of -log p(token | earlier ranks) over all targets."""
    model.eval()
    device = next(model.parameters()).device
    total, count = 0.0, 0
    for batch in batches:
        logits = model(*(batch[name].to(device) for name in MODEL_INPUTS)).float()
        total += F.cross_entropy(logits.flatten(0, 1), batch["labels"].to(device).flatten(), reduction="sum").item()
        count += batch["labels"].numel()
    return total / count


def unigram_nats(train: PackedCorpus, batches: list[dict[str, torch.Tensor]], vocabulary: int) -> float:
    """The same targets under counts plus one."""
    counts = np.bincount(train.tokens, minlength=vocabulary) + 1.0
    log = np.log(counts / counts.sum())
    labels = np.concatenate([batch["labels"].numpy().ravel() for batch in batches])
    return float(-log[labels].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--train", nargs="+", required=True, help="the texts of the unigram model")
    parser.add_argument("--valid", required=True)
    parser.add_argument("--length", type=int, default=128)
    arguments = parser.parse_args()
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=arguments.tokenizer)
    train, valid = PackedCorpus(arguments.train, tokenizer), PackedCorpus([arguments.valid], tokenizer)
    model = read_model(arguments.checkpoint)
    tokens_per_word = (len(valid.tokens) - len(valid.starts)) / valid.words
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {tokens_per_word:.3f} tokens per word")
    print("unknown  nats/token  nats/word  unigram nats/token  difference")
    for name, batches in validation_batches(valid, arguments.length).items():
        nats, unigram = joint_nats(model, batches), unigram_nats(train, batches, tokenizer.vocab_size())
        print(f"{name:>7}  {nats:10.4f}  {nats * tokens_per_word:9.4f}  {unigram:18.4f}  {unigram - nats:10.4f}")


if __name__ == "__main__":
    run("evaluate.py", main)
