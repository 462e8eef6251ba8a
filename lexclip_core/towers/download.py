"""Fetch one file by its address: with progress, resumed where a transfer broke off, verified at the end."""

from __future__ import annotations

import errno
import http.client
import logging
import os
import urllib.error
import urllib.request
from pathlib import Path

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError, StorageError
from lexclip_core.towers import sources

_ATTEMPTS = 3
_SECONDS = 15.0
_CHUNK = 1 << 20
_OUT_OF_RANGE = 416
_PARTIAL = 206
_BROKEN = (urllib.error.URLError, http.client.HTTPException, OSError)

logger = logging.getLogger(__name__)


def fetch(url: str, target: Path, *, sha256: str = "") -> Path:
    """Download a file and return its path; what an earlier call left half-done is not fetched again.

    The bytes lie in `<name>.part` until all have come and the checksum is right.

    Args:
        url: http or https.
        target: Where the file goes; a file that stands there is verified and kept.
        sha256: The expected checksum, or its first digits; empty if nobody knows it.

    Raises:
        MissingResourceError: The server refused, or the transfer broke several times; the part stays.
        DamagedFileError: The bytes that came have another checksum; they are thrown away.
        StorageError: There is no room, or the folder cannot be written.
    """
    if target.is_file():
        sources.checked_sha256(target, sha256)
        return target
    part = target.with_name(f"{target.name}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _complete(url, part)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EPERM):
            raise StorageError(
                f"cannot write {part}: {error.strerror}",
                "free some space, or set LEXCLIP_CACHE or LEXCLIP_WEIGHTS to another folder",
            ) from error
        raise
    try:
        sources.checked_sha256(part, sha256)
    except DamagedFileError as error:
        part.unlink()
        raise DamagedFileError(
            f"what came from {url} does not have sha256 {sha256}...: the transfer or the server was at fault",
            "try again, or bring the file by hand",
        ) from error
    os.replace(part, target)
    return target


def _complete(url: str, part: Path) -> None:
    """Append to a part until the server says that it is whole."""
    problem: Exception | None = None
    for attempt in range(_ATTEMPTS):
        try:
            if _append(url, part):
                return
            problem = http.client.IncompleteRead(b"")
        except urllib.error.HTTPError as error:
            if error.code == _OUT_OF_RANGE and part.exists():
                part.unlink()  # longer than the server's file: it is no beginning of it
            elif error.code < 500:
                problem = error
                break
            problem = error
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES):
                raise
            problem = error
        logger.info("the transfer of %s broke off (attempt %d of %d)", url, attempt + 1, _ATTEMPTS)
    kept = f"; {part.stat().st_size:,} bytes are kept in {part}" if part.exists() else ""
    raise MissingResourceError(
        f"fetching {url} failed: {problem or 'the server sent too little'}{kept}",
        "call again to go on from there, or bring the file by hand",
    )


def _append(url: str, part: Path) -> bool:
    """Ask for what is missing, write what comes, and return whether that is all."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        goes_on = answer.status == _PARTIAL
        start = have if goes_on else 0  # a server without ranges begins anew
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else None
        bar = storage.progress(
            (), desc=part.stem, unit="B", unit_scale=True, unit_divisor=1024, total=total, initial=start
        )
        with part.open("ab" if goes_on else "wb") as stream, bar:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))
    return total is None or part.stat().st_size == total
