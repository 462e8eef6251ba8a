"""Scenes of two emoji, one next to or above the other: pictures, and captions that are true by construction.

What scenes are made of and how they are described stands in `data/emoji/scenes.toml`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from PIL import Image

from lexclip_core.datasets.cards import seeded
from lexclip_core.datasets.emoji.sprites import HELD_OUT, column, data_folder, require_senses, sprite
from lexclip_core.datasets.pictures.files import on_white
from lexclip_core.datasets.pictures.picture_set import PictureSet, without_classes
from lexclip_core.datasets.probes import Thing
from lexclip_core.errors import InputError
from lexclip_core.text_files import read_toml
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import shown, with_article

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["relation", "attribute"]
Relation = Literal["left of", "right of", "above", "below"]

KINDS: tuple[Kind, ...] = get_args(Kind)
OPPOSITE: Mapping[str, Relation] = MappingProxyType(
    {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
)
TINTED_STYLE = "openmoji_black"
SMALLEST, MOST = 16, 20_000
"""The smallest picture of a scene in pixels, and the most scenes of one seed."""
# The scenes that the image tower was trained on, which no evaluation asks about.
IMAGE_TOWER_SEED, IMAGE_TOWER_SCENES = 20_261_123, 3_000
_GAP = 4  # pixels of 64: an outline with gaps of up to twice this still encloses


SCENE_TEXTS: Mapping[str, Any] = MappingProxyType(read_toml(data_folder() / "scenes.toml"))
"""The content of `data/emoji/scenes.toml`."""
OBJECTS: tuple[str, ...] = tuple(SCENE_TEXTS["objects"].split())
"""The concepts that scenes are made of."""
COLOURS: Mapping[str, tuple[int, int, int]] = MappingProxyType(SCENE_TEXTS["colours"])
"""Colour -> sRGB."""
PHRASINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(SCENE_TEXTS["phrasings"])
"""Relation -> sentences with places for the two things; those of opposite relations stand in one order."""
THING_KINDS: Mapping[str, str] = MappingProxyType(SCENE_TEXTS["kinds"])
"""Synset -> its everyday name, a countable noun."""


@dataclass(frozen=True)
class Scene:
    """Two things and where they stand.

    Args:
        kind: What a swap exchanges: the places (`relation`) or the colours (`attribute`).
        first: The concept that the relation is said of.
        second: The concept that it is related to.
        relation: Where the first stands, seen from the second.
        colour_first: A colour of `COLOURS`, or "" for the drawing's own colours.
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


