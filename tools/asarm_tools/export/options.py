"""What is exported, and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PrecisionOptions:
    """Of weights and arithmetic; the fields are named as the options of the command."""

    precision: str = "fp32"
    weights: str = "float32"  # of fp32: how large weights are stored
    group_size: int | None = None  # of int4
    calibration: str | None = None  # of int8 and int4: a text


@dataclass(frozen=True, kw_only=True)
class ExportOptions(PrecisionOptions):
    """All of an export; the fields are named as the options of the command."""

    checkpoint: str
    output: str
    tokenizer: str | None = None
    maximum_length: int | None = None
    opset: int = 17
    golden: str | None = None
    golden_lengths: tuple[int, ...] | None = None  # of fresh goldens, a case each
    ngrams: str | None = None
    draft_head: str | None = None
    text_rules: str = "auto"
    text_encoding: str | None = None
