"""Tests of composition for one text encoder: captions in, accuracy by kind out, with pictures or without.

Each item has a true caption and a false one, which exchanges what the true one says. ARO and SugarCrepe ask
(claim P10) which is nearer to the picture; SugarCrepe++ has a second true caption.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from lexclip_core.datasets.composition import CARDS, CaptionTests
from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import row_cosines
from lexclip_core.evaluation.intervals import RESAMPLES, Estimate, interval_of, metric_name, wilson_interval
from lexclip_core.towers.encoder import Encoder, TextRows

ARO_FEWEST_ATTRIBUTES: int = CARDS["vg-attribution"].details["fewest_attributes"]
"""The fewest items of a pair of attributes that counts in ARO's macro accuracy of VG-A."""
ARO_RELATIONS: frozenset[str] = frozenset(CARDS["vg-relation"].details["macro_relations"])
"""The 48 relations that count in ARO's macro accuracy of VG-R: its file also has symmetric and rare ones."""


def prefers_true(pictures: np.ndarray, true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Return whether each picture is nearer to its true caption than to the false one, (n,) bool.

    Args:
        pictures: Unit rows, (n, dim).
        true: Unit rows of the true captions, (n, dim).
        false: Unit rows of the false captions, (n, dim).

    Raises:
        InputError: The shapes differ.

    >>> prefers_true(np.array([[0.6, 0.8]]), np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]))
    array([ True])
    """
    return row_cosines(pictures, true) > row_cosines(pictures, false)


def prefers_both(
    pictures: np.ndarray, true: np.ndarray, paraphrase: np.ndarray, false: np.ndarray
) -> np.ndarray:
    """Return whether a picture is nearer to both true captions than to the false one, (n,) bool.

    The image-text test (ITT) of SugarCrepe++.

    Args:
        pictures: Unit rows, (n, dim).
        true: Unit rows of the first true captions, (n, dim).
        paraphrase: Unit rows of the second true captions, (n, dim).
        false: Unit rows of the false captions, (n, dim).

    Raises:
        InputError: The shapes differ.

    >>> picture, true, other, false = np.array([[[0.6, 0.8]], [[0.0, 1.0]], [[0.28, 0.96]], [[1.0, 0.0]]])
    >>> prefers_both(picture, true, other, false)
    array([ True])
    """
    both: np.ndarray = prefers_true(pictures, true, false) & prefers_true(pictures, paraphrase, false)
    return both


def prefers_paraphrase(true: np.ndarray, paraphrase: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Return whether the two true captions are nearer to each other than either is to the false, (n,) bool.

    The text-only test (TOT) of SugarCrepe++; no picture is looked at.

    Args:
        true: Unit rows of the first true captions, (n, dim).
        paraphrase: Unit rows of the second true captions, (n, dim).
        false: Unit rows of the false captions, (n, dim).

    Raises:
        InputError: The shapes differ.

    >>> prefers_paraphrase(np.array([[0.0, 1.0]]), np.array([[0.6, 0.8]]), np.array([[1.0, 0.0]]))
    array([ True])
    """
    together = row_cosines(true, paraphrase)
    return (together > row_cosines(true, false)) & (together > row_cosines(paraphrase, false))


def composition_accuracy(
    hits: np.ndarray,
    groups: Sequence[str],
    *,
    split: str,
    name: str,
    fewest: int = 1,
    macro_over: Collection[str] | None = None,
) -> dict[str, Estimate]:
    """Return the share of hits, the mean of the groups' shares, and each group's share, with intervals.

    They are "split/name/micro", "split/name/macro" and "split/name/group/accuracy". ARO reports macro, over
    `ARO_RELATIONS` (VG-R) and over pairs of attributes with at least 25 items (VG-A); ParaCLIP does not say
    which it prints (claim D26). Intervals are Wilson's; that of macro resamples within each group.

    Args:
        hits: (n,) bool.
        groups: (n,) the relation, attributes or kind of each item.
        split: What the captions are to the tower.
        name: Name of the set.
        fewest: Groups with fewer items count in micro alone.
        macro_over: The groups that macro is the mean of; None takes all.

    Raises:
        InputError: No item, lengths that differ, or no group is large enough.

    >>> hits, groups = np.array([True, True, True, False]), ("on", "on", "on", "near")
    >>> measured = composition_accuracy(hits, groups, split="test", name="aro")
    >>> [measured[f"test/aro/{metric}"].value for metric in ("micro", "macro", "on/accuracy")]
    [0.75, 0.5, 1.0]
    """
    names, sums, counts = _tally(hits, groups)
    counted = counts >= fewest
    if macro_over is not None:
        counted &= np.isin(names, list(macro_over))
    if not counted.any():
        raise InputError(
            f"{name}: none of {len(names)} groups counts in macro; the largest has {counts.max()} items",
            f"lower `fewest`, which is {fewest}, or widen `macro_over`",
        )
    return {
        metric_name(split, name, "micro"): wilson_interval(int(sums.sum()), int(counts.sum())),
        metric_name(split, name, "macro"): _macro(sums[counted], counts[counted]),
        **{
            metric_name(split, name, str(group), "accuracy"): wilson_interval(int(right), int(count))
            for group, right, count in zip(names, sums, counts, strict=True)
        },
    }


