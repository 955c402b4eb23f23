"""Loads onnx before PyTorch: where PyTorch was loaded first, onnx's checker crashes on some systems (Debian with torch 2.14, onnx 1.20),
as both bring a protobuf of their own. Imported before all else by what checks graphs."""

import onnx  # noqa: F401
