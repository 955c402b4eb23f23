"""Writes tests/golden/tokenizer/odd.model: a vocabulary made up so that every rule of sentencepiece and of the texts matters.

Scores that nearly tie, so that rounding decides; symbols that the map would change; digits that are no decimal ones; no removal of spaces.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from asarm_tools.text.xlnet_reference import SPACE

Piece = ModelProto.SentencePiece
NAMES = ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>")
USER_DEFINED = ("<eop>", "cd", "q1", "Ab ")
SCORES = {
    SPACE: -2.0, "a": -1.1, "aa": -2.2, "aaa": -3.3, "b": -0.7, "ba": -1.8, "bab": -2.5, "bb": -1.4, "abb": -2.5, "c": -0.06, "d": -0.06,
    "k": -1.0, "1": -1.3, "2": -1.3, "12": -2.6, "1,": -1.2, "12,": -2.0, ",": -3.0, SPACE + "1": -2.1, "\u00b2": -2.0, "\u00b2,": -2.5,
    "\u0663,": -2.5, "\u0663": -2.0, "\u03c3": -1.0, "\u03c2": -1.0, "i": -1.0, "\u0307": -1.0, SPACE + SPACE: -2.1, "r": -1.0, "u": -9.0,
}
UNUSED = {"ab": -0.1, "<unused>": -0.1}
MAP = (("q", "k"), ("xy", " "), ("z", ""), ("\u2460", "1"), ("cd", "dc"), ("\U0001d7d9", "1"), ("a\u0301", "b"))
ALPHABET = [*"aaabbbcdk12, ,", "cd", "q1", "q", "xy", "z", "\u00b2", "\u00b2,", "\u0663,", "\u0663", "12,", " ", "  ", "ab", "Ab ", "\u2460",
            "\u0130", "A", "B", "\u03a3", "\U0001d6ba", "\u212d", "<mask>", "<sep>", " <mask>", "\u211d", "a\u0301", "u", "\u2102"]


def character_map() -> bytes:
    """Compiled by sentencepiece's trainer, whose vocabulary is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        rules = os.path.join(folder, "rules.tsv")
        Path(rules).write_text("".join(f"{_codes(given)}\t{_codes(wanted)}\n" for given, wanted in MAP), encoding="utf-8")
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["a b c"] * 10), model_writer=model, vocab_size=7, minloglevel=2,
                                                 normalization_rule_tsv=rules)
    parsed = ModelProto()
    parsed.ParseFromString(model.getvalue())
    return parsed.normalizer_spec.precompiled_charsmap


def _codes(text: str) -> str:
    return " ".join(f"{ord(character):X}" for character in text)


def build() -> bytes:
    model = ModelProto()
    for name in NAMES:
        model.pieces.add(piece=name, score=0.0, type=Piece.UNKNOWN if name == "<unk>" else Piece.CONTROL)
    for pieces, kind in ((dict.fromkeys(USER_DEFINED, 0.0), Piece.USER_DEFINED), (SCORES, Piece.NORMAL), (UNUSED, Piece.UNUSED)):
        for piece, score in pieces.items():
            model.pieces.add(piece=piece.replace(" ", SPACE), score=score, type=kind)
    model.trainer_spec.model_type = 1
    model.normalizer_spec.name = "odd"
    model.normalizer_spec.precompiled_charsmap = character_map()
    model.normalizer_spec.remove_extra_whitespaces = False
    return model.SerializeToString()


if __name__ == "__main__":
    (Path(__file__).resolve().parents[1] / "golden" / "tokenizer" / "odd.model").write_bytes(build())
