"""The ledger: what gives a claim its verdict, rules on hand-made cases, and laws over random ledgers."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from functools import cache

import pytest
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.papers import ledger as ledger_module
from lexclip_core.papers import measurement, reported
from lexclip_core.papers.claims import Criterion, read_claims, tower_groups
from lexclip_core.papers.measurement import Conditions
from lexclip_core.papers.reported import Place
from lexclip_core.papers.verdicts import (
    by_direction,
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
CLAIMS = read_claims()
UP, DOWN = {"value": 0.05, "low": 0.01, "high": 0.09, "n": 30}, {"value": -0.05, "low": -0.09, "high": -0.01}


def row(table, name: str):
    [found] = table[table["id"] == name].to_dict("records")
    return found


def gain(here=THEIRS, change=UP, quantity="gain.imagenet", **options):
    return here.measured("K = 100", 0.6, quantity, change=change, **({"over": "pictures"} | options))


# --- rules ---


@each(
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


@each(
    ("change", "theirs", "known", "direction"),
    [
        (Estimate(0.1, 0.01, 0.2), 7.9, True, "for"),
        (Estimate(0.1, -0.01, 0.2), 7.9, True, "open"),
        (Estimate(-0.1, -0.2, -0.01), 7.9, True, "against"),
        (Estimate(-0.1, -0.2, -0.01), -18.7, True, "for"),
        (Estimate(0.1, 0.01, 0.2), -18.7, True, "against"),
        (Estimate(0.1, 0.0, 0.2), 7.9, True, "open"),  # an end at 0 is no direction
        (Estimate(0.1, 0.01, 0.2), 7.9, False, "open"),  # an interval over seeds alone
        (Estimate(0.1, 0.01, 0.2), -0.4, True, "open"),  # the paper's own change is within 0.3 + 0.3 + 0.1
    ],
)
def test_the_sign_of_an_effect_is_compared(change, theirs, known, direction):
    assert by_direction(change, theirs, 0.7, known=known) == direction


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.8, 9))
def test_turning_both_effects_round_changes_no_direction(value, half, theirs):
    ours = Estimate(value, value - half, value + half)
    turned = Estimate(-value, -value - half, -value + half)
    assert by_direction(ours, theirs, 0.7) == by_direction(turned, -theirs, 0.7)


def test_a_change_between_two_rounded_numbers_is_known_to_a_tenth():
    # 63.4 to 63.5: each may be off by 0.05, so the paper itself shows no change
    place = Place("paraclip", "Table 1", "OpenAI", "classification", "ParaCLIP")
    assert effect(place) == (pytest.approx(0.1), pytest.approx(0.1))
    assert judge_number(EMOJI.measured("x", 0.5, at=place, change=UP, over="pictures")).direction == "open"
    assert effect(TUNED) == (pytest.approx(7.9), pytest.approx(0.7))  # read off a figure as well


# --- what a number is an effect against, and what it was measured on ---


@each(
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


@each(
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


def test_the_same_numbers_are_judged_there_and_only_seen_here():
    there = judge_number(THEIRS.measured("K = 100", 0.636, at=TUNED))
    assert (there.comparison, there.verdict) == ("value", "reproduced")
    here = judge_number(EMOJI.measured("K = 100", 0.5, at=TUNED, change=UP, over="pictures"))
    assert (here.comparison, here.verdict, here.direction) == ("elsewhere", "not judged here", "for")
    assert "emoji (all-MiniLM-L6-v2 and pictures by emoji), not on ViT-B-32/laion400m_e31" in here.reason
    assert "it points the stated way, interval over pictures" in here.reason
    level = judge_number(EMOJI.measured("K = 100", 0.7, at=BASE))
    assert (level.comparison, level.verdict) == ("level", "not judged here")


def test_another_number_of_classes_is_compared_by_direction():
    made = THEIRS.measured(
        "K = 90", 0.7, at=TUNED, change=UP, over="pictures", differs="K = 90 in place of 100"
    )
    found = judge_number(made)
    assert (found.comparison, found.verdict) == ("direction", "reproduced")
    assert found.reason.startswith("K = 90 in place of 100: it points the stated way")


@pytest.mark.parametrize(
    ("row", "column"),
    [("templates", "accuracy swing, at most"), ("synonyms", "accuracy lost, relative")],
)
def test_a_bound_in_the_text_is_never_compared_by_value(row, column):
    place = Place("blog", "text", row, column, "classification")
    found = judge_number(THEIRS.measured("lost", UP, at=place, over="pictures"))
    assert found.comparison == ("level" if "at most" in column else "elsewhere")
    assert found.verdict == "not judged here"
    assert found.direction == ("" if "at most" in column else "for")


def test_one_pairs_cosines_are_known_exactly_and_a_share_is_not():
    place = Place("blog", "text", "happy", "cosine with sad", "ViT-B-32/laion400m_e31")
    there = Conditions("words", "all", "ViT-B-32/laion400m_e31")
    for change, verdict in ((0.02, "reproduced"), (-0.02, "contradicted")):
        made = there.measured("x", 0.5, "antonym_gap", at=place, unit="cosine", change=change)
        assert judge_claim(made, CLAIMS["B4"]).verdict == verdict
    mean = there.measured("x", 0.5, "antonym_gap", unit="cosine", change={"value": 0.02, "n": 9})
    assert judge_claim(mean, CLAIMS["B4"]).verdict == "within noise"
    assert judge_claim(gain(change=0.1), CLAIMS["B21"]).verdict == "within noise"


@each(
    ("made", "verdict", "direction"),
    [
        (gain(), "reproduced", "for"),
        (gain(change=DOWN), "contradicted", "against"),
        (gain(over=""), "within noise", "open"),  # three seeds agree, and no picture was resampled
        (gain(EMOJI), "not judged here", "for"),
        (gain(EMOJI, DOWN), "not judged here", "against"),
        (gain(Conditions("OpenImages", "all", "ViT-B-32/laion400m_e31")), "not judged here", "for"),
    ],
)
def test_a_claim_is_judged_on_the_tower_and_the_data_that_it_speaks_of(made, verdict, direction):
    found = judge_claim(made, CLAIMS["B21"])
    assert (found.verdict, found.direction) == (verdict, direction)


def test_nothing_but_its_own_quantities_judges_a_claim():
    assert judge_claim(gain(), CLAIMS["B22"]).verdict == ""
    shown = gain(quantity="gain.control")
    assert shown.claims == ("B21",)
    assert judge_claim(shown, CLAIMS["B21"]).verdict == ""
    placed = THEIRS.measured("K = 100", 0.2, at=TUNED)  # contradicts the number, and no claim
    table = ledger_module.ledger_table([placed])
    assert row(table, " | ".join(TUNED))["verdict"] == "contradicted"
    assert row(table, "B21")["verdict"] == "not runnable here"


def test_retrieval_that_rose_never_shows_that_tuning_costs_it():
    """On its own tower: a rise is against "sometimes costs", a fall for it, and one fall is enough."""
    openai = Conditions("COCO and ImageNet", "test", "ViT-B-32-quickgelu/openai", "x")

    def made(classification, retrieval):
        return [
            gain(openai, classification, "table1.classification"),
            gain(openai, retrieval, "table1.image retrieval R@5"),
        ]

    for measured, verdict in (
        (made(UP, UP), "contradicted"),
        (made(UP, DOWN), "reproduced"),
        (made(UP, UP)[:1], "within noise"),  # the other half is unmeasured
        ([gain(openai, UP, "table1.AO@10")], "not runnable here"),
    ):
        assert row(ledger_module.ledger_table(measured), "P21")["verdict"] == verdict


ESTIMATES = st.tuples(st.floats(-1, 1), st.floats(1e-3, 0.5)).map(
    lambda case: {"value": case[0], "low": case[0] - case[1], "high": case[0] + case[1], "n": 9}
)
TESTS = [(claim, test) for claim in CLAIMS.values() for test in claim.tests]


@st.composite
def ledgers(draw):
    """Random measurements of random quantities, on the claims' own towers and data, and on others."""
    made = []
    for claim, test in draw(st.lists(st.sampled_from(TESTS), max_size=6)):
        towers = [tower_groups()[group][0] for group in claim.towers] or [""]
        tower = draw(st.sampled_from([*towers, "all-MiniLM-L6-v2"]))
        here = Conditions(draw(st.sampled_from([f"{claim.data_of(test)} set", "emoji"])), "test", tower)
        over = draw(st.sampled_from(["items", ""]))
        change = draw(st.none() | ESTIMATES)
        made.append(here.measured("x", draw(ESTIMATES), test.quantity, change=change, over=over))
    return made


