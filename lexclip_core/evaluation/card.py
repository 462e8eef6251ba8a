"""The lexical card of a text tower: every number with interval, chance and meaning, as a file and as tables.

`Card` is the published schema, which `data/cards/schema.json` has for other programs; `read_card` reads what
`write_card` wrote. What each measure is called and means stands in `data/cards/measures.toml`; how they are
measured is `card_measures`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, LexclipError
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.text_files import read_json, read_toml
from lexclip_core.towers.registry import titled

if TYPE_CHECKING:
    from lexclip_core.towers.tower import Tower

Better = Literal["higher", "lower", "neither"]
Text = Annotated[str, Field(max_length=2_000)]

_REMEDY = "make it again: lexclip card TOWER"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Row(_Part):
    """One measure of a card: what it is, and the tower's number, as its vectors are and with them centred."""

    id: Text
    group: Text
    title: Text
    axis: Text
    better: Better
    chance: float | None = None
    main: bool = False
    meaning: Text
    plain: Estimate
    centred: Estimate | None = None


class CardTower(_Part):
    """Whose card it is.

    Attributes:
        name: What the tower is loaded by.
        architecture: Its architecture.
        activation: The activation it computes with, "" where it has none.
        dim: Length of an embedding.
        sha256: Checksum of the base's weights.
        verified: Whether that is the checksum that their authors, or the hub, published.
        run: The run that tuned it, "" for a base.
        tuned_sha256: Checksum of the tuned tensors.
        tuned_on: Which words were tuned on, in a sentence.
    """

    name: Text
    architecture: Text = ""
    activation: Text = ""
    dim: int
    sha256: Text
    verified: bool = False
    run: Text = ""
    tuned_sha256: Text = ""
    tuned_on: Text = ""

    @classmethod
    def of(cls, tower: Tower, **about: Any) -> CardTower:
        """Return whose card one of a loaded tower is.

        Args:
            tower: Untouched, tuned here, or with a run's tensors.
            **about: Of a run: `run`, `tuned_sha256`, `tuned_on`.
        """
        from lexclip_core.towers.trainable import tensors_digest

        if tower.trainable and "tuned_sha256" not in about:
            about["tuned_sha256"] = tensors_digest(tower.model.state_dict())
        shared = {name: getattr(tower, name) for name in ("name", "dim", "sha256", "verified")}
        spec = {name: getattr(tower.spec, name) for name in ("architecture", "activation")}
        return cls(**shared, **spec, **about)

    @property
    def label(self) -> str:
        """What figures and tables call it: the run, else the tower; said to be unverified where it is."""
        return titled(self.run or self.name, verified=self.verified)


class Card(_Part):
    """The lexical card of one tower.

    Attributes:
        format: The name of this schema.
        tower: Whose card it is.
        split: Which words were measured.
        counts: How many pairs, triples, and words of the vocabulary.
        digest: Of the words: cards with one digest measured the same.
        rows: The measures.
        missing: Measure -> why it is not there.
        command: How the card is made again.
        version: Of lexclip.
    """

    format: Literal["lexclip-card-1"] = "lexclip-card-1"
    tower: CardTower
    split: Text
    counts: dict[Text, int]
    digest: Text
    rows: Annotated[tuple[Row, ...], Field(max_length=500)]
    missing: dict[Text, Text] = {}
    command: Text = ""
    version: Text = ""

    def row(self, name: str) -> Row | None:
        """Return the row of an id, None where the card does not have it."""
        return next((row for row in self.rows if row.id == name), None)


def read_card(path: Path) -> Card:
    """Return the card of a JSON file, checked.

    Raises:
        MissingResourceError: It is not there.
        DamagedFileError: It is not a card; the message has the path of the first wrong item.
    """
    content = read_json(path, dict[str, Any], remedy=_REMEDY)
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedFileError(f"{path} is not a lexical card: {where}: {first['msg']}", _REMEDY) from error


def write_card(path: Path, card: Card) -> Path:
    """Write a card as JSON and return the path.

    Raises:
        StorageError: The file cannot be written.
    """
    with storage.atomic_write(path) as temporary:
        temporary.write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def read_cards(*folders: Path) -> tuple[dict[str, Card], list[str]]:
    """Return the cards of some folders by file name without its end, and what is wrong with the others.

    Of two files of one name the later folder's counts; `schema.json` is none.
    """
    cards: dict[str, Card] = {}
    problems = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        if path.name != "schema.json":
            try:
                cards[path.stem] = read_card(path)
            except (LexclipError, OSError) as error:
                problems.append(str(getattr(error, "problem", error)).replace(str(path), path.name))
    return cards, problems


def cards_folder() -> Path:
    """Return the folder of the cards that ship."""
    return storage.data_folder() / "cards"


def schema() -> str:
    """Return the JSON schema of a card, as `data/cards/schema.json` has it."""
    return json.dumps(Card.model_json_schema(mode="serialization"), indent=1) + "\n"


def card_table(cards: Mapping[str, Card]) -> pd.DataFrame:
    """Return every number of some cards as a table, for figures and pages.

    Args:
        cards: By the name that the table calls them.

    Returns:
        Columns tower, id, group, title, axis, better, chance, main, meaning, vectors (plain or centred),
        value, low, high, n, in the order of the measures.
    """
    known = {name: place for place, name in enumerate(card_texts()["rows"])}
    rows = [
        row.model_dump(exclude={"plain", "centred"})
        | {"tower": name, "vectors": vectors}
        | measured.as_dict()
        for name, card in cards.items()
        for row in card.rows
        for vectors, measured in (("plain", row.plain), ("centred", row.centred))
        if measured is not None
    ]
    columns = ["id", "group", "title", "axis", "better", "chance", "main", "meaning", "tower", "vectors"]
    table = pd.DataFrame(rows, columns=[*columns, "value", "low", "high", "n"])
    place = [known.get(name, known.get(family_of(name), len(known))) for name in table["id"]]
    return table.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def side_by_side(cards: Mapping[str, Card]) -> pd.DataFrame:
    """Return the values of some cards as they are read: one row per measure, one column per tower.

    Args:
        cards: By the name that the table calls them; of a single one the centred values stand next to it.

    Returns:
        Columns measure, axis, chance, and the towers: texts such as "0.447 (0.353 to 0.541)", "-" where a
        card does not have the measure.
    """
    table = card_table(cards)
    columns, rows = [*cards, "centred"] if len(cards) == 1 else [*cards], []
    for _, part in table.groupby("id", sort=False):
        of = part["tower"].where(part["vectors"] == "plain", "centred")
        cells = dict(zip(of, map(_cell, part.itertuples()), strict=True))
        first = part.iloc[0]
        chance = "" if pd.isna(first["chance"]) else f"{first['chance']:.3g}"
        rows.append((first["title"], first["axis"], chance, *(cells.get(one, "-") for one in columns)))
    return pd.DataFrame(rows, columns=["measure", "axis", "chance", *columns])


def _cell(row: Any) -> str:
    digits = 0 if row.axis == "rank" else 3
    value, low, high = (f"{one:.{digits}f}" for one in (row.value, row.low, row.high))
    return value if pd.isna(row.low) else f"{value} ({low} to {high})"


def card_texts() -> dict[str, Any]:
    """Return what `data/cards/measures.toml` has: rows, templates, analogies."""
    return read_toml(cards_folder() / "measures.toml")


def family_of(name: str) -> str:
    """Return the name that stands for all rows of a data set: "word_similarity/*" for each of its sets."""
    return f"{name.partition('/')[0]}/*"
