"""Fetch one file by its address: with progress, resumed where a transfer broke off, verified at the end.

Files of the Hugging Face hub come through its own client; see `lexclip_core.towers.sources`.
"""

from __future__ import annotations

import errno
import http.client
import logging
import os
import urllib.error
import urllib.request
from functools import lru_cache
from pathlib import Path

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError

_ATTEMPTS = 3
_SECONDS = 15.0
_CHUNK = 1 << 20
_BROKEN = (urllib.error.URLError, http.client.HTTPException, OSError)
_OF_THE_DISK = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM)
_TRUE = {"1", "true", "yes", "on"}

logger = logging.getLogger(__name__)


def offline() -> bool:
    """Return whether the environment asks that nothing is fetched."""
    return any(
        os.environ.get(name, "").lower() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def checked_sha256(path: Path, expected: str = "") -> str:
    """Return a file's sha256 after comparing it with the expected one (64 hex digits or their beginning).

    Raises:
        DamagedFileError: The file has another checksum.
    """
    status = path.stat()
    found = _digest(path, status.st_size, status.st_mtime_ns)
    if not found.startswith(expected):
        raise DamagedFileError(
            f"{path} has sha256 {found}, not {expected}: the file is damaged or another one",
            "delete the file and fetch it again, or name the right folder",
        )
    return found


@lru_cache(maxsize=32)
def _digest(path: Path, size: int, modified: int) -> str:
    return storage.sha256(path)


def fetch(url: str, target: Path, *, sha256: str = "") -> Path:
    """Download a file and return its path; what an earlier call left half-done is not fetched again.

    The bytes are in `<name>.part` until all have come and the checksum is right.

    Args:
        url: http or https.
        target: Where the file goes; a file that is there is verified and kept.
        sha256: The expected checksum, or its first digits; empty if nobody knows it.

    Raises:
        MissingResourceError: The server refused, or the transfer broke several times; the part stays.
        DamagedFileError: The bytes that came have another checksum; they are thrown away.
        StorageError: There is no room, or the folder cannot be written.
    """
    if target.is_file():
        checked_sha256(target, sha256)
        return target
    part = target.with_name(f"{target.name}.part")
    with storage.named_errors(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        _complete(url, part)
    try:
        checked_sha256(part, sha256)
    except DamagedFileError as error:
        part.unlink()
        raise DamagedFileError(
            f"what came from {url} does not have sha256 {sha256}...: the transfer or the server was at fault",
            f"try again, or get the file another way and put it at {target}",
        ) from error
    part.replace(target)
    return target


def _complete(url: str, part: Path) -> None:
    """Append to a part until the server says that it is whole."""
    problem: object = "the server sent too little"
    for attempt in range(_ATTEMPTS):
        try:
            if _append(url, part):
                return
        except urllib.error.HTTPError as error:
            problem = error
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and part.exists():
                part.unlink()  # longer than the server's file: not a beginning of it
            elif error.code < 500:
                break
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
                raise
            problem = error
        logger.info("the transfer of %s broke off (attempt %d of %d)", url, attempt + 1, _ATTEMPTS)
    kept = f"; {part.stat().st_size:,} bytes are kept in {part}" if part.exists() else ""
    raise MissingResourceError(
        f"fetching {url} failed: {problem}{kept}",
        f"call again to go on from there, or get the file another way and put it at {part.with_suffix('')}",
    )


def _append(url: str, part: Path) -> bool:
    """Ask for what is missing, write what comes, and return whether that is all."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        start = have if resumed else 0  # a server without ranges begins anew
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else None
        bar = storage.progress(
            (), desc=part.stem, unit="B", unit_scale=True, unit_divisor=1024, total=total, initial=start
        )
        with part.open("ab" if resumed else "wb") as stream, bar:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))
    return total is None or part.stat().st_size == total
