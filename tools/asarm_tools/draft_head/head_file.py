"""draft_head.safetensors: matrices in float16, embeddings as integers with a factor for each token (docs/draft-head-format.md)."""

from __future__ import annotations

import numpy as np
import torch

from asarm_tools.checkpoints.tensor_file import write_tensors
from asarm_tools.command_line.failure import InputError
from asarm_tools.draft_head.head_sizes import EMBEDDINGS, PREFIX
from asarm_tools.draft_head.network import DraftHead

LARGEST = 127


def to_tensors(head: DraftHead, ngram_exponent: float) -> dict[str, np.ndarray]:
    """The content of the file."""
    halves = {
        "hidden.weight": head.hidden.weight, "hidden.bias": head.hidden.bias, "missing_tokens": head.missing,
        "output.weight": head.output.weight, "output.bias": head.output.bias,
    }
    tensors = {name: np.ascontiguousarray(_array(values), np.float16) for name, values in halves.items()}
    for name in EMBEDDINGS:
        tensors[f"{name}.weight"], tensors[f"{name}.scale"] = _quantise(_array(getattr(head, name)))
    tensors["ngram_exponent"] = np.array([ngram_exponent], np.float32)
    if not all(np.isfinite(values).all() for values in tensors.values()):
        raise InputError("the draft head holds weights that are not finite in float16")
    return {PREFIX + name: values for name, values in tensors.items()}


def write_head(path: str, head: DraftHead, ngram_exponent: float) -> None:
    write_tensors(path, to_tensors(head, ngram_exponent))


def _quantise(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 [V, R] and float32 [V]."""
    scale = np.maximum(np.abs(values).max(1), 1e-30) / LARGEST
    return np.round(values / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
