"""The Queries page: two phrasings, two rankings, and what they share."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import retrieving
import static_data
import store
import typed
from streamlit.testing.v1 import AppTest
from test_names_page import made_up_rows, texts

from lexclip_core.errors import InputError

OpenApp = Callable[..., AppTest]
SQUARE = np.eye(4, dtype=np.float32)


@pytest.fixture
def open_queries(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> OpenApp:
    """Return a function that opens the page with an image tower whose vectors are made up."""
    monkeypatch.setattr(store, "picture_rows", lambda _summary, pictures: made_up_rows(pictures))
    return lambda **query: open_app("queries", **query)


def ribbons(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def test_two_rankings_are_listed_with_what_they_share() -> None:
    rows = np.array([[0.8, 0.6, 0, 0], [0.6, 0, 0.8, 0]], dtype=np.float32)
    found = retrieving.retrieve(rows, SQUARE, ["a", "b", "c", "d"], 2)
    assert found.table["picture"].tolist() == ["0", "1", "2", "0"]
    assert found.table["title"].tolist() == ["a", "b", "c", "a"]
    np.testing.assert_allclose(found.table["cosine"], [0.8, 0.6, 0.8, 0.6])
    assert found.places == (0, 1, 2)
    assert found.average_overlap == pytest.approx((0 / 1 + 1 / 2) / 2)
    assert found.jaccard == pytest.approx(1 / 3)
    assert "finds **1 of 2** pictures under both" in retrieving.finding({"base": found}, 2)


def test_the_page_draws_both_towers_and_counts_in_words(open_queries: OpenApp) -> None:
    app = open_queries(k="5")
    assert not app.exception
    assert not app.error
    assert [metric.label for metric in app.metric] == [
        "AO@5, base",
        "AO@5, tuned",
        "JS@5, base",
        "JS@5, tuned",
        "Wanted picture at, base",
        "Wanted picture at, tuned",
    ]
    base, _ = ribbons(app)
    assert len(base["data"][0]["text"]) == 5
    assert "of 5** pictures under both" in texts(app)
    assert "300 pictures were searched" in texts(app)
    assert [alt for chart in app.get("plotly_chart") if len(alt := chart.proto.alt) < 40] == []


def test_an_example_fills_both_boxes_with_one_intent(open_queries: OpenApp) -> None:
    app = open_queries()
    before = app.text_input(key="first").value, app.text_input(key="second").value
    app.button(key="example_expansion").click().run()
    first, second = app.text_input(key="first").value, app.text_input(key="second").value
    assert (first, second) != before
    assert len(second) > len(first)
    queries = static_data.scene_set()[0].queries
    pairs = zip(queries.queries_a, queries.queries_b, queries.kinds, strict=True)
    assert (first, second, "expansion") in set(pairs)


def test_agreement_is_shown_with_whether_the_wanted_picture_is_in_it() -> None:
    rows = np.array([[0.8, 0.6, 0, 0], [0.6, 0, 0.8, 0]], dtype=np.float32)
    found = retrieving.retrieve(rows, SQUARE, ["a", "b", "c", "d"], 2)
    assert [retrieving.wanted_ranks(found.table, place) for place in range(4)] == [
        (1, 2),
        (2, 0),
        (0, 1),
        (0, 0),
    ]
    said = [retrieving.finding({"base": found}, 2, place) for place in (0, 1, 3, -1)]
    assert "**wanted picture** stands at 1 and 2 by the base tower" in said[0]
    assert "**wanted picture** in one list only, at 2" in said[1]
    assert "in neither list: what agrees there is wrong" in said[2]
    assert "not known of these queries" in said[3]


def test_the_example_in_which_most_happens_comes_first() -> None:
    rows = {
        "base": np.stack([SQUARE[[0, 1, 2]], SQUARE[[1, 1, 3]]]),
        "tuned": np.stack([SQUARE[[0, 1, 2]], SQUARE[[0, 1, 3]]]),
    }
    order = retrieving.telling(rows, SQUARE, np.array([0, 1, 2]), 1)
    assert order[0] == 0  # the tuned tower finds picture 0 under both, the base tower does not
    assert retrieving.telling({"base": rows["base"]}, SQUARE, np.array([0, 1, 2]), 1)[0] == 1


def test_other_pictures_bring_queries_of_their_own(open_queries: OpenApp) -> None:
    app = open_queries()
    app.selectbox(key="pictures").set_value("All nouns").run()
    assert not app.exception
    assert (app.text_input(key="first").value, app.text_input(key="second").value) == ("a rabbit", "a bunny")
    assert "One drawing a thing" in texts(app)


def test_one_sentence_in_both_boxes_is_in_full_agreement(open_queries: OpenApp) -> None:
    app = open_queries(first="a dog", second="a dog")
    assert {metric.value for metric in app.metric} == {"1.00"}  # nobody knows which dog is wanted


@pytest.mark.parametrize(
    ("typed_text", "problem"),
    [("", "is empty"), ("  ", "is empty"), ("x" * 301, "has 301 characters"), ("?!", "no letter or digit")],
)
def test_a_query_that_cannot_be_used_is_refused(typed_text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        typed.read_query(typed_text)


def test_spaces_are_folded_and_letters_kept() -> None:
    assert typed.read_query("  A  Dog\n") == "A Dog"


def test_an_empty_box_is_an_error_and_the_controls_stay(open_queries: OpenApp) -> None:
    app = open_queries()
    app.text_input(key="first").set_value("").run()
    assert not app.exception
    assert "The first query is empty." in texts(app)
    assert app.text_input(key="second").value


def test_a_run_without_tuned_tensors_shows_its_base_tower(open_queries: OpenApp) -> None:
    app = open_queries(run="shuffled-89ab0123")
    assert not app.exception
    assert len(ribbons(app)) == 1
    assert "has no tuned tensors" in texts(app)


def test_without_any_run_the_page_says_what_to_run(open_app: OpenApp, tmp_path) -> None:
    app = open_app("queries", folder=tmp_path)
    assert not app.exception
    assert "There is no run yet" in texts(app)
