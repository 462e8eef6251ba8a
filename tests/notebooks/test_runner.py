"""The notebook runner, on notebooks made here; only two of the tests start a kernel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import papermill
import pytest

from lexclip_core import notebook_runner, storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.notebook_runner import kept, records

PARAMETERS = 'epochs: int = 3  # passes over the pairs\nwords: list[str] = ["hot"]  # what is encoded'
RECORD = "from lexclip_core.notebook_runner import record\nrecord({'all/epochs': epochs * len(words)})"


def write_notebook(folder: Path, name: str, *sources: str, parameters: str | None = PARAMETERS) -> Path:
    """Write a notebook of code cells, the first of which declares the parameters unless None."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if parameters is not None:
        cell = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        cells.insert(0, cell)
    path = folder / name
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def entry(file: str, smoke: str = "") -> str:
    return f"""
[[notebook]]
file = "{file}"
title = "A title"
question = "Which | is it?"
claims = ["B4", "B5"]
minutes = {{ smoke = 0.5, embedded = 2, paper = 30 }}
[notebook.parameters.smoke]
{smoke}
[notebook.parameters.embedded]
[notebook.parameters.paper]
epochs = 9
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three notebooks of which the second fails."""
    write_notebook(tmp_path, "00_good.ipynb", RECORD)
    write_notebook(tmp_path, "01_failing.ipynb", "x = 1", "\n{}['nowhere']  # no such key", "y = 2")
    write_notebook(tmp_path, "02_other.ipynb", RECORD)
    entries = entry("00_good.ipynb", "epochs = 5") + entry("01_failing.ipynb") + entry("02_other.ipynb")
    (tmp_path / "experiments.toml").write_text(entries, encoding="utf-8")
    return tmp_path


# running


