"""Goldens replayed through the PyTorch module."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from asarm_tools.checkpoints.torch_model import to_module
from asarm_tools.network.config import MODEL_INPUTS
from asarm_tools.network.weights import Weights


def answer_by_pytorch(weights: Weights) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
    """A function from the inputs of model.onnx, without a batch axis, to float32 logits [T, V]."""
    model = to_module(weights)

    @torch.no_grad()
    def answer(case: dict[str, np.ndarray]) -> np.ndarray:
        return model(*(torch.from_numpy(case[name])[None] for name in MODEL_INPUTS))[0].float().numpy()

    return answer
