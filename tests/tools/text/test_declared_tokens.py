"""Tokens that a checkpoint declares beside its SentencePiece model are used, or refused by name."""

import json
import shutil

import pytest
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.export import recover
from asarm_tools.text.text_rules import describe, mask_piece

from exports import described

NAMES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "<sep>", "pad_token": "<pad>", "cls_token": "<cls>", "mask_token": "<mask>"}
PIECES = ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>")  # of the tests' tokenizer, by id
USUAL = [{"id": identifier, **({"strip_left": True} if identifier == 6 else {})} for identifier in range(9)]


def added(text: str, **flags: bool) -> dict:
    return {"content": text, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True, **flags}


# As versions of transformers 4 save XLNetTokenizer in Python: the names of the model's own pieces once more.
SAVED = {
    "4.26": {"tokenizer_config.json": {**NAMES, "mask_token": {"__type": "AddedToken", **added("<mask>", lstrip=True, normalized=True)},
                                       "additional_special_tokens": ["<eop>", "<eod>"], "tokenizer_class": "XLNetTokenizer", "sp_model_kwargs": {}},
             "special_tokens_map.json": {**NAMES, "mask_token": added("<mask>", lstrip=True, normalized=True), "additional_special_tokens": ["<eop>", "<eod>"]}},
    "4.57": {"tokenizer_config.json": {**NAMES, "additional_special_tokens": ["<eop>", "<eod>"], "extra_special_tokens": {}, "tokenizer_class": "XLNetTokenizer",
                                       "added_tokens_decoder": {str(i): added(text, lstrip=text == "<mask>") for i, text in enumerate(PIECES)}},
             "special_tokens_map.json": {**NAMES, "mask_token": added("<mask>", lstrip=True), "additional_special_tokens": ["<eop>", "<eod>"]},
             "added_tokens.json": {"<mask>": 6}},
}


