"""Special ids come from the tokenizer, and tokenizers that the runtime cannot use are refused."""

import pytest
import sentencepiece

from asarm_tools.checkpoints.torch_model import write_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.export import command as export
from asarm_tools.text.special_tokens import SpecialTokens, of_tokenizer, without_tokenizer

from exports import described, fresh
from synthetic import write_texts


@pytest.fixture
def tokenizer(texts):
    return texts / "spiece.model"


def test_without_tokenizer_the_ids_are_those_of_xlnet():
    assert without_tokenizer(32000) == SpecialTokens(6, 7, list(range(9)))
    assert without_tokenizer(8) == SpecialTokens(6, 7, list(range(8)))
    with pytest.raises(InputError, match="no mask id 6"):
        without_tokenizer(6)


def test_tokenizer_gives_the_special_ids(tiny, tmp_path, output, tokenizer, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--tokenizer", tokenizer) == 0
    assert (output / "spiece.model").read_bytes() == tokenizer.read_bytes()
    description = described(output)
    assert (description["mask_id"], description["separator_id"], description["special_ids"]) == (6, 7, list(range(9)))
    beside = tmp_path / "checkpoint"
    beside.mkdir()
    for path in (tiny / "config.json", tiny / "model.safetensors", tokenizer):
        (beside / path.name).write_bytes(path.read_bytes())
    assert call(export, "--checkpoint", beside, "--output", tmp_path / "second") == 0
    assert "spiece.model" in described(tmp_path / "second")["files"]


def trained(folder, **options) -> str:
    """A tokenizer with other options than ours."""
    sentencepiece.SentencePieceTrainer.train(input=str(write_texts(folder)[0]), model_prefix=str(folder / "other"),
                                             minloglevel=2, **{"vocab_size": 60, **options})
    return str(folder / "other.model")


def test_punctuation_that_is_user_defined_stays_text(tmp_path):
    """As in XLNet's own tokenizer: banning it would ban the full stop."""
    path = trained(tmp_path, control_symbols=["<cls>", "<mask>", "<eod>"], user_defined_symbols=["<eop>", ".", "(", "<"])
    names = sentencepiece.SentencePieceProcessor(model_file=path).id_to_piece(of_tokenizer(path, 64).special_ids)
    assert set(names) == {"<unk>", "<s>", "</s>", "<cls>", "<mask>", "<eod>", "<eop>"}


@pytest.mark.parametrize("options, message", [
    ({"user_defined_symbols": ["<mask>"]}, "has no piece <eod>"),
    ({"user_defined_symbols": ["<mask>", "<eod>"], "vocab_size": 65}, "65 pieces, the checkpoint's vocabulary only 64")])
def test_unsuitable_tokenizers_are_refused(tiny, tmp_path, output, call, capsys, options, message):
    assert call(export, "--checkpoint", tiny, "--output", output, "--tokenizer", trained(tmp_path, **options)) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_tokenizer_with_byte_pieces_is_refused(tmp_path, output, call, capsys):
    write_model(str(tmp_path / "checkpoint"), fresh(400))
    path = trained(tmp_path, byte_fallback=True, vocab_size=320, user_defined_symbols=["<mask>", "<eod>"])
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--tokenizer", path) == 2
    assert "it uses byte fallback, which is not supported" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 10, 1000, -1])
def test_broken_tokenizers_are_refused(tiny, tmp_path, output, tokenizer, call, capsys, size):
    broken = tmp_path / "broken.model"
    broken.write_bytes(tokenizer.read_bytes()[:size])
    assert call(export, "--checkpoint", tiny, "--output", output, "--tokenizer", broken) == 2
    assert "broken.model is no tokenizer for the runtime: it " in capsys.readouterr().err
