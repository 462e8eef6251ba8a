"""Where lexclip keeps files, and how it writes them so that a reader never sees half of one."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
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
    errno.ENOTDIR: "a file is where a folder should be: name another folder",
    errno.EEXIST: "a file is where a folder should be: name another folder",
}
_RETIRED = ".old"  # ends the hidden name of a folder that is being replaced
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}
_LIBRARY = Path(__file__).resolve().parent


def is_clone() -> bool:
    """Return whether this is a clone of the repository, and not an installed wheel."""
    return (_LIBRARY.parent / "pyproject.toml").is_file()


def project_root() -> Path:
    """Return the folder that holds `app`, `data` and `notebooks`: the clone, else what the wheel carries."""
    return _LIBRARY.parent if is_clone() else _LIBRARY / "_bundled"


def data_folder() -> Path:
    """Return the folder of committed data."""
    return project_root() / "data"


def notebooks_folder() -> Path:
    """Return the folder of the project's own notebooks and their experiments.toml."""
    return project_root() / "notebooks"


def build_folder() -> Path:
    """Return the folder of results that can be made again: `build` in a clone, else where one works."""
    return (project_root() if is_clone() else Path.cwd()) / "build"


def runs_folder() -> Path:
    """Return the folder of run folders: `LEXCLIP_RUNS`, else `data/runs` in the clone.

    Where lexclip was installed from a wheel it is the user's own data folder, which starts with the runs that
    the wheel carries.
    """
    chosen = os.environ.get("LEXCLIP_RUNS")
    if chosen or is_clone():
        return Path(chosen or data_folder() / "runs")
    from platformdirs import user_data_path

    own = user_data_path("lexclip", appauthor=False) / "runs"
    if not own.exists():
        with atomic_folder(own) as partial:
            shutil.copytree(data_folder() / "runs", partial, dirs_exist_ok=True)
    return own


def cache_folder() -> Path:
    """Return the folder of the cache: `LEXCLIP_CACHE`, else `.cache` in the clone, git-ignored.

    Where lexclip was installed from a wheel there is no clone, and it is the user's own cache folder.
    """
    chosen = os.environ.get("LEXCLIP_CACHE")
    if chosen:
        return Path(chosen)
    if is_clone():
        return project_root() / ".cache"
    from platformdirs import user_cache_path

    return user_cache_path("lexclip", appauthor=False)


def sha256(path: Path) -> str:
    """Return the sha256 of a file's content as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def progress(items: Iterable[T], **options: Any) -> tqdm[T]:
    """Wrap an iterable in a progress bar that `LEXCLIP_PROGRESS=0` keeps silent."""
    return tqdm(items, disable=os.environ.get("LEXCLIP_PROGRESS") == "0", leave=False, **options)


def _refused(path: Path, reason: str, remedy: str) -> StorageError:
    return StorageError(f"cannot write {path}: {reason}", remedy)


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses within the block into a `StorageError` that names the path."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageError) or error.errno not in _REMEDIES or not _concerns(error, path):
            raise
        raise _refused(path, error.strerror or str(error), _REMEDIES[error.errno]) from error


def _concerns(error: OSError, path: Path) -> bool:
    """Return whether an error is about writing a path, and not about a file that is read meanwhile."""
    if not isinstance(error.filename, str | bytes):
        return True
    named, parent = Path(os.path.realpath(os.fsdecode(error.filename))), Path(os.path.realpath(path.parent))
    return named.is_relative_to(parent) or parent.is_relative_to(named)


_KINDS: dict[str, Callable[[int], bool]] = {
    "a regular file": stat.S_ISREG,
    "a folder": stat.S_ISDIR,
    "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
    "a named pipe": stat.S_ISFIFO,
    "a socket": stat.S_ISSOCK,
}


def _existing_mode(path: Path, wanted: str) -> int | None:
    """Return the mode of what is at a path, None where there is nothing; refuse all but the wanted kind."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    kind = next((name for name, matches in _KINDS.items() if matches(mode)), "a special file")
    if kind != wanted:
        raise _refused(path, f"it is {kind}", f"name {wanted}, or a path where there is nothing")
    return mode


def _temporary(path: Path, suffix: str = "") -> Path:
    """Return an unused hidden name next to a path."""
    return path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}{suffix}")


def _flush(path: Path) -> None:
    """Wait until a file's content is on the disk: else a power cut may leave its new name without content."""
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path` that replaces it when the block ends well.

    A new file gets the permissions that `open` would give it; a file that is replaced keeps its own. A
    symbolic link stays, and the file that it points to is replaced.

    Raises:
        StorageError: The folder is read-only, the disk is full, permission is missing, or `path` is a folder,
            a device or anything but a regular file; what is at `path` is untouched.
    """
    with named_errors(path):
        target = Path(os.path.realpath(path))
        _existing_mode(target, "a regular file")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(target, target.suffix)
        try:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            _flush(temporary)
            mode = _existing_mode(target, "a regular file")  # the block may have taken hours
            if mode is not None:
                temporary.chmod(stat.S_IMODE(mode))
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `path` that replaces it as a whole when the block ends well.

    Where the system can exchange two folders in one step (Linux, macOS), a reader sees the old or the new one
    at every moment, and a kill leaves one of them. Elsewhere `recover_folders` brings an old one back.

    Raises:
        StorageError: As in `atomic_write`; `path` may be nothing but a folder.
    """
    with named_errors(path):
        target = Path(os.path.realpath(path))
        mode = _existing_mode(target, "a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(target)
        try:
            temporary.mkdir()
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file() and not file.is_symlink():
                    _flush(file)
            if mode is not None:
                temporary.chmod(stat.S_IMODE(mode))
            _place_folder(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _place_folder(new: Path, path: Path) -> None:
    """Give a folder the name of another; what had the name is left under `new`, or deleted."""
    retired: list[Path] = []
    while True:
        try:
            if _existing_mode(path, "a folder") is not None:
                if _exchange(new, path):
                    break
                aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_RETIRED}")
                path.rename(aside)
                retired.append(aside)
            new.rename(path)
            break
        except OSError as error:
            taken = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
            if taken or (isinstance(error, FileNotFoundError) and new.exists()):
                continue  # another process writes the same folder, and was faster
            if retired and not path.exists():
                retired.pop().rename(path)
            raise
    for aside in retired:
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two folders in one step; return False where this system or file system cannot."""
    names = os.fsencode(first), os.fsencode(second)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(*names, 2)
        else:
            failed = library.renameat2(-100, names[0], -100, names[1], 2)
    except (AttributeError, OSError, TypeError):
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(second))


def recover_folders(parent: Path) -> list[Path]:
    """Give folders back their names that a kill within `atomic_folder` took, and return them.

    Only where two folders cannot be exchanged in one step is there ever one. A folder that has a successor
    by now is left alone.
    """
    recovered = []
    for retired in sorted(parent.glob(f".*{_RETIRED}")):
        path = parent / retired.name.removeprefix(".").removesuffix(_RETIRED).rpartition(".")[0]
        if retired.is_dir() and not path.exists():
            with suppress(OSError):  # a folder that only others may write
                retired.rename(path)
                recovered.append(path)
    return recovered
