"""Every block of the documents is what its function makes of `data`, and hand-made tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from case_tables import each

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError
from lexclip_core.experiments.run_folder import RunSummary
from tools import document_tables
from tools.document_tables import BLOCKS, main
from tools.markdown import with_block
from tools.tuning_tables import AUC, BY_ALPHA, DOMINANT, Aim, alphas_table, changes_table

ROOT = storage.project_root()
PAGES = ["README.md", *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]


@each("block", [*BLOCKS])
def test_a_block_is_what_is_made_of_the_data(block: tuple[str, str]):
    page, name = block
    text = (ROOT / page).read_text(encoding="utf-8")
    assert with_block(text, name, BLOCKS[block]()) == text, "run `make tables`"


def test_every_block_of_the_documents_is_made_by_something():
    begun = re.compile(r"<!-- (\w+): begin -->")
    found = [(page, name) for page in PAGES for name in begun.findall((ROOT / page).read_text("utf-8"))]
    assert sorted(found) == sorted(BLOCKS)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made: dict[tuple[str, str], Callable[[], str]] = {
        ("a.md", "x"): lambda: "new\n",
        ("a.md", "y"): lambda: "",
    }
    monkeypatch.setattr(document_tables, "BLOCKS", made)
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path)
    path = tmp_path / "a.md"
    path.write_text("1\n<!-- x: begin -->\nold\n<!-- x: end -->\n2\n<!-- y: begin -->\n<!-- y: end -->\n")
    return path


def test_a_block_that_differs_is_named_and_written(page: Path, capsys: pytest.CaptureFixture[str]):
    old = page.read_text()
    with pytest.raises(SystemExit, match="1"):
        main(["--check"])
    assert capsys.readouterr().out == "a.md: x\n"
    assert page.read_text() == old
    main([])
    assert capsys.readouterr().out == "a.md: x\n"
    assert page.read_text() == old.replace("old", "new")
    main(["--check"])
    assert capsys.readouterr().out == ""


@each("text", ["no block\n", "<!-- x: begin -->\n", "<!-- x: begin -->\n<!-- x: end -->\n" * 2])
def test_a_page_without_its_block_or_with_two_is_refused(page: Path, text: str):
    page.write_text(text)
    with pytest.raises(DamagedFileError, match="has not one block x"):
        main([])


def run(run_id: str, preset: str, **changes: float) -> RunSummary:
    metrics = dict.fromkeys((AUC, DOMINANT), changes)
    return RunSummary(run_id, Path(run_id), 0, {"preset": preset, "seed": 0}, metrics, {}, 2, False, False)


def test_alphas_are_of_the_run_that_ships_and_the_presets_own_is_bold():
    rows = [
        (run_id, preset, alpha, metric, value, None if "retention" in metric else 0.5)
        for run_id, preset, alpha, value in [
            *(("old", "lexclip", 1, 0.1), ("ours", "lexclip", 1, 0.25), ("ours", "lexclip", 0.5, 0.125)),
            ("gone", "lexclip-second", 2, 2400),
        ]
        for metric in BY_ALPHA.values()
    ]
    found = pd.DataFrame(rows, columns=["run", "preset", "alpha", "metric", "value", "before"])
    lines = alphas_table(found, "test", [run("ours", "lexclip")]).splitlines()
    assert lines[2] == "| base |  | 0.500 | 0.500 | 0 | 0 | 0.500 | 0.500 | 0.500 | 1.000 |"
    assert [line[:36] for line in lines[3:6]] == [
        "| `lexclip` | 0.5 | 0.125 | 0.125 | ",
        "| `lexclip` | **1** | 0.250 | 0.250 ",
        "| `lexclip-second` | 2 | 2400.000 | ",
    ]
    assert "| 2,400 |" in lines[5]
    assert lines[7:] == ["The rows of `lexclip-second` were measured on the run gone, which does not ship."]


def test_paired_changes_are_listed_for_each_run_that_has_them():
    runs = [run("a", "b", change=-0.5, change_low=-0.75, change_high=0.25), run("c", "lexclip", value=1)]
    assert changes_table(runs).splitlines()[2:] == [
        "| `b` | 0 | -0.500 (-0.750 to +0.250) | -0.500 (-0.750 to +0.250) |"
    ]


@each(
    ("aim", "before", "after", "said", "reached"),
    [
        (Aim("A", "", "least", 0.5), 0.1, 0.5, "A of at least 0.5", True),
        (Aim("A", "", "most", 2_500), 0.1, 2_501, "A of at most 2,500", False),
        (Aim("A", "", "lost", 0.25), 0.5, 0.25, "A not down by more than 0.25", True),
        (Aim("A", "", "lost", 0), 0.5, 0.25, "A not below the base", False),
    ],
)
def test_an_aim_says_what_it_asks_for(aim: Aim, before: float, after: float, said: str, reached: bool):
    assert (aim.said(), aim.reached(before, after)) == (said, reached)
