"""Files appear whole or not at all, and a failure to write says why and what to do."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
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
    monkeypatch.setattr(os, "fsync", failing(number))
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


def test_a_file_that_is_read_meanwhile_is_not_taken_for_the_one_written(tmp_path: Path):
    unreadable = tmp_path / "inputs" / "secret.csv"
    refused = PermissionError(errno.EACCES, "Permission denied", str(unreadable))

    def read() -> None:
        raise refused

    with pytest.raises(PermissionError) as caught, storage.atomic_write(tmp_path / "out" / "x.csv"):
        read()
    assert caught.value is refused


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


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")
def test_what_is_new_has_the_permissions_that_open_would_give(tmp_path: Path, umask: int):
    with storage.atomic_write(tmp_path / "new") as temporary:
        temporary.write_text("x")
    with storage.atomic_folder(tmp_path / "folder") as temporary:
        (temporary / "inner").write_text("x")
    (tmp_path / "opened").write_text("x")
    assert mode(tmp_path / "new") == mode(tmp_path / "opened") == 0o666 & ~umask
    assert mode(tmp_path / "folder") == 0o777 & ~umask


@pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")
def test_what_is_replaced_keeps_its_permissions(tmp_path: Path):
    file, folder = tmp_path / "secret.jsonl", tmp_path / "private"
    file.write_text("old")
    file.chmod(0o600)
    folder.mkdir(mode=0o700)
    with storage.atomic_write(file) as temporary:
        temporary.write_text("new")
    with storage.atomic_folder(folder):
        pass
    assert (mode(file), file.read_text()) == (0o600, "new")
    assert mode(folder) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")
def test_a_link_stays_and_the_file_that_it_points_to_is_replaced(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "table.csv")  # dangling, until it is written
    for content in ("old", "new"):
        with storage.atomic_write(tmp_path / "link") as temporary:
            temporary.write_text(content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real" / "table.csv").read_text() == content
    assert only_files(tmp_path) == ["link", "real"]


@pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")
@pytest.mark.parametrize("kind", ["a folder", "a named pipe", "a socket", "a device"])
def test_only_a_regular_file_is_replaced(tmp_path: Path, kind: str):
    path = tmp_path / "out"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path.symlink_to("/dev/null")
    before = path.lstat()
    ran = []
    with (
        pytest.raises(StorageError, match=f"cannot write .*: it is {kind}") as caught,
        storage.atomic_write(path),
    ):
        ran.append("the block")
    assert ran == []  # it says so before hours of work, not after
    assert "name a regular file" in caught.value.remedy
    assert path.lstat().st_ino == before.st_ino
    assert only_files(tmp_path) == ["out"]
    assert not Path("/dev/null").is_file()


def test_a_folder_that_takes_the_name_in_the_meantime_is_not_replaced(tmp_path: Path):
    target = tmp_path / "out"

    def meanwhile() -> None:
        with storage.atomic_write(target) as temporary:
            temporary.write_text("x")
            target.mkdir()

    with pytest.raises(StorageError, match="it is a folder"):
        meanwhile()
    assert only_files(tmp_path) == ["out"]


def test_a_file_is_not_replaced_by_a_folder(tmp_path: Path):
    (tmp_path / "out").write_text("kept")
    with pytest.raises(StorageError, match="it is a regular file"), storage.atomic_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out").read_text() == "kept"


def write_folder(path: Path, content: str) -> None:
    with storage.atomic_folder(path) as temporary:
        for name in ("a", "b"):
            (temporary / name).write_text(content)


def contents(path: Path) -> set[str]:
    return {file.read_text() for file in path.iterdir()}


@pytest.fixture(params=["exchange", "two renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Replace folders as Linux and macOS can, and as other systems must."""
    if request.param == "two renames":
        monkeypatch.setattr(ctypes, "CDLL", failing(errno.ENOSYS))
    return request.param


def test_four_writers_of_one_folder_leave_one_whole_folder(tmp_path: Path, way: str):
    target, failures = tmp_path / "run", []

    def work(name: str) -> None:
        try:
            for turn in range(20):
                write_folder(target, f"{name} {turn}")
        except BaseException as error:  # a thread's own failure would be lost
            failures.append(error)

    writers = [threading.Thread(target=work, args=(f"writer {number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert len(contents(target)) == 1
    assert only_files(tmp_path) == ["run"]


KILLED = """
import sys
from pathlib import Path
from lexclip_core import storage
target = Path(sys.argv[1])
for turn in range(1_000_000):
    with storage.atomic_folder(target) as temporary:
        for name in ("a", "b"):
            (temporary / name).write_text(str(turn))
    print(turn, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the exchange in one step is Linux's")
def test_a_kill_at_any_moment_leaves_a_whole_folder(tmp_path: Path):
    target = tmp_path / "run"
    for delay in (0, 0.001, 0.002, 0.003, 0.005):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert len(contents(target)) == 1
        assert only_files(target) == ["a", "b"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ctypes, "CDLL", failing(errno.ENOSYS))
    target = tmp_path / "run"
    write_folder(target, "old")
    rename = Path.rename

    def refusing(path: Path, to: Path) -> Path:
        if to == target and ".lexclip-old" not in path.name:
            raise OSError(errno.EROFS, "read-only")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(StorageError, match="read-only"):
        write_folder(target, "new")
    assert contents(target) == {"old"}
    assert only_files(tmp_path) == ["run"]


def test_a_folder_that_a_kill_took_the_name_of_gets_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", failing(errno.ENOSYS))
    target = tmp_path / "run.1"
    write_folder(target, "old")
    rename = Path.rename
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", lambda path, to: rename(path, to) if path == target else os._exit(9))
        child = os.fork()
        if child == 0:
            write_folder(target, "new")
        os.waitpid(child, 0)
    assert not target.exists()
    assert storage.recover_folders(tmp_path) == [target]
    assert contents(target) == {"old"}
    assert storage.recover_folders(tmp_path) == []


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
