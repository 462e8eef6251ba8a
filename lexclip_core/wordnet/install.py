"""Find WordNet 3.0 on this machine or fetch it, verify it, and store it in the cache folder."""

from __future__ import annotations

import io
import json
import logging
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lexclip_core import storage
from lexclip_core.errors import LexclipError, MissingResourceError
from lexclip_core.wordnet.files import FILE_SUFFIXES, lexnames_file, read_records, sense_index_file

if TYPE_CHECKING:
    from nltk.corpus.reader import WordNetCorpusReader

SYNSETS = 117_659
LEMMA_STRINGS = 148_730

DATABASE_FILES = (
    "cntlist.rev",
    *(f"{kind}.{suffix}" for kind in ("data", "index") for suffix in FILE_SUFFIXES.values()),
    *(f"{suffix}.exc" for suffix in FILE_SUFFIXES.values()),
)
"""The files that every source of the database has."""

DEBIAN_FOLDER = Path("/usr/share/wordnet")
"""Where Debian's `wordnet-base` puts the files."""

# NLTK's reader insists on these and Debian leaves them out: they are written where a source lacks them.
_WRITTEN_FILES = {"lexnames": lambda _: lexnames_file(), "index.sense": sense_index_file}
_MARKER = "verified.json"
_TIMEOUT = 180  # seconds for one outside command

REMEDIES = (
    "with network: python -c \"import nltk; nltk.download('wordnet')\"; "
    "on Debian or Ubuntu: apt-get install wordnet-base (or let lexclip unpack it: apt-get update first); "
    "without either: copy corpora/wordnet.zip of nltk_data from another machine into ~/nltk_data/corpora "
    "or into a folder named by NLTK_DATA"
)

logger = logging.getLogger(__name__)


class _Unavailable(LexclipError):
    """A source of WordNet that cannot serve."""


class _AlreadyInstalled(Exception):
    """Another process has finished the same installation."""


def wordnet_folder() -> Path:
    """Return the folder of the verified database files, laid out as NLTK data."""
    return storage.cache_folder() / "nltk_data" / "corpora" / "wordnet"


