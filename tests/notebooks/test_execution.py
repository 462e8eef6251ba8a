"""One notebook: run, cached, and what it records; two of the tests start a kernel."""

from __future__ import annotations

import os
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest
from handmade import write_notebook
from jupyter_client.kernelspec import NoSuchKernel

from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.evaluation.intervals import wilson_interval
from lexclip_core.notebooks import METRICS_MIME, record
from tools.notebook_runner.execution import (
    NotebookError,
    cached_outcome,
    code_digest,
    collect_measurements,
    content_key,
    read_metrics,
    run_notebook,
)

LOOK_AROUND = """
import os, sys
from pathlib import Path
from lexclip_core.notebooks import record
record({
    "all/in_its_folder": int(Path("00_look.ipynb").exists()),
    "all/no_bars": int(os.environ["LEXCLIP_PROGRESS"] == "0"),
    "all/no_complaint": int(os.environ["PYTHONWARNINGS"] == "error,ignore:IProgress not found"),
    "all/given": int(os.environ["GIVEN"] == "value"),
})
"""


def test_a_kernel_runs_in_the_notebooks_folder_with_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.chdir("/")
    monkeypatch.setenv("LEXCLIP_PROGRESS", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    path = write_notebook(tmp_path, "00_look.ipynb", LOOK_AROUND)
    before = path.read_bytes()
    outcome = run_notebook(path, {}, output=tmp_path / "out", environment={"GIVEN": "value"})
    assert {name: entry["value"] for name, entry in outcome.metrics.items()} == {
        "all/in_its_folder": 1,
        "all/no_bars": 1,
        "all/no_complaint": 1,
        "all/given": 1,
    }
    assert outcome.executed == tmp_path / "out" / "00_look.ipynb"
    assert path.read_bytes() == before, "the notebook is left as it is"
    assert os.environ["LEXCLIP_PROGRESS"] == "1", "this process's own environment is left as it is"
    assert Path.cwd() == Path("/")
    assert "IPKernelApp" not in capfd.readouterr().err, "a kernel's own log is not a reader's concern"


def test_a_folder_that_cannot_be_made_is_named_before_anything_runs(folder: Path, started: list[str]):
    (folder / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        run_notebook(folder / "00_good.ipynb", {}, output=folder / "file" / "out")
    assert started == []


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        (nbclient.exceptions.DeadKernelError("gone"), NotebookError, "00_good.ipynb: the kernel died"),
        (RuntimeError("no answer in 600 s"), NotebookError, "the kernel did not start: no answer in 600 s"),
        (NoSuchKernel("python3"), MissingResourceError, "there is no Python kernel"),
    ],
)
def test_a_kernel_that_fails_is_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, error: type[Exception], message: str
):
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("papermill.execute_notebook", fail)
    with pytest.raises(error, match=message):
        run_notebook(folder / "00_good.ipynb", {}, output=folder / "out")


# what an executed notebook is made from


def test_an_executed_notebook_is_cached_under_its_key_alone(folder: Path, started: list[str]):
    outcome = run_notebook(folder / "00_good.ipynb", {}, output=folder / "out", key="this")
    cached = cached_outcome(outcome.executed, "this")
    assert cached is not None
    assert cached.cached
    assert (cached.file, cached.executed) == (outcome.file, outcome.executed)
    assert cached.seconds == outcome.seconds
    assert cached_outcome(outcome.executed, "that") is None
    assert cached_outcome(folder / "01_failing.ipynb", "this") is None, "it was never run"
    assert cached_outcome(folder / "out" / "none.ipynb", "this") is None
    outcome.executed.write_bytes(outcome.executed.read_bytes()[:100])
    assert cached_outcome(outcome.executed, "this") is None


def test_a_key_depends_on_all_that_a_notebook_is_made_from(folder: Path):
    path = folder / "00_good.ipynb"
    key = content_key(path, {"epochs": 3}, code="c", needs=["n"])
    assert key == content_key(path, {"epochs": 3}, code="c", needs=["n"])
    others = {
        content_key(path, {"epochs": 4}, code="c", needs=["n"]),
        content_key(path, {"epochs": 3}, code="d", needs=["n"]),
        content_key(path, {"epochs": 3}, code="c", needs=["m"]),
        content_key(path, {"epochs": 3}, code="c"),
        content_key(folder / "01_failing.ipynb", {"epochs": 3}, code="c", needs=["n"]),
    }
    assert key not in others
    assert len(others) == 5


def test_the_code_is_the_library_and_the_modules_next_to_the_notebooks(tmp_path: Path):
    files = (
        "package/words.py",
        "package/cli/main.py",
        "package/doctor.py",
        "notebooks/mine.py",
        "notebooks/a.txt",
    )

    def digest(changed: str = "") -> str:
        root = tmp_path / (changed or "unchanged").replace("/", "-")
        for file in files:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text("x = 2" if file == changed else "x = 1", encoding="utf-8")
        return code_digest(root / "notebooks", root / "package")

    assert digest("package/words.py") != digest()
    assert digest("notebooks/mine.py") != digest()
    assert digest("package/cli/main.py") == digest(), "no notebook runs the command line"
    assert digest("package/doctor.py") == digest()
    assert digest("notebooks/a.txt") == digest()


# records


def recorded(metrics: object, monkeypatch: pytest.MonkeyPatch) -> dict:
    shown: list[dict] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    record(metrics)
    [bundle] = shown
    return bundle


def test_numbers_dicts_and_estimates_can_be_recorded(monkeypatch: pytest.MonkeyPatch):
    estimate = wilson_interval(1, 4)
    metrics = {"all/a": np.float32(0.5), "heldout/b": {"value": 2, "n": 3}, "heldout/c": estimate}
    bundle = recorded(metrics, monkeypatch)
    assert bundle[METRICS_MIME] == {
        "all/a": {"value": 0.5},
        "heldout/b": {"value": 2, "n": 3},
        "heldout/c": estimate.as_dict(),
    }
    assert bundle["text/plain"].splitlines()[0] == "all/a: 0.5"


@pytest.mark.parametrize(
    ("metrics", "complaint"),
    [
        ({"auc": 0.5}, r"'auc' does not say its split\n.*heldout/auc"),
        ({"all/auc": "high"}, "'all/auc' has no number under 'value'"),
        ({"all/auc": float("nan")}, "'all/auc' has no number under 'value'"),
    ],
)
def test_what_is_not_a_metric_is_refused(metrics: dict, complaint: str):
    with pytest.raises(InputError, match=complaint):
        record(metrics)


def test_a_later_record_of_one_name_wins(tmp_path: Path):
    cells = []
    for value in (1, 2):
        data = {METRICS_MIME: {"all/a": {"value": value}, f"all/{value}": {"value": 0}}}
        cell = nbformat.v4.new_code_cell(
            "record(...)", outputs=[nbformat.v4.new_output("display_data", data)]
        )
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    assert read_metrics(tmp_path / "a.ipynb") == {
        "all/a": {"value": 2},
        "all/1": {"value": 0},
        "all/2": {"value": 0},
    }


def test_what_notebooks_recorded_for_the_ledger_is_collected_by_notebook(folder: Path):
    (folder / ".01_growing.ipynb").write_text("unfinished", encoding="utf-8")
    found = collect_measurements(folder, profile="smoke")
    assert found == {"00_good": (), "01_failing": (), "02_other": ()}, "they recorded nothing"


def test_a_folder_without_executed_notebooks_says_how_to_make_them(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=r"no executed notebook\n.*run --profile paper"):
        collect_measurements(tmp_path, profile="paper")
