"""Runs an ONNX graph by Python's onnxruntime in a process of its own, as onnxruntime and onnx cannot share one on every system.

    run_graph.py GRAPH INPUTS.npz OUTPUTS.npz

INPUTS has `CASE/CALL/NAME` for each input of each call of each case; from its second call on, a case has the keys and values that the call before gave.
OUTPUTS gets `CASE` with the first output of the last call.
"""

import sys

import numpy as np
import onnxruntime

graph, given, answered = sys.argv[1:]
session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
outputs = [port.name for port in session.get_outputs() if port.name.startswith(("logits", "present."))]
calls: dict = {}
with np.load(given) as file:
    for key in file.files:
        case, call, name = key.split("/", 2)
        calls.setdefault(case, {}).setdefault(int(call), {})[name] = file[key]
answers = {}
for case, inputs in calls.items():
    cache: dict = {}
    for call in sorted(inputs):
        found = dict(zip(outputs, session.run(outputs, {**inputs[call], **cache})))
        cache = {name.replace("present.", "past_key_values.", 1): values for name, values in found.items() if name.startswith("present.")}
    answers[case] = found["logits"]
np.savez(answered, **answers)
