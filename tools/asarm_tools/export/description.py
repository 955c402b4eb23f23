"""Reads asarm.json of a model folder."""

from __future__ import annotations

import json
import os

from asarm_tools.command_line.failure import InputError
from asarm_tools.quantization.precision import NAMES

DESCRIPTION_FILE, GOLDEN_FILE, TOKENIZER_FILE = "asarm.json", "golden.safetensors", "spiece.model"


def read_description(folder: str) -> dict:
    """asarm.json of a model folder."""
    path = os.path.join(folder, DESCRIPTION_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            description = json.load(file)
        if description["precision"] not in NAMES:
            raise InputError(f"{path}: unknown precision {description['precision']!r}")
        description["source"]["checkpoint_sha256"], description["files"].keys()
        return description
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise error if isinstance(error, InputError) else InputError(f"{path} does not describe a model folder") from error
