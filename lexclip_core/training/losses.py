"""Losses on embeddings: pure functions of tensors, each returning named, already weighted terms.

Encoding never happens here: every function can be checked with a handful of two-dimensional vectors. The
penalty of a training on words is one entry of `PENALTIES`, a distance from the base one of `ANCHORS`;
settings read these names, so torch is imported inside the functions that need it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lexclip_core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Terms = dict[str, "Tensor"]


def square(error: Tensor) -> Tensor:
    """Return e^2, the penalty that was released."""
    return error.square()


def logcosh(error: Tensor) -> Tensor:
    """Return log cosh e, written so that a large error cannot overflow."""
    from torch.nn import functional

    return error.abs() + functional.softplus(-2 * error.abs()) - error.new_tensor(math.log(2.0))


def huber(error: Tensor) -> Tensor:
    """Return e^2 / 2 up to |e| = 1, and |e| - 1/2 beyond."""
    from torch.nn import functional

    return functional.huber_loss(error, error.new_zeros(error.shape), reduction="none", delta=1.0)


def exp(error: Tensor) -> Tensor:
    """Return e^|error| / 10, as the blog's released code has it: 1/10 where there is no error."""
    return error.abs().exp() / 10


PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "square": square,
    "logcosh": logcosh,
    "huber": huber,
    "exp": exp,
}
"""Name -> penalty on the scaled error e = c (target - cosine), any shape; all are even and least at zero."""


def euclidean(difference: Tensor) -> Tensor:
    """Return the lengths of rows, (n, dim) -> (n,): ||M(w) - M0(w)|| as the blog writes it."""
    import torch

    length: Tensor = torch.linalg.vector_norm(difference, dim=1)
    return length


def squared(difference: Tensor) -> Tensor:
    """Return the squared lengths of rows, (n, dim) -> (n,): what the blog's released code computes."""
    return difference.square().sum(dim=1)


ANCHORS: dict[str, Callable[[Tensor], Tensor]] = {"euclidean": euclidean, "squared": squared}
"""Name -> distance of embeddings from where they were."""


def _choose(
    table: Mapping[Any, Callable[[Tensor], Tensor]], name: str, what: str
) -> Callable[[Tensor], Tensor]:
    if name not in table:
        raise InputError(f"unknown {what} {name!r}", f"choose one of {', '.join(table)}")
    return table[name]


def cosine_matrix(embeddings: Tensor) -> Tensor:
    """Return all pairwise cosines, shape (n, n) in [-1, 1], of unit rows of shape (n, dim)."""
    return embeddings @ embeddings.T


def anchor_distance(embeddings: Tensor, reference: Tensor, anchor: str = "euclidean") -> Tensor:
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
    return _choose(ANCHORS, anchor, "anchor")(embeddings - reference).mean()


