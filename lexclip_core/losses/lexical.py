"""Losses on word embeddings: cosines against their targets, and distance from where the words were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from lexclip_core.errors import InputError

Kind = Literal["square", "logcosh", "huber", "exp"]
Anchor = Literal["euclidean", "squared"]

# Each acts on the scaled error e = c (target - cosine); all are even and zero at zero.
_PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "square": torch.square,
    # log cosh e, written so that a large error cannot overflow
    "logcosh": lambda error: (
        error.abs() + functional.softplus(-2 * error.abs()) - torch.log(error.new_tensor(2.0))
    ),
    "huber": lambda error: functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=1.0),
    "exp": lambda error: torch.expm1(error.abs()),
}

_ANCHORS: dict[str, Callable[[Tensor], Tensor]] = {
    "euclidean": lambda difference: torch.linalg.vector_norm(difference, dim=1),
    "squared": lambda difference: difference.square().sum(dim=1),
}


def _choose(table: dict[str, Callable[[Tensor], Tensor]], name: str, what: str) -> Callable[[Tensor], Tensor]:
    if name not in table:
        raise InputError(f"unknown {what} {name!r}", f"choose one of {', '.join(table)}")
    return table[name]


def cosine_matrix(embeddings: Tensor) -> Tensor:
    """Return all pairwise cosines, shape (n, n) in [-1, 1], of unit rows of shape (n, dim)."""
    return embeddings @ embeddings.T


def anchor_distance(embeddings: Tensor, reference: Tensor, anchor: Anchor = "euclidean") -> Tensor:
    """Return the mean distance of n embeddings from their reference, a scalar >= 0.

    `euclidean` is the blog's regulariser as written, ||M(w) - M0(w)||; `squared` is the one its released
    code computes, ||M(w) - M0(w)||^2 = 2 (1 - cosine) for unit rows.

    Raises:
        InputError: The shapes differ or `anchor` is unknown.
    """
    if embeddings.shape != reference.shape:
        raise InputError(
            f"reference has shape {tuple(reference.shape)} but the embeddings have {tuple(embeddings.shape)}",
            "encode the same words with the base tower",
        )
    return _choose(_ANCHORS, anchor, "anchor")(embeddings - reference).mean()


def _pair_weights(targets: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return torch.ones_like(targets).triu(diagonal=1)
    if mask.shape != targets.shape:
        raise InputError(
            f"mask has shape {tuple(mask.shape)} but the targets have {tuple(targets.shape)}",
            "give one entry for each pair of words",
        )
    return mask.to(targets.dtype)


def lexical_loss(  # noqa: PLR0913 - the paper's own symbols, one argument each
    embeddings: Tensor,
    targets: Tensor,
    reference: Tensor | None = None,
    *,
    c: float,
    weight: float,
    kind: Kind = "square",
    anchor: Anchor = "euclidean",
    mask: Tensor | None = None,
) -> dict[str, Tensor]:
    """Pull cosines to their targets while holding each word near its reference embedding.

    The distance term is the mean over pairs of penalty(c (target - cosine)); with `kind="square"` it is the
    blog's (c (s_WP - cos))^2, which equals c^2 times the mean squared error of cosine against target.
    The anchor term is `weight` (the blog's lambda) times `anchor_distance`. Their sum is what is trained.

    Args:
        embeddings: Unit rows, shape (n, dim).
        targets: Target cosines, shape (n, n), values in [-1, 1].
        reference: The base tower's embeddings of the same words, shape (n, dim); None leaves the anchor out.
        c: Scale of the error before the penalty, > 0.
        weight: Weight of the anchor term, >= 0.
        kind: The penalty: square, logcosh, huber (delta 1) or exp (e^|x| - 1).
        anchor: How distance from the reference is measured.
        mask: Pair weights, shape (n, n); None counts each unordered pair once.

    Returns:
        The weighted terms `distance` and, with a reference, `anchor`, each a scalar.

    Raises:
        InputError: A shape does not fit, no pair is left, or a choice is unknown.
    """
    n = len(embeddings)
    if targets.shape != (n, n):
        raise InputError(
            f"targets have shape {tuple(targets.shape)} but there are {n} embeddings",
            f"give targets of shape ({n}, {n})",
        )
    weights = _pair_weights(targets, mask)
    total = weights.sum()
    if not total > 0:
        raise InputError(
            "no pair of words is left to compare", "give at least two words, or a mask with a pair"
        )
    penalty = _choose(_PENALTIES, kind, "kind")
    errors = penalty(c * (targets - cosine_matrix(embeddings)))
    terms = {"distance": (weights * errors).sum() / total}
    if reference is not None:
        terms["anchor"] = weight * anchor_distance(embeddings, reference, anchor)
    return terms


# What counts as an error for each term: being above the target, below it, or away from it.
_SIDES: dict[str, Callable[[Tensor], Tensor]] = {
    "repel": lambda excess: excess.clamp(min=0),
    "attract": lambda excess: excess.clamp(max=0),
    "near": lambda excess: excess,
    "far": lambda excess: excess,
}


def relation_loss(
    embeddings: Tensor, targets: Tensor, masks: Mapping[str, Tensor], weights: Mapping[str, float]
) -> dict[str, Tensor]:
    """Move related pairs only as far as their target, and hold all others where the base tower had them.

    Each term is its weight times the weighted mean of a squared error over the pairs of its mask: `repel`
    counts cosines above the target (opposites), `attract` cosines below it (synonyms and the like), `near`
    and `far` any departure (unrelated pairs, whose targets are the base cosines).

    Args:
        embeddings: Unit rows, shape (n, dim).
        targets: Target cosines, shape (n, n), values in [-1, 1].
        masks: Term -> pair weights >= 0, shape (n, n); a term whose mask is all zero counts as zero.
        weights: Term -> weight >= 0.

    Returns:
        One weighted scalar for each mask.

    Raises:
        InputError: A term is unknown or has no weight, or a shape does not fit.
    """
    cosines = cosine_matrix(embeddings)
    terms = {}
    for term, mask in masks.items():
        side = _choose(_SIDES, term, "term")
        if term not in weights:
            raise InputError(f"the term {term!r} has no weight", f"give weights for {', '.join(masks)}")
        if mask.shape != cosines.shape or targets.shape != cosines.shape:
            shapes = f"mask {tuple(mask.shape)}, targets {tuple(targets.shape)}, {len(embeddings)} embeddings"
            raise InputError(f"{term}: {shapes}", "give one entry for each pair of words")
        errors = side(cosines - targets).square()
        terms[term] = weights[term] * (mask * errors).sum() / mask.sum().clamp(min=1e-9)
    return terms
