"""Recipes of train.py by name: other defaults of its options."""

from __future__ import annotations

DEFAULTS: dict[str, object] = {
    "d_model": 256, "layers": 4, "heads": 4, "inner": 640, "dropout": 0.0, "tokens_per_step": 2048, "lengths": [16, 32, 64, 128, 128],
    "rates": [0.05, 0.99], "rate_warmup": 2000, "low_rates": [0.0, 0.4], "kinds": [1.0, 1.0, 1.0, 1.0], "open_gaps": 0.0,
    "steps": 10000, "warmup": 300, "decay_steps": 3000, "learning_rate": 2e-3, "weight_decay": 0.05, "average_decay": 0.998, "bf16": False,
    "validate_every": 500, "save_every": 250, "report_every": 10, "validation_windows": 64, "patience": 0}

PRESETS: dict[str, dict[str, object]] = {
    "small-cpu": {},
    # Seconds on a CPU, for tests.
    "tiny-test": {
        "d_model": 32, "layers": 2, "heads": 2, "inner": 64, "tokens_per_step": 512, "lengths": [16, 32], "rate_warmup": 20,
        "steps": 60, "warmup": 10, "decay_steps": 20, "learning_rate": 5e-3, "validate_every": 30, "save_every": 30, "threads": 1},
    # models/english-18m, in 490 s of one H200; its texts and their weights stand in tools/README.md.
    "english-18m": {
        "d_model": 384, "layers": 8, "heads": 6, "inner": 1536, "tokens_per_step": 32768, "lengths": [64, 128, 256, 256, 512],
        "rates": [0.02, 0.95], "rate_warmup": 600, "low_rates": [0.5, 0.4], "kinds": [1.0, 2.0, 1.0, 1.0],
        "steps": 6285, "warmup": 400, "decay_fraction": 0.4, "learning_rate": 1.2e-3, "bf16": True,
        "validate_every": 1000, "save_every": 500, "report_every": 100, "validation_windows": 16},
}
