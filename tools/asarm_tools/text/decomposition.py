"""Writes Unicode's compatibility decomposition (NFKD) without combining marks, as the runtime reads it: Python's own table.

    decomposition.py --output src/Inference/Tokenization/decomposition.bin
    decomposition.py --fast --output src/Inference/Tokenization/fast_decomposition.bin

Entries of a character and what it becomes, ended by U+0000 each, in UTF-8 and compressed by zlib. Hangul syllables follow a rule
and are left out, as is what stays the same. --fast writes what Hugging Face's fast tokenizers make of it, where that is something else than
the file decomposition.bin beside the output says: their library tokenizers, which has to be installed, takes all marks away, as an older Unicode knows them.
"""

from __future__ import annotations

import argparse
import os
import sys
import unicodedata
import zlib

from asarm_tools.command_line.failure import run

PROGRAM = "decomposition.py"
SYLLABLES = range(0xAC00, 0xD7A4)
SURROGATES = range(0xD800, 0xE000)


def table() -> bytes:
    """The uncompressed entries in the order of the code points."""
    entries = []
    for character in (chr(code) for code in range(0x80, sys.maxunicode + 1) if code not in SYLLABLES and code not in SURROGATES):
        decomposed = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
        if decomposed != character:
            entries.append(character + decomposed + "\0")
    return "".join(entries).encode()


def fast_table(usual: bytes) -> bytes:
    """The uncompressed entries that differ from those of the other table."""
    from tokenizers import normalizers

    normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents()])
    known = {entry[0]: entry[1:] for entry in usual.decode().split("\0") if entry}
    entries = []
    for character in (chr(code) for code in range(0x80, sys.maxunicode + 1) if code not in SYLLABLES and code not in SURROGATES):
        decomposed = normalizer.normalize_str(character)
        if decomposed != known.get(character, character):
            entries.append(character + decomposed + "\0")
    return "".join(entries).encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--output", required=True)
    parser.add_argument("--fast", action="store_true", help="the table of the library tokenizers")
    arguments = parser.parse_args()
    entries = table() if not arguments.fast else fast_table(_read(os.path.join(os.path.dirname(arguments.output), "decomposition.bin")))
    with open(arguments.output, "wb") as file:
        file.write(zlib.compress(entries, 9))
    print(f"{arguments.output}: Unicode {unicodedata.unidata_version}")


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return zlib.decompress(file.read())


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
