"""Every notebook runs through with the smoke profile, and the template with the tiny tower."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexclip_core import storage
from tools.notebook_runner.catalogue import NotebookEntry, read_catalogue
from tools.notebook_runner.execution import Outcome, run_notebook
from tools.notebook_runner.running import NotebooksFailed, RunOptions, run_notebooks

ENTRIES = read_catalogue()
AT_ONCE = 2  # most of a notebook's seconds are the start of its kernel


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome | str]:
    """Run all notebooks together, and return what came of each by stem: the outcome, or why there is none."""
    folder = tmp_path_factory.mktemp("smoke")
    try:
        outcomes = run_notebooks("smoke", output=folder, options=RunOptions(jobs=AT_ONCE))
        return {Path(one.file).stem: one for one in outcomes}
    except NotebooksFailed as error:
        results = error.results
        return results.done | {stem: results.status(stem) for stem in (*results.failed, *results.skipped)}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.stem)
def test_a_notebook_runs_with_the_smoke_profile(entry: NotebookEntry, ran: dict[str, Outcome | str]):
    outcome = ran[entry.stem]
    assert isinstance(outcome, Outcome), outcome
    assert outcome.metrics, "the last cell records what was found"
    assert outcome.executed.with_suffix(".html").stat().st_size > 1000, "it is a page of the book"


def test_the_template_runs(tmp_path: Path):
    template = storage.notebooks_folder() / "_template.ipynb"
    outcome = run_notebook(template, {"tower_name": "tiny-random"}, output=tmp_path)
    [(name, entry)] = outcome.metrics.items()
    assert name.startswith("all/inversion_rate")
    assert entry["n"] == 2
