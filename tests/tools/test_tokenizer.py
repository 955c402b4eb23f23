"""The tokenizer's trainer: special ids in their places, the same bytes again."""

import sentencepiece

import tokenizer


def test_tokenizer_has_the_special_ids_and_repeats_every_byte(texts, tmp_path, call):
    assert call(tokenizer, "--output", tmp_path / "again.model", "--vocabulary", 64, texts / "train.txt") == 0
    assert (tmp_path / "again.model").read_bytes() == (texts / "spiece.model").read_bytes()
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(texts / "spiece.model"))
    expected = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    assert [pieces.id_to_piece(number) for number in range(9)] == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.model"]


def test_tokenizer_of_too_large_a_vocabulary_is_refused(texts, tmp_path, call, capfd):
    assert call(tokenizer, "--output", tmp_path / "x.model", "--vocabulary", 4096, texts / "train.txt") == 2
    assert "no tokenizer of 4096 pieces" in capfd.readouterr().err