def _pair_weights(targets: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return targets.new_ones(targets.shape).triu(diagonal=1)
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
    penalty: str = "square",
    anchor: str = "euclidean",
    mask: Tensor | None = None,
) -> dict[str, Tensor]:
    """Pull cosines to their targets while holding each word near its reference embedding.

    The distance term is the mean over pairs of penalty(c (target - cosine)); with the penalty `square` it is
    the blog's (c (s_WP - cos))^2, which equals c^2 times the mean squared error of cosine against target.
    The anchor term is `weight` (the blog's lambda) times `anchor_distance`. Their sum is what is trained.

    Args:
        embeddings: Unit rows, shape (n, dim).
        targets: Target cosines, shape (n, n), values in [-1, 1].
        reference: The base tower's embeddings of the same words, shape (n, dim); None leaves the anchor out.
        c: Scale of the error before the penalty, > 0.
        weight: Weight of the anchor term, >= 0.
        penalty: square, logcosh, huber (delta 1) or exp (e^|x| / 10).
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
    apply = _choose(PENALTIES, penalty, "penalty")
    errors = apply(c * (targets - cosine_matrix(embeddings)))
    terms = {"distance": (weights * errors).sum() / total}
    if reference is not None:
        terms["anchor"] = weight * anchor_distance(embeddings, reference, anchor)
    return terms


# What counts as an error for each term: being above the target, below it, or away from it.
RELATION_TERMS: dict[str, Callable[[Tensor], Tensor]] = {
    "repel": lambda excess: excess.clamp(min=0),
    "attract": lambda excess: excess.clamp(max=0),
    "near": lambda excess: excess,
    "far": lambda excess: excess,
    "sentences": lambda excess: excess,
    "associated": lambda excess: excess,
}


def relation_loss(
    embeddings: Tensor, targets: Tensor, masks: Mapping[str, Tensor], weights: Mapping[str, float]
) -> dict[str, Tensor]:
    """Move related pairs only as far as their target, and hold all others where the base tower had them.

    Each term is its weight times the weighted mean of a squared error over the pairs of its mask: `repel`
    counts cosines above the target (opposites), `attract` cosines below it (synonyms and the like), `near`,
    `far`, `sentences` and `associated` any departure (unrelated pairs, pairs of sentences, and pairs that
    only go together, whose targets are the base cosines).

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
        side = _choose(RELATION_TERMS, term, "term")
        if term not in weights:
            raise InputError(f"the term {term!r} has no weight", f"give weights for {', '.join(masks)}")
        if mask.shape != cosines.shape or targets.shape != cosines.shape:
            shapes = f"mask {tuple(mask.shape)}, targets {tuple(targets.shape)}, {len(embeddings)} embeddings"
            raise InputError(f"{term}: {shapes}", "give one entry for each pair of words")
        errors = side(cosines - targets).square()
        terms[term] = weights[term] * (mask * errors).sum() / mask.sum().clamp(min=1e-9)
    return terms


Field = Literal["image", "caption", "paraphrase_1", "paraphrase_2"]
TermKind = Literal["image_text", "text_text"]


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
    kind: TermKind


PARACLIP_TERMS: dict[str, PairedTerm] = {
    "image_caption": PairedTerm("image", "caption", "image_text"),  # L1
    "image_paraphrase_1": PairedTerm("image", "paraphrase_1", "image_text"),  # L1'
    "image_paraphrase_2": PairedTerm("image", "paraphrase_2", "image_text"),  # L1''
    "caption_paraphrase": PairedTerm("caption", "paraphrase_1", "text_text"),  # L2
    "paraphrase_paraphrase": PairedTerm("paraphrase_1", "paraphrase_2", "text_text"),  # L3
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
    from open_clip.loss import ClipLoss

    # open_clip adds what it calls the bias to the logits of both directions
    bias = None
    if hidden is not None and hidden.any():
        bias = left.new_zeros(hidden.shape).masked_fill(hidden.to(left.device), float("-inf"))
    loss = ClipLoss(local_loss=True, gather_with_grad=True, rank=world.rank, world_size=world.size)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.distributed.nn", category=FutureWarning)
        value: Tensor = loss(left, right, scale, logit_bias=bias)
        return value


def _hidden(identities: Mapping[str, Tensor], term: PairedTerm, n: int, world: World) -> Tensor:
    """Return which pairs of records say or show the same, bool (n, N), a record and itself left out."""
    own = slice(world.rank * n, (world.rank + 1) * n)
    left, right = identities[term.left], identities[term.right]
    same = left[own, None] == left[None, :]
    same |= right[own, None] == right[None, :]
    if term.kind == "text_text":  # one record's caption may be another's paraphrase
        same |= left[own, None] == right[None, :]
        same |= right[own, None] == left[None, :]
    same[range(n), range(own.start, own.stop)] = False
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
    from torch.nn import functional

    return functional.cross_entropy(scale * pictures @ texts.T, concepts, label_smoothing=smoothing)