def _tally(hits: np.ndarray, groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if np.ndim(hits) != 1 or len(hits) != len(groups) or not len(hits):
        raise InputError(
            f"hits of shape {np.shape(hits)} and {len(groups)} groups do not pair",
            "give one of each per item",
        )
    names, place, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    return names, np.bincount(place, weights=np.asarray(hits, np.float64)).astype(np.int64), counts


def _macro(sums: np.ndarray, counts: np.ndarray) -> Estimate:
    shares = sums / counts
    value = float(shares.mean())
    # Resampling n hits of which a share p is right draws a binomial count.
    drawn = np.random.default_rng(0).binomial(counts, shares, size=(RESAMPLES, len(counts))) / counts
    low, high = interval_of(drawn.mean(axis=1), value)
    if low == high:  # all right or all wrong, of which resamples know no spread
        low, high = wilson_interval(round(value * counts.sum()), int(counts.sum())).ends
    note = f"mean of {len(counts)} groups; bootstrap within each, {RESAMPLES} resamples"
    return Estimate(value, low, high, int(counts.sum()), note)


# ARO's macro accuracy leaves out symmetric and rare relations, and rare pairs of attributes (claim D26).
_MACRO: Mapping[str, dict[str, Any]] = MappingProxyType(
    {"vg-relation": {"macro_over": ARO_RELATIONS}, "vg-attribution": {"fewest": ARO_FEWEST_ATTRIBUTES}}
)


def measure_pictures(
    encode: Encoder, tests: CaptionTests, pictures: np.ndarray, *, split: str = "test", name: str = ""
) -> dict[str, Estimate]:
    """Return how often a picture is nearer to its true caption: micro, macro, and every group by itself.

    Where items have a second true caption both must be nearer: the image-text test of SugarCrepe++, whose
    metrics are named "set-itt".

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        tests: What to ask.
        pictures: The unit row of each item's picture, cut to its box, (items, dim).
        split: What the captions are to the encoder.
        name: What the metrics are called; "" takes the name of the set.

    Raises:
        InputError: There is not one row per item.
    """
    if len(pictures) != len(tests):
        raise InputError(
            f"{len(pictures)} picture rows for {len(tests)} items of {tests.name}", "give one row per item"
        )
    rows = TextRows(encode, tests.texts())
    true, false = rows(tests.true), rows(tests.false)
    if tests.paraphrases:
        hits = prefers_both(pictures, true, rows(tests.paraphrases), false)
        return _accuracies(hits, tests, split, name or f"{tests.name}-itt")
    return _accuracies(prefers_true(pictures, true, false), tests, split, name or tests.name)


def picture_hits(encode: Encoder, tests: CaptionTests, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of each item whether its picture is nearer to the true caption, and whether macro counts it.

    Args:
        encode: Texts to unit rows.
        tests: Items with one true caption each.
        pictures: The unit row of each item's picture, (items, dim).

    >>> pair = CaptionTests("mine", ("1",), ("up",), ("down",), ("place",))
    >>> picture_hits(lambda texts: np.eye(2)[[int(text == "down") for text in texts]], pair, np.eye(2)[:1])
    (array([ True]), array([ True]))
    """
    counting = _MACRO.get(tests.name, {})
    names, place, sizes = np.unique(tests.groups, return_inverse=True, return_counts=True)
    counted = sizes >= counting.get("fewest", 1)
    if "macro_over" in counting:
        counted &= np.isin(names, list(counting["macro_over"]))
    return prefers_true(pictures, encode(tests.true), encode(tests.false)), counted[place]


def measure_text_only(encode: Encoder, tests: CaptionTests, *, split: str = "test") -> dict[str, Estimate]:
    """Return how often two true captions are nearer to each other than either is to the false one.

    The text-only test of SugarCrepe++, in metrics named "set-tot": micro, macro, and every kind by itself.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        tests: Items with a second true caption.
        split: What the captions are to the encoder.

    Raises:
        InputError: The items have one true caption each.
    """
    if not tests.paraphrases:
        raise InputError(
            f"{tests.name} has one true caption per item", "the text-only test needs two: use sugarcrepe-pp"
        )
    rows = TextRows(encode, tests.texts())
    hits = prefers_paraphrase(rows(tests.true), rows(tests.paraphrases), rows(tests.false))
    return _accuracies(hits, tests, split, f"{tests.name}-tot")


def _accuracies(hits: np.ndarray, tests: CaptionTests, split: str, name: str) -> dict[str, Estimate]:
    return composition_accuracy(hits, tests.groups, split=split, name=name, **_MACRO.get(tests.name, {}))
