"""The recorded cases of the official code, as inputs of the network."""

import json
from dataclasses import dataclass

import torch

from asarm_tools.checkpoints.tensor_file import read_tensors
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.published import one_hot
from asarm_tools.network.two_stream import relative_encoding


@dataclass(frozen=True)
class Question:
    """One recorded forward pass: inputs of a network with a batch of one, and the logits [1, T, V] in float64."""

    inputs: list[torch.Tensor]
    logits: torch.Tensor


def questions(folder) -> dict[str, Question]:
    """Drafts and oracles by name, as MODEL_INPUTS, of the cases with a given token."""
    recorded = read_tensors(folder / "cases.safetensors")
    result = {}
    for case in json.loads((folder / "cases.json").read_text())["cases"]:
        prefix = f"case{case['index']:02d}."
        for kind, ids in (("draft", "input_ids"), ("oracle", "filled_ids")):
            if case["start"] >= 1:
                names = (ids, "sigma", kind + "_targets")
                tensor = {name: torch.from_numpy(recorded[prefix + name])[None].long() for name in names}
                order, targets = tensor["sigma"], tensor[kind + "_targets"]
                horizons = order.gather(1, targets) if kind == "oracle" else torch.full_like(targets, case["n"])
                inputs = [tensor[ids], order, (order < case["start"]).long(), targets, horizons]
                result[prefix + kind] = Question(inputs, torch.from_numpy(recorded[f"{prefix}{kind}_logits_f64"])[None])
    return result


def published_questions(folder) -> dict[str, Question]:
    """Drafts and oracles of all cases as the official code asked them: ids, the recorded mask, and the target mapping."""
    recorded = {name: torch.from_numpy(array)[None] for name, array in read_tensors(folder / "cases.safetensors").items()}
    result = {}
    for case in json.loads((folder / "cases.json").read_text())["cases"]:
        for kind, ids in (("draft", "input_ids"), ("oracle", "filled_ids")):
            name = f"case{case['index']:02d}.{kind}"
            mapping = one_hot(recorded[name + "_targets"].long(), case["seq_len"])
            inputs = [recorded[f"case{case['index']:02d}.{ids}"].long(), recorded[name + "_perm_mask"].double(), mapping.double()]
            result[name] = Question(inputs, recorded[name + "_logits_f64"])
    return result


def has_recorded_sines(folder) -> bool:
    """Whether this PyTorch's float32 powers and sines are, bit for bit, those of the one that the official code ran on.

    Another PyTorch rounds some of them the other way: 6e-8 in the encoding of positions, 1e-7 in a probability.
    """
    recorded = read_tensors(folder / "debug_case05.safetensors")["pos_emb"][1:]  # distances 11 .. -11
    encoding = relative_encoding(12, TwoStreamConfig(64, recorded.shape[1], 3, 4, 64), torch.zeros(1, dtype=torch.float64))
    return bool((encoding.flip(0).numpy() == recorded).all())


@torch.no_grad()
def worst_difference(model: torch.nn.Module, asked: dict[str, Question]) -> float:
    return max((model(*question.inputs) - question.logits).abs().max().item() for question in asked.values())
