"""The mapped emoji in two domains that share no class: one to tune on, one to see what carries over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, get_args

from lexclip_core.datasets.emoji.picture_sets import picture_set
from lexclip_core.datasets.emoji.sprites import HELD_OUT
from lexclip_core.datasets.pictures import PictureSet
from lexclip_core.errors import InputError

Domain = Literal["first", "second"]

_FIRST_TENTHS = 6


def domain(which: Domain, *, seed: int = 0, style: str | Sequence[str] = HELD_OUT) -> PictureSet:
    """Return the mapped emoji of one domain: `first` holds 60 % of the classes, `second` all others.

    Classes are split by the digest of their synset and the seed, so that the two share none whatever the
    style, and a class that is added to the data moves few of the others. In each domain classes stand in the
    order of the whole set.

    Args:
        which: The domain.
        seed: Another seed splits otherwise.
        style: As in `picture_set`; by default the style that the image tower never saw.

    Raises:
        InputError: No such domain or style.
        MissingResourceError: The drawings or their senses are not there.
    """
    if which not in get_args(Domain):
        raise InputError(f"no domain {which!r}", f"choose one of {', '.join(get_args(Domain))}")
    whole = picture_set(style, "mapped")
    ranked = sorted(whole.classes, key=lambda one: _digest(one.synset, seed))
    first = {one.key for one in ranked[: round(len(ranked) * _FIRST_TENTHS / 10)]}
    return whole.subset([one.key for one in whole.classes if (one.key in first) == (which == "first")])


def _digest(synset: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {synset}".encode()).hexdigest()
