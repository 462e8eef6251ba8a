"""Every notebook runs through with the smoke profile, and the template with the tiny tower.

Two notebooks and the template start kernels as a reader does; the other kernels are forks of a warm process.

LEXCLIP_EMBEDDED names a folder of notebooks executed with the embedded profile, such as
build/notebooks/embedded: then what they expect must hold there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from warm_kernels import warm_kernels

from lexclip_core import storage
from tools.notebook_runner.book import FIGURE_MIME
from tools.notebook_runner.catalogue import NotebookEntry, read_catalogue
from tools.notebook_runner.execution import Outcome, run_notebook
from tools.notebook_runner.running import NotebooksFailed, RunOptions, run_notebooks

ENTRIES = read_catalogue()
COLD = ("00_tour", "03_lexical_finetuning")


def unexpected(path: Path) -> list[str]:
    """Return every line of an executed notebook that says an expectation does not hold."""
    outputs = [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]
    lines = [line for output in outputs for line in output.get("text", "").splitlines()]
    return [line for line in lines if line.startswith("not as expected")]


@pytest.mark.skipif("LEXCLIP_EMBEDDED" not in os.environ, reason="needs LEXCLIP_EMBEDDED, a folder")
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.stem)
def test_what_a_notebook_expects_holds_in_the_embedded_profile(entry: NotebookEntry):
    assert unexpected(Path(os.environ["LEXCLIP_EMBEDDED"]) / entry.file) == []


def came_of(stems: Sequence[str], folder: Path) -> dict[str, Outcome | str]:
    """Run notebooks, and return what came of each by stem: the outcome, or why there is none."""
    try:
        outcomes = run_notebooks("smoke", only=stems, output=folder, options=RunOptions(jobs=2))
        return {Path(one.file).stem: one for one in outcomes}
    except NotebooksFailed as error:
        results = error.results
        return results.done | {stem: results.status(stem) for stem in (*results.failed, *results.skipped)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome | str]:
    """Run all notebooks together, two at a time."""
    folder = tmp_path_factory.mktemp("smoke")
    found = came_of(COLD, folder)
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    with warm_kernels({"OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}):
        return found | came_of([entry.stem for entry in ENTRIES if entry.stem not in COLD], folder)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.stem)
def test_a_notebook_runs_with_the_smoke_profile(entry: NotebookEntry, ran: dict[str, Outcome | str]):
    outcome = ran[entry.stem]
    assert isinstance(outcome, Outcome), outcome
    assert outcome.metrics, "the last cell records what was found"
    shown = [
        output["data"]
        for cell in nbformat.read(outcome.executed, as_version=4).cells
        for output in cell.get("outputs", [])
        if FIGURE_MIME in output.get("data", {})
    ]
    assert all("image/png" in data for data in shown), "each figure has a static picture"
    assert outcome.executed.with_suffix(".html").stat().st_size > 1000, "it is a page of the book"


def test_the_template_runs(tmp_path: Path):
    template = storage.notebooks_folder() / "_template.ipynb"
    outcome = run_notebook(template, {"tower_name": "tiny-random"}, output=tmp_path)
    [(name, entry)] = outcome.metrics.items()
    assert name.startswith("all/inversion_rate")
    assert entry["n"] == 2
