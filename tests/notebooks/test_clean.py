"""What the notebooks in the repository must look like, without running them."""

from __future__ import annotations

import ast
import copy
import re
from pathlib import Path

import nbformat
import pytest
from case_tables import each

from lexclip_core import storage
from tools.notebook_runner.catalogue import (
    PROFILES,
    check_parameters,
    declared_parameters,
    read_catalogue,
)

FOLDER = storage.notebooks_folder()
ENTRIES = read_catalogue()
TEMPLATE = FOLDER / "_template.ipynb"
NUMBERED = sorted(path for path in FOLDER.glob("*.ipynb") if not path.name.startswith("_"))
MAX_FUNCTION_LINES = 15

each_notebook = pytest.mark.parametrize("path", [TEMPLATE, *NUMBERED], ids=lambda path: path.stem)


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Name everything about a notebook that is not as it must be in the repository."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.get("outputs") or cell.get("execution_count"):
            found.append(f"cell {number} has outputs: run nbstripout")
        if "papermill" in cell.metadata or "execution" in cell.metadata:
            found.append(f"cell {number} has traces of a run")
    if sum("parameters" in cell.metadata.get("tags", []) for cell in code) != 1:
        found.append("there is not exactly one parameters cell")
    if "papermill" in notebook.metadata:
        found.append("the notebook has traces of a run")
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        found.append("the first cell is not a heading")
    if "**Question.**" not in first.source or "**Reference.**" not in first.source:
        found.append("the first cell names no question or no reference")
    if "record(" not in code[-1].source:
        found.append("the last code cell records nothing")
    return found + [complaint for cell in code for complaint in code_complaints(cell)]


def code_complaints(cell: nbformat.NotebookNode) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.ClassDef):
            found.append(f"class {node.name} belongs into lexclip_core")
        elif isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES:
            found.append(f"{node.name} has more than {MAX_FUNCTION_LINES} lines")
    if "parameters" in cell.metadata.get("tags", []):
        lines = cell.source.splitlines()
        undescribed = [
            node.target.id
            for node in ast.parse(cell.source).body
            if isinstance(node, ast.AnnAssign) and "  # " not in lines[node.lineno - 1]
        ]
        found += [f"parameter {name} has no comment that says what it is" for name in undescribed]
    return found


@each_notebook
def test_a_notebook_is_clean_and_follows_the_template(path: Path):
    assert complaints(nbformat.read(path, as_version=4)) == []


@each_notebook
def test_a_notebook_declares_its_parameters_as_annotated_literals_that_fit(path: Path):
    declared = declared_parameters(path)
    assert declared
    check_parameters(path, {one.name: ast.literal_eval(one.default) for one in declared.values()})


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_gives_only_parameters_that_exist_and_fit(profile: str):
    for entry in ENTRIES:
        check_parameters(FOLDER / entry.file, entry.parameters[profile])


def test_the_notebooks_are_those_listed_in_reading_order():
    assert [entry.file for entry in ENTRIES] == [path.name for path in NUMBERED]


def test_every_notebook_has_a_number_of_its_own():
    names = [re.match(r"(\d\d)_[a-z0-9_]+$", path.stem) for path in NUMBERED]
    numbers = [name[1] if name else path.stem for name, path in zip(names, NUMBERED, strict=True)]
    assert all(names), numbers
    assert len(set(numbers)) == len(numbers), numbers


# The checks themselves, on a template made wrong in each way.


def spoil_output(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="hello")]


def spoil_parameters(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].metadata["tags"] = ["parameters"]


def spoil_function(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].source = "def long():\n" + "    x = 1\n" * MAX_FUNCTION_LINES


def spoil_class(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].source = "class Thing:\n    pass"


def spoil_comment(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[4].source = "epochs: int = 3"


def spoil_record(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[-1].source = "table"


def spoil_heading(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[0].source = "# A heading alone"


def spoil_metadata(notebook: nbformat.NotebookNode) -> None:
    notebook.metadata["papermill"] = {}


@each(
    ("spoil", "complaint"),
    [
        (spoil_output, "cell 2 has outputs"),
        (spoil_parameters, "not exactly one parameters cell"),
        (spoil_function, f"long has more than {MAX_FUNCTION_LINES} lines"),
        (spoil_class, "class Thing belongs into lexclip_core"),
        (spoil_comment, "parameter epochs has no comment"),
        (spoil_record, "the last code cell records nothing"),
        (spoil_heading, "names no question or no reference"),
        (spoil_metadata, "traces of a run"),
    ],
)
def test_a_spoilt_notebook_is_seen(spoil: object, complaint: str):
    notebook = copy.deepcopy(nbformat.read(TEMPLATE, as_version=4))
    spoil(notebook)
    assert any(complaint in found for found in complaints(notebook))
