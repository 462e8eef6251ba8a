"""Pictures -> their embeddings: each picture is encoded once per tower, and kept in the cache.

A table is an `.npy` file of records, a picture's digest and its row, for one set in its order. While it is
made, shards of some hundred pictures keep what is encoded, so that a killed call goes on where it stopped,
and several processes, as torchrun starts them, each encode their share.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lexclip_core import storage
from lexclip_core.cache import ARRAY, cached, cached_file, stored
from lexclip_core.errors import InputError, LexclipError, StorageError

if TYPE_CHECKING:
    from PIL import Image

    from lexclip_core.datasets.pictures.picture_set import PictureSet
    from lexclip_core.towers.images import ImageTower

KIND = "picture-features"
_BLOCK = 1024  # records written at a time

logger = logging.getLogger(__name__)


def picture_features(
    tower: ImageTower, pictures: PictureSet, *, shard: int = 256, progress: bool = False
) -> np.ndarray:
    """Return the embeddings of all pictures of a set as float32 unit rows of shape (pictures, dim).

    They are mapped into memory from a table of this tower and just these pictures: a set larger than memory
    can be used, and what is written into the array stays out of the file. A picture is known by the sha256 of
    its bytes and encoded once per tower, whatever sets it belongs to. Where the cache cannot be written, the
    rows are only returned, with a warning.

    Args:
        tower: Encodes what is new; its weights, preparation, activation and precision all count.
        pictures: A set; a picture that occurs several times is encoded once.
        shard: Pictures encoded between two writes: what a kill can cost.
        progress: Draw a progress bar.

    Raises:
        InputError: The set is empty, or pictures cannot be read; the others are encoded and kept.
        StorageError: The disk is full.
    """
    if not len(pictures):
        raise InputError(f"{pictures.name} has no pictures", "give a set with at least one")
    group = tower.identity[:32]
    digests = [bytes.fromhex(digest) for digest in pictures.digests]
    content = {"tower": tower.identity, "pictures": list(pictures.digests)}

    def blocks() -> Iterator[np.ndarray]:
        rows = _known_rows(group, set(digests))
        _encode(tower, pictures, rows, shard=shard, progress=progress)
        for start in range(0, len(digests), _BLOCK):
            part = digests[start : start + _BLOCK]
            yield _records(part, np.stack([rows[digest] for digest in part]))

    if storage.processes()[1] > 1:
        _encode(tower, pictures, _known_rows(group, set(digests)), shard=shard, progress=progress, own=True)
    try:
        table = cached_file(
            KIND, content, lambda path: _write(path, len(digests), blocks()), suffix=ARRAY.suffix, group=group
        )
    except StorageError as error:
        logger.warning("the features of %s are not kept: %s", pictures.name, error)
        return np.concatenate([block["row"] for block in blocks()])
    _remove_shards(group, set(digests))
    rows: np.ndarray = ARRAY.read(table)["row"]
    return rows


def _known_rows(group: str, wanted: set[bytes]) -> dict[bytes, np.ndarray]:
    """Return what a tower's tables and shards have of the wanted pictures: digest -> row."""
    return {
        digest: row
        for folder in (group, f"{group}/shards")
        for _, records in stored(KIND, codec=ARRAY, group=folder)
        for digest, row in zip(map(bytes, records["digest"]), records["row"], strict=True)
        if digest in wanted
    }


def _encode(
    tower: ImageTower,
    pictures: PictureSet,
    rows: dict[bytes, np.ndarray],
    *,
    shard: int,
    progress: bool,
    own: bool = False,
) -> None:
    """Add the rows of the pictures that have none, and keep each shard of them as it comes.

    With `own`, only the shards of this process, where torchrun started several.
    """
    places: dict[bytes, int] = {}
    for place, digest in enumerate(map(bytes.fromhex, pictures.digests)):
        if digest not in rows:
            places.setdefault(digest, place)
    every = list(
        dict.fromkeys(map(bytes.fromhex, pictures.digests))
    )  # processes must cut alike, whatever they know
    cut = [every[start : start + shard] for start in range(0, len(every), shard)]
    missing = [
        [digest for digest in part if digest in places] for part in (storage.own_share(cut) if own else cut)
    ]
    parts = [part for part in missing if part]
    broken: list[LexclipError] = []
    for part in storage.progress(parts, desc="pictures", unit="shard") if progress else parts:
        content = {"tower": tower.identity, "shard": [digest.hex() for digest in part]}
        group = f"{tower.identity[:32]}/shards"
        try:
            records = cached(
                KIND,
                content,
                partial(_encoded, tower, pictures, {one: places[one] for one in part}, broken),
                codec=ARRAY,
                group=group,
            )
        except InputError as error:  # no picture of the shard can be read, or one is none
            broken.append(error)
        else:
            rows.update(zip(map(bytes, records["digest"]), records["row"], strict=True))
    unread = sum(digest not in rows for part in parts for digest in part)
    if unread:
        first = broken[0] if broken else InputError("another process could not read it", "try again")
        counts = f"{unread} of {len(pictures)} pictures of {pictures.name} cannot be read"
        remedy = f"{first.remedy}, or take them out; the others are encoded and kept"
        raise InputError(f"{counts}, the first: {first.problem}", remedy)


def _encoded(
    tower: ImageTower, pictures: PictureSet, places: dict[bytes, int], broken: list[LexclipError]
) -> np.ndarray:
    """Return the records of pictures, digest -> place; what is wrong with the others is added to `broken`."""
    sound: list[bytes] = []

    def readable() -> Iterator[Image.Image]:
        for digest, place in places.items():
            try:
                picture = pictures.read(place)
            except LexclipError as error:
                broken.append(error)
            else:
                sound.append(digest)
                yield picture

    rows = tower.encode_pictures(readable())
    return _records(sound, rows)


def _records(digests: Sequence[bytes], rows: np.ndarray) -> np.ndarray:
    records = np.empty(len(digests), [("digest", "u1", (32,)), ("row", "<f4", rows.shape[1:])])
    records["digest"] = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
    records["row"] = rows
    return records


def _write(path: Path, length: int, blocks: Iterator[np.ndarray]) -> None:
    """Write an `.npy` file of records that never are in memory all at once."""
    with path.open("wb") as stream:
        for number, block in enumerate(blocks):
            if not number:
                kind = np.lib.format.dtype_to_descr(block.dtype)
                head = {"descr": kind, "fortran_order": False, "shape": (length,)}
                np.lib.format.write_array_header_1_0(stream, head)
            stream.write(block.tobytes())


def _remove_shards(group: str, covered: set[bytes]) -> None:
    """Remove the shards all of whose pictures are in a table."""
    for path, records in stored(KIND, codec=ARRAY, group=f"{group}/shards"):
        if covered.issuperset(map(bytes, records["digest"])):
            with suppress(OSError):
                path.unlink()
