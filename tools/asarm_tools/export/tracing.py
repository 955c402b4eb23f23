"""From PyTorch modules to ONNX graphs whose weights stay where PyTorch has them, so that an export needs little memory."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from asarm_tools.command_line.failure import InputError
from asarm_tools.export.contract import Contract

OPSETS = range(17, 22)


@dataclass
class Traced:
    """A graph without initializers, and its weights by name; those that the trace left alone are views of the module's."""

    model: onnx.ModelProto
    weights: dict[str, np.ndarray]

    def copy(self) -> Traced:
        """With nodes of its own, and the same arrays."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        return Traced(model, dict(self.weights))


def trace(module: torch.nn.Module, contract: Contract, opset: int, scratch: str) -> Traced:
    """The module as an ONNX graph with the contract's names and dynamic sizes; scratch is an empty folder."""
    if opset not in OPSETS:
        raise InputError(f"opset {opset} is outside the contract's {OPSETS[0]}..{OPSETS[-1]}")
    path = os.path.join(scratch, contract.file)
    options = {"opset_version": opset, "input_names": [port.name for port in contract.inputs],
               "output_names": [port.name for port in contract.outputs], "dynamic_axes": contract.dynamic_axes()}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # PyTorch 2: the exporter by tracing, whose graph the checks know
    with _captured_parameters() as parameters:
        _export(module, contract.examples(), path, {**options, "export_params": False, "do_constant_folding": True})
    traced = _take_weights(onnx.load(path), contract, parameters)
    if traced is None:  # a PyTorch that keeps them elsewhere: through the file, which takes several times the memory
        _export(module, contract.examples(), path, options)
        model = onnx.load(path)
        traced = Traced(model, {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer})
    del traced.model.graph.initializer[:]
    return traced


def _export(module: torch.nn.Module, examples: tuple[torch.Tensor, ...], path: str, options: dict) -> None:
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", UserWarning)  # folding is of use also where the file does not hold what was folded
            torch.onnx.export(module, examples, path, **options)
    except (RuntimeError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)  # some have no message
        raise InputError(f"PyTorch {torch.__version__} cannot export opset {options['opset_version']}: {reason}") from error


@contextlib.contextmanager
def _captured_parameters() -> Iterator[dict[str, torch.Tensor]]:
    """What the exporter would have written as initializers. It returns them to itself only, from a function that is no public one."""
    name, found = "_model_to_graph", {}
    holders = [module for key, module in list(sys.modules.items()) if key.startswith("torch.onnx") and hasattr(module, name)]
    originals = [getattr(holder, name) for holder in holders]

    def capturing(original):
        def wrapper(*arguments, **options):
            graph, parameters, output = original(*arguments, **options)
            found.update(parameters)
            return graph, parameters, output
        return wrapper

    try:
        for holder, original in zip(holders, originals):
            setattr(holder, name, capturing(original))
        yield found
    finally:
        for holder, original in zip(holders, originals):
            setattr(holder, name, original)


def _take_weights(model: onnx.ModelProto, contract: Contract, parameters: dict[str, torch.Tensor]) -> Traced | None:
    """Inputs that are not the contract's are weights; None where their values were not seen."""
    ports = {port.name for port in contract.inputs}
    names = [port.name for port in model.graph.input if port.name not in ports]
    if any(name not in parameters for name in names):
        return None
    kept = [port for port in model.graph.input if port.name in ports]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return Traced(model, {name: parameters[name].detach().numpy() for name in names})
