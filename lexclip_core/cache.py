"""The one cache: what was computed before is found again by what it was computed from.

`cached` keeps one result per content. Its key is the sha256 of all that decides the result, so nothing is
ever out of date: other inputs are another entry. A file carries a checksum of its bytes in its name; one that
is damaged is reported and made again. Where the folder cannot be written, results are returned with a
warning and not kept. Of several processes that want the same result one makes it and the others wait.

`AppendLog` keeps rows that come one by one and must outlive a kill, such as answers that were paid for.

Everything is in `storage.cache_folder()`, in a folder per kind; `inventory` and `clear_cache` are what
`lexclip cache` shows and does. A new kind is a row of `KINDS`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import InputError, StorageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

T = TypeVar("T")
Row = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CacheKind:
    """One kind of things in the cache.

    Attributes:
        meaning: What they are, for people.
        version: Of their content; raise it with every change of how they are computed or laid out.
        rebuilt: Whether lexclip makes them again by itself. What was supplied, paid for or downloaded is
            cleared only by name.
    """

    meaning: str
    version: int = 1
    rebuilt: bool = True


KINDS: Mapping[str, CacheKind] = MappingProxyType(
    {
        "wordnet": CacheKind("WordNet's tables, parsed", version=2),
        "taxonomy": CacheKind("ancestors and distances for Wu-Palmer", version=3),
        "lexicons": CacheKind("the words of WordNet, how they are split and related"),
        "numba": CacheKind("compiled code of the target kernels and of maps"),
        "embeddings": CacheKind("text embeddings by untouched towers"),
        "picture-features": CacheKind("picture embeddings"),
        "layouts": CacheKind("maps of words, laid out"),
        "measurements": CacheKind("metrics of towers that were measured before", version=2),
        "class-names": CacheKind("results and embeddings of studies on class names", version=4),
        "digests": CacheKind("sha256 of picture files"),
        "records": CacheKind("paraphrase records, readable by row"),
        "experiments": CacheKind("checkpoints of trainings under way"),
        "emoji": CacheKind("pictures drawn for the image tower"),
        "image_tower": CacheKind("checkpoints of the image tower"),
        "packages": CacheKind("packages unpacked for the emoji sets", rebuilt=False),
        "tuned": CacheKind("tuned tensors of runs, too large for their folders", rebuilt=False),
        "nltk_data": CacheKind("WordNet 3.0 as downloaded", rebuilt=False),
        "composition": CacheKind("downloaded composition sets", rebuilt=False),
        "paraphrases": CacheKind("answers of paraphrase models, some paid for", rebuilt=False),
        "pictures": CacheKind("user-supplied picture and caption sets", rebuilt=False),
        "weights": CacheKind("user-supplied and downloaded weights", rebuilt=False),
    }
)
"""Every kind, by the name of its folder."""


def _kind(name: str) -> CacheKind:
    if name not in KINDS:
        raise InputError(f"unknown kind of cache {name!r}", f"choose one of: {', '.join(KINDS)}")
    return KINDS[name]


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How a value becomes a file and is read back."""

    suffix: str
    write: Callable[[Path, T], object]
    read: Callable[[Path], T]


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


JSON: Codec[Any] = Codec(
    ".json", lambda path, value: path.write_text(json.dumps(value)), lambda path: json.loads(path.read_text())
)
"""Plain values: what `json` can write, with lists in place of tuples."""
ARRAYS: Codec[dict[str, np.ndarray]] = Codec(
    ".npz", lambda path, arrays: np.savez(path, allow_pickle=False, **arrays), _read_arrays
)
"""Arrays by name."""
ARRAY: Codec[np.ndarray] = Codec(
    ".npy",
    lambda path, array: np.save(path, array, allow_pickle=False),
    lambda path: np.load(path, mmap_mode="c", allow_pickle=False),
)
"""One array, mapped into memory: it opens at once, and what is written into it stays out of the file."""


