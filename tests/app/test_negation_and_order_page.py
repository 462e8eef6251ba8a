"""The Negation and order page: three sentences, which two are nearest, and how often that is right."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import probe_scores
import pytest
from streamlit.testing.v1 import AppTest
from test_names_page import texts

from lexclip_core.datasets.probes import Thing, sentence_probes

OpenApp = Callable[..., AppTest]
BOXES = ("said", "again", "other")


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    found = np.array(rows, dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_of_three_sentences_each_pair_has_a_cosine_and_the_nearest_two_are_named() -> None:
    deaf, hearing = unit((1, 0), (3, 4), (4, 3)), unit((1, 0), (4, 3), (0, 1))
    table = probe_scores.cosines({"base": deaf, "tuned": hearing})
    assert table["value"].round(2).tolist() == [0.6, 0.8, 0.8, 0.0, 0.96, 0.6]
    assert table["run"].tolist() == ["base", "tuned"] * 3
    base, tuned = probe_scores.finding(table).split("  \n")
    assert "**base tower** is taken in: the other words and another meaning are nearer (**0.96**)" in base
    assert "**tuned tower** is right: the two of one meaning are nearest (**0.80** over **0.60**)" in tuned


def test_a_tie_is_no_right_answer() -> None:
    table = probe_scores.cosines({"base": unit((1, 0), (1, 0), (1, 0))})
    assert "is taken in" in probe_scores.finding(table)


def test_shares_are_those_of_each_towers_rows() -> None:
    things = [Thing("dog", "animal"), Thing("owl", "bird"), Thing("pear", "fruit")]
    tests = sentence_probes(things)
    once = probe_scores.texts(tests)
    assert len(set(once)) == len(once)
    place = {text: row for row, text in enumerate(once)}
    # Rows in which what says the same is one direction, and every other sentence another.
    hearing = np.eye(len(once), dtype=np.float32)
    for group, true, again in zip(tests.groups, tests.true, tests.paraphrases, strict=True):
        if group == "negation/meaning":
            hearing[place[again]] = hearing[place[true]]
    table = probe_scores.shares({"deaf": np.ones((len(once), 1), np.float32), "hearing": hearing}, tests)
    values = table.pivot_table(index="metric", columns="run", values="value")
    assert (values["deaf"] == 0).all()  # a tie is a miss
    assert values.loc["no, not", "hearing"] == 1
    assert values.loc["is a", "hearing"] == 0
    deaf, hears = probe_scores.overall(table).split("  \n")
    assert "“no” **0%**, “is a” **0%**, “than” **0%**; and where a thing is exchanged: “no” **0%**" in deaf
    assert "turned round: “no” **100%**" in hears


def test_the_page_asks_about_three_sentences_and_says_what_it_found(open_app: OpenApp) -> None:
    app = open_app("negation_and_order")
    assert not app.exception
    assert not app.error
    assert [box.key for box in app.text_input] == list(BOXES)
    chart, *_ = [one for one in charts(app) if one["layout"]["xaxis"]["title"]["text"] == "cosine"]
    assert {trace["name"] for trace in chart["data"]} == {"base", "tuned"}
    assert chart["layout"]["xaxis"]["title"]["text"] == "cosine"
    assert "The **base tower** is" in texts(app)
    assert [alt for one in app.get("plotly_chart") if len(alt := one.proto.alt) < 40] == []


def test_an_example_fills_the_boxes(open_app: OpenApp) -> None:
    app = open_app("negation_and_order")
    app.button(key="example_Larger than").click().run()
    assert not app.exception
    assert [app.text_input(key=key).value for key in BOXES] == [
        "a horse is larger than a mouse",
        "a mouse is smaller than a horse",
        "a mouse is larger than a horse",
    ]


def test_the_address_holds_the_sentences(open_app: OpenApp) -> None:
    app = open_app("negation_and_order", said="a cat", again="one cat", other="no cat")
    assert [app.text_input(key=key).value for key in BOXES] == ["a cat", "one cat", "no cat"]
    assert not app.exception


def test_an_empty_box_is_refused_by_its_name_and_the_rest_stays(open_app: OpenApp) -> None:
    app = open_app("negation_and_order")
    app.text_input(key="again").set_value("").run()
    assert not app.exception
    assert "The box “The same in other words” is empty." in texts(app)
    assert len(charts(app)) == 1  # how often it is right


def test_how_often_comes_first(open_app: OpenApp) -> None:
    app = open_app("negation_and_order")
    assert not app.exception
    assert not app.error
    shares, _ = charts(app)
    assert [one.value for one in app.header] == ["How often it is right", "Three sentences of your own"]
    said = {note["text"].replace("<br>", " ") for note in shares["layout"]["annotations"]}
    assert {f"<b>{name}</b>" for name in probe_scores.PROBES.values()} <= said
    assert "153 things" in texts(app)
    assert "is right where the meaning is turned round" in texts(app)


def test_a_run_without_tuned_tensors_shows_its_base_tower(open_app: OpenApp) -> None:
    app = open_app("negation_and_order", run="shuffled-89ab0123")
    assert not app.exception
    assert {trace["name"] for chart in charts(app) for trace in chart["data"]} == {"base"}
    assert "has no tuned tensors" in texts(app)


def test_without_any_run_the_page_says_what_to_run(open_app: OpenApp, tmp_path) -> None:
    app = open_app("negation_and_order", folder=tmp_path)
    assert not app.exception
    assert "There is no run yet" in texts(app)


@pytest.mark.parametrize("label", ["No", "Is a", "Larger than"])
def test_the_examples_are_what_the_page_is_about(open_app: OpenApp, label: str) -> None:
    """The other meaning has the first sentence's words, but for the no."""
    app = open_app("negation_and_order")
    app.button(key=f"example_{label}").click().run()
    said, _, other = (app.text_input(key=key).value.split() for key in BOXES)
    plain = [{word for word in words if word not in ("a", "an", "no", "every")} for words in (said, other)]
    assert plain[0] == plain[1]
