"""The page on ParaCLIP against the runs and sweeps in `data`, and the tables on hand-made ones."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from lexclip_core import storage
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.experiments import sweeps
from lexclip_core.experiments.run_folder import RunSummary, list_runs
from lexclip_core.papers.measurement import Conditions
from lexclip_core.papers.reported import Place
from lexclip_core.training.settings import TABLE_2
from tools.paraclip_tables import items_table, runs_table, sweep_table

PAGE = storage.project_root() / "docs" / "paraclip.md"
FOLDER = storage.data_folder() / "paraclip"


def summary(preset: str, value: float) -> RunSummary:
    entry = {"value": value, "before": 0.5, "low": value - 0.1, "high": value + 0.1}
    metrics = {"test/paraphrased/ao@10": entry}
    return RunSummary("run", Path("run"), 0, {"preset": preset}, metrics, {}, 2, False, False)


def test_seeds_share_a_column_and_one_run_shows_its_interval():
    made = [summary("a", 0.6), summary("a", 0.8), summary("b", 0.4)]
    assert runs_table(made, {"a": "A", "b": "B"}).splitlines() == [
        "| measure | before | A, 2 seeds | change | B | change |",
        "|---|---|---|---|---|---|",
        "| AO@10 | 0.500 | 0.700 (0.600 to 0.800) | +20.0 | 0.400 (0.300 to 0.500) | -10.0 |",
    ]


def test_changes_over_items_are_in_points_and_of_one_notebook():
    change, place = Estimate(0.125, -0.25, 0.5), Place("paraclip", "Table 1", "OpenAI", "VG-R", "ParaCLIP")
    here = Conditions(data="scenes", split="test", text_tower="a")
    made = here.measured("a", 0.5, change=change, over="pictures", at=place)
    rows = [replace(made, notebook=name) for name in ("22_table1", "23_table2_ablation")]
    rows.append(replace(rows[0], change=None))
    assert items_table(rows).splitlines()[2:] == ["| VG-R | pictures | +12.5 (-25.0 to +50.0) |"]


def test_a_sweep_shows_means_and_the_widest_spread():
    rows = [("base", -1, 0.5), ("L1", 0, 0.6), ("L1", 1, 0.8), ("L2", 0, 0.1), ("L2", 1, 0.2)]
    table = pd.DataFrame([(*row, "AO@10") for row in rows], columns=["row", "seed", "value", "metric"])
    assert sweep_table(table).splitlines()[2:] == [
        "| `base` | 50.0 |",
        "| `L1` | 70.0 |",
        "| `L2` | 15.0 |",
        "| widest spread of seeds | 20.0 |",
    ]


def test_the_committed_table_2_has_nine_rows_of_three_seeds():
    table = pd.read_csv(FOLDER / "table2.csv")
    assert list(table.columns) == list(sweeps.TABLE_2_COLUMNS)
    assert list(dict.fromkeys(table["row"])) == list(TABLE_2)
    assert set(table.loc[table["row"] != "base", "seed"]) == {0, 1, 2}


def test_the_committed_trade_offs_have_what_the_page_of_that_name_reads():
    table = pd.read_csv(FOLDER / "tradeoffs.csv")
    assert list(table.columns) == list(sweeps.TRADE_OFF_COLUMNS)
    assert set(table["metric"]) <= {*sweeps.MEASURED.values(), *sweeps.OUTSIDE.values()}
    base = table[table["name"] == "base"]
    assert len(base)
    assert (base[["w_image", "w_caption", "w_paraphrase", "alpha"]] == 0).all(axis=None)


def test_the_page_says_of_the_aims_what_the_runs_say():
    summaries, _ = list_runs(storage.data_folder() / "runs")
    mine = [one.metrics for one in summaries if one.preset == "paraclip-emoji"]
    assert len(mine) == 3
    for metric, least in (
        ("paraphrased/ao@10", 0.050),
        ("paraphrased/js@10", 0.056),
        ("zero-shot/top-1", -0.01),
    ):
        changes = [one[f"test/{metric}"]["value"] - one[f"test/{metric}"]["before"] for one in mine]
        assert min(changes) > least, metric
    assert re.search(r"rise by about its 5.0 and 5.6 points", PAGE.read_text(encoding="utf-8"))
