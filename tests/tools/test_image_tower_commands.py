"""`python -m tools.image_tower`: what it passes on, and how it refuses."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from lexclip_core.errors import InputError
from tools.image_tower import build as build_module
from tools.image_tower import growth
from tools.image_tower.__main__ import application

ROW = {
    "classes": "all concepts",
    "names": "label",
    "count": 2,
    "k": 1,
    "value": 0.5,
    "low": 0.4,
    "high": 0.6,
    "n": 2,
}


def run(*arguments: str):
    return CliRunner().invoke(application, arguments, catch_exceptions=True)


@pytest.fixture
def built(monkeypatch):
    """What `build_image_tower` was called with."""
    seen: dict = {}

    def build(folder, recipe, *, styles=None, device="cpu"):
        seen.update(folder=folder, recipe=recipe, styles=styles, device=device)
        return folder

    monkeypatch.setattr(build_module, "build_image_tower", build)
    monkeypatch.setattr(build_module, "measure", lambda folder, text: [ROW])
    return seen


def test_build_passes_on_what_is_asked_and_shows_what_was_measured(built, tmp_path):
    outcome = run(
        "build", "--folder", str(tmp_path / "tower"), "--epochs", "3,1", "--style", "noto", "--seed", "5"
    )
    assert outcome.exit_code == 0, outcome.output
    assert [stage.epochs for stage in built["recipe"].stages] == [3, 1]
    assert built["recipe"].seed == 5
    assert list(built["styles"]) == ["noto"]
    assert "all concepts" in outcome.output
    assert "0.5" in outcome.output


@pytest.mark.parametrize(
    ("epochs", "named"), [("x", "'x'"), ("3", "1 numbers"), ("1,2,3", "3 numbers"), ("1,-2", "'1,-2'")]
)
def test_epochs_that_make_no_sense_are_named(built, epochs, named):
    outcome = run("build", "--epochs", epochs)
    assert isinstance(outcome.exception, InputError)
    assert named in str(outcome.exception)
    assert built == {}


def test_measure_prints_json(built):
    outcome = run("measure", "--json")
    assert json.loads(outcome.output) == [ROW]


def test_growth_writes_one_table_of_all_trainings(monkeypatch, tmp_path):
    monkeypatch.setattr(
        growth, "over_variants", lambda steps, text: pd.DataFrame([{**ROW, "variant": "a", "steps": steps}])
    )
    monkeypatch.setattr(
        growth, "over_steps", lambda folder, text: pd.DataFrame([{**ROW, "variant": "b", "steps": 9}])
    )
    out = tmp_path / "growth.csv"
    outcome = run("growth", "--steps", "7", "--snapshots", str(tmp_path), "--out", str(out))
    assert outcome.exit_code == 0, outcome.output
    assert pd.read_csv(out)[["variant", "steps"]].to_numpy().tolist() == [["a", 7], ["b", 9]]
