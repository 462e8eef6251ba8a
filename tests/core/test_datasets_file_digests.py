"""A file's digest is remembered while the file is untouched, and never longer."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from lexclip_core import storage
from lexclip_core.datasets.pictures.files import digests


@pytest.fixture(autouse=True)
def _an_hour_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every file was changed an hour ago, and the cache is empty."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(time, "time_ns", lambda: int((time.time() + 3600) * 1e9))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that are read, as they are."""
    seen: list[str] = []
    plain = storage.sha256
    monkeypatch.setattr(storage, "sha256", lambda file: seen.append(file.name) or plain(file))
    return seen


def some(folder: Path, count: int = 5) -> list[Path]:
    files = [folder / f"{number}.png" for number in range(count)]
    for file in files:
        file.write_text(file.name)
    return files


def of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_is_read_once(tmp_path: Path, read: list[str]):
    files = some(tmp_path)
    assert digests(files) == tuple(of(file.name) for file in files)
    assert read == [file.name for file in files]
    read.clear()
    assert digests(files[::-1]) == tuple(of(file.name) for file in files[::-1])
    assert read == []


def test_an_edited_file_is_read_again_though_its_size_and_time_are_the_old_ones(
    tmp_path: Path, read: list[str]
):
    [file] = some(tmp_path, 1)
    digests([file])
    before = file.stat()
    file.write_text("1.png")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    read.clear()
    assert digests([file]) == (of("1.png"),)
    assert read == ["0.png"]


def test_another_file_under_the_old_name_is_read(tmp_path: Path, read: list[str]):
    [file] = some(tmp_path, 1)
    digests([file])
    (tmp_path / "other").write_text("x.png")
    os.replace(tmp_path / "other", file)
    assert digests([file]) == (of("x.png"),)


def test_a_file_changed_just_now_is_not_remembered(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
):
    later = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    [file] = some(tmp_path, 1)
    digests([file])
    digests([file])
    assert read == ["0.png", "0.png"]
    monkeypatch.setattr(time, "time_ns", later)
    digests([file])
    digests([file])
    assert len(read) == 3


def test_a_call_that_fails_remembers_what_it_has_read(tmp_path: Path, read: list[str]):
    files = some(tmp_path)
    files[3].unlink()
    with pytest.raises(FileNotFoundError):
        digests(files)
    read.clear()
    files[3].write_text("3.png")
    digests(files)
    assert read == ["3.png", "4.png"]


def test_files_of_several_folders_in_any_order_and_twice(tmp_path: Path, read: list[str]):
    folders = [tmp_path / name for name in ("a", "b", "a/c")]
    for folder in folders:
        folder.mkdir()
    files = [file for folder in folders for file in some(folder, 2)]
    mixed = [*files[::2], *files[1::2], files[0]]
    assert digests(mixed) == tuple(of(file.name) for file in mixed)
    assert len(read) == len(files)
    digests(files)
    assert len(read) == len(files)


def test_a_damaged_line_costs_one_reading(tmp_path: Path, read: list[str], caplog: pytest.LogCaptureFixture):
    files = some(tmp_path)
    digests(files)
    [log] = (tmp_path / "cache" / "digests").iterdir()
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:2], lines[2][:20], *lines[3:]]))
    read.clear()
    assert digests(files) == tuple(of(file.name) for file in files)
    assert read == ["2.png"]
    assert f"{log}, line 3 is damaged" in caplog.text


def test_where_the_cache_cannot_be_written_every_file_is_read(
    tmp_path: Path, read: list[str], caplog: pytest.LogCaptureFixture
):
    files = some(tmp_path)
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    for _ in range(2):
        assert digests(files) == tuple(of(file.name) for file in files)
    assert len(read) == 2 * len(files)
    assert "digests are not kept, every file is read" in caplog.text


def test_a_name_that_is_no_text_is_remembered_too(tmp_path: Path, read: list[str]):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    file.write_text("odd")
    assert digests([file]) == digests([file]) == (of("odd"),)
    assert len(read) == 1
