"""Trains the SentencePiece unigram tokenizer of a corpus, with the special ids of xlnet-base-cased.

    tokenizer.py --output spiece.model [--vocabulary 4096] TEXT [TEXT ...]

Ids: unk 0, s 1, /s 2, cls 3, sep 4, pad 5, mask 6, eod 7, eop 8. No byte fallback: the runtime does not support it.
"""

from __future__ import annotations

import argparse
import io
import os

import sentencepiece

from asarm_tools.command_line.failure import InputError, run
from asarm_tools.command_line.whole_files import whole_file
from asarm_tools.corpora.corpus import documents

PROGRAM = "tokenizer.py"


def train_tokenizer(texts: list[str], output: str, vocabulary: int) -> None:
    """Writes the .model file; the same texts give the same bytes, wherever they stand."""
    lines = [line for document in documents(texts) for line in document.split("\n") if line.strip()]  # mistakes first
    if not lines:
        raise InputError(f"{', '.join(texts)}: no document")
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    model = io.BytesIO()  # a file name would be recorded in the model
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, model_type="unigram", vocab_size=vocabulary,
            character_coverage=0.9999, byte_fallback=False, unk_id=0, bos_id=1, eos_id=2, pad_id=5,
            control_symbols=["<cls>", "<sep>"], user_defined_symbols=["<mask>", "<eod>", "<eop>"],
            num_threads=1, minloglevel=1)
    except RuntimeError as error:  # sentencepiece's word for a text that does not suit the vocabulary
        raise InputError(f"no tokenizer of {vocabulary} pieces from these texts: {error}") from error
    with whole_file(output) as part, open(part, "wb") as file:
        file.write(model.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="text files, documents split by <|endoftext|> lines")
    parser.add_argument("--output", required=True)
    parser.add_argument("--vocabulary", type=int, default=4096)
    arguments = parser.parse_args()
    train_tokenizer(arguments.texts, arguments.output, arguments.vocabulary)


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
