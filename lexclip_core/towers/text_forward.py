"""The forward pass of text towers over token ids at their true length, instead of a padded context.

A causal text tower reads its feature at the end token, which no later position can influence: leaving the
padding out changes nothing but the time. `packed.py` goes further and leaves out every repeated token too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn

from lexclip_core.towers.batching import length_batches, prefix_batches
from lexclip_core.towers.packed import TextParts, packed
from lexclip_core.towers.tokens import Ids


@dataclass(frozen=True)
class TextForward:
    """How one kind of text tower is run.

    Attributes:
        run: (model, ids of n texts) -> features of shape (n, dim), not normalised, rows in the order given.
        batches: (ids, batch_size) -> index arrays that cover all texts once.
    """

    run: Callable[[nn.Module, Sequence[Ids]], Tensor]
    batches: Callable[[Sequence[Ids], int], list[np.ndarray]]


def forward_for(model: nn.Module) -> TextForward:
    """Return the fastest exact forward pass for a model's kind of text tower."""
    if isinstance(getattr(model, "text", None), HFTextEncoder):
        return TextForward(hugging_face, length_batches)
    if not is_causal(model):
        return TextForward(whole_context, length_batches)
    blocks = text_parts(model).blocks
    if all(type(block) is ResidualAttentionBlock for block in blocks):
        return TextForward(lambda model, ids: packed(text_parts(model), ids), prefix_batches)
    return TextForward(truncated, length_batches)


def is_causal(model: Any) -> bool:
    """Return whether a native text tower is causal and reads its feature at the end token."""
    holder: Any = getattr(model, "text", model)
    pooling = getattr(holder, "text_pool_type", None) or getattr(holder, "pool_type", None)
    return holder.attn_mask is not None and pooling == "argmax" and getattr(holder, "cls_emb", None) is None


def text_parts(model: Any) -> TextParts:
    """Return the modules of a native open_clip text tower, whichever class holds them."""
    holder: Any = getattr(model, "text", model)
    return TextParts(
        holder.token_embedding,
        holder.positional_embedding,
        holder.transformer.resblocks,
        holder.ln_final,
        holder.text_projection,
    )


def _padded(ids: Sequence[Ids], padding: int, device: torch.device) -> Tensor:
    longest = max(map(len, ids))
    rows = [(*one, *[padding] * (longest - len(one))) for one in ids]
    return torch.tensor(rows, dtype=torch.long, device=device)


def hugging_face(model: Any, ids: Sequence[Ids]) -> Tensor:
    """Return features of a Hugging Face text tower, padded to the longest text given and masked there."""
    encoder: HFTextEncoder = model.text
    return encoder(_padded(ids, encoder.config.pad_token_id, model.logit_scale.device))


def whole_context(model: Any, ids: Sequence[Ids]) -> Tensor:
    """Return features by open_clip's own call, for towers that attend to their padding."""
    return model.encode_text(_padded(ids, 0, model.logit_scale.device))


def truncated(model: Any, ids: Sequence[Ids]) -> Tensor:
    """Return features of a causal text tower, positions and mask cut to the longest text given."""
    holder: Any = getattr(model, "text", model)
    tokens = _padded(ids, 0, model.logit_scale.device)
    length = tokens.shape[1]
    rows = holder.token_embedding(tokens) + holder.positional_embedding[:length]
    rows = holder.transformer(rows, attn_mask=holder.attn_mask[:length, :length])
    ends = rows[torch.arange(len(ids), device=rows.device), tokens.argmax(dim=-1)]
    return text_parts(model).project(ends)
