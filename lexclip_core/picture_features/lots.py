"""Lots: a few hundred embeddings in a file of their own, written as soon as they are made."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from lexclip_core import storage

log = logging.getLogger(__name__)

DIGEST_BYTES = 32
Held = tuple[list[bytes], np.ndarray]
"""Digests, and the row of each."""


def keep(folder: Path, lot: Sequence[bytes], rows: np.ndarray) -> None:
    """Write one lot under the name of its content: two processes that encode it write the same file.

    Raises:
        StorageError: The folder cannot be written.
    """
    digests = np.frombuffer(b"".join(lot), dtype=np.uint8).reshape(-1, DIGEST_BYTES)
    name = hashlib.sha256(digests.tobytes()).hexdigest()[:32]
    with storage.atomic_write(folder / f"{name}.npz") as partial, partial.open("wb") as stream:
        np.savez(stream, digests=digests, rows=rows)


def held(folder: Path, wanted: Collection[bytes], dim: int) -> Iterator[Held]:
    """Yield what lots hold of the wanted pictures; a damaged lot is logged and removed."""
    for file in sorted(folder.glob("[!.]*.npz")):  # files being written begin with a dot
        digests, rows = _read(file, dim)
        chosen = [place for place, digest in enumerate(digests) if digest in wanted]
        if chosen:
            yield [digests[place] for place in chosen], rows[chosen]


def remove(folder: Path, covered: Collection[bytes]) -> None:
    """Remove the lots all of whose pictures stand in a table."""
    for file in folder.glob("[!.]*.npz"):
        try:
            with np.load(file, allow_pickle=False) as content:
                digests = [one.tobytes() for one in content["digests"]]
        except (FileNotFoundError, ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile):
            continue  # gone, or damaged: whoever reads it next says so
        if all(digest in covered for digest in digests):
            file.unlink(missing_ok=True)


def _read(file: Path, dim: int) -> Held:
    try:
        with np.load(file, allow_pickle=False) as content:
            digests, rows = content["digests"], content["rows"]
        if digests.shape != (len(rows), DIGEST_BYTES) or rows.shape[1:] != (dim,):
            raise ValueError(f"arrays of shapes {digests.shape} and {rows.shape}")
        if rows.dtype != np.float32 or digests.dtype != np.uint8:
            raise ValueError(f"arrays of types {digests.dtype} and {rows.dtype}")
    except FileNotFoundError:  # another process found it damaged, or has put it into a table
        return [], np.empty((0, dim), np.float32)
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        log.warning("%s is damaged and made anew: %s", file, error)
        file.unlink(missing_ok=True)
        return [], np.empty((0, dim), np.float32)
    return [one.tobytes() for one in digests], rows
