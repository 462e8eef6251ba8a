"""Probes of negation and word order: what "no", the two ends of "is a" and of "larger than" do to a sentence.

They take up the limits of CLIP that the blog names (claim B28). Each probe has a control item in which a
thing is exchanged instead: it tells a tower that misses the negation or the order from one that cannot
compare sentences at all. The wordings stand in `data/probes.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from lexclip_core import storage
from lexclip_core.datasets.cards import seeded
from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.errors import InputError
from lexclip_core.text_files import read_toml
from lexclip_core.words import normalise, shown, with_article

Probe = Literal["negation", "kinds", "comparison"]

FEWEST = 3
"""The fewest things of which probes can be made."""
_WORDINGS: Mapping[str, Any] = MappingProxyType(read_toml(storage.data_folder() / "probes.toml"))


@dataclass(frozen=True)
class Thing:
    """A countable thing.

    Args:
        name: Its name, such as "dog".
        kind: What it is a kind of, such as "animal"; "" where that is not known.
        image: Name of its picture, "" without one.
    """

    name: str
    kind: str = ""
    image: str = ""


def sentence_probes(things: Sequence[Thing], *, seed: int = 0) -> CaptionTests:
    """Return sentences to compare without a picture: a saying, the same in other words, and another saying.

    Groups are "PROBE/meaning", where a negation or the order reverses the meaning, and "PROBE/thing", where
    the thing is exchanged. Each thing is asked about once per group, in wordings drawn by the seed. To guess
    which two of three sentences are nearest is right in a third of the cases.

    Args:
        things: What the sentences are about; `kinds` leaves out those without a kind.
        seed: Of the wordings and of the other things.

    Raises:
        InputError: Fewer than `FEWEST` things, or a name twice.
    """
    _check(things)
    generator = seeded(seed, 28)
    rows: list[tuple[str, ...]] = []
    for probe in get_args(Probe):
        asked = [thing for thing in things if thing.kind] if probe == "kinds" else list(things)
        for thing, other, third in zip(asked, *_companions(asked, generator), strict=True):
            rows += _items(probe, thing, other, third, generator)
    images, true, false, groups, paraphrases = zip(*rows, strict=True)
    return CaptionTests("probes", images, true, false, groups, paraphrases)


def picture_probes(things: Sequence[Thing], *, seed: int = 0) -> CaptionTests:
    """Return two captions per picture: of what it shows or lacks, and of the contrary.

    Groups: "there", where the thing is shown and the false caption denies it; "not there", where the true
    caption denies another thing and the false one claims it; "thing", where the false caption names another
    thing, for comparison. A tower that ignores "without" is right in half of the first two together.

    Args:
        things: What is shown, each with a picture.
        seed: Of the other things.

    Raises:
        InputError: Fewer than `FEWEST` things, a name twice, or a thing without a picture.
    """
    _check(things)
    unseen = [thing.name for thing in things if not thing.image]
    if unseen:
        raise InputError(f"{unseen[0]!r} has no picture", "name one, or use `sentence_probes`")
    others, _ = _companions(things, seeded(seed, 29))
    own_with, own_without = (_captions(which, things) for which in ("with", "without"))
    other_with, other_without = (_captions(which, others) for which in ("with", "without"))
    return CaptionTests(
        "picture-probes",
        images=tuple(thing.image for thing in things) * 3,
        true=(*own_with, *other_without, *own_with),
        false=(*own_without, *other_with, *other_with),
        groups=tuple(np.repeat(["there", "not there", "thing"], len(things)).tolist()),
    )


def _captions(which: Literal["with", "without"], things: Sequence[Thing]) -> list[str]:
    return [_filled(_WORDINGS[which], thing.name) for thing in things]


def _items(
    probe: Probe, thing: Thing, other: Thing, third: Thing, generator: np.random.Generator
) -> Iterator[tuple[str, ...]]:
    """Yield image, true, false, group and paraphrase: the meaning reversed, then the thing exchanged."""
    wordings = _WORDINGS[probe]
    said, again = (wordings[one] for one in generator.choice(len(wordings), 2, replace=False))
    # "Every animal is a dog" is untrue, so of kinds the true saying alone is reworded.
    way = 0 if probe == "kinds" else int(generator.integers(2))
    second = thing.kind if probe == "kinds" else other.name
    true, paraphrase = (_filled(wording[way], thing.name, second) for wording in (said, again))
    yield thing.image, true, _filled(said[1 - way], thing.name, second), f"{probe}/meaning", paraphrase
    yield thing.image, true, _filled(said[way], third.name, second), f"{probe}/thing", paraphrase


def _filled(template: str, a: str, b: str = "") -> str:
    return template.format(a=with_article(a), b=with_article(b), bare_a=a, bare_b=b)


def _companions(things: Sequence[Thing], generator: np.random.Generator) -> tuple[list[Thing], list[Thing]]:
    """Return two other things for each, never the thing itself nor one twice."""
    order = generator.permutation(len(things))
    place = np.argsort(order)
    first, second = (order[(place + step) % len(things)] for step in (1, 2))
    return [things[one] for one in first], [things[one] for one in second]


def _check(things: Sequence[Thing]) -> None:
    names = [normalise(thing.name) for thing in things]
    kinds = sum(bool(thing.kind) for thing in things)
    if min(len(names), kinds) < FEWEST:
        counts = f"{len(names)} things, {kinds} of a known kind"
        raise InputError(f"{counts}, are too few to ask about", f"give at least {FEWEST} with their kinds")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{shown(twice[0])} is given twice", "give each thing once")
