"""Where lexclip keeps files, and how it writes them so that a reader never sees half of one."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import logging
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm.auto import tqdm

from lexclip_core.errors import StorageError

if sys.platform != "win32":
    import fcntl
if TYPE_CHECKING:
    from filelock import BaseFileLock

T = TypeVar("T")

logger = logging.getLogger(__name__)

_REMEDIES = {
    errno.ENOSPC: "free some disk space, or name another folder",
    errno.EROFS: "the file system is read-only: name a folder that can be written",
    errno.EACCES: "permission is denied: name a folder that you may write to",
    errno.EPERM: "permission is denied: name a folder that you may write to",
    errno.ENOTDIR: "a file is where a folder should be: name another folder",
    errno.EEXIST: "a file is where a folder should be: name another folder",
}
_TEMPORARY = ".lexclip-"  # begins the hidden name of what is being written
_RETIRED = ".lexclip-old-"  # begins the hidden name of a folder that is being replaced
_ABANDONED = 86_400  # seconds after which a temporary file is left over, where nothing can be locked
_PATIENCE = 5.0  # seconds of waiting for another process before the log says so
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}
_LIBRARY = Path(__file__).resolve().parent


@lru_cache(maxsize=1)  # asked a hundred thousand times by whoever reads small files
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


def processes() -> tuple[int, int]:
    """Return this process's place among those that torchrun started, from 0, and their number: 0, 1 alone."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def own_share(parts: Sequence[T]) -> Sequence[T]:
    """Return the parts of some work that fall to this process, where torchrun started several.

    What each has made goes to the cache; whoever then puts all together makes what is still missing.

    >>> own_share(["a", "b"])
    ['a', 'b']
    """
    place, number = processes()
    return parts[place::number]


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


def _flush(path: Path) -> None:
    """Wait until a file's content is on the disk: else a power cut may leave its new name without content."""
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Yield a new empty file next to a path, with a hidden name that ends as the path's; removed at the end.

    What a killed process left of such files and folders goes with the next one that is made in the folder.

    Raises:
        OSError: The folder cannot be written.
    """
    with _temporary(path, lambda new: new.touch(exist_ok=False)) as temporary:
        yield temporary


@contextmanager
def _temporary(path: Path, make: Callable[[Path], object]) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(path.parent)
    while True:
        temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(4)}-{path.name[-60:]}")
        make(temporary)
        with suppress(BlockingIOError):
            handle = _locked(temporary)
            if temporary.exists():
                break
            _close(handle)
        # before it was locked, another process took it for left over
    try:
        yield temporary
    finally:
        _remove(temporary)
        _close(handle)


def _locked(path: Path) -> int | None:
    """Lock a file or folder for as long as this process lives and return the handle; None where that fails.

    Raises:
        BlockingIOError: Another process has locked it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (OSError, AttributeError):  # no permission, or no such flags on this system
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a file system without locks
        os.close(handle)
        return None
    return handle


def _close(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what killed processes were writing in a folder: all temporary names that nobody has locked."""
    with suppress(OSError):
        for path in [Path(entry) for entry in os.scandir(folder) if entry.name.startswith(_TEMPORARY)]:
            with suppress(OSError):  # in use, or removed meanwhile
                handle = _locked(path)
                old = time.time() - path.lstat().st_mtime > _ABANDONED
                if not path.name.startswith(_RETIRED) and (handle is not None or old):
                    _remove(path)
                _close(handle)


_sweep_once = lru_cache(maxsize=1024)(_sweep)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path` that replaces it when the block ends well.

    A new file gets the permissions that `open` would give it; a file that is replaced keeps its own. A
    symbolic link stays, and the file that it points to is replaced.

    Raises:
        StorageError: The folder is read-only, the disk is full, permission is missing, or `path` is a folder,
            a device or anything but a regular file; what is at `path` is untouched.
    """
    target = Path(os.path.realpath(path))
    with named_errors(path):
        _existing_mode(target, "a regular file")
        with temporary_file(target) as temporary:
            yield temporary
            _flush(temporary)
            mode = _existing_mode(target, "a regular file")  # the block may have taken hours
            if mode is not None:
                temporary.chmod(stat.S_IMODE(mode))
            temporary.replace(target)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `path` that replaces it as a whole when the block ends well.

    Where the system can exchange two folders in one step (Linux, macOS), a reader sees the old or the new one
    at every moment, and a kill leaves one of them. Elsewhere `recover_folders` brings an old one back.

    Raises:
        StorageError: As in `atomic_write`; `path` may be nothing but a folder.
    """
    target = Path(os.path.realpath(path))
    with named_errors(path):
        mode = _existing_mode(target, "a folder")
        with _temporary(target, Path.mkdir) as temporary:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file() and not file.is_symlink():
                    _flush(file)
            if mode is not None:
                temporary.chmod(stat.S_IMODE(mode))
            _place_folder(temporary, target)


def _place_folder(new: Path, path: Path) -> None:
    """Give a folder the name of another; what had the name is left under `new`, or deleted."""
    retired: list[Path] = []
    while True:
        try:
            if _existing_mode(path, "a folder") is not None:
                if _exchange(new, path):
                    break
                aside = path.with_name(f"{_RETIRED}{secrets.token_hex(4)}-{path.name}")
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
    """Make good what kills within `atomic_folder` and `atomic_write` left in a folder.

    Folders whose name a kill took get it back, and are returned; only where two folders cannot be exchanged
    in one step is there ever one. What has a successor, and what was never finished, is removed; what another
    process is writing now stays.
    """
    recovered = []
    for retired in sorted(parent.glob(f"{_RETIRED}*")):
        path = parent / retired.name.removeprefix(_RETIRED).partition("-")[2]
        with suppress(OSError):  # a folder that only others may write
            if os.path.lexists(path):
                _remove(retired)
            else:
                retired.rename(path)
                recovered.append(path)
    _sweep(parent)
    return recovered


@contextmanager
def one_at_a_time(lock_file: Path) -> Iterator[None]:
    """Hold a lock that dies with its holder; other threads and processes wait for it.

    Where no lock can be had, such as in a folder that cannot be written, the block runs all the same.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(lock_file)
    with suppress(OSError):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            logger.info("waiting for another process that does the same: %s", lock_file)
            lock.acquire()
    try:
        yield
    finally:
        release(lock)


def release(lock: BaseFileLock) -> None:
    """Let go of a lock, and remove its file; those who wait for it notice that, and lock a new one."""
    if lock.is_locked:
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()
