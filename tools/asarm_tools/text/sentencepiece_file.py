"""Which SentencePiece models the runtime takes: the rules and the words of src/Inference/Tokenization/SentencePieceModel.cs.

tests/golden/tokenizer/kinds.json holds both to the same cases.
"""

from __future__ import annotations

import math
import struct
import warnings

from google.protobuf.message import DecodeError
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from asarm_tools.command_line.failure import InputError

Piece = ModelProto.SentencePiece
KINDS = {2: "BPE", 3: "word", 4: "character"}
UNIGRAM = 1
NOT_UTF8 = "it has a piece that is not UTF-8"
TEXT_TYPES = (Piece.NORMAL, Piece.USER_DEFINED, Piece.UNUSED)
UNIT = 4  # bytes of a unit of the character map's trie


def read(path: str) -> ModelProto:
    """The model of a file that the runtime takes, or an error that says why it does not."""
    with open(path, "rb") as file:
        data = file.read()
    reason = refusal(data)
    if reason is not None:
        raise InputError(f"{path} is no tokenizer for the runtime: {reason}")
    return _parse(data)


def refusal(data: bytes) -> str | None:
    """Why the runtime does not take a model; None where it does."""
    try:
        model = _parse(data)
    except DecodeError:
        return "it is truncated or damaged"
    except UnicodeDecodeError:  # by some versions of protobuf at once, by others where a piece is asked for
        return NOT_UTF8
    if not model.pieces:
        return "it has no pieces: it is truncated, or no SentencePiece model"
    return _of_the_kind(model) or _of_the_pieces(model) or _of_the_map(model.normalizer_spec.precompiled_charsmap)


def _parse(data: bytes) -> ModelProto:
    """Some versions of protobuf only warn where they stop in the middle."""
    model = ModelProto()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model.ParseFromString(data)
    if warned:
        raise DecodeError(str(warned[0].message))
    return model


def _of_the_kind(model: ModelProto) -> str | None:
    trainer = model.trainer_spec
    if trainer.model_type != UNIGRAM:
        return f"it is a {KINDS[trainer.model_type]} model, only unigram models are supported"
    if trainer.treat_whitespace_as_suffix:
        return "it treats white space as a suffix, which is not supported"
    if trainer.byte_fallback or any(piece.type == Piece.BYTE for piece in model.pieces):
        return "it uses byte fallback, which is not supported: train the tokenizer without it"
    if not model.normalizer_spec.escape_whitespaces:
        return "it leaves white space unescaped, which is not supported"
    return None


def _of_the_pieces(model: ModelProto) -> str | None:
    try:
        texts = [piece.piece for piece in model.pieces]
        if not all(isinstance(text, str) for text in texts):
            return NOT_UTF8
    except UnicodeDecodeError:
        return NOT_UTF8
    unknown = sum(piece.type == Piece.UNKNOWN for piece in model.pieces)
    if unknown != 1:
        return f"it has {unknown} unknown tokens instead of one"
    if not all(texts):
        return "it has an empty piece"
    if any("\0" in text for text in texts):
        return "it has a piece with a null character"
    if len(set(texts)) < len(texts):
        return "it has a piece twice"
    if not any(piece.type in TEXT_TYPES for piece in model.pieces):
        return "it has no piece of text"
    if not all(math.isfinite(piece.score) for piece in model.pieces):
        return "it has a score that is no finite number"
    return None


def _of_the_map(blob: bytes) -> str | None:
    """A trie, its length in front, and replacements that its values point into."""
    if not blob:
        return None
    size = struct.unpack_from("<I", blob)[0] if len(blob) >= UNIT else 0
    if size == 0 or size % UNIT or size > len(blob) - UNIT:
        return "the normaliser's character map is damaged"
    try:
        blob[UNIT + size:].decode()
    except UnicodeDecodeError:
        return "the normaliser's character map has replacements that are no UTF-8"
    return None
