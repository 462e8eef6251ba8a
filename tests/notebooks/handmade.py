"""Notebooks and entries of experiments.toml made by hand, for the tests of the runner."""

from __future__ import annotations

from pathlib import Path

import nbformat

from tools.notebook_runner.catalogue import PROFILES, NotebookEntry

PARAMETERS = 'epochs: int = 3  # passes over the pairs\nwords: list[str] = ["hot"]  # what is encoded'
RECORD = "from lexclip_core.notebooks import record\nrecord({'all/epochs': epochs * len(words)})"


def write_notebook(folder: Path, name: str, *sources: str, parameters: str | None = PARAMETERS) -> Path:
    """Write a notebook of code cells, the first of which declares the parameters unless None."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if parameters is not None:
        cell = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        cells.insert(0, cell)
    path = folder / name
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def toml_entry(file: str, smoke: str = "", *, needs: str = "") -> str:
    """Return an entry of experiments.toml, whose profile `paper` has 9 epochs."""
    return f"""
[[notebook]]
file = "{file}"
title = "A title"
question = "Which | is it?"
claims = ["B4", "B5"]
minutes = {{ smoke = 0.5, embedded = 2, paper = 30 }}
needs = [{needs}]
[notebook.parameters.smoke]
{smoke}
[notebook.parameters.embedded]
[notebook.parameters.paper]
epochs = 9
"""


def entry(
    file: str, *, title: str = "A title", minutes: float = 1, needs: tuple[str, ...] = ()
) -> NotebookEntry:
    """Return an entry that takes as long with each profile."""
    return NotebookEntry(
        file=file,
        title=title,
        question="Is it so?",
        claims=("B4", "P2"),
        minutes=dict.fromkeys(PROFILES, minutes),
        parameters={profile: {} for profile in PROFILES},
        needs=needs,
    )
