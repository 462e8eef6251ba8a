"""Emoji as a picture set: classes by sense, by name or by emotion, and the picture of a word."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from PIL import Image

from lexclip_core.datasets.emoji.sprites import (
    HELD_OUT,
    concepts,
    data_folder,
    require_senses,
    sprite_bytes,
)
from lexclip_core.datasets.emoji.styles import STYLES
from lexclip_core.datasets.picture_files import on_white
from lexclip_core.datasets.pictures import PictureClass, PictureSet
from lexclip_core.errors import InputError
from lexclip_core.synsets import WordNet

Which = Literal["mapped", "all", "emotions"]


def picture_set(style: str | Sequence[str] = HELD_OUT, which: Which = "mapped") -> PictureSet:
    """Return the emoji of one or more styles as a picture set.

    Args:
        style: The style or styles; by default the one that the image tower never saw.
        which: What the classes are. `all`: each concept, by its CLDR name. `mapped`: each synset that a
            concept pictures, by the concept's lemma, or by its CLDR name where two
            have one lemma; concepts of one synset make one class with the first
            one's key. `emotions`: the emotions that faces are marked with, several pictures each.

    Raises:
        InputError: No such style or kind of classes, or a style named twice.
        MissingResourceError: The drawings, or the file that decides the classes, are not there.
        DamagedFileError: A file is damaged.
    """
    if which not in _ROWS:
        raise InputError(f"no emoji classes {which!r}", f"choose one of {', '.join(get_args(Which))}")
    styles = (style,) if isinstance(style, str) else tuple(style)
    if not styles or len(set(styles)) < len(styles):
        raise InputError(f"the styles are {list(styles)}", "name each style once")
    table = _ROWS[which](concepts())
    firsts = table.drop_duplicates("of")
    places = {key: place for place, key in enumerate(firsts["of"])}
    files = [sprite_bytes(concept, one) for one in styles for concept in table["concept"]]
    titles = [f"{label} ({STYLES[one].title})" for one in styles for label in table["label"]]
    return PictureSet(
        name=f"emoji-{which}-{'-'.join(styles)}",
        title=f"Emoji: {', '.join(STYLES[one].title for one in styles)}",
        classes=tuple(
            PictureClass(*row) for row in zip(firsts["key"], firsts["name"], firsts["synset"], strict=True)
        ),
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


@lru_cache(maxsize=4)
def _by_synset(folder: Path) -> dict[str, str]:
    table = concepts()
    table = table[table["synset"] != ""].drop_duplicates("synset")
    return dict(zip(table["synset"], table["concept"], strict=True))


def _all(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(of=table["concept"], key=table["concept"], name=table["label"])


def _mapped(table: pd.DataFrame) -> pd.DataFrame:
    require_senses()
    kept = table[table["synset"] != ""]
    lemmas = kept["lemma"].str.replace("_", " ")
    # One lemma may name two things (cricket): both then go by what CLDR calls them.
    names = lemmas.where(~lemmas.duplicated(keep=False), kept["label"])
    return kept.assign(of=kept["synset"], key=kept["concept"], name=names)


def _emotions(table: pd.DataFrame) -> pd.DataFrame:
    require_senses("emotions.csv")
    kept = table[table["emotion"] != ""].sort_values("emotion", kind="stable")
    return kept.assign(of=kept["emotion"], key=kept["emotion"], name=kept["emotion"], synset="")


_ROWS = {"mapped": _mapped, "all": _all, "emotions": _emotions}