@pytest.fixture
def checkpoint(tmp_path, tiny, texts):
    """A checkpoint with a tokenizer."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for path in (tiny / "config.json", tiny / "model.safetensors", texts / "spiece.model"):
        shutil.copy(path, folder)
    return folder


def write(folder, **files: dict) -> None:
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


def rules(folder, choice="auto") -> dict:
    return describe(str(folder), str(folder / "spiece.model"), choice, None).get("text_rules", {})


@pytest.mark.parametrize("version", SAVED)
def test_declarations_that_repeat_the_pieces_change_nothing(checkpoint, version):
    usual = rules(checkpoint)
    write(checkpoint, **SAVED[version])
    assert rules(checkpoint) == usual and "added_tokens" not in usual
    assert mask_piece(str(checkpoint), str(checkpoint / "spiece.model")) == "<mask>"


@pytest.mark.parametrize("file, content, message", [
    ("tokenizer_config.json", {"mask_token": "[MASK]"}, "tokenizer_config.json has the token '[MASK]', which .*spiece.model does not have"),
    ("tokenizer_config.json", {"additional_special_tokens": ["<eop>", "<new>"]}, "has the token '<new>', which"),
    ("tokenizer_config.json", {"extra_special_tokens": {"image_token": "<image>"}}, "has the token '<image>', which"),
    ("tokenizer_config.json", {"added_tokens_decoder": {"60": added("<new>")}}, "has the token '<new>', which"),
    ("tokenizer_config.json", {"added_tokens_decoder": {"5": added("<mask>")}}, "has '<mask>' as token 5, .*spiece.model as 6"),
    ("tokenizer_config.json", {"added_tokens_decoder": {"6": added("<mask>", single_word=True)}}, "'<mask>' as single_word"),
    ("tokenizer_config.json", {"added_tokens_decoder": {"x": added("<mask>")}}, "added_tokens_decoder must be an object of ids"),
    ("tokenizer_config.json", {"sep_token": 4}, "sep_token must be the text of a token, it is 4"),
    ("tokenizer_config.json", {"additional_special_tokens": "<eop>"}, "additional_special_tokens must be a list"),
    ("special_tokens_map.json", {"mask_token": {"content": "[MASK]"}}, "special_tokens_map.json has the token '[MASK]', which"),
    ("added_tokens.json", {"[MASK]": 64}, "added_tokens.json has the token '[MASK]', which"),
    ("added_tokens.json", {"<eod>": 8}, "has '<eod>' as token 8, .*spiece.model as 7"),
    ("added_tokens.json", {"<eod>": "7"}, "added_tokens.json must hold the ids of tokens"),
    ("added_tokens.json", ["<eod>"], "no JSON object")])
def test_tokens_beside_the_model_are_refused_by_name(checkpoint, file, content, message):
    write(checkpoint, **{file: content})
    with pytest.raises(InputError, match=message.replace("[", "\\[")):
        rules(checkpoint)


def test_files_that_contradict_each_other_are_refused(checkpoint):
    write(checkpoint, **{"tokenizer_config.json": {"sep_token": "<sep>"}, "special_tokens_map.json": {"sep_token": "<cls>"}})
    with pytest.raises(InputError, match="special_tokens_map.json has '<cls>' as sep_token, .*tokenizer_config.json has '<sep>'"):
        rules(checkpoint)
    write(checkpoint, **{"tokenizer_config.json": {"additional_special_tokens": ["<eop>"]}, "special_tokens_map.json": {"additional_special_tokens": ["<eod>"]}})
    with pytest.raises(InputError, match="has other additional special tokens"):
        rules(checkpoint)


def test_left_aside_where_text_rules_are(checkpoint):
    write(checkpoint, **{"added_tokens.json": {"[NEW]": 64}})
    assert rules(checkpoint, "none") == {}


@pytest.mark.parametrize("config, expected", [
    ({"additional_special_tokens": []}, [token for token in USUAL if token["id"] < 7]),
    ({"additional_special_tokens": ["<eop>", "<eod>", "e"]}, None),
    ({"eos_token": "<eod>"}, [token for token in USUAL if token["id"] != 2]),
    ({"pad_token": None}, [token for token in USUAL if token["id"] != 5]),
    ({"added_tokens_decoder": {"4": added("<sep>", rstrip=True), "6": added("<mask>")}},
     [{"id": i, **({"strip_right": True} if i == 4 else {})} for i in range(9)])])
def test_pieces_that_are_declared_otherwise_are_used(checkpoint, config, expected):
    """What is found in a text is what the slow tokenizer would find."""
    write(checkpoint, **{"tokenizer_config.json": config})
    model = ModelProto()
    model.ParseFromString((checkpoint / "spiece.model").read_bytes())
    identifier = next(i for i, piece in enumerate(model.pieces) if piece.piece == "e")
    assert rules(checkpoint)["added_tokens"] == (expected or [*USUAL, {"id": identifier}])


def test_the_mask_may_have_another_name(checkpoint, output, tmp_path, call):
    """A piece of the model that the config names; a recovered checkpoint keeps it, also where only special_tokens_map.json says so."""
    write(checkpoint, **{"special_tokens_map.json": {"mask_token": "<pad>", "pad_token": "<mask>"}})
    assert call(export, "--checkpoint", checkpoint, "--output", output, "--maximum-length", 20) == 0
    description = described(output)
    assert description["mask_id"] == 5 and description["special_ids"] == list(range(9))
    assert description["text_rules"]["added_tokens"] == [{"id": i, **({"strip_left": True} if i == 5 else {})} for i in range(9)]
    assert call(recover, "--model", output, "--output", tmp_path / "recovered") == 0
    again = ["--checkpoint", tmp_path / "recovered", "--tokenizer", output / "spiece.model", "--maximum-length", 20]
    assert call(export, *again, "--output", tmp_path / "again") == 0
    assert all(described(tmp_path / "again")[name] == description[name] for name in ("mask_id", "text_rules", "special_ids"))


def test_a_mask_that_is_no_piece_is_refused(checkpoint, output, call, capsys):
    write(checkpoint, **{"tokenizer_config.json": {"mask_token": "[MASK]"}})
    assert call(export, "--checkpoint", checkpoint, "--output", output) == 2
    assert "has no piece [MASK]" in capsys.readouterr().err and not output.exists()
