"""Where WordNet comes from: each source, what is refused, and two installations at once."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nltk
import numpy as np
import pytest

from lexclip_core import storage
from lexclip_core.errors import MissingResourceError, StorageError
from lexclip_core.wordnet import install
from lexclip_core.wordnet.install import ensure_wordnet
from lexclip_core.wordnet.tables import read_arrays

WHICH = shutil.which


@pytest.fixture(scope="module")
def database() -> Path:
    """Return the database that this machine already has."""
    return ensure_wordnet()


@pytest.fixture
def nowhere(database, monkeypatch, tmp_path) -> Path:
    """Make every source unavailable and the cache an empty folder; return a place for a source."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "nltk_data")])
    monkeypatch.setattr(nltk, "download", _no_download)
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    return tmp_path


def _no_download(name, *, print_error_to, **_options):
    print("[nltk_data] Error loading wordnet: no network", file=print_error_to)
    return False


NLTK_FILES = (*install.DATABASE_FILES, "lexnames", "index.sense")


def _copy(database: Path, folder: Path, names: tuple[str, ...] = NLTK_FILES) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        shutil.copyfile(database / name, folder / name)
    return folder


def _zip(database: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in NLTK_FILES:
            archive.write(database / name, f"wordnet/{name}")


def installed(nowhere: Path) -> Path:
    """Install WordNet where Debian's package is not; each test puts one source into place."""
    return ensure_wordnet(debian_folder=debian_folder(nowhere))


def debian_folder(nowhere: Path) -> Path:
    return nowhere / "usr" / "share" / "wordnet"


def _assert_installed(database: Path, nowhere: Path, capfd) -> None:
    folder = installed(nowhere)
    assert folder == install.wordnet_folder() != database
    assert install.is_installed()
    for name in NLTK_FILES:
        assert (folder / name).read_bytes() == (database / name).read_bytes(), name
    assert capfd.readouterr() == ("", "")


def test_from_a_folder_of_nltk_data(database, nowhere, capfd):
    _copy(database, nowhere / "nltk_data" / "corpora" / "wordnet")
    _assert_installed(database, nowhere, capfd)


def test_from_a_zip_of_nltk_data(database, nowhere, capfd):
    _zip(database, nowhere / "nltk_data" / "corpora" / "wordnet.zip")
    _assert_installed(database, nowhere, capfd)


def test_from_nltk_download(database, nowhere, monkeypatch, capfd):
    def download(name, *, download_dir, **_options):
        _zip(database, Path(download_dir) / "corpora" / f"{name}.zip")
        return True

    monkeypatch.setattr(nltk, "download", download)
    _assert_installed(database, nowhere, capfd)


def test_from_an_installed_debian_package(database, nowhere, capfd):
    _copy(database, debian_folder(nowhere), install.DATABASE_FILES)
    _assert_installed(database, nowhere, capfd)


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")
def test_from_a_downloaded_debian_package(database, nowhere, monkeypatch, capfd):
    tree, tools = nowhere / "tree", nowhere / "tools"
    _copy(database, tree / debian_folder(nowhere).relative_to("/"), install.DATABASE_FILES)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        "Package: wordnet-base\nVersion: 1:3.0-37\nArchitecture: all\nMaintainer: t <a@b.c>\nDescription: t\n"
    )
    tools.mkdir()
    apt = tools / "apt-get"  # what it does with a network: leave the package in the working folder
    apt.write_text(
        f'#!/bin/sh\n[ "$*" = "download wordnet-base" ] && exec dpkg-deb -Znone -b {tree} '
        '"wordnet-base_1%3a3.0-37_all.deb" >&2\n'
    )
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(shutil, "which", WHICH)
    _assert_installed(database, nowhere, capfd)


def test_nothing_works(nowhere, capfd):
    with pytest.raises(MissingResourceError) as caught:
        installed(nowhere)
    message = str(caught.value)
    for reason in (
        "NLTK data on this machine: no corpora/wordnet or corpora/wordnet.zip",
        "nltk.download: Error loading wordnet: no network",
        f"Debian's wordnet-base, installed: no {nowhere}/usr/share/wordnet",
        "Debian's wordnet-base, downloaded: no apt-get on this machine",
    ):
        assert reason in message
    remedies = message.split("Remedy: ")[1]
    for remedy in (
        "nltk.download('wordnet')",
        "apt-get install wordnet-base",
        "corpora/wordnet.zip",
        "NLTK_DATA",
    ):
        assert remedy in remedies
    assert capfd.readouterr() == ("", "")
    assert not install.wordnet_folder().exists()


def test_apt_says_why_it_fails(nowhere, monkeypatch):
    tools = nowhere / "tools"
    tools.mkdir()
    for name in ("apt-get", "dpkg-deb"):
        (tools / name).write_text(
            "#!/bin/sh\necho 'E: Unable to locate package wordnet-base' >&2\nexit 100\n"
        )
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(shutil, "which", WHICH)
    with pytest.raises(
        MissingResourceError, match="apt-get download wordnet-base: E: Unable to locate package"
    ):
        installed(nowhere)