@settings(max_examples=60)
@given(ledgers())
def test_no_random_ledger_supports_a_claim_with_what_is_against_it(measured):
    """A rise never "costs", a fall never "gains"; what decides is over items, on the claim's own tower."""
    table = ledger_module.ledger_table(measured).set_index("id")
    for claim in CLAIMS.values():
        verdict = table.loc[claim.id, "verdict"]
        tests = {one.quantity: one for one in claim.tests}
        mine = [one for one in measured if one.quantity in tests]
        own = [one for one in mine if judge_claim(one, claim).comparison == "test"]
        if verdict in ("reproduced", "contradicted"):
            part = "supports" if verdict == "reproduced" else "against"
            deciding = [
                one
                for one in own
                for criterion in [getattr(tests[one.quantity], part)]
                for estimate in [one.change if criterion.part == "change" else one.value]
                if one.over and estimate is not None and criterion.holds(*estimate.ends)
            ]
            assert deciding
            if verdict == "reproduced" and claim.rule == "all":
                assert {one.quantity for one in deciding} == set(tests)
        elif verdict == "not judged here":
            assert mine
            assert not own


@each(("claim", "test"), TESTS)
def test_nothing_counts_both_for_and_against_a_claim(claim, test):
    for low, high in ((-2, -1), (-0.005, 0.005), (0.01, 0.2), (0.9, 0.99), (1, 1), (2, 3), (53811, 53811)):
        assert not (test.supports.holds(low, high) and test.against.holds(low, high))
    assert test.supports.part == test.against.part


