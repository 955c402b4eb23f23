"""What Hugging Face's XLNetTokenizer (the one in Python) makes of a text, written from its documented behaviour, on Python's sentencepiece.

The ids are those of tokenizer.encode(text, add_special_tokens=False).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto

SPECIAL = ("<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>", "<eop>", "<eod>")
SPACE, BEFORE = "\u2581", "\ue0ff"


@dataclass(frozen=True)
class Rules:
    """The options of XLNetTokenizer; split_digit_commas is False for the pieces of XLNetTokenizerFast, which lacks that rule."""

    do_lower_case: bool = False
    remove_space: bool = True
    keep_accents: bool = False
    split_digit_commas: bool = True


class Tokenizer:
    """A SentencePiece model, for texts that start a sequence and for texts that go on right after another token."""

    def __init__(self, path: Path, charsmap_of: Path | None = None):
        """charsmap_of: the model whose character map is taken, where the file was stored without one."""
        model, other = ModelProto(), ModelProto()
        model.ParseFromString(path.read_bytes())
        if charsmap_of is not None:
            other.ParseFromString(charsmap_of.read_bytes())
            model.normalizer_spec.precompiled_charsmap = other.normalizer_spec.precompiled_charsmap
        self.start = sentencepiece.SentencePieceProcessor()
        self.start.LoadFromSerializedProto(model.SerializeToString())
        # No option of sentencepiece keeps just a space in front: a piece that costs nothing goes there instead of the dummy prefix.
        model.pieces.add(piece=BEFORE, score=0.0, type=ModelProto.SentencePiece.NORMAL)
        model.normalizer_spec.add_dummy_prefix = False
        self.after = sentencepiece.SentencePieceProcessor()
        self.after.LoadFromSerializedProto(model.SerializeToString())

    def pieces(self, text: str, goes_on: bool) -> list[str]:
        return self.after.encode(BEFORE + text, out_type=str)[1:] if goes_on else self.start.encode(text, out_type=str)

    def ids(self, text: str, goes_on: bool) -> list[int]:
        return self.after.encode(BEFORE + text)[1:] if goes_on else self.start.encode(text)


def encode(tokenizer: Tokenizer, text: str, rules: Rules | None, goes_on: bool = False) -> list[int]:
    """Ids of a text; without rules, sentencepiece's own. A text that goes on has no implied space in front, and keeps one of its own."""
    if rules is None:
        return tokenizer.ids(text, goes_on)
    ids: list[int] = []
    names = "|".join(map(re.escape, SPECIAL))
    if rules.do_lower_case:  # before the text is cut, one character after the other: <MASK> is <mask>
        text = re.sub(f"({names})|(.)", lambda match: match[1] or match[2].lower(), text)
    parts = re.split(f"({names})", text)
    for number, part in enumerate(parts):
        if part in SPECIAL:
            ids.append(tokenizer.start.piece_to_id(part))
            continue
        if number + 1 < len(parts) and parts[number + 1] == "<mask>":
            part = part.rstrip()  # the mask token takes the space before it
        ids += _section(tokenizer, part, rules, goes_on and number == 0)
    return ids


def preprocess(text: str, rules: Rules) -> str:
    """White space, quotes, accents, case, in this order."""
    text = " ".join(text.split()) if rules.remove_space else text
    text = text.replace("``", '"').replace("''", '"')
    if not rules.keep_accents:
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.lower() if rules.do_lower_case else text


def _section(tokenizer: Tokenizer, text: str, rules: Rules, goes_on: bool) -> list[int]:
    """Ids of a text without special tokens."""
    leading = " " if goes_on and rules.remove_space and text[:1].isspace() else ""
    ids: list[int] = []
    for piece in tokenizer.pieces(leading + preprocess(text, rules), goes_on):
        split = rules.split_digit_commas and len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()
        ids += [tokenizer.start.piece_to_id(part) for part in (_without_comma(tokenizer, piece) + [","] if split else [piece])]
    return ids


def _without_comma(tokenizer: Tokenizer, piece: str) -> list[str]:
    """The rest of a piece such as '10,' encoded anew, without the space that encoding puts in front where the piece had none."""
    pieces = tokenizer.pieces(piece[:-1].replace(SPACE, ""), goes_on=False)
    if piece[0] != SPACE and pieces[0][0] == SPACE:
        pieces = pieces[1:] if len(pieces[0]) == 1 else [pieces[0][1:]] + pieces[1:]
    return pieces
