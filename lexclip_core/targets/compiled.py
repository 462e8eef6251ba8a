"""Compile a function to machine code once and keep the result in lexclip's cache folder."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba
from numba.core import config

from lexclip_core import storage

F = TypeVar("F", bound=Callable[..., object])

#: Numba notices when a function's own file has changed, but not when these, which are built into it, have.
_BUILT_IN = ("states.py", "block_plan.py")

logger = logging.getLogger(__name__)


def _version() -> str:
    sources = "".join(storage.sha256(Path(__file__).with_name(name)) for name in _BUILT_IN)
    return hashlib.sha256(sources.encode()).hexdigest()[:12]


def compiled(function: F) -> F:
    """Compile a function with numba, on disk for the next process, without Python's global lock.

    The machine code lies in `NUMBA_CACHE_DIR` where that is set, else in lexclip's cache folder, else
    wherever numba can write. Where it can write nowhere, every process compiles anew.
    """
    before = config.CACHE_DIR  # type: ignore[attr-defined]
    # numba reads the folder when a function is decorated, so this touches no other package's functions.
    config.CACHE_DIR = before or str(storage.cache_folder() / "numba" / _version())  # type: ignore[attr-defined]
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)  # type: ignore[return-value]
    except RuntimeError as error:
        logger.warning("compiled code is not kept for the next start: %s", error)
        return numba.njit(nogil=True, error_model="numpy")(function)  # type: ignore[return-value]
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]
