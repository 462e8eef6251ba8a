"""Probes of small words: what "no", the two ends of "is a" and those of "larger than" do to a sentence.

They take up the limits of CLIP that the blog names (claim B28). Each probe has a twin in which a thing is
exchanged instead: it tells a tower that misses the small word from one that cannot compare sentences at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.errors import InputError
from lexclip_core.words import normalise, shown, with_article

Probe = Literal["negation", "kinds", "comparison"]

FEWEST = 3
"""The fewest things of which probes can be made."""


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


# Of each wording what it says and what it says turned round; all wordings of a probe say the same. {a} and
# {b} are names with a or an, {bare_a} and {bare_b} names alone. Of kinds, a is the thing and b its kind.
_WORDINGS: Mapping[Probe, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "negation": (
            ("there is {a} in the picture", "there is no {bare_a} in the picture"),
            ("the picture shows {a}", "the picture does not show {a}"),
            ("a photo with {a}", "a photo without {a}"),
            ("we can see {a}", "we cannot see {a}"),
        ),
        "kinds": (
            ("{a} is a kind of {bare_b}", "{b} is a kind of {bare_a}"),
            ("every {bare_a} is {b}", "every {bare_b} is {a}"),
            ("{a} is always {b}", "{b} is always {a}"),
            ("if it is {a}, then it is {b}", "if it is {b}, then it is {a}"),
        ),
        "comparison": (
            ("{a} is larger than {b}", "{b} is larger than {a}"),
            ("{b} is smaller than {a}", "{a} is smaller than {b}"),
            ("{a} takes more space than {b}", "{b} takes more space than {a}"),
            ("{b} takes less space than {a}", "{a} takes less space than {b}"),
        ),
    }
)
_WITH, _WITHOUT = "a picture with {}", "a picture without {}"


def sentence_probes(things: Sequence[Thing], *, seed: int = 0) -> CaptionTests:
    """Return sentences to compare without a picture: a saying, the same in other words, and another saying.

    Groups are "PROBE/meaning", where a small word or the order turns the meaning round, and "PROBE/thing",
    where the thing is exchanged. Each thing is asked about once a group, in wordings drawn by the seed. A
    coin that picks which two of three sentences are nearest is right in a third of the cases.

    Args:
        things: What the sentences are about; `kinds` leaves out those without a kind.
        seed: Of the wordings and of the other things.

    Raises:
        InputError: Fewer than `FEWEST` things, or a name twice.
    """
    _check(things)
    generator = np.random.default_rng([seed, 28])
    rows: list[tuple[str, ...]] = []
    for probe in get_args(Probe):
        asked = [thing for thing in things if thing.kind] if probe == "kinds" else list(things)
        for thing, other, third in zip(asked, *_companions(asked, generator), strict=True):
            rows += _items(probe, thing, other, third, generator)
    images, true, false, groups, paraphrases = zip(*rows, strict=True)
    return CaptionTests("probes", images, true, false, groups, paraphrases)


def picture_probes(things: Sequence[Thing], *, seed: int = 0) -> CaptionTests:
    """Return two captions a picture: of what it shows or lacks, and of the contrary.

    Groups: "there", where the thing is shown and the false caption denies it; "not there", where the true
    caption denies another thing and the false one claims it; "thing", where the false caption names another
    thing, for comparison. A tower that does not hear "without" is right in half of the first two together.

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
    others, _ = _companions(things, np.random.default_rng([seed, 29]))
    own_with, own_without = _captions(things)
    other_with, other_without = _captions(others)
    return CaptionTests(
        "picture-probes",
        images=tuple(thing.image for thing in things) * 3,
        true=(*own_with, *other_without, *own_with),
        false=(*own_without, *other_with, *other_with),
        groups=tuple(np.repeat(["there", "not there", "thing"], len(things)).tolist()),
    )


def _captions(things: Sequence[Thing]) -> tuple[list[str], list[str]]:
    names = [with_article(thing.name) for thing in things]
    return [_WITH.format(name) for name in names], [_WITHOUT.format(name) for name in names]


def _items(
    probe: Probe, thing: Thing, other: Thing, third: Thing, generator: np.random.Generator
) -> Iterator[tuple[str, ...]]:
    """Yield image, true, false, group and paraphrase: the meaning turned round, then the thing exchanged."""
    wordings = _WORDINGS[probe]
    said, again = (wordings[one] for one in generator.choice(len(wordings), 2, replace=False))
    # "Every animal is a dog" is untrue, so of kinds the true saying alone is reworded.
    way = 0 if probe == "kinds" else int(generator.integers(2))
    second = thing.kind if probe == "kinds" else other.name
    true, paraphrase = (_told(wording[way], thing.name, second) for wording in (said, again))
    yield thing.image, true, _told(said[1 - way], thing.name, second), f"{probe}/meaning", paraphrase
    yield thing.image, true, _told(said[way], third.name, second), f"{probe}/thing", paraphrase


def _told(template: str, a: str, b: str) -> str:
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
        raise InputError(
            f"{len(names)} things, {kinds} of a known kind, are too few to ask about",
            f"give at least {FEWEST} with their kinds",
        )
    doubles = [name for name, count in Counter(names).items() if count > 1]
    if doubles:
        raise InputError(f"{shown(doubles[0])} is given twice", "give each thing once")
