"""Tests of composition for one text encoder: captions in, accuracy by kind out, with pictures or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.errors import InputError
from lexclip_core.evaluation.composition import (
    ARO_FEWEST_ATTRIBUTES,
    ARO_RELATIONS,
    accuracy_by_group,
    composition_accuracy,
    prefers_both,
    prefers_paraphrase,
    prefers_true,
)
from lexclip_core.evaluation.statistics import Estimate
from lexclip_core.evaluation.text_rows import TextRows

Encode = Callable[[Sequence[str]], np.ndarray]

# ARO's macro accuracy leaves out symmetric and rare relations, and rare pairs of attributes (claim D26).
_MACRO: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "vg-relation": {"macro_over": ARO_RELATIONS},
        "vg-attribution": {"fewest": ARO_FEWEST_ATTRIBUTES},
    }
)


def measure_pictures(
    encode: Encode, tests: CaptionTests, pictures: np.ndarray, *, split: str = "test", name: str = ""
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
        InputError: Not one row an item.
    """
    if len(pictures) != len(tests):
        raise InputError(f"{len(pictures)} picture rows for {len(tests)} items of {tests.name}")
    rows = TextRows(encode, tests.texts())
    true, false = rows(tests.true), rows(tests.false)
    if tests.paraphrases:
        hits = prefers_both(pictures, true, rows(tests.paraphrases), false)
        return _shares(hits, tests, split, name or f"{tests.name}-itt")
    return _shares(prefers_true(pictures, true, false), tests, split, name or tests.name)


def measure_text_only(encode: Encode, tests: CaptionTests, *, split: str = "test") -> dict[str, Estimate]:
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
            f"{tests.name} has one true caption an item", "the text-only test needs two: use sugarcrepe-pp"
        )
    rows = TextRows(encode, tests.texts())
    hits = prefers_paraphrase(rows(tests.true), rows(tests.paraphrases), rows(tests.false))
    return _shares(hits, tests, split, f"{tests.name}-tot")


def _shares(hits: np.ndarray, tests: CaptionTests, split: str, name: str) -> dict[str, Estimate]:
    macro = _MACRO.get(tests.name, {})
    return {
        **composition_accuracy(hits, tests.groups, split=split, name=name, **macro),
        **accuracy_by_group(hits, tests.groups, split=split, name=name),
    }
