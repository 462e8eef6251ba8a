"""BERT's encoder (Devlin et al., 2019) in plain torch, bit for bit the numbers of transformers' `BertModel`.

The default tower is one and is loaded at every start; transformers would bring two thousand modules for it.
Names of modules and parameters are those of `BertModel`, so that weight files and adapters fit both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Output(NamedTuple):
    """What the encoder returns: the states of all tokens, (texts, tokens, hidden_size)."""

    last_hidden_state: Tensor


class Bert(nn.Module):
    """Token ids (texts, tokens) and their mask, 1 for a token and 0 for padding -> states of all tokens.

    Args:
        config: The sizes, as attributes that are named as in transformers' config.json.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": layers})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Output:
        """Return the states of all tokens; those of padding mean nothing."""
        states = self.embeddings(input_ids)
        texts, tokens = input_ids.shape
        mask = None  # without padding: another kernel runs then, with other roundings
        if not attention_mask.all():
            mask = attention_mask.bool()[:, None, None, :].expand(texts, 1, tokens, tokens)
        layers: Any = self.encoder["layer"]
        for layer in layers:
            states = layer(states, mask)
        return Output(states)


class _Embeddings(nn.Module):
    position_ids: Tensor
    token_type_ids: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, positions = config.hidden_size, config.max_position_embeddings
        self.word_embeddings = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.register_buffer("position_ids", torch.arange(positions)[None], persistent=False)
        self.register_buffer("token_type_ids", torch.zeros(1, positions, dtype=torch.long), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        places, kinds = self.position_ids[:, : ids.shape[1]], self.token_type_ids[:, : ids.shape[1]]
        rows: Tensor = self.word_embeddings(ids) + self.token_type_embeddings(kinds.expand(ids.shape))
        rows = self.dropout(self.LayerNorm(rows + self.position_embeddings(places)))
        return rows


class _SelfAttention(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        shape = (*states.shape[:-1], self.heads, -1)
        parts = (self.query, self.key, self.value)
        query, key, value = (part(states).view(shape).transpose(1, 2) for part in parts)
        rows = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=self.dropout.p if self.training else 0.0
        )
        return rows.transpose(1, 2).contiguous().flatten(2)


class _AddAndNorm(nn.Module):
    """A linear layer, dropout, what came before added, and a norm."""

    def __init__(self, inputs: int, config: Any) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, rows: Tensor, before: Tensor) -> Tensor:
        rows = self.LayerNorm(self.dropout(self.dense(rows)) + before)
        return rows


class _Layer(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.attention = nn.ModuleDict({"self": _SelfAttention(config), "output": _AddAndNorm(width, config)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = _AddAndNorm(inner, config)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        states = self.attention["output"](self.attention["self"](states, mask), states)
        states = self.output(functional.gelu(self.intermediate["dense"](states)), states)
        return states
