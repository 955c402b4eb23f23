"""Checks a draft_head.safetensors before it goes into a model folder, without PyTorch."""

from __future__ import annotations

import math

from asarm_tools.checkpoints.tensor_file import TensorFileError, read_tensors
from asarm_tools.command_line.failure import InputError

PREFIX, CONTEXT_TOKENS = "draft_head.", 3
EMBEDDINGS = ("input_embedding", "output_embedding")


def check(path: str, vocabulary: int, state_size: int) -> None:
    """Raises unless the file is a draft head for a network of this vocabulary and width."""
    try:
        tensors = read_tensors(path)
        shape = {name: tensors[PREFIX + name].shape for name in ("hidden.weight", "input_embedding.weight", "output_embedding.weight", "output.bias", "ngram_exponent")}
    except KeyError as error:
        raise InputError(f"{path} is no draft head: it has no tensor {error}") from error
    except TensorFileError as error:
        raise InputError(str(error)) from error
    rank = math.prod(shape["output.bias"])
    if shape["hidden.weight"][1:] != (state_size + CONTEXT_TOKENS * rank,):
        raise InputError(f"{path} is no draft head for states of {state_size} numbers, which the checkpoint has: its hidden layer is {list(shape['hidden.weight'])}")
    for name in EMBEDDINGS:
        if shape[f"{name}.weight"] != (vocabulary, rank):
            raise InputError(f"{path} is a draft head of {shape[f'{name}.weight'][0]} tokens, the checkpoint has {vocabulary}")
