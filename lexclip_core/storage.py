"""Where lexclip keeps files, and how it writes them so that a reader never sees half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tqdm.auto import tqdm

from lexclip_core.errors import StorageError

T = TypeVar("T")

_REMEDIES = {
    errno.ENOSPC: "free some disk space, or name another folder",
    errno.EROFS: "the file system is read-only: name a folder that can be written",
    errno.EACCES: "permission is denied: name a folder that you may write to",
    errno.EPERM: "permission is denied: name a folder that you may write to",
}


_ROOT = Path(__file__).resolve().parent.parent


def project_root() -> Path:
    """Return the folder that holds `lexclip_core`, `data` and `notebooks`."""
    return _ROOT


def data_folder() -> Path:
    """Return the folder of committed data."""
    return project_root() / "data"


def runs_folder() -> Path:
    """Return the folder that run folders are read from: `LEXCLIP_RUNS`, else the committed `data/runs`."""
    return Path(os.environ.get("LEXCLIP_RUNS") or data_folder() / "runs")


def cache_folder() -> Path:
    """Return the git-ignored folder of rebuildable things: `LEXCLIP_CACHE`, else `.cache` in the project."""
    return Path(os.environ.get("LEXCLIP_CACHE") or project_root() / ".cache")


def sha256(path: Path) -> str:
    """Return the sha256 of a file's content as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def progress(items: Iterable[T], **options: Any) -> tqdm[T]:
    """Wrap an iterable in a progress bar that `LEXCLIP_PROGRESS=0` keeps silent."""
    return tqdm(items, disable=os.environ.get("LEXCLIP_PROGRESS") == "0", leave=False, **options)


def _storage_error(path: Path, error: OSError) -> StorageError:
    remedy = _REMEDIES.get(error.errno or 0, "check the path and try again")
    return StorageError(f"cannot write {path}: {error.strerror or error}", remedy)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends well.

    Raises:
        StorageError: The folder is read-only, the disk is full, or permission is missing;
            whatever stood at `path` is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o644)  # mkstemp makes files private; a result is not
        os.replace(temporary, path)
    except OSError as error:
        if isinstance(error, StorageError) or error.errno not in _REMEDIES:
            raise
        raise _storage_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that replaces it as a whole when the block ends well.

    Raises:
        StorageError: As in `atomic_write`.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        yield temporary
        os.chmod(temporary, 0o755)
        if path.exists():
            retired = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
            os.replace(path, retired / path.name)
            os.replace(temporary, path)
            shutil.rmtree(retired)
        else:
            os.replace(temporary, path)
    except OSError as error:
        if isinstance(error, StorageError) or error.errno not in _REMEDIES:
            raise
        raise _storage_error(path, error) from error
    finally:
        if temporary is not None and temporary.exists():
            shutil.rmtree(temporary)