def test_a_criterion_is_a_part_a_relation_and_a_number():
    assert Criterion.read("value below 0.5").holds(0.1, 0.4)
    assert not Criterion.read("value below 0.5").holds(0.1, 0.5)
    for text in ("value under 0", "gain above 0", "value above", "value above x"):
        with pytest.raises(InputError, match="is not a criterion"):
            Criterion.read(text)


def test_every_test_of_a_claim_must_support_it():
    half = [gain(quantity="gain.imagenet")]
    assert combined(CLAIMS["B21"], [judge_claim(one, CLAIMS["B21"]) for one in half]) == "reproduced"
    one = THEIRS.measured("x", {"value": 0.4, "low": 0.3, "high": 0.5}, "name_cost.synonym", over="pictures")
    assert combined(CLAIMS["B2"], [judge_claim(one, CLAIMS["B2"])]) == "within noise"


# --- the table ---


def test_without_measurements_every_row_says_what_would_run_it():
    table = ledger_module.ledger_table(())
    assert list(table.columns) == [*ledger_module.TEXT_COLUMNS, *ledger_module.NUMBER_COLUMNS]
    assert set(table["verdict"]) == {"not runnable here", "implemented", "undefined"}
    assert (table["kind"] == "claim").sum() == 30 + 26
    assert (table["kind"] == "number").sum() == len(reported.read())
    assert table["id"].is_unique
    waiting = table[table["verdict"] == "not runnable here"]
    assert waiting["reason"].str.contains("needs .+").all()
    assert {"B30", "P6", "P26"} == {
        one for one in waiting.loc[~waiting["reason"].str.contains("notebook"), "id"] if len(one) < 4
    }


def test_ours_is_given_in_the_unit_of_theirs():
    change = {"value": 0.08, "low": 0.02, "high": 0.14, "n": 40}
    ours = {"value": 0.60, "low": 0.55, "high": 0.65, "n": 40}
    seeds = {"value": 0.07, "low": 0.06, "high": 0.08, "n": 3}
    made = EMOJI.measured(
        "K = 100", ours, "gain.imagenet", at=TUNED, change=change, over="pictures", by_seed=seeds
    )
    table = ledger_module.ledger_table([made])
    found = row(table, " | ".join(TUNED))
    assert (found["reported"], found["reported_change"]) == (63.5, pytest.approx(7.9))
    assert (found["ours"], found["low"], found["high"], found["n"]) == (60, pytest.approx(55), 65, 40)
    assert (found["change"], found["change_low"], found["by_seed"]) == pytest.approx((8, 2, 7))
    assert (found["data"], found["text_tower"], found["over"]) == ("emoji", "all-MiniLM-L6-v2", "pictures")
    assert [found[name] for name in ("verdict", "comparison", "direction")] == [
        *("not judged here", "elsewhere", "for")
    ]
    claim = row(table, "B21")
    assert (claim["verdict"], claim["direction"]) == ("not judged here", "for")
    assert claim["reason"].startswith(
        "a claim about ViT-B-32/laion400m_e31 on imagenet; here we see: K = 100:"
    )
    assert row(table, "B22")["verdict"] == "not runnable here"


OPEN = {"value": 0.0, "low": -0.1, "high": 0.1}


