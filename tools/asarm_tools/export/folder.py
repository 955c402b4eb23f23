"""Builds a model folder: docs/model-format.md."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from dataclasses import asdict

import numpy as np
import onnx

from asarm_tools.checkpoints.checkpoint import checkpoint_hash, read_weights
from asarm_tools.checkpoints.config_file import CONFIG_FILE
from asarm_tools.command_line.failure import InputError
from asarm_tools.command_line.progress import stage
from asarm_tools.command_line.whole_files import whole_folder
from asarm_tools.draft_head import head_sizes
from asarm_tools.export import cross_check, fixtures
from asarm_tools.export.description import DESCRIPTION_FILE, GOLDEN_FILE, TOKENIZER_FILE, read_description
from asarm_tools.export.options import ExportOptions
from asarm_tools.export.variant import Variant
from asarm_tools.export.verify import TOLERANCE, difference
from asarm_tools.graphs import contract, files
from asarm_tools.graphs.build import Graph
from asarm_tools.graphs.build import build as build_graph
from asarm_tools.graphs.writer import OPSETS
from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.forward import Network
from asarm_tools.network.weights import Weights
from asarm_tools.ngrams import model_ngrams
from asarm_tools.ngrams import table_file as ngram_file
from asarm_tools.text import fast_tokenizer, special_tokens, text_rules
from asarm_tools.text.declared_tokens import TokenizerFiles

FORMAT_VERSION = 3
DEFAULT_LENGTH, GREATEST_LENGTH = 512, 1 << 16
WORTH_A_WORD = 1 << 30  # bytes
GOLDEN_LENGTH = 1024  # of fresh goldens at most, unless --golden-lengths says otherwise: their memory grows with the square
NGRAMS_FILE, NGRAMS_OF_THE_MODEL = "ngrams.bin", "model"
DRAFT_HEAD_FILE = "draft_head.safetensors"


def export(options: ExportOptions) -> None:
    """Builds the folder beside its final place, then moves it there."""
    check_replaceable(os.path.realpath(options.output))
    with whole_folder(options.output) as folder:
        build(options, folder)
        check_replaceable(os.path.realpath(options.output))  # once more: what was put there meanwhile stays


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
    check_opset(options.opset, chosen.precision.bits is not None)
    stage("reading the checkpoint")
    checkpoint = checkpoint_hash(options.checkpoint)
    weights, source = read_weights(options.checkpoint), os.path.join(options.checkpoint, CONFIG_FILE)
    config, length = weights.config, maximum_length(options.maximum_length, source)
    warn_of_memory(config, length, golden_lengths(options, length))
    shutil.copyfile(source, os.path.join(folder, CONFIG_FILE))
    special = tokens(options, folder, config.vocab_size)
    chosen.round_storage(weights)
    ngrams(options.ngrams, weights, special, os.path.join(folder, NGRAMS_FILE))
    draft_head(options.draft_head, config, os.path.join(folder, DRAFT_HEAD_FILE))
    description: dict[str, object] = {
        "format_version": FORMAT_VERSION, "maximum_length": length, "vocabulary_size": config.vocab_size, "layers": config.n_layer,
        "heads": config.n_head, "model_dimension": config.d_model, **chosen.describe(config), **asdict(special),
        **text(options, folder), **open_gaps(source, special.special_ids),
    }
    stage("recording goldens")
    cases = goldens(weights, options, description)
    fixtures.write_cases(os.path.join(folder, GOLDEN_FILE), cases)
    write_graphs(weights, folder, options, description, checkpoint, chosen)
    if checkpoint_hash(options.checkpoint) != checkpoint:
        raise InputError(f"{options.checkpoint} changed while it was read: export it once its training rests")
    stage("running the graphs")
    cross_check.check(folder, weights, cases, chosen.precision)
    stage("taking hashes")
    description["files"] = {name: fingerprint(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
    description["source"] = {"checkpoint_sha256": checkpoint, "opset": options.opset}
    with open(os.path.join(folder, DESCRIPTION_FILE), "w", encoding="utf-8") as file:
        json.dump(description, file, indent=2)
        file.write("\n")


def maximum_length(asked: int | None, config: str) -> int:
    """Positions are relative, so a checkpoint has no limit of its own: take the length that it was trained at."""
    with open(config, encoding="utf-8") as file:
        trained = json.load(file).get("trained_length")
    length = asked if asked is not None else DEFAULT_LENGTH if trained is None else trained
    if type(length) is not int or not 2 <= length <= GREATEST_LENGTH:
        name = "the maximum length" if asked is not None else f"trained_length of {config}, the maximum length,"
        raise InputError(f"{name} must be an integer of at least 2 and at most {GREATEST_LENGTH:,}, it is {repr(length)[:40]}")
    return length


def open_gaps(config: str, special_ids: list[int]) -> dict[str, float]:
    """The share of windows with an open gap that the checkpoint was trained with, and the token that ends such a gap, where it was: the trainer's <eop>."""
    with open(config, encoding="utf-8") as file:
        share = json.load(file).get("open_gaps")
    if share is None:
        return {}
    if type(share) not in (int, float) or not 0 <= share <= 1:
        raise InputError(f"open_gaps of {config} must be a share from 0 to 1, it is {str(share)[:40]}")
    return {"open_gaps": share, **({"gap_end_id": special_tokens.XLNET_GAP_END} if share and special_tokens.XLNET_GAP_END in special_ids else {})}


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


