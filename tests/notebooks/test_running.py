"""Many notebooks: in order and at once, after failures, and what is unchanged not again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import papermill
import pytest
from handmade import RECORD, entry, toml_entry, write_notebook

from lexclip_core import storage
from lexclip_core.errors import InputError
from tools.notebook_runner.catalogue import NotebookEntry
from tools.notebook_runner.execution import Outcome
from tools.notebook_runner.running import (
    NotebooksFailed,
    Results,
    RunOptions,
    default_output,
    run_all,
    run_notebooks,
)

ONE = RunOptions(jobs=1)
FILES = ["00_good.ipynb", "01_failing.ipynb", "02_other.ipynb"]


LOOK = """
import os
from lexclip_core.notebooks import record
record({"all/epochs": epochs, "all/threads": int(os.environ["OMP_NUM_THREADS"])})
record({"all/weights": len(os.listdir(os.environ["LEXCLIP_WEIGHTS"] + "/A/b"))})
"""


def test_after_a_failure_the_others_run_and_it_names_notebook_cell_and_exception(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (tmp_path / "paths.toml").write_text('[weights]\n"A/b" = "clip.safetensors"\n', encoding="utf-8")
    (tmp_path / "clip.safetensors").write_bytes(b"weights")
    write_notebook(folder, "00_good.ipynb", LOOK)
    output, options = tmp_path / "out", RunOptions(jobs=10_000, paths=tmp_path / "paths.toml")
    with pytest.raises(NotebooksFailed) as caught:
        run_notebooks("smoke", only=["00", "01"], folder=folder, output=output, options=options)
    assert "1 of 2 notebooks failed" in str(caught.value)
    assert "01_failing.ipynb failed in cell [3]" in str(caught.value)
    assert "`{}['nowhere']  # no such key`: KeyError: 'nowhere'" in str(caught.value)
    assert str(output) in str(caught.value)
    executed = nbformat.read(output / "01_failing.ipynb", as_version=4)
    errors = [o.ename for cell in executed.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert errors == ["KeyError"]
    [(stem, outcome)] = caught.value.results.done.items()
    assert stem == "00_good"
    assert outcome.seconds > 0
    assert {name: one["value"] for name, one in outcome.metrics.items()} == {
        "all/epochs": 5,  # the profile's
        "all/threads": 1,  # its share of the cores
        "all/weights": 1,  # links to the weights that paths.toml names
    }
    index = (output / "index.html").read_text(encoding="utf-8")
    assert "failed: 01_failing.ipynb failed in cell [3]" in index
    assert (output / "00_good.html").exists()


def test_all_notebooks_run_in_order_each_with_its_own_parameters(
    folder: Path, tmp_path: Path, started: list[str]
):
    outcomes = run_notebooks("paper", folder=folder, output=tmp_path / "out", options=ONE)
    assert [outcome.file for outcome in outcomes] == FILES
    assert started == [f'{file} {{"epochs": 9}}' for file in FILES]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.ipynb")) == FILES


def test_what_is_executed_in_a_folder_of_ones_own_stays_there(
    folder: Path, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path.parent)
    [outcome] = run_notebooks("embedded", only=["00"], folder=Path(tmp_path.name))
    assert outcome.executed == folder / "executed" / "embedded" / "00_good.ipynb"
    assert default_output("smoke") == storage.project_root() / "build" / "notebooks" / "smoke"


def test_a_misspelt_parameter_is_refused_before_any_notebook_starts(folder: Path, started: list[str]):
    toml = (folder / "experiments.toml").read_text() + toml_entry("03_late.ipynb", "epoch = 1")
    (folder / "experiments.toml").write_text(toml)
    write_notebook(folder, "03_late.ipynb")
    expected = r"03_late.ipynb has no parameter 'epoch'\n.*did you mean 'epochs'\? it has: epochs, words"
    with pytest.raises(InputError, match=expected):
        run_notebooks("smoke", folder=folder)
    assert started == []


def test_unknown_profiles_and_notebooks_and_negative_jobs_are_refused(folder: Path):
    with pytest.raises(InputError, match=r"unknown profile 'full'\n.*smoke, embedded, paper"):
        run_notebooks("full", folder=folder)
    with pytest.raises(InputError, match=r"no notebook '07'\n.*00_good, 01_failing, 02_other"):
        run_notebooks("smoke", only=["07"], folder=folder)
    with pytest.raises(InputError, match=r"jobs is -1\n.*0 for one per core"):
        run_notebooks("smoke", folder=folder, options=RunOptions(jobs=-1))


def test_what_is_set_for_all_goes_to_the_notebooks_that_declare_it(
    folder: Path, tmp_path: Path, started: list[str]
):
    write_notebook(folder, "02_other.ipynb", RECORD, parameters="words: list[str] = []  # no epochs")
    toml = (folder / "experiments.toml").read_text(encoding="utf-8")
    (folder / "experiments.toml").write_text(toml.replace("epochs = 9", ""), encoding="utf-8")

    def run(**overrides: object) -> None:
        options = RunOptions(jobs=1, overrides=overrides)
        run_notebooks("smoke", folder=folder, output=tmp_path / "out", options=options)

    run(epochs=7)
    assert started == [
        '00_good.ipynb {"epochs": 7}',
        '01_failing.ipynb {"epochs": 7}',
        "02_other.ipynb {}",
    ]
    with pytest.raises(InputError, match=r"no notebook has a parameter 'epoch'\n.*did you mean 'epochs'"):
        run(epoch=7)
    with pytest.raises(InputError, match=r"00_good.ipynb: epochs is 'x' .str., not int"):
        run(epochs="x")
    assert len(started) == 3


# resume


@pytest.fixture
def again(folder: Path, tmp_path: Path, started: list[str]) -> Callable[..., list[str]]:
    """Return a function that runs the folder's notebooks one by one and names those that were executed."""

    def run(**options: object) -> list[str]:
        started.clear()
        outcomes = run_notebooks(
            "smoke", folder=folder, output=tmp_path / "out", options=RunOptions(jobs=1, **options)
        )
        assert [one.file for one in outcomes] == FILES
        assert [one.file for one in outcomes if not one.cached] == [text.split()[0] for text in started]
        return [text[:2] for text in started]

    return run


