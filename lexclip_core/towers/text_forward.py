"""The forward pass of text towers over token ids at their true length, instead of a padded context."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from open_clip.hf_model import HFTextEncoder
from torch import nn

from lexclip_core.towers.tokens import Ids

Forward = Callable[[nn.Module, Sequence[Ids]], torch.Tensor]


def forward_for(model: nn.Module) -> Forward:
    """Return the fastest exact forward pass for a model's kind of text tower."""
    return padded_hugging_face


def padded_hugging_face(model: nn.Module, ids: Sequence[Ids]) -> torch.Tensor:
    """Return (n, dim) features of a Hugging Face text tower, padded to the longest text given."""
    encoder: HFTextEncoder = model.text
    longest = max(map(len, ids))
    padding = encoder.config.pad_token_id
    rows = [(*one, *[padding] * (longest - len(one))) for one in ids]
    device = next(encoder.parameters()).device
    return encoder(torch.tensor(rows, dtype=torch.long, device=device))
