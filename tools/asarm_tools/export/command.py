"""Exports a checkpoint to a model folder: model.onnx, model_cached.onnx (of int8 and int4 also those for GPUs), config.json, tokenizer, goldens, n-grams and asarm.json.

    export.py --checkpoint DIR --output DIR [--tokenizer FILE] [--maximum-length N] [--precision fp32|fp16|int8|int4]
              [--weights float32|float16] [--group-size N] [--calibration TEXT] [--opset 17] [--golden FILE] [--golden-lengths N ...]
              [--ngrams FILE|model] [--text-rules auto|slow|none] [--text-encoding asarm-code]

The folder appears whole or not at all. An earlier export in its place is replaced; anything else there is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from dataclasses import asdict

import numpy as np

from asarm_tools.checkpoints.checkpoint import checkpoint_hash
from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.checkpoints.config_file import CONFIG_FILE, read_config
from asarm_tools.command_line.failure import InputError, run
from asarm_tools.command_line.progress import stage
from asarm_tools.command_line.whole_files import whole_folder
from asarm_tools.export import contract, fixtures, graph, variant
from asarm_tools.export.options import ExportOptions
from asarm_tools.export.tracing import trace
from asarm_tools.export.variant import Variant
from asarm_tools.export.verify import TOLERANCE, difference, read_description
from asarm_tools.network.cached import CachedModel
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.two_stream import TwoStreamModel
from asarm_tools.ngrams import model_ngrams
from asarm_tools.ngrams import table_file as ngram_file
from asarm_tools.text import fast_tokenizer, special_tokens, text_rules
from asarm_tools.text.declared_tokens import TokenizerFiles

PROGRAM = "export.py"
FORMAT_VERSION = 1
TEXT_FORMAT_VERSION = 2  # of folders with fields that change tokens, so that readers of format 1 refuse them instead of ignoring these
DEFAULT_LENGTH, GREATEST_LENGTH = 512, 1 << 16
WORTH_A_WORD = 1 << 30  # bytes
GOLDEN_LENGTH = 1024  # of fresh goldens at most, unless --golden-lengths says otherwise: their memory grows with the square
TOKENIZER_FILE, GOLDEN_FILE, DESCRIPTION_FILE = "spiece.model", "golden.safetensors", "asarm.json"
NGRAMS_FILE, NGRAMS_OF_THE_MODEL = "ngrams.bin", "model"


def export(options: ExportOptions) -> None:
    """Builds the folder beside its final place, then moves it there."""
    check_replaceable(os.path.abspath(options.output))
    with whole_folder(options.output) as folder:
        build(options, folder)


def check_replaceable(output: str) -> None:
    """Only a missing or empty folder, or one that holds an earlier export and nothing else, may be written over."""
    if not os.path.exists(output):
        return
    if not os.path.isdir(output):
        raise InputError(f"{output} is a file")
    found = set(os.listdir(output))
    if found and DESCRIPTION_FILE not in found:
        raise InputError(f"{output} is not empty and holds no earlier export ({DESCRIPTION_FILE})")
    foreign = sorted(found - {DESCRIPTION_FILE} - set(read_description(output)["files"])) if found else []
    if foreign:
        raise InputError(f"{output} holds {', '.join(foreign[:3])} beside the earlier export: move it away first")


def build(options: ExportOptions, folder: str) -> None:
    """Writes all files into the folder, asarm.json last, with the hashes of the others."""
    chosen = Variant(options)
    check_encoding(options)
    config, source = read_config(options.checkpoint), os.path.join(options.checkpoint, CONFIG_FILE)
    length = maximum_length(options.maximum_length, source)
    warn_of_memory(config, length, golden_lengths(options, length))
    stage("reading the checkpoint")
    checkpoint = checkpoint_hash(options.checkpoint)
    model = read_model(options.checkpoint)
    vocabulary = config.vocab_size
    shutil.copyfile(source, os.path.join(folder, CONFIG_FILE))
    if checkpoint_hash(options.checkpoint) != checkpoint:
        raise InputError(f"{options.checkpoint} changed while it was read: export it once its training rests")
    special = tokens(options, folder, vocabulary)
    chosen.round_storage(model)
    ngrams(options.ngrams, model, special, os.path.join(folder, NGRAMS_FILE))
    treatment = text(options, folder)
    description: dict[str, object] = {
        "format_version": TEXT_FORMAT_VERSION if treatment else FORMAT_VERSION, "maximum_length": length, "vocabulary_size": vocabulary, "layers": model.config.n_layer,
        "heads": model.config.n_head, "model_dimension": model.config.d_model, **chosen.describe(model), **asdict(special),
        **treatment, **open_gaps(source),
    }
    stage("recording goldens")
    fixtures.write_cases(os.path.join(folder, GOLDEN_FILE), goldens(model, options, description))
    write_graphs(model, folder, options, description, checkpoint, chosen)
    stage("taking hashes")
    description["files"] = {name: fingerprint(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
    description["source"] = {"checkpoint_sha256": checkpoint, "opset": options.opset}
    with open(os.path.join(folder, DESCRIPTION_FILE), "w", encoding="utf-8") as file:
        json.dump(description, file, indent=2)
        file.write("\n")


def maximum_length(asked: int | None, config: str) -> int:
    """Positions are relative, so a checkpoint has no limit of its own: take the length that it was trained at."""
    with open(config, encoding="utf-8") as file:
        length = asked if asked is not None else json.load(file).get("trained_length", DEFAULT_LENGTH)
    if type(length) is not int or not 2 <= length <= GREATEST_LENGTH:
        raise InputError(f"the maximum length must be an integer of at least 2 and at most {GREATEST_LENGTH:,}, it is {length!r}")
    return length


def open_gaps(config: str) -> dict[str, float]:
    """The share of windows with an open gap that the checkpoint was trained with, where it was: a field that only describes."""
    with open(config, encoding="utf-8") as file:
        share = json.load(file).get("open_gaps")
    if share is None:
        return {}
    if type(share) not in (int, float) or not 0 <= share <= 1:
        raise InputError(f"open_gaps of {config} must be a share from 0 to 1, it is {share!r}")
    return {"open_gaps": share}


def warn_of_memory(config: TwoStreamConfig, length: int, golden_lengths: list[int]) -> None:
    """What long sequences take beside the weights is said before the work starts."""
    table = 8 * config.d_model * length  # float32 encodings of all distances, in the data file
    exporting = 8 * table + 24 * config.n_head * max(golden_lengths, default=0) ** 2  # as measured: copies of the table, or scores of the longest golden
    loaded = table * config.n_layer
    if max(exporting, loaded) >= WORTH_A_WORD:
        sizes = [f"{size / (1 << 30):.1f} GiB" for size in (exporting, table, loaded)]
        print(f"export.py: sequences of {length:,} tokens take about {sizes[0]} of memory here, {sizes[1]} on disk and {sizes[2]} in a loaded model, "
              "beside the weights: --maximum-length and --golden-lengths bound them", file=sys.stderr)


def tokens(options: ExportOptions, folder: str, vocabulary: int) -> special_tokens.SpecialTokens:
    """Copies the tokenizer, where there is one, and reads the special ids; of a checkpoint that has it as tokenizer.json alone, it is made of that."""
    beside, path = os.path.join(options.checkpoint, TOKENIZER_FILE), os.path.join(folder, TOKENIZER_FILE)
    given = options.tokenizer or (beside if os.path.exists(beside) else None)
    fast = TokenizerFiles.find(options.checkpoint, given).fast
    if given is not None:
        shutil.copyfile(given, path)
    elif fast is not None:
        with open(path, "wb") as file:
            file.write(fast_tokenizer.read(fast).sentencepiece_model())
    else:
        return special_tokens.without_tokenizer(vocabulary)
    source = given or path
    return special_tokens.of_tokenizer(source, vocabulary, text_rules.mask_piece(options.checkpoint, source))


def ngrams(source: str | None, model: TwoStreamModel, special: special_tokens.SpecialTokens, path: str) -> None:
    """Copies the table, or makes one of the model: as float16 stores it, but before fp16, int8 or int4 round it for their graphs."""
    vocabulary = model.config.vocab_size
    if source == NGRAMS_OF_THE_MODEL:
        ngram_file.write_table(path, model_ngrams.build(model, special), vocabulary)
    elif source is not None:
        ngram_file.check(source, vocabulary)
        shutil.copyfile(source, path)


def check_encoding(options: ExportOptions) -> None:
    """Refuses what would read text by SentencePiece alone, or never generate tokens that the encoding uses for white space."""
    if options.text_encoding is None:
        return
    if options.calibration is not None:
        raise InputError(f"--calibration reads its text without --text-encoding {options.text_encoding}: leave one of them out")
    if options.ngrams == NGRAMS_OF_THE_MODEL:
        raise InputError(f"--ngrams model gives no probability to the white space of --text-encoding {options.text_encoding}: leave one of them out")


def text(options: ExportOptions, folder: str) -> dict[str, object]:
    """How text is treated, where the folder has a tokenizer; tokenizer_config.json is copied, where there is one."""
    tokenizer = os.path.join(folder, TOKENIZER_FILE)
    if not os.path.exists(tokenizer):
        if options.text_encoding is not None:
            raise InputError("--text-encoding needs a tokenizer")
        return {}
    given = options.tokenizer or os.path.join(options.checkpoint, TOKENIZER_FILE)
    made = not os.path.exists(given)
    config = TokenizerFiles.find(options.checkpoint, given).config
    if config is not None:
        shutil.copyfile(config, os.path.join(folder, text_rules.CONFIG_FILE))
    return text_rules.describe(options.checkpoint, tokenizer if made else given, options.text_rules, options.text_encoding, made)


def write_graphs(model: TwoStreamModel, folder: str, options: ExportOptions, description: dict, checkpoint: str, chosen: Variant) -> None:
    """model.onnx and model_cached.onnx, from the same modules and with the same weights on disk."""
    stage(f"preparing {chosen.precision.name}")
    length = description["maximum_length"]
    conversions = chosen.prepare(model, os.path.join(folder, TOKENIZER_FILE), description["separator_id"], length)
    modules = {contract.stateless(model.config): model, contract.cached(model.config): CachedModel(model, length).eval()}
    shown = ("format_version", "mask_id", "maximum_length", "layers", "heads")
    properties = {**{"asarm." + name: description[name] for name in (*shown, *chosen.properties())}, "asarm.checkpoint_sha256": checkpoint}
    scratch = os.path.join(folder, "scratch")
    os.makedirs(scratch)
    traced = {}
    for ports, module in modules.items():
        stage(f"tracing {ports.file}")
        source = trace(module, ports, options.opset, scratch)
        for suffix, convert in conversions.items():
            traced[ports.named(suffix)] = converted = source.copy()
            convert(converted)
            graph.describe(converted.model, properties)
    shutil.rmtree(scratch)
    stage("writing and checking the graphs")
    graph.save({ports.file: converted for ports, converted in traced.items()}, folder)
    graph.check(folder, list(traced), options.opset, chosen.precision.bits is not None)


def goldens(model: TwoStreamModel, options: ExportOptions, description: dict) -> list[fixtures.Case]:
    """The given cases, which PyTorch must repeat, or fresh ones."""
    given, lengths = options.golden, golden_lengths(options, description["maximum_length"])
    if given is None:
        return fixtures.generate(model, lengths, description["mask_id"], description["special_ids"])
    cases = fixtures.read_cases(given, description["vocabulary_size"])
    worst = float(np.max([difference(model, case) for case in cases]))
    if not worst <= TOLERANCE:
        raise InputError(f"PyTorch differs by {worst:.3g} from the goldens in {given}")
    return cases


def golden_lengths(options: ExportOptions, longest: int) -> list[int]:
    """Of fresh goldens, one each."""
    if options.golden is not None:
        return []
    lengths = list(options.golden_lengths or ()) or fixtures.usual_lengths(min(longest, GOLDEN_LENGTH))
    if not all(2 <= length <= longest for length in lengths):
        raise InputError(f"--golden-lengths must be of 2 to {longest} tokens, they are {lengths}")
    return lengths


def fingerprint(path: str) -> dict[str, object]:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return {"sha256": digest.hexdigest(), "bytes": os.path.getsize(path)}


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
