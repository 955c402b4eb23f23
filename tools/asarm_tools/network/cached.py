"""The same network, a few rows at a time: keys and values of tokens that are already known come from a cache.

Exact, as nothing that a content row sees changes once it is known: given tokens see given tokens only, a decided token only earlier
ranks. The cache is indexed by the position in the sequence. New keys and values are outputs, which the caller writes into its
cache; a rejected draft token is overwritten in place.

Shapes: B batch, P cached positions (past), C new content rows, T targets, R = C + T rows, N keys of one kind (P or C), H heads, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from asarm_tools.network.config import HIDDEN_SCORE
from asarm_tools.network.two_stream import Layer, RelativeAttention, TwoStreamModel, relative_encoding

CACHED_INPUTS = ("input_ids", "content_positions", "content_ranks", "content_horizons", "target_positions", "target_horizons", "past_ranks")
POSITION_ENCODING = "position_encoding"
_COLUMNS = 16  # a full vector; one column alone would take another path through some matrix libraries, with another rounding


@dataclass(frozen=True)
class Keys:
    """What all layers share about one kind of keys, cached or new."""

    count: int  # N
    place: Tensor  # [H, B * R, N], distances as places in the table of distances
    hidden: Tensor  # [B, 1, R, N], what is added to the scores
    ones: Tensor  # [N, columns]


@dataclass(frozen=True)
class Call:
    """What all layers of a call share. Sizes are taken once: PyTorch writes the nodes that compute them wherever they are taken."""

    batch: int
    rows: int
    cached: Keys
    new: Keys


class CachedModel(nn.Module):
    """Shares all weights with a TwoStreamModel; sequences of up to `length` tokens."""

    def __init__(self, model: TwoStreamModel, length: int):
        super().__init__()
        self.config, self.length = model.config, length
        self.transformer, self.lm_loss = model.transformer, model.lm_loss
        encoding = relative_encoding(length, model.config, model.lm_loss.bias)
        self.register_buffer(POSITION_ENCODING, F.pad(encoding, (0, 0, 0, 1)))  # one more, unused: products with an odd number of columns are slower

    def forward(self, input_ids: Tensor, content_positions: Tensor, content_ranks: Tensor, content_horizons: Tensor,
                target_positions: Tensor, target_horizons: Tensor, past_ranks: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        """Logits [B, T, V], then the new key and value [B, C, H, D] of each layer. C, T and P are at least 1.

        input_ids, content_positions, content_ranks, content_horizons [B, C]: the tokens to encode. A row sees the tokens of all
        ranks below its horizon: the number of given tokens for those, its own rank + 1 for a decided or proposed one.
        target_positions, target_horizons [B, T]. past_ranks [B, P]: the rank of the token whose key is cached for each position,
        or a rank past every horizon where there is none. past: key and value [B, H, P, D] of each layer.
        """
        (batch, new), past_count, targets = input_ids.shape, past_ranks.shape[1], target_positions.shape[1]
        row_positions = torch.cat((content_positions, target_positions), 1)
        horizons = torch.cat((content_horizons, target_horizons), 1)
        cached_positions = torch.arange(past_count, device=past_ranks.device).expand_as(past_ranks)

        def call(first: int, count: int) -> Call:
            """Of count rows, the last ones."""
            seen = row_positions[:, first:], horizons[:, first:]
            return Call(batch, count, self.keys(past_count, cached_positions, past_ranks, *seen), self.keys(new, content_positions, content_ranks, *seen))

        rows = torch.cat((self.transformer.word_embedding(input_ids), self.transformer.mask_emb.expand(batch, targets, -1)), 1)
        present: list[Tensor] = []
        whole = call(0, new + targets)
        for index, layer in enumerate(self.transformer.layer[:-1]):
            rows, key, value = self.layer(layer, rows, rows[:, :new], past[2 * index], past[2 * index + 1], whole)
            present += (key, value)
        # The content stream of the last layer would be read by nobody. Its last row stays, so that there are two rows at least: for a
        # single one, matrix libraries have other kernels, which round in another way.
        rows, key, value = self.layer(self.transformer.layer[-1], rows[:, new - 1:], rows[:, :new], past[-2], past[-1], call(new - 1, targets + 1))
        return (TwoStreamModel.logits(self, rows[:, 1:]), *present, key, value)

    def keys(self, count: int, positions: Tensor, ranks: Tensor, row_positions: Tensor, horizons: Tensor) -> Keys:
        """Of keys at positions [B, N] of tokens of ranks [B, N], as rows at row_positions [B, R] see them."""
        visible = ranks[:, None, None, :] < horizons[:, None, :, None]
        hidden = torch.zeros_like(visible, dtype=torch.float32).masked_fill(~visible, HIDDEN_SCORE).to(self.lm_loss.bias.dtype)
        distance = row_positions[:, :, None] - positions[:, None, :] + (self.length - 1)  # query minus key
        place = distance.flatten(0, 1).expand(self.config.n_head, -1, -1)
        return Keys(count, place, hidden, self.lm_loss.bias.new_ones(count, _COLUMNS))

    def layer(self, layer: Layer, rows: Tensor, content: Tensor, past_key: Tensor, past_value: Tensor, call: Call) -> tuple[Tensor, Tensor, Tensor]:
        """One layer over rows [B, R, d]; also the keys and values [B, C, H, D] of content [B, C, d]."""
        attention = layer.rel_attn
        heads = attention.n_head, attention.d_head
        key, value = ((content @ weight.flatten(1)).view(call.batch, call.new.count, *heads) for weight in (attention.k, attention.v))
        mixed = attend(self.scores(attention, rows, past_key, key.transpose(1, 2), call), past_value, value.transpose(1, 2), call)
        merged = mixed.transpose(1, 2).reshape(call.batch, call.rows, self.config.d_model)
        return layer.ff(attention.output(merged, rows)), key, value

    def scores(self, attention: RelativeAttention, rows: Tensor, past_key: Tensor, key: Tensor, call: Call) -> list[Tensor]:
        """Attention scores [B, H, R, P] and [B, H, R, C], of keys [B, H, P, D] and [B, H, C, D]."""
        heads, size, batch, count = attention.n_head, attention.d_head, call.batch, call.rows
        scale = size ** -0.5
        query = (rows @ attention.q.flatten(1)).view(batch, count, heads, size).transpose(1, 2)
        by_content, by_distance = (query + bias[:, None] for bias in (attention.r_w_bias, attention.r_r_bias))
        # Of constants only: ONNX Runtime computes the table [H, D, 2 * length] once, when it loads the graph.
        table = (self.position_encoding @ attention.r.flatten(1)).view(-1, heads, size).permute(1, 2, 0) * scale
        distant = by_distance.transpose(0, 1).reshape(heads, batch * count, size) @ table
        twice = torch.cat((key, key), 2).transpose(2, 3)  # two columns at least, as above
        by_key = (by_content @ past_key.transpose(2, 3)) * scale, ((by_content @ twice) * scale)[:, :, :, :call.new.count]
        return [score + distant.gather(2, part.place).view(heads, batch, count, part.count).transpose(0, 1) + part.hidden
                for score, part in zip(by_key, (call.cached, call.new))]


def attend(scores: list[Tensor], past_value: Tensor, value: Tensor, call: Call) -> Tensor:
    """Softmax over both kinds of keys, applied to values [B, H, P, D] and [B, H, C, D]: [B, H, R, D].

    Sums over cached and over new keys are taken apart and by matrix products, so that neither padding of the cache nor other rows
    of the call change how a row's sum is rounded.
    """
    maximum = torch.maximum(*(score.amax(3, keepdim=True) for score in scores))
    cached, new = (torch.exp(score - maximum) for score in scores)
    total = cached @ call.cached.ones + new @ call.new.ones
    return (cached @ past_value + new @ value) / total[:, :, :, :1]


def cache_ports(layers: int) -> tuple[list[str], list[str]]:
    """Names of the cache inputs and of the outputs with new rows, in the order of forward."""
    kinds = [(layer, kind) for layer in range(layers) for kind in ("key", "value")]
    return [f"past_key_values.{layer}.{kind}" for layer, kind in kinds], [f"present.{layer}.{kind}" for layer, kind in kinds]