def test_a_notebook_runs_with_its_profile_and_its_metrics_are_read_back(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    committed = (folder / "00_good.ipynb").read_bytes()
    [outcome] = notebook_runner.run_notebooks("smoke", only=["00"], folder=folder, output=tmp_path / "out")
    assert outcome.file == "00_good.ipynb"
    assert outcome.metrics == {"all/epochs": {"value": 5}}
    assert outcome.copy == tmp_path / "out" / "00_good.ipynb"
    assert outcome.seconds > 0
    assert (folder / "00_good.ipynb").read_bytes() == committed, "the committed notebook is left as it is"
    assert "IPKernelApp" not in capfd.readouterr().err, "a kernel's own log is not a reader's concern"


def test_after_a_failure_the_others_run_and_the_failure_names_notebook_cell_and_exception(
    folder: Path, tmp_path: Path
):
    output = tmp_path / "out"
    settings = notebook_runner.Settings(jobs=2)
    with pytest.raises(notebook_runner.NotebooksFailed) as caught:
        notebook_runner.run_notebooks(
            "smoke", only=["01_failing", "02"], folder=folder, output=output, settings=settings
        )
    assert "1 of 2 notebooks failed" in str(caught.value)
    assert "01_failing.ipynb failed in cell [3]" in str(caught.value)
    assert "`{}['nowhere']  # no such key`: KeyError: 'nowhere'" in str(caught.value)
    assert str(output) in str(caught.value)
    copy = nbformat.read(output / "01_failing.ipynb", as_version=4)
    errors = [o.ename for cell in copy.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert errors == ["KeyError"]
    [outcome] = caught.value.outcomes
    assert outcome.metrics == {"all/epochs": {"value": 3}}
    index = (output / "index.html").read_text(encoding="utf-8")
    assert "failed: 01_failing.ipynb failed in cell [3]" in index
    assert (output / "02_other.html").exists()


def no_kernel(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let papermill copy instead of running, and return the list of what it was asked to run."""
    started: list[str] = []

    def copy(source: Path, target: Path, **options: object) -> None:
        started.append(f"{target.name} {json.dumps(options['parameters'])}")
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr("papermill.execute_notebook", copy)
    return started


def test_all_notebooks_run_in_order_each_with_its_own_parameters(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started = no_kernel(monkeypatch)
    settings = notebook_runner.Settings(jobs=1)
    output = tmp_path / "out"
    outcomes = notebook_runner.run_notebooks("paper", folder=folder, output=output, settings=settings)
    assert [outcome.file for outcome in outcomes] == ["00_good.ipynb", "01_failing.ipynb", "02_other.ipynb"]
    assert [text.split()[0] for text in started] == [f".{outcome.file}" for outcome in outcomes]
    assert started[0] == '.00_good.ipynb {"epochs": 9}'
    assert sorted(path.name for path in output.glob("*.ipynb")) == [outcome.file for outcome in outcomes]


def test_copies_go_to_a_folder_of_the_profile(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    no_kernel(monkeypatch)
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path / "project")
    [outcome] = notebook_runner.run_notebooks("embedded", only=["00"], folder=folder)
    assert outcome.copy == tmp_path / "project" / "build" / "notebooks" / "embedded" / "00_good.ipynb"


def test_a_misspelt_parameter_is_refused_before_any_notebook_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    started = no_kernel(monkeypatch)
    toml = (folder / "experiments.toml").read_text() + entry("03_late.ipynb", "epoch = 1")
    (folder / "experiments.toml").write_text(toml)
    write_notebook(folder, "03_late.ipynb")
    expected = r"03_late.ipynb has no parameter 'epoch'\n.*did you mean 'epochs'\? it has: epochs, words"
    with pytest.raises(InputError, match=expected):
        notebook_runner.run_notebooks("smoke", folder=folder)
    assert started == []


def test_an_unknown_profile_and_an_unknown_notebook_are_refused(folder: Path):
    with pytest.raises(InputError, match=r"no profile 'full'\n.*smoke, embedded, paper"):
        notebook_runner.run_notebooks("full", folder=folder)
    with pytest.raises(InputError, match=r"no notebook '07'\n.*00_good, 01_failing, 02_other"):
        notebook_runner.run_notebooks("smoke", only=["07"], folder=folder)


def test_a_folder_that_cannot_be_made_is_named_before_anything_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    started = no_kernel(monkeypatch)
    (folder / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        notebook_runner.run_notebook(folder / "00_good.ipynb", {}, output=folder / "file" / "out")
    assert started == []


def test_the_environment_is_left_as_it_was(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    no_kernel(monkeypatch)
    monkeypatch.setenv("LEXCLIP_PROGRESS", "1")
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    notebook_runner.run_notebook(folder / "00_good.ipynb", {}, output=tmp_path / "out")
    import os

    assert os.environ["LEXCLIP_PROGRESS"] == "1"
    assert "PYTHONWARNINGS" not in os.environ


def test_what_is_set_for_all_goes_to_the_notebooks_that_declare_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started = no_kernel(monkeypatch)
    write_notebook(folder, "02_other.ipynb", RECORD, parameters="words: list[str] = []  # no epochs")
    toml = (folder / "experiments.toml").read_text(encoding="utf-8")
    (folder / "experiments.toml").write_text(toml.replace("epochs = 9", ""), encoding="utf-8")

    def run(**overrides: object) -> None:
        settings = notebook_runner.Settings(jobs=1, overrides=overrides)
        notebook_runner.run_notebooks("smoke", folder=folder, output=tmp_path / "out", settings=settings)

    run(epochs=7)
    assert started == [
        '.00_good.ipynb {"epochs": 7}',
        '.01_failing.ipynb {"epochs": 7}',
        ".02_other.ipynb {}",
    ]
    with pytest.raises(InputError, match=r"no notebook has a parameter 'epoch'\n.*did you mean 'epochs'"):
        run(epoch=7)
    with pytest.raises(InputError, match=r"00_good.ipynb: epochs is 'x' .str., not int"):
        run(epochs="x")
    assert len(started) == 3


@pytest.fixture
def again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs the folder's notebooks one by one and names those that were executed."""
    started = no_kernel(monkeypatch)

    def run(**settings: object) -> list[str]:
        started.clear()
        made = notebook_runner.Settings(jobs=1, **settings)
        outcomes = notebook_runner.run_notebooks(
            "smoke", folder=folder, output=tmp_path / "out", settings=made
        )
        assert [one.file for one in outcomes] == ["00_good.ipynb", "01_failing.ipynb", "02_other.ipynb"]
        assert [one.file for one in outcomes if not one.kept] == [text.split()[0][1:] for text in started]
        return [text[1:3] for text in started]

    return run


def test_what_is_unchanged_is_not_run_again_unless_asked_for(again: Callable[..., list[str]]):
    assert again() == ["00", "01", "02"]
    assert again() == []
    assert again(again=True) == ["00", "01", "02"]


def test_a_changed_notebook_runs_again_and_so_does_what_needs_it(
    again: Callable[..., list[str]], folder: Path
):
    toml = folder / "experiments.toml"
    last = entry("02_other.ipynb")
    needing = last.replace("title =", 'needs = ["00_good"]\ntitle =')
    toml.write_text(toml.read_text(encoding="utf-8").replace(last, needing), encoding="utf-8")
    assert again() == ["00", "01", "02"]
    write_notebook(folder, "01_failing.ipynb", "x = 2")
    assert again() == ["01"]
    write_notebook(folder, "00_good.ipynb", RECORD, "x = 2")
    assert again() == ["00", "02"]


def test_other_parameters_and_other_code_run_again(
    again: Callable[..., list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch
):
    again()
    assert again(overrides={"epochs": 5}) == ["01", "02"], "00 has 5 epochs in the profile"
    again()
    (folder / "exercise.py").write_text("answer = 42\n", encoding="utf-8")
    kept.code_digest.cache_clear()
    assert again() == ["00", "01", "02"]
    assert again() == []
    monkeypatch.setattr(kept, "code_digest", lambda folder: "another library")
    assert again() == ["00", "01", "02"]


@pytest.mark.parametrize("harm", ["cut", "unstamped", "gone"])
def test_a_copy_that_is_damaged_unfinished_or_gone_is_made_again(
    again: Callable[..., list[str]], tmp_path: Path, harm: str
):
    again()
    copy = tmp_path / "out" / "01_failing.ipynb"
    if harm == "cut":
        copy.write_bytes(copy.read_bytes()[:100])
    elif harm == "gone":
        copy.unlink()
    else:
        notebook = nbformat.read(copy, as_version=4)
        del notebook.metadata["lexclip"]
        nbformat.write(notebook, copy)
    assert again() == ["01"]


def test_a_failed_notebook_is_run_again_and_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started = no_kernel(monkeypatch)
    copying = papermill.execute_notebook

    def fail(source: Path, target: Path, **options: object) -> None:
        copying(source, target, **options)
        if source.name == "01_failing.ipynb":
            raise nbclient.exceptions.DeadKernelError("gone")

    def run() -> None:
        notebook_runner.run_notebooks("smoke", folder=folder, output=tmp_path / "out")

    monkeypatch.setattr("papermill.execute_notebook", fail)
    for count in (3, 4):
        with pytest.raises(notebook_runner.NotebooksFailed, match=r"01_failing.ipynb: the kernel died"):
            run()
        assert len(started) == count
    monkeypatch.setattr("papermill.execute_notebook", copying)
    run()
    assert len(started) == 5


def test_a_kernel_that_does_not_start_is_a_failure_like_another(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    no_kernel(monkeypatch)
    copying = papermill.execute_notebook

    def fail(source: Path, target: Path, **options: object) -> None:
        if source.name == "01_failing.ipynb":
            raise RuntimeError("Kernel didn't respond in 600 seconds")
        copying(source, target, **options)

    monkeypatch.setattr("papermill.execute_notebook", fail)
    expected = r"1 of 3 .*\n.*01_failing.ipynb: the kernel did not start: Kernel didn't respond"
    with pytest.raises(notebook_runner.NotebooksFailed, match=expected) as caught:
        notebook_runner.run_notebooks("smoke", folder=folder, output=tmp_path / "out")
    assert len(caught.value.outcomes) == 2
    assert (tmp_path / "out" / "index.html").exists()


def test_what_needs_a_failed_notebook_is_left_out_and_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(source: Path, target: Path, **options: object) -> None:
        raise nbclient.exceptions.DeadKernelError("gone")

    toml = entry("00_good.ipynb") + entry("02_other.ipynb").replace("title =", 'needs = ["00_good"]\ntitle =')
    (folder / "experiments.toml").write_text(toml, encoding="utf-8")
    monkeypatch.setattr("papermill.execute_notebook", fail)
    expected = r"1 of 2 notebooks failed:\n.*00_good.ipynb: the kernel died.*\n.*02_other .* needs 00_good"
    with pytest.raises(notebook_runner.NotebooksFailed, match=expected):
        notebook_runner.run_notebooks("smoke", folder=folder, output=tmp_path / "out")
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "not run: it needs 00_good" in index


# parameters


def test_declared_parameters_are_names_types_and_defaults(tmp_path: Path):
    declared = notebook_runner.declared_parameters(write_notebook(tmp_path, "a.ipynb"))
    assert declared == {
        "epochs": notebook_runner.Parameter("epochs", "int", 3),
        "words": notebook_runner.Parameter("words", "list[str]", ["hot"]),
    }


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("int", [3, -1], ["3", 3.0, True, None]),
        ("float", [3, 0.5], ["0.5", False]),
        ("bool", [True], [1, "true"]),
        ("str", ["", "a"], [1, None]),
        ("list[int]", [[], [1, 2]], [[1, "2"], 1, (1,)]),
        ("list[list[str]]", [[["a"], []]], [["a"]]),
        ("dict[str, float]", [{}, {"a": 1}], [{"a": "b"}, {1: 1}, []]),
        ("int | None", [1, None], ["1"]),
        ("Literal['square', 'huber']", ["huber"], ["cube"]),
        ("Literal[1]", [1], [2]),
    ],
)
def test_values_are_held_against_the_annotation(tmp_path: Path, annotation: str, good: list, bad: list):
    path = write_notebook(tmp_path, "a.ipynb", parameters=f"value: {annotation} = {good[0]!r}  # a value")
    for value in good:
        notebook_runner.check_parameters(path, {"value": value})
    for value in bad:
        with pytest.raises(InputError, match=r"a.ipynb: value is .*not "):
            notebook_runner.check_parameters(path, {"value": value})


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        (None, "a.ipynb has 0 cells tagged 'parameters', not 1"),
        ("epochs = 3", "the parameters cell holds 'epochs = 3'"),
        ("epochs: int", "the parameters cell holds 'epochs: int'"),
        ("epochs: int = 2 * 3", "the default of 'epochs' is '2 [*] 3'"),
        ("epochs: int = 'three'", "epochs is 'three' .str., not int"),
        ("epochs: Callable = 3", "the annotation 'Callable' is not understood"),
        ("%pip install x", "the parameters cell is not Python"),
    ],
)
def test_a_notebook_that_declares_badly_is_refused(tmp_path: Path, parameters: str | None, complaint: str):
    path = write_notebook(tmp_path, "a.ipynb", "x = 1", parameters=parameters)
    with pytest.raises(InputError, match=complaint):
        notebook_runner.check_parameters(path, {})


def test_a_missing_and_a_damaged_notebook_are_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=r"none.ipynb is not there"):
        notebook_runner.check_parameters(tmp_path / "none.ipynb", {})
    (tmp_path / "damaged.ipynb").write_text('{"cells": [')
    with pytest.raises(DamagedFileError, match=r"damaged.ipynb is not a notebook"):
        notebook_runner.check_parameters(tmp_path / "damaged.ipynb", {})


