"""Run folders that somebody else made: each ends as a readable run or is named, and the others stay."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_runs import content

from lexclip_core.errors import DamagedFileError
from lexclip_core.experiments import run_folder

FILES = (
    "config.json",
    "metrics.json",
    "provenance.json",
    "history.csv",
    "pairs.csv",
    "layout.csv",
    "embeddings.npz",
)
VALUES = (
    None,
    True,
    -1,
    2.5,
    [],
    {},
    [[]],
    "",
    "NaN",
    "\u2028",
    "\x00",
    "x" * 10_000,
    10**400,
    -(10**400),
    1e308,
    float("nan"),
    float("inf"),
    {"value": 10**400},
    {"value": None},
    {"a": {"b": [1, {"c": float("nan")}]}},
)
CELLS = (
    "",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "9" * 400,
    "0x10",
    "a",
    '"',
    '"\n"',
    ",",
    "\x00",
    "é",
    "1e-400",
    "-0",
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folder.write_run(tmp_path_factory.mktemp("good"), replace(content(), run_id="good"))


@pytest.fixture
def bad(good: Path, tmp_path: Path) -> Path:
    for name in ("good", "bad"):
        shutil.copytree(good, tmp_path / name)
    return tmp_path / "bad"


def archive(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", packing) as stored:
        for name, data in members.items():
            stored.writestr(name, data)


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes((version, 0)) + length + header.encode() + data


def described(shape: object, dtype: str) -> str:
    return f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape!r}, }}\n"


def change_json(path: Path, rng: random.Random) -> None:
    value = json.loads(path.read_text())
    place, key = value, rng.choice([*value, "new"])
    while isinstance(place.get(key), dict) and place[key] and rng.random() < 0.7:
        place, key = place[key], rng.choice(list(place[key]))
    if rng.random() < 0.2:
        place.pop(key, None)
    else:
        place[rng.choice([key, key, "", "a/" * 50, "\ud800"])] = rng.choice(VALUES)
    path.write_text(json.dumps(value))


def change_table(path: Path, rng: random.Random) -> None:
    lines = path.read_text().splitlines()
    row = rng.randrange(len(lines))
    cells = lines[row].split(",")
    cells[rng.randrange(len(cells))] = rng.choice(CELLS)
    lines[row] = ",".join(cells)
    path.write_text("\n".join(rng.choices(lines, k=len(lines)) if rng.random() < 0.2 else lines))


def change_arrays(path: Path, rng: random.Random) -> None:
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored if stored[name].size > 1}
    name = rng.choice(list(arrays))
    one = arrays[name]
    arrays[name] = rng.choice(
        [
            one[:-1],
            one.T,
            one[None],
            one.ravel()[:1].reshape(()),
            one[:0],
            np.asfortranarray(one),
            np.full(one.shape, np.nan),
            np.zeros(one.shape),
            np.full(one.shape, 1e300),
            one.astype("S4"),
            np.array([True]),
            np.array(["a"] * len(one)),
            np.array([[1 + 2j]]),
            np.array([("a", 1)], dtype=[("x", "U1"), ("y", "i4")]),
        ]
    )
    if rng.random() < 0.2:
        arrays.pop(rng.choice(list(arrays)))
    np.savez(path, **arrays)


def change_bytes(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 3, 30])):
        start = rng.randrange(len(data))
        data[start : start + rng.choice([1, 1, 4])] = rng.randbytes(rng.choice([0, 1, 1, 4]))
    path.write_bytes(data[: rng.choice([len(data), len(data), rng.randrange(len(data))])])


def change_kind(path: Path, rng: random.Random) -> None:
    if rng.random() < 0.2:
        path = path.parent
        shutil.rmtree(path)
    else:
        path.unlink()
    rng.choice(
        [
            lambda: None,
            path.mkdir,
            lambda: path.symlink_to("nowhere"),
            lambda: path.symlink_to(path.name),
            lambda: path.symlink_to("/dev/zero"),
            lambda: path.symlink_to("/proc/self/mem"),
            lambda: os.mkfifo(path),
            lambda: path.write_bytes(b""),
            lambda: (path.touch(), os.truncate(path, 1 << 40)),
        ]
    )()


CHANGES = {
    change_json: FILES[:3],
    change_table: FILES[3:6],
    change_arrays: FILES[6:],
    change_bytes: FILES,
    change_kind: (*FILES, "tuned.safetensors"),
}


@pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices of POSIX")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("seed", range(2))
def test_any_folder_is_a_readable_run_or_is_named_and_the_other_run_stays(
    good: Path, tmp_path: Path, change: Callable[[Path, random.Random], None], seed: int
) -> None:
    shutil.copytree(good, tmp_path / "good")
    (tmp_path / "good" / "tuned.safetensors").touch()
    rng, ends = random.Random(seed), {"read": 0, "listed": 0, "named": 0}
    for _ in range(40):
        bad = tmp_path / "bad"
        shutil.copytree(tmp_path / "good", bad)
        for _ in range(rng.choice([1, 1, 2])):
            path = bad / rng.choice(CHANGES[change])
            if path.is_file() and path.stat().st_size < 1 << 20:
                change(path, rng)
        summaries, damaged = run_folder.list_runs(tmp_path)
        names = [one.run_id for one in summaries]
        assert "good" in names
        assert all(one.path == bad and one.reason and "\n" not in one.reason for one in damaged)
        assert len(names) + len(damaged) == 1 + (bad.is_dir() or bad.is_symlink())
        end = "listed" if "bad" in names else "named"
        try:
            run = run_folder.read_run(bad)
            assert end == "listed"
            assert np.allclose(np.linalg.norm(run.after, axis=1), 1, atol=1e-3)
            end = "read"
        except DamagedFileError:
            pass
        ends[end] += 1
        if bad.is_symlink() or not bad.is_dir():
            bad.unlink(missing_ok=True)
        else:
            shutil.rmtree(bad)
    assert ends["named"] + ends["listed"] > 5


def rows_of(count: int) -> bytes:
    return npy(described((count, 8), "<f2"), b"\x00" * 16)


def huge(bad: Path, name: str) -> None:
    (bad / name).unlink()
    (bad / name).touch()
    os.truncate(bad / name, 1 << 36)


WORDS = npy(described((1,), "<U1"), b"a\0\0\0")
BOMB = npy(described((1, 20_000_000), "<f2"), bytes(40_000_000))
HOSTILE: dict[str, Callable[[Path], object]] = {
    "deep JSON": lambda bad: (bad / "config.json").write_text("[" * 100_000),
    "deep objects": lambda bad: (bad / "provenance.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000),
    "many items": lambda bad: (bad / "config.json").write_text('{"a": [' + "1," * 900_000 + "1]}"),
    "5,000 digits": lambda bad: (bad / "metrics.json").write_text('{"a": {"value": ' + "9" * 5_000 + "}}"),
    "400 digits": lambda bad: (bad / "metrics.json").write_text(
        '{"a": {"value": 1, "low": ' + "9" * 400 + "}}"
    ),
    "1e999": lambda bad: (bad / "metrics.json").write_text('{"a": {"value": 1e999}}'),
    "a broken count": lambda bad: (bad / "metrics.json").write_text('{"a": {"value": 1, "n": 2.5}}'),
    "a list as method": lambda bad: (bad / "config.json").write_text('{"method": ["matrix"]}'),
    "half a letter": lambda bad: (bad / "config.json").write_text('{"preset": "\\ud800"}'),
    "a header of brackets": lambda bad: archive(
        bad / "embeddings.npz", {"words.npy": npy("((((" * 100), "before.npy": b"", "after.npy": b""}
    ),
    "10^9 rows": lambda bad: archive(
        bad / "embeddings.npz",
        {
            "words.npy": npy(described((10**9,), "<U1")),
            "before.npy": rows_of(10**9),
            "after.npy": rows_of(10**9),
        },
    ),
    "a zip bomb": lambda bad: archive(
        bad / "embeddings.npz", {"words.npy": WORDS, "before.npy": BOMB, "after.npy": BOMB}
    ),
    "a long header": lambda bad: archive(
        bad / "embeddings.npz",
        {"words.npy": npy(" " * 30_000_000, version=2), "before.npy": WORDS, "after.npy": WORDS},
    ),
    "many members": lambda bad: archive(
        bad / "embeddings.npz", {f"{number}": b"" for number in range(10_000)}, zipfile.ZIP_STORED
    ),
    "words of no length": lambda bad: archive(
        bad / "embeddings.npz",
        dict.fromkeys(("words.npy", "before.npy", "after.npy"), npy(described((), "<U1"), b"a\0\0\0")),
    ),
    "letters that are none": lambda bad: archive(
        bad / "embeddings.npz",
        {
            "words.npy": npy(described((1,), "<U1"), b"\xff\xff\xff\xff"),
            "before.npy": npy(described((1, 1), "<f2"), b"\x00\x3c"),
            "after.npy": npy(described((1, 1), "<f2"), b"\x00\x3c"),
        },
    ),
    "a huge table": lambda bad: huge(bad, "history.csv"),
    "a wide table": lambda bad: (bad / "pairs.csv").write_text("a," * 1_000_000),
    "huge embeddings": lambda bad: huge(bad, "embeddings.npz"),
    "huge settings": lambda bad: huge(bad, "config.json"),
    "an endless loss": lambda bad: (bad / "history.csv").write_text("step,epoch,seconds,total\n0,0,0,inf\n"),
    "a cosine of 7": lambda bad: (bad / "pairs.csv").write_text(
        ",".join(run_folder.PAIR_COLUMNS) + "\na,b,synonym,n,test,0.5,7\n"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_named_within_bounded_time_and_memory(bad: Path, name: str) -> None:
    HOSTILE[name](bad)
    tracemalloc.start()
    began = time.process_time()
    summaries, damaged = run_folder.list_runs(bad.parent)
    with pytest.raises(DamagedFileError) as error:
        run_folder.read_run(bad)
    seconds, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(bad) in error.value.problem
    assert "good" in [one.run_id for one in summaries]
    assert len(summaries) + len(damaged) == 2
    assert seconds < 20  # a hundredth of it here: what has no bound takes minutes
    assert peak < 100e6


def test_a_folder_of_an_unprintable_name_and_links_to_nothing_are_named(bad: Path) -> None:
    os.rename(bad, os.fsencode(bad.parent) + b"/\xff\xfe")
    (bad.parent / "dangling").symlink_to("nowhere")
    (bad.parent / "circle").symlink_to("circle")
    summaries, damaged = run_folder.list_runs(bad.parent)
    assert [one.run_id for one in summaries] == ["good"]
    assert len(damaged) == 3


def test_files_that_vanish_while_they_are_read_are_named(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FILES:
        real = os.open

        def vanish(path: str, flags: int, *more: int, name: str = name, real: Callable = real) -> int:
            if str(path).endswith(f"bad/{name}"):
                os.unlink(path)
            return real(path, flags, *more)

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", vanish)
            summaries, damaged = run_folder.list_runs(bad.parent)
            with pytest.raises(DamagedFileError, match=rf"{name}.* is missing|{name} cannot"):
                run_folder.read_run(bad)
        assert "good" in [one.run_id for one in summaries]
        assert len(summaries) + len(damaged) == 2
        shutil.copy(bad.parent / "good" / name, bad / name)
    assert run_folder.read_run(bad).words == run_folder.read_run(bad.parent / "good").words


PACKED: dict[str, tuple[Callable, dict[str, np.ndarray]]] = {
    "vocabulary.npz": (
        run_folder.read_packed, {"words": np.array(["hot", "cold"]), "codes": np.ones((2, 3), np.int8)}
    ),
    "atlas.npz": (
        run_folder.read_atlas,
        {"words": np.array(["0" * 64]), "places": np.ones((2, 4), "<u2"), "trust": np.ones(2, "<f4")},
    ),
}  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices of POSIX")
@pytest.mark.parametrize("name", PACKED)
def test_any_packed_file_is_read_or_named_within_bounded_memory(tmp_path: Path, name: str) -> None:
    read, arrays = PACKED[name]
    rng, named, bad = random.Random(7), 0, tmp_path / "bad"
    tracemalloc.start()
    for turn in range(90):
        bad.mkdir()
        np.savez_compressed(bad / name, **arrays)
        if turn % 3 == 0:
            largest = max(arrays, key=lambda key: arrays[key].ndim)
            members = {f"{key}.npy": npy(described((10**9, 4), arrays[largest].dtype.str)) for key in arrays}
            archive(bad / name, members)
        else:
            (change_arrays, change_bytes)[turn % 2](bad / name, rng)
        if rng.random() < 0.2:
            change_kind(bad / name, rng)
        try:
            read(bad, name)
        except DamagedFileError as error:
            named += str(bad) in error.problem
        if bad.is_dir() and not bad.is_symlink():
            shutil.rmtree(bad)
        else:
            bad.unlink(missing_ok=True)
    assert named > 40
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
