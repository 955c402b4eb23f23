"""What the exporter writes about the treatment of text."""

import json
import shutil

import pytest

from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.export import recover
from asarm_tools.text.text_rules import describe

from exports import described

DEFAULTS = {"do_lower_case": False, "remove_space": True, "keep_accents": False, "split_digit_commas": True}


@pytest.fixture
def checkpoint(tmp_path, tiny, texts):
    """A checkpoint as Hugging Face saves it, with a tokenizer."""
    for path in (tiny / "config.json", tiny / "model.safetensors", texts / "spiece.model"):
        shutil.copy(path, tmp_path)
    return tmp_path


def configure(folder, **values) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(values))


def fields(folder, rules="auto", encoding=None) -> dict:
    return describe(str(folder), str(folder / "spiece.model"), rules, encoding)


def test_without_a_tokenizer_config_the_rules_are_hugging_faces_defaults(checkpoint):
    assert fields(checkpoint) == {"text_rules": DEFAULTS}
    assert fields(checkpoint, rules="none") == {}


def test_models_of_tools_train_have_no_rules(checkpoint):
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "trained_length": 128}))
    assert fields(checkpoint) == {}
    configure(checkpoint, do_lower_case=True)
    assert fields(checkpoint)["text_rules"]["do_lower_case"]


def test_options_come_from_the_tokenizer_config(checkpoint, tmp_path_factory):
    configure(checkpoint, do_lower_case=True, keep_accents=True, tokenizer_class="XLNetTokenizer", model_max_length=512)
    assert fields(checkpoint) == {"text_rules": {**DEFAULTS, "do_lower_case": True, "keep_accents": True}}
    elsewhere = tmp_path_factory.mktemp("checkpoint")
    shutil.copy(checkpoint / "config.json", elsewhere)
    assert describe(str(elsewhere), str(checkpoint / "spiece.model"), "auto", None) == fields(checkpoint)


def test_code_is_encoded_as_the_fast_tokenizer_would(checkpoint):
    assert fields(checkpoint, encoding="asarm-code") == {
        "text_rules": {**DEFAULTS, "split_digit_commas": False}, "text_encoding": "asarm-code"}


@pytest.mark.parametrize("text, message", [
    ("{", "no JSON"), ("[]", "no JSON object"), ('{"do_lower_case": 1}', "do_lower_case must be true or false"),
    ('{"tokenizer_class": "T5Tokenizer"}', "of a T5Tokenizer"),
    ('{"tokenizer_class": "XLNetTokenizer", "backend": "mine"}', "the backend 'mine' is not known"), ('{"split_special_tokens": true}', "split_special_tokens is true"),
    ('{"tokenizer_class": "XLNetTokenizerFast"}', "tokenizer.json is missing"), ('{"backend": "tokenizers"}', "tokenizer.json is missing"),
    ('{"tokenizer_class": "XLNetTokenizer", "transformers_version": "5.12.1"}', "tokenizer.json is missing")])
def test_bad_tokenizer_configs_are_refused(checkpoint, text, message):
    (checkpoint / "tokenizer_config.json").write_text(text)
    with pytest.raises(InputError, match=message):
        fields(checkpoint)


def test_the_rules_in_python_can_be_asked_for(checkpoint):
    configure(checkpoint, do_lower_case=True, backend="tokenizers", tokenizer_class="XLNetTokenizer")
    assert fields(checkpoint, rules="slow") == {"text_rules": {**DEFAULTS, "do_lower_case": True}}
    configure(checkpoint, transformers_version="4.57.3", tokenizer_class="XLNetTokenizer")
    assert fields(checkpoint) == fields(checkpoint, rules="slow") == {"text_rules": DEFAULTS}
    configure(checkpoint, tokenizer_class="T5Tokenizer")
    with pytest.raises(InputError, match="of a T5Tokenizer"):
        fields(checkpoint, rules="slow")


def test_code_needs_its_tokens(checkpoint):
    data = (checkpoint / "spiece.model").read_bytes()
    (checkpoint / "spiece.model").write_bytes(data.replace(b"<sep>", b"<sap>"))
    with pytest.raises(InputError, match="no piece <sep>"):
        fields(checkpoint, encoding="asarm-code")


def test_export_writes_the_fields_and_keeps_the_config(checkpoint, output, tmp_path, call):
    configure(checkpoint, remove_space=False)
    assert call(export, "--checkpoint", checkpoint, "--output", output, "--maximum-length", 20, "--text-encoding", "asarm-code") == 0
    description = described(output)
    assert description["format_version"] == 3
    assert description["text_rules"] == {**DEFAULTS, "remove_space": False, "split_digit_commas": False}
    assert description["text_encoding"] == "asarm-code"
    assert "tokenizer_config.json" in description["files"]
    assert call(recover, "--model", output, "--output", tmp_path / "recovered") == 0
    assert (tmp_path / "recovered" / "tokenizer_config.json").read_text() == (checkpoint / "tokenizer_config.json").read_text()


@pytest.mark.parametrize("options", [["--text-rules", "none"], ["--text-encoding", "asarm-code"], ["--text-rules", "none", "--text-encoding", "asarm-code"], []])
def test_a_recovered_checkpoint_treats_text_as_the_folder_did(checkpoint, output, tmp_path, call, options):
    configure(checkpoint, do_lower_case=True)
    assert call(export, "--checkpoint", checkpoint, "--output", output, "--maximum-length", 20, *options) == 0
    assert call(recover, "--model", output, "--output", tmp_path / "recovered") == 0
    again = ["--checkpoint", tmp_path / "recovered", "--tokenizer", checkpoint / "spiece.model", "--maximum-length", 20]
    assert call(export, *again, "--output", tmp_path / "again") == 0
    names = ("text_rules", "text_encoding")
    first, second = ({name: described(folder).get(name) for name in names} for folder in (output, tmp_path / "again"))
    assert first == second and (first["text_rules"] is None) == ("none" in options) and (first["text_encoding"] is None) == ("asarm-code" not in options)
    assert describe(str(tmp_path / "recovered"), str(checkpoint / "spiece.model"), "none", None) == {}  # asked for, this goes before


@pytest.mark.parametrize("text", ['{"text_rules": null}', '{"text_rules": {"keep_accent": true}}', '{"text_encoding": "utf-9"}', '{"other": 1}',
                                  '{"text_rules": {"backend": "mine"}}', '{"text_rules": {"added_tokens": [{"id": "1"}]}}'])
def test_a_damaged_record_of_a_recovered_checkpoint_is_refused(checkpoint, text):
    (checkpoint / "asarm_text.json").write_text(text)
    with pytest.raises(InputError, match="asarm_text.json"):
        fields(checkpoint)


@pytest.mark.parametrize("arguments, message", [
    (["--precision", "int8", "--calibration", "text"], "--calibration reads its text without"), (["--ngrams", "model"], "--ngrams model gives no probability")])
def test_what_would_read_other_tokens_than_the_encoding_is_refused(checkpoint, output, call, capsys, arguments, message):
    assert call(export, "--checkpoint", checkpoint, "--output", output, "--text-encoding", "asarm-code", *arguments) == 2
    assert message in capsys.readouterr().err and not output.exists()


def test_encoding_without_a_tokenizer_is_refused(tiny, output, call, capsys):
    assert call(export, "--checkpoint", tiny, "--output", output, "--text-encoding", "asarm-code") == 2
    assert "needs a tokenizer" in capsys.readouterr().err
    assert not output.exists()
