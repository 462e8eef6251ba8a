"""A causal text tower over packed tokens: no padding, and a shared beginning is computed once.

In a causal transformer the state at a position depends on the tokens up to it alone. Texts that begin alike,
with the start token or with a whole template such as "a photo of a", therefore share those states exactly.
The other tokens are laid end to end, for one pass of each linear layer and one of attention for each length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn
from torch.nn import functional

from lexclip_core.towers.tokens import Ids


@dataclass(frozen=True)
class TextParts:
    """The modules of a native open_clip text tower."""

    token_embedding: nn.Embedding
    positional_embedding: Tensor
    blocks: nn.ModuleList
    ln_final: nn.Module
    projection: nn.Module | Tensor | None

    def project(self, ends: Tensor) -> Tensor:
        """Return features of shape (n, dim) from the last states at the end tokens, shape (n, width)."""
        rows = self.ln_final(ends)
        if self.projection is None:
            return rows
        return self.projection(rows) if isinstance(self.projection, nn.Module) else rows @ self.projection


@dataclass(frozen=True)
class _Group:
    """Texts of one length: their rows, as (start, number of texts, own tokens of each)."""

    start: int
    texts: int
    length: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.texts * self.length)


@dataclass(frozen=True)
class _Layout:
    tokens: list[int]
    positions: list[int]
    shared: int
    groups: list[_Group]
    order: list[int]

    @property
    def ends(self) -> list[int]:
        return [
            group.start + (text + 1) * group.length - 1
            for group in self.groups
            for text in range(group.texts)
        ]


def shared_length(ids: Sequence[Ids]) -> int:
    """Return how many leading tokens all texts have in common, leaving each text at least one of its own."""
    low, high = min(ids), max(ids)
    alike = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return min(alike, min(map(len, ids)) - 1)


def _to_end(ids: Ids) -> Ids:
    return ids[: ids.index(max(ids)) + 1]  # the end token has the largest id of the vocabulary


def _layout(ids: Sequence[Ids]) -> _Layout:
    texts = [_to_end(one) for one in ids]
    shared = shared_length(texts)
    tokens, positions = list(texts[0][:shared]), list(range(shared))
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    groups: list[_Group] = []
    for index in order:
        own = texts[index][shared:]
        if groups and groups[-1].length == len(own):
            groups[-1] = _Group(groups[-1].start, groups[-1].texts + 1, len(own))
        else:
            groups.append(_Group(len(tokens), 1, len(own)))
        tokens.extend(own)
        positions.extend(range(shared, shared + len(own)))
    return _Layout(tokens, positions, shared, groups, order)


def _heads(rows: Tensor, texts: int, heads: int) -> Tensor:
    """(texts * length, width) -> (texts, heads, length, width / heads)."""
    return rows.view(texts, -1, heads, rows.shape[-1] // heads).transpose(1, 2)


def _flat(states: Tensor) -> Tensor:
    """(texts, heads, length, head width) -> (texts * length, width)."""
    return states.transpose(1, 2).flatten(2).flatten(0, 1)


def _with_shared(own: Tensor, shared: Tensor) -> Tensor:
    return torch.cat([shared.expand(len(own), -1, -1, -1), own], dim=2)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, *, layout: _Layout, heads: int) -> Tensor:
    """Return attention outputs for all rows, or for the end tokens alone if only they ask."""
    common = slice(0, layout.shared)
    shared_keys, shared_values = _heads(keys[common], 1, heads), _heads(values[common], 1, heads)
    only_ends = len(queries) < len(keys)
    outputs, asked = [], 0
    if not only_ends:
        first = _heads(queries[common], 1, heads)
        outputs.append(
            _flat(functional.scaled_dot_product_attention(first, shared_keys, shared_values, is_causal=True))
        )
    for group in layout.groups:
        width = group.texts if only_ends else group.texts * group.length
        start = asked if only_ends else group.start
        asked += width
        mask = None
        if not only_ends and group.length > 1:
            seen = torch.ones(
                group.length, layout.shared + group.length, dtype=torch.bool, device=keys.device
            )
            mask = seen.tril(diagonal=layout.shared)
        states = functional.scaled_dot_product_attention(
            _heads(queries[start : start + width], group.texts, heads),
            _with_shared(_heads(keys[group.rows], group.texts, heads), shared_keys),
            _with_shared(_heads(values[group.rows], group.texts, heads), shared_values),
            attn_mask=mask,
        )
        outputs.append(_flat(states))
    return torch.cat(outputs)


def _block(block: ResidualAttentionBlock, rows: Tensor, layout: _Layout, ends: Tensor | None) -> Tensor:
    """Return a residual block's output for all rows, or for the rows `ends` alone."""
    attention = block.attn
    normal = block.ln_1(rows)
    width = normal.shape[-1]
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    if ends is None:
        queries, keys, values = functional.linear(normal, weight, bias).chunk(3, dim=-1)
    else:
        queries = functional.linear(normal[ends], weight[:width], bias[:width])
        keys, values = functional.linear(normal, weight[width:], bias[width:]).chunk(2, dim=-1)
        rows = rows[ends]
    states = _attend(queries, keys, values, layout=layout, heads=attention.num_heads)
    rows = rows + block.ls_1(attention.out_proj(states))
    return rows + block.ls_2(block.mlp(block.ln_2(rows)))


def packed(parts: TextParts, ids: Sequence[Ids]) -> Tensor:
    """Return features of shape (n, dim) of n texts, equal to the padded forward pass up to rounding.

    Args:
        parts: Modules of a causal text tower whose end token has the largest id.
        ids: Token ids of each text, start and end tokens included, without padding.
    """
    layout = _layout(ids)
    device = parts.positional_embedding.device
    tokens = torch.tensor(layout.tokens, device=device)
    rows = (
        parts.token_embedding(tokens)
        + parts.positional_embedding[torch.tensor(layout.positions, device=device)]
    )
    ends = torch.tensor(layout.ends, device=device)
    for block in parts.blocks[:-1]:
        rows = _block(block, rows, layout, None)
    features = parts.project(_block(parts.blocks[-1], rows, layout, ends))
    return features[torch.tensor(layout.order, device=device).argsort()]
