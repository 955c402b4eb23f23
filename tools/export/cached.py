"""The same network, a few rows at a time: keys and values of tokens that are already known come from a cache.

Exact, as nothing that a content row sees changes once it is known: given tokens see given tokens only, a decided token only earlier
ranks. The cache is indexed by the position in the sequence. New keys and values are outputs, which the caller writes into its
cache; a rejected proposal is overwritten in place.

Shapes: B batch, P cached positions (past), C new content rows, T targets, R = C + T rows, K = P + C keys, H heads, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from two_stream import HIDDEN_SCORE, Layer, RelativeAttention, TwoStreamModel, relative_encoding

CACHED_INPUTS = ("input_ids", "content_positions", "content_ranks", "content_horizons", "target_positions", "target_horizons", "past_ranks")
POSITION_ENCODING = "position_encoding"
_COLUMNS = 16  # a full vector; one column alone would take another path through some matrix libraries, with another rounding


@dataclass(frozen=True)
class Call:
    """What all layers of a call share. Sizes are taken once: PyTorch writes the nodes that compute them wherever they are taken."""

    batch: int
    past: int
    new: int
    rows: int
    distance: Tensor  # [K, B, R], as a place in the table of distances
    hidden: Tensor  # [B, 1, K, R], what is added to the scores
    ones: list[Tensor]  # [P, columns] and [C, columns]


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
        """Logits [B, T, V], then the new key and value [B, C, H, D] of each layer. C, T and in ONNX Runtime P are at least 1.

        input_ids, content_positions, content_ranks, content_horizons [B, C]: the tokens to encode. A row sees the tokens of all
        ranks below its horizon: the number of given tokens for those, its own rank + 1 for a decided or proposed one.
        target_positions, target_horizons [B, T]. past_ranks [B, P]: the rank of the token whose key is cached for each position,
        or a rank past every horizon where there is none. past: key and value [B, H, P, D] of each layer.
        """
        (batch, new), past_count, targets = input_ids.shape, past_ranks.shape[1], target_positions.shape[1]
        row_positions = torch.cat((content_positions, target_positions), 1)
        horizons = torch.cat((content_horizons, target_horizons), 1)
        cached_positions = torch.arange(past_count, device=past_ranks.device).expand_as(past_ranks)
        key_positions = torch.cat((cached_positions, content_positions), 1)
        visible = torch.cat((past_ranks, content_ranks), 1)[:, None, :, None] < horizons[:, None, None, :]  # [B, 1, K, R]
        hidden = torch.zeros_like(visible, dtype=torch.float32).masked_fill(~visible, HIDDEN_SCORE).to(self.lm_loss.bias.dtype)
        distance = row_positions - key_positions.t()[:, :, None] + (self.length - 1)  # query minus key, [K, B, R]
        ones = [self.lm_loss.bias.new_ones(count, _COLUMNS) for count in (past_count, new)]
        call = Call(batch, past_count, new, new + targets, distance, hidden, ones)
        rows = torch.cat((self.transformer.word_embedding(input_ids), self.transformer.mask_emb.expand(batch, targets, -1)), 1)
        present: list[Tensor] = []
        for index, layer in enumerate(self.transformer.layer[:-1]):
            rows, key, value = self.layer(layer, rows, rows[:, :new], past[2 * index], past[2 * index + 1], call)
            present += (key, value)
        # The content stream of the last layer would be read by nobody. Its last row stays, so that there are two rows at least: for a
        # single one, matrix libraries have other kernels, which round in another way.
        call = replace(call, rows=targets + 1, distance=distance[:, :, new - 1:], hidden=hidden[:, :, :, new - 1:])
        rows, key, value = self.layer(self.transformer.layer[-1], rows[:, new - 1:], rows[:, :new], past[-2], past[-1], call)
        return (TwoStreamModel.logits(self, rows[:, 1:]), *present, key, value)

    def layer(self, layer: Layer, rows: Tensor, content: Tensor, past_key: Tensor, past_value: Tensor, call: Call) -> tuple[Tensor, Tensor, Tensor]:
        """One layer over rows [B, R, d]; also the keys and values [B, C, H, D] of content [B, C, d]."""
        attention = layer.rel_attn
        heads = attention.n_head, attention.d_head
        key, value = ((content @ weight.flatten(1)).view(call.batch, call.new, *heads) for weight in (attention.k, attention.v))
        mixed = attend(self.scores(attention, rows, key, past_key, call), past_value, value.transpose(1, 2), call)
        merged = mixed.transpose(1, 2).reshape(call.batch, call.rows, self.config.d_model)
        return layer.ff(attention.layer_norm(merged @ attention.o.flatten(1).t() + rows)), key, value

    def scores(self, attention: RelativeAttention, rows: Tensor, key: Tensor, past_key: Tensor, call: Call) -> Tensor:
        """Attention scores [B, H, K, R], keys first: the long cache is then the left factor, which matrix libraries need not repack."""
        heads, size, keys = attention.n_head, attention.d_head, call.past + call.new
        query = (rows @ attention.q.flatten(1)).view(call.batch, call.rows, heads, size) * size ** -0.5
        by_content = (query + attention.r_w_bias * size ** -0.5).permute(0, 2, 3, 1)  # [B, H, D, R]
        by_distance = (query + attention.r_r_bias * size ** -0.5).permute(2, 3, 0, 1).reshape(heads, size, -1)  # [H, D, B * R]
        # Of constants only: ONNX Runtime computes the table [H, 2 * length - 1, D] once, when it loads the graph.
        table = (self.position_encoding @ attention.r.flatten(1)).view(-1, heads, size).transpose(0, 1)
        place = call.distance.reshape(1, keys, -1).expand(heads, -1, -1)
        distant = (table @ by_distance).gather(1, place).view(heads, keys, call.batch, call.rows).permute(2, 0, 1, 3)
        twice = torch.cat((key, key), 1).transpose(1, 2)  # two rows at least, as above
        return torch.cat((past_key @ by_content, (twice @ by_content)[:, :, :call.new]), 2) + distant + call.hidden


def attend(scores: Tensor, past_value: Tensor, value: Tensor, call: Call) -> Tensor:
    """Softmax over keys [B, H, K, R], applied to values [B, H, P, D] and [B, H, C, D]: [B, H, R, D].

    Sums over cached and over new keys are taken apart and by matrix products, so that neither padding of the cache nor other rows
    of the call change how a row's sum is rounded.
    """
    maximum = scores.amax(2, keepdim=True).expand(-1, -1, call.past + call.new, -1)  # apart: ONNX Runtime subtracts few columns slowly
    weights = torch.exp(scores - maximum)
    cached, new = (part.transpose(2, 3) for part in (weights[:, :, :call.past], weights[:, :, call.past:]))
    total = cached @ call.ones[0] + new @ call.ones[1]
    return (cached @ past_value + new @ value) / total[:, :, :, :1]


def cache_ports(layers: int) -> tuple[list[str], list[str]]:
    """Names of the cache inputs and of the outputs with new rows, in the order of forward."""
    kinds = [(layer, kind) for layer in range(layers) for kind in ("key", "value")]
    return [f"past_key_values.{layer}.{kind}" for layer, kind in kinds], [f"present.{layer}.{kind}" for layer, kind in kinds]
