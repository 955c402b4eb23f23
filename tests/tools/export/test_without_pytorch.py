"""What needs no PyTorch runs without it: in processes whose torch is a module that refuses to be imported."""

import os
import subprocess
import sys

import pytest
import torch

from asarm_tools.checkpoints.tensor_file import read_tensors

from conftest import ROOT
from exports import described


@pytest.fixture
def run(tmp_path):
    """run(module, *arguments) -> the process of a command that must not import torch."""
    (tmp_path / "stub").mkdir()
    (tmp_path / "stub" / "torch.py").write_text('raise ImportError("torch is not to be imported here")\n')
    path = os.pathsep.join((str(tmp_path / "stub"), str(ROOT / "tools")))

    def start(module, *arguments):
        command = [sys.executable, "-m", f"asarm_tools.{module}", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})

    return start


def test_the_stub_is_found_first(run):
    """The control: a command that needs PyTorch ends."""
    done = run("evaluation.reference", "--help")
    assert done.returncode and "torch is not to be imported here" in done.stderr


@pytest.mark.parametrize("options", [[], ["--weights", "float16"], ["--precision", "fp16"], ["--precision", "int8"], ["--precision", "int4"], ["--ngrams", "model"]], ids=str)
def test_exports_of_safetensors(run, tiny, output, options):
    done = run("export.command", "--checkpoint", tiny, "--output", output, "--maximum-length", 20, *options)
    assert (done.returncode, done.stdout) == (0, f"{output}: written\n"), done.stderr
    assert described(output)["format_version"] == 3
    done = run("export.verify", "--model", output, "--checkpoint", tiny, "--with", "numpy")
    assert done.returncode == 0 and "\nnumpy: worst difference" in done.stdout, done.stderr
    done = run("export.verify", "--model", output, "--checkpoint", tiny)
    assert done.returncode == 0 and "\nnumpy: worst difference" in done.stdout, done.stderr


def test_recovering_random_checkpoints_and_goldens(run, exported, tiny, tmp_path):
    for module, arguments in (("export.recover", ("--model", exported, "--output", tmp_path / "recovered")),
                              ("checkpoints.random_checkpoint", ("--size", "small", "--output", tmp_path / "random")),
                              ("export.fixtures", ("--official", tiny, "--output", tmp_path / "golden.safetensors"))):
        done = run(module, *arguments)
        assert done.returncode == 0, done.stderr


def test_calibration(run, texts, tiny, output):
    done = run("export.command", "--checkpoint", tiny, "--output", output, "--maximum-length", 20, "--precision", "int8",
               "--tokenizer", texts / "spiece.model", "--calibration", texts / "train.txt")
    assert done.returncode == 0, done.stderr


def test_what_needs_it_is_refused_with_one_line(run, exported, tiny, tmp_path, output):
    done = run("export.verify", "--model", exported, "--checkpoint", tiny, "--with", "pytorch")
    assert (done.returncode, done.stderr) == (2, "verify.py: --with pytorch needs PyTorch: torch is not to be imported here\n")
    checkpoint = tmp_path / "pickled"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_bytes((tiny / "config.json").read_bytes())
    torch.save({name: torch.from_numpy(values) for name, values in read_tensors(tiny / "model.safetensors").items()}, checkpoint / "pytorch_model.bin")
    done = run("export.command", "--checkpoint", checkpoint, "--output", output)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not output.exists()
    assert done.stderr.startswith(f"export.py: {checkpoint / 'pytorch_model.bin'} is a file of PyTorch, which is not installed here (torch is not to be imported here)")
    done = run("export.verify", "--model", exported, "--checkpoint", tiny, "--against", "transformers")
    assert (done.returncode, done.stderr) == (2, "verify.py: --against transformers needs PyTorch: torch is not to be imported here\n")
