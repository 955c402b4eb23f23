"""What a model's text goes through before SentencePiece: the fields text_rules and text_encoding of asarm.json."""

from __future__ import annotations

import json
import os
import sys

from asarm_tools.command_line.failure import InputError
from asarm_tools.text import declared_tokens, fast_tokenizer, sentencepiece_file
from asarm_tools.text.declared_tokens import CONFIG_FILE, Declared, TokenizerFiles, read_object
from asarm_tools.text.fast_tokenizer import FAST_FILE
from asarm_tools.text.sentencepiece_file import ModelProto
from asarm_tools.text.special_tokens import require_pieces

CODE_ENCODING = "asarm-code"
RECORD_FILE = "asarm_text.json"  # in a recovered checkpoint: what the folder had, as options of the exporter chose it
FIELDS, MASK_FIELD = ("text_rules", "text_encoding"), "mask_id"
RECORD_FIELDS = (*FIELDS, MASK_FIELD)
DEFAULTS = {"do_lower_case": False, "remove_space": True, "keep_accents": False}  # of Hugging Face's XLNetTokenizer
RULES = (*DEFAULTS, "split_digit_commas", "character_map", "split_spaces_only")  # true or false; beside them backend and added_tokens
FAST = "tokenizers"  # the backend of fast tokenizers, in tokenizer_config.json as in text_rules
SLOW_CLASS, FAST_CLASSES = "XLNetTokenizer", ("XLNetTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend")
CHOICES = ("auto", "slow", "none")
CODE_PIECES = ("<cls>", "<sep>", "\u2581")


def describe(checkpoint: str, tokenizer: str, rules: str, encoding: str | None, made: bool = False) -> dict[str, object]:
    """The fields of asarm.json; a missing one means that text stays as it is.

    rules: "auto" for those of the tokenizer that the checkpoint has, without a tokenizer_config.json XLNetTokenizer's defaults; "slow" for those of
    XLNetTokenizer in Python; "none" for none, whatever tokens are declared beside the SentencePiece model. Of a recovered checkpoint they
    are the ones that the folder had, unless rules or encoding ask for others.
    made: the SentencePiece model was made of the checkpoint's tokenizer.json.
    """
    files = TokenizerFiles.find(checkpoint, tokenizer)
    declared, model = declared_tokens.read(files), sentencepiece_file.read(tokenizer)
    if rules != "none":
        declared.check(model, tokenizer)
    record = os.path.join(checkpoint, RECORD_FILE)
    if rules == "auto" and encoding is None and os.path.exists(record):
        return _recorded(record, tokenizer)
    fields: dict[str, object] = {}
    text_rules: dict[str, object] | None = None
    if rules != "none":
        options = _options(checkpoint, files, rules, encoding, made)
        if options is not None:
            text_rules = _text_rules(options, files, declared, model, tokenizer)
            fields["text_rules"] = text_rules
    if encoding == CODE_ENCODING:
        require_pieces(tokenizer, CODE_PIECES, f"--text-encoding {CODE_ENCODING}")
        fields["text_encoding"] = CODE_ENCODING
        if text_rules is not None:  # names of tokens stay text there; the paper's models were trained with a tokenizer that leaves such commas
            fields["text_rules"] = {name: text_rules[name] for name in DEFAULTS} | {"split_digit_commas": False}
    return fields


def mask_piece(checkpoint: str, tokenizer: str) -> str:
    """The piece of the mask: the one that a recovered checkpoint's folder had, or that the checkpoint's tokenizer declares."""
    record = os.path.join(checkpoint, RECORD_FILE)
    pieces = sentencepiece_file.read(tokenizer).pieces
    mask = _recorded(record, tokenizer, RECORD_FIELDS).get(MASK_FIELD) if os.path.exists(record) else None
    if mask is None:
        return declared_tokens.read(TokenizerFiles.find(checkpoint, tokenizer)).mask
    if type(mask) is not int or not 0 <= mask < len(pieces):
        raise InputError(f"{record}: {MASK_FIELD} is {mask!r}, {tokenizer} has {len(pieces)} pieces")
    return pieces[mask].piece


def record(description: dict, checkpoint: str) -> None:
    """Writes the fields of an exported folder with a tokenizer into a checkpoint that is made of it."""
    with open(os.path.join(checkpoint, RECORD_FILE), "w", encoding="utf-8") as file:
        json.dump({name: description[name] for name in RECORD_FIELDS if name in description}, file, indent=2)
        file.write("\n")


