"""The shipped emoji: concepts with names and senses, drawings in four styles, picture sets of them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from PIL import Image

from lexclip_core import storage
from lexclip_core.datasets.pictures.files import on_white
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import table_rows
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import shown

if TYPE_CHECKING:
    import pandas as pd

Which = Literal["mapped", "all", "emotions"]
Domain = Literal["first", "second"]

SIZE = 64
"""Width and height of a drawing in pixels."""
STYLE_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "noto": "Noto Color Emoji",
        "twemoji": "Twemoji",
        "openmoji": "OpenMoji colour",
        "openmoji_black": "OpenMoji black",
    }
)
"""Shipped style -> the name that its makers use."""
HELD_OUT = "twemoji"
"""The style that the image tower never saw."""
_RESTORE = "restore it from the repository, or run `python -m tools.emoji build` in a clone"
_FIRST_TENTHS = 6  # of the classes are in the first domain


def data_folder() -> Path:
    """Return the folder that the emoji are read from, `data/emoji`."""
    return storage.data_folder() / "emoji"


def concepts() -> pd.DataFrame:
    """Return one row per concept, in Unicode's order.

    Columns: concept (the key), hexcode, label (CLDR's short name), tags (joined by `|`), group, subgroup,
    version (float), synset and lemma (what the drawing pictures), emotion. The last three are "" where the
    concept has none, and everywhere if `synsets.csv` or `emotions.csv` is not there.

    Raises:
        MissingResourceError: `concepts.csv` is not there.
        DamagedFileError: A file lacks a column or names a concept twice.
    """
    return _concepts(data_folder()).copy()


def column(name: str) -> Mapping[str, str]:
    """Return concept -> what a column of `concepts` says of it; the errors are those of `concepts`."""
    return _column(data_folder(), name)


@lru_cache(maxsize=16)
def _column(folder: Path, name: str) -> Mapping[str, str]:
    table = _concepts(folder)
    return MappingProxyType(dict(zip(table["concept"], table[name], strict=True)))


def require_senses(file: str = "synsets.csv") -> None:
    """Refuse to go on where the file that decides senses, or another of `data/emoji`, is not there.

    Raises:
        MissingResourceError: It is not there.
    """
    path = data_folder() / file
    if not path.exists():
        raise MissingResourceError(f"{path} is not there", "restore it: it is part of the repository's data")


def sprite_bytes(concept: str, style: str = "noto") -> bytes:
    """Return the drawing's WebP file as it is stored.

    Raises:
        InputError: No such concept or style.
        MissingResourceError: The drawings are not there.
        DamagedFileError: The file of drawings is damaged.
    """
    drawings = style_bytes(style)
    if concept not in drawings:
        near = [other for other in drawings if concept and concept in other][:3]
        hint = f"did you mean {', '.join(near)}?" if near else "see `lexclip emoji list`"
        raise InputError(f"unknown emoji concept {shown(concept)}", hint)
    return drawings[concept]


def sprite(concept: str, style: str = "noto") -> Image.Image:
    """Return one drawing as 64 x 64 RGBA; the errors are those of `sprite_bytes`."""
    return Image.open(io.BytesIO(sprite_bytes(concept, style))).convert("RGBA")


def sprite_png(concept: str, style: str = "noto") -> bytes:
    """Return one drawing as a PNG file, 64 x 64 with alpha; the errors are those of `sprite_bytes`."""
    stream = io.BytesIO()
    sprite(concept, style).save(stream, "PNG")
    return stream.getvalue()


def style_bytes(style: str, path: Path | None = None) -> Mapping[str, bytes]:
    """Return concept -> WebP bytes of one style, in the concepts' order.

    Raises:
        InputError: No such style.
        MissingResourceError: The file is not there.
        DamagedFileError: The file is damaged.
    """
    drawings = _drawings(path or data_folder() / "sprites.parquet")
    if style not in drawings:
        raise InputError(f"unknown emoji style {shown(style)}", f"choose one of {', '.join(drawings)}")
    return MappingProxyType(drawings[style])


def picture_set(style: str | Sequence[str] = HELD_OUT, which: Which = "mapped") -> PictureSet:
    """Return the emoji of one or more styles as a picture set.

    Args:
        style: The style or styles; by default the one that the image tower never saw.
        which: What the classes are. `all`: each concept, by its CLDR name. `mapped`: each synset that a
            concept pictures, by the concept's lemma, or by its CLDR name where two have one lemma; concepts
            of one synset make one class with the first one's key. `emotions`: the emotions that faces are
            marked with, several pictures each.

    Raises:
        InputError: No such style or kind of classes, or a style named twice.
        MissingResourceError: The drawings, or the file that decides the classes, are not there.
        DamagedFileError: A file is damaged.
    """
    if which not in _ROWS:
        raise InputError(f"unknown emoji classes {which!r}", f"choose one of {', '.join(get_args(Which))}")
    styles = (style,) if isinstance(style, str) else tuple(style)
    if not styles or len(set(styles)) < len(styles):
        raise InputError(f"the styles are {list(styles)}", "name each style once")
    table = _ROWS[which](concepts())
    firsts = table.drop_duplicates("of")
    places = {key: place for place, key in enumerate(firsts["of"])}
    files = [sprite_bytes(concept, one) for one in styles for concept in table["concept"]]
    titles = [f"{label} ({STYLE_TITLES[one]})" for one in styles for label in table["label"]]
    return PictureSet(
        name=f"emoji-{which}-{'-'.join(styles)}",
        title=f"Emoji: {', '.join(STYLE_TITLES[one] for one in styles)}",
        classes=tuple(map(PictureClass, firsts["key"], firsts["name"], firsts["synset"])),
        labels=np.tile(np.array([places[key] for key in table["of"]], dtype=np.int64), len(styles)),
        digests=tuple(hashlib.sha256(content).hexdigest() for content in files),
        titles=tuple(titles),
        read=lambda picture: on_white(Image.open(io.BytesIO(files[picture])).convert("RGBA")),
    )


def for_word(word: str, wordnet: WordNet) -> str | None:
    """Return the concept that pictures the first noun sense of a word, or None; inflections are undone.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    senses = wordnet.morphy(word, "n")
    require_senses()
    return _by_synset(data_folder()).get(wordnet.name(senses[0])) if senses else None


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
        raise InputError(f"unknown domain {which!r}", f"choose one of {', '.join(get_args(Domain))}")
    whole = picture_set(style, "mapped")
    ranked = sorted(
        whole.classes, key=lambda one: hashlib.sha256(f"{seed} {one.synset}".encode()).hexdigest()
    )
    first = {one.key for one in ranked[: round(len(ranked) * _FIRST_TENTHS / 10)]}
    return whole.subset([one.key for one in whole.classes if (one.key in first) == (which == "first")])


@lru_cache(maxsize=16)
def _drawings(path: Path) -> dict[str, dict[str, bytes]]:
    if not path.exists():
        raise MissingResourceError(f"{path} is not there", _RESTORE)
    import pandas as pd
    import pyarrow as pa

    try:
        table = pd.read_parquet(path, columns=["concept", "style", "image"])
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DamagedFileError(f"{path} is damaged: {error}", _RESTORE) from error
    styles = table.groupby("style", sort=False)
    return {str(style): dict(zip(rows["concept"], rows["image"], strict=True)) for style, rows in styles}


@lru_cache(maxsize=4)
def _concepts(folder: Path) -> pd.DataFrame:
    columns = ("concept", "hexcode", "label", "tags", "group", "subgroup", "version")
    table = _read(folder / "concepts.csv", columns)
    table["version"] = table["version"].astype(float)
    for file, added in (("synsets.csv", ["synset", "lemma"]), ("emotions.csv", ["emotion"])):
        if not (folder / file).exists():
            table[added] = ""
            continue
        # Senses are decided for more concepts than have drawings, so rows without a concept are not damage.
        decided = _read(folder / file, ("concept", *added))[["concept", *added]]
        table = table.merge(decided, on="concept", how="left").fillna(dict.fromkeys(added, ""))
    return table


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    rows = table_rows(path, columns, remedy="restore it", missing=_RESTORE)
    table = pd.DataFrame([row for _, row in rows], columns=list(columns), dtype=object)
    doubles = table["concept"][table["concept"].duplicated()]
    if len(doubles):
        raise DamagedFileError(f"{path} names {doubles.iloc[0]!r} twice", "keep one of the rows")
    return table


@lru_cache(maxsize=4)
def _by_synset(_folder: Path) -> dict[str, str]:
    table = concepts()
    table = table[table["synset"] != ""].drop_duplicates("synset")
    return dict(zip(table["synset"], table["concept"], strict=True))


def _all(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(of=table["concept"], key=table["concept"], name=table["label"])


def _mapped(table: pd.DataFrame) -> pd.DataFrame:
    require_senses()
    chosen = table[table["synset"] != ""]
    lemmas = chosen["lemma"].str.replace("_", " ")
    # One lemma may name two things (cricket): both then go by what CLDR calls them.
    names = lemmas.where(~lemmas.duplicated(keep=False), chosen["label"])
    return chosen.assign(of=chosen["synset"], key=chosen["concept"], name=names)


def _emotions(table: pd.DataFrame) -> pd.DataFrame:
    require_senses("emotions.csv")
    chosen = table[table["emotion"] != ""].sort_values("emotion", kind="stable")
    return chosen.assign(of=chosen["emotion"], key=chosen["emotion"], name=chosen["emotion"], synset="")


_ROWS = {"mapped": _mapped, "all": _all, "emotions": _emotions}
