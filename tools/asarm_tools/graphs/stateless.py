"""model.onnx: whole sequences in, one row of logits per question out (docs/model-format.md). S sequence, T targets, R = S + T rows."""

from __future__ import annotations

import numpy as np

from asarm_tools.graphs.arithmetic import Arithmetic
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.layers import Layers, new_keys
from asarm_tools.graphs.names import POSITIONS, Names
from asarm_tools.graphs.shared import Rows, Shared
from asarm_tools.graphs.writer import END, GraphWriter


class ContentKeys:
    """Keys and values of the sequence's own content rows."""

    def __init__(self, writer: GraphWriter, arithmetic: Arithmetic, names: Names, encoding: str):
        self.writer, self.arithmetic, self.names, self.encoding = writer, arithmetic, names, encoding

    def of_layer(self, layer: int, content: str) -> tuple[str, str]:
        key, value = new_keys(self.writer, self.arithmetic, self.names, layer, content)
        return self.writer.node("Transpose", "keys", key, perm=[0, 2, 1, 3]), self.writer.node("Transpose", "values", value, perm=[0, 2, 1, 3])

    def distances(self, layer: int, rows: str, columns: str) -> str:
        table = self.arithmetic.dynamic_table("distances.table", self.encoding, layer)
        return self.arithmetic.distances("distances", rows, table, columns)


def write_stateless(writer: GraphWriter, arithmetic: Arithmetic, weights: GraphWeights, length: int) -> None:
    """All nodes, from the inputs of the contract to `logits`; sequences of up to `length` tokens."""
    names = weights.names
    shared, sequence = Shared(writer, arithmetic, names), writer.size("sequence", "input_ids", 1)
    with writer.scope("positions"):
        positions = shared.range("all", sequence)
        content_positions = writer.node("Expand", "content", positions, writer.node("Shape", "content.shape", "input_ids"))
        middle = writer.node("Sub", "middle", sequence, writer.integers(1))
        bounds = writer.node("Sub", "first", writer.integers(length), sequence), writer.node("Add", "end", writer.integers(length - 1), sequence)
        encoding = writer.node("Slice", "encoding", arithmetic.vector(POSITIONS), *bounds, writer.integers(0))
    visible, seen = _visibility(writer, shared)
    shape = shared.shape(writer.size("batch", "input_ids", 0), sequence)
    with writer.scope("rows"):
        row_positions = writer.node("Concat", "positions", content_positions, "target_positions", axis=1)
        all_rows = Rows(shared.columns(row_positions, positions, middle), shared.hidden(writer.node("Concat", "visible", visible, seen, axis=1)), shape)
    with writer.scope("targets"):
        targets = Rows(shared.columns("target_positions", positions, middle), shared.hidden(seen), shape)
    rows, layers, keys = shared.embeddings(), Layers(writer, arithmetic, names), ContentKeys(writer, arithmetic, names, encoding)
    last = names.config.n_layer - 1
    for layer in range(last):
        rows = layers.write(layer, rows, arithmetic.take_rows(f"layer.{layer}.content", rows, writer.integers(0), sequence), keys, all_rows)
    # The content stream of the last layer would be read by nobody.
    content = arithmetic.take_rows(f"layer.{last}.content", rows, writer.integers(0), sequence)
    asked = arithmetic.take_rows(f"layer.{last}.targets", rows, sequence, writer.integers(END))
    rows = layers.write(last, asked, content, keys, targets)
    writer.output("logits", arithmetic.logits("output", rows))


def _visibility(writer: GraphWriter, shared: Shared) -> tuple[str, str]:
    """What content rows see [B, S, S], themselves, earlier ranks, and given tokens each other; and targets [B, T, S], the ranks below their horizon."""
    with writer.scope("visibility"):
        ranks = shared.row("ranks", "order")
        given = writer.node("Greater", "given", "prompt_mask", writer.number(0, np.int64))
        both = writer.node("And", "both_given", shared.column("given", given), shared.row("given", given))
        earlier = writer.node("LessOrEqual", "earlier", ranks, shared.column("ranks", "order"))
        return writer.node("Or", "content", earlier, both), writer.node("Less", "targets", ranks, shared.column("horizons", "target_horizons"))
