"""Checks a draft_head.safetensors before it goes into a model folder, without PyTorch (docs/draft-head-format.md)."""

from __future__ import annotations

import numpy as np

from asarm_tools.checkpoints.tensor_file import TensorFileError, read_tensors
from asarm_tools.command_line.failure import InputError

PREFIX, CONTEXT_TOKENS = "draft_head.", 3
EMBEDDINGS = ("input_embedding", "output_embedding")
LARGEST = 256 << 20  # bytes


def shapes(vocabulary: int, state_size: int, hidden: int, rank: int) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Type and shape of every tensor, by its name without the prefix."""
    found: dict[str, tuple[type, tuple[int, ...]]] = {
        "hidden.weight": (np.float16, (hidden, state_size + CONTEXT_TOKENS * rank)), "hidden.bias": (np.float16, (hidden,)),
        "missing_tokens": (np.float16, (CONTEXT_TOKENS, rank)), "output.weight": (np.float16, (rank, hidden)), "output.bias": (np.float16, (rank,)),
        "ngram_exponent": (np.float32, (1,)),
    }
    for name in EMBEDDINGS:
        found[f"{name}.weight"], found[f"{name}.scale"] = (np.int8, (vocabulary, rank)), (np.float32, (vocabulary,))
    return found


def check(path: str, vocabulary: int, state_size: int) -> None:
    """Raises unless the file is a draft head for a network of this vocabulary and width."""
    try:
        tensors = {name.removeprefix(PREFIX): values for name, values in read_tensors(path).items()}
    except TensorFileError as error:
        raise InputError(str(error)) from error
    hidden, rank = (len(np.atleast_1d(tensors[name])) if name in tensors else 0 for name in ("hidden.bias", "output.bias"))
    for name, (kind, shape) in shapes(vocabulary, state_size, hidden, rank).items():
        if name not in tensors:
            raise InputError(f"{path} is no draft head: it has no tensor {PREFIX}{name}")
        if (tensors[name].dtype, tensors[name].shape) != (np.dtype(kind), shape):
            raise InputError(f"{path} does not fit: {name} is {tensors[name].dtype} {list(tensors[name].shape)}, with this checkpoint it must be {np.dtype(kind)} {list(shape)}")
        if not np.isfinite(tensors[name]).all():
            raise InputError(f"{path}: {name} holds numbers that are not finite")
    if sum(values.nbytes for values in tensors.values()) > LARGEST:
        raise InputError(f"{path} has more than {LARGEST >> 20} MiB")
