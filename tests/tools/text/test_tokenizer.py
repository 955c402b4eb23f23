"""The tokenizer's trainer: special ids in their places, the same bytes again."""

import sentencepiece

from asarm_tools.text import tokenizer


def test_tokenizer_has_the_special_ids_and_repeats_every_byte(texts, tmp_path, call):
    assert call(tokenizer, "--output", tmp_path / "new" / "again.model", "--vocabulary", 64, texts / "train.txt") == 0
    assert (tmp_path / "new" / "again.model").read_bytes() == (texts / "spiece.model").read_bytes()
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    expected = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    assert [pieces.id_to_piece(number) for number in range(9)] == expected
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["again.model"]


def test_tokenizer_of_too_large_a_vocabulary_is_refused(texts, tmp_path, call, capfd):
    assert call(tokenizer, "--output", tmp_path / "x.model", "--vocabulary", 4096, texts / "train.txt") == 2
    assert "no tokenizer of 4096 pieces" in capfd.readouterr().err


def test_texts_are_read_before_training(tmp_path, call, capfd):
    (tmp_path / "latin.txt").write_bytes("Zoë".encode("latin-1"))
    (tmp_path / "empty.txt").write_text("\n")
    for name, message in (("latin.txt", "latin.txt is not UTF-8"), ("empty.txt", "no document"), ("missing.txt", "missing.txt")):
        assert call(tokenizer, "--output", tmp_path / "x.model", tmp_path / name) == 2
        error = capfd.readouterr().err
        assert message in error and error.count("\n") == 1
