"""Records what Python's sentencepiece and Hugging Face's rules make of many lines, for the tests of the runtime.

    PYTHONPATH=tools python3 tests/tools/record_tokenizer.py --output DIR            the committed record: lines that the script makes up, and the repository's own code
    PYTHONPATH=tools python3 tests/tools/record_tokenizer.py --output DIR TEXT ...   a record of the lines of text files; ASARM_TOKENIZER_RECORD=DIR tests against it

DIR gets lines.json.gz, one JSON string a line, and checks.bin.gz: for each setting, little-endian, the uint16 check of each line's ids.
The settings stand in the same order in tests/Inference.Tests/Support/TokenizerRecord.cs; after the first two, every fifth line and the corner cases count.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import struct
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from asarm_tools.text.xlnet_reference import Rules, Tokenizer, encode

from odd_tokenizer import ALPHABET

ROOT = Path(__file__).resolve().parents[2]
TOKENIZERS = ROOT / "tests" / "golden" / "tokenizer"
CORNERS = TOKENIZERS / "corners.json"
STORIES, XLNET, ODD = "spiece.model", "xlnet.model", "odd.model"
SETTINGS: tuple[tuple[str, Rules | None, bool], ...] = (  # tokenizer, rules, whether texts go on after another token
    (STORIES, None, False),
    (XLNET, Rules(), False),
    (XLNET, None, False),
    (XLNET, Rules(do_lower_case=True), False),
    (XLNET, Rules(keep_accents=True, remove_space=False), False),
    (XLNET, Rules(split_digit_commas=False), False),
    (STORIES, None, True),
    (XLNET, Rules(), True),
    (ODD, None, False),
    (ODD, Rules(do_lower_case=True, remove_space=False), False),
    (ODD, Rules(keep_accents=True, remove_space=False), True),
)
ALL_LINES, EVERY = 2, 5


def check(ids: Iterable[int]) -> int:
    """FNV-1a over the ids, folded to 16 bits."""
    value = 2166136261
    for identifier in ids:
        value = (value ^ identifier) * 16777619 & 0xFFFFFFFF
    return (value >> 16) ^ (value & 0xFFFF)


def tokenizers() -> dict[str, Tokenizer]:
    """The committed ones; the XLNet-like one is stored without its character map, which is that of the other."""
    stories = TOKENIZERS / STORIES
    return {STORIES: Tokenizer(stories), XLNET: Tokenizer(TOKENIZERS / XLNET, charsmap_of=stories), ODD: Tokenizer(TOKENIZERS / ODD)}


def checks(lines: list[str], corners: int) -> bytes:
    """The checks of all settings; the first lines are corner cases, which all of them see."""
    models = tokenizers()
    found = [check(encode(models[name], line, rules, goes_on)) for name, line, rules, goes_on in cases(lines, corners)]
    return struct.pack(f"<{len(found)}H", *found)


def cases(lines: list[str], corners: int) -> Iterator[tuple[str, str, Rules | None, bool]]:
    """Tokenizer, line, rules, and whether it goes on, of every check in the order of the file."""
    for number, (name, rules, goes_on) in enumerate(SETTINGS):
        yield from ((name, line, rules, goes_on) for i, line in enumerate(lines) if number < ALL_LINES or i < corners or i % EVERY == 0)


def record(lines: list[str], corners: int, folder: Path) -> None:
    """Writes the two files."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [str(corners), *lines])
    for name, data in (("lines.json.gz", text.encode()), ("checks.bin.gz", checks(lines, corners))):
        with open(folder / name, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
            packed.write(data)


def corner_lines(generator: random.Random) -> list[str]:
    """The cases written by hand, every character that the rules change, and random mixtures of the pieces of these."""
    by_hand = json.loads(CORNERS.read_text(encoding="utf-8"))
    changed = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) not in ("Cn", "Cs", "Co") and _is_changed(c)]
    lines = list(by_hand) + [" a".join(changed[i:i + 30]) for i in range(0, len(changed), 30)]
    parts = [part for line in by_hand for part in line.split(" ") if part] + [" ", "  ", "\t", ",", "``", "''", "1,", "\u0301"]
    lines += ["".join(generator.choice(parts) for _ in range(generator.randint(2, 8))) for _ in range(1000)]
    return lines + ["".join(generator.choice(ALPHABET) for _ in range(generator.randint(1, 40))) for _ in range(600)]


def _is_changed(character: str) -> bool:
    return (unicodedata.combining(character) != 0 or character.isspace() or character.lower() != character
            or (unicodedata.normalize("NFKD", character) != character and not "\uac00" < character < "\ud7a3"))


def made_up_lines(generator: random.Random, count: int) -> list[str]:
    """Words of both vocabularies in random order, with numbers, names, punctuation and spaces."""
    words = sorted({model.start.id_to_piece(i).lstrip("\u2581") for name, model in tokenizers().items() if name != ODD for i in range(17, len(model.start))})

    def word() -> str:
        kind = generator.random()
        if kind < 0.1:
            return format(generator.randrange(10 ** generator.randint(1, 7)), generator.choice((",", "d", ",d"))) + generator.choice(("", ",", "."))
        if kind < 0.2:
            return generator.choice(words) + generator.choice(words)
        return generator.choice(words).capitalize() if kind < 0.3 else generator.choice(words)

    ends = ("", ".", ",", "!", " ", '"', "''")
    return [" ".join(word() for _ in range(generator.randint(1, 5))) + generator.choice(ends) for _ in range(count)]


def code_lines(count: int) -> list[str]:
    """Short different lines of the repository's own code; a later version of the code gives another record."""
    files = sorted(path for folder in ("src", "tools") for end in ("cs", "py") for path in (ROOT / folder).rglob("*." + end) if "obj" not in path.parts)
    lines = dict.fromkeys(line for path in files for line in path.read_text(encoding="utf-8").split("\n") if 3 < len(line) < 70)
    return list(lines)[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("texts", nargs="*", type=Path, metavar="TEXT", help="UTF-8 text files")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    arguments = parser.parse_args()
    generator = random.Random(8)
    if arguments.texts:
        lines, corners = [line for path in arguments.texts for line in path.read_text(encoding="utf-8").split("\n")], 0
    else:
        first = corner_lines(generator)
        lines, corners = first + made_up_lines(generator, 15_000) + code_lines(3_500), len(first)
    record(lines, corners, arguments.output)
    print(f"{len(lines)} lines")


if __name__ == "__main__":
    main()
