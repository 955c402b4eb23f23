"""The exporter takes the SentencePiece models that the runtime takes, and refuses the others in the same words."""

import base64
import json

import pytest

from asarm_tools.command_line.failure import InputError
from asarm_tools.text.sentencepiece_file import read

import tokenizer_kinds

CASES = json.loads(tokenizer_kinds.PATH.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_models_are_taken_or_refused_as_the_runtime_does(case, tmp_path):
    path = tmp_path / "some.model"
    path.write_bytes(base64.b64decode(case["file"]))
    if "reason" not in case:
        assert read(str(path)).pieces
        return
    with pytest.raises(InputError) as error:
        read(str(path))
    assert str(error.value) == f"{path} is no tokenizer for the runtime: {case['reason']}"


def test_the_committed_cases_are_these():
    """Ids of the models that are taken, by sentencepiece itself."""
    assert tokenizer_kinds.build() == CASES and sum("reason" in case for case in CASES) > 20


def test_the_committed_tokenizers_are_taken():
    for name in ("spiece.model", "xlnet.model", "odd.model"):
        assert read(str(tokenizer_kinds.PATH.with_name(name))).pieces
