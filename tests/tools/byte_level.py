"""Writes tests/golden/tokenizer/byte_level: a byte-level BPE trained on the recorded lines, and the ids of a reference encoder.

The reference is written for clarity: words by the published expression of GPT-2 with the package regex, then the pair of the lowest rank is
merged everywhere, until none is left. It shares no code with the runtime. cases.json has texts with their ids, checks.bin.gz 16 bits of the ids
of each line of lines.json.gz, as in record_tokenizer.py.

    python3 tests/tools/byte_level.py --output tests/golden/tokenizer/byte_level
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import regex

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "tokenizer"
NAMES = ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>")
WORD = regex.compile(r"'(?:[sdmt]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
MERGES = 700
BREAKS = (" \n\n", "\n\n\n", "\t\t\n", "\n    ", "\r\n\r\n")  # between the lines that it is trained on, so that runs of white space become tokens
CASES = (
    "", " ", "  ", "\n", " \n", "\n ", "a", " a", "  a", "a ", "a  ", "a b", "a  b", "a   b", "a \n b", "a\n\n  b", "a\tb", "\t\ta", "a\r\n", "a\u00a0b",
    "a \u00a0b", "a\u3000\u3000b", "a\u2003 b", "a\u0085b", "a\u001cb", "a\u200bb", "a\u180eb", "a\ufeffb", "The cat sat on the mat.", "Hello, world! It's 10,000.",
    "I'm you're he'd we'll they've it's don't", "'s", "''s", " 's", "x's'S'RE", "'sx", "'lla", "1st 2nd a1b2", "x=3;y==4", "(a) [b] {c}", "...", " ...", "a...b",
    "\u00bd \u00b2 \u2167 \u0663\u0664", "na\u00efve caf\u00e9 e\u0301", "\u9b31\u9b31 \u9b31", "\u3053\u3093\u306b\u3061\u306f", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
    "\U0001f642", "a\U0001f642b", " \U0001f642\U0001f642 ", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U00010400\U00010428", "a\U00020000b", "\U0001d400\U0001d7ce1",
    " \U00020000 \U0001d7d9", "a \U00020000", "\U0001f642\U00020000", "\u0000\u0001\u007f", "<mask><sep>", "aaaaaaaaaaaaaaaa", "a" * 300, " " * 300, "the" * 100,
    "def f(x):\n    return x\n\n\nclass A:\n\tpass\n", "\ufffd\ufffd", "\u0915\u094d\u0937\u093f", "\U0001f1ea\U0001f1fa", "\u0130\u0131\u00df\u1e9e",
)


def alphabet() -> dict[int, str]:
    """GPT-2's character of each byte: itself where it is visible, else the next one from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {**{byte: chr(byte) for byte in visible}, **{byte: chr(0x100 + i) for i, byte in enumerate(hidden)}}


ALPHABET = alphabet()


def words(text: str) -> list[list[str]]:
    return [[ALPHABET[byte] for byte in word.encode("utf-8")] for word in WORD.findall(text)]


def merge(word: list[str], pair: tuple[str, str]) -> list[str]:
    merged, i = [], 0
    while i < len(word):
        joined = tuple(word[i:i + 2]) == pair
        merged.append(word[i] + word[i + 1] if joined else word[i])
        i += 2 if joined else 1
    return merged


def train(lines: list[str]) -> list[tuple[str, str]]:
    counts = Counter(tuple(word) for line in lines for word in words(line))
    parts = {word: list(word) for word in counts}
    pairs, holders = Counter(), defaultdict(set)

    def add(word: tuple[str, ...], sign: int) -> None:
        for pair in zip(parts[word], parts[word][1:]):
            pairs[pair] += sign * counts[word]
            holders[pair].add(word)

    for word in counts:
        add(word, 1)
    merges = []
    while len(merges) < MERGES:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word in list(holders[best]):
            add(word, -1)
            parts[word] = merge(parts[word], best)
            add(word, 1)
    return merges


def encode(text: str, vocabulary: dict[str, int], ranks: dict[tuple[str, str], int]) -> list[int]:
    ids = []
    for word in words(text):
        while True:
            known = [pair for pair in pairwise(word) if pair in ranks]
            if not known:
                break
            word = merge(word, min(known, key=ranks.__getitem__))
        ids.extend(vocabulary[part] for part in word)
    return ids


def checksum(ids: list[int]) -> bytes:
    value = 2166136261
    for token in ids:
        value = (value ^ token) * 16777619 & 0xFFFFFFFF
    return (value >> 16 ^ value & 0xFFFF).to_bytes(2, "little")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in gzip.decompress((GOLDEN / "lines.json.gz").read_bytes()).decode().split("\n")[1:] if line]
    merges = train([one + BREAKS[i % len(BREAKS)] + other for i, (one, other) in enumerate(zip(lines[::2], lines[1::2]))])
    vocabulary = {piece: token for token, piece in enumerate([*NAMES, *ALPHABET.values(), *dict.fromkeys("".join(pair) for pair in merges)])}
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    cases = [*CASES, *(f"{one}\n  {other} \n\n{one} " for one, other in zip(lines[50:800:25], lines[-3000::97]))]
    (output / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False) + "\n", encoding="utf-8")
    (output / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{one} {other}\n" for one, other in merges), encoding="utf-8")
    recorded = ",\n".join(json.dumps({"text": text, "ids": encode(text, vocabulary, ranks)}, separators=(",", ":")) for text in cases)
    (output / "cases.json").write_text(f"[\n{recorded}\n]\n", encoding="utf-8")
    checks = b"".join(checksum(encode(line, vocabulary, ranks)) for line in lines)
    (output / "checks.bin.gz").write_bytes(gzip.compress(checks, mtime=0))


if __name__ == "__main__":
    main()