def test_what_is_unchanged_is_not_run_again_unless_asked_for(again: Callable[..., list[str]]):
    assert again() == ["00", "01", "02"]
    assert again() == []
    assert again(again=True) == ["00", "01", "02"]


def test_a_changed_notebook_runs_again_and_so_does_what_needs_it(
    again: Callable[..., list[str]], folder: Path
):
    toml = folder / "experiments.toml"
    last = toml_entry("02_other.ipynb")
    needing = toml_entry("02_other.ipynb", needs='"00_good"')
    toml.write_text(toml.read_text(encoding="utf-8").replace(last, needing), encoding="utf-8")
    assert again() == ["00", "01", "02"]
    write_notebook(folder, "01_failing.ipynb", "x = 2")
    assert again() == ["01"]
    write_notebook(folder, "00_good.ipynb", RECORD, "x = 2")
    assert again() == ["00", "02"]


def test_other_parameters_and_other_code_run_again(again: Callable[..., list[str]], folder: Path):
    again()
    assert again(overrides={"epochs": 5}) == ["01", "02"], "00 has 5 epochs in the profile"
    again()
    (folder / "exercise.py").write_text("answer = 42\n", encoding="utf-8")
    assert again() == ["00", "01", "02"]
    assert again() == []


@pytest.mark.parametrize("harm", ["cut", "unstamped", "gone"])
def test_what_is_damaged_unfinished_or_gone_is_run_again(
    again: Callable[..., list[str]], tmp_path: Path, harm: str
):
    again()
    executed = tmp_path / "out" / "01_failing.ipynb"
    if harm == "cut":
        executed.write_bytes(executed.read_bytes()[:100])
    elif harm == "gone":
        executed.unlink()
    else:
        notebook = nbformat.read(executed, as_version=4)
        del notebook.metadata["lexclip"]
        nbformat.write(notebook, executed)
    assert again() == ["01"]


def test_a_failed_notebook_is_run_again_and_nothing_else(
    folder: Path, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
):
    copying = papermill.execute_notebook

    def fail(source: Path, target: Path, **options: object) -> None:
        copying(source, target, **options)
        if source.name == "01_failing.ipynb":
            raise nbclient.exceptions.DeadKernelError("gone")

    def run() -> None:
        run_notebooks("smoke", folder=folder, output=tmp_path / "out")

    monkeypatch.setattr("papermill.execute_notebook", fail)
    for count in (3, 4):
        with pytest.raises(NotebooksFailed, match=r"01_failing.ipynb: the kernel died"):
            run()
        assert len(started) == count
    monkeypatch.setattr("papermill.execute_notebook", copying)
    run()
    assert len(started) == 5


