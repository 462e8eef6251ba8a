"""The data sets that lexclip reads and does not ship: their cards, and how a source of data is declared.

The cards stand in `data/cards.toml`, one per source. A module that reads a set declares it in a tuple
`SOURCES`; `pictures.sources` and `text_sources` below gather these into their registries.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import RESTORE, read_toml

Location = Literal["shipped", "pictures_folder", "given"]
Sample = Literal["heldout", "released", "all"]
E = TypeVar("E")
T = TypeVar("T")


@dataclass(frozen=True)
class Card:
    """The label on a data set.

    Args:
        name: The name that it is opened by.
        title: The name that papers use.
        rows: Number of rows of the complete set.
        scale: The scores' lowest and highest value, or the classes, and what they say.
        reference: The publication to cite.
        source: The page that the set can be had from.
        licence: The terms, as the source states them.
        files: The file names that its reader looks for, in this order.
        hub: Repository on the Hugging Face hub that its reader can fetch, or "" where none is known.
        warning: What the set must not be used for, or "".
        details: What its reader alone asks for: layouts, addresses, checksums, names of classes.
    """

    name: str
    title: str
    rows: int
    scale: str
    reference: str
    source: str
    licence: str
    files: tuple[str, ...]
    hub: str = ""
    warning: str = ""
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def missing(self, path: Path, remedy: str = "") -> MissingResourceError:
        """Return the error that something of the set is not at a path."""
        problem = f"{self.title}: {path} is not there"
        return MissingResourceError(problem, remedy or f"get it from {self.source}")


@dataclass(frozen=True)
class Draw:
    """How one sample of a set is taken.

    Args:
        part: The part of the set, such as `val`; "" where it has none.
        per_class: The most pictures of each class; None takes all.
    """

    part: str = ""
    per_class: int | None = None


@dataclass(frozen=True)
class Source(Generic[T]):
    """One data set: what is known of it, how it is read and counted, which samples it has.

    Args:
        card: Its card.
        read: Folder, how to draw, seed -> one sample of it.
        check: Folder, how to draw -> how much of the sample is on disk, by what is counted, cheaply.
        samples: Sample -> how it is taken, the default first; empty where the set is always taken whole.
        location: Where it lies: `pictures_folder`, in the folder with its name there unless another path is
            given; `given`, only where a path says; `shipped`, with lexclip, at no path.
    """

    card: Card
    read: Callable[[Path, Draw, int], T]
    check: Callable[[Path, Draw], dict[str, int]]
    samples: Mapping[str, Draw] = field(default_factory=dict, hash=False)
    location: Location = "pictures_folder"

    @property
    def name(self) -> str:
        """The name that the set is opened by."""
        return self.card.name

    def draw(self, sample: str | None) -> Draw:
        """Return how a sample is taken; None takes the default.

        Raises:
            InputError: The set has no sample of that name.
        """
        if sample is None:
            return next(iter(self.samples.values()), Draw())
        if sample not in self.samples:
            remedy = f"choose one of {', '.join(self.samples)}" if self.samples else "name no sample"
            raise InputError(f"{self.card.title} has no sample {sample!r}", remedy)
        return self.samples[sample]

    def place(self, path: Path | None) -> Path:
        """Return the folder that the set is read from.

        Raises:
            InputError: The set ships and a path is given, or it does not and there is none to be found.
        """
        if self.location == "shipped":
            if path is None:
                return storage.data_folder()
            raise InputError(f"{self.name} is not read from {path}", "name no path: it ships with lexclip")
        place = path or pictures_folder() / self.name
        if path is not None or (self.location == "pictures_folder" and place.is_dir()):
            return place
        remedy = f"name the folder that holds {' or '.join(self.card.files)}"
        if self.location == "pictures_folder":
            remedy += f", or put it at {place}; get it from {self.card.source}"
        raise InputError(f"{self.name} needs a path", remedy)

    def open(self, path: Path | None = None, *, sample: str | None = None, seed: int = 0) -> T:
        """Return a sample of the set from a path, or from where it lies.

        Raises:
            InputError: As in `draw` and `place`.
            MissingResourceError: The set is not there; the message has the first wrong path.
            DamagedFileError: A file of the set is damaged.
        """
        draw = self.draw(sample)
        return self.read(self.place(path), draw, seed)

    def count(self, path: Path | None = None, *, sample: str | None = None) -> dict[str, int]:
        """Return how much of a sample is on disk, by what is counted; the errors are those of `open`."""
        draw = self.draw(sample)
        return self.check(self.place(path), draw)


def whole_source(card: Card, read: Callable[[Path], T], unit: str) -> Source[T]:
    """Return the source of a set that is read whole where a path says, and counted by reading it.

    Its length counts `unit`, such as "pairs".
    """

    def check(path: Path, _draw: Draw) -> dict[str, int]:
        return {unit: len(read(path))}  # type: ignore[arg-type]

    return Source(card, lambda path, draw, seed: read(path), check, location="given")


def read_cards(path: Path) -> dict[str, dict[str, Card]]:
    """Return group -> name -> card of a file such as `data/cards.toml`.

    Raises:
        MissingResourceError: The file is not there.
        DamagedFileError: It is not TOML, or a card lacks a field.
    """
    try:
        return {name: dict(_cards_of(group)) for name, group in read_toml(path).items()}
    except (TypeError, AttributeError) as error:
        raise DamagedFileError(f"{path} is damaged: {error}", RESTORE) from error


def _cards_of(group: Mapping[str, Any]) -> Iterator[tuple[str, Card]]:
    known = {one.name for one in fields(Card)}
    shared = {key: value for key, value in group.items() if not isinstance(value, dict)}
    for name, own in group.items():
        if isinstance(own, dict):
            entry = shared | own
            files = entry.pop("files", None) or entry.get("layouts", ())
            details = {key: entry.pop(key) for key in list(entry) if key not in known}
            yield name, Card(name=name, files=tuple(files), details=details, **entry)


CARDS: Mapping[str, Mapping[str, Card]] = MappingProxyType(read_cards(storage.data_folder() / "cards.toml"))
"""Group -> name -> card: pictures, captions, sentences, words, composition, queries."""


def pictures_folder() -> Path:
    """Return where sets lie that nobody names a path for, in folders called like the sets.

    `LEXCLIP_PICTURES`, else `pictures` in the cache.
    """
    return Path(os.environ.get("LEXCLIP_PICTURES") or storage.cache_folder() / "pictures")


def declared_sources(package: str) -> dict[str, Source[Any]]:
    """Return the sources that the modules of a package declare in `SOURCES`, in the order of their cards."""
    folder = importlib.import_module(package).__path__
    modules = [importlib.import_module(f"{package}.{one.name}") for one in pkgutil.iter_modules(folder)]
    declared = {source.name: source for module in modules for source in getattr(module, "SOURCES", ())}
    known = [name for group in CARDS.values() for name in group if name in declared]
    return {name: declared[name] for name in dict.fromkeys([*known, *declared])}


@cache
def text_sources() -> dict[str, Source[Any]]:
    """Return the registry of texts: name -> source of captioned pictures, scored sentences, and more.

    A set is added by one module of `datasets` that declares a `Source` in a tuple `SOURCES`, with a card in
    `data/cards.toml` or in the module. What another program adds to the mapping is opened the same way. A
    source opens as `captions.CaptionSet`, `captions.QueryPairs`, `sentence_similarity.SentencePairs`,
    `word_similarity.WordPairs` or `composition.CaptionTests`.
    """
    return declared_sources("lexclip_core.datasets")


def seeded(seed: int, *of: int) -> np.random.Generator:
    """Return the generator of a seed and of what else a draw depends on.

    Raises:
        InputError: The seed is not from 0 to 4,294,967,295.
    """
    if not 0 <= seed < 2**32:
        raise InputError(f"seed {seed}", "give a whole number from 0 to 4,294,967,295")
    return np.random.default_rng([seed, *of] if of else seed)


def entry_of(registry: Mapping[str, E], name: str, what: str) -> E:
    """Return an entry of a registry by its name; `what` is what an error calls the entries.

    Raises:
        InputError: The name is unknown; the message has the valid ones.
    """
    if name not in registry:
        raise InputError(f"unknown {what} {name!r}", f"choose one of {', '.join(registry)}")
    return registry[name]