@each(
    ("changes", "direction"),
    [
        ((UP, OPEN), "for"),
        ((DOWN, OPEN), "against"),
        ((UP, OPEN, OPEN), "open"),
        ((DOWN, OPEN, OPEN), "open"),  # of so many, some lie beyond 0 by chance
        ((UP, UP, DOWN), "open"),
    ],
)
def test_elsewhere_a_claim_points_where_half_of_it_does_and_nothing_the_other_way(changes, direction):
    found = row(ledger_module.ledger_table([gain(EMOJI, change) for change in changes]), "B21")
    assert (found["verdict"], found["direction"]) == ("not judged here", direction)


@each(
    ("ways", "direction"),
    [((UP, UP), "for"), ((UP, OPEN), "open"), ((UP, DOWN), "against"), ((OPEN, DOWN), "against")],
)
def test_elsewhere_every_test_of_a_claim_must_point_the_stated_way(ways, direction):
    quantities = ("paraphrased_L1.AO@10", "paraphrased_L1.AO@10_minus_STS")
    made = [EMOJI.measured("x", *one, over="queries") for one in zip(ways, quantities, strict=True)]
    assert row(ledger_module.ledger_table(made), "P16")["direction"] == direction


@each(("changes", "direction"), [((UP, DOWN), "for"), ((UP, OPEN), "open"), ((UP, UP), "against")])
def test_elsewhere_what_is_said_of_some_points_that_way_with_one(changes, direction):
    quantities = ("table1.classification", "table1.image retrieval R@5")
    made = [gain(EMOJI, change, one) for change, one in zip(changes, quantities, strict=True)]
    assert row(ledger_module.ledger_table(made), "P21")["direction"] == direction


def test_weights_of_another_checksum_are_not_the_papers_tower():
    here = replace(THEIRS, verified=False)
    found = judge_claim(gain(here), CLAIMS["B21"])
    assert (found.comparison, found.verdict, found.direction) == ("elsewhere", "not judged here", "for")
    assert "(unverified)" in found.reason
    assert not same_setting(TUNED, here)


def test_the_papers_own_setting_outweighs_every_other():
    measured = [
        EMOJI.measured("K = 100", 0.60, at=TUNED, change=DOWN, over="pictures"),
        THEIRS.measured("K = 100", 0.635, at=TUNED, change=0.079),
    ]
    found = row(ledger_module.ledger_table(measured), " | ".join(TUNED))
    assert (found["verdict"], found["comparison"], found["tests"]) == ("reproduced", "value", "1 reproduced")


def test_a_level_elsewhere_is_shown_without_a_verdict():
    found = row(ledger_module.ledger_table([EMOJI.measured("K = 100", 0.7, at=BASE)]), " | ".join(BASE))
    assert (found["ours"], found["verdict"]) == (70, "not judged here")
    assert "a level has no direction" in found["reason"]
    assert "needs CLIP weights" in found["reason"]


def test_one_measurement_next_to_several_numbers_is_one_row():
    places = [TUNED._replace(row=classes) for classes in ("100", "150", "478")]
    table = ledger_module.ledger_table([gain(EMOJI, at=places)])
    numbers = table[table["kind"] == "number"]
    assert len(numbers) == len(reported.read()) - 2
    found = row(table, " | ".join(TUNED))
    assert found["neighbours"] == "150, tuned replaced: 61.5; 478, tuned replaced: 45.4"
    assert found["tests"] == "1 not judged here"
    assert row(table, "B21")["tests"] == "1 not judged here"
    assert not set(numbers["id"]) & {" | ".join(place) for place in places[1:]}


def test_a_setting_of_ours_is_implemented_and_no_result():
    table = ledger_module.ledger_table()
    settings = table[(table["kind"] == "number") & (table["verdict"] == "implemented")]
    assert settings["ours"].isna().all()
    names = [one.split(" | ")[3] for one in settings["id"]]
    assert sorted(names) == sorted(one for claim in CLAIMS.values() for one in claim.settings)
    results = table[(table["kind"] == "number") & (table["verdict"] == "reproduced")]
    assert set(results["unit"]) == {"count"}


def test_readings_of_what_is_undefined_are_listed_with_their_numbers():
    table = ledger_module.ledger_table(
        [
            EMOJI.measured("same order", 0.7, "template_consistency.same"),
            EMOJI.measured("right order", 0.34, "template_consistency.expected"),
        ]
    )
    found = row(table, "B6")
    assert found["verdict"] == "undefined"
    assert "same order: 70.0" in found["reason"]
    assert "right order: 34.0" in found["reason"]


def test_the_details_have_everything_next_to_a_claim():
    found = ledger_module.claim_details([gain(), gain(quantity="gain.control")])
    assert found[["claim", "verdict"]].to_numpy().tolist() == [["B21", "reproduced"], ["B21", ""]]
    said = ledger_module.judgements([gain(EMOJI), gain(quantity="gain.control")])
    assert said["verdict"].tolist() == ["○ not judged here", "○ not judged here"]
    assert said["why"].tolist()[1] == "shown, no ground for a verdict"