def is_installed() -> bool:
    """Return whether the database is in the cache folder as it was verified (by the files' sizes)."""
    folder = wordnet_folder()
    try:
        return bool(json.loads((folder / _MARKER).read_text())["sizes"] == _sizes(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def ensure_wordnet(*, debian_folder: Path = DEBIAN_FOLDER) -> Path:
    """Return a folder of verified WordNet 3.0 database files, installing them first if need be.

    Tried in this order: the cache folder, NLTK data on this machine, `nltk.download`, Debian's
    `wordnet-base` (installed, else downloaded and unpacked without root rights).

    Args:
        debian_folder: Where `wordnet-base` puts its files.

    Raises:
        MissingResourceError: No source works; the message names each one's failure and three remedies.
        StorageError: The cache folder cannot be written.
    """
    if is_installed():
        return wordnet_folder()
    failures = []
    sources: dict[str, Callable[[Path], Path]] = {
        "NLTK data on this machine": _from_nltk_data,
        "nltk.download": _from_nltk_download,
        "Debian's wordnet-base, installed": lambda _: _from_debian_folder(debian_folder),
        "Debian's wordnet-base, downloaded": lambda scratch: _from_debian_package(scratch, debian_folder),
    }
    for name, fetch in sources.items():
        with tempfile.TemporaryDirectory(prefix="lexclip-wordnet-") as scratch:
            try:
                source = fetch(Path(scratch))
                _verify(source)
            except _Unavailable as error:
                failures.append(f"{name}: {error.problem}")
                continue
            logger.info("installing WordNet 3.0 from %s", name)
            _publish(source)
            return wordnet_folder()
    raise MissingResourceError(
        "WordNet 3.0 is not here and cannot be had (" + "; ".join(failures) + ")", REMEDIES
    )


def nltk_wordnet() -> WordNetCorpusReader:
    """Return NLTK's own reader of the database: a yardstick for tests and benchmarks, not thread-safe."""
    import nltk

    folder = str(ensure_wordnet().parent.parent)
    if folder not in nltk.data.path:
        nltk.data.path.insert(0, folder)  # NLTK refuses corpora outside its own search path
    from nltk.corpus import wordnet

    wordnet.ensure_loaded()
    return wordnet


def _from_nltk_data(scratch: Path) -> Path:
    import nltk

    for name in ("corpora/wordnet", "corpora/wordnet.zip"):
        try:
            entry = nltk.data.find(name)
        except (LookupError, OSError, ValueError, zipfile.BadZipFile):
            continue
        path = Path(str(getattr(entry, "path", entry)))
        return path if path.is_dir() else _unzipped(path, scratch)
    raise _Unavailable("no corpora/wordnet or corpora/wordnet.zip on NLTK's search path")


def _from_nltk_download(scratch: Path) -> Path:
    import nltk

    printed = io.StringIO()
    try:
        arrived = nltk.download("wordnet", download_dir=str(scratch), quiet=True, print_error_to=printed)
    except (OSError, ValueError) as error:
        raise _Unavailable(str(error)) from error
    if not arrived:  # it reports a failure by printing and returning False
        reason = " ".join(printed.getvalue().replace("[nltk_data]", "").split())
        raise _Unavailable(reason or "the download failed")
    folder = scratch / "corpora" / "wordnet"
    return folder if folder.is_dir() else _unzipped(scratch / "corpora" / "wordnet.zip", scratch)


def _from_debian_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise _Unavailable(f"no {folder}")
    return folder


def _from_debian_package(scratch: Path, folder: Path) -> Path:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise _Unavailable(f"no {tool} on this machine")
    _run(["apt-get", "download", "wordnet-base"], scratch)
    packages = sorted(scratch.glob("wordnet-base_*.deb"))
    if not packages:
        raise _Unavailable("apt-get left no package")
    _run(["dpkg-deb", "-x", packages[0].name, "unpacked"], scratch)
    return scratch / "unpacked" / folder.relative_to("/")


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Unavailable(str(error)) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise _Unavailable(f"{' '.join(command)}: {lines[-1]}")


def _unzipped(archive: Path, scratch: Path) -> Path:
    folder = scratch / "unzipped"
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as stored:
            for name in stored.namelist():
                if Path(name).name in {*DATABASE_FILES, *_WRITTEN_FILES}:
                    (folder / Path(name).name).write_bytes(stored.read(name))
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise _Unavailable(f"{archive}: {error}") from error
    return folder


def _verify(folder: Path) -> None:
    missing = [name for name in DATABASE_FILES if not (folder / name).is_file()]
    if missing:
        raise _Unavailable(f"{folder} lacks {', '.join(missing)}")
    try:
        entries = read_records(folder).entries
    except (OSError, ValueError, IndexError) as error:
        raise _Unavailable(f"the files in {folder} are not a WordNet database ({error})") from error
    synsets, strings = len(entries), len({lemma for entry in entries for lemma in entry.lemmas})
    if (synsets, strings) != (SYNSETS, LEMMA_STRINGS):
        raise _Unavailable(
            f"{folder} has {synsets:,} synsets and {strings:,} lemma strings; "
            f"WordNet 3.0 has {SYNSETS:,} and {LEMMA_STRINGS:,}"
        )


def _sizes(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in (*DATABASE_FILES, *_WRITTEN_FILES)}


def _publish(source: Path) -> None:
    try:
        with storage.atomic_folder(wordnet_folder()) as folder:
            for name in DATABASE_FILES:
                shutil.copyfile(source / name, folder / name)
            for name, text_of in _WRITTEN_FILES.items():
                if (source / name).is_file():
                    shutil.copyfile(source / name, folder / name)
                else:
                    (folder / name).write_text(text_of(source), encoding="utf-8")
            (folder / _MARKER).write_text(json.dumps({"sizes": _sizes(folder)}, indent=1))
            if is_installed():
                raise _AlreadyInstalled
    except _AlreadyInstalled:  # and may have readers, so that it stays
        logger.info("another process installed WordNet first")
