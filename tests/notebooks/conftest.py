"""Fixtures of the notebook runner's tests: three notebooks, and a papermill that copies, not runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from handmade import RECORD, toml_entry, write_notebook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three notebooks of which the second fails."""
    write_notebook(tmp_path, "00_good.ipynb", RECORD)
    write_notebook(tmp_path, "01_failing.ipynb", "x = 1", "\n{}['nowhere']  # no such key", "y = 2")
    write_notebook(tmp_path, "02_other.ipynb", RECORD)
    entries = (
        toml_entry("00_good.ipynb", "epochs = 5")
        + toml_entry("01_failing.ipynb")
        + toml_entry("02_other.ipynb")
    )
    (tmp_path / "experiments.toml").write_text(entries, encoding="utf-8")
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let papermill copy instead of running, and return the list of what it was asked to run."""
    asked: list[str] = []

    def copy(source: Path, target: Path, **options: object) -> None:
        asked.append(f"{source.name} {json.dumps(options['parameters'])}")
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr("papermill.execute_notebook", copy)
    return asked
