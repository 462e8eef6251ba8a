"""Pictures -> their embeddings, each picture encoded once and kept under what it is and what encoded it."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from lexclip_core import storage
from lexclip_core.datasets.pictures import PictureSet
from lexclip_core.errors import InputError
from lexclip_core.towers import ImageTower

logger = logging.getLogger(__name__)

_CHUNK = 256
"""Pictures a file: what a kill can cost."""
_DIGEST_BYTES = 32


def features_folder(tower: ImageTower, folder: Path | None = None) -> Path:
    """Return where the embeddings by a tower are kept: a folder that no other tower shares.

    Args:
        tower: Its weights, preparation, activation and precision all count.
        folder: The folder of all towers; by default `features` in the cache.
    """
    return (folder or storage.cache_folder() / "features") / tower.identity[:32]


def features(
    tower: ImageTower, pictures: PictureSet, *, folder: Path | None = None, progress: bool = False
) -> np.ndarray:
    """Return the embeddings of all pictures of a set as float32 unit rows of shape (pictures, dim).

    A picture is known by the sha256 of its bytes and encoded once for a tower, ever. What is new is encoded
    a few hundred pictures at a time, and each lot is kept at once: a killed call goes on where it stopped.
    Every lot is a file of its own, so that several processes may write; a damaged one is logged and removed,
    and its pictures are encoded anew.

    Args:
        tower: Encodes what is new.
        pictures: A set; a picture that occurs several times is encoded once.
        folder: Where embeddings are kept; by default in the cache.
        progress: Draw a progress bar.

    Raises:
        InputError: The set is empty, or a picture cannot be read.
        StorageError: The folder cannot be written.
    """
    if not len(pictures):
        raise InputError(f"{pictures.name} has no pictures", "give a set with at least one")
    kept = features_folder(tower, folder)
    places: dict[str, int] = {}
    for place, digest in enumerate(pictures.digests):
        places.setdefault(digest, place)
    rows = _known(kept, places.keys(), tower.dim)
    fresh = [digest for digest in places if digest not in rows]
    lots = [fresh[start : start + _CHUNK] for start in range(0, len(fresh), _CHUNK)]
    for lot in storage.progress(lots, desc="pictures", unit="lot") if progress else lots:
        encoded = tower.encode_pictures(pictures.read(places[digest]) for digest in lot)
        _keep(kept, lot, encoded)
        rows |= zip(lot, encoded, strict=True)
    return np.stack([rows[digest] for digest in pictures.digests])


def _keep(kept: Path, lot: Sequence[str], rows: np.ndarray) -> None:
    digests = np.frombuffer(bytes.fromhex("".join(lot)), dtype=np.uint8).reshape(-1, _DIGEST_BYTES)
    # Named by content: two processes that encode the same lot write the same file.
    name = hashlib.sha256(digests.tobytes()).hexdigest()[:32]
    with storage.atomic_write(kept / f"{name}.npz") as partial, partial.open("wb") as stream:
        np.savez(stream, digests=digests, rows=rows)


def _known(kept: Path, wanted: Collection[str], dim: int) -> dict[str, np.ndarray]:
    """Return the rows of the wanted digests that some file holds."""
    found: dict[str, np.ndarray] = {}
    # Files being written begin with a dot.
    for file in sorted(kept.glob("[!.]*.npz")):
        found |= _read(file, wanted, dim)
    return found


def _read(file: Path, wanted: Collection[str], dim: int) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as content:
            digests, rows = content["digests"], content["rows"]
        if digests.shape != (len(rows), _DIGEST_BYTES) or rows.shape[1:] != (dim,):
            raise ValueError(f"arrays of shapes {digests.shape} and {rows.shape}")
        if rows.dtype != np.float32 or digests.dtype != np.uint8:
            raise ValueError(f"arrays of types {digests.dtype} and {rows.dtype}")
    except FileNotFoundError:  # another process found it damaged first
        return {}
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        logger.warning("%s is damaged and made anew: %s", file, error)
        file.unlink(missing_ok=True)
        return {}
    names = [row.tobytes().hex() for row in digests]
    return {name: row for name, row in zip(names, rows, strict=True) if name in wanted}
