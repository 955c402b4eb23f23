"""Runs the graphs of a model folder through what Python has to run them, and compares them with the network in NumPy."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.fixtures import Case
from asarm_tools.graphs.contract import CACHED_FILE, CACHED_INPUTS, FLOAT32_SUFFIX, LOGITS, STATELESS_FILE, cache_ports, with_suffix
from asarm_tools.network.config import MODEL_INPUTS, TwoStreamConfig
from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights
from asarm_tools.quantization.precision import FLOAT16, FLOAT16_WEIGHTS, FLOAT32, Precision

RUNNER = Path(__file__).with_name("run_graph.py")
CACHE_MULTIPLE, NOBODY = 16, 1 << 30  # the cache has a multiple of so many positions; a rank past every horizon
CASES = 3  # that an export runs, of those with few tokens
TOLERANCE, ROUNDED_TOLERANCE = 1e-4, 0.5  # of float32 in logits; of products of rounded rows in standard deviations of the logits


def check(folder: str, weights: Weights, cases: list[Case], precision: Precision) -> None:
    """Raises InputError where a graph answers otherwise than the network. weights: as they are stored, so rounded where they are quantized.

    Without onnxruntime, and for what onnx.reference does not run, there is nothing to compare: `asarm verify` does.
    """
    chosen, network = sorted(cases, key=lambda case: case["order"].size)[:CASES], Network(weights)
    expected = [network.logits(case) for case in chosen]
    for suffix in ("", FLOAT32_SUFFIX) if precision.bits is not None else ("",):
        is_exact = bool(suffix) or precision.name in (FLOAT32, FLOAT16_WEIGHTS)
        for what, found in run_graphs(folder, weights.config, chosen, suffix, np.float16 if precision.name == FLOAT16 else np.float32, is_exact).items():
            differences = [float(np.abs(one - other).max()) / (1 if is_exact else max(float(other.std()), 1e-6)) for one, other in zip(found, expected)]
            worst = float(np.max(differences))  # NaN stays, which max() may lose
            if not worst <= (TOLERANCE if is_exact else ROUNDED_TOLERANCE):
                raise InputError(f"{what} differs from the network by {worst:.3g}{'' if is_exact else ' standard deviations'}: the export is not usable")


def run_graphs(folder: str, config: TwoStreamConfig, cases: list[Case], suffix: str = "", cache: type = np.float32,
               is_standard: bool = True) -> dict[str, list[np.ndarray]]:
    """Logits [T, V] of the folder's graphs by what was run. cache: the type of keys and values; is_standard: only standard operators are used."""
    stateless, with_cache = (os.path.join(folder, with_suffix(file, suffix)) for file in (STATELESS_FILE, CACHED_FILE))
    questions = [{name: case[name][None] for name in MODEL_INPUTS} for case in cases]
    if importlib.util.find_spec("onnxruntime") is not None:
        answers = {f"{STATELESS_FILE} by onnxruntime": _run(stateless, [[question] for question in questions])}
        if os.path.exists(with_cache):
            answers[f"{CACHED_FILE} by onnxruntime"] = _run(with_cache, [_in_two_calls(case, config, cache) for case in cases])
        return answers
    if is_standard and cache is np.float32 and importlib.util.find_spec("onnx.reference") is not None:
        session = importlib.import_module("onnx.reference").ReferenceEvaluator(stateless)
        return {f"{STATELESS_FILE} by onnx.reference": [session.run([LOGITS], question)[0][0] for question in questions]}
    return {}  # onnx before 1.13 runs no graph: `asarm verify` does


def _run(graph: str, cases: list[list[dict[str, np.ndarray]]]) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as scratch:
        given, answered = (os.path.join(scratch, name) for name in ("inputs.npz", "outputs.npz"))
        np.savez(given, **{f"{number}/{call}/{name}": array for number, calls in enumerate(cases) for call, inputs in enumerate(calls) for name, array in inputs.items()})
        done = subprocess.run([sys.executable, str(RUNNER), graph, given, answered], stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
        if done.returncode:
            raise InputError(f"onnxruntime does not run {graph}: {done.stderr.strip()[-400:]}")
        with np.load(answered) as file:
            return [file[str(number)][0] for number in range(len(cases))]


def _in_two_calls(case: Case, config: TwoStreamConfig, cache: type) -> list[dict[str, np.ndarray]]:
    """Inputs of the cached graph: given tokens first, with a cache that holds nothing yet, then all others, which see the given ones in the cache."""
    order, given = case["order"], int(case["prompt_mask"].sum())
    length, by_rank = order.size, np.argsort(order)
    positions = length + -length % CACHE_MULTIPLE
    calls: list[dict[str, np.ndarray]] = []
    for ranks in (np.arange(given), np.arange(given, length)):
        if ranks.size:
            new, past = by_rank[ranks], np.full(positions, NOBODY)
            past[by_rank[:ranks[-1] + 1]] = np.arange(ranks[-1] + 1)
            rows = (case["input_ids"][new], new, np.where(ranks < given, given, ranks + 1), case["target_positions"], case["target_horizons"], past)
            calls.append({name: row[None] for name, row in zip(CACHED_INPUTS, rows)})
    nothing: np.ndarray = np.zeros((1, config.n_head, positions, config.d_head), cache)
    calls[0].update(dict.fromkeys(cache_ports(config.n_layer)[0], nothing))
    return calls
