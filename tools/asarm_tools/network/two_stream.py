"""XLNet's two-stream network as one PyTorch module that answers conditionals p(x_sigma(rank) | x_sigma(<horizon)).

Two streams share all weights (Yang et al. 2019, arXiv 1906.08237, section 2.3). A content row knows its own token and
becomes keys and values; a query row knows only its position and becomes a distribution. Parameter names are those of
Hugging Face's XLNetLMHeadModel, so its checkpoints load unchanged.

Shapes: B batch, S sequence, T targets, R = S + T rows, H heads, D head size, d = H * D model size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from asarm_tools.network.config import HIDDEN_SCORE, TwoStreamConfig


class TwoStreamModel(nn.Module):
    """Stateless: a whole sequence in, one row of logits per asked conditional out."""

    def __init__(self, config: TwoStreamConfig):
        super().__init__()
        self.config = config
        self.transformer = nn.Module()
        self.transformer.word_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.transformer.mask_emb = nn.Parameter(torch.zeros(1, 1, config.d_model))
        self.transformer.layer = nn.ModuleList(Layer(config) for _ in range(config.n_layer))
        self.lm_loss = nn.Linear(config.d_model, config.vocab_size)
        self.lm_loss.weight = self.transformer.word_embedding.weight  # tied
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, input_ids: Tensor, order: Tensor, prompt_mask: Tensor, target_positions: Tensor,
                target_horizons: Tensor) -> Tensor:
        """Logits [B, T, V] of the targets.

        input_ids [B, S]; order [B, S], the rank of each position; prompt_mask [B, S], 1 where the token is given;
        target_positions [B, T]; target_horizons [B, T]: a target sees the ranks below its horizon.
        """
        length = input_ids.shape[1]
        visible = torch.cat((content_visibility(order, prompt_mask), order[:, None, :] < target_horizons[:, :, None]), 1)
        positions = torch.arange(length, device=input_ids.device)
        row_positions = torch.cat((positions.expand_as(input_ids), target_positions), 1)
        distance = row_positions[:, :, None] - positions  # query minus key, [B, R, S]
        content = self.dropout(self.transformer.word_embedding(input_ids))
        query = self.dropout(self.transformer.mask_emb.expand(target_positions.shape[0], target_positions.shape[1], -1))
        encoding = self.dropout(relative_encoding(length, self.config, content))
        for layer in self.transformer.layer[:-1]:
            rows = layer(torch.cat((content, query), 1), content, encoding, distance, visible)
            content, query = rows[:, :length], rows[:, length:]
        # The content stream of the last layer would be read by nobody.
        query = self.transformer.layer[-1](query, content, encoding, distance[:, length:], visible[:, length:])
        return self.logits(self.dropout(query))

    def logits(self, query: Tensor) -> Tensor:
        """[B, T, d] -> [B, T, V], by the tied embedding."""
        flat = self.lm_loss(query.reshape(-1, self.config.d_model))
        return flat.view(query.shape[0], query.shape[1], self.config.vocab_size)


class Layer(nn.Module):
    """Post-norm transformer layer over rows [B, R, d] that look at content [B, S, d]."""

    def __init__(self, config: TwoStreamConfig):
        super().__init__()
        self.rel_attn = RelativeAttention(config)
        self.ff = FeedForward(config)

    def forward(self, rows: Tensor, content: Tensor, encoding: Tensor, distance: Tensor, visible: Tensor) -> Tensor:
        return self.ff(self.rel_attn(rows, content, encoding, distance, visible))


class RelativeAttention(nn.Module):
    """Transformer-XL attention (Dai et al. 2019, arXiv 1901.02860): scores by content and by relative position."""

    def __init__(self, config: TwoStreamConfig):
        super().__init__()
        self.n_head, self.d_head = config.n_head, config.d_head
        for name in ("q", "k", "v", "o", "r"):
            setattr(self, name, nn.Parameter(torch.empty(config.d_model, config.n_head, config.d_head)))
        self.r_w_bias = nn.Parameter(torch.zeros(config.n_head, config.d_head))
        self.r_r_bias = nn.Parameter(torch.zeros(config.n_head, config.d_head))
        self.register_parameter("o_bias", None)  # no part of a checkpoint: centre.py makes one
        self.layer_norm = nn.LayerNorm(config.d_model, eps=config.layer_norm_eps)
        self.softmax = nn.Softmax(-1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, rows: Tensor, content: Tensor, encoding: Tensor, distance: Tensor, visible: Tensor) -> Tensor:
        return self.output(self.mix(rows, content, encoding, distance, visible), rows)

    def mix(self, rows: Tensor, content: Tensor, encoding: Tensor, distance: Tensor, visible: Tensor) -> Tensor:
        """[B, R, d]: what each row takes from the content, heads side by side."""
        query = self.split(rows @ self.q.flatten(1))
        key = self.split(content @ self.k.flatten(1))
        value = self.split(content @ self.v.flatten(1))
        position_key = self.split((encoding @ self.r.flatten(1))[None])
        by_content = (query + self.r_w_bias[:, None]) @ key.transpose(2, 3)
        by_distance = (query + self.r_r_bias[:, None]) @ position_key.transpose(2, 3)
        scores = (by_content + take_distances(by_distance, distance)) * self.d_head ** -0.5
        scores = scores.masked_fill(~visible[:, None], HIDDEN_SCORE)
        attention = self.dropout(self.softmax(scores)) @ value
        return attention.transpose(1, 2).reshape(rows.shape[0], rows.shape[1], self.n_head * self.d_head)

    def output(self, merged: Tensor, rows: Tensor) -> Tensor:
        projected = merged @ self.o.flatten(1).t()
        if self.o_bias is not None:
            projected = projected + self.o_bias
        return self.layer_norm(self.dropout(projected) + rows)

    def split(self, rows: Tensor) -> Tensor:
        """[B, R, H * D] -> [B, H, R, D]"""
        return rows.view(rows.shape[0], rows.shape[1], self.n_head, self.d_head).transpose(1, 2)


def exact_gelu(rows: Tensor) -> Tensor:
    """By erf."""
    return F.gelu(rows)


def tanh_gelu(rows: Tensor) -> Tensor:
    """The approximation by tanh (Hendrycks & Gimpel 2016, arXiv 1606.08415)."""
    return 0.5 * rows * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (rows + 0.044715 * rows * rows * rows)))


# As Hugging Face spells them.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": exact_gelu, "gelu_new": tanh_gelu, "relu": F.relu, "silu": F.silu, "swish": F.silu}


class FeedForward(nn.Module):
    def __init__(self, config: TwoStreamConfig):
        super().__init__()
        self.activation = ACTIVATIONS[config.ff_activation]
        self.layer_1 = nn.Linear(config.d_model, config.d_inner)
        self.layer_2 = nn.Linear(config.d_inner, config.d_model)
        self.layer_norm = nn.LayerNorm(config.d_model, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, rows: Tensor) -> Tensor:
        return self.output(self.inner(rows), rows)

    def inner(self, rows: Tensor) -> Tensor:
        """[B, R, d_inner]"""
        return self.dropout(self.activation(self.layer_1(rows)))

    def output(self, inner: Tensor, rows: Tensor) -> Tensor:
        return self.layer_norm(self.dropout(self.layer_2(inner)) + rows)


def content_visibility(order: Tensor, prompt_mask: Tensor) -> Tensor:
    """[B, S, S]: a content row sees itself and earlier ranks; given tokens all see each other."""
    both_given = (prompt_mask[:, :, None] * prompt_mask[:, None, :]) > 0
    return (order[:, None, :] <= order[:, :, None]) | both_given


def relative_encoding(length: int, config: TwoStreamConfig, like: Tensor) -> Tensor:
    """[2 S - 1, d]: sinusoids of the distances -(S-1)..S-1, a half of sines, then a half of cosines, in float32."""
    distances = torch.arange(2 * length - 1, device=like.device, dtype=torch.float32) - (length - 1)
    if config.clamp_len > 0:
        distances = distances.clamp(-config.clamp_len, config.clamp_len)
    # One over the power, not the power of the negative: float32 then rounds as in the reference.
    exponents = torch.arange(0, config.d_model, 2, device=like.device, dtype=torch.float32) / config.d_model
    frequencies = 1 / torch.pow(10000.0, exponents)
    angles = distances[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), 1).to(like.dtype)


def take_distances(scores: Tensor, distance: Tensor) -> Tensor:
    """Scores by distance [B, H, R, 2 S - 1] -> scores by key [B, H, R, S]; gathers scores, never keys."""
    index = (distance + distance.shape[2] - 1)[:, None].expand(-1, scores.shape[1], -1, -1)
    return TakeDistances.apply(scores, index) if torch.is_grad_enabled() else scores.gather(3, index)


class TakeDistances(torch.autograd.Function):
    """The gather above, with a gradient that gathers too.

    Key j of a row at position i reads the place t = i - j + S - 1, each place at most once, so that the gradient of place
    t is that of key j = i + S - 1 - t where there is such a key. PyTorch's own gradient scatters, about ten times slower.
    """

    @staticmethod
    def forward(context: Any, scores: Tensor, index: Tensor) -> Tensor:
        context.save_for_backward(index)
        return scores.gather(3, index)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (index,) = context.saved_tensors
        length = gradient.shape[3]
        places = torch.arange(2 * length - 1, device=gradient.device)
        key = index[..., :1] - places  # index of key 0 is i + S - 1
        inside = (key >= 0) & (key < length)
        return gradient.gather(3, key.clamp(0, length - 1)) * inside, None