NUMBERS = st.floats(-1, 1, allow_subnormal=False)


@given(
    NUMBERS,
    st.sampled_from(["share", "cosine", "number"]),
    st.lists(st.floats(0, 0.3), min_size=6, max_size=6),
)
def test_no_interval_without_a_width_is_ever_written(value, unit, widths):
    low, high, change_low, change_high, by_low, by_high = widths
    made = EMOJI.measured(
        "x",
        {"value": value, "low": value - low, "high": value + high},
        "gain.control",
        change={"value": value, "low": value - change_low, "high": value + change_high},
        by_seed={"value": value, "low": value - by_low, "high": value + by_high},
        over="pictures",
        unit=unit,
    )
    [found] = ledger_module.claim_details([made]).to_dict("records")
    text = ledger_module.measured_text(found)
    assert all(one != other for one, other in re.findall(r"(\S+) to ([^\s)]+)\)", text)), text


# --- files ---


def test_what_is_written_is_read_back(tmp_path):
    recorded = {"commit": "c0ffee", "measured": [EMOJI.measured("rate", 0.5, "inversion_rate").as_dict()]}
    found = measurement.recorded_measurements(recorded, notebook="01_observations", profile="embedded")
    [path] = measurement.write_measurements(found, tmp_path)
    assert path.name == "01_observations.json"
    assert measurement.read_measurements(tmp_path) == found
    assert (found[0].profile, found[0].commit) == ("embedded", "c0ffee")
    with pytest.raises(InputError, match="says not its notebook"):
        measurement.write_measurements([EMOJI.measured("rate", 0.5, "inversion_rate")], tmp_path)
    with pytest.raises(MissingResourceError, match="none is not there"):
        measurement.read_measurements(tmp_path / "none")


@each(
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


# --- claims ---


def test_every_claim_is_there_and_the_documentation_says_the_same():
    assert list(CLAIMS) == [f"B{n}" for n in range(1, 31)] + [f"P{n}" for n in range(1, 27)]
    page = (storage.project_root() / "docs" / "claims.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| ([BP]\d+) \| (.+?) \|$", page, re.MULTILINE))
    assert listed == {one.id: one.statement for one in CLAIMS.values()}


@cache
def names_in(name: str) -> set[str]:
    [path] = (storage.project_root() / "tests").rglob(name)
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if hasattr(node, "name")}


@each("claim", [one for one in CLAIMS.values() if one.shown_by])
def test_what_is_implemented_is_shown_by_tests_that_exist(claim):
    for place in claim.shown_by:
        file, _, name = place.partition("::")
        assert name in names_in(file), place


def test_every_quantity_is_recorded_or_waits_for_towers_that_are_not_here():
    recorded = {one.quantity for one in measurement.read_measurements()}
    table = ledger_module.ledger_table().set_index("id")["verdict"]
    for claim in CLAIMS.values():
        if table[claim.id] != "not runnable here":
            assert set(claim.quantities) <= recorded, claim.id


def test_every_setting_is_a_reported_number_of_its_claim():
    for claim in CLAIMS.values():
        columns = {place.column for place, one in reported.places().items() if claim.id in one.claims}
        assert set(claim.settings) <= columns, claim.id


def test_what_the_documents_say_of_the_ledger_is_counted():
    tally = ledger_module.tally()
    for document in ("README.md", "docs/claims.md"):
        text = (storage.project_root() / document).read_text(encoding="utf-8")
        assert tally in " ".join(text.split()), f"{document} must say: {tally}"


@each(
    ("old", "new", "message"),
    [
        ("[B7]", "[B77]", "B7"),
        ('kind = "undefined"\n', 'kind = "vague"\n', "B6"),
        ('towers = ["the blog"]', 'towers = ["word2vec"]', "adds the blog|word2vec"),
        ('"change above 0"', '"change over 0"', "is not a criterion"),
        ("statement =", "states =", "cannot be read"),
        ("[towers]", "[", "claims.toml is not TOML"),
    ],
)
def test_a_damaged_list_of_claims_is_named(tmp_path, old, new, message):
    source = (storage.data_folder() / "claims.toml").read_text(encoding="utf-8")
    path = tmp_path / "claims.toml"
    path.write_text(source.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DamagedFileError, match=message):
        read_claims(path)
    with pytest.raises(MissingResourceError, match="none is not there"):
        read_claims(tmp_path / "none")
