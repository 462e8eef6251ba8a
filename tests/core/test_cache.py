"""A result is made once for its content; damage, kills, full disks and other processes are survived."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core import cache, storage
from lexclip_core.cache import ARRAY, ARRAYS, JSON, AppendLog, Codec, cached, cached_file, look_up, stored
from lexclip_core.cli.__main__ import main
from lexclip_core.errors import InputError, StorageError

KIND = "measurements"
VALUES: dict[str, tuple[Codec[Any], Any]] = {
    "json": (JSON, {"recall": 0.1, "names": ["é", "\ud800"], "n": None}),
    "arrays": (ARRAYS, {"rows": np.arange(6.0).reshape(2, 3), "names": np.array(["hot", "cold"])}),
    "array": (ARRAY, np.arange(12, dtype=np.float32).reshape(3, 4)),
    "records": (ARRAY, np.array([(1, 0.5), (2, 0.25)], dtype=[("place", "<i4"), ("row", "<f4")])),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for every test."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Counting:
    """Makes a value, and counts how often."""

    def __init__(self, value: Any) -> None:
        self.value, self.times = value, 0

    def __call__(self) -> Any:
        self.times += 1
        return self.value


def equal(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    if isinstance(first, dict) and first.keys() == second.keys():
        return all(equal(value, second[name]) for name, value in first.items())
    return bool(first == second)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_made_once_and_read_afterwards(folder: Path, name: str):
    codec, value = VALUES[name]
    make = Counting(value)
    for _ in range(3):
        assert equal(cached(KIND, {"of": name}, make, codec=codec), value)
    assert make.times == 1
    assert [path.parent.name for path in files(folder)] == [KIND]
    cached(KIND, {"of": "other"}, make, codec=codec)
    assert make.times == 2
    assert len(files(folder)) == 2


def test_the_first_call_returns_what_all_later_ones_return():
    first = cached(KIND, {}, lambda: [(1, 2)], codec=JSON)
    assert first == cached(KIND, {}, lambda: [(1, 2)], codec=JSON) == [[1, 2]]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[:-5],
    "empty": lambda content: b"",
    "a flipped bit": lambda content: bytes([*content[:-3], content[-3] ^ 1, *content[-2:]]),
    "longer": lambda content: content + b"}",
    "another file": lambda content: b"<html>not found</html>",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", VALUES)
def test_a_damaged_file_is_reported_and_made_again(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
):
    codec, value = VALUES[name]
    make = Counting(value)
    cached(KIND, {}, make, codec=codec)
    [path] = files(folder)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert equal(cached(KIND, {}, make, codec=codec), value)
    assert f"{path} is damaged and made again" in caplog.text
    assert make.times == 2
    caplog.clear()
    assert equal(cached(KIND, {}, make, codec=codec), value)
    assert (make.times, caplog.text, len(files(folder))) == (2, "", 1)


@given(st.binary(min_size=1, max_size=64), st.data())
def test_no_changed_byte_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, content: bytes, data):
    raw: Codec[bytes] = Codec(".bin", lambda path, value: path.write_bytes(value), Path.read_bytes)
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LEXCLIP_CACHE", str(folder))
        cached(KIND, {}, lambda: content, codec=raw)
        [path] = files(folder)
        place = data.draw(st.integers(0, len(content) - 1))
        flipped = bytes(byte ^ (place == at) for at, byte in enumerate(content))
        path.write_bytes(flipped)
        assert cached(KIND, {}, lambda: b"again", codec=raw) == b"again"


@pytest.mark.parametrize("name", VALUES)
def test_where_nothing_can_be_written_the_value_is_returned_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
):
    (tmp_path / "file").write_text("a file stands where the folder should be")
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "file"))
    codec, value = VALUES[name]
    make = Counting(value)
    for times in (1, 2):
        caplog.clear()
        assert equal(cached(KIND, {}, make, codec=codec), value)
        assert "cannot be written, the result is not kept" in caplog.text
        assert make.times == times
    with pytest.raises(OSError, match="file"):
        cached_file(KIND, {}, lambda path: path.write_text("x"), suffix=".txt")


def test_a_disk_that_fills_up_while_writing_leaves_nothing(folder: Path, caplog: pytest.LogCaptureFixture):
    def full(path: Path, value: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    assert cached(KIND, {}, lambda: 7, codec=Codec(".x", full, lambda path: 0)) == 7
    assert "No space left on device" in caplog.text
    assert files(folder) == []


def test_what_make_raises_is_not_hidden_and_nothing_is_kept(folder: Path):
    def fails() -> None:
        raise StorageError("the data set's disk is full", "free some space")

    with pytest.raises(StorageError, match="the data set's disk"):
        cached(KIND, {}, fails, codec=JSON)
    assert files(folder) == []
    assert cached(KIND, {}, lambda: 1, codec=JSON) == 1


def test_an_array_is_mapped_and_what_is_written_into_it_stays_out(folder: Path):
    make = Counting(np.zeros((3, 4), np.float32))
    for _ in range(2):
        rows = cached("picture-features", {}, make, codec=ARRAY)
        assert isinstance(rows, np.memmap)
        assert not rows.any()
        rows[:] = 1
    assert make.times == 1
    assert cached("picture-features", {"none": 1}, lambda: np.zeros((0, 4)), codec=ARRAY).shape == (0, 4)


# What is the same content.


def test_everything_in_a_content_counts_and_its_order_does_not():
    key = cache.content_key
    rows = np.arange(6, dtype=np.float32)
    base = {"rows": rows, "words": ["hot"], "seed": 0, "towers": {"a": "1", "b": "2"}}
    assert key(base) == key(dict(reversed(base.items())) | {"words": ("hot",), "seed": np.int64(0)})
    others = [
        base | {"rows": rows.reshape(2, 3)},
        base | {"rows": rows.astype(np.float64)},
        base | {"rows": rows + np.float32(1e-6)},
        base | {"rows": rows.view(np.int32)},
        base | {"words": ["hot", ""]},
        base | {"seed": 1},
        base | {"more": None},
        base | {"towers": {"a": "12", "b": ""}},
    ]
    assert len({key(content) for content in [base, *others]}) == len(others) + 1
    assert key({"rows": np.asfortranarray(rows.reshape(2, 3))}) == key({"rows": rows.reshape(2, 3)})


@pytest.mark.parametrize("value", [object(), Path("x"), {1, 2}, np.array([{}], dtype=object)], ids=type)
def test_a_content_without_a_digest_is_refused(value: object):
    with pytest.raises(TypeError, match="give plain values"):
        cached(KIND, {"value": value}, lambda: 1, codec=JSON)


def test_what_was_made_can_be_looked_up_without_making_it():
    assert cache.look_up(KIND, {"n": 1}, codec=JSON) is None
    cached(KIND, {"n": 1}, lambda: 7, codec=JSON)
    assert cache.look_up(KIND, {"n": 1}, codec=JSON) == 7


def test_every_folder_of_the_cache_is_a_kind_with_a_meaning():
    named = set()
    for folder in ("lexclip_core", "tools"):
        for file in (storage.project_root() / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            named |= set(re.findall(r'cache_folder\(\) / "([^"]+)"', text))
            named |= set(re.findall(r'\b(?:cached|cached_file|stored|look_up|log_file)\(\s*"([^"]+)"', text))
    assert {"numba", "weights", "wordnet", "digests"} <= named
    assert named <= set(cache.KINDS)
    assert all(kind.meaning for kind in cache.KINDS.values())


def test_kinds_and_groups_do_not_share(folder: Path):
    make = Counting(1)
    for kind, group in (("measurements", ""), ("digests", ""), ("measurements", "a"), ("measurements", "b")):
        cached(kind, {}, make, codec=JSON, group=group)
    assert make.times == 4
    assert [value for _, value in stored("measurements", codec=JSON, group="a")] == [1]


def test_an_unknown_kind_is_refused_with_the_known_ones():
    for call in (
        lambda: cached("blurf", {}, lambda: 1, codec=JSON),
        lambda: cache.clear_cache("blurf"),
        lambda: cache.log_file("blurf", {}),
        lambda: list(stored("blurf", codec=JSON)),
    ):
        with pytest.raises(InputError, match=r"unknown kind of cache 'blurf'") as caught:
            call()
        assert "measurements" in caught.value.remedy


def test_the_entries_of_a_group_are_listed_but_for_damaged_ones(
    folder: Path, caplog: pytest.LogCaptureFixture
):
    for number in range(3):
        cached(KIND, {"n": number}, lambda number=number: number, codec=JSON, group="g")
    path = next(path for path, value in stored(KIND, codec=JSON, group="g") if value == 1)
    path.write_text("11")
    (folder / KIND / "g" / ".left.json").write_text("by a power cut")
    assert sorted(value for _, value in stored(KIND, codec=JSON, group="g")) == [0, 2]
    assert f"{path} is damaged" in caplog.text
    assert list(stored(KIND, codec=ARRAY, group="g")) == []


def test_an_entry_that_another_process_removes_while_it_is_read_is_made_again(folder: Path):
    make = Counting("read")

    def read_after_removal(path: Path) -> Any:
        path.unlink()
        return json.loads(path.read_text())

    late: Codec[Any] = Codec(".json", JSON.write, read_after_removal)
    cached(KIND, {"of": 1}, make, codec=JSON, group="g")
    assert cached(KIND, {"of": 1}, make, codec=late, group="g") == "read"
    assert make.times == 2
    for _ in range(2):
        cached(KIND, {"of": 1}, make, codec=JSON, group="g")
    assert list(stored(KIND, codec=late, group="g")) == []
    cached(KIND, {"of": 1}, make, codec=JSON, group="g")
    cached(KIND, {"of": 1}, make, codec=JSON)
    assert look_up(KIND, {"of": 1}, codec=late) is None


def test_a_file_that_is_written_in_pieces(folder: Path):
    times = []

    def write(path: Path) -> None:
        times.append(1)
        path.write_text("".join(f"{number}\n" for number in range(5)))

    path = cached_file("records", {"n": 5}, write, suffix=".txt")
    assert path == cached_file("records", {"n": 5}, write, suffix=".txt")
    assert (len(times), path.suffix, path.read_text()) == (1, ".txt", "0\n1\n2\n3\n4\n")
    path.write_text("0\n1\n")
    assert cached_file("records", {"n": 5}, write, suffix=".txt").read_text().endswith("4\n")


# Several processes.


def test_threads_that_want_one_value_make_it_once():
    make = Counting(5)

    def slowly() -> int:
        time.sleep(0.2)
        return make()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: cached(KIND, {}, slowly, codec=JSON), range(4))) == [5] * 4
    assert make.times == 1


SLOW = """
import sys, time
from lexclip_core.cache import JSON, cached

