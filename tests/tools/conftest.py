"""Paths, and a way to call the tools as from the command line but in this process."""

import shutil
import signal
import sys
from pathlib import Path

import onnx  # noqa: F401 (before PyTorch, see asarm_tools.export)
import pytest
import torch

from asarm_tools.command_line import failure
from asarm_tools.export.folder import export
from asarm_tools.export.options import ExportOptions

from synthetic import write_texts, write_tokenizer

# A shell that starts a command in the background lets it ignore SIGINT, nohup lets it ignore SIGHUP; tests send both, and tools leave ignored what they are told to ignore.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

ROOT = Path(__file__).resolve().parents[2]

torch.set_num_threads(1)  # small matrices; a second thread only waits for busy cores


@pytest.fixture(scope="session")
def golden() -> Path:
    return ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def tiny(golden) -> Path:
    """Checkpoint with random weights, and what the official code answered with it."""
    return golden / "tiny"


@pytest.fixture(scope="session")
def micro(golden) -> Path:
    return golden / "micro"


@pytest.fixture(scope="session")
def exported(tiny, tmp_path_factory):
    """An export of tiny with no options; who changes it takes a copy."""
    folder = tmp_path_factory.mktemp("exported") / "tiny"
    export(ExportOptions(checkpoint=str(tiny), output=str(folder), maximum_length=64))
    return folder


@pytest.fixture
def folder(exported, tmp_path):
    """A copy of it that a test may break."""
    return shutil.copytree(exported, tmp_path / "folder")


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    """A folder with spiece.model, train.txt and valid.txt."""
    folder = tmp_path_factory.mktemp("texts")
    write_tokenizer(folder)
    write_texts(folder)
    return folder


@pytest.fixture
def output(tmp_path) -> Path:
    """Where a model folder is to appear; nothing is there yet."""
    return tmp_path / "model"


@pytest.fixture
def call(monkeypatch):
    """call(module, *arguments) -> exit code of the tool."""

    def call_tool(module, *arguments) -> int:
        monkeypatch.setattr(sys, "argv", [module.PROGRAM, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            failure.run(module.PROGRAM, module.main)
        return ended.value.code or 0

    return call_tool
