"""The Ledger and Trade-offs pages: what is filtered, what is greyed, what is said where nothing is."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import get_args

import pandas as pd
import pytest
import static_data
import sweep_table
from streamlit.testing.v1 import AppTest
from test_names_page import texts

from lexclip_core.errors import DamagedFileError
from lexclip_core.papers import ledger as ledger_module
from lexclip_core.papers.claims import read_claims
from lexclip_core.papers.verdicts import Verdict

OpenApp = Callable[..., AppTest]
SWEEP = pd.DataFrame(
    [
        (name, *weights, seed, metric, "test", value + seed / 8, value, value)
        for name, weights, values in (
            ("base", (0, 0, 0, 0), (0.5, 0.75)),
            ("all", (1, 1, 1, 1), (0.75, 0.625)),
            ("texts", (0, 1, 1, 1), (0.875, 0.25)),
            ("half", (1, 1, 1, 0.5), (0.625, 0.5)),
        )
        for metric, value in zip(("AO@10", "Clsf."), values, strict=True)
        for seed in (0, 1)
    ],
    columns=["name", *sweep_table.WEIGHTS, "seed", "metric", "split", "value", "low", "high"],
)


@pytest.fixture
def open_trade_offs(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> OpenApp:
    """Return a function that opens the page on a sweep of four settings."""
    monkeypatch.setattr(static_data, "trade_offs", lambda: SWEEP)
    return lambda **query: open_app("trade_offs", **query)


def text_rows(app: AppTest) -> pd.DataFrame:
    """Return the table of text that the page shows."""
    [body] = [one.proto.body for one in app.get("html") if "textrows" in one.proto.body]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    cells = [
        [html.unescape(one) for one in re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows
    ]
    return pd.DataFrame(cells[1:], columns=cells[0])


def test_every_claim_is_shown_with_a_verdict(open_app: OpenApp) -> None:
    app = open_app("ledger")
    assert not app.exception
    shown, counts = text_rows(app), app.dataframe[-1].value
    assert list(shown) == ["claim", "verdict", "why"]
    assert len(shown) == len(read_claims())
    assert counts["verdict"].str[2:].tolist() == list(get_args(Verdict))
    assert counts["claims"].sum() == len(shown)
    assert counts["rows of numbers"].sum() == (ledger_module.ledger_table()["kind"] == "number").sum()
    assert set(shown["verdict"].str[2:]) <= set(get_args(Verdict))
    assert ledger_module.tally() in texts(app)


def test_nothing_about_clip_is_judged_on_another_tower(open_app: OpenApp) -> None:
    shown = open_app("ledger", all_columns="true").dataframe[0].value.set_index("id")
    assert shown.loc["B3", "verdict"] == "○ not judged here"
    assert "all-MiniLM-L6-v2" in shown.loc["B3", "reason"]
    assert not {"✓ reproduced", "✗ contradicted"} & set(shown.loc[shown["text tower"] != "", "verdict"])


def test_rows_are_filtered_by_paper_and_by_words(open_app: OpenApp) -> None:
    app = open_app("ledger", paper="ParaCLIP")
    assert set(text_rows(app)["claim"].str[0]) == {"P"}
    app.text_input(key="search").set_value("frozen").run()
    found = text_rows(app)
    assert 0 < len(found) < 26
    app.text_input(key="search").set_value("no such thing").run()
    assert "No row is left" in texts(app)
    assert not app.exception


def test_numbers_stand_next_to_what_was_reported(open_app: OpenApp) -> None:
    shown = open_app("ledger", rows="Numbers", all_columns="true").dataframe[0].value
    assert len(shown) == (ledger_module.ledger_table()["kind"] == "number").sum()
    assert shown["reported"].notna().all()


def test_a_damaged_ledger_is_named(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> None:
        raise DamagedFileError("measured.json cannot be read", "restore it")

    monkeypatch.setattr(static_data, "ledger_tables", damaged)
    app = open_app("ledger")
    assert not app.exception
    assert "measured.json cannot be read" in texts(app)


def test_settings_are_means_over_seeds_and_the_base_is_no_setting() -> None:
    table = sweep_table.measured(SWEEP, "test")
    assert sweep_table.metrics(table) == ["AO@10", "Clsf."]
    assert table.set_index("name").loc["all", "AO@10"] == 0.75 + 1 / 16
    points = sweep_table.points(table, "AO@10", "Clsf.", "half")
    assert len(points) == 3
    assert points.set_index("label")["dominated"].to_dict() == {
        "L1 1, L2 1, L3 1, alpha 1": False,
        "L1 0, L2 1, L3 1, alpha 1": False,
        "L1 1, L2 1, L3 1, alpha 0.5": True,
    }
    assert points["chosen"].tolist() == [False, False, True]
    assert points["group"].tolist()[1] == "with texts alone (L2, L3)"


def test_the_page_opens_with_a_setting_that_nothing_beats() -> None:
    table = sweep_table.measured(SWEEP, "test")
    points = sweep_table.points(table, "AO@10", "Clsf.", sweep_table.best(table, "AO@10", "Clsf."))
    assert not points.loc[points["chosen"], "dominated"].any()
    assert points["chosen"].sum() == 1
    assert sweep_table.best(table, "AO@10", "AO@10") == "texts"


def test_losses_are_never_hidden(open_trade_offs: OpenApp) -> None:
    app = open_trade_offs()
    assert not app.exception
    shown = app.dataframe[0].value.set_index("metric")
    assert shown.loc["AO@10", "change"] == pytest.approx(0.25)
    assert shown.loc["Clsf.", "change"] == pytest.approx(-0.125)
    assert shown[""].tolist() == ["▲ better", "▼ worse"]
    said = texts(app).replace("\u2060", "")  # put into names that a browser would take for addresses
    assert "rising: 1, falling: 1. Most gained: AO@10 (+0.250); most lost: Clsf. (-0.125)" in said
    assert "Means over 2 seeds" in texts(app)
    assert len(app.get("plotly_chart")) == 1
    assert any("against" in one.value for one in app.markdown)


def test_any_setting_is_chosen_by_the_address_and_a_wrong_one_is_named(open_trade_offs: OpenApp) -> None:
    app = open_trade_offs(setting="half")
    assert "L1 1, L2 1, L3 1, alpha 0.5**" in texts(app).replace("\\", "")
    assert "There is no setting called “hal”. The nearest is “half”." in texts(open_trade_offs(setting="hal"))


def test_two_equal_axes_are_an_empty_state(open_trade_offs: OpenApp) -> None:
    app = open_trade_offs(x="AO@10", y="AO@10")
    assert not app.exception
    assert "Choose two different ones" in texts(app)


def test_without_a_sweep_the_command_is_named(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_data, "trade_offs", pd.DataFrame)
    app = open_app("trade_offs")
    assert not app.exception
    assert "lexclip paraclip sweep tradeoffs" in texts(app)
