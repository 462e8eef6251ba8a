"""Find WordNet 3.0 on this machine or fetch it, verify it, and store it in the cache folder.

The stored files have the sha256 of a published distribution, or say the same in other words. Only where no
such source is in reach another one with as many synsets and words is taken, and that is said.
"""

from __future__ import annotations

import io
import json
import logging
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexclip_core import storage
from lexclip_core.cache import content_key
from lexclip_core.errors import LexclipError, MissingResourceError
from lexclip_core.wordnet.files import lexnames_file, read_database, sense_index_file, split_strings

if TYPE_CHECKING:
    import numpy as np

SYNSETS = 117_659
LEMMA_STRINGS = 148_730

PUBLISHED = {
    "cntlist.rev": "a198580b8f705fa02797bba8b13e5cbe4a9f9f40cb1697e774c7fc6a5865b035",
    "data.noun": "fea17d2f9656611334eac790e5d69e47645fa180c4aa481fb4cd9b3520754ca2",
    "data.verb": "adcf43e35b581e8036d8b5a52d63d9cd3d3b4870b2720d3c03c799df44777bc2",
    "data.adj": "c89120dfc1f046ddff4a631bf9b7e9fa1a36b5e86565a23bf82dbe14f30b88a7",
    "data.adv": "444a63bf3955080ab7524f5079cfc07ff9bc682cb98bdb1db73b0fb9829f1139",
    "index.noun": "a490d99d93d017bf4822fe2f0ffa51fd73911ce271dc7535fade21f8814b5a04",
    "index.verb": "e2ac24816c3a8289dcb72aaa9cf8db81fdf25ec34d792bfc96ac5b7a20c8b4ae",
    "index.adj": "c9865d7b4d1f805bdef82ccdcea5282436e23083e6f6f1b33e716327c4eda810",
    "index.adv": "6f5465ed5758fe9c8a2f7ec17b1300f3aa875756c70ff7cba162f7e71bcf88ea",
    "noun.exc": "2b5d675c380b39ecf595af9fa9d4e7feb1d58c643b0bff08c40ed5bfe41fab7a",
    "verb.exc": "dbbcf9a601b2d77e934e413b91d90e88ec7f933a8b77cfc00602a923b891b42c",
    "adj.exc": "8824cc24bbedd797b9702316b27f07cd4c2b76b629539f0a1276f03926758016",
    "adv.exc": "e7291461b629abfe63301bbe1998cee09fd575ed7107abd7ea9763adb05bf0a8",
}
"""The files that every source of the database has -> their sha256 in Debian's `wordnet-base` 3.0."""

STRUCTURE = "d86b9a26fc2082ee812e1c2a39ff6c0f2a9c91e1b39e8d8695aafdc0cfcca67b"
"""Digest of what those files say but for glosses and places in files, in which distributions differ."""

DATABASE_FILES = tuple(PUBLISHED)

DEBIAN_FOLDER = Path("/usr/share/wordnet")
"""Where Debian's `wordnet-base` puts the files."""

# NLTK's reader insists on these and Debian leaves them out: they are written where a source lacks them.
_WRITTEN_FILES = {"lexnames": lambda _: lexnames_file(), "index.sense": sense_index_file}
_MARKER = "verified.json"
_LARGEST = 1 << 26  # bytes that a file of an archive may announce; WordNet's largest has a quarter
_TIMEOUT = 180  # seconds for one outside command
_DIFFERS = "differs from every published one"

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
    """Return whether the database is in the cache folder, every byte as it was verified (some 50 ms)."""
    recorded, folder = _recorded(), wordnet_folder()
    try:
        return all(storage.sha256(folder / name) == digest for name, digest in recorded.items())
    except OSError:
        return False


def is_published() -> bool:
    """Return whether the installed database is WordNet 3.0 as published; true where none is installed."""
    return bool(_marker().get("published", True))


def identity() -> dict[str, Any]:
    """Return what decides the tables made from the database, for the cache."""
    return {"release": "3.0", "structure": STRUCTURE} if is_published() else {"files": _recorded()}