def _recorded(path: str, tokenizer: str, names: tuple[str, ...] = FIELDS) -> dict[str, object]:
    fields = read_object(path)
    rules = fields.get("text_rules", {})
    if fields.keys() - set(RECORD_FIELDS) or not isinstance(rules, dict) or not _are_rules(rules):
        raise InputError(f"{path} does not hold text_rules and text_encoding as recover.py writes them")
    if fields.get("text_encoding", CODE_ENCODING) != CODE_ENCODING:
        raise InputError(f"{path}: text_encoding is {fields['text_encoding']!r}, only {CODE_ENCODING!r} is known")
    if "text_encoding" in fields:
        require_pieces(tokenizer, CODE_PIECES, f"the text_encoding {CODE_ENCODING}")
    return {name: fields[name] for name in names if name in fields}


def _are_rules(rules: dict[str, object]) -> bool:
    tokens = rules.get("added_tokens", [])
    return (not rules.keys() - {*RULES, "backend", "added_tokens"} and all(isinstance(rules[name], bool) for name in RULES if name in rules)
            and rules.get("backend", FAST) == FAST and isinstance(tokens, list) and all(isinstance(token, dict) and type(token.get("id")) is int for token in tokens))


def _options(checkpoint: str, files: TokenizerFiles, rules: str, encoding: str | None, made: bool) -> dict[str, object] | None:
    """The values of tokenizer_config.json, with the backend; None where text went to SentencePiece as it was."""
    if files.config is None:
        # A checkpoint of tools/train says how long its sequences were; its text went to SentencePiece as it was.
        if rules == "auto" and not made and "trained_length" in read_object(os.path.join(checkpoint, "config.json")):
            return None
        values: dict[str, object] = {}
    else:
        values = read_object(files.config)
    options = {key: values.get(key, default) for key, default in DEFAULTS.items()}
    wrong = [key for key, value in options.items() if not isinstance(value, bool)]
    if wrong:
        raise InputError(f"{files.config}: {wrong[0]} must be true or false, it is {options[wrong[0]]!r}")
    if values.get("split_special_tokens"):
        raise InputError(f"{files.config}: split_special_tokens is true, which is not supported")
    _check_class(values, files)
    fast = rules == "auto" and encoding is None and _is_fast(values, files, made)
    return {**options, "backend": FAST if fast else None}


def _check_class(values: dict[str, object], files: TokenizerFiles) -> None:
    name, backend = values.get("tokenizer_class"), values.get("backend")
    if name not in (None, SLOW_CLASS, *FAST_CLASSES):
        raise InputError(f"{files.config} is of a {name}: only XLNetTokenizer's rules are known; --text-rules none leaves them out")
    if backend not in (None, FAST):
        raise InputError(f"{files.config}: the backend {backend!r} is not known, only {FAST!r} is")


def _is_fast(values: dict[str, object], files: TokenizerFiles, made: bool) -> bool:
    """Whether the tokenizer was one on the library tokenizers: each one of transformers 5, and in 4 those that saved a tokenizer.json."""
    name, version = values.get("tokenizer_class"), str(values.get("transformers_version", "")).split(".")[0]
    certain = name in FAST_CLASSES or values.get("backend") == FAST or (version.isdigit() and int(version) >= 5)
    if certain and files.fast is None:
        raise InputError(f"{files.config} is of a fast tokenizer, whose {FAST_FILE} is missing: what it makes of text stands there; "
                         "save it again, or take the rules of XLNetTokenizer in Python with --text-rules slow")
    if certain or made or (name is not None and files.fast is not None):
        return True
    if files.fast is not None:
        print(f"{files.fast} is left aside: without a tokenizer_class in {CONFIG_FILE} the text rules are those of XLNetTokenizer in Python", file=sys.stderr)
    return False


def _text_rules(options: dict[str, object], files: TokenizerFiles, declared: Declared, model: ModelProto, tokenizer: str) -> dict[str, object]:
    if not options["backend"] or files.fast is None:
        added = declared.added_to_the_slow_tokenizer(model)
        return {**{name: options[name] for name in DEFAULTS}, "split_digit_commas": True, **({} if added is None else {"added_tokens": added})}
    fast = fast_tokenizer.read(files.fast)
    fast_tokenizer.compare(fast, files.fast, model, tokenizer)
    declared.check_added(fast, files.fast)
    if files.config is not None and fast.rules["do_lower_case"] != options["do_lower_case"]:
        raise InputError(f"{files.config} has do_lower_case {options['do_lower_case']}, {files.fast} has {fast.rules['do_lower_case']}")
    return fast.rules
