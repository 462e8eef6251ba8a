"""Pictures with named classes, from folders, files, arrays of numbers, or what somebody dropped on a page."""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lexclip_core.datasets.pictures.files import (
    SUFFIXES,
    check_picture,
    digests,
    open_picture,
    pictures_of,
    readable,
    sampled,
)
from lexclip_core.errors import InputError
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import as_spelt, is_invisible, normalise, shown

logger = logging.getLogger(__name__)

Drawn = Mapping[str, str | int | None]

_SYNSET = re.compile(r"(?P<lemma>.+)\.[nvars]\.\d\d+|[nvars]\d{8}")


@dataclass(frozen=True)
class PictureClass:
    """One class of a picture set.

    Args:
        key: The folder's name or the concept: what the class is addressed by.
        name: What a caption calls it.
        synset: The sense it pictures, such as `dog.n.01`, or "" where unknown.
    """

    key: str
    name: str
    synset: str = ""


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures, each of one class or of none.

    Args:
        name: A short name for files and addresses.
        title: What a page calls the set.
        classes: The classes, every key once.
        labels: (pictures,) int64, places in `classes`; -1 where the class is unknown.
        digests: The sha256 of each picture's bytes, 64 hex digits: what its features are cached under.
        titles: What a page calls each picture.
        read: Given a picture's place, returns it as RGB, transparent parts on white.
        drawn: How the pictures were drawn from a larger set, for the record of a run: set, sample, pictures
            per class, seed. Empty where the set is whole.

    Raises:
        InputError: The parts do not fit together, a key names two classes, or a class has no name.
    """

    name: str
    title: str
    classes: tuple[PictureClass, ...]
    labels: np.ndarray
    digests: tuple[str, ...]
    titles: tuple[str, ...]
    read: Callable[[int], Image.Image]
    drawn: Drawn = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.digests) == len(self.titles):
            counts = f"{len(self.labels)} labels, {len(self.digests)} digests, {len(self.titles)} titles"
            raise InputError(f"{self.name} has {counts}", "give every picture one of each")
        if len(self.labels) and not -1 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise InputError(f"{self.name}: a label is outside 0 to {len(self.classes) - 1}", "renumber them")
        refuse_doubles([one.key for one in self.classes], f"the classes of {self.name}")
        unnamed = [one.key for one in self.classes if is_invisible(as_spelt(one.name))]
        if unnamed:
            raise InputError(f"{self.name}: the class {shown(unnamed[0])} has no name", "give it one")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<PictureSet {self.name}, {len(self):,} pictures, {len(self.classes):,} classes>"

    def subset(self, keys: Sequence[str]) -> PictureSet:
        """Return the pictures of some classes; the classes stand in the order given, the pictures as before.

        Raises:
            InputError: A key is unknown or given twice.
        """
        refuse_doubles(keys, "the list of classes")
        places = {one.key: place for place, one in enumerate(self.classes)}
        unknown = [key for key in keys if key not in places]
        if unknown:
            known = ", ".join([*places][:3])
            raise InputError(f"{self.name} has no class {shown(unknown[0])}", f"name classes such as {known}")
        renumbered = np.full(len(self.classes) + 1, -1, dtype=np.int64)  # the last place serves label -1
        renumbered[[places[key] for key in keys]] = np.arange(len(keys))
        labels = renumbered[self.labels]
        classes = tuple(self.classes[places[key]] for key in keys)
        chosen = np.flatnonzero(labels >= 0)
        return replace(self.take(chosen.tolist()), classes=classes, labels=labels[chosen])

    def take(self, places: Sequence[int]) -> PictureSet:
        """Return the pictures at some places, in the order given; the classes stay."""
        return replace(
            self,
            labels=self.labels[list(places)],
            digests=tuple(self.digests[place] for place in places),
            titles=tuple(self.titles[place] for place in places),
            read=lambda picture: self.read(places[picture]),
        )


def refuse_doubles(names: Sequence[str], where: str) -> None:
    """Refuse a list that names one thing twice.

    Raises:
        InputError: It does; the message has the name.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{shown(name)} stands twice in {where}", "keep one, or rename the other")
        seen.add(name)


def folder(path: Path, *, per_class: int | None = None, seed: int = 0) -> PictureSet:
    """Return the pictures of a folder that holds one folder per class.

    Hidden files and folders are skipped, and so are folders without pictures and files that are none, which
    the log counts and names. A folder called like a synset (`dog.n.01`) or a wnid (`n02084071`) gives the
    class its synset too. A picture is opened when it is read, so a damaged one is named then.

    Args:
        path: The folder; its pictures are `path/CLASS/*.png`, `.jpg`, `.jpeg`, `.webp` or `.gif`.
        per_class: Take at most so many pictures of each class, drawn without replacement; None takes all.
        seed: Of that draw, which for one class does not depend on the others.

    Raises:
        InputError: The folder or the pictures are not there, two folders give one class name, or
            `per_class` is below 1.
    """
    if per_class is not None and per_class < 1:
        raise InputError(f"per_class is {per_class}", "ask for at least one picture of each class")
    folders = _by_class(path)
    name = readable(path.resolve())
    classes = [_picture_class(readable(place)) for place in folders]
    # a name may be written in two ways, é or e with an accent
    names = [unicodedata.normalize("NFC", normalise(one.name)) for one in classes]
    refuse_doubles(names, f"the class names of {path}")
    classed = dict(zip(classes, folders.values(), strict=True))
    pictures = from_files(name, f"Pictures in {name}", classed, per_class=per_class, seed=seed)
    return pictures if per_class is None else replace(pictures, drawn={"per_class": per_class, "seed": seed})


