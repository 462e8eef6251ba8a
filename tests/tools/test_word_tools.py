"""What is said of names, senses and numbers of words: by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lexclip_core import storage
from lexclip_core.datasets.class_names import NamedClass
from lexclip_core.errors import MissingResourceError
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.evaluation.senses import POLYSEMY
from lexclip_core.experiments.run_folder import run_of_preset
from tools.name_causes import (
    BLOG_NAME,
    HALF,
    LARGE,
    SIZES,
    Question,
    as_sharp,
    hits_of,
    page_table,
    table_rows,
    unit,
)
from tools.tuning_tables import AUC
from tools.word_claims import answer, curve_table, read_curve
from tools.word_vector_tuning import COLUMNS, TRAININGS
from tools.word_vector_tuning import page_table as vectors_table

ROWS = {"cat": (1, 0), "tom": (0.6, 0.8), "dog": (0, 1), "hound": (0.1, 0.9)}
CLASSES = (NamedClass("a", "cat.n.01", "cat", ("tom",)), NamedClass("b", "dog.n.01", "dog", ("hound",)))


def encode(texts: list[str]) -> np.ndarray:
    return unit(np.array([ROWS[text] for text in texts], dtype=float))


@pytest.fixture
def asked() -> Question:
    pictures = unit(np.array([[1, 0.1], [0.1, 1]], dtype=float))
    return Question(CLASSES, (), pictures, np.array([0, 1]), (("cat", "dog"), ("tom", "hound")))


def test_an_oracle_moves_a_name_towards_its_own_until_the_picture_is_right(asked: Question):
    crossed = asked.draws[0], ("hound", "tom")
    found = hits_of(Question(CLASSES, (), asked.features, asked.labels, crossed), asked.features, encode, {})
    assert found["own names"].tolist() == [1, 1]
    assert found["other names"].tolist() == [0, 0]
    assert found["oracle, 25% of the way"].tolist() == [0, 0]
    assert found["oracle, 75% of the way"].tolist() == [1, 1]
    rows = table_rows([(asked, found)], kind="synonym", K=2, tower="all-MiniLM-L6-v2", pictures="emoji")
    gains = {row["method"]: row.get("change") for row in rows}
    assert gains["oracle, 75% of the way"] == 1
    assert gains["other names"] == -1
    assert f"| {next(row for row in rows if row['method'] == HALF)['change']:+.3f} (" in page_table(
        pd.DataFrame(rows)
    )


def test_what_the_page_concludes_holds_in_the_table_that_ships():
    table = pd.read_csv(storage.data_folder() / "name_study" / "causes.csv")
    gains = table.set_index(["pictures", "method", "tower", "kind", "K"]).sort_index()
    blog, half = gains.loc["perfect", BLOG_NAME], gains.loc["perfect", HALF].loc
    minilm = blog.loc[["all-MiniLM-L6-v2"]]
    assert set(table["K"]) == {*SIZES, *LARGE}
    assert (gains.loc["emoji", HALF]["change_low"] > 0).all()  # the pictures could reward it
    assert (blog["change"] > 0).all()  # the method goes the right way
    assert (blog["change_high"] < half[blog.index]["change"]).all()  # and not far
    assert (gains.loc["emoji", BLOG_NAME]["change"] < minilm["change"]).all()  # blur hides it


def test_pictures_as_sharp_as_the_emoji_are_right_as_often():
    own = unit(np.random.default_rng(5).normal(size=(40, 16)))
    seen = own.copy()
    seen[:10] = np.roll(own[:10], 1, axis=0)  # ten pictures are taken for others
    made = Question(CLASSES, (), seen, np.arange(40), ())
    right = (as_sharp(made, own) @ own.T).argmax(axis=1) == np.arange(40)
    assert right.mean() == pytest.approx(0.75, abs=0.05)


def test_the_answer_to_the_worry_follows_the_numbers():
    def changes(one: float, many: float) -> dict:
        found = {
            ("dominant", part): (Estimate(0.5), Estimate(0.8), Estimate(0.2, 0.1, 0.3)) for part in POLYSEMY
        }
        found |= {("all", part): (Estimate(0.5), Estimate(0.7), Estimate(0.1, 0, 0.2)) for part in POLYSEMY}
        for part, value in (("one sense", one), ("five senses or more", many)):
            found["dominant", part] = (
                Estimate(0.5),
                Estimate(0.8),
                Estimate(value, value - 0.1, value + 0.1),
            )
        return found

    assert "gains (+0.300 (+0.200 to +0.400)), no differently, within" in answer(changes(0.2, 0.3))
    assert "gains (+0.500 (+0.400 to +0.600)), more than where" in answer(changes(0.2, 0.5))
    assert "does not gain beyond its interval" in answer(changes(0.4, 0.05))
    assert "less than where" in answer(changes(0.4, 0.05))
    assert "reach 0.700 in place of 0.800" in answer(changes(0.4, 0.05))


def test_the_curve_is_said_row_by_row():
    table = pd.DataFrame(
        [
            (0, "base", None, None, "AUC", 0.5, 0, 0, 0),
            (0, "base", None, None, "rank", 1200, None, None, None),
            (3_000, "none", 605, 902, "AUC", 0.75, 0.25, 0.125, 0.375),
            (3_000, "none", 605, 902, "rank", 90, None, None, None),
        ],
        columns=[
            *("words", "control", "opposites", "relatives", "metric", "value"),
            *("change", "change_low", "change_high"),
        ],
    )
    said = curve_table(table)
    assert "| 0 | base |  | 0.500 | 1,200 |  |" in said
    assert "| 3,000 | lexical | 605, 902 | 0.750 | 90 | +0.250 (+0.125 to +0.375) |" in said


def test_without_its_table_nothing_is_said_of_the_number_of_words(tmp_path):
    with pytest.raises(MissingResourceError, match=r"words\.csv is not there\n.*lexclip word-curve"):
        read_curve(tmp_path / "words.csv")


def test_each_way_to_tune_word_vectors_is_a_column():
    rows = [
        ("a", "x", AUC, 0.5, 0.75, 0.625, 0.875),
        ("b", "y", AUC, 0.5, 0.25, 0.125, 0.375),
        ("a", "x", "test/antonym/median_rank", 1200, 2400, 1000, 3000),
        ("b", "y", "test/antonym/median_rank", 1200, 600, 500, 700),
    ]
    assert vectors_table(pd.DataFrame(rows, columns=[*COLUMNS])).splitlines() == [
        "| measure | `glove-6b-50d` | a | b |",
        "|---|---|---|---|",
        "| … all senses | 0.500 | 0.750 (0.625 to 0.875) | 0.250 (0.125 to 0.375) |",
        "| rank of an antonym, median | 1,200 | 2,400 (1,000 to 3,000) | 600 (500 to 700) |",
        "",
        "The AUC of all senses changes by +0.250 (a), -0.250 (b).",
    ]


def test_word_vectors_gain_less_than_the_encoder_and_nothing_without_the_targets():
    found = pd.read_csv(storage.data_folder() / "scale" / "word_vectors.csv").query("metric == @AUC")
    gains = (found["value"] - found["before"]).set_axis(found["trained"])
    assert list(gains.index) == list(TRAININGS)
    layer, shuffled, rows = gains
    encoder = run_of_preset("lexclip").metrics[AUC]
    assert shuffled < 0 < rows < layer < (encoder["value"] - encoder["before"]) / 4


def test_ten_thousand_words_gain_most_and_shuffled_targets_nothing():
    curve = pd.read_csv(storage.data_folder() / "scale" / "words.csv")
    gains = curve[curve["metric"] == "AUC, dominant senses"].pivot_table(
        index="words", columns="control", values=["change", "change_low"]
    )
    lexical = gains["change", "none"].dropna()
    assert list(lexical.sort_values().index) == [100, 1_000, 50_000, 10_000]
    assert (gains["change_low", "none"].dropna() > 0).all()
    assert (gains["change", "shuffled"].dropna() < 0).all()
