"""The ledger: rules of the verdicts on hand-made cases, and the join of ours with both papers."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers import ledger as ledger_module
from lexclip_core.papers import measurement, reported
from lexclip_core.papers.measurement import Conditions, Expectation
from lexclip_core.papers.reported import Place
from lexclip_core.papers.verdicts import (
    by_direction,
    by_statement,
    by_value,
    combined,
    data_of,
    effect,
    judge_claim,
    judge_number,
    reference,
    same_setting,
    tower_of,
)

EMOJI = Conditions("emoji", "heldout", "all-MiniLM-L6-v2", "emoji")
THEIRS = Conditions("ImageNet val", "heldout", "ViT-B-32/laion400m_e31", "ViT-B-32/laion400m_e31")
TUNED = Place("blog", "ImageNet", "100", "tuned replaced", "synonym")
BASE = TUNED._replace(column="base original")


def row(table, name: str):
    [found] = table[table["id"] == name].to_dict("records")
    return found


# --- rules ---


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (Estimate(63.8), "reproduced"),  # 63.5 +- 0.3 read off a figure
        (Estimate(63.81), "contradicted"),
        (Estimate(63.19, 60, 66, 3), "within noise"),
        (Estimate(60, 57, 63.2), "within noise"),
        (Estimate(60, 57, 63.1), "contradicted"),
        (Estimate(70, 63.8, 76), "within noise"),
    ],
)
def test_on_the_papers_own_setting_the_value_counts(ours, verdict):
    assert by_value(ours, 63.5, 0.3) == verdict


def test_a_count_is_the_same_or_not():
    assert by_value(Estimate(31989), 31989, 0) == "reproduced"
    assert by_value(Estimate(31990), 31989, 0) == "contradicted"


@pytest.mark.parametrize(
    ("change", "theirs", "verdict"),
    [
        (Estimate(0.1, 0.01, 0.2), 7.9, "reproduced"),
        (Estimate(0.1, -0.01, 0.2), 7.9, "within noise"),
        (Estimate(-0.1, -0.2, -0.01), 7.9, "contradicted"),
        (Estimate(-0.1, -0.2, -0.01), -18.7, "reproduced"),
        (Estimate(0.1, 0.01, 0.2), -18.7, "contradicted"),
        (Estimate(0.1, 0.0, 0.2), 7.9, "within noise"),  # an end at 0 is no direction
        (Estimate(0.1, None, None, 1), 7.9, "within noise"),  # one draw
        (Estimate(0.1, 0.01, 0.2), -0.4, "within noise"),  # the paper's own change is within 0.3 + 0.3
    ],
)
def test_on_another_setting_the_direction_counts(change, theirs, verdict):
    assert by_direction(change, theirs, 0.6) == verdict


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.7, 9))
def test_turning_both_effects_round_changes_no_verdict(value, half, theirs):
    ours = Estimate(value, value - half, value + half)
    turned = Estimate(-value, -value - half, -value + half)
    assert by_direction(ours, theirs, 0.6) == by_direction(turned, -theirs, 0.6)


@pytest.mark.parametrize(
    ("value", "expected", "verdict"),
    [
        (Estimate(0.5, 0.4, 0.6), ("above", 0.25), "reproduced"),
        (Estimate(0.5, 0.2, 0.6), ("above", 0.25), "within noise"),
        (Estimate(0.2, 0.1, 0.24), ("above", 0.25), "contradicted"),
        (Estimate(0.0, 0.0, 0.0), ("above", 0), "within noise"),  # no effect is no opposite effect
        (Estimate(0.2, 0.1, 0.24), ("below", 0.25), "reproduced"),
        (Estimate(0.5, 0.4, 0.6), ("below", 0.25), "contradicted"),
        (Estimate(0.9, 0.8, 0.99), ("equals", 1), "contradicted"),
        (Estimate(0.9, 0.8, 1.0), ("equals", 1), "reproduced"),
        (Estimate(0.9), ("above", 0), "within noise"),  # a share without an interval decides nothing
    ],
)
def test_a_claim_is_judged_by_what_it_predicts(value, expected, verdict):
    assert by_statement(value, Expectation(*expected), exact=False) == verdict


def test_what_is_counted_needs_no_interval():
    assert by_statement(Estimate(-0.1), Expectation("below", 0), exact=True) == "reproduced"
    assert by_statement(Estimate(1), Expectation("equals", 1), exact=True) == "reproduced"
    assert by_statement(Estimate(0), Expectation("equals", 1), exact=True) == "contradicted"


@pytest.mark.parametrize(
    ("verdicts", "one"),
    [
        ([], "not runnable here"),
        (["not runnable here"], "not runnable here"),
        (["reproduced", "within noise"], "reproduced"),
        (["reproduced", "within noise", "within noise"], "within noise"),
        (["reproduced"] * 9 + ["contradicted"], "contradicted"),
    ],
)
def test_a_claim_is_general(verdicts, one):
    assert combined(verdicts) == one


# --- what a number is an effect against, and what it was measured on ---


@pytest.mark.parametrize(
    ("place", "against"),
    [
        (TUNED, TUNED._replace(column="base replaced")),
        (TUNED._replace(column="base replaced"), BASE),
        (BASE, None),
        (
            Place("blog", "OpenImages comparison", "93", "replaced", "synonym / ImageNet mixed"),
            Place("blog", "OpenImages comparison", "93", "replaced", "synonym / base"),
        ),
        (
            Place("blog", "OpenImages comparison", "93", "replaced", "synonym / base"),
            Place("blog", "OpenImages comparison", "93", "original", "synonym / base"),
        ),
        (Place("blog", "OpenImages comparison", "93", "original", "synonym / base"), None),
        (
            Place("blog", "text", "happy", "cosine with sad", "ViT-B-32/laion400m_e31"),
            Place("blog", "text", "happy", "cosine with cheerful", "ViT-B-32/laion400m_e31"),
        ),
        (
            Place("paraclip", "Table 1", "OpenAI", "STS", "ParaCLIP"),
            Place("paraclip", "Table 1", "OpenAI", "STS", "base"),
        ),
        (
            Place("paraclip", "Table 2", "L2+L3", "STS", "OpenAI"),
            Place("paraclip", "Table 2", "base", "STS", "OpenAI"),
        ),
        (
            Place("open_clip", "zero-shot results", "ViT-B-32-quickgelu", "ImageNet top-1", "laion400m_e31"),
            Place("open_clip", "zero-shot results", "ViT-B-32", "ImageNet top-1", "laion400m_e31"),
        ),
        (
            Place("open_clip", "zero-shot results", "ViT-B-32-quickgelu", "ImageNet top-1", "openai"),
            None,
        ),
    ],
)
def test_an_effect_has_its_reference(place, against):
    assert place in reported.places()
    assert reference(place) == against
    assert effect(place)[0] == (
        None
        if against is None
        else pytest.approx(reported.places()[place].value - reported.places()[against].value)
    )


def test_every_tuned_number_has_a_reference_and_every_reference_is_there():
    tuned = [one for one in reported.places() if "tuned" in one.column or one.setting == "ParaCLIP"]
    lacking = [one for one in tuned if effect(one)[0] is None]
    assert len(tuned) == 2 * (20 + 3 + 2) + 5 * 8 + 14
    assert lacking == []


@pytest.mark.parametrize(
    ("made", "same"),
    [
        (THEIRS, True),
        (EMOJI, False),
        (Conditions("OpenImages", "heldout", "ViT-B-32/laion400m_e31"), False),
        (Conditions("ImageNet val", "heldout", "ViT-B-32-quickgelu/laion400m_e31"), False),
    ],
)
def test_only_the_papers_tower_on_the_papers_data_is_the_same_setting(made, same):
    assert same_setting(TUNED, made) is same


def test_every_accuracy_names_its_tower_and_its_data():
    for place, one in reported.places().items():
        if one.unit in ("percent", "change") and place.setting not in ("templates",):
            assert tower_of(place), place
            assert data_of(place), place


def test_a_count_is_the_same_wherever_it_is_counted():
    place = Place("blog", "text", "WordNet", "polysemous words", "WordNet 3.0")
    assert same_setting(place, Conditions("WordNet 3.0", "all"))


# --- judgements ---


def test_the_same_numbers_are_judged_by_value_there_and_by_direction_here():
    there = judge_number(THEIRS.measured("K = 100", 0.636, TUNED), TUNED)
    assert (there.comparison, there.verdict) == ("value", "reproduced")
    change = {"value": 0.05, "low": 0.01, "high": 0.09, "n": 3}
    here = judge_number(EMOJI.measured("K = 100", 0.5, TUNED, change=change), TUNED)
    assert (here.comparison, here.verdict) == ("direction", "reproduced")
    assert "emoji (all-MiniLM-L6-v2 and pictures by emoji), not on ViT-B-32/laion400m_e31" in here.reason
    assert "direction compared, not value" in here.reason
    level = judge_number(EMOJI.measured("K = 100", 0.7, BASE), BASE)
    assert (level.comparison, level.verdict) == ("level", "not runnable here")


def test_another_number_of_classes_is_another_setting():
    change = {"value": 0.05, "low": 0.01, "high": 0.09, "n": 3}
    made = THEIRS.measured("K = 90", 0.7, TUNED, change=change, differs="K = 90 in place of 100")
    found = judge_number(made, TUNED)
    assert (found.comparison, found.verdict) == ("direction", "reproduced")
    assert found.reason == "K = 90 in place of 100: direction compared, not value"


@pytest.mark.parametrize(
    ("row", "column"),
    [("templates", "accuracy swing, at most"), ("synonyms", "accuracy lost, relative")],
)
def test_a_bound_in_the_text_is_never_compared_by_value(row, column):
    place = Place("blog", "text", row, column, "classification")
    lost = {"value": 0.6, "low": 0.5, "high": 0.7, "n": 5}
    found = judge_number(THEIRS.measured("lost", lost, place), place)
    assert (found.comparison, found.verdict) == ("direction", "reproduced")


def test_a_difference_of_cosines_is_known_exactly():
    place = Place("blog", "text", "happy", "cosine with sad", "ViT-B-32/laion400m_e31")
    for change, verdict in ((0.02, "reproduced"), (-0.02, "contradicted")):
        found = judge_number(EMOJI.measured("x", 0.5, place, unit="cosine", change=change), place)
        assert (found.comparison, found.verdict) == ("direction", verdict)
    assert judge_number(EMOJI.measured("K = 100", 0.5, TUNED, change=0.1), TUNED).verdict == "within noise"


def test_a_paper_that_shows_no_change_decides_nothing():
    # 80.9 to 80.5, both read to 0.3
    place = Place("blog", "ImageNet", "100", "tuned original", "hypernym")
    change = {"value": 0.05, "low": 0.01, "high": 0.09, "n": 3}
    found = judge_number(EMOJI.measured("K = 100", 0.5, place, change=change), place)
    assert found.verdict == "within noise"
    assert "within its reading error" in found.reason


def test_a_measurement_without_a_prediction_or_a_direction_decides_no_claim():
    assert judge_claim(EMOJI.measured("K = 100", 0.7, BASE)) is None
    assert judge_claim(EMOJI.measured("rate", 0.7, "B5")) is None
    found = judge_claim(EMOJI.measured("digests equal", 1, "B7", unit="check", expected=("equals", 1)))
    assert (found.comparison, found.verdict) == ("statement", "reproduced")


# --- the table ---


def test_without_measurements_every_row_says_what_would_run_it():
    table = ledger_module.ledger_table(())
    assert list(table.columns) == [*ledger_module.TEXT_COLUMNS, *ledger_module.NUMBER_COLUMNS]
    assert set(table["verdict"]) == {"not runnable here"}
    assert (table["kind"] == "claim").sum() == 30 + 26
    assert (table["kind"] == "number").sum() == len(reported.read())
    assert table["id"].is_unique
    assert table["reason"].str.contains("needs .+").all()
    nowhere = set(table.loc[~table["reason"].str.contains("notebook"), "id"])
    assert {one for one in nowhere if len(one) < 4} == {"B30", "P6", "P26"}
    assert "13_hypernyms" in row(table, "blog | ImageNet | 100 | tuned replaced | hypernym")["reason"]


def test_ours_is_given_in_the_unit_of_theirs():
    change = {"value": 0.08, "low": 0.02, "high": 0.14, "n": 3}
    ours = {"value": 0.60, "low": 0.55, "high": 0.65, "n": 3}
    table = ledger_module.ledger_table([EMOJI.measured("K = 100", ours, TUNED, change=change)])
    found = row(table, " | ".join(TUNED))
    assert (found["reported"], found["reported_change"]) == (63.5, pytest.approx(7.9))
    assert (found["ours"], found["low"], found["high"], found["n"]) == (60, pytest.approx(55), 65, 3)
    assert (found["change"], found["change_low"]) == (pytest.approx(8), pytest.approx(2))
    assert (found["data"], found["text_tower"]) == ("emoji", "all-MiniLM-L6-v2")
    assert (found["verdict"], found["comparison"]) == ("reproduced", "direction")
    claim = row(table, "B21")
    assert (claim["verdict"], claim["tests"]) == ("reproduced", "1 reproduced")
    assert row(table, "B22")["verdict"] == "not runnable here"


def test_the_papers_own_setting_outweighs_every_other():
    change = {"value": -0.08, "low": -0.14, "high": -0.02, "n": 3}
    measured = [
        EMOJI.measured("K = 100", 0.60, TUNED, change=change),
        THEIRS.measured("K = 100", 0.635, TUNED, change=0.079),
    ]
    found = row(ledger_module.ledger_table(measured), " | ".join(TUNED))
    assert (found["verdict"], found["comparison"], found["tests"]) == ("reproduced", "value", "1 reproduced")


def test_a_level_elsewhere_is_shown_without_a_verdict():
    found = row(ledger_module.ledger_table([EMOJI.measured("K = 100", 0.7, BASE)]), " | ".join(BASE))
    assert (found["ours"], found["verdict"]) == (70, "not runnable here")
    assert "a level has no direction" in found["reason"]
    assert "needs CLIP weights" in found["reason"]


def test_the_details_have_every_test_of_a_claim():
    measured = [
        EMOJI.measured(
            "rate", {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}, "B5", expected=("above", 0.25)
        ),
        EMOJI.measured("rate", {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}, "B5", expected=("equals", 1)),
        EMOJI.measured("no test", 0.5, "B5"),
    ]
    found = ledger_module.claim_details(measured)
    assert found[["claim", "verdict"]].to_numpy().tolist() == [["B5", "reproduced"], ["B5", "contradicted"]]
    claim = row(ledger_module.ledger_table(measured), "B5")
    assert (claim["verdict"], claim["tests"]) == ("contradicted", "1 reproduced, 1 contradicted")
    assert claim["ours"] == 50


def test_one_measurement_at_several_places_is_one_test_of_its_claim():
    change = {"value": 0.08, "low": 0.02, "high": 0.14, "n": 3}
    places = [TUNED._replace(row=str(classes)) for classes in (100, 150, 478)]
    measured = [EMOJI.measured("K = 100", 0.6, place, change=change) for place in places]
    table = ledger_module.ledger_table([*measured, EMOJI.measured("K = 50", 0.7, TUNED, change=change)])
    assert row(table, "B21")["tests"] == "2 reproduced"
    assert [row(table, " | ".join(place))["tests"] for place in places] == [
        "2 reproduced",
        "1 reproduced",
        "1 reproduced",
    ]


# --- files ---


def test_what_is_written_is_read_back(tmp_path):
    recorded = {"commit": "c0ffee", "measured": [EMOJI.measured("rate", 0.5, "B5").as_dict()]}
    found = measurement.recorded_measurements(recorded, notebook="01_observations", profile="embedded")
    [path] = measurement.write_measurements(found, tmp_path)
    assert path.name == "01_observations.json"
    assert measurement.read_measurements(tmp_path) == found
    assert (found[0].profile, found[0].commit) == ("embedded", "c0ffee")
    with pytest.raises(InputError, match="says not its notebook"):
        measurement.write_measurements([EMOJI.measured("rate", 0.5, "B5")], tmp_path)
    with pytest.raises(MissingResourceError, match="none is not there"):
        measurement.read_measurements(tmp_path / "none")


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"notebook": "a"}', '{"notebook": "a", "profile": "b", "commit": "", "measured": [{}]}'],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DamagedFileError, match=r"a\.json cannot be read"):
        measurement.read_measurements(tmp_path)


def test_the_committed_measurements_are_of_the_embedded_profile():
    for path in measurement.measured_folder().glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["profile"] == "embedded"
        assert content["notebook"] == path.stem
    assert len(ledger_module.ledger_table()) == 56 + len(reported.read())


# --- claims ---


def test_every_claim_is_there_and_the_documentation_says_the_same():
    claims = reported.read_claims()
    assert list(claims) == [f"B{n}" for n in range(1, 31)] + [f"P{n}" for n in range(1, 27)]
    page = (storage.project_root() / "docs" / "claims.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| ([BP]\d+) \| (.+?) \|$", page, re.MULTILINE))
    assert listed == {one.id: one.statement for one in claims.values()}


def test_a_damaged_list_of_claims_is_named(tmp_path):
    source = (storage.data_folder() / "claims.csv").read_text(encoding="utf-8")
    path = tmp_path / "claims.csv"
    for content, message in (
        (source.replace("B7,", "B77,"), "B7"),
        ("id,x\n", "columns"),
        (source + "B1,again,,x\n", "B1"),
    ):
        path.write_text(content)
        with pytest.raises(DamagedFileError, match=message):
            reported.read_claims(path)
    with pytest.raises(MissingResourceError, match="none is not there"):
        reported.read_claims(tmp_path / "none")
