"""Load the WordNet tables: from the cache on disk, else from the database files."""

from __future__ import annotations

import logging
import threading
import zipfile
import zlib
from pathlib import Path

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import StorageError
from lexclip_core.synsets import install
from lexclip_core.synsets.database import Arrays, read_database
from lexclip_core.synsets.wordnet import WordNet

__all__ = ["WordNet", "load_wordnet"]

#: Raise it with every change of what `database.read_database` returns.
FORMAT_VERSION = 1

_LOCK = threading.Lock()
_LOADED: list[WordNet] = []
_DAMAGE = (OSError, EOFError, KeyError, ValueError, IndexError, TypeError, zipfile.BadZipFile, zlib.error)

logger = logging.getLogger(__name__)


def cache_file() -> Path:
    """Return the file that keeps the tables between processes; its name carries the format version."""
    return storage.cache_folder() / "wordnet" / f"tables-v{FORMAT_VERSION}.npz"


def load_wordnet() -> WordNet:
    """Return WordNet 3.0, read once for the whole process.

    The first call of all finds or fetches the database and takes some seconds; later ones read a cache.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    with _LOCK:
        if not _LOADED:
            _LOADED.append(read_or_build(cache_file()))
        return _LOADED[0]


def read_or_build(path: Path) -> WordNet:
    """Return the tables kept in a cache file; build and keep them where it is missing or damaged.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    if path.exists():
        try:
            return _checked(_read(path))
        except _DAMAGE as error:
            logger.warning("the WordNet cache %s is damaged (%s): building it again", path, error)
    arrays = read_database(install.ensure_wordnet())
    try:
        with storage.atomic_write(path) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)
    except StorageError as error:
        logger.warning("the WordNet tables are not kept for the next start: %s", error)
    return WordNet.from_arrays(arrays)


def _read(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}  # a damaged member fails its checksum here


def _checked(arrays: Arrays) -> WordNet:
    wordnet = WordNet.from_arrays(arrays)
    if len(wordnet) != install.SYNSETS or len(wordnet.glosses) != install.SYNSETS:
        raise ValueError(f"{len(wordnet):,} synsets, not {install.SYNSETS:,}")
    return wordnet