def test_download_that_raises(nowhere, monkeypatch):
    def download(name, **_options):
        raise ValueError("the index is no XML")

    monkeypatch.setattr(nltk, "download", download)
    with pytest.raises(MissingResourceError, match=r"nltk\.download: the index is no XML"):
        installed(nowhere)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "cntlist.rev").unlink(), r"lacks cntlist\.rev"),
        (lambda folder: (folder / "data.verb").write_bytes(b"\xff\xfe\x00"), "are not a WordNet 3"),
        (lambda folder: (folder / "data.verb").write_text("hello\n"), r"are not a WordNet 3\.0 database"),
        (lambda folder: os.truncate(folder / "data.adv", 500_000), r"are not a WordNet 3\.0 database"),
    ],
)
def test_damaged_source_is_refused(database, nowhere, damage, message):
    damage(_copy(database, nowhere / "nltk_data" / "corpora" / "wordnet"))
    with pytest.raises(MissingResourceError, match=message):
        installed(nowhere)


def test_damaged_zip_is_refused(nowhere):
    path = nowhere / "nltk_data" / "corpora" / "wordnet.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(MissingResourceError, match=r"NLTK data on this machine: "):
        installed(nowhere)


def test_damaged_installation_is_renewed(database, nowhere):
    _copy(database, nowhere / "nltk_data" / "corpora" / "wordnet")
    folder = installed(nowhere)
    (folder / "data.noun").write_text("cut short")
    assert not install.is_installed()
    assert (installed(nowhere) / "data.noun").read_bytes() == (database / "data.noun").read_bytes()
    assert [path.name for path in folder.parent.iterdir()] == ["wordnet"]


def change(path: Path, old: bytes, new: bytes) -> None:
    """Change what no size and no count shows, and leave the file's times as they were."""
    content, times = path.read_bytes(), path.stat()
    assert len(old) == len(new)
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


POINTER = ("data.noun", b"Canis_familiaris 0 023 @ 02083346 n", b"Canis_familiaris 0 023 @ 01317541 n")
SPELLING = ("index.verb", b"\nwalk v ", b"\nwolk v ")


@pytest.mark.parametrize("damage", [POINTER, SPELLING], ids=["a pointer", "a spelling"])
def test_what_changes_no_size_is_noticed_and_renewed(database, nowhere, damage):
    _copy(database, nowhere / "nltk_data" / "corpora" / "wordnet")
    folder = installed(nowhere)
    change(folder / damage[0], *damage[1:])
    assert not install.is_installed()
    assert (installed(nowhere) / damage[0]).read_bytes() == (database / damage[0]).read_bytes()


def test_a_source_that_says_something_else_is_taken_last_and_with_a_warning(database, nowhere, caplog):
    other = _copy(database, nowhere / "nltk_data" / "corpora" / "wordnet")
    change(other / POINTER[0], *POINTER[1:])
    folder = installed(nowhere)
    assert "differs from every published one" in caplog.text
    assert install.is_installed()
    assert not install.is_published()
    assert install.identity() != {"release": "3.0", "structure": install.STRUCTURE}
    shutil.rmtree(folder)
    shutil.rmtree(other)
    _copy(database, debian_folder(nowhere), install.DATABASE_FILES)
    assert (installed(nowhere) / POINTER[0]).read_bytes() == (database / POINTER[0]).read_bytes()
    assert install.is_published()


def test_other_glosses_are_the_same_wordnet_and_other_pointers_are_not():
    arrays = read_arrays()
    assert install.structure(arrays) == install.STRUCTURE
    glosses = dict.fromkeys(("glosses", "offsets"), np.zeros(3))
    assert install.structure(arrays | glosses) == install.STRUCTURE
    for name in arrays.keys() - glosses.keys():
        changed = arrays[name].copy()
        changed.flat[7] = "v" if name == "pos" else changed.flat[7] + 1
        assert install.structure(arrays | {name: changed}) != install.STRUCTURE, name


def test_an_installation_of_an_earlier_edition_is_verified_and_used(database, nowhere):
    _copy(database, nowhere / "nltk_data" / "corpora" / "wordnet")
    folder = installed(nowhere)
    (folder / "verified.json").write_text('{"sizes": {"data.noun": 1}}')
    assert install.is_installed()
    change(folder / POINTER[0], *POINTER[1:])
    assert not install.is_installed()


def test_full_disk(database, nowhere, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    _copy(database, nowhere / "nltk_data" / "corpora" / "wordnet")
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StorageError, match=r"cannot write .*No space left on device\n.*free some disk space"):
        installed(nowhere)
    assert list(install.wordnet_folder().parent.iterdir()) == []


def test_three_processes_at_once(database, tmp_path):
    _copy(database, tmp_path / "nltk_data" / "corpora" / "wordnet")
    environment = os.environ | {
        "LEXCLIP_CACHE": str(tmp_path / "cache"),
        "NLTK_DATA": str(tmp_path / "nltk_data"),
    }
    code = "from lexclip_core.wordnet import install; print(install.ensure_wordnet(), install.is_installed())"
    command = [sys.executable, "-c", code]
    running = [
        subprocess.Popen(
            command, env=environment, cwd=storage.project_root(), stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=300)[0].strip() for process in running]
    folder = tmp_path / "cache" / "nltk_data" / "corpora" / "wordnet"
    assert [process.returncode for process in running] == [0, 0, 0]
    assert said == [f"{folder} True"] * 3
    assert [path.name for path in folder.parent.iterdir()] == ["wordnet"]
    assert (folder / "data.noun").read_bytes() == (database / "data.noun").read_bytes()
