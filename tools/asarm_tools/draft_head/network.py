"""The draft head as a PyTorch module: u = W2 silu(W1 [state, embeddings of three tokens] + b1) + b2, and u F[x] is added to the logit of x.

Shapes: N rows, S state size, H hidden size, R rank, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from asarm_tools.draft_head.head_sizes import CONTEXT_TOKENS  # the two before the target, and a rejected token that the row has seen before it

SCALE_OF_OUTPUTS = 0.1  # of fresh output embeddings against inputs


class DraftHead(nn.Module):
    """Fresh, it corrects nothing: W2 is zero. Embeddings start from the principal components of the network's own."""

    def __init__(self, embedding: Tensor, hidden: int, rank: int):
        super().__init__()
        size = embedding.shape[1]
        left, values, _ = torch.linalg.svd(embedding - embedding.mean(0), full_matrices=False)
        components = (left * values)[:, :rank]
        components = components / components.std()
        self.input_embedding = nn.Parameter(components.clone())
        self.output_embedding = nn.Parameter(SCALE_OF_OUTPUTS * components)
        self.missing = nn.Parameter(torch.zeros(CONTEXT_TOKENS, rank))
        inputs = size + CONTEXT_TOKENS * rank
        self.hidden = nn.Linear(inputs, hidden)
        nn.init.normal_(self.hidden.weight, std=inputs ** -0.5)
        nn.init.zeros_(self.hidden.bias)
        self.output = nn.Linear(hidden, rank)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, states: Tensor, context: Tensor) -> Tensor:
        """[N, R] from states [N, S] and tokens [N, 3], -1 where there is none."""
        tokens = [torch.where((token >= 0)[:, None], self.input_embedding[token.clamp(min=0)], self.missing[place]) for place, token in enumerate(context.unbind(1))]
        return self.output(F.silu(self.hidden(torch.cat((states, *tokens), 1))))

    def logits(self, rows: Tensor, states: Tensor, context: Tensor) -> Tensor:
        """The corrected rows [N, V]."""
        return rows + self(states, context) @ self.output_embedding.t()
