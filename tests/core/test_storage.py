"""Files appear whole or not at all, and a failure to write says why and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lexclip_core import storage
from lexclip_core.errors import InputError, LexclipError, StorageError


def only_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def failing(number: int):
    def fail(*_args: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_error_message_holds_problem_and_remedy():
    error = InputError("'blurf' is not a word", "choose one of: dog, cat")
    assert str(error) == "'blurf' is not a word\n  Remedy: choose one of: dog, cat"
    assert (error.problem, error.remedy) == ("'blurf' is not a word", "choose one of: dog, cat")
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("remedy", ["", "free some space"])
def test_storage_error_reads_like_the_others_although_it_is_an_oserror(remedy: str):
    error = StorageError("cannot write /x", remedy)
    assert isinstance(error, OSError)
    assert str(error) == ("cannot write /x\n  Remedy: free some space" if remedy else "cannot write /x")


def test_atomic_write_makes_parents_and_leaves_one_readable_file(tmp_path: Path):
    target = tmp_path / "a" / "b" / "metrics.json"
    with storage.atomic_write(target) as temporary:
        temporary.write_text("{}")
        assert not target.exists()
        assert temporary.suffix == ".json"
    assert target.read_text() == "{}"
    assert only_files(target.parent) == ["metrics.json"]
    assert target.stat().st_mode & 0o777 == 0o644


def test_atomic_write_keeps_the_old_file_when_the_block_fails(tmp_path: Path):
    target = tmp_path / "config.json"
    target.write_text("old")

    def interrupted() -> None:
        with storage.atomic_write(target) as temporary:
            temporary.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert only_files(tmp_path) == ["config.json"]


REMEDIES = {
    errno.ENOSPC: "free some disk space",
    errno.EROFS: "file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
}


@pytest.mark.parametrize(("number", "remedy"), REMEDIES.items(), ids=errno.errorcode.get)
def test_atomic_write_names_the_path_the_reason_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
):
    target = tmp_path / "metrics.json"
    target.write_text("old")
    monkeypatch.setattr(storage.os, "replace", failing(number))
    with pytest.raises(StorageError) as caught, storage.atomic_write(target) as temporary:
        temporary.write_text("new")
    assert str(target) in caught.value.problem
    assert os.strerror(number) in caught.value.problem
    assert remedy in caught.value.remedy
    assert target.read_text() == "old"
    assert only_files(tmp_path) == ["metrics.json"]


def test_atomic_write_does_not_rename_an_error_of_another_kind(tmp_path: Path):
    with pytest.raises(IsADirectoryError), storage.atomic_write(tmp_path / "x"):
        (tmp_path).write_text("a folder cannot be written as a file")
    assert only_files(tmp_path) == []


def test_atomic_folder_replaces_the_whole_folder(tmp_path: Path):
    target = tmp_path / "run-1"
    with storage.atomic_folder(target) as temporary:
        (temporary / "old.json").write_text("1")
    with storage.atomic_folder(target) as temporary:
        (temporary / "new.json").write_text("2")
        assert only_files(target) == ["old.json"]
    assert only_files(target) == ["new.json"]
    assert only_files(tmp_path) == ["run-1"]


def test_atomic_folder_keeps_the_old_folder_when_the_disk_is_full(tmp_path: Path):
    target = tmp_path / "run-1"
    with storage.atomic_folder(target) as temporary:
        (temporary / "config.json").write_text("old")
    full_disk = failing(errno.ENOSPC)
    with pytest.raises(StorageError, match="free some disk space"), storage.atomic_folder(target):
        full_disk()
    assert (target / "config.json").read_text() == "old"
    assert only_files(tmp_path) == ["run-1"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="permission is denied"), storage.atomic_write(tmp_path / "x"):
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KB, where this machine lets a test mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True
    ).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_really_full_disk(small_disk: Path):
    target = small_disk / "run.bin"
    with storage.atomic_write(target) as temporary:
        temporary.write_bytes(b"old")
    with pytest.raises(StorageError, match="No space left on device") as caught:
        write_too_much(target)
    assert "free some disk space" in str(caught.value)
    assert target.read_bytes() == b"old"
    assert only_files(small_disk) == ["run.bin"]


def write_too_much(target: Path) -> None:
    with storage.atomic_write(target) as temporary:
        temporary.write_bytes(b"x" * 1_000_000)


def test_a_really_read_only_file_system(small_disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StorageError, match="read-only"), storage.atomic_folder(small_disk / "run-1"):
        pass


def test_sha256_is_of_the_content(tmp_path: Path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert storage.sha256(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LEXCLIP_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    assert storage.runs_folder() == tmp_path / "runs"
    assert storage.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("LEXCLIP_RUNS")
    monkeypatch.delenv("LEXCLIP_CACHE")
    assert storage.runs_folder() == storage.project_root() / "data" / "runs"
    assert storage.cache_folder() == storage.project_root() / ".cache"


def test_progress_hands_every_item_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("LEXCLIP_PROGRESS", "0")
    assert list(storage.progress([3, 1, 2])) == [3, 1, 2]
    assert capsys.readouterr().err == ""
    assert issubclass(StorageError, LexclipError)