def content_key(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a content, 64 hex digits.

    Args:
        content: Plain values, and arrays, which count by type, shape and bytes; tuples are equal to lists.

    >>> content_key({"words": ("hot", "cold"), "k": 3}) == content_key({"k": 3, "words": ["hot", "cold"]})
    True
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        digest = hashlib.sha256(f"{value.dtype.descr} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
        return digest.hexdigest()
    raise TypeError(f"a {type(value).__name__} cannot be part of a cache's content: give plain values")


def cached(
    kind: str, content: Mapping[str, Any], make: Callable[[], T], *, codec: Codec[T], group: str = ""
) -> T:
    """Return what was made from a content before, or make and keep it.

    A second process or thread that wants the same value waits for the first, and makes it where that one is
    killed. So `make` must not wait for another process that may want the same value.

    Args:
        kind: A name of `KINDS`.
        content: All that decides the value; see `content_key`.
        make: Makes the value.
        codec: `JSON`, `ARRAYS`, `ARRAY` or another `Codec`.
        group: A folder within the kind, for entries that `stored` lists together.

    Raises:
        InputError: An unknown kind.
        Exception: What `make` raises; nothing is kept then.

    >>> cached("measurements", {"of": "this example"}, lambda: {"recall": 0.5}, codec=JSON)
    {'recall': 0.5}
    """
    entry = _Entry.of(kind, content, codec.suffix, group)
    if (found := entry.read(codec)) is not None:
        return found.value
    with storage.one_at_a_time(entry.lock):
        if (found := entry.read(codec)) is not None:  # another process has made it meanwhile
            return found.value
        value = make()
        try:
            path = entry.write(lambda file: codec.write(file, value))
        except OSError as error:
            logger.warning("%s cannot be written, the result is not kept: %s", entry.folder, error)
            return value
        found = _read(path, codec)
        return value if found is None else found.value


def look_up(kind: str, content: Mapping[str, Any], *, codec: Codec[T]) -> T | None:
    """Return what `cached` kept for a content, None where it kept nothing; nothing is made.

    Raises:
        InputError: An unknown kind.
    """
    found = _Entry.of(kind, content, codec.suffix).read(codec)
    return None if found is None else found.value


def cached_file(
    kind: str,
    content: Mapping[str, Any],
    write: Callable[[Path], object],
    *,
    suffix: str,
    group: str = "",
) -> Path:
    """Return the file made from a content before, or make it: for what is written and read in pieces.

    Args:
        kind: A name of `KINDS`.
        content: As in `cached`.
        write: Writes the file to the path it is given.
        suffix: The file's, with its dot.
        group: As in `cached`.

    Raises:
        InputError: An unknown kind.
        StorageError: The cache cannot be written.
    """
    entry = _Entry.of(kind, content, suffix, group)
    path = entry.find()
    if path is None:
        with storage.one_at_a_time(entry.lock), storage.named_errors(entry.folder):
            path = entry.find() or entry.write(write)
    return path


def stored(kind: str, *, codec: Codec[T], group: str = "") -> Iterator[tuple[Path, T]]:
    """Yield the entries of a kind and group that `cached` wrote with a codec, each with its file."""
    folder, version = storage.cache_folder() / kind / group, _kind(kind).version
    for path in sorted(folder.glob(f"v{version}-*{codec.suffix}")):
        if (found := _read(path, codec)) is not None:
            yield path, found.value


@dataclass(frozen=True, slots=True)
class _Entry:
    folder: Path
    key: str
    suffix: str

    @classmethod
    def of(cls, kind: str, content: Mapping[str, Any], suffix: str, group: str = "") -> _Entry:
        version = _kind(kind).version
        key = content_key({"kind": kind, "version": version, "content": content})[:32]
        return cls(storage.cache_folder() / kind / group, f"v{version}-{key}", suffix)

    @property
    def lock(self) -> Path:
        return self.folder / f".{self.key}.lock"

    def find(self) -> Path | None:
        files = sorted(self.folder.glob(f"{self.key}-*{self.suffix}"))
        return next((file for file in files if _intact(file)), None)

    def read(self, codec: Codec[T]) -> _Found[T] | None:
        """Return the value of the first undamaged file."""
        files = sorted(self.folder.glob(f"{self.key}-*{self.suffix}"))
        return next((found for file in files if (found := _read(file, codec)) is not None), None)

    def write(self, write: Callable[[Path], object]) -> Path:
        with storage.temporary_file(self.folder / f"{self.key}{self.suffix}") as hidden:
            write(hidden)
            return hidden.replace(self.folder / f"{self.key}-{_checksum(hidden)}{self.suffix}")


def _checksum(path: Path) -> str:
    """Return the CRC-32 of a file as 8 hex digits: enough for damage, and twice as fast as sha256."""
    value = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            value = zlib.crc32(block, value)
    return f"{value:08x}"


def _intact(path: Path) -> bool:
    """Return whether a file has the bytes that its name states; a damaged one is reported and removed."""
    try:
        if path.stem.rpartition("-")[2] == _checksum(path):
            return True
        logger.warning("%s is damaged and made again", path)
        path.unlink()
    except FileNotFoundError:  # another process has removed it
        pass
    except OSError as error:
        logger.warning("%s cannot be read and is made again: %s", path, error)
    return False


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    value: T  # which may be None


def _read(path: Path, codec: Codec[T]) -> _Found[T] | None:
    """Return what a file has, None where it is damaged or another process removes it meanwhile."""
    with suppress(FileNotFoundError):
        if _intact(path):
            return _Found(codec.read(path))
    return None


class AppendLog:
    """Rows by key in a file of JSON lines that only grows; a context manager, and safe under threads.

    A line that a kill left half written is skipped with a warning.

    Args:
        path: The file, made with its folder where missing.
        durable: Whether every row is on the disk before it is used, and no other process has the file.
        fields: The names that every row has; a line with others is skipped too. None takes any.
        others: Files of the same kind whose rows are known as well, as they are now.

    Raises:
        InputError: It is durable and another process has it open.
        StorageError: The file cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        durable: bool = False,
        fields: Collection[str] | None = None,
        others: Iterable[Path] = (),
    ) -> None:
        self.path, self._durable = path, durable
        self._fields = None if fields is None else {"key", *fields}
        self._guard = threading.Lock()
        self._asked: dict[str, Future[Row]] = {}
        self._handle = -1
        self._lock = _claimed(path) if durable else None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600 if durable else 0o666)
            content, known = path.read_bytes(), [one.read_bytes() for one in others]
        except OSError as error:
            self.close()
            raise StorageError(f"cannot open {path}: {error.strerror}", "name another file") from error
        self._torn = bool(content) and not content.endswith(b"\n")
        self._rows = dict(chain.from_iterable(map(self._read, [*known, content])))

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __enter__(self) -> AppendLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self._lock is not None:
            storage.release(self._lock)

    def get(self, key: str) -> Row | None:
        """Return the row under a key, or None."""
        return self._rows.get(key)

    def append(self, key: str, row: Mapping[str, Any]) -> None:
        """Write a row, then know it.

        Raises:
            StorageError: The file cannot be written, such as on a full disk.
        """
        line = json.dumps({"key": key, **row}).encode() + b"\n"
        with self._guard:
            if self._torn:
                line = b"\n" + line  # so that it does not continue half a line
            reason = "the disk is full"
            try:
                self._torn = os.write(self._handle, line) != len(line)
                if self._durable:
                    os.fsync(self._handle)
            except OSError as error:
                self._torn, reason = True, error.strerror or str(error)
            if self._torn:
                raise StorageError(
                    f"cannot write {self.path}: {reason}", "free some disk space, and run again"
                )
            self._rows[key] = dict(row)

    def once(self, key: str, make: Callable[[], Mapping[str, Any]]) -> Row:
        """Return the row under a key, or make and append it; threads that want the same row make it once.

        Raises:
            StorageError: As in `append`.
            Exception: What `make` raises; nothing is kept then.
        """
        with self._guard:
            if key in self._rows:
                return self._rows[key]
            waiting = self._asked.get(key)
            mine = self._asked.setdefault(key, Future())
        if waiting is not None:
            return waiting.result()
        try:
            row = dict(make())
            self.append(key, row)
            mine.set_result(row)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._guard:
                del self._asked[key]
        return row

    def _read(self, content: bytes) -> Iterator[tuple[str, Row]]:
        for number, line in enumerate(content.split(b"\n"), start=1):
            try:
                if line.strip():
                    row = json.loads(line)
                    if self._fields is not None and row.keys() != self._fields:
                        raise KeyError(f"other fields than {self._fields}")
                    yield str(row.pop("key")), row
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                logger.warning("%s, line %d is damaged and skipped", self.path, number)


def _claimed(path: Path) -> BaseFileLock | None:
    """Return the lock of a log; None where the folder allows no lock."""
    from filelock import FileLock, Timeout

    real = Path(os.path.realpath(path))
    lock = FileLock(real.with_name(f".{real.name}.lock"), thread_local=False)
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(f"another process is writing {path}", "wait for it, or name another file") from error
    except OSError:
        return None
    return lock


def log_file(kind: str, content: Mapping[str, Any]) -> Path:
    """Return the file in the cache for the `AppendLog` of a content."""
    entry = _Entry.of(kind, content, ".jsonl")
    return entry.folder / f"{entry.key}{entry.suffix}"


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What the cache has of one kind: the kind's name, meaning and `rebuilt`, its files and their bytes."""

    kind: str
    meaning: str
    rebuilt: bool
    entries: int
    bytes: int


def inventory() -> list[CacheUse]:
    """Return what the cache has of each kind, in the order of `KINDS`, and last what belongs to none."""
    folder = storage.cache_folder()
    uses = [CacheUse(name, one.meaning, one.rebuilt, *_used(folder / name)) for name, one in KINDS.items()]
    entries, size = _used(folder)
    rest = {
        "entries": entries - sum(use.entries for use in uses),
        "bytes": size - sum(use.bytes for use in uses),
    }
    return [*uses, CacheUse("other", "files that lexclip does not know", rebuilt=False, **rest)]


def clear_cache(kind: str | None = None) -> int:
    """Remove what the cache has of one kind and return how many bytes that frees.

    Args:
        kind: A name of `KINDS`; None clears all kinds that lexclip makes again by itself.

    Raises:
        InputError: An unknown kind.
        StorageError: A file cannot be removed.
    """
    freed = 0
    for name in [name for name, one in KINDS.items() if one.rebuilt] if kind is None else [kind]:
        _kind(name)
        folder = storage.cache_folder() / name
        freed += _used(folder)[1]
        try:
            for path in list(folder.iterdir()) if folder.is_dir() else ():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError as error:
            raise StorageError(f"cannot remove {error.filename}: {error.strerror}", "remove it") from error
    return freed


def _used(folder: Path) -> tuple[int, int]:
    """Return the number of files below a folder and their bytes; symbolic links are not followed."""
    count = size = 0
    for top, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # other processes work here
                count, size = count + 1, size + (Path(top) / name).lstat().st_size
    return count, size
