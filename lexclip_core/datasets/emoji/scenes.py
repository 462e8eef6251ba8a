"""Scenes of two emoji whose captions are true by construction: where each thing stands, and in which colour.

Captions of one scene are paraphrases of each other; captions of its swap use the same words and are false.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import pandas as pd
from PIL import Image

from lexclip_core.datasets.emoji.scene_drawing import thing
from lexclip_core.datasets.emoji.scene_objects import check_pool, objects, subgroups
from lexclip_core.datasets.emoji.scene_words import COLOURS, PHRASINGS
from lexclip_core.datasets.emoji.sprites import HELD_OUT
from lexclip_core.datasets.picture_files import on_white
from lexclip_core.datasets.pictures import PictureSet
from lexclip_core.errors import InputError
from lexclip_core.words import shown, with_article

Kind = Literal["relation", "attribute"]
Relation = Literal["left of", "right of", "above", "below"]

KINDS: tuple[Kind, ...] = get_args(Kind)
TINTED_STYLE = "openmoji_black"
OPPOSITE: Mapping[str, Relation] = MappingProxyType(
    {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
)
SMALLEST, MOST = 16, 20_000
# The scenes that the image tower was trained on, which no evaluation asks about.
IMAGE_TOWER_SEED, IMAGE_TOWER_SCENES = 20_261_123, 3_000


@dataclass(frozen=True)
class Scene:
    """Two things and where they stand.

    Args:
        kind: What a swap exchanges: the places (`relation`) or the colours (`attribute`).
        first: The concept that the relation is said of.
        second: The concept that it is related to.
        relation: Where the first stands, seen from the second.
        colour_first: A colour of `scene_words.COLOURS`, or "" for the drawing's own colours.
        colour_second: The same for the second.
        style: The style of both drawings; tinted scenes are line drawings.
    """

    kind: Kind
    first: str
    second: str
    relation: Relation
    colour_first: str = ""
    colour_second: str = ""
    style: str = HELD_OUT


def scenes(
    seed: int,
    count: int,
    kinds: Sequence[Kind] = KINDS,
    *,
    style: str = HELD_OUT,
    among: Sequence[str] | None = None,
) -> tuple[Scene, ...]:
    """Return scenes drawn from a seed, no two of them the same picture, the kinds in turn.

    The two things of a scene come from different subgroups of Unicode's, so that none is a kind of the other.

    Args:
        seed: The same seed gives the same scenes, and fewer of them the first of more.
        count: How many, at most 20,000.
        kinds: The kinds to make.
        style: Of relation scenes; attribute scenes are tinted line drawings.
        among: The concepts that things are drawn from; None takes all of `objects`.

    Raises:
        InputError: No such kind, the count is below 1 or too large, or too large for the things to draw from.
        MissingResourceError: The concepts or their senses are not there.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise InputError(f"the kinds of scenes are {list(kinds)}", f"choose among {', '.join(KINDS)}")
    if not 1 <= count <= MOST:
        raise InputError(f"{count:,} scenes were asked for", f"ask for 1 to {MOST:,}")
    pool = list(objects() if among is None else among)
    check_pool(pool, -(-count // len(kinds)))
    generator = np.random.default_rng(seed)
    made: dict[frozenset[str], Scene] = {}
    while len(made) < count:
        scene = _drawn(generator, kinds[len(made) % len(kinds)], style, pool)
        made.setdefault(frozenset(captions(scene)), scene)
    return tuple(made.values())


def captions(scene: Scene) -> tuple[str, ...]:
    """Return sentences that are true of the scene; those of its swap stand in the same order.

    Raises:
        InputError: The scene has an unknown concept, relation or colour.
        MissingResourceError: The concepts or their senses are not there.
    """
    _check(scene)
    return tuple(told(scene, phrasing) for phrasing in PHRASINGS[scene.relation])


def told(scene: Scene, phrasing: str, first: str = "", second: str = "") -> str:
    """Return the scene in one phrasing.

    Args:
        scene: A scene whose parts are known.
        phrasing: A sentence with the places that `scene_words.PHRASINGS` use.
        first: What to call the first thing, with its article; "" for its own name and colour.
        second: The same for the second.
    """
    if not (first and second):
        named = objects()
        first = first or with_article(f"{scene.colour_first} {named[scene.first]}".strip())
        second = second or with_article(f"{scene.colour_second} {named[scene.second]}".strip())
    leads = scene.relation in ("left of", "above")
    lead, follow = (first, second) if leads else (second, first)
    place, there = ("left", "right") if scene.relation in ("left of", "right of") else ("top", "bottom")
    return phrasing.format(a=first, b=second, lead=lead, follow=follow, place=place, there=there)


def swapped(scene: Scene) -> Scene:
    """Return the scene with its places exchanged, or its colours: its captions are false for this picture."""
    if scene.kind == "attribute":
        return replace(scene, colour_first=scene.colour_second, colour_second=scene.colour_first)
    return replace(scene, relation=OPPOSITE[scene.relation])


def draw(scene: Scene, size: int = 96) -> Image.Image:
    """Return the scene's picture as RGB on white, `size` pixels wide and high; each thing has its own half.

    Raises:
        InputError: The scene has an unknown part, or the size is below 16.
        MissingResourceError: The drawings are not there.
    """
    _check(scene)
    if size < SMALLEST:
        raise InputError(f"a scene of {size} pixels was asked for", f"ask for at least {SMALLEST}")
    side = size * 46 // 100
    middle, near = (size - side) // 2, (size // 2 - side) // 2
    far = size - size // 2 + near
    start, end = {
        "left of": ((near, middle), (far, middle)),
        "right of": ((far, middle), (near, middle)),
        "above": ((middle, near), (middle, far)),
        "below": ((middle, far), (middle, near)),
    }[scene.relation]
    canvas = Image.new("RGBA", (size, size))
    canvas.paste(thing(scene.first, scene.style, scene.colour_first, side), start)
    canvas.paste(thing(scene.second, scene.style, scene.colour_second, side), end)
    return on_white(canvas)


def scene_pictures(made: Sequence[Scene], size: int = 96) -> PictureSet:
    """Return the scenes' pictures as a set without classes, titled by their first captions."""
    drawn = [draw(scene, size) for scene in made]
    return PictureSet(
        name="emoji-scenes",
        title="Scenes of two emoji",
        classes=(),
        labels=np.full(len(drawn), -1, dtype=np.int64),
        digests=tuple(hashlib.sha256(picture.tobytes()).hexdigest() for picture in drawn),
        titles=tuple(captions(scene)[0] for scene in made),
        read=lambda picture: drawn[picture],
    )


def scene_table(seed: int, count: int, kinds: Sequence[Kind] = KINDS) -> pd.DataFrame:
    """Return one row a scene of `scenes(seed, count, kinds)`, with its texts.

    Columns: the fields of `Scene`, caption, paraphrase (another true sentence) and swapped (the caption with
    the places or colours exchanged, which is false).

    Raises:
        InputError: As in `scenes`.
        MissingResourceError: As in `scenes`.
    """
    generator = np.random.default_rng([seed, 1])
    rows = []
    for scene in scenes(seed, count, kinds):
        texts = captions(scene)
        one, other = generator.choice(len(texts), 2, replace=False)
        texts_of_row = {
            "caption": texts[one],
            "paraphrase": texts[other],
            "swapped": captions(swapped(scene))[one],
        }
        rows.append({**vars(scene), **texts_of_row})
    return pd.DataFrame(rows)


def _drawn(generator: np.random.Generator, kind: Kind, style: str, pool: Sequence[str]) -> Scene:
    groups = subgroups()
    first, second = "", ""
    while groups.get(first) == groups.get(second):
        first, second = (pool[place] for place in generator.choice(len(pool), 2, replace=False))
    relation = get_args(Relation)[generator.integers(4)]
    if kind == "relation":
        return Scene(kind, first, second, relation, style=style)
    one, other = (list(COLOURS)[place] for place in generator.choice(len(COLOURS), 2, replace=False))
    return Scene(kind, first, second, relation, one, other, TINTED_STYLE)


def _check(scene: Scene) -> None:
    known = objects()
    for value, valid, what in (
        (scene.first, known, "scene object"),
        (scene.second, known, "scene object"),
        (scene.relation, OPPOSITE, "relation"),
        (scene.colour_first, {"", *COLOURS}, "colour"),
        (scene.colour_second, {"", *COLOURS}, "colour"),
    ):
        if value not in valid:
            raise InputError(f"no {what} {shown(value)}", f"choose among {', '.join(sorted(valid)[:12])} ...")