# experiments.toml


def test_experiments_are_read_in_order(folder: Path):
    good, *_ = notebook_runner.read_experiments(folder / "experiments.toml")
    assert good.file == "00_good.ipynb"
    assert good.stem == "00_good"
    assert good.claims == ("B4", "B5")
    assert good.minutes == {"smoke": 0.5, "embedded": 2, "paper": 30}
    assert good.parameters == {"smoke": {"epochs": 5}, "embedded": {}, "paper": {"epochs": 9}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[notebook]\n", "is not TOML"),
        ("[other]\n", "unknown key 'other'"),
        (entry("a.ipynb") * 2, "a.ipynb stands twice"),
        (entry("a.ipynb").replace("title", "titel"), "a.ipynb lacks 'title'"),
        (entry("a.ipynb").replace("claims", "colour = 1\nclaims"), "a.ipynb has an unknown key 'colour'"),
        (
            entry("a.ipynb").replace("title =", 'needs = ["b"]\ntitle =') + entry("b.ipynb"),
            "a.ipynb needs 'b', which does not stand before it",
        ),
        (entry("a.ipynb").replace("smoke = 0.5, ", ""), "minutes names embedded, paper"),
        (entry("a.ipynb").replace("parameters.paper", "parameters.full"), "names smoke, embedded, full"),
    ],
)
def test_a_bad_list_of_experiments_is_refused(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "experiments.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        notebook_runner.read_experiments(tmp_path / "experiments.toml")


def test_a_missing_list_of_experiments_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=r"experiments.toml is not there"):
        notebook_runner.read_experiments(tmp_path / "experiments.toml")


