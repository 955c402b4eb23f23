"""Records what Hugging Face's fast XLNet tokenizers make of some lines: tests/golden/tokenizer/fast.json.gz. Needs transformers 5.

    PYTHONPATH=tools python3 tests/tools/record_fast.py [--check N]      --check holds the reference and the library against each other on N made-up lines instead, and writes nothing

SAVED gets what transformers 5 saves for odd.model, as the exporter has to read it. The file has the lines and, for each setting,
the tokenizer, the text_rules that the exporter writes for it, and the ids of each line.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from sentencepiece.sentencepiece_model_pb2 import ModelProto

from asarm_tools.text import fast_tokenizer
from asarm_tools.text.fast_reference import FastTokenizer

import odd_tokenizer

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "tokenizer"
RECORD, SAVED = FOLDER / "fast.json.gz", FOLDER / "transformers5"
XLNET, ODD, STORIES = "xlnet.model", "odd.model", "spiece.model"
DIALOGUE = [
    'said, "Let us go."', '"No," she said, "not yet."', 'He asked: "Why (of all people) me?"', "It cost £5 - or €6.", "well-known, half-done",
    "The end.", "e.g. this. And that...", "(a) (b)", '("quoted")', "a – b", "``Quoted'' text", "''", "1,000 and 2,000,000", "of 3, 4", "3,", "10,a",
    "the<sep>the <mask> the", "a <MASK> b", "</S> and </s>", "<eop>", " <mask> , x", "a <mask>", "<mask>a", "<unk>", "<cls><sep>", "<pad>\t<pad>",
    "a\ufe0fb", "\u2764\ufe0f love", "Caf\u00e9 na\u00efve", "Cafe\u0301", "\u0130stanbul", "\u03a3\u0391\u03a3", "\u1e9e", "\ufb01ne \u2460 \u00bd \uff21", "\ud55c\uad6d\uc5b4",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0e19\u0e49\u0e33", "x\u0903y", "a\tb\nc\r\nd", "  two  spaces  ", "\u00a0a\u00a0", "\u2003a", "a\x1cb", "a\x00b", "\u200b", "a\u2581b", "\u2581", " \u2581a ",
    "\u2581\u2581a", "\U0001f600 \U0001f469\u200d\U0001f4bb", "\u4f60\u597d\uff0c\u4e16\u754c", "", " ", "\n", "...", '""', "-.-", "A'''B", "```x```", "k1 dc q1 cd",
]


def model_of(name: str) -> ModelProto:
    """xlnet.model is stored without its character map, which is that of the default model's tokenizer."""
    model, other = ModelProto(), ModelProto()
    model.ParseFromString((FOLDER / name).read_bytes())
    if name == XLNET:
        other.ParseFromString((FOLDER / STORIES).read_bytes())
        model.normalizer_spec.precompiled_charsmap = other.normalizer_spec.precompiled_charsmap
    return model


def newer(folder: str, **options: object) -> None:
    """tokenizer.json as XLNetTokenizer of transformers 5 saves it."""
    from transformers import XLNetTokenizer

    XLNetTokenizer.from_pretrained(folder, **options).save_pretrained(folder)


def older(folder: str, keep_accents: bool = False, do_lower_case: bool = False, change: Callable[[dict], None] = lambda content: None) -> None:
    """As XLNetTokenizerFast of transformers 4 does, whose converter version 5 still has."""
    from transformers.convert_slow_tokenizer import XLNetConverter

    path = os.path.join(folder, "spiece.model")
    model = ModelProto()
    model.ParseFromString(Path(path).read_bytes())
    ids = {piece.piece: i for i, piece in enumerate(model.pieces)}
    slow = SimpleNamespace(vocab_file=path, keep_accents=keep_accents, do_lower_case=do_lower_case, convert_tokens_to_ids=ids.__getitem__)
    content = json.loads(XLNetConverter(slow).converted().to_str())
    for token in content["added_tokens"]:
        token["lstrip"] = token["content"] == "<mask>"
    content["added_tokens"].insert(0, {**content["added_tokens"][0], "id": 0, "content": "<unk>"})  # the tokenizer itself adds what the converter left out
    change(content)
    Path(folder, "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")


