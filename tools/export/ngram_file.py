"""Checks the header of an n-gram table (docs/ngrams-format.md) before it goes into a model folder."""

from __future__ import annotations

import os
import struct

from failure import InputError

MAGIC, VERSION, LARGEST_ORDER = b"AsArmNgr", 1, 4
HEADER = struct.Struct("<8sIII4I")


def check(path: str, vocabulary: int) -> None:
    """Raises unless the file is a whole table of this vocabulary; the runtime checks every gram of it."""
    with open(path, "rb") as file:
        header = file.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(MAGIC):
        raise InputError(f"{path} is no n-gram table of tools/train/ngrams.py")
    _, version, size, order, *grams = HEADER.unpack(header)
    if version != VERSION or not 1 <= order <= LARGEST_ORDER:
        raise InputError(f"{path} is an n-gram table of version {version} and order {order}: {VERSION} and up to {LARGEST_ORDER} are known")
    if size != vocabulary:
        raise InputError(f"{path} is an n-gram table of {size} tokens, the checkpoint has {vocabulary}")
    if os.path.getsize(path) != whole_size(order, grams):
        raise InputError(f"{path} has {os.path.getsize(path)} bytes, its header says {whole_size(order, grams)}: damaged")


def whole_size(order: int, grams: list[int]) -> int:
    """Bytes of a table; every section is padded to a multiple of four."""
    sections = []
    for level in range(order):
        sections += [2 * grams[level] if level else 0, grams[level]]
        if level + 1 < order:
            sections += [grams[level], 4 * (grams[level] + 1)]
    return HEADER.size + sum((section + 3) // 4 * 4 for section in sections)
