"""Writes a checkpoint as Hugging Face's transformers saves one, of random weights and an XLNet-like tokenizer, and a text to read with it.

    PYTHONPATH=tools python3 tests/tools/library_checkpoint.py FOLDER      FOLDER/checkpoint and FOLDER/text.txt; needs transformers 5
"""

import sys
import tempfile
from pathlib import Path

import torch
from transformers import XLNetConfig, XLNetLMHeadModel, XLNetTokenizer

import record_fast

folder = Path(sys.argv[1])
model = record_fast.model_of(record_fast.XLNET)
torch.manual_seed(1)
network = XLNetLMHeadModel(XLNetConfig(vocab_size=len(model.pieces), d_model=64, n_layer=3, n_head=4, d_inner=128, initializer_range=0.3))
network.save_pretrained(folder / "checkpoint")
with tempfile.TemporaryDirectory() as scratch:
    (Path(scratch) / "spiece.model").write_bytes(model.SerializeToString())
    XLNetTokenizer.from_pretrained(scratch).save_pretrained(folder / "checkpoint")
(folder / "text.txt").write_text("\n".join(line.replace("\n", " ") for line in record_fast.lines()), encoding="utf-8", newline="\n")