def test_the_book_shows_earlier_runs_and_what_was_skipped(
    folder: Path, tmp_path: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
):
    copying = papermill.execute_notebook

    def fail(source: Path, target: Path, **options: object) -> None:
        if source.name == "00_good.ipynb":
            raise nbclient.exceptions.DeadKernelError("gone")
        copying(source, target, **options)

    toml = toml_entry("00_good.ipynb") + toml_entry("01_failing.ipynb")
    toml += toml_entry("02_other.ipynb", needs='"00_good"')
    (folder / "experiments.toml").write_text(toml, encoding="utf-8")
    monkeypatch.setattr("papermill.execute_notebook", fail)
    run_notebooks("smoke", only=["01"], folder=folder, output=tmp_path / "out")
    expected = (
        r"1 of 2 notebooks failed:\n.*00_good.ipynb: the kernel died.*\n.*02_other was skipped: it needs 00"
    )
    with pytest.raises(NotebooksFailed, match=expected):
        run_notebooks("smoke", only=["00", "02"], folder=folder, output=tmp_path / "out")
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "skipped: it needs 00_good" in index
    assert "of an earlier run" in index


# the order of notebooks, without any


def ran(name: str) -> Outcome:
    return Outcome(f"{name}.ipynb", Path(f"{name}.ipynb"), 0.0, {})


def run_entries(runs: dict[str, Callable[[], object]], *entries: NotebookEntry, workers: int = 1) -> Results:
    """Run entries, each by the function of its name."""

    def run(entry: NotebookEntry) -> Outcome:
        runs.get(entry.stem, lambda: None)()
        return ran(entry.stem)

    return run_all(entries, run, profile="smoke", workers=workers)


def failing() -> None:
    raise InputError("it cannot be done")


def test_one_worker_runs_in_the_order_given():
    order: list[str] = []
    entries = [entry(f"{name}.ipynb") for name in "cab"]
    results = run_entries({name: lambda name=name: order.append(name) for name in "cab"}, *entries)
    assert order == ["c", "a", "b"]
    assert results.done == {name: ran(name) for name in "cab"}
    assert not results.failed


def test_no_more_run_at_the_same_time_than_there_are_workers():
    together = threading.Barrier(2, timeout=60)  # passed only by two at once
    now, most, lock = 0, 0, threading.Lock()

    def meet() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()
        with lock:
            now -= 1

    entries = [entry(f"{name}.ipynb") for name in "abcd"]
    results = run_entries(dict.fromkeys("abcd", meet), *entries, workers=2)
    assert len(results.done) == 4
    assert most == 2


def test_a_notebook_waits_for_what_it_needs_while_others_overtake_it():
    order: list[str] = []
    third_ran = threading.Event()

    def first() -> None:
        assert third_ran.wait(60), "the third needs nothing and must not wait"
        order.append("a")

    def third() -> None:
        order.append("c")
        third_ran.set()

    runs = {"a": first, "b": lambda: order.append("b"), "c": third}
    entries = (entry("a.ipynb"), entry("b.ipynb", needs=("a",)), entry("c.ipynb"))
    assert len(run_entries(runs, *entries, workers=2).done) == 3
    assert order == ["c", "a", "b"]


def test_a_need_that_is_not_run_now_is_taken_as_done():
    assert list(run_entries({}, entry("a.ipynb", needs=("cached",))).done) == ["a"]


def test_a_failure_skips_what_needs_it_and_nothing_else(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="tools")
    results = run_entries(
        {"a": failing},
        entry("a.ipynb"),
        entry("b.ipynb", needs=("a",)),
        entry("c.ipynb", needs=("b",)),
        entry("d.ipynb"),
    )
    assert list(results.done) == ["d"]
    assert str(results.failed["a"]) == "it cannot be done"
    assert results.skipped == {"b": "a", "c": "b"}
    assert "a FAILED after 0 s; 0 done, 1 failed" in caplog.text
    assert [results.status(name)[:12] for name in "abde"] == [
        "failed: it c",
        "skipped: it ",
        "0 s",
        "of an earlie",
    ]


def test_the_log_says_what_runs_what_is_done_and_how_long_it_will_take(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO, logger="tools")
    first_ended = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            first_ended.set()

    listener = Listener()
    logging.getLogger("tools").addHandler(listener)
    pause = threading.Event()
    try:
        run_entries(
            {"a": lambda: pause.wait(0.6), "b": lambda: first_ended.wait(60), "c": lambda: None},
            entry("a.ipynb", minutes=0.001),
            entry("b.ipynb", minutes=0.008),
            entry("c.ipynb", minutes=5.995),
            workers=2,
        )
    finally:
        logging.getLogger("tools").removeHandler(listener)
    # 0.6 s went into 0.001 + half of 0.008 minutes estimated; the rest is 5.999: about 1,200 times as much
    [said] = [message for message in caplog.messages if message.startswith("a took")]
    assert said.startswith("a took 1 s; 1 done; running: b; about ")
    assert 11 <= float(said.split("about ")[1].split()[0]) <= 24


def test_a_fault_of_the_program_is_not_hidden():
    def faulty() -> None:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        run_entries({"a": faulty}, entry("a.ipynb"), entry("b.ipynb"))
