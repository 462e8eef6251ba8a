"""Retrieval among pictures and their captions: how often the right one is among the k nearest.

All are functions of unit rows. Of two equally near, the one listed first counts as nearer. What two phrasings
of one wish retrieve is measured in `rankings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.hits import accuracy_of
from lexclip_core.evaluation.nearest import check_rows, cosine_blocks, top_k
from lexclip_core.evaluation.rankings import (
    K,
    Overlaps,
    average_overlap,
    jaccard,
    overlaps,
    paraphrased_retrieval,
)
from lexclip_core.evaluation.statistics import Estimate, metric_name

__all__ = [
    "K",
    "Overlaps",
    "average_overlap",
    "image_to_text_ranks",
    "jaccard",
    "overlaps",
    "paraphrased_retrieval",
    "recall_at_k",
    "text_to_image_ranks",
    "top_k",
]


def text_to_image_ranks(texts: np.ndarray, pictures: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Return how many pictures are nearer to each text than its own, (texts,) int64: 0 is best.

    Args:
        texts: Unit rows of the captions, (texts, dim).
        pictures: Unit rows of the pictures, (pictures, dim).
        owners: (texts,) the place of each caption's picture.

    Raises:
        InputError: Shapes that do not fit, a row that is not finite, or a picture that is not there.
    """
    owners = _owners(texts, pictures, owners)
    ranks = np.empty(len(texts), dtype=np.int64)
    for block, cosines in cosine_blocks(texts, pictures):
        mine = owners[block, None]
        own = np.take_along_axis(cosines, mine, axis=1)
        ranks[block] = _before(cosines, own, mine)
    return ranks


def image_to_text_ranks(texts: np.ndarray, pictures: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Return how many texts are nearer to each picture than the nearest of its own, (pictures,) int64.

    A picture without captions has rank -1: there is nothing to find.

    Args:
        texts: Unit rows of the captions, (texts, dim).
        pictures: Unit rows of the pictures, (pictures, dim).
        owners: (texts,) the place of each caption's picture.

    Raises:
        InputError: As in `text_to_image_ranks`.
    """
    owners = _owners(texts, pictures, owners)
    ranks = np.full(len(pictures), -1, dtype=np.int64)
    by_picture = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=len(pictures))
    ends = counts.cumsum()
    for block, cosines in cosine_blocks(pictures, texts):
        captioned = np.flatnonzero(counts[block])
        if not len(captioned):
            continue
        mine = by_picture[ends[block][0] - counts[block][0] : ends[block][-1]]
        rows = np.repeat(captioned, counts[block][captioned])
        own = cosines[rows, mine]
        # The nearest of its own captions, and of equally near ones the first, is what has to be found.
        order = np.lexsort((mine, -own, rows))
        first = order[np.searchsorted(rows, captioned)]
        ranks[block.start + captioned] = _before(cosines[captioned], own[first, None], mine[first, None])
    return ranks


def recall_at_k(
    texts: np.ndarray,
    pictures: np.ndarray,
    owners: np.ndarray,
    *,
    split: str,
    ks: Sequence[int] = (1, 5, 10),
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return "split/retrieval/image_r@k" and "split/retrieval/text_r@k" for captions of pictures.

    Image retrieval asks of every caption whether its picture is among the k nearest. Text retrieval asks of
    every picture that has captions whether any of them is among the k nearest texts, as open_clip and CLIP
    benchmark count (claim P12). Both are resampled by picture, with all its captions.

    Args:
        texts: Unit rows of the captions, (texts, dim).
        pictures: Unit rows of the pictures, (pictures, dim).
        owners: (texts,) the place of each caption's picture.
        split: What the captions are to the tower.
        ks: The depths.
        seed: Seed of the bootstrap.

    Raises:
        InputError: As in `text_to_image_ranks`, or a k below 1.
    """
    wrong = [k for k in ks if k < 1]
    if wrong or not len(ks):
        raise InputError(f"the depths are {list(ks)}", "choose whole numbers of at least 1")
    image, text = (find(texts, pictures, owners) for find in (text_to_image_ranks, image_to_text_ranks))
    captioned = np.flatnonzero(text >= 0)
    parts = (("image", image, np.asarray(owners)), ("text", text[captioned], captioned))
    return {
        metric_name(split, "retrieval", f"{kind}_r@{k}"): _share(ranks < k, groups, seed)
        for kind, ranks, groups in parts
        for k in ks
    }


def _share(hits: np.ndarray, pictures: np.ndarray, seed: int) -> Estimate:
    estimate = accuracy_of(hits, pictures, groups="classes", seed=seed)
    return replace(estimate, note=estimate.note.replace("classes", "pictures"))


def _before(cosines: np.ndarray, own: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return how many of each row are larger than its own, or as large and listed before it."""
    ahead = np.count_nonzero(cosines > own, axis=1)
    tied = np.flatnonzero(np.count_nonzero(cosines >= own, axis=1) > ahead + 1)
    if len(tied):
        earlier = np.arange(cosines.shape[1]) < place[tied]
        ahead[tied] += ((cosines[tied] == own[tied]) & earlier).sum(axis=1)
    return ahead


def _owners(texts: np.ndarray, pictures: np.ndarray, owners: np.ndarray) -> np.ndarray:
    check_rows(texts, pictures)
    found = np.asarray(owners)
    if found.shape != (len(texts),) or not np.issubdtype(found.dtype, np.integer):
        raise InputError(
            f"owners of shape {found.shape} and type {found.dtype} for {len(texts)} texts",
            "give the place of each text's picture, a whole number",
        )
    wrong = found[(found < 0) | (found >= len(pictures))]
    if len(wrong):
        raise InputError(
            f"a text's picture is {int(wrong[0])} of {len(pictures)}", "number the pictures from 0"
        )
    return found
