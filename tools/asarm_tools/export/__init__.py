"""A checkpoint as a model folder, and back.

onnx is loaded here, and so before PyTorch: where PyTorch was loaded first, onnx's checker crashes on some systems (Debian with torch 2.14,
onnx 1.20), as both bring a protobuf of their own. Commands of this package therefore import from it before they import torch.
"""

import onnx  # noqa: F401
