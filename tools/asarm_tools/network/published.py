"""XLNet's two streams with every step that the published code computes in a call, for timing: nothing is cached, nothing spared.

The weights are those of a TwoStreamModel, and so are the logits. What that one leaves out is here: all rows of the content stream in the
last layer, attention of the query stream for every position, whether or not it is asked, and keys of positions in every call.

Shapes: B batch, S sequence, T targets, H heads, D head size, d model size, V vocabulary. Within the network the sequence comes first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from asarm_tools.network.config import TwoStreamConfig
from asarm_tools.network.two_stream import Layer, RelativeAttention, TwoStreamModel

BARRED_SCORE = 1e30  # subtracted; a row that sees nothing then averages over all positions


class PublishedModel(nn.Module):
    """Shares all weights with a TwoStreamModel."""

    def __init__(self, model: TwoStreamModel):
        super().__init__()
        self.config, self.transformer, self.lm_loss = model.config, model.transformer, model.lm_loss

    def forward(self, input_ids: Tensor, barred: Tensor, mapping: Tensor) -> Tensor:
        """Logits [B, T, V].

        input_ids [B, S]; barred [B, S, S], 1 where a row may not see a column; mapping [B, T, S], each target's position as one-hot.
        """
        query_mask = barred.permute(1, 2, 0)[..., None].contiguous()  # [S, S, B, 1]
        content_mask = opened(query_mask)
        mapping = mapping.permute(1, 2, 0).contiguous()  # [T, S, B]
        content = self.transformer.word_embedding(input_ids.t().contiguous())
        query = self.transformer.mask_emb.expand(mapping.shape[0], mapping.shape[2], -1)
        encoding = position_encoding(input_ids.shape[1], self.config, content)
        for layer in self.transformer.layer:
            content, query = both_streams(layer, content, query, encoding, content_mask, query_mask, mapping)
        return self.lm_loss(query.transpose(0, 1).contiguous())


def both_streams(layer: Layer, content: Tensor, query: Tensor, encoding: Tensor, content_mask: Tensor, query_mask: Tensor,
                 mapping: Tensor) -> tuple[Tensor, Tensor]:
    """One layer: content [S, B, d] and query [T, B, d]."""
    attention = layer.rel_attn
    keys, values = heads(content, attention.k), heads(content, attention.v)
    position_keys = heads(encoding, attention.r)
    mixed = attend(attention, heads(content, attention.q), keys, values, position_keys, content_mask)
    asked = torch.einsum("tbhe,tsb->sbhe", heads(query, attention.q), mapping)  # zeros where no target is
    answered = attend(attention, asked, keys, values, position_keys, query_mask)
    gathered = torch.einsum("sbhe,tsb->tbhe", answered, mapping)
    return layer.ff(output(attention, mixed, content)), layer.ff(output(attention, gathered, query))


def attend(attention: RelativeAttention, query: Tensor, keys: Tensor, values: Tensor, position_keys: Tensor, mask: Tensor) -> Tensor:
    """What each of the S rows takes from the values [S, B, H, D]; position_keys [2 S, 1, H, D], mask [S, S, B, 1]."""
    by_content = torch.einsum("ibhe,jbhe->bhij", query + attention.r_w_bias, keys)
    by_distance = torch.einsum("ibhe,pbhe->bhip", query + attention.r_r_bias, position_keys)
    scores = (by_content + shift(by_distance)) * attention.d_head ** -0.5
    weights = attention.softmax(scores - BARRED_SCORE * mask.permute(2, 3, 0, 1))
    return torch.einsum("bhij,jbhe->ibhe", weights, values)


def heads(rows: Tensor, weight: Tensor) -> Tensor:
    """[S, B, d] -> [S, B, H, D]"""
    return torch.einsum("sbm,mhe->sbhe", rows, weight)


def output(attention: RelativeAttention, mixed: Tensor, rows: Tensor) -> Tensor:
    """Projection of [S, B, H, D], residual and norm: [S, B, d]."""
    return attention.layer_norm(torch.einsum("sbhe,mhe->sbm", mixed, attention.o) + rows)


def shift(scores: Tensor) -> Tensor:
    """Scores by distance S .. -S + 1 [B, H, S, 2 S] -> scores by key [B, H, S, S].

    Without its first S numbers, the same memory read in rows of 2 S - 1 has each row moved one place further: row i then starts at
    distance i, which is that of key 0.
    """
    batch, count, length, distances = scores.shape
    moved = scores.reshape(batch, count, distances, length)[:, :, 1:].reshape(batch, count, length, distances - 1)
    return moved.index_select(3, torch.arange(length, device=scores.device))


def opened(mask: Tensor) -> Tensor:
    """[S, S, B, 1] in which every row sees itself."""
    diagonal = torch.eye(mask.shape[0], dtype=mask.dtype, device=mask.device)[:, :, None, None]
    return (mask > diagonal).to(mask.dtype)


def position_encoding(length: int, config: TwoStreamConfig, like: Tensor) -> Tensor:
    """[2 S, 1, d]: sinusoids of the distances S .. -S + 1, a half of sines, then a half of cosines, in float32."""
    distances = torch.arange(length, -length, -1, dtype=torch.float32, device=like.device)
    if config.clamp_len > 0:
        distances = distances.clamp(-config.clamp_len, config.clamp_len)
    exponents = torch.arange(0, config.d_model, 2, dtype=torch.float32, device=like.device) / config.d_model
    angles = torch.einsum("p,f->pf", distances, 1 / torch.pow(10000.0, exponents))
    return torch.cat((angles.sin(), angles.cos()), 1)[:, None].to(like.dtype)


def barred_by_order(order: Tensor, prompt_mask: Tensor, decided: int) -> Tensor:
    """[B, S, S] float, 1 where a row may not see a column, once the ranks below `decided` are filled in.

    A row sees earlier ranks that are decided, given tokens all see each other. order [B, S] are the ranks; prompt_mask [B, S], 1 where the
    token is given.
    """
    rank = order.masked_fill(order >= decided, order.shape[1])
    both_given = prompt_mask[:, :, None] * prompt_mask[:, None, :] > 0
    return ((rank[:, :, None] <= rank[:, None, :]) & ~both_given).float()


def one_hot(positions: Tensor, length: int) -> Tensor:
    """Positions [B, T] -> [B, T, S] float."""
    return F.one_hot(positions, length).float()
