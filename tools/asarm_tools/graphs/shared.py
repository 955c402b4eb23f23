"""What all layers of a graph share, computed once from its inputs: positions, what each row sees, embeddings, shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from asarm_tools.graphs.arithmetic import Arithmetic
from asarm_tools.graphs.names import MASK_EMBEDDING, Names
from asarm_tools.graphs.writer import GraphWriter
from asarm_tools.network.config import HIDDEN_SCORE

_HIDDEN_FLOAT16 = -3e4  # exp of it is zero in float16, and a score can be added without an overflow


@dataclass(frozen=True)
class Rows:
    """Of the rows of a layer. B batch, R rows, N keys, H heads."""

    columns: str  # int32 [H, B * R, N], the column of the table of distances for each row and key
    hidden: str  # [B, 1, R, N], what is added to the scores
    shape: str  # int64 [4]: H, B, -1, N


class Shared:
    """Writes the nodes before the first layer; the names are within the scope of the caller."""

    def __init__(self, writer: GraphWriter, arithmetic: Arithmetic, names: Names):
        self.writer, self.arithmetic, self.names = writer, arithmetic, names

    def range(self, name: str, size: str) -> str:
        """int64 [size]: 0, 1, ..., of a size int64 [1]."""
        writer = self.writer
        count = writer.node("Squeeze", f"{name}.count", size, writer.integers(0))
        return writer.node("Range", name, writer.number(0, np.int64), count, writer.number(1, np.int64))

    def column(self, name: str, values: str) -> str:
        """[B, R] -> [B, R, 1]"""
        return self.writer.node("Unsqueeze", f"{name}.column", values, self.writer.integers(2))

    def row(self, name: str, values: str) -> str:
        """[B, N] -> [B, 1, N]"""
        return self.writer.node("Unsqueeze", f"{name}.row", values, self.writer.integers(1))

    def embeddings(self) -> str:
        """[B, C + T, d]: the tokens' rows, then one mask embedding for each target."""
        writer = self.writer
        with writer.scope("embeddings"):
            content = self.arithmetic.embed("tokens", "input_ids")
            shape = writer.node("Concat", "targets.shape", writer.node("Shape", "targets.sizes", "target_positions"), writer.integers(1), axis=0)
            targets = writer.node("Expand", "targets", self.arithmetic.vector(MASK_EMBEDDING), shape)
            return writer.node("Concat", "rows", content, targets, axis=1)

    def hidden(self, visible: str) -> str:
        """[B, 1, R, N] of visible [B, R, N]: 0, or what takes a key out of the softmax."""
        writer, number = self.writer, self.arithmetic.number
        least = HIDDEN_SCORE if self.arithmetic.kind == TensorProto.FLOAT else _HIDDEN_FLOAT16
        return writer.node("Unsqueeze", "hidden", writer.node("Where", "hidden.scores", visible, number(0), number(least)), writer.integers(1))

    def columns(self, row_positions: str, key_positions: str, middle: str, last: int | None = None) -> str:
        """int32 [H, B * R, N] of positions [B, R] and [N]: query minus key plus the column `middle` of distance 0; none beyond 0 and `last`."""
        writer = self.writer
        distance = writer.node("Sub", "distance", self.column("rows", row_positions), key_positions)
        place = writer.node("Add", "columns.exact", distance, middle)
        if last is not None:
            place = writer.node("Clip", "columns.inside", place, writer.number(0, np.int64), writer.number(last, np.int64))
        place = writer.node("Cast", "columns.int32", place, to=TensorProto.INT32)
        keys = writer.size("columns.keys", place, 2)
        rows = writer.node("Concat", "columns.rows.shape", writer.integers(1, -1), keys, axis=0)
        shape = writer.node("Concat", "columns.shape", writer.integers(self.names.config.n_head, 1), keys, axis=0)
        return writer.node("Expand", "columns", writer.node("Reshape", "columns.rows", place, rows), shape)

    def shape(self, batch: str, keys: str) -> str:
        """Of scores with the heads first: H, B, -1, N."""
        return self.writer.node("Concat", "scores.shape", self.writer.integers(self.names.config.n_head), batch, self.writer.integers(-1), keys, axis=0)
