"""Small pictures as data addresses, for tables and pages: of a word, of a synset, of any picture."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterable
from functools import lru_cache

import pandas as pd
from PIL import Image

from lexclip_core.datasets.emoji import sprites
from lexclip_core.errors import LexclipError
from lexclip_core.wordnet import tables

SIDE = 64

logger = logging.getLogger(__name__)


def shrunk(picture: Image.Image) -> str:
    """Return a picture, shrunk to `SIDE` pixels where it is larger, as a `data:` address."""
    small = picture.copy()
    small.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"


@lru_cache(maxsize=4096)
def of_word(word: str) -> str | None:
    """Return the emoji that pictures a word's first noun sense; None where there is none."""
    try:
        concept = sprites.for_word(word, tables.load_wordnet())
        return _of_concept(concept) if concept else None
    except LexclipError as error:
        logger.info("no picture of %r: %s", word, error)
        return None


def column(table: pd.DataFrame, pictures: Iterable[str | None]) -> pd.DataFrame:
    """Return a table with the pictures of its rows as first column; the table itself where no row has one.

    Args:
        table: Any table without the column "".
        pictures: One `data:` address or None per row.
    """
    found = [address or "" for address in pictures]
    shown = table.copy()
    if any(found):
        shown.insert(0, "", found)
    return shown


@lru_cache(maxsize=4096)
def of_synset(synset: str) -> str | None:
    """Return the emoji that pictures a synset; None where there is none."""
    try:
        concept = _concepts().get(synset)
        return _of_concept(concept) if concept else None
    except LexclipError as error:
        logger.info("no picture of %s: %s", synset, error)
        return None


@lru_cache(maxsize=1)
def _concepts() -> dict[str, str]:
    table = sprites.concepts()
    mapped = table[table["synset"] != ""].drop_duplicates("synset")
    return dict(zip(mapped["synset"], mapped["concept"], strict=True))


@lru_cache(maxsize=2048)
def _of_concept(concept: str) -> str:
    return shrunk(sprites.sprite(concept))