def make():
    print("making", flush=True)
    time.sleep(float(sys.argv[1]))
    return sys.argv[2]

print(cached("measurements", {}, make, codec=JSON), flush=True)
"""


def slow(seconds: float, value: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(SLOW), str(seconds), value]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_second_process_waits_for_the_first_and_uses_its_value(folder: Path):
    with slow(1, "first") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "making\n"
        with slow(0, "second") as second:
            assert second.communicate()[0] == "first\n"
        assert first.communicate()[0] == "first\n"
    assert len(files(folder)) == 1  # no lock is left


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_a_killed_holder_holds_up_nobody(folder: Path):
    with slow(60, "killed") as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()
    assert cached(KIND, {}, lambda: "mine", codec=JSON) == "mine"
    assert len(files(folder)) == 1


# Rows that come one by one.


def test_rows_outlive_the_process_and_half_a_line_is_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "deep" / "rows.jsonl"
    with AppendLog(path) as log:
        log.append("a", {"text": "one\ntwo é \ud800"})
        log.append("b", {"text": "half"})
    path.write_bytes(path.read_bytes()[:-4])
    with AppendLog(path) as log:
        assert log.get("a") == {"text": "one\ntwo é \ud800"}
        assert (log.get("b"), "b" in log, len(log)) == (None, False, 1)
        assert f"{path}, line 2 is damaged and skipped" in caplog.text
        log.append("c", {"text": "three"})
        log.append("a", {"text": "newer"})
    with AppendLog(path) as log:
        assert (log.get("a"), log.get("b"), log.get("c")) == ({"text": "newer"}, None, {"text": "three"})


@each("line", ["[]", "7", '{"text": "no key"}', "null", "[" * 100_000, "\x00"])
def test_a_line_of_another_shape_is_skipped(tmp_path: Path, line: str):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"key": "a", "n": 1}\n' + line + '\n{"key": "b", "n": 2}\n')
    with AppendLog(path) as log:
        assert (len(log), log.get("b")) == (2, {"n": 2})


def test_a_line_with_other_fields_than_asked_for_is_skipped(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"key": "a", "n": 1}\n{"key": "b"}\n{"key": "c", "n": 1, "m": 2}\n')
    with AppendLog(path, fields=["n"]) as log:
        assert (len(log), log.get("a")) == (1, {"n": 1})


def test_a_durable_log_is_one_process_s_alone(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    with AppendLog(path, durable=True), pytest.raises(InputError, match="another process is writing"):
        AppendLog(path, durable=True)
    with AppendLog(path, durable=True) as log:
        log.append("a", {})
        assert path.stat().st_mode & 0o077 == 0 or os.name != "posix"
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]
    with AppendLog(path) as first, AppendLog(path) as second:  # one that is not durable is shared
        first.append("b", {})
        second.append("c", {})
    with AppendLog(path) as log:
        assert len(log) == 3


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "rows.jsonl", tmp_path):
        for durable in (False, True):
            with pytest.raises(StorageError, match=f"cannot open {path}"):
                AppendLog(path, durable=durable)


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX's")
def test_a_full_disk_is_reported_and_the_row_is_not_known(tmp_path: Path):
    import resource

    path = tmp_path / "rows.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with AppendLog(path) as log:
        log.append("a", {"n": 1})
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
        try:
            for _ in range(2):  # half a line is written, then nothing
                with pytest.raises(StorageError, match="free some disk space"):
                    log.append("b", {"text": "longer than ten bytes"})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "b" not in log
        log.append("c", {"n": 3})
    with AppendLog(path) as log:
        assert {key: log.get(key) for key in "abc"} == {"a": {"n": 1}, "b": None, "c": {"n": 3}}


def test_threads_that_want_one_row_make_it_once_and_a_failure_is_made_again(tmp_path: Path):
    times: list[int] = []
    gate = threading.Event()

    def fails() -> dict[str, int]:
        times.append(1)
        gate.wait(5)
        raise ValueError("refused")

    with AppendLog(tmp_path / "rows.jsonl") as log, ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(log.once, "a", fails) for _ in range(4)]
        time.sleep(0.2)
        gate.set()
        assert {str(one.exception()) for one in waiting} == {"refused"}
        assert len(times) == 1
        assert log.once("a", lambda: {"n": 1}) == {"n": 1}
        assert log.once("a", fails) == {"n": 1}
        assert len(times) == 1


@given(st.dictionaries(st.text(), st.dictionaries(st.text().filter(lambda name: name != "key"), st.text())))
def test_whatever_was_appended_is_there_again(tmp_path_factory: pytest.TempPathFactory, rows: dict):
    path = tmp_path_factory.mktemp("log") / "rows.jsonl"
    for key, row in rows.items():
        with AppendLog(path) as log:
            log.append(key, row)
    with AppendLog(path) as log:
        assert {key: log.get(key) for key in rows} == rows
        assert len(log) == len(rows)


def test_logs_in_the_cache_are_known_by_their_content(folder: Path):
    first, second = (cache.log_file("digests", {"root": root}) for root in ("/a", "/b"))
    assert first != second
    assert first.parent == second.parent == folder / "digests"
    assert first == cache.log_file("digests", {"root": "/a"})


# What there is, and clearing it.


@pytest.fixture
def full(folder: Path, tmp_path: Path) -> Path:
    """A cache with 100 bytes that can be made again, 30 that cannot, and 5 that are unknown."""
    for name, size in (("embeddings/x.npy", 60), ("numba/deep/y.nbi", 40), ("weights/w.pt", 30), ("own", 5)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(size))
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "data").write_text("not the cache's")
    (folder / "embeddings" / "link").symlink_to(tmp_path / "outside")
    return folder


def test_the_inventory_counts_every_file(full: Path, tmp_path: Path):
    uses = {use.kind: use for use in cache.inventory()}
    assert [*uses] == [*cache.KINDS, "other"]
    (full / "embeddings" / "link").unlink()
    uses = {use.kind: (use.entries, use.bytes) for use in cache.inventory()}
    assert {kind: use for kind, use in uses.items() if use[0]} == {
        "embeddings": (1, 60),
        "numba": (1, 40),
        "weights": (1, 30),
        "other": (1, 5),
    }
    assert all(use.meaning for use in cache.inventory())


def test_clearing_removes_what_can_be_made_again_and_nothing_else(full: Path, tmp_path: Path):
    (full / "embeddings" / "link").unlink()
    assert cache.clear_cache() == 100
    assert [path.relative_to(full).as_posix() for path in files(full)] == ["own", "weights/w.pt"]
    assert cache.clear_cache("weights") == 30
    assert cache.clear_cache("weights") == 0
    assert [path.name for path in files(full)] == ["own"]


def test_clearing_does_not_follow_links(full: Path, tmp_path: Path):
    cache.clear_cache("embeddings")
    assert (tmp_path / "outside" / "data").is_file()
    assert not list((full / "embeddings").iterdir())


def test_an_empty_cache_is_of_no_size(folder: Path):
    assert (sum(use.bytes for use in cache.inventory()), cache.clear_cache()) == (0, 0)
    assert not folder.exists()


def test_the_command_lists_sizes_and_clears(full: Path, capsys: pytest.CaptureFixture[str]):
    (full / "embeddings" / "link").unlink()
    with pytest.raises(SystemExit) as ended:
        main(["cache"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "embeddings  1      60 bytes" in out
    assert "weights *" in out
    assert "records" not in out
    assert f"{full}: 135 bytes" in out
    with pytest.raises(SystemExit):
        main(["cache", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (report["bytes"], len(report["kinds"])) == (135, len(cache.KINDS) + 1)
    with pytest.raises(SystemExit):
        main(["cache", "clear"])
    assert "freed 100 bytes" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["cache", "clear", "blurf"])
    assert ended.value.code == 2
    assert "unknown kind of cache 'blurf'" in capsys.readouterr().err
