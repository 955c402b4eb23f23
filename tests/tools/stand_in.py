"""What verify.py --against transformers asks of the library, made of the published network and the tokenizer's reference, for systems without it."""

from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch

from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.network.published import PublishedModel, position_encoding
from asarm_tools.text.xlnet_reference import Rules, Tokenizer, encode


class XLNetLMHeadModel(PublishedModel):
    def __init__(self, model):
        super().__init__(model)
        self.transformer.relative_positional_encoding = lambda length: position_encoding(length, self.config, torch.zeros(()))

    @classmethod
    def from_pretrained(cls, folder: str, local_files_only: bool):
        assert local_files_only
        return cls(read_model(folder))

    def forward(self, input_ids, perm_mask, target_mapping):
        return SimpleNamespace(logits=super().forward(input_ids, perm_mask, target_mapping))


class XLNetTokenizer:
    """The one in Python, of transformers 4."""

    def __init__(self, folder):
        self.tokenizer = Tokenizer(folder / "spiece.model")

    @classmethod
    def from_pretrained(cls, folder: str, local_files_only: bool):
        assert local_files_only
        return cls(Path(folder))

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return encode(self.tokenizer, text, Rules())


def transformers_module() -> ModuleType:
    module = ModuleType("transformers")
    module.__version__ = "stand-in"
    module.logging = SimpleNamespace(set_verbosity_error=lambda: None, disable_progress_bar=lambda: None)
    module.XLNetLMHeadModel, module.XLNetTokenizer = XLNetLMHeadModel, XLNetTokenizer
    return module
