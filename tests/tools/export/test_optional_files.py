"""What may lie beside the graphs of a folder: n-grams and a draft head."""


import numpy as np
import pytest

from asarm_tools.checkpoints.checkpoint import read_weights
from asarm_tools.checkpoints.tensor_file import read_tensors, write_tensors
from asarm_tools.draft_head import head_sizes
from asarm_tools.export import command as export
from asarm_tools.ngrams import corpus_ngrams as ngrams
from asarm_tools.ngrams import model_ngrams
from asarm_tools.ngrams import table_file as ngram_file
from asarm_tools.ngrams.table_file import to_bytes, write_table
from asarm_tools.text import special_tokens

from exports import described


def test_n_grams_go_into_the_folder(tiny, tmp_path, output, call):
    levels = ngrams.count_levels(np.tile(np.arange(9, 64, dtype=np.uint16), 9), 64, [2, 2])
    write_table(str(tmp_path / "table"), levels, 64)
    assert call(export, "--checkpoint", tiny, "--output", output, "--ngrams", tmp_path / "table") == 0
    assert (output / "ngrams.bin").read_bytes() == (tmp_path / "table").read_bytes()
    assert "ngrams.bin" in described(output)["files"]


def test_n_grams_of_the_model_go_into_the_folder(tiny, output, call):
    assert call(export, "--checkpoint", tiny, "--output", output, "--ngrams", "model") == 0
    expected = model_ngrams.build(read_weights(str(tiny)), special_tokens.without_tokenizer(64))
    assert (output / "ngrams.bin").read_bytes() == to_bytes(expected, 64)
    assert "ngrams.bin" in described(output)["files"]
    ngram_file.check(str(output / "ngrams.bin"), 64)


@pytest.mark.parametrize("vocabulary, change, message", [
    (65, lambda data: data, "65 tokens, the checkpoint has 64"), (64, lambda data: data[:-4], "damaged"), (64, lambda data: data + b"0000", "damaged"),
    (64, lambda data: data[:20], "no n-gram table"), (64, lambda data: b"x" + data[1:], "no n-gram table"),
    (64, lambda data: data[:8] + b"\2" + data[9:], "version 2")])
def test_a_table_that_does_not_fit_is_refused(tiny, tmp_path, output, call, capsys, vocabulary, change, message):
    levels = ngrams.count_levels(np.tile(np.arange(9, 64, dtype=np.uint16), 9), vocabulary, [2, 2])
    (tmp_path / "table").write_bytes(change(to_bytes(levels, vocabulary)))
    assert call(export, "--checkpoint", tiny, "--output", output, "--ngrams", tmp_path / "table") == 2
    assert message in capsys.readouterr().err and not output.exists()


def test_a_draft_head_goes_into_the_folder(tiny, tmp_path, output, call, capsys):
    write_head(tmp_path / "head", 64, 32)
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 8, "--draft-head", tmp_path / "head") == 0
    assert (output / "draft_head.safetensors").read_bytes() == (tmp_path / "head").read_bytes() and "draft_head.safetensors" in described(output)["files"]
    tensors = read_tensors(str(tmp_path / "head"))
    hidden, bias = "draft_head.hidden.weight", "draft_head.hidden.bias"
    for change, message in (
            ({hidden: tensors[hidden].T}, "hidden.weight is float16 [44, 6], with this checkpoint it must be float16 [6, 44]"),
            ({bias: tensors[bias].astype(np.float32)}, "hidden.bias is float32"), ({bias: tensors[bias] * np.float16(np.nan)}, "hidden.bias holds numbers that are not finite"),
            ({"draft_head.input_embedding.scale": np.float32(1)}, "input_embedding.scale is float32 []")):
        write_tensors(str(tmp_path / "head"), {**tensors, **{name: np.asarray(values) for name, values in change.items()}})
        assert call(export, "--checkpoint", tiny, "--output", tmp_path / "other", "--draft-head", tmp_path / "head") == 2
        assert message in capsys.readouterr().err
    write_tensors(str(tmp_path / "head"), {"other": np.zeros(1)})
    assert call(export, "--checkpoint", tiny, "--output", tmp_path / "other", "--draft-head", tmp_path / "head") == 2
    assert "is no draft head" in capsys.readouterr().err


def write_head(path, vocabulary: int, width: int) -> None:
    """Of six hidden numbers and rank 4."""
    write_tensors(str(path), {head_sizes.PREFIX + name: np.ones(shape, kind) for name, (kind, shape) in head_sizes.shapes(vocabulary, width, 6, 4).items()})
