"""The sha256 of picture files, each file read once and known again while it has not been touched."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from lexclip_core import storage

log = logging.getLogger(__name__)

_LOT = 1000
"""Files between two writes: what a kill can cost."""
_SETTLED_NS = 2 * 10**9
"""A file changed so lately may change again within one tick of its clock, and is not remembered."""
_TABLE = (
    "create table if not exists files (path blob primary key, size integer, mtime integer, ctime integer, "
    "sha256 text) without rowid"
)
_ASK = "select sha256 from files where path = ? and size = ? and mtime = ? and ctime = ?"
_PUT = "insert or replace into files values (?, ?, ?, ?, ?)"

Mark = tuple[bytes, int, int, int]


def ledger_path() -> Path:
    """Return the file that remembers digests: `digests.sqlite` in the cache; to delete it costs time only."""
    return storage.cache_folder() / "digests.sqlite"


def digests(files: Sequence[Path]) -> tuple[str, ...]:
    """Return the sha256 of each file's content as 64 hex digits.

    A file is read again when its size, or the time of its last change of content or of status, is another:
    the last one cannot be set back, so that an edited file is never taken for the old one. Where the
    ledger cannot be used, every file is read.

    Raises:
        OSError: A file cannot be read.
    """
    try:
        ledger_path().parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(ledger_path(), timeout=30)) as ledger:
            ledger.execute(_TABLE)
            return tuple(_through(ledger, files))
    except (sqlite3.Error, PermissionError) as error:
        log.warning("%s is not used, every file is read: %s", ledger_path(), error)
        return tuple(storage.sha256(file) for file in files)


def _through(ledger: sqlite3.Connection, files: Sequence[Path]) -> Iterator[str]:
    fresh: list[tuple[Mark, str]] = []
    lots = [files[start : start + _LOT] for start in range(0, len(files), _LOT)]
    for lot in storage.progress(lots, desc="digests", unit="lot") if len(lots) > 1 else lots:
        for file in lot:
            mark = _mark(file)
            known = ledger.execute(_ASK, mark).fetchone()
            if known is None:
                known = (storage.sha256(file),)
                if _settled(mark) and _mark(file) == mark:
                    fresh.append((mark, known[0]))
            yield known[0]
        if fresh:
            with ledger:
                ledger.executemany(_PUT, [(*mark, digest) for mark, digest in fresh])
            fresh.clear()


def _mark(file: Path) -> Mark:
    found = file.stat()
    # As bytes: names on disk need not be text.
    return os.fsencode(file.absolute()), found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _settled(mark: Mark) -> bool:
    return time.time_ns() - max(mark[2:]) > _SETTLED_NS
