"""Text files -> one packed stream of token ids, and windows cut from it. Everything follows from the seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sentencepiece

from asarm_tools.command_line.failure import InputError

DOCUMENT_END = "<|endoftext|>"
MASK_ID, EOD_ID, EOP_ID = 6, 7, 8
CHUNK = 1000  # documents that are encoded together


def documents(paths: Sequence[str]) -> Iterator[str]:
    """The documents of text files that a line <|endoftext|> splits."""
    for path in paths:
        with open(path, encoding="utf-8") as file:
            try:
                text = file.read()
            except UnicodeDecodeError as error:
                raise InputError(f"{path} is not UTF-8: {error}") from error
        for document in text.split(DOCUMENT_END):
            if document.strip():
                yield document.strip()


def chunks(items: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(itertools.islice(items, CHUNK)):
        yield chunk


def load_tokenizer(path: str) -> sentencepiece.SentencePieceProcessor:
    with open(path, "rb") as file:
        data = file.read()
    tokenizer = sentencepiece.SentencePieceProcessor()
    try:
        if not data or not tokenizer.LoadFromSerializedProto(data):
            raise RuntimeError("empty")
    except RuntimeError as error:
        raise InputError(f"{path} is no whole SentencePiece model") from error
    return tokenizer


class PackedCorpus:
    """All documents one after another, each closed by <eod>. tokens: uint16 [total]; starts: int64 [documents]."""

    def __init__(self, paths: Sequence[str], tokenizer: sentencepiece.SentencePieceProcessor):
        if tokenizer.vocab_size() > 1 << 16:
            raise InputError(f"the tokenizer has {tokenizer.vocab_size()} pieces, the packed stream holds ids below 65536")
        if tokenizer.piece_to_id("<mask>") != MASK_ID or tokenizer.piece_to_id("<eod>") != EOD_ID:
            raise InputError(f"the tokenizer must have <mask> as {MASK_ID} and <eod> as {EOD_ID}, as tokenizer.py makes them")
        self.words, encoded = 0, []
        for chunk in chunks(documents(paths)):
            self.words += sum(len(document.split()) for document in chunk)
            encoded += [np.array(ids + [EOD_ID], np.uint16) for ids in tokenizer.encode(chunk)]
        if not encoded:
            raise InputError(f"{', '.join(paths)}: no document")
        self.tokens = np.concatenate(encoded)
        self.starts = np.cumsum([0] + [len(ids) for ids in encoded[:-1]])

    def windows(self, generator: np.random.Generator, count: int, length: int) -> np.ndarray:
        """int64 [count, length] from random places. A place that is less than a window behind the start of its document moves there in half of
        the cases: so openings are seen whole, and those of long documents no more often than one and a half times as often as other text."""
        self.require(length)
        places = generator.integers(0, len(self.tokens) - length + 1, count)
        document = self.starts[np.searchsorted(self.starts, places, side="right") - 1]
        opening = (places - document < length) & (generator.random(count) < 0.5)
        begin = np.where(opening, document, places)
        return self.tokens[begin[:, None] + np.arange(length)].astype(np.int64)

    def consecutive(self, length: int) -> np.ndarray:
        """int64 [windows, length]: the whole stream cut up, for evaluation."""
        self.require(length)
        count = len(self.tokens) // length
        return self.tokens[:count * length].reshape(count, length).astype(np.int64)

    def require(self, length: int) -> None:
        """At least one window of that length."""
        if len(self.tokens) < length:
            raise InputError(f"a text of {len(self.tokens)} tokens has no window of {length}")
