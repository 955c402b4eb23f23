"""The same network, a few rows at a time: keys and values of tokens that are already known come from a cache.

Exact, as nothing that a content row sees changes once it is known: given tokens see given tokens only, a decided token only earlier
ranks. The cache is indexed by the position in the sequence. New keys and values are outputs, which the caller writes into its
cache; a rejected proposal is overwritten in place.

Shapes: B batch, P cached positions (past), C new content rows, T targets, R = C + T rows, K = P + C keys, H heads, D head size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from two_stream import HIDDEN_SCORE, Layer, RelativeAttention, TwoStreamModel, relative_encoding

CACHED_INPUTS = ("input_ids", "content_positions", "content_ranks", "content_horizons", "target_positions", "target_horizons", "past_ranks")
POSITION_ENCODING = "position_encoding"
_COLUMNS = 16  # a full vector; one column alone would take another path through some matrix libraries, with another rounding


class CachedModel(nn.Module):
    """Shares all weights with a TwoStreamModel; sequences of up to `length` tokens."""

    def __init__(self, model: TwoStreamModel, length: int):
        super().__init__()
        self.config, self.length = model.config, length
        self.transformer, self.lm_loss = model.transformer, model.lm_loss
        encoding = relative_encoding(length, model.config, model.lm_loss.bias)
        self.register_buffer(POSITION_ENCODING, encoding)

    def forward(self, input_ids: Tensor, content_positions: Tensor, content_ranks: Tensor, content_horizons: Tensor,
                target_positions: Tensor, target_horizons: Tensor, past_ranks: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        """Logits [B, T, V], then the new key and value [B, C, H, D] of each layer. C and T are at least 1, P may be 0.

        input_ids, content_positions, content_ranks, content_horizons [B, C]: the tokens to encode. A row sees the tokens of all
        ranks below its horizon: the number of given tokens for those, its own rank + 1 for a decided or proposed one.
        target_positions, target_horizons [B, T]. past_ranks [B, P]: the rank of the token whose key is cached for each position,
        or a rank past every horizon where there is none. past: key and value [B, H, P, D] of each layer.
        """
        new = input_ids.shape[1]
        row_positions = torch.cat((content_positions, target_positions), 1)
        horizons = torch.cat((content_horizons, target_horizons), 1)
        cached_positions = torch.arange(past_ranks.shape[1], device=past_ranks.device).expand_as(past_ranks)
        key_positions = torch.cat((cached_positions, content_positions), 1)
        visible = torch.cat((past_ranks, content_ranks), 1)[:, None, :, None] < horizons[:, None, None, :]  # [B, 1, K, R]
        hidden = torch.zeros_like(visible, dtype=torch.float32).masked_fill(~visible, HIDDEN_SCORE).to(self.lm_loss.bias.dtype)
        distance = row_positions - key_positions.t()[:, :, None] + (self.length - 1)  # query minus key, [K, B, R]
        content = self.transformer.word_embedding(input_ids)
        query = self.transformer.mask_emb.expand(target_positions.shape[0], target_positions.shape[1], -1)
        present: list[Tensor] = []
        last = len(self.transformer.layer) - 1
        for index, layer in enumerate(self.transformer.layer):
            # The content stream of the last layer would be read by nobody. Its last row stays, so that there are two rows at least:
            # for a single one, matrix libraries have other kernels, which round in another way.
            first = 0 if index < last else new - 1
            rows = torch.cat((content, query), 1)[:, first:]
            rows, key, value = self.layer(layer, rows, content, past[2 * index], past[2 * index + 1], distance[:, :, first:], hidden[..., first:])
            present += (key, value)
            content, query = rows[:, :new - first], rows[:, new - first:]
        return (TwoStreamModel.logits(self, query), *present)

    def layer(self, layer: Layer, rows: Tensor, content: Tensor, past_key: Tensor, past_value: Tensor, distance: Tensor,
              hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One layer over rows [B, R, d]; also the keys and values of content [B, C, d]."""
        attention = layer.rel_attn
        key, value = (split(content @ weight.flatten(1), attention) for weight in (attention.k, attention.v))
        scores = self.scores(attention, rows, key, past_key, distance) + hidden
        mixed = attend(scores, past_value, value.transpose(1, 2))
        merged = mixed.transpose(1, 2).reshape(rows.shape[0], rows.shape[1], attention.n_head * attention.d_head)
        return layer.ff(attention.layer_norm(merged @ attention.o.flatten(1).t() + rows)), key, value

    def scores(self, attention: RelativeAttention, rows: Tensor, key: Tensor, past_key: Tensor, distance: Tensor) -> Tensor:
        """Attention scores [B, H, K, R], keys first: the long cache is then the left factor, which matrix libraries need not repack."""
        heads, size = attention.n_head, attention.d_head
        query = split(rows @ attention.q.flatten(1), attention) * size ** -0.5
        by_content = (query + attention.r_w_bias * size ** -0.5).permute(0, 2, 3, 1)  # [B, H, D, R]
        by_distance = (query + attention.r_r_bias * size ** -0.5).permute(2, 3, 0, 1).reshape(heads, size, -1)  # [H, D, B * R]
        # Of constants only: ONNX Runtime computes the table [H, 2 * length - 1, D] once, when it loads the graph.
        table = (self.position_encoding @ attention.r.flatten(1)).view(-1, heads, size).transpose(0, 1)
        keys, batch, count = distance.shape
        place = distance.reshape(1, keys, batch * count).expand(heads, -1, -1)
        distant = (table @ by_distance).gather(1, place).view(heads, keys, batch, count).permute(2, 0, 1, 3)
        new = key.shape[1]
        twice = torch.cat((key, key), 1).transpose(1, 2)  # two rows at least, as above
        return torch.cat((past_key @ by_content, (twice @ by_content)[:, :, :new]), 2) + distant


def attend(scores: Tensor, past_value: Tensor, value: Tensor) -> Tensor:
    """Softmax over keys [B, H, K, R], applied to values [B, H, P, D] and [B, H, C, D]: [B, H, R, D].

    Sums over cached and over new keys are taken apart and by matrix products, so that neither padding of the cache nor other rows
    of the call change how a row's sum is rounded.
    """
    maximum = scores.amax(2, keepdim=True).expand_as(scores)  # expanded apart: ONNX Runtime subtracts few columns slowly
    weights = torch.exp(scores - maximum).transpose(2, 3)
    cached = past_value.shape[2]
    past_weights, new_weights = weights[:, :, :, :cached], weights[:, :, :, cached:]
    total = past_weights @ scores.new_ones(cached, _COLUMNS) + new_weights @ scores.new_ones(value.shape[2], _COLUMNS)
    return (past_weights @ past_value + new_weights @ value) / total[:, :, :, :1]


def split(rows: Tensor, attention: RelativeAttention) -> Tensor:
    """[B, R, H * D] -> [B, R, H, D]"""
    return rows.view(rows.shape[0], rows.shape[1], attention.n_head, attention.d_head)


def cache_ports(layers: int) -> tuple[list[str], list[str]]:
    """Names of the cache inputs and of the outputs with new rows, in the order of forward."""
    kinds = [(layer, kind) for layer in range(layers) for kind in ("key", "value")]
    return [f"past_key_values.{layer}.{kind}" for layer, kind in kinds], [f"present.{layer}.{kind}" for layer, kind in kinds]
