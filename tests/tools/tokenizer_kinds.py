"""Writes tests/golden/tokenizer/kinds.json: small SentencePiece models of all kinds, and what the exporter and the runtime have to say of each.

A case has the file (base64), and either the reason of its refusal or the ids of a text by Python's sentencepiece.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from pathlib import Path

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto

PATH = Path(__file__).resolve().parents[1] / "golden" / "tokenizer" / "kinds.json"
TEXT = " ab  a\tc b"
Piece = ModelProto.SentencePiece
PIECES = (("<unk>", 0.0, Piece.UNKNOWN), ("<mask>", 0.0, Piece.CONTROL), ("<eod>", 0.0, Piece.CONTROL), ("\u2581", -2.0, Piece.NORMAL),
          ("a", -1.1, Piece.NORMAL), ("b", -1.5, Piece.NORMAL), ("\u2581a", -1.2, Piece.NORMAL), ("ab", -3.0, Piece.NORMAL))
BYTES = "it uses byte fallback, which is not supported: train the tokenizer without it"
DAMAGED = "it is truncated or damaged"
MAP = "the normaliser's character map "
PIECE, TRAINER, NORMALIZER = 0x0A, 0x12, 0x1A  # tags of the messages of a model


def base() -> ModelProto:
    """Neither trainer_spec nor normalizer_spec: sentencepiece takes their defaults."""
    model = ModelProto()
    for text, score, kind in PIECES:
        model.pieces.add(piece=text, score=score, type=kind)
    return model


def changed(change: Callable[[ModelProto], object]) -> bytes:
    model = base()
    change(model)
    return model.SerializeToString()


def with_bytes(*values: int) -> bytes:
    """Joined messages are one message."""
    return base().SerializeToString() + bytes(values)


def with_score(score: float) -> bytes:
    return changed(lambda model: setattr(model.pieces[4], "score", score))


def with_piece(text: str) -> bytes:
    return changed(lambda model: setattr(model.pieces[4], "piece", text))


def with_type(place: int, kind: int) -> bytes:
    return changed(lambda model: setattr(model.pieces[place], "type", kind))


def with_option(spec: str, name: str, value: object) -> bytes:
    return changed(lambda model: setattr(getattr(model, spec), name, value))


def cases() -> dict[str, tuple[bytes, str | None]]:
    """Name: the file and why it is refused, None where it is not."""
    whole = base().SerializeToString()
    special = ModelProto()
    for text, score, kind in PIECES[:3]:
        special.pieces.add(piece=text, score=score, type=kind)
    return {
        "without trainer_spec and normalizer_spec": (whole, None),
        "without trainer_spec": (with_option("normalizer_spec", "add_dummy_prefix", False), None),
        "without normalizer_spec": (with_option("trainer_spec", "model_type", 1), None),
        "extra white space kept": (with_option("normalizer_spec", "remove_extra_whitespaces", False), None),
        "a piece of a type that is not known": (with_bytes(PIECE, 5, 0x0A, 1, ord("c"), 0x18, 9), None),
        "a model type that is not known": (with_bytes(TRAINER, 2, 0x18, 9), None),
        "a piece whose score is of another wire type": (with_bytes(PIECE, 5, 0x0A, 1, ord("c"), 0x10, 5), None),
        "BPE at first, then unigram": (with_bytes(TRAINER, 2, 0x18, 2, TRAINER, 2, 0x18, 1), None),
        "unused and user-defined pieces": (changed(lambda model: (setattr(model.pieces[7], "type", Piece.UNUSED), setattr(model.pieces[5], "type", Piece.USER_DEFINED))), None),
        "BPE": (with_option("trainer_spec", "model_type", 2), "it is a BPE model, only unigram models are supported"),
        "word": (with_option("trainer_spec", "model_type", 3), "it is a word model, only unigram models are supported"),
        "character": (with_option("trainer_spec", "model_type", 4), "it is a character model, only unigram models are supported"),
        "white space as a suffix": (with_option("trainer_spec", "treat_whitespace_as_suffix", True), "it treats white space as a suffix, which is not supported"),
        "byte fallback": (with_option("trainer_spec", "byte_fallback", True), BYTES),
        "a byte piece": (with_type(4, Piece.BYTE), BYTES),
        "white space unescaped": (with_option("normalizer_spec", "escape_whitespaces", False), "it leaves white space unescaped, which is not supported"),
        "no unknown token": (with_type(0, Piece.CONTROL), "it has 0 unknown tokens instead of one"),
        "two unknown tokens": (with_type(1, Piece.UNKNOWN), "it has 2 unknown tokens instead of one"),
        "an empty piece": (with_piece(""), "it has an empty piece"),
        "a null character": (with_piece("a\0"), "it has a piece with a null character"),
        "a piece twice": (with_piece("b"), "it has a piece twice"),
        "a piece that is not UTF-8": (with_bytes(PIECE, 3, 0x0A, 1, 0xFF), "it has a piece that is not UTF-8"),
        "no piece of text": (special.SerializeToString(), "it has no piece of text"),
        "a score of minus infinity": (with_score(-math.inf), "it has a score that is no finite number"),
        "a score that is no number": (with_score(math.nan), "it has a score that is no finite number"),
        "a character map that is too short": (with_option("normalizer_spec", "precompiled_charsmap", b"\x10\0"), MAP + "is damaged"),
        "a character map longer than the file": (with_option("normalizer_spec", "precompiled_charsmap", b"\x10\0\0\0ab"), MAP + "is damaged"),
        "a character map that gives no UTF-8": (with_option("normalizer_spec", "precompiled_charsmap", b"\x04" + b"\0" * 7 + b"\xff\0"), MAP + "has replacements that are no UTF-8"),
        "cut off in a piece": (whole[:-1], DAMAGED),
        "a web page": (b"<html>not found</html>", DAMAGED),
        "empty": (b"", "it has no pieces: it is truncated, or no SentencePiece model"),
        "only a trainer_spec": (bytes((TRAINER, 2, 0x18, 1)), "it has no pieces: it is truncated, or no SentencePiece model"),
    }


def ids(data: bytes) -> list[int]:
    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(data)
    return processor.encode(TEXT)


def build() -> list[dict[str, object]]:
    return [{"name": name, "file": base64.b64encode(data).decode(), **({"text": TEXT, "ids": ids(data)} if reason is None else {"reason": reason})}
            for name, (data, reason) in cases().items()]


if __name__ == "__main__":
    PATH.write_text("[\n" + ",\n".join(json.dumps(case) for case in build()) + "\n]\n", encoding="utf-8")
