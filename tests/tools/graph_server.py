"""Runs one graph by Python's onnxruntime, call after call: graph_server.py GRAPH [THREADS]; see graph_session.py."""

import io
import struct
import sys

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
names = [port.name for port in session.get_outputs()]
while size := sys.stdin.buffer.read(8):
    with np.load(io.BytesIO(sys.stdin.buffer.read(struct.unpack("<Q", size)[0]))) as file:
        found = session.run(names, {name: file[name] for name in file.files})
    answer = io.BytesIO()
    np.savez(answer, **dict(zip(names, found)))
    sys.stdout.buffer.write(struct.pack("<Q", answer.tell()) + answer.getvalue())
    sys.stdout.buffer.flush()
