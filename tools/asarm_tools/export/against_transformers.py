"""Holds an exported folder and its checkpoint against Hugging Face's XLNetLMHeadModel and XLNetTokenizer: `verify.py --against transformers`.

Logits are those of the folder's goldens: of model.onnx and model_cached.onnx by Python's onnxruntime, else of model.onnx by onnx's own
interpreter, and of the checkpoint's network by PyTorch. Tokens are those of every line of a text. Ours are made by the references in
asarm_tools.text, to which the tests of the runtime tie its tokenizer, since Python has no other way to it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.command_line.failure import InputError
from asarm_tools.export.contract import CACHED_FILE, LOGITS, STATELESS_FILE
from asarm_tools.export.fixtures import Case, read_cases
from asarm_tools.network.cached import CACHED_INPUTS, cache_ports
from asarm_tools.network.published import barred_by_order, one_hot
from asarm_tools.network.config import MODEL_INPUTS, TwoStreamConfig
from asarm_tools.quantization.precision import FLOAT16_WEIGHTS, FLOAT32, round_weights
from asarm_tools.text.fast_reference import FastTokenizer
from asarm_tools.text.sentencepiece_file import read
from asarm_tools.text.xlnet_reference import Rules, Tokenizer, encode

TOKENIZER_FILES = ("spiece.model", "tokenizer_config.json")
IN_FLOAT64, FLOAT64_TOLERANCE = "checkpoint by PyTorch, float64", 1e-5  # hardly any rounding: what differs is the network
RUNNER = Path(__file__).with_name("run_graph.py")


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
    model, theirs = read_model(checkpoint), _their_model(library, checkpoint)
    if description["precision"] == FLOAT16_WEIGHTS:
        round_weights(model)
        round_weights(theirs)
    cases = read_cases(os.path.join(folder, "golden.safetensors"), model.config.vocab_size)
    ours = _graphs(folder, model.config, cases)
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


def _graphs(folder: str, config: TwoStreamConfig, cases: list[Case]) -> dict[str, list[np.ndarray]]:
    """Logits of the folder's graphs, through what Python has to run them."""
    stateless, with_cache = (os.path.join(folder, file) for file in (STATELESS_FILE, CACHED_FILE))
    questions = [{name: case[name][None] for name in MODEL_INPUTS} for case in cases]
    if importlib.util.find_spec("onnxruntime") is not None:
        answers = {f"{STATELESS_FILE} by onnxruntime": _run(stateless, questions)}
        if os.path.exists(with_cache):
            answers[f"{CACHED_FILE} by onnxruntime"] = _run(with_cache, [_with_empty_cache(case, config) for case in cases])
        return answers
    if importlib.util.find_spec("onnx.reference") is not None:
        session = importlib.import_module("onnx.reference").ReferenceEvaluator(stateless)
        return {f"{STATELESS_FILE} by onnx.reference": [session.run([LOGITS], question)[0][0] for question in questions]}
    return {}  # onnx before 1.13 runs no graph: `asarm verify` does


def _run(graph: str, questions: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as scratch:
        given, answered = (os.path.join(scratch, name) for name in ("inputs.npz", "outputs.npz"))
        np.savez(given, **{f"{number}/{name}": array for number, question in enumerate(questions) for name, array in question.items()})
        done = subprocess.run([sys.executable, str(RUNNER), graph, given, answered], stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
        if done.returncode:
            raise InputError(f"onnxruntime does not run {graph}: {done.stderr.strip()[-400:]}")
        with np.load(answered) as file:
            return [file[str(number)][0] for number in range(len(questions))]


def _with_empty_cache(case: Case, config: TwoStreamConfig) -> dict[str, np.ndarray]:
    """Inputs of the cached graph: every token is new, and the one place of the cache is hidden."""
    order, given = case["order"], int(case["prompt_mask"].sum())
    horizons = np.where(case["prompt_mask"] > 0, given, order + 1)
    rows = (case["input_ids"], np.arange(order.size), order, horizons, case["target_positions"], case["target_horizons"], np.array([order.size + 1]))
    nothing = np.zeros((1, config.n_head, 1, config.d_head), np.float32)
    return {**{name: row[None] for name, row in zip(CACHED_INPUTS, rows)}, **dict.fromkeys(cache_ports(config.n_layer)[0], nothing)}


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
