"""Pictures -> their embeddings, each picture encoded once and kept under what it is and what encoded it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import InputError, StorageError
from lexclip_core.picture_features import lots, table
from lexclip_core.picture_features.lots import Held

if TYPE_CHECKING:  # a table opens without torch
    from lexclip_core.datasets.pictures import PictureSet
    from lexclip_core.towers import ImageTower

__all__ = ["features", "features_folder"]

_CHUNK = 256
"""Pictures a lot: what a kill can cost."""
_TRIES = 3
"""How often a table is made anew while others write to the same folder, or the disk damages it."""


def features_folder(tower: ImageTower, folder: Path | None = None) -> Path:
    """Return where the embeddings by a tower are kept: a folder that no other tower shares.

    Args:
        tower: Its weights, preparation, activation and precision all count.
        folder: The folder of all towers; by default `features` in the cache.
    """
    return (folder or storage.cache_folder() / "features") / tower.identity[:32]


def features(
    tower: ImageTower, pictures: PictureSet, *, folder: Path | None = None, progress: bool = False
) -> np.memmap:
    """Return the embeddings of all pictures of a set as float32 unit rows of shape (pictures, dim).

    They are a file of this tower and just these pictures, mapped into memory: a set larger than memory can be
    used, and what is written into the array stays out of the file. A picture is known by the sha256 of its
    bytes and encoded once for a tower, ever, whatever sets it stands in. What is new is encoded a few hundred
    pictures at a time, and each lot is kept at once: a killed call goes on where it stopped. Several
    processes may write. A damaged file is logged, and what it lost is encoded anew.

    Args:
        tower: Encodes what is new.
        pictures: A set; a picture that occurs several times is encoded once.
        folder: Where embeddings are kept; by default in the cache.
        progress: Draw a progress bar.

    Raises:
        InputError: The set is empty, or a picture cannot be read.
        StorageError: The folder cannot be written or does not give back what was written.
    """
    if not len(pictures):
        raise InputError(f"{pictures.name} has no pictures", "give a set with at least one")
    kept = features_folder(tower, folder)
    digests = [bytes.fromhex(digest) for digest in pictures.digests]
    file = kept / table.name(digests)
    for _ in range(_TRIES):
        rows = table.opened(file, digests, tower.dim)
        if rows is not None:
            return rows
        _make(tower, pictures, digests, file, progress=progress)
    raise StorageError(f"{file} does not hold what was written", "check the disk, or set LEXCLIP_CACHE")


def _make(
    tower: ImageTower, pictures: PictureSet, digests: list[bytes], file: Path, *, progress: bool
) -> None:
    """Write the table of a set; lots that it makes superfluous are removed."""
    kept = file.parent
    places: dict[bytes, int] = {}
    for place, digest in enumerate(digests):
        places.setdefault(digest, place)
    fresh = dict(places)
    for found, _ in _held(kept, places, tower.dim):
        for digest in found:
            fresh.pop(digest, None)
    for _ in _encoded(tower, pictures, fresh, kept, progress=progress):
        pass  # every lot is kept as it comes

    def rows() -> Iterator[Held]:
        lost = set(places)
        for found, block in _held(kept, places, tower.dim):
            lost.difference_update(found)
            yield found, block
        # Another process may have taken lots away since.
        yield from _encoded(tower, pictures, {one: places[one] for one in lost}, kept)

    table.write(file, digests, rows(), tower.dim)
    lots.remove(kept, places.keys())


def _held(kept: Path, wanted: Collection[bytes], dim: int) -> Iterator[Held]:
    return chain(table.held(kept, wanted, dim), lots.held(kept, wanted, dim))


def _encoded(
    tower: ImageTower, pictures: PictureSet, places: dict[bytes, int], kept: Path, *, progress: bool = False
) -> Iterator[Held]:
    """Encode pictures and yield each lot once it is kept."""
    digests = list(places)
    parts = [digests[start : start + _CHUNK] for start in range(0, len(digests), _CHUNK)]
    for part in storage.progress(parts, desc="pictures", unit="lot") if progress else parts:
        rows = tower.encode_pictures(pictures.read(places[digest]) for digest in part)
        lots.keep(kept, part, rows)
        yield part, rows
