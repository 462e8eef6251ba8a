"""What the notebooks in the repository must look like, without running them."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import nbformat
import pytest
from case_tables import each

from lexclip_core import storage
from lexclip_core.papers.verdicts import Verdict
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
MAX_FUNCTION_LINES, LONGEST_LINE = 15, 100
OPENING = ("**Question.**", "**Reference.**", "**Time.**", "**What you need.**", "README.md)")

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
    found += [f"the first cell has no {part}" for part in OPENING if part not in first.source]
    if "record(" not in code[-1].source:
        found.append("the last code cell records nothing")
    if code[-1].metadata.get("jupyter") != {"source_hidden": True}:
        found.append("the record is not folded away")
    found += text_complaints(notebook)
    return found + [complaint for cell in code for complaint in code_complaints(cell)]


def text_complaints(notebook: nbformat.NotebookNode) -> list[str]:
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [line for cell in notebook.cells for line in cell.source.splitlines()]
    found += [f"a line is longer than {LONGEST_LINE}: {line}" for line in lines if len(line) > LONGEST_LINE]
    found += [f"an expectation is not checked: {line}" for line in lines if "*Expect" in line]
    if not any(cell.source.startswith("## What you learned") for cell in notebook.cells):
        found.append("nothing says what was learned")
    if not any("expect(" in cell.source for cell in code):
        found.append("nothing that is expected is checked")
    return found


def code_complaints(cell: nbformat.NotebookNode) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.ClassDef):
            found.append(f"class {node.name} belongs into lexclip_core")
        elif isinstance(node, ast.Constant) and node.value in get_args(Verdict):
            found.append(f"the verdict {node.value!r} is typed: the ledger gives it")
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


def test_a_development_container_sets_itself_up_and_links_lead_somewhere():
    root = FOLDER.parent
    container = json.loads((root / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    [verb, target] = container["onCreateCommand"].split()
    assert (verb, f"\n{target}:" in (root / "Makefile").read_text(encoding="utf-8")) == ("make", True)
    for path in NUMBERED:
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        links = re.findall(r"\]\(([^)#:]+)\)|^\[\w+\]: (\S+)", text, re.MULTILINE)
        assert [one for one, other in links if not (FOLDER / (one or other)).exists()] == [], path.name


# The checks themselves, on a template made wrong in each way.


def code_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def in_first_code(source: str) -> Callable[[nbformat.NotebookNode], None]:
    """Return what puts a source in place of that of the first code cell."""
    return lambda notebook: code_of(notebook)[0].update(source=source)


def spoil_output(notebook: nbformat.NotebookNode) -> None:
    code_of(notebook)[0].outputs = [nbformat.v4.new_output("stream", text="hello")]


def spoil_parameters(notebook: nbformat.NotebookNode) -> None:
    code_of(notebook)[0].metadata["tags"] = ["parameters"]


def spoil_comment(notebook: nbformat.NotebookNode) -> None:
    code_of(notebook)[1].source = "epochs: int = 3"


def spoil_record(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[-1].source = "table"


def spoil_folding(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[-1].metadata = {}


def spoil_heading(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[0].source = "# A heading alone"


def spoil_expectations(notebook: nbformat.NotebookNode) -> None:
    for cell in code_of(notebook):
        cell.source = cell.source.replace("expect(", "print(")


def spoil_end(notebook: nbformat.NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if "What you learned" not in cell.source]


def spoil_metadata(notebook: nbformat.NotebookNode) -> None:
    notebook.metadata["papermill"] = {}


@each(
    ("spoil", "complaint"),
    [
        (spoil_output, "cell 1 has outputs"),
        (spoil_parameters, "not exactly one parameters cell"),
        (in_first_code("def long():\n" + "    x = 1\n" * MAX_FUNCTION_LINES), "long has more than 15 lines"),
        (in_first_code("class Thing:\n    pass"), "class Thing belongs into lexclip_core"),
        (in_first_code("row = ('B1', 'reproduced')"), "the verdict 'reproduced' is typed"),
        (in_first_code("# " + "x" * 100), "a line is longer than 100"),
        (in_first_code("# *Expect:* nothing"), "an expectation is not checked"),
        (spoil_comment, "parameter epochs has no comment"),
        (spoil_record, "the last code cell records nothing"),
        (spoil_folding, "the record is not folded away"),
        (spoil_expectations, "nothing that is expected is checked"),
        (spoil_end, "nothing says what was learned"),
        (spoil_heading, "the first cell has no **Question.**"),
        (spoil_metadata, "traces of a run"),
    ],
)
def test_a_spoilt_notebook_is_seen(spoil: Callable[[nbformat.NotebookNode], None], complaint: str) -> None:
    notebook = copy.deepcopy(nbformat.read(TEMPLATE, as_version=4))
    spoil(notebook)
    assert any(complaint in found for found in complaints(notebook))
