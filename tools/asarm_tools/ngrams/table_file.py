"""The file ngrams.bin (docs/ngrams-format.md): writes a table, and checks the header of one before it goes into a model folder."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.command_line.whole_files import whole_file

MAGIC, VERSION, LARGEST_ORDER, LARGEST_VOCABULARY = b"AsArmNgr", 1, 4, 1 << 16
STEPS, NOTHING = 8, 255  # a code c stands for 2^(-c / STEPS); the last one for zero
HEADER = struct.Struct("<8sIII4I")


@dataclass(frozen=True)
class Level:
    """Grams of one order, sorted by their tokens: keys uint64 [G], base vocabulary; own, passed_on float64 [G].

    own is what the order itself adds to the probability of the gram's last token. passed_on is what the gram, as a context of
    the next order, leaves to the shorter context: 1 where nothing is listed after it.
    """

    keys: np.ndarray
    own: np.ndarray
    passed_on: np.ndarray


def quantise(probabilities: np.ndarray) -> np.ndarray:
    """uint8 codes; what is rarer than 2^(-254 / STEPS) becomes nothing."""
    codes = np.round(-STEPS * np.log2(np.maximum(probabilities, 1e-300)))
    return np.where(codes >= NOTHING, NOTHING, np.maximum(codes, 0)).astype(np.uint8)


def to_bytes(levels: list[Level], vocabulary: int) -> bytes:
    """The file, as docs/ngrams-format.md has it."""
    if not 1 <= len(levels) <= LARGEST_ORDER or not 1 <= vocabulary <= LARGEST_VOCABULARY:
        raise InputError(f"{len(levels)} orders of {vocabulary} tokens: there may be {LARGEST_ORDER} and {LARGEST_VOCABULARY}")
    counts = [len(level.keys) for level in levels] + [0] * (LARGEST_ORDER - len(levels))
    parts = [HEADER.pack(MAGIC, VERSION, vocabulary, len(levels), *counts)]
    for order, level in enumerate(levels, 1):
        if order > 1:
            parts.append((level.keys % np.uint64(vocabulary)).astype("<u2").tobytes())
        parts.append(quantise(level.own).tobytes())
        if order < len(levels):
            parts.append(quantise(level.passed_on).tobytes())
            contexts = levels[order].keys // np.uint64(vocabulary)
            parts.append(np.append(np.searchsorted(contexts, level.keys), len(contexts)).astype("<u4").tobytes())
    return b"".join(part + bytes(-len(part) % 4) for part in parts)


def write_table(path: str, levels: list[Level], vocabulary: int) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with whole_file(path) as part, open(part, "wb") as file:
        file.write(to_bytes(levels, vocabulary))


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
