"""The index of the notebooks: its table, and that the README has it."""

from __future__ import annotations

import pytest

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError
from tools.notebook_index import index_table, with_index
from tools.notebook_runner.catalogue import NotebookEntry, read_catalogue

ENTRY = NotebookEntry(
    file="00_good.ipynb",
    title="A title",
    question="Which | is it?",
    claims=("B4", "B5"),
    minutes={"smoke": 0.5, "embedded": 2, "paper": 30},
    parameters={"smoke": {}, "embedded": {}, "paper": {}},
)


def test_the_index_is_a_markdown_table_with_a_row_per_notebook():
    assert index_table([ENTRY]).splitlines() == [
        "| notebook | question | claims | smoke, min | embedded, min | paper, min |",
        "| --- | --- | --- | ---: | ---: | ---: |",
        r"| [00_good](00_good.ipynb): A title | Which \| is it? | B4, B5 | 0.5 | 2 | 30 |",
    ]


def test_the_index_takes_the_place_of_the_former_one():
    page = "# Notebooks\n\n| notebook | x |\n| --- | --- |\n| old | 1 |\n\nThe end.\n"
    table = index_table([ENTRY])
    assert with_index(page, table) == f"# Notebooks\n\n{table}\n\nThe end.\n"
    with pytest.raises(DamagedFileError, match=r"one table"):
        with_index("# Notebooks\n", table)


def test_the_readme_has_the_index():
    readme = (storage.notebooks_folder() / "README.md").read_text(encoding="utf-8")
    assert with_index(readme, index_table(read_catalogue())) == readme, "run python -m tools.notebook_index"
