"""The explorer's words: sentences made of numbers, typed text checked, tables of metrics."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from pathlib import Path

import findings
import layout
import metric_names
import numpy as np
import pandas as pd
import pytest
import run_names
import saved_view
import tables
import triples
import typed
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import cosines


def summary(run_id: str, metrics: dict) -> run_folder.RunSummary:
    return run_folder.RunSummary(run_id, Path(run_id), 1, {"preset": "lexclip"}, metrics, {}, 3, False, False)


AUC = "test/synonym_over_antonym_auc"


def test_the_headline_is_the_auc_on_test_words() -> None:
    auc = [f"dev/{AUC[5:]}", f"{AUC}/nouns", AUC]
    assert metric_names.headline(["retention/test/drift", "heldout/men/spearman", *auc]) == AUC
    assert metric_names.headline(["heldout/men/spearman", "dev/x"]) == "heldout/men/spearman"
    assert metric_names.headline(["retention/test/drift", "dev/x", "test/unheard_of"]) is None


@each(
    ("key", "shown"),
    [
        ("heldout/simlex-999/spearman", "SimLex-999 (Spearman) [heldout]"),
        ("retention/dev/neighbour_overlap@10", "Neighbours retained, of 10 [dev]"),
        ("test/inversion_rate/same_synset/v", "Antonym nearer than synonym (rate) verbs [test]"),
        ("retention/men", "men [retention]"),
        ("test/brand_new", "brand new [test]"),
        ("alone", "alone"),
    ],
)
def test_metrics_are_named_for_readers(key: str, shown: str) -> None:
    assert metric_names.full_label(key).replace("MEN", "men") == shown


def test_an_interval_has_a_width() -> None:
    said = findings.interval({"low": 0.125, "high": 0.375})
    assert said == " (95 % interval 0.12 to 0.38)"
    assert findings.interval({"low": 0.75, "high": 0.752}) == findings.interval({"value": 0.75}) == ""


def test_a_triple_says_which_word_is_nearer_on_each_side() -> None:
    table = tables.blog_pairs().assign(cosine_before=[0.2, 0.6, 0.5, 0.1], cosine_after=[0.9, -0.3, 0.5, 0.1])
    said = findings.triple(table, "happy", str)
    assert said == (
        "**happy**: before tuning it is nearer to **sad** (0.60) than to cheerful (0.20); "
        "after it is nearer to **cheerful** (0.90) than to sad (\N{MINUS SIGN}0.30)."
    )


def test_mean_cosines_by_relation() -> None:
    table = pd.DataFrame(
        {"relation": ["synonym", "synonym"], "cosine_before": [1 / 2, 1 / 4], "cosine_after": [1, 0]}
    )
    said = findings.relations(cosines.pair_summary(table), str)
    assert said == "Mean cosine, before → after: **synonym** 0.38 → 0.50 (2 pairs)."


def test_neighbours_are_counted_and_at_most_three_named() -> None:
    table = pd.DataFrame({"neighbour": list("abcde"), "change": ["stayed", *["left"] * 4]})
    said = findings.neighbours(table, "w", str)
    assert said == "Of the 5 words nearest to **w**, **1** stayed, 4 left (b, c, d, …) and 0 entered."


def test_no_history_is_said() -> None:
    assert findings.history(pd.DataFrame({"total": []})) == "This run has no history."


def test_the_loss_is_compared_over_a_tenth_of_the_steps() -> None:
    table = pd.DataFrame({"step": range(20), "seconds": range(20), "total": [4, 2, *[1] * 16, 1 / 2, 1 / 4]})
    said = findings.history(table)
    assert "first tenth of the steps **3**, over the last tenth **0.375**; 20 steps in 19 seconds" in said


def test_metrics_stand_base_first_then_the_chosen_run() -> None:
    first = summary("b", {AUC: {"value": 0.8, "before": 0.4, "low": 0.7, "high": 0.9, "n": 10}})
    other = summary("a", {AUC: {"value": 0.5}, "test/other": {"value": 1}})
    rows = tables.metric_rows((other, first), first, (AUC,))
    assert list(rows["run"]) == ["before tuning", "lexclip (b)", "lexclip (a)"]
    assert list(rows["value"]) == [0.4, 0.8, 0.5]
    assert np.isnan(rows["low"].iloc[2])


def test_settings_are_flattened_with_dots() -> None:
    table = tables.settings_table({"seed": 0, "versions": {"torch": "2"}})
    assert dict(zip(table["setting"], table["value"], strict=True)) == {"seed": "0", "versions.torch": "2"}
    assert tables.settings_table({}).empty


def test_parent_cosines_are_taken_in_the_original_space() -> None:
    before = np.array([[1, 0], [0.6, 0.8]], np.float32)
    run = run_folder.Run("r", {}, {}, pd.DataFrame(), ("dog", "Hound"), before, before[::-1])
    drawn = pd.DataFrame(
        {
            "word": ["dog", "Hound", "beagle"],
            "synset": ["dog.n.01", "hound.n.01", "beagle.n.01"],
            "parent": ["", "dog.n.01", "hound.n.01"],
            "gloss": "",
        }
    )
    edges = tables.parent_cosines(drawn, {"dog": 0, "hound": 1}, run)
    assert list(edges["parent"]) == ["", "dog", "Hound"]
    np.testing.assert_allclose(edges["cosine_before"], [np.nan, 3 / 5, np.nan], rtol=1e-6)
    summary = {"words": 3, "furthest": "dog", "trustworthiness_before": np.nan, "trustworthiness_after": 1.0}
    said = findings.subtree(summary, edges, str)
    assert said.startswith("3 words; **dog** moved furthest on the map.")
    assert "**0.60** before, **0.60** after (1 edges)" in said
    assert "Trustworthiness" not in said


@pytest.mark.parametrize(
    ("text", "word"), [("  Happy ", "happy"), ("ice_cream", "ice cream"), ("TRAFFIC-light", "traffic light")]
)
def test_typed_words_are_normalised(text: str, word: str) -> None:
    assert typed.read_word(text) == word


@given(st.text(max_size=300))
def test_any_typed_text_is_taken_or_refused_with_a_remedy(text: str) -> None:
    try:
        outcome = typed.read_word(text)
    except InputError as error:
        outcome = error.remedy
        sound = outcome.startswith("Type ")
    else:
        sound = 0 < len(outcome) <= 3 * typed.MAX_LENGTH  # case folding may lengthen a letter
    assert sound


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_literal_escapes_every_ascii_mark_and_nothing_else(text: str) -> None:
    shown = layout.literal(text).replace("\u2060", "")
    unescaped = "".join(part for part in shown.replace("\\\\", "\0").replace("\\", "")).replace("\0", "\\")
    assert unescaped == text


RELATIONS = {"method": "relations", "tower": "t", "seed": 0, "control": "none"}


@each(
    ("configs", "names"),
    [
        ([RELATIONS], ["synonyms and opposites, seed 0"]),
        (
            [RELATIONS, RELATIONS | {"control": "shuffled"}, RELATIONS | {"seed": 1}],
            [
                "synonyms and opposites, seed 0",
                "synonyms and opposites, control: shuffled targets, seed 0",
                "synonyms and opposites, seed 1",
            ],
        ),
        (
            [RELATIONS | {"steps": 9}, RELATIONS | {"steps": 8}, RELATIONS | {"tower": "u"}],
            [
                "synonyms and opposites, seed 0 (steps 9)",
                "synonyms and opposites, seed 0 (steps 8)",
                "synonyms and opposites, seed 0, u",
            ],
        ),
        ([RELATIONS, RELATIONS], [f"synonyms and opposites, seed 0 (run{i})" for i in (0, 1)]),
        ([{"method": "matrix", "words": "hot, cold, warm, tepid"}], ["4 words: hot, cold, warm …"]),
        ([{"method": "paraphrases", "image_caption": 0.0}], ["paraphrases of emoji scenes, texts alone"]),
        ([{"method": "paraphrases", "image_caption": 1.0}], ["paraphrases of emoji scenes"]),
        ([{}], ["a run"]),
    ],
)
def test_runs_have_readable_names_that_differ(configs: list[dict], names: list[str]) -> None:
    runs = [dataclasses.replace(summary(f"run{i}", {}), config=config) for i, config in enumerate(configs)]
    assert list(run_names.names(runs).values()) == names


def test_a_triple_is_told_by_its_numbers_alone() -> None:
    near, far = (0.6, 0.65, 0.7), (0.8, 0.655, 0.5)
    triple = triples.Triple("wide", "broad", "narrow", "synonym", (0, 50, 100), near, far)
    assert triple.outcome == "repaired"
    assert triples.sentences(triple) == [
        "Before, the opposite is nearer: “narrow”, not “broad”.",
        "Half-way: both are about equally near.",
        "Before, the opposite was nearer. Now “broad” is.",
    ]
    worse = dataclasses.replace(triple, near=(0.8, 0.7, 0.5), far=(0.6, 0.6, 0.6))
    assert triples.sentences(worse)[0] == "Before, “broad” is nearer already: no fault on this word."
    assert triples.sentences(worse)[-1].endswith("made worse.")
    still = dataclasses.replace(triple, near=(0.5, 0.5, 0.5), far=(0.6, 0.6, 0.6))
    assert triples.sentences(still)[-1].endswith("Not repaired.")


def test_a_saved_view_is_one_small_file_that_asks_for_nothing() -> None:
    import plotly.graph_objects as go

    view = saved_view.View("Pairs <b>")
    view.text("**hot** \\<img\\> `x`  \nend", finding=True)
    view.chart(go.Figure(go.Scatter(x=[1], y=[2], text=["</script><script>alert(1)</script>"])), "A point")
    view.table(pd.DataFrame({"word": ["hot", "<i>"], "picture": ["data:x", "data:y"]}), "All pairs")
    page = view.html("/pairs?a=<b>")
    assert len(page.encode()) < 5_000_000
    assert "alert(1)</script>" not in page
    assert "<img" not in page
    assert "<i>" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert 'aria-label="A point"' in page
    archive = zipfile.ZipFile(io.BytesIO(view.zipped()))
    assert archive.read("1-all-pairs.csv").decode().split() == ["word", "hot", "<i>"]
