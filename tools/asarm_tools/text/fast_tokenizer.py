"""tokenizer.json of Hugging Face's fast XLNet tokenizers (XLNetTokenizerFast of 4.x, XLNetTokenizer of 5.x): its pieces and its text rules.

What the runtime could not repeat is refused by name.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from asarm_tools.command_line.failure import InputError
from asarm_tools.text.sentencepiece_file import Piece

FAST_FILE = "tokenizer.json"
SPACE = "\u2581"
PENALTY = 100.0  # XLNetTokenizerFast of 4.x takes it from the scores of pieces that end in a digit and a comma
QUOTES = [("``", '"'), ("''", '"')]
ACCENTS = ["NFKD", "StripAccents"]
SPACES = (" {2,}", " ")


@dataclass(frozen=True)
class FastTokenizer:
    """rules are those of asarm.json; scores are without the penalty."""

    pieces: list[tuple[str, float]]
    unknown: int
    added: list[dict[str, object]]
    character_map: bytes
    rules: dict[str, object]

    def sentencepiece_model(self) -> bytes:
        """A SentencePiece model of the same pieces, for a checkpoint without one: added tokens are control or user-defined pieces."""
        model = ModelProto()
        added = {token["id"]: token for token in self.added}
        for identifier, (text, score) in enumerate(self.pieces):
            kind = Piece.NORMAL
            if identifier == self.unknown:
                kind = Piece.UNKNOWN
            elif identifier in added:
                named = len(text) > 2 and text[0] + text[-1] in ("<>", "[]")
                kind = Piece.CONTROL if named and added[identifier].get("special") else Piece.USER_DEFINED
            model.pieces.add(piece=text, score=score, type=kind)
        model.trainer_spec.model_type, model.trainer_spec.unk_id = 1, self.unknown
        model.normalizer_spec.precompiled_charsmap = self.character_map
        return model.SerializeToString()


def ends_in_digit_and_comma(piece: str) -> bool:
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def read(path: str) -> FastTokenizer:
    """The tokenizer of a file, refused where the runtime could not repeat it."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        return _Reader(path, content).tokenizer()
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}") from error
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(f"{path} is no tokenizer.json of a Unigram tokenizer: {error!r}") from error


def compare(fast: FastTokenizer, path: str, model: ModelProto, tokenizer: str) -> None:
    """Refuses a SentencePiece model of other pieces or scores, or another character map, than tokenizer.json has."""
    ours = [(piece.piece, piece.score) for piece in model.pieces]
    if len(ours) != len(fast.pieces):
        raise InputError(f"{path} has {len(fast.pieces)} pieces, {tokenizer} has {len(ours)}: they are not of the same tokenizer")
    for identifier, (mine, other) in enumerate(zip(ours, fast.pieces)):
        if mine != other:
            raise InputError(f"{path} has {other[0]!r} of score {other[1]:g} as piece {identifier}, {tokenizer} has {mine[0]!r} of score {mine[1]:g}")
    if fast.character_map and fast.character_map != model.normalizer_spec.precompiled_charsmap:
        raise InputError(f"{path} has another character map than {tokenizer}")


