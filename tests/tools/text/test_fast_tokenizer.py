"""Checkpoints with a tokenizer.json: what Hugging Face's fast tokenizers make of text is read there, and made again."""

import base64
import gzip
import json
import shutil

import numpy as np
import pytest
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from asarm_tools.checkpoints.torch_model import write_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.export import recover
from asarm_tools.text import fast_tokenizer, sentencepiece_file
from asarm_tools.text.fast_reference import FastTokenizer
from asarm_tools.text.text_rules import describe

import record_fast
from exports import described, fresh

SAVED = record_fast.SAVED
NEWER = {"do_lower_case": False, "remove_space": True, "keep_accents": False, "split_digit_commas": False, "backend": "tokenizers",
         "added_tokens": [{"id": identifier} for identifier in range(12)]}
ODD = record_fast.FOLDER / record_fast.ODD


@pytest.fixture(scope="module")
def recorded() -> dict:
    return json.loads(gzip.decompress(record_fast.RECORD.read_bytes()))


@pytest.fixture
def checkpoint(tmp_path, tiny):
    """As transformers 5 saves one: tokenizer.json, no spiece.model."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for path in (tiny / "config.json", tiny / "model.safetensors", SAVED / "tokenizer.json", SAVED / "tokenizer_config.json"):
        shutil.copy(path, folder)
    return folder


def content() -> dict:
    return json.loads((SAVED / "tokenizer.json").read_text())


def older(character_map: bytes) -> dict:
    """As XLNetTokenizerFast of transformers 4 saves it: other steps, and scores of pieces such as "1," with a penalty."""
    file = content()
    steps = file["normalizer"]["normalizers"]
    steps.insert(len(steps) - 1, {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(character_map).decode()})
    file["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True}
    file["model"]["vocab"] = [[text, score - 100 * fast_tokenizer.ends_in_digit_and_comma(text)] for text, score in file["model"]["vocab"]]
    del file["model"]["type"]
    return file


def odd() -> ModelProto:
    return sentencepiece_file.read(str(ODD))


def write(folder, file: dict, **config: object) -> None:
    (folder / "tokenizer.json").write_text(json.dumps(file))
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))


def rules(folder, tokenizer=ODD, choice: str = "auto") -> dict:
    return describe(str(folder), str(tokenizer), choice, None)["text_rules"]


def test_the_reference_repeats_what_was_recorded(recorded):
    assert len(recorded["lines"]) > 400 and len(recorded["settings"]) == len(record_fast.SETTINGS)
    for setting in recorded["settings"]:
        tokenizer = FastTokenizer(record_fast.model_of(setting["model"]), setting["text_rules"])
        assert [tokenizer.encode(line) for line in recorded["lines"]] == setting["ids"], setting["name"]


def test_the_record_is_of_these_lines(recorded):
    assert recorded["lines"] == record_fast.lines()


def test_what_transformers_5_saved_is_read(checkpoint, recorded):
    assert rules(checkpoint) == NEWER == next(setting for setting in recorded["settings"] if setting["name"] == "transformers 5, odd")["text_rules"]
    assert rules(checkpoint, choice="slow") == {name: NEWER[name] for name in ("do_lower_case", "remove_space", "keep_accents")} | {"split_digit_commas": True}


def test_what_transformers_4_saved_is_read(checkpoint):
    """Neither backend nor version, and the class without its Fast; the file alone tells."""
    write(checkpoint, older(odd().normalizer_spec.precompiled_charsmap), tokenizer_class="XLNetTokenizer", do_lower_case=False)
    assert rules(checkpoint) == {**NEWER, "split_digit_commas": True, "character_map": True, "split_spaces_only": True}


def test_the_published_checkpoint_keeps_the_rules_of_its_authors(checkpoint, capsys):
    """Its tokenizer.json came later, without a tokenizer_class: left aside, not without a word."""
    (checkpoint / "tokenizer_config.json").unlink()
    assert "backend" not in rules(checkpoint)
    assert "tokenizer.json is left aside" in capsys.readouterr().err


def test_a_checkpoint_without_spiece_model_gets_one(checkpoint, output, tmp_path, call):
    assert call(export, "--checkpoint", checkpoint, "--output", output, "--maximum-length", 20) == 0
    description, made = described(output), sentencepiece_file.read(str(output / "spiece.model"))
    assert description["text_rules"] == NEWER and description["format_version"] == 3
    assert (description["mask_id"], description["separator_id"], description["special_ids"]) == (6, 7, list(range(9)))
    assert [(piece.piece, piece.score) for piece in made.pieces] == [(piece.piece, piece.score) for piece in odd().pieces]
    assert call(recover, "--model", output, "--output", tmp_path / "recovered") == 0
    again = ["--checkpoint", tmp_path / "recovered", "--tokenizer", output / "spiece.model", "--maximum-length", 20]
    assert call(export, *again, "--output", tmp_path / "again") == 0
    assert described(tmp_path / "again")["text_rules"] == NEWER


def test_the_character_map_goes_along(checkpoint, output, call):
    write(checkpoint, older(odd().normalizer_spec.precompiled_charsmap), tokenizer_class="XLNetTokenizer")
    assert call(export, "--checkpoint", checkpoint, "--output", output, "--maximum-length", 20) == 0
    made = sentencepiece_file.read(str(output / "spiece.model"))
    assert made.normalizer_spec.precompiled_charsmap == odd().normalizer_spec.precompiled_charsmap
    assert [piece.score for piece in made.pieces] == [piece.score for piece in odd().pieces]


def change(path: str, value: object) -> dict:
    file = content()
    *parents, name = path.split(".")
    place = file
    for parent in parents:
        place = place[int(parent) if parent.isdigit() else parent]
    place[int(name) if name.isdigit() else name] = value
    return file


REPLACED = {"type": "Replace", "pattern": {"String": "a"}, "content": "b"}


@pytest.mark.parametrize("file, message", [
    (change("model.type", "BPE"), "it is a BPE tokenizer"), (change("model.byte_fallback", True), "byte fallback"),
    (change("model.vocab.20.1", 0.1), "not in float32"), (change("model.vocab", {}), "is a Unigram tokenizer, only"),
    (change("pre_tokenizer", {"type": "ByteLevel"}), r"its pre_tokenizer is \['ByteLevel'\]"), (change("pre_tokenizer", None), r"its pre_tokenizer is \[None\]"),
    (change("pre_tokenizer.pretokenizers.1.prepend_scheme", "first"), "does not put U\\+2581 before each word"),
    (change("normalizer", None), "does not begin with XLNet's two quotes"), (change("normalizer.normalizers.3", {"type": "NFC"}), "is not one of XLNet's: NFKD"),
    (change("normalizer.normalizers.4", REPLACED), "is not one of XLNet's: Replace"),
    (change("added_tokens.6.single_word", True), "'<mask>' is single_word"), (change("added_tokens.6.content", "[MASK]"), r"'\[MASK\]' \(id 6\) is no piece of its vocabulary"),
    (change("added_tokens.6.id", 99), r"'<mask>' \(id 99\) is no piece"), ([], "is no tokenizer.json"), ({"model": {}}, "is no tokenizer.json"),
    (change("normalizer.normalizers.2", {"type": "Lowercase"}), "is not one of XLNet's: StripAccents")])
def test_what_could_not_be_repeated_is_refused_by_name(checkpoint, file, message):
    write(checkpoint, file)
    with pytest.raises(InputError, match=message):
        rules(checkpoint)


def test_steps_of_white_space_need_the_last_place_where_only_spaces_part_words(checkpoint):
    file = older(b"")
    file["normalizer"]["normalizers"] = [step for step in file["normalizer"]["normalizers"] if step["type"] != "Precompiled"]
    write(checkpoint, file)
    assert rules(checkpoint)["split_spaces_only"] is True
    file["normalizer"]["normalizers"].insert(2, file["normalizer"]["normalizers"].pop())
    write(checkpoint, file)
    with pytest.raises(InputError, match="is not one of XLNet's: Replace"):
        rules(checkpoint)
    write(checkpoint, {**file, "pre_tokenizer": content()["pre_tokenizer"]})
    assert rules(checkpoint)["split_digit_commas"] is True


@pytest.mark.parametrize("edit, message", [
    (lambda model: model.pieces.pop(), "has 44 pieces, .* has 43"), (lambda model: setattr(model.pieces[20], "score", -9), "of score -9"),
    (lambda model: setattr(model.pieces[20], "piece", "other"), "has 'other' of score")])
def test_a_sentencepiece_model_of_another_tokenizer_is_refused(checkpoint, tmp_path, edit, message):
    model = odd()
    assert len(model.pieces) == 44
    edit(model)
    (tmp_path / "other.model").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=message):
        rules(checkpoint, tmp_path / "other.model")


def test_another_character_map_is_refused(checkpoint):
    write(checkpoint, older(b"\x04\0\0\0\0\0\0\0"), tokenizer_class="XLNetTokenizer")
    with pytest.raises(InputError, match="another character map"):
        rules(checkpoint)


@pytest.mark.parametrize("config, message", [
    ({"do_lower_case": True}, "has do_lower_case True, .* has False"), ({"mask_token": "a"}, "has the token 'a', which is no added token of"),
    ({"mask_token": "[MASK]"}, r"has the token '\[MASK\]', which")])
def test_a_config_that_says_something_else_is_refused(checkpoint, config, message):
    write(checkpoint, content(), **{"backend": "tokenizers", "tokenizer_class": "XLNetTokenizer", **config})
    with pytest.raises(InputError, match=message):
        rules(checkpoint)


def test_a_tokenizer_json_alone_that_cannot_be_read_ends_the_export(checkpoint, output, call, capsys):
    """Not ids by convention, as for a checkpoint without any tokenizer."""
    write(checkpoint, change("model.type", "BPE"))
    assert call(export, "--checkpoint", checkpoint, "--output", output) == 2
    assert "it is a BPE tokenizer" in capsys.readouterr().err and not output.exists()


def test_scores_survive_the_penalty():
    """Of every float32 score the penalty can be taken back exactly."""
    scores = np.random.default_rng(0).normal(-10, 4, 1000).astype(np.float32).astype(float)
    assert np.array_equal((scores - fast_tokenizer.PENALTY) + fast_tokenizer.PENALTY, scores)


def test_code_is_encoded_without_the_fast_tokenizer(checkpoint, output, call):
    """asarm-code has rules of its own for white space, and leaves the names of tokens as text."""
    assert call(export, "--checkpoint", checkpoint, "--output", output, "--maximum-length", 20, "--text-encoding", "asarm-code") == 0
    assert described(output)["text_rules"] == {"do_lower_case": False, "remove_space": True, "keep_accents": False, "split_digit_commas": False}


def test_a_larger_network_has_room(tmp_path, checkpoint, output, call):
    write_model(str(tmp_path / "large"), fresh(80))
    assert call(export, "--checkpoint", tmp_path / "large", "--tokenizer", ODD, "--output", output, "--maximum-length", 20) == 0
    assert "backend" not in described(output)["text_rules"]