def user_defined_after_normalisation(content: dict) -> None:
    """As some versions of transformers 4 had it; the mask takes the white space on both sides, and <unk> is no added token, to have that tested."""
    content["added_tokens"] = [token for token in content["added_tokens"] if token["id"] > 0]
    for token in content["added_tokens"]:
        token["normalized"] = not token["special"]
        token["rstrip"] = token["content"] == "<mask>"


SETTINGS: dict[str, tuple[str, Callable[[str], None]]] = {
    "transformers 5": (XLNET, newer),
    "transformers 5, lower case": (XLNET, lambda folder: newer(folder, do_lower_case=True)),
    "transformers 5, no user-defined pieces": (STORIES, newer),
    "transformers 5, odd": (ODD, newer),
    "transformers 4, fast": (XLNET, older),
    "transformers 4, fast, accents kept, lower case": (XLNET, lambda folder: older(folder, keep_accents=True, do_lower_case=True)),
    "transformers 4, fast, odd, symbols after normalisation": (ODD, lambda folder: older(folder, change=user_defined_after_normalisation)),
}


def open_setting(name: str) -> tuple[dict, FastTokenizer, Callable[[str], list[int]]]:
    """text_rules, the reference and the library's own encoding."""
    from tokenizers import Tokenizer

    file, save = SETTINGS[name]
    model = model_of(file)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "spiece.model").write_bytes(model.SerializeToString())
        save(folder)
        path = os.path.join(folder, "tokenizer.json")
        read = fast_tokenizer.read(path)
        fast_tokenizer.compare(read, path, model, file)
        library = Tokenizer.from_file(path)
    return read.rules, FastTokenizer(model, read.rules), lambda text: library.encode(text, add_special_tokens=False).ids


def lines() -> list[str]:
    """Those above, the corner cases of the other record, and mixtures of the odd tokenizer's alphabet."""
    generator = random.Random(25)
    corners = json.loads((FOLDER / "corners.json").read_text(encoding="utf-8"))
    return DIALOGUE + corners + mixtures(generator, 150)


def mixtures(generator: random.Random, count: int) -> list[str]:
    parts = odd_tokenizer.ALPHABET + [part for line in DIALOGUE for part in line.split(" ") if part] + [" ", " ", " ", "\t", "\n", '"', ".", "(", "-"]
    return ["".join(generator.choice(parts) for _ in range(generator.randint(1, 14))) for _ in range(count)]


def record() -> dict:
    settings = []
    for name, (file, _) in SETTINGS.items():
        rules, _, encode = open_setting(name)
        settings.append({"name": name, "model": file, "text_rules": rules, "ids": [encode(line) for line in lines()]})
    return {"lines": lines(), "settings": settings}


def save_odd() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "spiece.model").write_bytes((FOLDER / ODD).read_bytes())
        newer(folder)
        SAVED.mkdir(exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            content = json.loads(Path(folder, name).read_text(encoding="utf-8"))
            (SAVED / name).write_text(json.dumps(content, indent=None) + "\n", encoding="utf-8")


def check(count: int) -> int:
    """Lines for which the reference and the library differ."""
    wrong = 0
    made_up = lines() + mixtures(random.Random(), count)
    for name in SETTINGS:
        _, reference, encode = open_setting(name)
        different = [line for line in made_up if reference.encode(line) != encode(line)]
        print(f"{name}: {len(different)} of {len(made_up)} differ", *map(ascii, different[:5]))
        wrong += len(different)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", type=int, metavar="N")
    arguments = parser.parse_args()
    if arguments.check is not None:
        return min(check(arguments.check), 1)
    with open(RECORD, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
        packed.write(json.dumps(record(), ensure_ascii=True, separators=(",", ":")).encode())
    save_odd()
    return 0


if __name__ == "__main__":
    sys.exit(main())
