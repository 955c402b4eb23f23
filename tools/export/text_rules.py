"""What a model's text goes through before SentencePiece: the fields text_rules and text_encoding of asarm.json."""

from __future__ import annotations

import json
import os

from failure import InputError
from special_tokens import require_pieces

CONFIG_FILE = "tokenizer_config.json"
CODE_ENCODING = "asarm-code"
RECORD_FILE = "asarm_text.json"  # in a recovered checkpoint: what the folder had, as options of the exporter chose it
FIELDS = ("text_rules", "text_encoding")
DEFAULTS = {"do_lower_case": False, "remove_space": True, "keep_accents": False}  # of Hugging Face's XLNetTokenizer
CODE_PIECES = ("<cls>", "<sep>", "\u2581")


def find_config(checkpoint: str, tokenizer: str) -> str | None:
    """tokenizer_config.json of the checkpoint, or the one beside the tokenizer."""
    places = (os.path.join(folder, CONFIG_FILE) for folder in (checkpoint, os.path.dirname(os.path.abspath(tokenizer))))
    return next((place for place in places if os.path.exists(place)), None)


def describe(checkpoint: str, tokenizer: str, rules: str, encoding: str | None) -> dict[str, object]:
    """The fields of asarm.json; a missing one means that text stays as it is.

    rules: "auto" for those of tokenizer_config.json or, without one, XLNetTokenizer's defaults; "none" for none. Of a recovered checkpoint
    they are the ones that the folder had, unless rules or encoding ask for others.
    """
    record = os.path.join(checkpoint, RECORD_FILE)
    if rules == "auto" and encoding is None and os.path.exists(record):
        return _recorded(record, tokenizer)
    fields: dict[str, object] = {}
    if rules == "auto":
        options = _options(checkpoint, find_config(checkpoint, tokenizer))
        if options is not None:
            # Models of the paper's code convention were trained with Hugging Face's fast tokenizer, which leaves such commas.
            fields["text_rules"] = {**options, "split_digit_commas": options["split_digit_commas"] and encoding != CODE_ENCODING}
    if encoding == CODE_ENCODING:
        require_pieces(tokenizer, CODE_PIECES, f"--text-encoding {CODE_ENCODING}")
        fields["text_encoding"] = CODE_ENCODING
    return fields


def record(description: dict, checkpoint: str) -> None:
    """Writes the fields of an exported folder with a tokenizer into a checkpoint that is made of it."""
    with open(os.path.join(checkpoint, RECORD_FILE), "w", encoding="utf-8") as file:
        json.dump({name: description[name] for name in FIELDS if name in description}, file, indent=2)
        file.write("\n")


def _recorded(path: str, tokenizer: str) -> dict[str, object]:
    fields = _read(path)
    rules = fields.get("text_rules", {})
    names = {*DEFAULTS, "split_digit_commas"}
    if fields.keys() - set(FIELDS) or not isinstance(rules, dict) or rules.keys() - names or not all(isinstance(rule, bool) for rule in rules.values()):
        raise InputError(f"{path} does not hold text_rules and text_encoding as recover.py writes them")
    if fields.get("text_encoding", CODE_ENCODING) != CODE_ENCODING:
        raise InputError(f"{path}: text_encoding is {fields['text_encoding']!r}, only {CODE_ENCODING!r} is known")
    if "text_encoding" in fields:
        require_pieces(tokenizer, CODE_PIECES, f"the text_encoding {CODE_ENCODING}")
    return fields


def _options(checkpoint: str, config: str | None) -> dict[str, bool] | None:
    if config is None:
        # A checkpoint of tools/train says how long its sequences were; its text went to SentencePiece as it was.
        return None if "trained_length" in _read(os.path.join(checkpoint, "config.json")) else {**DEFAULTS, "split_digit_commas": True}
    values = _read(config)
    name = values.get("tokenizer_class") or "XLNetTokenizer"
    if not str(name).startswith("XLNetTokenizer"):
        raise InputError(f"{config} is of a {name}: only XLNetTokenizer's rules are known; --text-rules none leaves them out")
    options = {key: values.get(key, default) for key, default in DEFAULTS.items()}
    wrong = [key for key, value in options.items() if not isinstance(value, bool)]
    if wrong:
        raise InputError(f"{config}: {wrong[0]} must be true or false, it is {options[wrong[0]]!r}")
    return {**options, "split_digit_commas": name != "XLNetTokenizerFast"}


def _read(path: str) -> dict[str, object]:
    with open(path, encoding="utf-8") as file:
        try:
            values = json.load(file)
        except ValueError as error:
            raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is no JSON object")
    return values
