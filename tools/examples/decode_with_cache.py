"""Fills a gap from left to right with model_cached.onnx, in plain NumPy and ONNX Runtime: the cache contract of docs/model-format.md as code.

    python3 decode_with_cache.py --model FOLDER --left 5 17 9 --gap 4 --right 23 2 [--sample SEED]

Prints a line for each filled position: position, token id, log-probability. Folders of float32 and float16; text would need the folder's tokenizer.
"""
import argparse
import json
import os

import numpy as np
import onnxruntime

NOT_THERE = 1 << 40  # the rank of a position of the cache that holds no token: past every horizon, so that no row sees it
LANES = 16  # a cache of a multiple of so many positions gives the same bits however long it is


class CachedModel:
    """One sequence: the graph, the cache [1, heads, positions, head size] of each layer, and the rank of what stands at each position of it."""

    def __init__(self, folder: str, tokens: int):
        self.session = onnxruntime.InferenceSession(os.path.join(folder, "model_cached.onnx"), providers=["CPUExecutionProvider"])
        length = -(-tokens // LANES) * LANES
        self.ranks = np.full((1, length), NOT_THERE, np.int64)
        self.cache = {}
        for port in self.session.get_inputs():
            if port.name.startswith("past_key_values."):
                _, heads, _, size = port.shape
                self.cache[port.name] = np.zeros((1, heads, length, size), np.float16 if "float16" in port.type else np.float32)  # finite from the start

    def run(self, tokens: list[int], positions: list[int], ranks: list[int], horizons: list[int], asked: list[int], asked_horizons: list[int]) -> np.ndarray:
        """Encodes tokens, so that their keys and values are in the cache afterwards, and answers queries: logits [len(asked), vocabulary]."""
        self.place(ranks, positions)
        rows = {"input_ids": tokens, "content_positions": positions, "content_horizons": horizons, "target_positions": asked, "target_horizons": asked_horizons}
        inputs = {**{name: np.array([values], np.int64) for name, values in rows.items()}, "past_ranks": self.ranks}
        binding = self.session.io_binding()
        for name, values in inputs.items():
            binding.bind_cpu_input(name, values)
        for past, buffer in self.cache.items():
            # The same memory as input and output: only the new rows are written. Without binding, fetch all outputs and make each present.N.* the
            # next call's past_key_values.N.*; that copies the whole cache in every call.
            place = {"device_type": "cpu", "device_id": 0, "element_type": buffer.dtype.type, "shape": buffer.shape, "buffer_ptr": buffer.ctypes.data}
            binding.bind_input(past, **place)
            binding.bind_output(past.replace("past_key_values", "present"), **place)
        binding.bind_output("logits")
        self.session.run_with_iobinding(binding)
        return binding.get_outputs()[-1].numpy()[0]  # in the order in which they were bound

    def place(self, ranks: list[int], positions: list[int]) -> None:
        """Before a run: tokens that had these ranks at other positions, such as rejected draft tokens, are seen no more; those of the run are."""
        self.ranks[np.isin(self.ranks, ranks)] = NOT_THERE
        self.ranks[0, positions] = ranks


def fill(folder: str, left: list[int], gap: int, right: list[int], seed: int | None = None) -> list[tuple[int, int, float]]:
    """Position, token id and log-probability of each token of the gap, the most probable one or, with a seed, a sample."""
    if not os.path.exists(os.path.join(folder, "asarm.json")):
        raise SystemExit(f"{folder} is no model folder: it has no asarm.json")
    with open(os.path.join(folder, "asarm.json"), encoding="utf-8") as file:
        description = json.load(file)
    total, given = len(left) + gap + len(right), len(left) + len(right)
    if description["format_version"] != 3 or total > description["maximum_length"] or given == 0 or gap < 1:
        raise SystemExit("needs a folder of format 3, a given token, a gap, and no more tokens than the model's maximum length")
    if not all(0 <= token < description["vocabulary_size"] for token in (*left, *right)):
        raise SystemExit(f"token ids are from 0 to {description['vocabulary_size'] - 1}")
    model, generator, filled = CachedModel(folder, total), np.random.default_rng(seed), []
    # Given tokens have the first ranks and all see each other: their horizon is their number. They are encoded together, in one call.
    positions = [*range(len(left)), *range(len(left) + gap, total)]
    new = [*left, *right], positions, list(range(given)), [given] * given
    for rank, position in enumerate(range(len(left), len(left) + gap), given):
        # A target sees the ranks below its own: the new rows of this call, and what is in the cache.
        logits = model.run(*new, [position], [rank])[0].astype(np.float64)
        allowed = logits.copy()
        allowed[[description["mask_id"], *description["special_ids"]]] = -np.inf  # never generated
        allowed -= allowed.max()
        log_probabilities = allowed - np.log(np.exp(allowed).sum())
        token = int(allowed.argmax() if seed is None else generator.choice(len(allowed), p=np.exp(log_probabilities)))
        filled.append((position, token, float(log_probabilities[token])))
        new = [token], [position], [rank], [rank + 1]  # the next call encodes it: it sees lower ranks and itself
    return filled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, metavar="FOLDER")
    parser.add_argument("--left", type=int, nargs="*", default=[], metavar="ID", help="token ids before the gap")
    parser.add_argument("--gap", type=int, required=True, metavar="N", help="how many tokens to fill")
    parser.add_argument("--right", type=int, nargs="*", default=[], metavar="ID", help="token ids after the gap")
    parser.add_argument("--sample", type=int, metavar="SEED", help="draw from the distribution instead of taking the most probable token")
    given = parser.parse_args()
    for position, token, log_probability in fill(given.model, given.left, given.gap, given.right, given.sample):
        print(position, token, f"{log_probability:.6f}")


if __name__ == "__main__":
    main()