def _marker() -> dict[str, Any]:
    try:
        return dict(json.loads((wordnet_folder() / _MARKER).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _recorded() -> dict[str, str]:
    recorded = _marker().get("sha256")
    return recorded if isinstance(recorded, dict) else dict(PUBLISHED)


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
    failures: dict[str, str] = {}
    sources: dict[str, Callable[[Path], Path]] = {
        "NLTK data on this machine": _from_nltk_data,
        "nltk.download": _from_nltk_download,
        "Debian's wordnet-base, installed": lambda _: _from_debian_folder(debian_folder),
        "Debian's wordnet-base, downloaded": lambda scratch: _from_debian_package(scratch, debian_folder),
    }
    for name, fetch in sources.items():
        try:
            return _installed_from(name, fetch, published=True)
        except _Unavailable as error:
            failures[name] = error.problem
    for name in [name for name, why in failures.items() if _DIFFERS in why]:
        with suppress(_Unavailable):
            return _installed_from(name, sources[name], published=False)
    reasons = "; ".join(f"{name}: {why}" for name, why in failures.items())
    raise MissingResourceError(f"WordNet 3.0 is not here and cannot be had ({reasons})", REMEDIES)


def _installed_from(name: str, fetch: Callable[[Path], Path], *, published: bool) -> Path:
    """Install from one source and return the folder; with `published` one that is verified, else any."""
    with tempfile.TemporaryDirectory(prefix="lexclip-wordnet-") as scratch:
        source = fetch(Path(scratch))
        _verify(source, published=published)
        if published:
            logger.info("installing WordNet 3.0 from %s", name)
        else:
            logger.warning("the WordNet 3.0 of %s %s: results may differ", name, _DIFFERS)
        _publish(source, published=published)
    return wordnet_folder()


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
                wanted = Path(name).name in {*DATABASE_FILES, *_WRITTEN_FILES}
                if wanted and stored.getinfo(name).file_size < _LARGEST:
                    (folder / Path(name).name).write_bytes(stored.read(name))
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise _Unavailable(f"{archive}: {error}") from error
    return folder


def _verify(folder: Path, *, published: bool) -> None:
    """Refuse a source that is not a WordNet 3.0, or not one that says what the published ones say."""
    missing = [name for name in DATABASE_FILES if not (folder / name).is_file()]
    if missing:
        raise _Unavailable(f"{folder} lacks {', '.join(missing)}")
    other = [name for name, digest in PUBLISHED.items() if storage.sha256(folder / name) != digest]
    if not other or not published:  # which was looked at before
        return
    try:
        arrays = read_database(folder)
    except (OSError, ValueError, LookupError) as error:
        raise _Unavailable(f"the files in {folder} are not a WordNet 3.0 database ({error})") from error
    counts = len(arrays["offsets"]), len(set(split_strings(arrays["lemmas"])))
    if counts != (SYNSETS, LEMMA_STRINGS):
        raise _Unavailable(
            f"{folder} has {counts[0]:,} synsets and {counts[1]:,} lemma strings; "
            f"WordNet 3.0 has {SYNSETS:,} and {LEMMA_STRINGS:,}"
        )
    if structure(arrays) != STRUCTURE:
        raise _Unavailable(f"{folder} {_DIFFERS}, in {', '.join(other)}")


def structure(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the digest that `STRUCTURE` is of a published database, given what `read_database` returns."""
    return content_key({name: array for name, array in arrays.items() if name not in ("offsets", "glosses")})


def _publish(source: Path, *, published: bool) -> None:
    try:
        with storage.atomic_folder(wordnet_folder()) as folder:
            for name in DATABASE_FILES:
                shutil.copyfile(source / name, folder / name)
            for name, text_of in _WRITTEN_FILES.items():
                if (source / name).is_file():
                    shutil.copyfile(source / name, folder / name)
                else:
                    (folder / name).write_text(text_of(source), encoding="utf-8")
            digests = {name: storage.sha256(folder / name) for name in (*DATABASE_FILES, *_WRITTEN_FILES)}
            marker = {"published": published, "sha256": digests}
            (folder / _MARKER).write_text(json.dumps(marker, indent=1))
            if is_installed():
                raise _AlreadyInstalled
    except _AlreadyInstalled:  # and may have readers, so that it stays
        logger.info("another process installed WordNet first")
