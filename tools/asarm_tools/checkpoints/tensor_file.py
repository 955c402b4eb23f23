"""Reading and writing the safetensors format: an 8-byte header length, a JSON header, raw little-endian data.

Only what checkpoints and goldens need, so that exporting works where no safetensors package is at hand.
Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import os
import struct

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.command_line.whole_files import whole_file

_DTYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"), "I16": np.dtype("<i2"), "I8": np.dtype("i1"), "U8": np.dtype("u1"), "BOOL": np.dtype("?"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class TensorFileError(InputError):
    """The file is not a whole, consistent safetensors file."""


def read_tensors(path: str) -> dict[str, np.ndarray]:
    """All tensors of a file by name. BF16 is widened to float32, which loses nothing."""
    return {name: array.copy() for name, array in map_tensors(path).items()}


def map_tensors(path: str) -> dict[str, np.ndarray]:
    """As read_tensors, but as views of the file, which takes no memory of its own; what is written to them is not kept."""
    data = np.memmap(path, np.uint8, "c").data if os.path.getsize(path) else memoryview(b"")
    header, body = _split(path, data)
    return {name: _tensor(path, name, entry, body) for name, entry in header.items() if name != "__metadata__"}


def write_tensors(path: str, tensors: dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> None:
    """Writes tensors in the order of their names; the file appears whole or not at all."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name in sorted(tensors):
        array = tensors[name]
        dtype = array.dtype.newbyteorder("<")
        if dtype not in _NAMES:
            raise TensorFileError(f"{name}: no safetensors type for {array.dtype}")
        header[name] = {"dtype": _NAMES[dtype], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with whole_file(path) as part, open(part, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in sorted(tensors):
            file.write(np.ascontiguousarray(tensors[name]).astype(tensors[name].dtype.newbyteorder("<")).tobytes())


def _split(path: str, data: memoryview) -> tuple[dict[str, dict], memoryview]:
    if len(data) < 8:
        raise TensorFileError(f"{path}: too short for a safetensors file")
    length = struct.unpack("<Q", data[:8])[0]
    if length > len(data) - 8:
        raise TensorFileError(f"{path}: the header is cut off")
    try:
        header = json.loads(bytes(data[8:8 + length]))
    except (ValueError, RecursionError) as error:
        raise TensorFileError(f"{path}: the header is not JSON") from error
    if not isinstance(header, dict):
        raise TensorFileError(f"{path}: the header is no JSON object")
    return header, data[8 + length:]


def _tensor(path: str, name: str, entry: dict, body: memoryview) -> np.ndarray:
    try:
        (begin, end), shape, kind = entry["data_offsets"], tuple(entry["shape"]), entry["dtype"]
    except (KeyError, TypeError, ValueError) as error:
        raise TensorFileError(f"{path}: {name} has a broken header entry") from error
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)):
        raise TensorFileError(f"{path}: {name} has a broken header entry")
    dtype = np.dtype("<u2") if kind == "BF16" else _DTYPES.get(str(kind))
    if dtype is None:
        raise TensorFileError(f"{path}: {name} has the unknown type {kind}")
    if not 0 <= begin <= end <= len(body) or end - begin != dtype.itemsize * math.prod(shape):
        raise TensorFileError(f"{path}: the data of {name} is cut off or of the wrong size")
    array = np.frombuffer(body[begin:end], dtype)
    if kind == "BF16":
        array = (array.astype("<u4") << 16).view("<f4")
    try:
        return array.reshape(shape)
    except ValueError as error:
        raise TensorFileError(f"{path}: {name} has a broken header entry") from error
