"""Writes Unicode's compatibility decomposition (NFKD) without combining marks, as the runtime reads it: Python's own table.

    decomposition.py --output src/Inference/Tokenization/decomposition.bin

Entries of a character and what it becomes, ended by U+0000 each, in UTF-8 and compressed by zlib. Hangul syllables follow a rule
and are left out, as is what stays the same.
"""

from __future__ import annotations

import argparse
import sys
import unicodedata
import zlib

from failure import run

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    with open(arguments.output, "wb") as file:
        file.write(zlib.compress(table(), 9))
    print(f"{arguments.output}: Unicode {unicodedata.unidata_version}")


if __name__ == "__main__":
    run("decomposition.py", main)
