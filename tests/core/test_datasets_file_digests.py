"""A file's digest is remembered while the file is untouched, and never longer."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from pathlib import Path

import pytest

from lexclip_core import storage
from lexclip_core.datasets import file_digests
from lexclip_core.datasets.file_digests import digests, ledger_path


@pytest.fixture(autouse=True)
def _settled_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "_SETTLED_NS", -1)


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
    monkeypatch.setattr(file_digests, "_SETTLED_NS", 3600 * 10**9)
    [file] = some(tmp_path, 1)
    digests([file])
    digests([file])
    assert read == ["0.png", "0.png"]
    past = time.time_ns() + 7200 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: past)
    digests([file])
    digests([file])
    assert len(read) == 3


def test_a_killed_call_remembers_the_lots_before(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_digests, "_LOT", 2)
    files = some(tmp_path)
    files[3].unlink()
    with pytest.raises(FileNotFoundError):
        digests(files)
    read.clear()
    files[3].write_text("3.png")
    digests(files)
    assert read == ["2.png", "3.png", "4.png"]


def test_a_ledger_that_is_none_is_said_and_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    files = some(tmp_path)
    ledger_path().parent.mkdir()
    ledger_path().write_text("no database, " * 100)
    with caplog.at_level(logging.WARNING):
        assert digests(files) == tuple(of(file.name) for file in files)
    assert f"{ledger_path()} is not used" in caplog.text


def test_a_name_that_is_no_text_is_remembered_too(tmp_path: Path, read: list[str]):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    file.write_text("odd")
    assert digests([file]) == digests([file]) == (of("odd"),)
    assert len(read) == 1