def ngrams(source: str | None, weights: Weights, special: special_tokens.SpecialTokens, path: str) -> None:
    """Copies the table, or makes one of the model: as float16 stores it, but before fp16, int8 or int4 round it for their graphs."""
    vocabulary = weights.config.vocab_size
    if source == NGRAMS_OF_THE_MODEL:
        ngram_file.write_table(path, model_ngrams.build(weights, special), vocabulary)
    elif source is not None:
        ngram_file.check(source, vocabulary)
        shutil.copyfile(source, path)


def draft_head(source: str | None, config: TwoStreamConfig, path: str) -> None:
    """Copies the draft head, where one is given."""
    if source is not None:
        head_sizes.check(source, config.vocab_size, config.d_model)
        shutil.copyfile(source, path)


def check_opset(opset: int, is_integer: bool) -> None:
    """Refuses graphs of integers that the installed onnx does not know; it passes over newer ones in floating point."""
    known = onnx.defs.onnx_opset_version()
    if is_integer and known < opset <= OPSETS[-1]:
        raise InputError(f"--opset {opset} is newer than the installed onnx {onnx.__version__} knows, which is {known}")


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
        if options.text_rules != ExportOptions.text_rules:
            raise InputError(f"--text-rules {options.text_rules} needs a tokenizer")
        return {}
    given = options.tokenizer or os.path.join(options.checkpoint, TOKENIZER_FILE)
    made = not os.path.exists(given)
    config = TokenizerFiles.find(options.checkpoint, given).config
    if config is not None:
        shutil.copyfile(config, os.path.join(folder, text_rules.CONFIG_FILE))
    return text_rules.describe(options.checkpoint, tokenizer if made else given, options.text_rules, options.text_encoding, made)


def write_graphs(weights: Weights, folder: str, options: ExportOptions, description: dict, checkpoint: str, chosen: Variant) -> None:
    """model.onnx and model_cached.onnx of every kind, with the same weights on disk."""
    stage(f"preparing {chosen.precision.name}")
    length = description["maximum_length"]
    found, kinds = chosen.prepare(weights, os.path.join(folder, TOKENIZER_FILE), description["separator_id"], length)
    shown = ("format_version", "mask_id", "maximum_length", "layers", "heads")
    properties = {**{"asarm." + name: description[name] for name in (*shown, *chosen.properties())}, "asarm.checkpoint_sha256": checkpoint}
    graphs: dict[contract.Contract, Graph] = {}
    for kind in kinds:
        for ports in (contract.stateless(weights.config).named(kind.suffix), contract.cached(weights.config, kind.cache).named(kind.suffix)):
            graphs[ports] = build_graph(ports, options.opset, found, length, kind.arithmetic)
            files.describe(graphs[ports].model, properties)
    stage("writing and checking the graphs")
    files.save({ports.file: graph for ports, graph in graphs.items()}, folder)
    files.check(folder, list(graphs), options.opset, chosen.precision.bits is not None)


def goldens(weights: Weights, options: ExportOptions, description: dict) -> list[fixtures.Case]:
    """The given cases, which the network in NumPy must repeat, or fresh ones."""
    given, lengths, network = options.golden, golden_lengths(options, description["maximum_length"]), Network(weights)
    if given is None:
        cases = fixtures.generate(network, lengths, description["mask_id"], description["special_ids"])
        if not all(np.isfinite(case["logits"]).all() for case in cases):
            raise InputError(f"the network of {options.checkpoint} gives logits that are not finite")
        return cases
    cases = fixtures.read_cases(given, description["vocabulary_size"], description["maximum_length"])
    worst = float(np.max([difference(network.logits(case), case) for case in cases]))
    if not worst <= TOLERANCE:
        raise InputError(f"the network differs by {worst:.3g} from the goldens in {given}")
    return cases


def golden_lengths(options: ExportOptions, longest: int) -> list[int]:
    """Of fresh goldens, one each."""
    if options.golden is not None:
        if options.golden_lengths is not None:
            raise InputError("--golden-lengths are of fresh goldens, --golden gives others: leave one of them out")
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
