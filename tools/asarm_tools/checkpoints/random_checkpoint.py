"""Writes a checkpoint with random weights in the Hugging Face layout, for measurements at sizes that nobody trains here.

    random_checkpoint.py --output DIR [--size text|small|base|large] [--seed N]
"""

from __future__ import annotations

import argparse
import os

import numpy as np

from asarm_tools.checkpoints.checkpoint import write_weights
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.command_line.whole_files import whole_folder
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.weights import Weights, shapes

PROGRAM = "random_checkpoint.py"
SIZES = {  # text and small for tests; base and large are those of xlnet-base-cased and xlnet-large-cased
    "text": TwoStreamConfig(vocab_size=4096, d_model=32, n_layer=2, n_head=2, d_inner=64),
    "small": TwoStreamConfig(vocab_size=96, d_model=128, n_layer=2, n_head=4, d_inner=256),
    "base": TwoStreamConfig(vocab_size=32_000, d_model=768, n_layer=12, n_head=12, d_inner=3072),
    "large": TwoStreamConfig(vocab_size=32_000, d_model=1024, n_layer=24, n_head=16, d_inner=4096),
}
DEVIATION, WIDER = 0.02, 0.1  # of XLNet's initialisation; of a small network whose answers shall differ from each other


def random_weights(config: TwoStreamConfig, seed: int, deviation: float = DEVIATION) -> Weights:
    """Normal weights, layer norms of one and zero."""
    generator = np.random.default_rng(seed)

    def values(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if "layer_norm" in name:
            return np.full(shape, float(name.endswith("weight")), np.float32)
        return generator.standard_normal(shape, np.float32) * np.float32(deviation)

    return Weights(config, {name: values(name, shape) for name, shape in shapes(config).items()})


def main() -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument("--size", choices=SIZES, default="base", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default %(default)s")
    arguments = parser.parse_args()
    if os.path.exists(arguments.output):
        raise InputError(f"{arguments.output} is there already")
    deviation = WIDER if arguments.size in ("text", "small") else DEVIATION
    with whole_folder(arguments.output) as folder:
        write_weights(folder, random_weights(SIZES[arguments.size], arguments.seed, deviation))
    print(f"{arguments.output}: written")
    return 0


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
