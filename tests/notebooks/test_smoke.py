"""Every notebook runs through with the smoke profile, and the template with the tiny tower."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexclip_core import notebook_runner

EXPERIMENTS = notebook_runner.read_experiments()
AT_ONCE = 2  # most of a notebook's seconds are the start of its kernel


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, notebook_runner.Outcome | str]:
    """Run all notebooks together, and return what came of each by file: the outcome, or why there is none."""
    settings = notebook_runner.Settings(jobs=AT_ONCE)
    folder = tmp_path_factory.mktemp("smoke")
    try:
        outcomes = notebook_runner.run_notebooks("smoke", output=folder, settings=settings)
        lost = {}
    except notebook_runner.NotebooksFailed as error:
        outcomes = error.outcomes
        lost = {f"{stem}.ipynb": str(one) for stem, one in error.failed.items()}
        lost |= {f"{stem}.ipynb": f"it needs {need}" for stem, need in error.left_out.items()}
    return {one.file: one for one in outcomes} | lost


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.stem)
def test_a_notebook_runs_with_the_smoke_profile(
    experiment: notebook_runner.Experiment, ran: dict[str, notebook_runner.Outcome | str]
):
    outcome = ran[experiment.file]
    assert isinstance(outcome, notebook_runner.Outcome), outcome
    assert outcome.metrics, "the last cell records what was found"
    assert outcome.copy.with_suffix(".html").stat().st_size > 1000, "it is a page of the book"


def test_the_template_runs(tmp_path: Path):
    template = notebook_runner.notebooks_folder() / "_template.ipynb"
    outcome = notebook_runner.run_notebook(template, {"tower_name": "tiny-random"}, output=tmp_path)
    [(name, entry)] = outcome.metrics.items()
    assert name.startswith("all/inversion_rate")
    assert entry["n"] == 2
