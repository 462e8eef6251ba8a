"""The list of notebooks, the parameters they declare, and copies of them for a user."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import each
from handmade import toml_entry, write_notebook

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from tools.notebook_runner.catalogue import (
    Parameter,
    check_parameters,
    copy_notebooks,
    declared_parameters,
    read_catalogue,
    select,
)

# experiments.toml


def test_entries_are_read_in_order(folder: Path):
    good, *others = read_catalogue(folder)
    assert good.file == "00_good.ipynb"
    assert good.stem == "00_good"
    assert good.claims == ("B4", "B5")
    assert good.minutes == {"smoke": 0.5, "embedded": 2, "paper": 30}
    assert good.parameters == {"smoke": {"epochs": 5}, "embedded": {}, "paper": {"epochs": 9}}
    assert [entry.stem for entry in others] == ["01_failing", "02_other"]


@each(
    ("text", "complaint"),
    [
        ("[[notebook]\n", "is not TOML"),
        ("[other]\n", "unknown key 'other'"),
        ("[notebook]\n", r"unknown key 'notebook'\n.*\[\[notebook\]\] entries"),
        ("notebook = [3]\n", "an entry: .*dict"),
        (toml_entry("a.ipynb") * 2, "a.ipynb is listed twice"),
        (toml_entry("a.ipynb").replace("title", "titel"), r"a.ipynb: title: Field required\n.*file, title"),
        (toml_entry("a.ipynb").replace("file = ", "name = "), "an entry without file: file: Field required"),
        (toml_entry("a.ipynb").replace("claims", "colour = 1\nclaims"), "a.ipynb: colour: Extra inputs"),
        (toml_entry("a.ipynb").replace('"A title"', "3"), "a.ipynb: title: Input should be a valid string"),
        (
            toml_entry("a.ipynb", needs='"b"') + toml_entry("b.ipynb"),
            r"a.ipynb needs 'b', which is not listed before it\n.*there are none",
        ),
        (toml_entry("a.ipynb").replace("smoke = 0.5, ", ""), "a.ipynb: minutes: .*lacks the profile smoke"),
        (
            toml_entry("a.ipynb").replace("parameters.paper", "parameters.full"),
            "a.ipynb: parameters.full: .*'smoke', 'embedded' or 'paper'",
        ),
    ],
)
def test_a_bad_list_of_notebooks_is_refused(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "experiments.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_catalogue(tmp_path)


def test_a_list_that_is_not_utf_8_is_refused(tmp_path: Path):
    (tmp_path / "experiments.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"experiments.toml is not TOML"):
        read_catalogue(tmp_path)


def test_a_missing_list_of_notebooks_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=r"experiments.toml is not there\n.*notebooks copy"):
        read_catalogue(tmp_path)


@pytest.mark.parametrize("only", [["02", "00_good"], ["00_good.ipynb", "02_other", "02"]])
def test_selection_keeps_the_reading_order(folder: Path, only: list[str]):
    assert [entry.stem for entry in select(read_catalogue(folder), only)] == ["00_good", "02_other"]


# parameters


def test_declared_parameters_are_names_types_and_defaults(tmp_path: Path):
    assert declared_parameters(write_notebook(tmp_path, "a.ipynb")) == {
        "epochs": Parameter("epochs", "int", "3"),
        "words": Parameter("words", "list[str]", "['hot']"),
    }


@each(
    ("annotation", "good", "bad"),
    [
        ("int", [3, 0], ["3", 3.0, True, None, -1]),
        ("int", [-1, 3], [0.5]),
        ("float", [3, 0.5], ["0.5", False]),
        ("bool", [True], [1, "true"]),
        ("str", ["", "a"], [1, None]),
        ("list[int]", [[], [1, 2]], [[1, "2"], 1, (1,), [1, -2]]),
        ("list[list[str]]", [[["a"], []]], [["a"]]),
        ("dict[str, float]", [{}, {"a": 1}], [{"a": "b"}, {1: 1}, []]),
        ("int | None", [1, None], ["1"]),
        ("Literal['square', 'huber']", ["huber"], ["cube"]),
        ("Literal[1]", [1], [2]),
    ],
)
def test_values_are_checked_against_the_annotation(tmp_path: Path, annotation: str, good: list, bad: list):
    path = write_notebook(tmp_path, "a.ipynb", parameters=f"value: {annotation} = {good[0]!r}  # a value")
    for value in good:
        check_parameters(path, {"value": value})
    for value in bad:
        with pytest.raises(InputError, match=r"a.ipynb: value is .*(not |below 0)") as caught:
            check_parameters(path, {"value": value})
        assert caught.value.remedy == f"give a value such as the default, {good[0]!r}"


@each(
    ("parameters", "complaint"),
    [
        (None, "a.ipynb has 0 cells tagged 'parameters', not 1"),
        ("epochs = 3", "the parameters cell contains 'epochs = 3'"),
        ("epochs: int", "the parameters cell contains 'epochs: int'"),
        ("epochs: Callable = 3", "the annotation 'Callable' is not understood"),
        ("%pip install x", "the parameters cell is not Python"),
    ],
)
def test_a_notebook_that_declares_badly_is_refused(tmp_path: Path, parameters: str | None, complaint: str):
    path = write_notebook(tmp_path, "a.ipynb", "x = 1", parameters=parameters)
    with pytest.raises(InputError, match=complaint):
        check_parameters(path, {"epochs": 3})


def test_a_missing_and_a_damaged_notebook_are_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=r"none.ipynb is not there"):
        check_parameters(tmp_path / "none.ipynb", {})
    (tmp_path / "damaged.ipynb").write_text('{"cells": [')
    with pytest.raises(DamagedFileError, match=r"damaged.ipynb is not a notebook"):
        check_parameters(tmp_path / "damaged.ipynb", {})


# copies


def test_copies_are_the_notebooks_with_all_that_belongs_to_them(tmp_path: Path):
    copies = copy_notebooks(tmp_path / "mine")
    names = {path.relative_to(tmp_path / "mine").as_posix() for path in copies}
    assert {"experiments.toml", "paths.example.toml", "README.md", "_template.ipynb"} <= names
    assert {entry.file for entry in read_catalogue()} <= names
    assert not [name for name in names if name.startswith(".") or "__pycache__" in name]
    for path in copies:
        original = storage.notebooks_folder() / path.relative_to(tmp_path / "mine")
        assert path.read_bytes() == original.read_bytes()
    assert read_catalogue(tmp_path / "mine") == read_catalogue()


def test_a_changed_copy_is_never_replaced(tmp_path: Path):
    copy_notebooks(tmp_path)
    (tmp_path / "README.md").unlink()
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    copy_notebooks(tmp_path)  # what is the same may be there, and so may other files
    assert (tmp_path / "README.md").exists()
    (tmp_path / "00_tour.ipynb").write_text("my own", encoding="utf-8")
    (tmp_path / "README.md").unlink()
    with pytest.raises(InputError, match=r"00_tour.ipynb exists and differs.*\n.*name another folder"):
        copy_notebooks(tmp_path)
    assert (tmp_path / "00_tour.ipynb").read_text(encoding="utf-8") == "my own"
    assert not (tmp_path / "README.md").exists(), "nothing is copied"
