"""Tables: the embeddings of one picture set in one file, opened in place however large it is.

A table is an ordinary `.npy` file of records: a picture's digest, a checksum, its row. It is read through
once when it is opened, in small pieces, so that no damaged and no other picture's row is ever used.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lexclip_core import storage
from lexclip_core.picture_features.lots import DIGEST_BYTES, Held

log = logging.getLogger(__name__)

_BLOCK = 1024
"""Records read at a time."""


def name(digests: Sequence[bytes]) -> str:
    """Return the file name of the table of these pictures in this order."""
    return hashlib.sha256(b"".join(digests)).hexdigest()[:32] + ".npy"


def opened(file: Path, digests: Sequence[bytes], dim: int) -> np.memmap | None:
    """Return the rows of a table, float32 (pictures, dim), or None where it is absent or not sound.

    The array is mapped copy-on-write: what is written into it never reaches the file.
    """
    place = 0
    for found, sound in _blocks(file, dim):
        expected = digests[place : place + len(found)]
        if not sound.all() or [one.tobytes() for one in found["digest"]] != expected:
            log.warning("%s is damaged and made anew: a row of %d to %d", file, place, place + len(found))
            return None
        place += len(found)
    if not place or place != len(digests):
        return None
    return np.load(file, mmap_mode="c", allow_pickle=False)["row"]


def held(folder: Path, wanted: Collection[bytes], dim: int) -> Iterator[Held]:
    """Yield what the tables of all sets hold of the wanted pictures, sound rows only."""
    for file in sorted(folder.glob("[!.]*.npy")):  # files being written begin with a dot
        for found, sound in _blocks(file, dim):
            digests = [one.tobytes() for one in found["digest"]]
            chosen = [place for place in np.flatnonzero(sound) if digests[place] in wanted]
            if chosen:
                yield [digests[place] for place in chosen], found["row"][chosen]


def write(file: Path, digests: Sequence[bytes], rows: Iterable[Held], dim: int) -> None:
    """Write the table of these pictures from rows that come in any order.

    Args:
        file: Where to.
        digests: The pictures; one may occur several times.
        rows: Rows of all of them; a picture may come twice.
        dim: Length of a row.

    Raises:
        StorageError: The folder cannot be written, or the disk is full.
    """
    first: dict[bytes, int] = {}
    for place, digest in enumerate(digests):
        first.setdefault(digest, place)
    with storage.atomic_write(file) as partial, partial.open("r+b") as stream:
        start, size = _write_header(stream, len(digests), dim), _record(dim).itemsize
        for found, block in rows:
            for place, record in zip(
                [first[digest] for digest in found], _records(found, block), strict=True
            ):
                stream.seek(start + place * size)
                stream.write(record.tobytes())
        for place, digest in enumerate(digests):
            if first[digest] != place:
                stream.seek(start + first[digest] * size)
                record = stream.read(size)
                stream.seek(start + place * size)
                stream.write(record)


def _record(dim: int) -> np.dtype:
    return np.dtype([("digest", "u1", (DIGEST_BYTES,)), ("check", "<u4"), ("row", "<f4", (dim,))])


def _records(digests: Sequence[bytes], rows: np.ndarray) -> np.ndarray:
    made = np.empty(len(digests), _record(rows.shape[1]))
    made["digest"] = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES)
    made["row"] = rows
    made["check"] = _checks(made)
    return made


def _checks(records: np.ndarray) -> np.ndarray:
    pairs = zip(records["digest"], records["row"], strict=True)
    return np.array([zlib.crc32(row, zlib.crc32(digest)) for digest, row in pairs], np.uint32)


def _write_header(stream: BinaryIO, length: int, dim: int) -> int:
    """Write the head of a `.npy` file and return where its records begin."""
    kind = np.lib.format.dtype_to_descr(_record(dim))
    head = {"descr": kind, "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(stream, head)
    return stream.tell()


def _blocks(file: Path, dim: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the records of a file, and which are sound; one that is no table is logged and removed.

    The file is read, not mapped: what was read through would count as memory in use.
    """
    try:
        with file.open("rb") as stream:
            if np.lib.format.read_magic(stream) != (1, 0):
                raise ValueError("another version of the format")
            (length,), _, kind = np.lib.format.read_array_header_1_0(stream)
            if kind != _record(dim):
                raise ValueError(f"records of {kind}")
            for start in range(0, length, _BLOCK):
                count = min(_BLOCK, length - start)
                content = stream.read(count * kind.itemsize)
                found = np.frombuffer(content, kind, len(content) // kind.itemsize)
                yield found, found["check"] == _checks(found)
                if len(found) < count:  # what is left of it is of use
                    log.warning("%s is damaged: it ends after %d of %d", file, start + len(found), length)
                    return
    except FileNotFoundError:
        return
    except (ValueError, EOFError, OSError, TypeError) as error:
        log.warning("%s is damaged and made anew: %s", file, error)
        file.unlink(missing_ok=True)
