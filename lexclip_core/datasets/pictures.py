"""Sets of pictures with named classes: from a folder, from files dropped on a page, or of this project."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lexclip_core.datasets import file_digests
from lexclip_core.datasets.picture_files import check_picture, open_picture
from lexclip_core.datasets.picture_records import PictureClass, PictureSet, refuse_doubles
from lexclip_core.datasets.picture_samples import SUFFIXES, pictures_in, sampled
from lexclip_core.errors import InputError
from lexclip_core.synsets import WordNet
from lexclip_core.words import normalise

__all__ = [
    "PictureClass",
    "PictureSet",
    "check_folder",
    "dropped",
    "folder",
    "from_files",
    "named_classes",
    "open_picture",
]

log = logging.getLogger(__name__)

_SYNSET = re.compile(r"(?P<lemma>.+)\.[nvars]\.\d\d+|[nvars]\d{8}")


def folder(path: Path, *, per_class: int | None = None, seed: int = 0) -> PictureSet:
    """Return the pictures of a folder that holds one folder a class.

    Hidden files and folders are passed over, and so are folders without pictures, which the log names. A
    folder called like a synset (`dog.n.01`) or a wnid (`n02084071`) gives the class its synset too. A picture
    is opened when it is read, so a damaged one is found then.

    Args:
        path: The folder; its pictures are `path/CLASS/*.png`, `.jpg`, `.jpeg` or `.webp`.
        per_class: Take at most so many pictures of each class, drawn without replacement; None takes all.
        seed: Of that draw, which for one class does not depend on the others.

    Raises:
        InputError: The folder or the pictures are not there, two folders give one class name, or
            `per_class` is below 1.
    """
    if per_class is not None and per_class < 1:
        raise InputError(f"per_class is {per_class}", "ask for at least one picture of each class")
    found = _by_class(path)
    files = [sampled(one, per_class, seed=seed, key=os.fsencode(place.name)) for place, one in found.items()]
    name = _readable(path.resolve())
    classes = [_picture_class(_readable(place)) for place in found]
    refuse_doubles([normalise(one.name) for one in classes], f"the class names of {path}")
    pictures = from_files(name, f"Pictures in {name}", classes, files)
    return pictures if per_class is None else replace(pictures, drawn={"per_class": per_class, "seed": seed})


def check_folder(path: Path) -> dict[str, int]:
    """Return how many classes and pictures a folder of class folders holds; no picture is opened.

    Raises:
        InputError: As in `folder`.
    """
    found = _by_class(path)
    return {"classes": len(found), "pictures": sum(map(len, found.values()))}


def from_files(
    name: str, title: str, classes: Sequence[PictureClass], files: Sequence[Sequence[Path]]
) -> PictureSet:
    """Return the picture set of the files of each class; a file not seen before is read for its digest."""
    paths = [file for one in files for file in one]
    return PictureSet(
        name=name,
        title=title,
        classes=tuple(classes),
        labels=np.repeat(np.arange(len(files), dtype=np.int64), [len(one) for one in files]),
        digests=file_digests.digests(paths),
        titles=tuple(f"{_readable(file.parent)}/{_readable(file)}" for file in paths),
        read=lambda picture: open_picture(paths[picture]),
    )


def dropped(files: Sequence[tuple[str, bytes]], *, most: int = 64) -> PictureSet:
    """Return pictures that somebody dropped on a page; their classes are unknown.

    Args:
        files: Each file's name and bytes.
        most: The most pictures taken at once.

    Raises:
        InputError: There are none or too many, or one is no picture or too large; the message names it.
    """
    if not files:
        raise InputError("no picture was given", "choose at least one PNG, JPEG, WebP or GIF file")
    if len(files) > most:
        raise InputError(f"{len(files)} pictures were given at once", f"choose at most {most}")
    names = [re.split(r"[/\\]", name)[-1] or "picture" for name, _ in files]
    for name, (_, content) in zip(names, files, strict=True):
        check_picture(content, name=name)
    return PictureSet(
        name="dropped",
        title="Your pictures",
        classes=(),
        labels=np.full(len(files), -1, dtype=np.int64),
        digests=tuple(hashlib.sha256(content).hexdigest() for _, content in files),
        titles=tuple(names),
        read=lambda picture: open_picture(files[picture][1], name=names[picture]),
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


def _by_class(path: Path) -> dict[Path, list[Path]]:
    """Return class folder -> its pictures, where there are some."""
    found = {place: pictures_in(place) for place in _class_folders(path)}
    for place in (place for place, files in found.items() if not files):
        log.warning("%s holds no pictures and is passed over", _readable(place))
    kept = {place: files for place, files in found.items() if files}
    if not kept:
        raise InputError(f"no folder in {path} holds a picture", f"put {', '.join(SUFFIXES)} files into them")
    return kept


def _class_folders(path: Path) -> list[Path]:
    if not path.is_dir():
        raise InputError(f"{path} is not a folder", "name a folder that holds one folder of pictures a class")
    found = sorted(place for place in path.iterdir() if place.is_dir() and not place.name.startswith("."))
    if not found:
        raise InputError(
            f"{path} holds no folders", "put the pictures of each class into a folder with its name"
        )
    return found


def _picture_class(key: str) -> PictureClass:
    found = _SYNSET.fullmatch(key)
    words = (found and found["lemma"]) or key
    return PictureClass(key, " ".join(words.replace("_", " ").split()), key if found else "")


def _readable(path: Path) -> str:
    return os.fsencode(path.name).decode("utf-8", "replace")  # a name may be bytes that are no text
