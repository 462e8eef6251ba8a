"""Where sets of pictures lie, and which of them are taken: a folder's files, seeded draws of a class."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import InputError

Sample = Literal["heldout", "released", "all"]
T = TypeVar("T")

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def pictures_folder() -> Path:
    """Return where sets lie that nobody names a path for, in folders called like the sets.

    `LEXCLIP_PICTURES`, else `pictures` in the cache.
    """
    return Path(os.environ.get("LEXCLIP_PICTURES") or storage.cache_folder() / "pictures")


@dataclass(frozen=True)
class Draw:
    """How one sample of a set is taken.

    Args:
        part: The part of the set, such as `val`.
        per_class: The most pictures of each class; None takes all.
    """

    part: str
    per_class: int | None


def draw_of(samples: Mapping[str, Draw], sample: str, title: str) -> Draw:
    """Return how a sample is taken.

    Raises:
        InputError: The set has no sample of that name.
    """
    if sample not in samples:
        raise InputError(f"{title} has no sample {sample!r}", f"choose one of {', '.join(samples)}")
    return samples[sample]


def pictures_in(place: Path) -> list[Path]:
    """Return the picture files of a folder in the order of their names, hidden ones left out."""
    return sorted(
        file
        for file in place.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def sampled(items: Sequence[T], per_class: int | None, *, seed: int, key: bytes) -> list[T]:
    """Return at most `per_class` items in their order, drawn without replacement.

    Args:
        items: The pictures of one class.
        per_class: How many; None takes all.
        seed: Of the draw.
        key: What the class is called, so that its draw does not depend on the other classes.
    """
    if per_class is None or per_class >= len(items):
        return list(items)
    generator = np.random.default_rng([seed, zlib.crc32(key)])
    return [items[place] for place in sorted(generator.choice(len(items), per_class, replace=False))]
