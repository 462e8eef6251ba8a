"""The Cards page: the cards that ship and one's own next to each other, damaged ones named."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_names_page import texts

from lexclip_core import storage
from lexclip_core.evaluation.card import cards_folder, read_card, write_card

OpenApp = Callable[..., AppTest]


def traces(app: AppTest) -> dict[str, dict]:
    (chart,) = [json.loads(one.proto.spec) for one in app.get("plotly_chart")]
    return {trace["name"]: trace for trace in chart["data"] if trace.get("showlegend")}


def test_the_cards_are_one_dot_plot_with_a_line_of_chance(open_app: OpenApp) -> None:
    app = open_app("cards", card="all-MiniLM-L6-v2")
    assert not app.exception
    assert not app.error
    assert set(traces(app)) == {"all-MiniLM-L6-v2", "chance"}
    value = read_card(cards_folder() / "all-MiniLM-L6-v2.json").row("separation/dominant").plain.value
    assert f"**all-MiniLM-L6-v2** ({value:.3g}). Chance is 0.5." in texts(app)
    assert "related by senses that each have at least a tenth" in texts(app)
    assert "lexclip card TOWER" in texts(app)


def test_the_address_chooses_cards_measures_and_vectors(open_app: OpenApp) -> None:
    app = open_app("cards", card="glove-6b-50d", measures="Templates", vectors="centred")
    assert not app.exception
    assert app.multiselect(key="card").value == ["glove-6b-50d"]
    drawn = base64.b64decode(traces(app)["glove-6b-50d"]["x"]["bdata"])
    assert len(drawn) == 3 * 8  # three measures of templates
    app = open_app("cards", card="all-MiniLM-L6-v2", measures="Pictures", vectors="centred")
    assert not app.exception
    assert not app.get("plotly_chart")
    assert "There is no centred value of these measures." in texts(app)


def test_own_cards_stand_next_to_those_that_ship_and_a_damaged_one_is_named(
    open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = read_card(cards_folder() / "all-MiniLM-L6-v2.json")
    hostile = card.tower.model_copy(update={"run": "mine <b>", "verified": False})
    write_card(tmp_path / "cards" / "mine.json", card.model_copy(update={"tower": hostile}))
    (tmp_path / "cards" / "broken.json").write_text("{")
    monkeypatch.setattr(storage, "build_folder", lambda: tmp_path)
    app = open_app("cards", card="mine <b> (unverified)")
    assert not app.exception
    assert set(traces(app)) == {"mine &lt;b&gt; (unverified)", "chance"}
    assert "Skipped broken.json is not JSON" in texts(app)