@pytest.mark.parametrize("only", [["02", "00_good"], ["00_good.ipynb", "02_other", "02"]])
def test_selection_keeps_the_reading_order(folder: Path, only: list[str]):
    experiments = notebook_runner.read_experiments(folder / "experiments.toml")
    chosen = notebook_runner.selected(experiments, only)
    assert [experiment.stem for experiment in chosen] == ["00_good", "02_other"]


def test_the_index_is_a_markdown_table_of_all_notebooks(folder: Path):
    lines = notebook_runner.index_table(notebook_runner.read_experiments(folder / "experiments.toml")).split(
        "\n"
    )
    assert lines[0] == "| notebook | question | claims | smoke, min | embedded, min | paper, min |"
    assert lines[1] == "| --- | --- | --- | ---: | ---: | ---: |"
    assert lines[2] == r"| [00_good](00_good.ipynb): A title | Which \| is it? | B4, B5 | 0.5 | 2 | 30 |"
    assert len(lines) == 5


# records


def outputs(metrics: object, monkeypatch: pytest.MonkeyPatch) -> dict:
    shown: list[dict] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    notebook_runner.record(metrics)
    [bundle] = shown
    return bundle


def test_numbers_dicts_and_estimates_can_be_recorded(monkeypatch: pytest.MonkeyPatch):
    import numpy as np

    from lexclip_core.evaluation.statistics import wilson_interval

    estimate = wilson_interval(1, 4)
    metrics = {"all/a": np.float32(0.5), "heldout/b": {"value": 2, "n": 3}, "heldout/c": estimate}
    bundle = outputs(metrics, monkeypatch)
    assert bundle[records.MIME] == {
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
        ({"all/auc": float("nan")}, "'all/auc': Out of range float"),
    ],
)
def test_what_is_no_metric_is_refused(metrics: dict, complaint: str):
    with pytest.raises(InputError, match=complaint):
        notebook_runner.record(metrics)


def test_a_later_record_of_one_name_wins(tmp_path: Path):
    cells = []
    for value in (1, 2):
        data = {records.MIME: {"all/a": {"value": value}, f"all/{value}": {"value": 0}}}
        cell = nbformat.v4.new_code_cell(
            "record(...)", outputs=[nbformat.v4.new_output("display_data", data)]
        )
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    assert notebook_runner.read_metrics(tmp_path / "a.ipynb") == {
        "all/a": {"value": 2},
        "all/1": {"value": 0},
        "all/2": {"value": 0},
    }
