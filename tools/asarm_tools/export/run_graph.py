"""Runs an ONNX graph by Python's onnxruntime in a process of its own, as onnxruntime and onnx cannot share one on every system.

    run_graph.py GRAPH INPUTS.npz OUTPUTS.npz

INPUTS has `CASE/NAME` for each input of each case, OUTPUTS gets `CASE` with the first output.
"""

import sys

import numpy as np
import onnxruntime

graph, given, answered = sys.argv[1:]
session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
names = {port.name for port in session.get_inputs()}
inputs: dict = {}
with np.load(given) as file:
    for key in file.files:
        case, name = key.split("/", 1)
        if name in names:  # an exporter leaves out an input that nothing reads
            inputs.setdefault(case, {})[name] = file[key]
first = session.get_outputs()[0].name
np.savez(answered, **{case: session.run([first], values)[0] for case, values in inputs.items()})
