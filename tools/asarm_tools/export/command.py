"""Exports a checkpoint to a model folder: model.onnx, model_cached.onnx (of int8 and int4 also those for GPUs), config.json, tokenizer, goldens, n-grams and asarm.json.

    export.py --checkpoint DIR --output DIR [--tokenizer FILE] [--maximum-length N] [--precision fp32|fp16|int8|int4]
              [--weights float32|float16] [--group-size N] [--calibration TEXT] [--opset 17] [--golden FILE] [--golden-lengths N ...]
              [--ngrams FILE|model] [--draft-head FILE] [--text-rules auto|slow|none] [--text-encoding asarm-code]

The folder appears whole or not at all. An earlier export in its place is replaced; anything else there is refused.
"""

from __future__ import annotations

import argparse

from asarm_tools.command_line.failure import run
from asarm_tools.export import variant
from asarm_tools.export.folder import GOLDEN_LENGTH, GREATEST_LENGTH, export
from asarm_tools.export.options import ExportOptions
from asarm_tools.text import text_rules

PROGRAM = "export.py"


def main() -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", required=True, metavar="DIR", help="config.json with safetensors or pytorch_model.bin")
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument("--tokenizer", metavar="FILE", help="SentencePiece model; default: spiece.model of the checkpoint, if any")
    parser.add_argument("--maximum-length", type=int, metavar="N", help=f"at most {GREATEST_LENGTH:,}; default: trained_length of config.json, else 512")
    variant.add_arguments(parser)
    parser.add_argument("--opset", type=int, default=ExportOptions.opset, help="default %(default)s")
    parser.add_argument("--golden", metavar="FILE", help="goldens to put into the folder instead of fresh ones")
    parser.add_argument("--golden-lengths", type=int, nargs="+", metavar="N", help=f"of fresh goldens, a case each; default: 2 to the maximum, or to {GOLDEN_LENGTH:,}")
    parser.add_argument("--ngrams", metavar="FILE|model", help="n-gram table of tools/train/ngrams.py to draft from; "
                        "model makes one of the network itself, where there is no corpus")
    parser.add_argument("--draft-head", metavar="FILE", help="draft head of tools/train/draft_head.py to draft from")
    parser.add_argument("--text-rules", choices=text_rules.CHOICES, default=ExportOptions.text_rules,
                        help="auto: those of the checkpoint's tokenizer files; without any Hugging Face's defaults, or none for a model of tools/train; "
                        "slow: those of XLNetTokenizer in Python (transformers 4)")
    parser.add_argument("--text-encoding", choices=(text_rules.CODE_ENCODING,), help="how the model was trained on white space; default: not at all")
    given = vars(parser.parse_args())
    if given["golden_lengths"] is not None:
        given["golden_lengths"] = tuple(given["golden_lengths"])
    options = ExportOptions(**given)
    export(options)
    print(f"{options.output}: written")
    return 0


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