class _Reader:
    def __init__(self, path: str, content: dict):
        self.path, self.content = path, content

    def tokenizer(self) -> FastTokenizer:
        model = self.content["model"]
        self.require(model.get("type", "Unigram") == "Unigram" and isinstance(model["vocab"], list), f"it is a {model.get('type')} tokenizer, only Unigram is supported")
        self.require(not model.get("byte_fallback"), "it uses byte fallback, which is not supported")
        pieces = [(str(text), float(score)) for text, score in model["vocab"]]
        pieces, penalised = self.without_penalty(pieces)
        added = self.added_tokens(pieces)
        spaces_only = self.spaces_only(self.content.get("pre_tokenizer"))
        rules, character_map = self.normalizer(self.content.get("normalizer"), spaces_only)
        rules |= {"split_digit_commas": penalised, "backend": "tokenizers", "added_tokens": [_flags(token) for token in added]}
        if spaces_only:
            rules["split_spaces_only"] = True
        return FastTokenizer(pieces, int(model["unk_id"]), added, character_map, rules)

    def require(self, condition: bool, message: str) -> None:
        if not condition:
            raise InputError(f"{self.path} cannot be repeated by the runtime: {message}")

    def without_penalty(self, pieces: list[tuple[str, float]]) -> tuple[list[tuple[str, float]], bool]:
        """Scores as a SentencePiece model has them, in float32."""
        commas = {i for i, (text, _) in enumerate(pieces) if ends_in_digit_and_comma(text)}
        others = min((score for i, (_, score) in enumerate(pieces) if i not in commas), default=0)
        penalised = bool(commas) and all(pieces[i][1] < others - PENALTY / 2 for i in commas)
        pieces = [(text, score + PENALTY if penalised and i in commas else score) for i, (text, score) in enumerate(pieces)]
        self.require(all(float(np.float32(score)) == score for _, score in pieces), "its scores are not in float32, as those of a SentencePiece model")
        return pieces, penalised

    def added_tokens(self, pieces: list[tuple[str, float]]) -> list[dict]:
        tokens = sorted(self.content.get("added_tokens") or [], key=lambda token: token["id"])
        for token in tokens:
            name, identifier = token["content"], token["id"]
            self.require(0 <= identifier < len(pieces) and pieces[identifier][0] == name,
                         f"the added token {name!r} (id {identifier}) is no piece of its vocabulary, and tokens beside that are not supported")
            self.require(not token.get("single_word"), f"the added token {name!r} is single_word")
        return tokens

    def spaces_only(self, part: dict | None) -> bool:
        steps = part["pretokenizers"] if part and part["type"] == "Sequence" else [part or {}]
        kinds = [step.get("type") for step in steps]
        self.require(kinds in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]), f"its pre_tokenizer is {kinds}, only Metaspace is supported, alone or after WhitespaceSplit")
        space = steps[-1]
        always = space.get("prepend_scheme", "always" if space.get("add_prefix_space", True) else "never") == "always"
        self.require(space["replacement"] == SPACE and always and space.get("split", True), "its Metaspace does not put U+2581 before each word")
        return len(kinds) == 1

    def normalizer(self, part: dict | None, spaces_only: bool) -> tuple[dict[str, object], bytes]:
        """Steps are taken off the front in the order that the runtime has."""
        steps = [_step(step) for step in (part["normalizers"] if part and part["type"] == "Sequence" else [part] if part else [])]
        names = [name for name, _ in steps]
        if not spaces_only or steps[-1:] == [("Replace", SPACES)]:
            steps = [step for step in steps if step != ("Replace", SPACES)]  # where all white space parts words, runs do not matter
        rules: dict[str, object] = {"do_lower_case": False, "remove_space": True, "keep_accents": True}
        character_map = b""
        self.require(steps[:2] == [("Replace", quote) for quote in QUOTES], f"its normalizer ({', '.join(names)}) does not begin with XLNet's two quotes")
        steps = steps[2:]
        if [name for name, _ in steps[:2]] == ACCENTS:
            rules["keep_accents"], steps = False, steps[2:]
        if steps and steps[0][0] == "Lowercase":
            rules["do_lower_case"], steps = True, steps[1:]
        if steps and steps[0][0] == "Precompiled":
            rules["character_map"], character_map, steps = True, steps[0][1], steps[1:]
        self.require(not steps, f"its normalizer ({', '.join(names)}) is not one of XLNet's: {steps[0][0] if steps else ''}")
        return rules, character_map


def _step(step: dict) -> tuple[str, Any]:
    kind = step["type"]
    if kind == "Replace":
        return kind, (next(iter(step["pattern"].values())), step["content"])
    return kind, base64.b64decode(step["precompiled_charsmap"]) if kind == "Precompiled" else None


def _flags(token: dict) -> dict[str, object]:
    names = {"lstrip": "strip_left", "rstrip": "strip_right", "normalized": "normalized"}
    return {"id": token["id"], **{ours: True for theirs, ours in names.items() if token.get(theirs)}}
