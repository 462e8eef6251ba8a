"""A run folder survives the round trip, and a damaged one is named with the reason."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError, StorageError
from lexclip_core.experiments import run_folder

WORDS = ("happy", "sad", "null", "nan", "1e3")  # the last three are what a careless CSV reader swallows


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def content(**changes: object) -> run_folder.RunContent:
    rng = np.random.default_rng(0)
    layout = pd.DataFrame(
        {
            "subtree": "emotion.n.01",
            "word": WORDS,
            "synset": "x.n.01",
            "parent": ["", "happy", "happy", "null", "null"],
            "gloss": "a, gloss with a comma",
            "x_before": 0.5,
            "y_before": 1.0,
            "x_after": -2.0,
            "y_after": 3.0,
            "trustworthiness_before": 0.9,
            "trustworthiness_after": np.nan,
        }
    )
    base = run_folder.RunContent(
        run_id="lexclip-0123abcd",
        config={"preset": "lexclip", "steps": np.int64(3)},
        metrics={"test/auc": {"value": 3 / 4, "low": 0.5, "high": 1.0, "n": 8, "before": 1 / 4}},
        history=pd.DataFrame(
            {"step": [0, 1], "epoch": 0, "seconds": [0.1, 0.2], "distance": 1.0, "total": 1.5}
        ),
        words=WORDS,
        before=unit(rng.normal(size=(5, 8))),
        after=unit(rng.normal(size=(5, 8))),
        pairs=pd.DataFrame(
            [["happy", "null", "synonym", "a", "test", 0.1, 1 / 3]], columns=list(run_folder.PAIR_COLUMNS)
        ),
        layout=layout,
        provenance={"command": "lexclip tune --preset lexclip --out data/runs", "wall_seconds": 1.0},
    )
    return replace(base, **changes)


@pytest.fixture
def run_path(tmp_path: Path) -> Path:
    tuned = tmp_path / "weights.safetensors"
    tuned.write_bytes(b"tensors")
    return run_folder.write_run(tmp_path / "runs", content(), tuned=tuned)


def test_a_run_reads_back_as_it_was_written(run_path: Path) -> None:
    written, run = content(), run_folder.read_run(run_path)
    assert run.run_id == "lexclip-0123abcd"
    assert run.words == WORDS
    assert run.config == {"preset": "lexclip", "steps": 3}
    assert run.metrics == written.metrics
    tensors = {"sha256": hashlib.sha256(b"tensors").hexdigest(), "bytes": 7}
    assert run.provenance == {**written.provenance, "tensors": tensors}
    assert run.tuned_path.read_bytes() == b"tensors"
    assert run.before.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(run.after, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(run.after, written.after, atol=1e-3)
    pd.testing.assert_frame_equal(run.layout, written.layout, check_dtype=False)
    pd.testing.assert_frame_equal(run.pairs, written.pairs, check_dtype=False, atol=1e-5)
    pd.testing.assert_frame_equal(run.history, written.history, check_dtype=False)


def test_large_tensors_are_kept_in_the_cache_and_what_is_missing_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    tuned = tmp_path / "weights.safetensors"
    tuned.write_bytes(b"tensors")
    path = run_folder.write_run(tmp_path / "runs", content(), tuned=tuned, largest=6)
    assert not (path / "tuned.safetensors").exists()
    kept = run_folder.tensors_of(run_folder.summarise(path))
    assert (kept.parent, kept.read_bytes()) == (tmp_path / "cache" / "tuned", b"tensors")
    assert run_folder.read_run(path).tuned_path == kept
    kept.unlink()
    with pytest.raises(MissingResourceError, match=r"tuned tensors of run .* \(0 MB\)") as caught:
        run_folder.tensors_of(run_folder.summarise(path))
    assert caught.value.remedy == "make the run again: lexclip tune --preset lexclip --out data/runs"


@pytest.mark.parametrize(
    "stated", [7, "x", {"sha256": "../../etc/passwd"}, {"sha256": None, "bytes": "many"}]
)
def test_a_record_of_tensors_that_says_nothing_points_nowhere(tmp_path: Path, stated: object) -> None:
    path = run_folder.write_run(tmp_path, content(provenance={"tensors": stated}))
    with pytest.raises(MissingResourceError, match="are not on this machine"):
        run_folder.tensors_of(run_folder.summarise(path))


@pytest.mark.parametrize(
    ("command", "ends"),
    [("lexclip tune", " --out {}"), ("lexclip tune --out there", "there"), (None, " --out {}")],
)
def test_a_run_is_made_again_in_its_place(tmp_path: Path, command: str | None, ends: str) -> None:
    origin = {"command": command} if command else {}
    summary = run_folder.summarise(run_folder.write_run(tmp_path, content(provenance=origin)))
    assert run_folder.rebuild_command(summary).startswith("lexclip tune")
    assert run_folder.rebuild_command(summary).endswith(ends.format(tmp_path))


def test_a_run_is_named_or_its_folder_is(tmp_path: Path, run_path: Path) -> None:
    assert run_folder.find_run(run_path.name, run_path.parent) == run_path
    assert run_folder.find_run(run_path) == run_path
    with pytest.raises(InputError, match=r"no run 'nope' in (.|\n)*lexclip-0123abcd"):
        run_folder.find_run("nope", run_path.parent)
    with pytest.raises(InputError, match="is not a run"):
        run_folder.find_run(tmp_path)


def test_the_run_of_a_preset_has_its_tensors_and_the_lowest_seed(tmp_path: Path, run_path: Path) -> None:
    runs, tuned = run_path.parent, tmp_path / "weights.safetensors"
    for name, seed, tower in (("b", 2, "x"), ("c", 1, "x"), ("d", 0, "y")):
        config = {"preset": "other", "seed": seed, "tower": tower}
        run_folder.write_run(runs, content(run_id=name, config=config), tuned=tuned if name != "d" else None)
    asked = [("other", ""), ("other", "y"), ("lexclip", ""), ("lexclip", "x"), ("nope", "")]
    found = [run_folder.run_of_preset(preset, tower, runs) for preset, tower in asked]
    assert [one and one.run_id for one in found] == ["c", "d", "lexclip-0123abcd", None, None]


def test_optional_parts_may_be_absent(tmp_path: Path) -> None:
    run = run_folder.read_run(run_folder.write_run(tmp_path, content(layout=None)))
    assert run.layout is None
    assert run.tuned_path is None


@settings(max_examples=25, deadline=None)
@given(
    words=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, unique=True
    )
)
def test_any_words_survive(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    rows = unit(np.ones((len(words), 4)))
    given_run = content(words=tuple(words), before=rows, after=rows)
    assert run_folder.read_run(
        run_folder.write_run(tmp_path_factory.mktemp("run"), given_run)
    ).words == tuple(words)


def test_the_list_holds_summaries_and_never_loads_a_matrix(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a matrix was loaded")

    monkeypatch.setattr(np, "load", refuse)
    (summary,), damaged = run_folder.list_runs(run_path.parent)
    assert (summary.run_id, summary.preset, summary.n_words) == ("lexclip-0123abcd", "lexclip", 5)
    assert summary.has_layout
    assert summary.has_tuned
    assert summary.metrics["test/auc"]["before"] == 1 / 4
    assert damaged == ()


def test_the_stamp_moves_when_a_run_is_written_again(run_path: Path) -> None:
    first = run_folder.summarise(run_path).stamp
    run_folder.write_run(run_path.parent, content(metrics={}))
    assert run_folder.summarise(run_path).stamp > first
    assert run_folder.read_run(run_path).tuned_path is None  # nothing of the replaced run is left behind


def test_missing_folder_hidden_folders_and_files_are_no_runs(run_path: Path) -> None:
    folder = run_path.parent
    (folder / ".lexclip-half-written").mkdir()
    (folder / "README.md").write_text("runs")
    assert [summary.run_id for summary in run_folder.list_runs(folder)[0]] == ["lexclip-0123abcd"]
    assert run_folder.list_runs(folder / "nowhere") == ((), ())


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pickle_words(path: Path) -> None:
    rows = np.ones((1, 2), np.float16)
    np.savez(path, words=np.array([{"a": 1}], dtype=object), before=rows, after=rows)


LISTED_DAMAGE = [
    ("config.json", Path.unlink, "config.json is missing"),
    ("embeddings.npz", Path.unlink, "embeddings.npz is missing"),
    ("embeddings.npz", truncate, "embeddings.npz cannot be read"),
    ("embeddings.npz", lambda path: path.write_bytes(b""), "embeddings.npz cannot be read"),
    ("metrics.json", truncate, "metrics.json is not JSON"),
    ("metrics.json", lambda path: path.write_text('{"a": {"value": NaN}}'), "a number that is not finite"),
    ("metrics.json", lambda path: path.write_text('{"a": 3}'), "'a' has no number under 'value'"),
    ("provenance.json", lambda path: path.write_text("[]"), "expected an object, found list"),
]
READ_DAMAGE = [
    *LISTED_DAMAGE,
    ("embeddings.npz", pickle_words, "announces object"),
    (
        "history.csv",
        lambda path: path.write_text("step,epoch\n0,1\n"),
        "history: column 'seconds' is missing",
    ),
    ("pairs.csv", lambda path: path.write_text(""), "pairs.csv cannot be read"),
    (
        "pairs.csv",
        lambda path: path.write_text(",".join(run_folder.PAIR_COLUMNS) + "\na,b,synonym,n,test,high,0.2\n"),
        "column 'cosine_before' holds something that is not a number",
    ),
]


@pytest.mark.parametrize(("name", "damage", "reason"), READ_DAMAGE)
def test_a_damaged_file_is_named_on_read(run_path: Path, name: str, damage: object, reason: str) -> None:
    damage(run_path / name)
    with pytest.raises(DamagedFileError) as error:
        run_folder.read_run(run_path)
    assert reason in str(error.value)
    assert str(run_path) in str(error.value)
    assert "Remedy: delete the folder" in str(error.value)


@pytest.mark.parametrize(("name", "damage", "reason"), LISTED_DAMAGE)
def test_a_damaged_run_is_listed_apart_and_the_others_stay(
    run_path: Path, name: str, damage: object, reason: str
) -> None:
    bad = run_path.parent / "blog-release-00000000"
    shutil.copytree(run_path, bad)
    damage(bad / name)
    good, damaged = run_folder.list_runs(run_path.parent)
    assert [summary.run_id for summary in good] == ["lexclip-0123abcd"]
    assert [entry.path for entry in damaged] == [bad]
    assert reason in damaged[0].reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"run_id": "../evil"}, "'../evil' cannot name a folder"),
        ({"run_id": ""}, "'' cannot name a folder"),
        ({"words": ()}, "at least one word"),
        ({"words": ("a", "b", "a", "c", "d")}, "'a' stands twice"),
        ({"before": unit(np.ones((4, 8)))}, r"before has shape (4, 8)"),
        ({"after": unit(np.ones((5, 3)))}, r"after has shape (5, 3)"),
        ({"after": 2 * unit(np.ones((5, 8)))}, "not of length 1"),
        ({"history": pd.DataFrame({"step": [1]})}, "history: column 'epoch' is missing"),
        ({"layout": pd.DataFrame({"word": ["a"]})}, "layout: column 'subtree' is missing"),
        ({"metrics": {"test/auc": {"value": True}}}, "'test/auc' has no number under 'value'"),
        ({"metrics": {"test/auc": {"value": 1.0, "low": "0"}}}, "has '0' under 'low'"),
        ({"metrics": {"test/auc": {"value": float("nan")}}}, "'test/auc' has no number under 'value'"),
        ({"config": {"tower": object()}}, "config.json: object"),
    ],
)
def test_what_contradicts_itself_is_not_written(tmp_path: Path, changes: dict, reason: str) -> None:
    with pytest.raises(InputError) as error:
        run_folder.write_run(tmp_path, content(**changes))
    assert reason in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_run(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(StorageError, match="free some disk space"):
        run_folder.write_run(run_path.parent, content(metrics={}))
    assert "test/auc" in run_folder.read_run(run_path).metrics
    assert [path.name for path in run_path.parent.iterdir()] == ["lexclip-0123abcd"]


def test_json_files_are_plain_text_for_other_tools(run_path: Path) -> None:
    assert json.loads((run_path / "config.json").read_text())["preset"] == "lexclip"


EVENTS = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "ctypes.dlsym",
    "shutil.rmtree",
}


def killed_at(step: int, folder: Path, work: Callable[[], object]) -> bool:
    """Do some work in a process that dies before its n-th call about a folder; return whether it lived."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    calls = 0

    def count(about: str) -> None:
        nonlocal calls
        if str(folder) in about or about == "renameat2":
            calls += 1
            if calls > step:
                os._exit(9)

    real = os.fsync
    os.fsync = lambda handle: (count(str(folder)), real(handle))  # which no audit event tells
    sys.addaudithook(
        lambda event, args: count(str(args[-1 if "dlsym" in event else 0])) if event in EVENTS else None
    )
    try:
        work()
    finally:
        os._exit(0)


