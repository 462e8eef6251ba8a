"""Every notebook runs through with the smoke profile, and the template with the tiny tower."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexclip_core import notebook_runner

EXPERIMENTS = notebook_runner.read_experiments()


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.stem)
def test_a_notebook_runs_with_the_smoke_profile(experiment: notebook_runner.Experiment, tmp_path: Path):
    [outcome] = notebook_runner.run_notebooks("smoke", only=[experiment.file], output=tmp_path)
    assert outcome.metrics, "the last cell records what was found"


def test_the_template_runs(tmp_path: Path):
    template = notebook_runner.notebooks_folder() / "_template.ipynb"
    outcome = notebook_runner.run_notebook(template, {"tower_name": "tiny-random"}, output=tmp_path)
    [(name, entry)] = outcome.metrics.items()
    assert name.startswith("all/inversion_rate")
    assert entry["n"] == 2
