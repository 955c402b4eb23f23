"""Graphs that are run by what there is: onnxruntime, in a process of its own as it and onnx cannot share one on every system; else onnx.reference."""

import importlib
import importlib.util
import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HAS_ONNXRUNTIME = importlib.util.find_spec("onnxruntime") is not None
HAS_REFERENCE = importlib.util.find_spec("onnx.reference") is not None
SERVER = Path(__file__).with_name("graph_server.py")

needs_a_runtime = pytest.mark.skipif(not HAS_ONNXRUNTIME and not HAS_REFERENCE, reason="neither onnxruntime nor onnx.reference runs a graph here")
needs_onnxruntime = pytest.mark.skipif(not HAS_ONNXRUNTIME, reason="there is no onnxruntime here")

Arrays = dict[str, np.ndarray]


class Session:
    """One graph; also a context, at whose end it is closed."""

    def __init__(self, path, threads: int = 1):
        self.process = self.evaluator = None
        if HAS_ONNXRUNTIME:
            self.process = subprocess.Popen([sys.executable, str(SERVER), str(path), str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        else:
            self.evaluator = importlib.import_module("onnx.reference").ReferenceEvaluator(str(path))

    def run(self, inputs: Arrays) -> Arrays:
        """All outputs by name."""
        if self.process is None:
            return dict(zip(self.evaluator.output_names, self.evaluator.run(None, inputs)))
        question = io.BytesIO()
        np.savez(question, **inputs)
        self.process.stdin.write(struct.pack("<Q", question.tell()) + question.getvalue())
        self.process.stdin.flush()
        (size,) = struct.unpack("<Q", self.process.stdout.read(8))
        with np.load(io.BytesIO(self.process.stdout.read(size))) as file:
            return {name: file[name] for name in file.files}

    def close(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()
