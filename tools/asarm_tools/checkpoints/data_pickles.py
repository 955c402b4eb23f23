"""Loads files of torch.save as data: tensors, numbers, text and containers of them. Code in them is not run."""

from __future__ import annotations

import functools
import io
import pickle
import zipfile
from types import SimpleNamespace

import numpy as np
import torch

_ALLOWED = {("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter")}


def load_data(path: str) -> object:
    """What the file holds, on the CPU. A broken or hostile file may fail with any exception.

    A hostile file gets around PyTorch's own check before 2.6 (CVE-2025-32434), so there it must come from people you trust.
    """
    if _knows_numbers() or not zipfile.is_zipfile(path):
        return torch.load(path, map_location="cpu", weights_only=True)
    with torch.serialization._open_zipfile_reader(path) as reader:  # its load ignores pickle_module
        return torch.serialization._load(reader, "cpu", SimpleNamespace(Unpickler=_DataUnpickler))


def load_arrays(path: str) -> dict[str, np.ndarray] | None:
    """The tensors of a file that holds a table of them, as float32; None where it holds something else."""
    loaded = load_data(path)
    if not isinstance(loaded, dict):
        return None
    return {name: tensor.detach().float().numpy() for name, tensor in loaded.items() if isinstance(tensor, torch.Tensor)}


@functools.cache
def _knows_numbers() -> bool:
    """PyTorch 1.13 takes a float for code: there this module's own check is used."""
    buffer = io.BytesIO()
    torch.save(0.5, buffer)
    buffer.seek(0)
    try:
        return torch.load(buffer, weights_only=True) == 0.5
    except pickle.UnpicklingError:
        return False


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no data")
