"""The tokens that a Hugging Face checkpoint declares beside its SentencePiece model, and the files that it declares them in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sentencepiece.sentencepiece_model_pb2 import ModelProto

from asarm_tools.command_line.failure import InputError
from asarm_tools.text.fast_tokenizer import FAST_FILE, FastTokenizer

CONFIG_FILE, MAP_FILE, ADDED_FILE = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
ROLES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "<sep>", "pad_token": "<pad>", "cls_token": "<cls>", "mask_token": "<mask>"}
LIST, EXTRA, USUAL_LIST = "additional_special_tokens", "extra_special_tokens", ("<eop>", "<eod>")
MASK = "mask_token"
FLAGS = {"lstrip": "strip_left", "rstrip": "strip_right"}


@dataclass(frozen=True)
class Token:
    """A declared token; its id where the declaration has one."""

    text: str
    source: str
    identifier: int | None = None
    flags: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenizerFiles:
    """What stands beside a tokenizer or in its checkpoint; the files are of one folder, those that are missing are None."""

    config: str | None
    special_map: str | None
    added: str | None
    fast: str | None

    @classmethod
    def find(cls, checkpoint: str, tokenizer: str | None) -> TokenizerFiles:
        """Of the checkpoint, else of the folder of the tokenizer: the first one with a tokenizer_config.json, or with any of the files."""
        folders = [checkpoint, *([os.path.dirname(os.path.abspath(tokenizer))] if tokenizer is not None else [])]
        names = (CONFIG_FILE, MAP_FILE, ADDED_FILE, FAST_FILE)
        held = [[path if os.path.exists(path) else None for path in (os.path.join(folder, name) for name in names)] for folder in folders]
        return cls(*next((paths for paths in held if paths[0]), next((paths for paths in held if any(paths)), [None] * len(names))))


@dataclass(frozen=True)
class Declared:
    """roles: the special tokens by their role, None where a file says that there is none; listed: additional ones, None without a list; added: others,
    with or without ids; extra: what transformers 5 lists, user-defined pieces among them, which version 4 does not know.
    """

    roles: dict[str, Token | None]
    listed: list[Token] | None
    added: list[Token]
    extra: list[Token]

    def __iter__(self) -> Iterator[Token]:
        return iter([*filter(None, self.roles.values()), *(self.listed or []), *self.added, *self.extra])

    @property
    def mask(self) -> str:
        token = self.roles.get(MASK)
        return token.text if token is not None else ROLES[MASK]

    def check(self, model: ModelProto, tokenizer: str) -> None:
        """Refuses tokens that the SentencePiece model lacks, or has elsewhere: the runtime has its pieces only."""
        known = _ids(model)
        for token in self:
            if token.text not in known:
                raise InputError(f"{token.source} has the token {token.text!r}, which {tokenizer} does not have: tokens beside the SentencePiece model are not supported")
            if token.identifier not in (None, known[token.text]):
                raise InputError(f"{token.source} has {token.text!r} as token {token.identifier}, {tokenizer} as {known[token.text]}")

    def added_to_the_slow_tokenizer(self, model: ModelProto) -> list[dict[str, object]] | None:
        """Ids and flags of what XLNetTokenizer in Python finds in a text; None for the usual names and flags."""
        tokens: dict[str, dict[str, object]] = {}
        for role, usual in ROLES.items():
            token = self.roles[role] if role in self.roles else Token(usual, "")
            if token is not None:
                tokens[token.text] = {"strip_left": role == MASK, **token.flags}
        listed = [Token(name, "") for name in USUAL_LIST] if self.listed is None else self.listed
        for token in (*listed, *self.added):
            tokens[token.text] = {**tokens.get(token.text, {}), **token.flags}
        flags = {text: _set(given) for text, given in tokens.items()}
        if flags == {name: {} for name in (*ROLES.values(), *USUAL_LIST)} | {ROLES[MASK]: {"strip_left": True}}:
            return None
        known = _ids(model)
        return [{"id": identifier, **flags[text]} for text, identifier in sorted(known.items(), key=lambda entry: entry[1]) if text in flags]

    def check_added(self, fast: FastTokenizer, path: str) -> None:
        """Refuses what tokenizer.json lacks: Hugging Face adds it when it loads the tokenizer, in ways that depend on the version."""
        there = {token["content"] for token in fast.added}
        for token in self:
            if token.text not in there:
                raise InputError(f"{token.source} has the token {token.text!r}, which is no added token of {path}")


def _set(flags: dict[str, object]) -> dict[str, object]:
    return {name: True for name, value in flags.items() if value}


def _ids(model: ModelProto) -> dict[str, int]:
    return {piece.piece: identifier for identifier, piece in enumerate(model.pieces)}


def read(files: TokenizerFiles) -> Declared:
    """What the files say, refused where they contradict each other."""
    roles: dict[str, Token | None] = {}
    lists: dict[str, list[Token]] = {}
    added = [*_decoder(files.config), *_added(files.added)]
    extra: list[Token] = []
    for path in filter(None, (files.config, files.special_map)):
        values = read_object(path)
        for role in (role for role in ROLES if role in values):
            token = None if values[role] is None else _token(values[role], path, role)
            before = roles.setdefault(role, token)
            if (before and before.text) != (token and token.text):
                raise InputError(f"{path} has {token.text if token else None!r} as {role}, {files.config} has {before.text if before else None!r}")
        if values.get(LIST) is not None:
            lists[path] = _listed(values, path, LIST)
        named = isinstance(values.get(EXTRA), dict)  # as late versions of transformers 4 have it
        (added if named else extra).extend(_listed(values, path, EXTRA))
    if len({frozenset(token.text for token in tokens) for tokens in lists.values()}) > 1:
        raise InputError(f"{files.special_map} has other additional special tokens than {files.config}")
    return Declared(roles, next(iter(lists.values()), None), added, extra)


def _listed(values: dict[str, object], path: str, name: str) -> list[Token]:
    entries = values.get(name) or []
    if not isinstance(entries, (dict, list)):
        raise InputError(f"{path}: {name} must be a list, it is {entries!r}")
    return [_token(value, path, name) for value in (entries.values() if isinstance(entries, dict) else entries)]


def _decoder(config: str | None) -> list[Token]:
    if config is None:
        return []
    entries = read_object(config).get("added_tokens_decoder") or {}
    if not isinstance(entries, dict) or not all(key.isdigit() for key in entries):
        raise InputError(f"{config}: added_tokens_decoder must be an object of ids, it is {entries!r}")
    return [_token(value, config, "added_tokens_decoder", int(key)) for key, value in entries.items()]


def _added(path: str | None) -> list[Token]:
    if path is None:
        return []
    entries = read_object(path)
    tokens = [Token(text, path, identifier) for text, identifier in entries.items() if isinstance(identifier, int) and not isinstance(identifier, bool)]
    if len(tokens) < len(entries):
        raise InputError(f"{path} must hold the ids of tokens")
    return tokens


def _token(value: object, path: str, name: str, identifier: int | None = None) -> Token:
    """A name, or an object as Hugging Face writes an AddedToken."""
    content = value.get("content") if isinstance(value, dict) else value
    if not isinstance(content, str) or not content:
        raise InputError(f"{path}: {name} must be the text of a token, it is {value!r}")
    if isinstance(value, dict) and value.get("single_word"):
        raise InputError(f"{path}: {name} has the token {content!r} as single_word, which is not supported")
    flags = {ours: bool(value[theirs]) for theirs, ours in FLAGS.items() if theirs in value} if isinstance(value, dict) else {}
    return Token(content, path, identifier, flags)


def read_object(path: str) -> dict[str, object]:
    """A JSON file that holds an object."""
    with open(path, encoding="utf-8") as file:
        try:
            values = json.load(file)
        except ValueError as error:
            raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is no JSON object")
    return values
