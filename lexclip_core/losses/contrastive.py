"""Contrastive losses: pictures against texts, and texts against texts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from open_clip.loss import ClipLoss
from torch import Tensor
from torch.nn import functional

from lexclip_core.errors import InputError

Field = Literal["image", "caption", "paraphrase_1", "paraphrase_2"]
Kind = Literal["image_text", "text_text"]


@dataclass(frozen=True)
class World:
    """Which of several processes this one is: each holds an equal, contiguous share of every batch."""

    rank: int = 0
    size: int = 1


ALONE = World()


@dataclass(frozen=True)
class PairedTerm:
    """One InfoNCE term of ParaCLIP: what stands on its two sides, and the kind of scale it uses."""

    left: Field
    right: Field
    kind: Kind


PARACLIP_TERMS: dict[str, PairedTerm] = {
    "image_caption": PairedTerm("image", "caption", "image_text"),
    "image_paraphrase_1": PairedTerm("image", "paraphrase_1", "image_text"),
    "image_paraphrase_2": PairedTerm("image", "paraphrase_2", "image_text"),
    "caption_paraphrase": PairedTerm("caption", "paraphrase_1", "text_text"),
    "paraphrase_paraphrase": PairedTerm("paraphrase_1", "paraphrase_2", "text_text"),
}


def paraclip_loss(
    rows: Mapping[str, Tensor],
    weights: Mapping[str, float],
    scales: Mapping[str, Tensor],
    *,
    identities: Mapping[str, Tensor] | None = None,
    world: World = ALONE,
) -> dict[str, Tensor]:
    """Return the weighted terms of ParaCLIP's loss, each a symmetric InfoNCE by open_clip's ClipLoss.

    The paper's total is L1(X_I, X_T'') + L2(X_T, X_T') + L3(X_T', X_T''), with weights of 1; L1 on captions
    and on first paraphrases are further rows of its Table 2. Row i of one side belongs to row i of the other,
    and all other rows are its negatives.

    In several processes each gives its own share of the batch and gets terms whose mean over the processes,
    like the mean of their gradients, is that of the whole batch.

    Args:
        rows: Field (image, caption, paraphrase_1, paraphrase_2) -> unit rows, shape (n, dim); those that no
            weighted term needs may be missing.
        weights: Term -> weight >= 0; a term of weight 0 is left out.
        scales: `image_text` and `text_text` -> inverse temperature, a positive scalar.
        identities: Field -> what is shown or said, int64 of shape (N,) over the whole batch: rows that
            share either side, or whose sides are one text, are not each other's negatives. None counts every
            other row as a negative, which is InfoNCE as published.
        world: Which share of the whole batch the rows are.

    Raises:
        InputError: A term is unknown, or the two sides of one differ in shape.
    """
    terms = {}
    for name, weight in weights.items():
        if name not in PARACLIP_TERMS:
            raise InputError(f"unknown term {name!r}", f"choose from {', '.join(PARACLIP_TERMS)}")
        if weight:
            term = PARACLIP_TERMS[name]
            left, right = rows[term.left], rows[term.right]
            hidden = None if identities is None else _hidden(identities, term, len(left), world)
            terms[name] = weight * info_nce(left, right, scales[term.kind], hidden=hidden, world=world)
    return terms


def info_nce(
    left: Tensor, right: Tensor, scale: Tensor, *, hidden: Tensor | None = None, world: World = ALONE
) -> Tensor:
    """Return the symmetric InfoNCE of two sets of rows, a scalar: the mean of both directions.

    Args:
        left: Unit rows, shape (n, dim).
        right: Unit rows, shape (n, dim); row i belongs to row i of `left`.
        scale: The inverse temperature, a positive scalar.
        hidden: Which pairs are no negatives, bool (n, N) with N rows in all processes, the same for both
            directions; never true of a row and its own.
        world: Which share of the whole batch the rows are.

    Raises:
        InputError: The two sides differ in shape.
    """
    if left.shape != right.shape:
        raise InputError(
            f"the sides have shapes {tuple(left.shape)} and {tuple(right.shape)}",
            "give one row of each side for every record",
        )
    # open_clip adds what it calls the bias to the logits of both directions
    bias = None if hidden is None or not hidden.any() else _barred(hidden, left)
    loss = ClipLoss(local_loss=True, gather_with_grad=True, rank=world.rank, world_size=world.size)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.distributed.nn", category=FutureWarning)
        return loss(left, right, scale, logit_bias=bias)


def _barred(hidden: Tensor, like: Tensor) -> Tensor:
    return torch.zeros(hidden.shape, device=like.device, dtype=like.dtype).masked_fill(
        hidden.to(like.device), float("-inf")
    )


def _hidden(identities: Mapping[str, Tensor], term: PairedTerm, n: int, world: World) -> Tensor:
    """Return which pairs of records say or show the same, bool (n, N), a record and itself left out."""
    own = slice(world.rank * n, (world.rank + 1) * n)
    left, right = identities[term.left], identities[term.right]
    same = left[own, None] == left[None, :]
    same |= right[own, None] == right[None, :]
    if term.kind == "text_text":  # one record's caption may be another's paraphrase
        same |= left[own, None] == right[None, :]
        same |= right[own, None] == left[None, :]
    same[torch.arange(n), torch.arange(own.start, own.stop)] = False
    return same


def concept_contrast(
    pictures: Tensor, texts: Tensor, concepts: Tensor, scale: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """Return InfoNCE of pictures against the texts of all concepts, not only those in the batch, a scalar.

    The denominator runs over every concept, so a batch sees all negatives; with the batch's own texts alone
    this is the picture half of the usual contrastive loss.

    Args:
        pictures: Unit rows, shape (n, dim).
        texts: Unit rows, shape (concepts, dim).
        concepts: What each picture shows: indices of shape (n,), or shares of shape (n, concepts).
        scale: The inverse temperature, a positive scalar.
        smoothing: Share of the target spread over all concepts.
    """
    return functional.cross_entropy(scale * pictures @ texts.T, concepts, label_smoothing=smoothing)
