"""Holds an exported folder and its checkpoint against Hugging Face's XLNetLMHeadModel and XLNetTokenizer: `verify.py --against transformers`.

Logits are those of the folder's goldens: of model.onnx and model_cached.onnx by Python's onnxruntime, else of model.onnx by onnx's own
interpreter, and of the checkpoint's network by PyTorch. Tokens are those of every line of a text. Ours are made by the references in
asarm_tools.text, to which the tests of the runtime tie its tokenizer, since Python has no other way to it.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from asarm_tools.checkpoints.checkpoint import read_weights
from asarm_tools.checkpoints.torch_model import to_module
from asarm_tools.command_line.failure import InputError
from asarm_tools.export.cross_check import run_graphs
from asarm_tools.export.fixtures import Case, read_cases
from asarm_tools.network.config import MODEL_INPUTS
from asarm_tools.network.published import barred_by_order, one_hot
from asarm_tools.quantization.precision import FLOAT16_WEIGHTS, FLOAT32, LARGE, round_weights, to_float16
from asarm_tools.text.fast_reference import FastTokenizer
from asarm_tools.text.sentencepiece_file import read
from asarm_tools.text.xlnet_reference import Rules, Tokenizer, encode

TOKENIZER_FILES = ("spiece.model", "tokenizer_config.json")
IN_FLOAT64, FLOAT64_TOLERANCE = "checkpoint by PyTorch, float64", 1e-5  # hardly any rounding: what differs is the network


@dataclass(frozen=True)
class Row:
    """One line of the table: what was compared, with how much, what was found and whether that passes."""

    what: str
    compared: str
    found: str
    passes: bool


def compare(folder: str, checkpoint: str, description: dict, text: str | None, tolerance: float) -> list[Row]:
    """All rows; the library is loaded first, so that its lack is the first thing to be said."""
    library = _library()
    if description["precision"] not in (FLOAT32, FLOAT16_WEIGHTS):
        raise InputError(f"{folder} is {description['precision']}, which rounds: only float32 and float16-weights are held against transformers")
    if description.get("format_version", 0) < 3:
        raise InputError(f"{folder} is of format {description.get('format_version')}, whose graphs have other inputs: export it again")
    lines = None if text is None else _lines(text)
    rows = _logits(library, folder, checkpoint, description, tolerance)
    return rows if lines is None else [*rows, _tokens(library, folder, checkpoint, description, lines)]


def print_table(rows: list[Row]) -> None:
    """In Markdown."""
    print("| compared with transformers | of | found | |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {row.what} | {row.compared} | {row.found} | {'passed' if row.passes else 'failed'} |")


def _library() -> ModuleType:
    try:
        library = importlib.import_module("transformers")
    except ImportError as error:
        raise InputError(f"--against transformers needs Hugging Face's transformers (Debian unstable: python3-transformers): {error}") from error
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    return library


def _logits(library: ModuleType, folder: str, checkpoint: str, description: dict, tolerance: float) -> list[Row]:
    """Against transformers in float64; its own float32 is in the table too, as what rounding alone makes."""
    weights, theirs = read_weights(checkpoint), _their_model(library, checkpoint)
    if description["precision"] == FLOAT16_WEIGHTS:
        round_weights(weights)
        _round_parameters(theirs)
    model = to_module(weights)
    cases = read_cases(os.path.join(folder, "golden.safetensors"), model.config.vocab_size)
    ours = run_graphs(folder, model.config, cases)
    ours["transformers itself, float32"] = [published_answer(theirs, case) for case in cases]
    theirs.double()
    expected = [published_answer(theirs, case) for case in cases]
    model.double()
    ours[IN_FLOAT64] = [_answer(model, case) for case in cases]
    rows = []
    for what, answers in ours.items():
        allowed = min(tolerance, FLOAT64_TOLERANCE) if what == IN_FLOAT64 else tolerance
        worst = max(float(np.abs(found - logits).max()) for found, logits in zip(answers, expected))
        finite = all(np.isfinite(found).all() for found in answers)
        rows.append(Row(f"logits of {what}", f"{len(cases)} cases", f"{worst:.2g}, tolerance {allowed:.2g}", finite and worst <= allowed))
    return rows


def _their_model(library: ModuleType, checkpoint: str) -> torch.nn.Module:
    """XLNetLMHeadModel; its positions are computed in float32 and go on in the type of the weights."""
    model = library.XLNetLMHeadModel.from_pretrained(checkpoint, local_files_only=True).float().eval()
    encoding = model.transformer.relative_positional_encoding
    model.transformer.relative_positional_encoding = lambda *arguments, **options: encoding(*arguments, **options).to(model.lm_loss.bias.dtype)
    return model


@torch.no_grad()
def _round_parameters(model: torch.nn.Module) -> None:
    """As round_weights does with ours."""
    for name, parameter in model.named_parameters():
        if parameter.numel() >= LARGE:
            parameter.copy_(torch.from_numpy(to_float16(name, parameter.numpy())))


@torch.no_grad()
def published_answer(model: torch.nn.Module, case: Case) -> np.ndarray:
    """Logits [targets, vocabulary] of XLNetLMHeadModel: a call for each horizon, as its mask is one for both streams."""
    ids, order, prompt = (torch.from_numpy(case[name])[None] for name in MODEL_INPUTS[:3])
    dtype = model.lm_loss.bias.dtype
    logits = np.empty(case["logits"].shape)
    for horizon in np.unique(case["target_horizons"]):
        chosen = np.flatnonzero(case["target_horizons"] == horizon)
        mapping = one_hot(torch.from_numpy(case["target_positions"][chosen])[None], order.shape[1])
        barred = barred_by_order(order, prompt, int(horizon))
        logits[chosen] = model(input_ids=ids, perm_mask=barred.to(dtype), target_mapping=mapping.to(dtype)).logits[0].numpy()
    return logits


@torch.no_grad()
def _answer(model: torch.nn.Module, case: Case) -> np.ndarray:
    return model(*(torch.from_numpy(case[name])[None] for name in MODEL_INPUTS))[0].numpy()


def _lines(text: str) -> list[str]:
    try:
        with open(text, encoding="utf-8", newline="\n") as file:
            return file.read().split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{text} is not UTF-8: {error}") from error


def _tokens(library: ModuleType, folder: str, checkpoint: str, description: dict, lines: list[str]) -> Row:
    ours = reference_encoder(folder, description)
    theirs = _their_tokenizer(library, folder, checkpoint)
    different, count = [], 0
    for line in lines:
        ids = ours(line)
        count += len(ids)
        if ids != theirs.encode(line, add_special_tokens=False):
            different.append(line)
    found = "0 lines differ" if not different else f"{len(different)} lines differ, the first is {ascii(different[0])[:100]}"
    return Row(f"tokens of {type(theirs).__name__} {library.__version__}", f"{len(lines)} lines, {count} tokens", found.replace("|", "\\|"), not different)


def _their_tokenizer(library: ModuleType, folder: str, checkpoint: str) -> Any:
    """The checkpoint's own; of one without, made of the folder's SentencePiece model."""
    if any(os.path.exists(os.path.join(checkpoint, name)) for name in ("tokenizer.json", TOKENIZER_FILES[0])):
        return library.XLNetTokenizer.from_pretrained(checkpoint, local_files_only=True)
    with tempfile.TemporaryDirectory() as made:
        for name in TOKENIZER_FILES:
            if os.path.exists(os.path.join(folder, name)):
                shutil.copy(os.path.join(folder, name), made)
        return library.XLNetTokenizer.from_pretrained(made, local_files_only=True)


def reference_encoder(folder: str, description: dict) -> Callable[[str], list[int]]:
    """What the runtime makes of a text, by the references that its tests hold it against."""
    path, rules = Path(folder) / TOKENIZER_FILES[0], description.get("text_rules")
    if not path.exists():
        raise InputError(f"{folder} has no tokenizer: leave --text out")
    if "text_encoding" in description:
        raise InputError(f"{folder} has the text_encoding {description['text_encoding']}, which no XLNetTokenizer has: leave --text out")
    if rules is not None and "backend" in rules:
        return FastTokenizer(read(str(path)), rules).encode
    tokenizer, chosen = Tokenizer(path), None if rules is None else Rules(**{name: rules[name] for name in Rules.__dataclass_fields__ if name in rules})
    return lambda line: encode(tokenizer, line, chosen)
