"""Embeddings of a word list by an untouched tower, computed once and kept."""

from __future__ import annotations

import hashlib
import logging

import numpy as np

from lexclip_core import storage
from lexclip_core.towers import Tower

logger = logging.getLogger(__name__)


def cached_embeddings(tower: Tower, words: tuple[str, ...]) -> np.ndarray:
    """Return the unit rows of words, float32 (n, dim), from disk where the same tower encoded them before.

    The cache is keyed by content: the tower's weights, its arithmetic and the words themselves.
    """
    if tower.trainable:
        return tower.encode_texts(words, progress=True)
    content = "\n".join([tower.sha256, str(tower.dtype), str(tower.device), *words])
    key = hashlib.sha256(content.encode()).hexdigest()[:16]
    path = storage.cache_folder() / "embeddings" / f"{key}.npy"
    try:
        rows = np.load(path, allow_pickle=False)
        if rows.shape == (len(words), tower.dim):
            return rows
    except FileNotFoundError:
        pass
    except (ValueError, EOFError, OSError) as error:
        logger.warning("the cached embeddings %s cannot be read (%s): encoding again", path, error)
    rows = tower.encode_texts(words, progress=True)
    with storage.atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, rows)
    return rows
