"""model_cached.onnx: only new rows in, with keys and values of all other tokens in a cache that is updated in place (docs/model-format.md).

Exact, as nothing that a content row sees changes once it is known: given tokens see given tokens only, a decided token only earlier ranks.
B batch, P positions of the cache, C new content rows, T targets, R = C + T rows.
"""

from __future__ import annotations

import numpy as np

from asarm_tools.graphs.arithmetic import Arithmetic
from asarm_tools.graphs.graph_weights import GraphWeights
from asarm_tools.graphs.layers import Layers, new_keys
from asarm_tools.graphs.names import STATES_MEAN, Names
from asarm_tools.graphs.shared import Rows, Shared
from asarm_tools.graphs.writer import END, GraphWriter


class CachedKeys:
    """Keys and values of all positions: those of the cache, with the new rows written over them."""

    def __init__(self, writer: GraphWriter, arithmetic: Arithmetic, names: Names, places: str):
        self.writer, self.arithmetic, self.names, self.places = writer, arithmetic, names, places

    def of_layer(self, layer: int, content: str) -> tuple[str, str]:
        present = []
        for kind, rows in zip(("key", "value"), new_keys(self.writer, self.arithmetic, self.names, layer, content)):
            written = self.writer.node("ScatterND", kind, f"past_key_values.{layer}.{kind}", self.places, rows)
            present.append(self.writer.output(f"present.{layer}.{kind}", written))
        return present[0], present[1]

    def distances(self, layer: int, rows: str, columns: str) -> str:
        return self.arithmetic.distances("distances", rows, self.arithmetic.table("distances.table", layer), columns)


def write_cached(writer: GraphWriter, arithmetic: Arithmetic, weights: GraphWeights, length: int) -> None:
    """All nodes, from the inputs of the contract to `logits`, `target_states` and the cache; sequences of up to `length` tokens."""
    names = weights.names
    shared, content = Shared(writer, arithmetic, names), writer.size("content", "input_ids", 1)
    batch, past = writer.size("batch", "input_ids", 0), writer.size("past", "past_ranks", 1)
    shape = shared.shape(batch, past)
    with writer.scope("positions"):
        positions = shared.range("all", past)
        places = _cache_places(writer, shared, names, batch, content)
    with writer.scope("rows"):
        row_positions = writer.node("Concat", "positions", "content_positions", "target_positions", axis=1)
        horizons = writer.node("Concat", "horizons", "content_horizons", "target_horizons", axis=1)
        all_rows = _rows(writer, shared, positions, row_positions, horizons, shape, length)
    # The content stream of the last layer would be read by nobody. Its last row stays, so that there are two rows at least: for a single one,
    # matrix libraries have other kernels, which round in another way.
    first = writer.node("Sub", "content.last", content, writer.integers(1))
    with writer.scope("last_rows"):
        row_positions = writer.node("Slice", "positions", row_positions, first, writer.integers(END), writer.integers(1))
        horizons = writer.node("Slice", "horizons", horizons, first, writer.integers(END), writer.integers(1))
        last_rows = _rows(writer, shared, positions, row_positions, horizons, shape, length)
    rows, layers, keys = shared.embeddings(), Layers(writer, arithmetic, names), CachedKeys(writer, arithmetic, names, places)
    last = names.config.n_layer - 1
    for layer in range(last + 1):
        new = arithmetic.take_rows(f"layer.{layer}.content", rows, writer.integers(0), content)
        if layer == last:
            rows = arithmetic.take_rows(f"layer.{layer}.last_rows", rows, first, writer.integers(END))
        rows = layers.write(layer, rows, new, keys, last_rows if layer == last else all_rows)
    states = arithmetic.take_rows("targets", rows, writer.integers(1), writer.integers(END))
    writer.output("logits", arithmetic.logits("output", states))
    if weights.has_states_mean:
        states = writer.node("Add", "targets.uncentred", states, arithmetic.vector(STATES_MEAN))
    writer.output("target_states", states)


def _rows(writer: GraphWriter, shared: Shared, positions: str, row_positions: str, horizons: str, shape: str, length: int) -> Rows:
    visible = writer.node("Less", "visible", shared.row("ranks", "past_ranks"), shared.column("horizons", horizons))
    # Keys beyond the longest sequence, which nobody sees, take a distance that there is.
    return Rows(shared.columns(row_positions, positions, writer.integers(length - 1), 2 * length - 2), shared.hidden(visible), shape)


def _cache_places(writer: GraphWriter, shared: Shared, names: Names, batch: str, content: str) -> str:
    """int64 [B, C, H, 3]: sequence, head and position of each new vector in the cache."""
    heads = names.config.n_head
    shape = writer.node("Concat", "places.shape", batch, content, writer.integers(heads, 1), axis=0)
    sequence = writer.node("Reshape", "places.sequence", shared.range("sequences", batch), writer.integers(-1, 1, 1, 1))
    position = writer.node("Unsqueeze", "places.position", "content_positions", writer.integers(2, 3))
    head = writer.weight("heads", np.arange(heads).reshape(1, 1, -1, 1))
    parts = [writer.node("Expand", f"places.{name}.all", part, shape) for name, part in (("sequence", sequence), ("head", head), ("position", position))]
    return writer.node("Concat", "places", *parts, axis=3)