def no_exchange(*_: object, **__: object) -> NoReturn:
    raise OSError(38, "Function not implemented")


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and exchanges folders as Linux does")
@pytest.mark.parametrize("way", ["exchange", "two renames"])
@pytest.mark.parametrize("there", ["nothing", "an older run"])
def test_a_kill_before_any_call_leaves_a_whole_run_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str, way: str
) -> None:
    if way == "two renames":
        monkeypatch.setattr(ctypes, "CDLL", no_exchange)
    old, new = ({"test/auc": {"value": value}} for value in (0.25, 0.75))
    older = run_folder.write_run(tmp_path / "older", content(metrics=old, layout=None))
    written = content(metrics=new, layout=None)
    step, lived = 0, False
    while not lived:
        folder = tmp_path / str(step)
        folder.mkdir()
        if there == "an older run":
            shutil.copytree(older, folder / older.name)
        lived = killed_at(step, folder, lambda folder=folder: run_folder.write_run(folder, written))
        summaries, damaged = run_folder.list_runs(folder)
        assert damaged == ()
        assert [one.name for one in folder.iterdir()] == [one.run_id for one in summaries]
        measured = [run_folder.read_run(one.path).metrics for one in summaries]
        possible = [[new]] if lived else [[old], [new]] if there == "an older run" else [[], [new]]
        assert measured in possible, f"killed before call {step}"
        step += 1
    assert step > 20