def check_folder(path: Path) -> dict[str, int]:
    """Return how many classes and pictures a folder holds, unopened; the errors are those of `folder`."""
    return counted(_by_class(path))


def counted(classed: Mapping[Any, Collection[Any]]) -> dict[str, int]:
    """Return how many classes and pictures there are: class -> its files."""
    return {"classes": len(classed), "pictures": sum(map(len, classed.values()))}


def from_files(
    name: str,
    title: str,
    classed: Mapping[PictureClass, Sequence[Path]],
    *,
    per_class: int | None = None,
    seed: int = 0,
) -> PictureSet:
    """Return the picture set of the files of each class; a file not seen before is read for its digest.

    Args:
        name: The set's short name.
        title: What a page calls the set.
        classed: Class -> its files.
        per_class: The most files of each class, drawn without replacement; None takes all.
        seed: Of the draw, which for one class does not depend on the others.
    """
    files = [sampled(every, per_class, seed=seed, key=one.key.encode()) for one, every in classed.items()]
    paths = [file for part in files for file in part]
    return PictureSet(
        name=name,
        title=title,
        classes=tuple(classed),
        labels=np.repeat(np.arange(len(files), dtype=np.int64), [len(part) for part in files]),
        digests=digests(paths),
        titles=tuple(f"{readable(file.parent)}/{readable(file)}" for file in paths),
        read=lambda picture: open_picture(paths[picture]),
    )


def without_classes(
    name: str, title: str, digests: Sequence[str], titles: Sequence[str], read: Callable[[int], Image.Image]
) -> PictureSet:
    """Return pictures whose classes are unknown; the arguments are those of `PictureSet`."""
    labels = np.full(len(titles), -1, dtype=np.int64)
    return PictureSet(name, title, (), labels, tuple(digests), tuple(titles), read)


def dropped(files: Sequence[tuple[str, bytes]], *, most: int = 64) -> PictureSet:
    """Return pictures that somebody dropped on a page; their classes are unknown.

    Args:
        files: Each file's name and bytes.
        most: The most pictures taken at once.

    Raises:
        InputError: There are none or too many, or one is not a picture or too large; the message names it.
    """
    if not files:
        raise InputError("no picture was given", "choose at least one PNG, JPEG, WebP or GIF file")
    if len(files) > most:
        raise InputError(f"{len(files)} pictures were given at once", f"choose at most {most}")
    names = [re.split(r"[/\\]", name)[-1] or "picture" for name, _ in files]
    for name, (_, content) in zip(names, files, strict=True):
        check_picture(content, name=name)
    return without_classes(
        "dropped",
        "Your pictures",
        [hashlib.sha256(content).hexdigest() for _, content in files],
        names,
        lambda picture: open_picture(files[picture][1], name=names[picture]),
    )


def named_classes(pictures: PictureSet, wordnet: WordNet) -> dict[str, tuple[str, str]]:
    """Return key -> (synset, name) of all classes, as `class_names.name_set` takes them.

    A class called by its wnid is named by its synset's first lemma, `_` as spaces.

    Raises:
        InputError: A wnid is unknown.
    """
    named = {}
    for one in pictures.classes:
        called = wordnet.lemmas[wordnet.index(one.synset)][0] if one.synset == one.name else one.name
        named[one.key] = (one.synset, called.replace("_", " "))
    return named


def from_pixels(
    name: str,
    classes: Sequence[PictureClass],
    labels: np.ndarray,
    pixels: np.ndarray,
    *,
    title: str,
    titles: Sequence[str],
) -> PictureSet:
    """Return the picture set of an array of pictures; a digest is of a picture's shape and values.

    Args:
        name: The set's short name.
        classes: The classes.
        labels: (pictures,) int64, places in `classes`.
        pixels: (pictures, height, width) grey or (pictures, height, width, 3) RGB, uint8.
        title: What a page calls the set.
        titles: What a page calls each picture.
    """
    shape = "x".join(str(side) for side in pixels.shape[1:]).encode()
    return PictureSet(
        name=name,
        title=title,
        classes=tuple(classes),
        labels=labels.astype(np.int64),
        digests=tuple(hashlib.sha256(shape + b":" + one.tobytes()).hexdigest() for one in pixels),
        titles=tuple(titles),
        read=lambda picture: Image.fromarray(pixels[picture]).convert("RGB"),
    )


def _by_class(path: Path) -> dict[Path, list[Path]]:
    """Return class folder -> its pictures, where there are some."""
    if not path.is_dir():
        raise InputError(f"{path} is not a folder", "name one that holds a folder of pictures per class")
    folders = sorted(place for place in path.iterdir() if place.is_dir() and not place.name.startswith("."))
    if not folders:
        raise InputError(f"{path} holds no folders", "put the pictures of each class into one with its name")
    classed = pictures_of(folders)
    for place in (place for place, files in classed.items() if not files):
        logger.warning("%s holds no pictures and is skipped", readable(place))
    filled = {place: files for place, files in classed.items() if files}
    if not filled:
        raise InputError(f"no folder in {path} holds a picture", f"put {', '.join(SUFFIXES)} files into them")
    return filled


def _picture_class(key: str) -> PictureClass:
    match = _SYNSET.fullmatch(key)
    words = (match and match["lemma"]) or key
    return PictureClass(key, " ".join(words.replace("_", " ").split()), key if match else "")