def make_scenes(
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
    _check_pool(pool, -(-count // len(kinds)))
    generator = seeded(seed)
    made: dict[frozenset[str], Scene] = {}
    while len(made) < count:
        scene = _drawn(generator, kinds[len(made) % len(kinds)], style, pool)
        made.setdefault(frozenset(scene_captions(scene)), scene)
    return tuple(made.values())


def scene_captions(scene: Scene) -> tuple[str, ...]:
    """Return sentences that are true of the scene; those of its swap stand in the same order.

    Raises:
        InputError: The scene has an unknown concept, relation or colour.
        MissingResourceError: The concepts or their senses are not there.
    """
    _check(scene)
    return tuple(describe(scene, phrasing) for phrasing in PHRASINGS[scene.relation])


def describe(scene: Scene, phrasing: str, first: str = "", second: str = "") -> str:
    """Return the scene in one phrasing.

    Args:
        scene: A scene whose parts are known.
        phrasing: A sentence with the places that `PHRASINGS` use.
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
    return without_classes(
        "emoji-scenes",
        "Scenes of two emoji",
        [hashlib.sha256(picture.tobytes()).hexdigest() for picture in drawn],
        [scene_captions(scene)[0] for scene in made],
        lambda picture: drawn[picture],
    )


def scene_table(seed: int, count: int) -> pd.DataFrame:
    """Return one row per scene of `make_scenes(seed, count)`, with its texts.

    Columns: the fields of `Scene`, caption, paraphrase (another true sentence) and swapped (the caption with
    the places or colours exchanged, which is false). The errors are those of `make_scenes`.
    """
    import pandas as pd

    generator = seeded(seed, 1)
    rows = []
    for scene in make_scenes(seed, count):
        texts = scene_captions(scene)
        one, other = generator.choice(len(texts), 2, replace=False)
        false = scene_captions(swapped(scene))[one]
        rows.append(vars(scene) | {"caption": texts[one], "paraphrase": texts[other], "swapped": false})
    return pd.DataFrame(rows)


def _drawn(generator: np.random.Generator, kind: Kind, style: str, pool: Sequence[str]) -> Scene:
    groups = column("subgroup")
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
            choices = ", ".join(sorted(valid)[:12])
            raise InputError(f"unknown {what} {shown(value)}", f"choose among {choices} ...")


def objects() -> Mapping[str, str]:
    """Return concept -> name of what scenes are made of: single, countable things known by a common word.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    require_senses()
    return _objects(data_folder())


def _check_pool(pool: Sequence[str], count: int) -> None:
    """Refuse concepts of which so many different scenes of one kind cannot be made."""
    unknown = [concept for concept in pool if concept not in objects()]
    if unknown:
        raise InputError(f"unknown scene object {shown(unknown[0])}", "choose among `objects`")
    subgroups = column("subgroup")
    pairs = sum(subgroups[one] != subgroups[other] for one, other in combinations(pool, 2))
    if 4 * pairs < count:  # each pair stands in four ways
        counts = f"{count:,} scenes of one kind were asked for; {len(pool)} things make {4 * pairs:,}"
        raise InputError(counts, "ask for fewer, or name more things")


@lru_cache(maxsize=4)
def _objects(_folder: Path) -> Mapping[str, str]:
    lemmas = column("lemma")
    return MappingProxyType({one: lemmas[one].replace("_", " ") for one in OBJECTS if lemmas.get(one)})


def thing(concept: str, style: str, colour: str, side: int) -> Image.Image:
    """Return a drawing as RGBA, as large as it can be in a square and centred in it.

    Args:
        concept: The emoji concept.
        style: A style of the shipped drawings.
        colour: A key of `COLOURS`, or "" for the drawing's own colours.
        side: The square's side in pixels.

    Raises:
        InputError: No such concept or style.
        MissingResourceError: The drawings are not there.
    """
    picture = sprite(concept, style)
    picture = picture.crop(picture.getbbox())
    if colour:
        picture = _tinted(picture, COLOURS[colour])
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", (side, side))
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return canvas


def _tinted(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Return a line drawing with lines of a darker shade and everything they enclose in the colour."""
    from scipy import ndimage

    alpha = np.asarray(picture)[..., 3]
    lines = np.pad(alpha > 64, _GAP)
    closed = ndimage.binary_closing(lines, ndimage.generate_binary_structure(2, 1), iterations=_GAP)
    inside = ndimage.binary_fill_holes(closed)[_GAP:-_GAP, _GAP:-_GAP]
    line = (alpha / 255)[..., None]
    shade = np.array(colour) * (1 - 0.45 * line)
    filled = np.where(inside, 255, alpha)[..., None]
    return Image.fromarray(np.concatenate([shade.round(), filled], axis=2).astype(np.uint8))


def things() -> tuple[Thing, ...]:
    """Return what scenes are made of, each with its nearest of `THING_KINDS` and its concept as picture.

    A thing under none of `THING_KINDS`, such as a volcano, has no kind.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    named = objects()  # first: it says which file is missing
    return _things(data_folder(), tuple(named.items()))


@lru_cache(maxsize=4)
def _things(_folder: Path, named: tuple[tuple[str, str], ...]) -> tuple[Thing, ...]:
    wordnet, synsets = load_wordnet(), column("synset")
    kinds = {wordnet.index(synset): name for synset, name in THING_KINDS.items()}
    return tuple(
        Thing(name, _nearest(wordnet, wordnet.index(synsets[concept]), kinds), concept)
        for concept, name in named
    )


def _nearest(wordnet: WordNet, synset: int, kinds: Mapping[int, str]) -> str:
    """Return the first of the kinds on the way up, breadth first, "" if there is none."""
    level, seen = [synset], {synset}
    while level:
        level = [one for below in level for one in wordnet.hypernyms.of(below).tolist() if one not in seen]
        seen.update(level)
        for one in level:
            if one in kinds:
                return kinds[one]
    return ""
