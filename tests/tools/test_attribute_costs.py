"""Captions sorted by what was exchanged in them, and what the page says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from case_tables import each

from lexclip_core import storage
from lexclip_core.experiments.run_folder import run_of_preset
from lexclip_core.experiments.words import make_lexicon
from lexclip_core.wordnet.tables import load_wordnet
from tools.attribute_costs import SORTS, colour_names, exchanged, sorts_of

TABLE = storage.data_folder() / "scale" / "attributes.csv"


@each(
    ("true", "false", "expected"),
    [
        ("A tan sink.", "A white sink.", (["tan"], ["white"])),
        ("two small dogs, one big cat", "two small dogs, one tiny cat", (["big"], ["tiny"])),
        ("a man sits", "an old man sits", (["a"], ["an", "old"])),
        ("Same words", "same words!", ([], [])),
    ],
)
def test_what_was_exchanged_is_what_one_caption_has_and_the_other_lacks(true, false, expected):
    assert exchanged(true, false) == expected


def test_captions_are_sorted_by_the_relation_of_what_was_exchanged():
    words = ("hot", "cold", "warm", "cool", "chilly", "red", "blue", "wooden", "plastic")
    vocabulary = make_lexicon(load_wordnet(), words, ())
    swaps = [("hot", "cold"), ("hot", "chilly"), ("red", "blue"), ("wooden", "plastic"), ("red", "wooden")]
    true, false = ([f"a {swap[end]} cup" for swap in swaps] for end in (0, 1))
    colours = colour_names()
    assert {"red", "blue", "black", "white"} <= colours
    assert "wooden" not in colours
    found = sorts_of(true, false, vocabulary, colours)
    assert found.tolist() == ["antonyms", "other opposites", "colours", "others", "others"]


def test_what_the_page_says_of_its_table_holds():
    table = pd.read_csv(TABLE)
    assert list(dict.fromkeys(table["exchanged"])) == ["all", *SORTS]
    changes = table.set_index(["run", "exchanged"])
    ours = changes.loc["lexclip"]
    assert ours.loc["antonyms", "low"] > 0  # opposites are told apart better
    assert ours.loc["colours", "high"] < 0  # colours are not
    false = {run: changes.loc[(run, "colours")] for run in ("lexclip", "lexclip-shuffled")}
    moved = {run: row["false_cosine_after"] - row["false_cosine_before"] for run, row in false.items()}
    assert moved["lexclip"] > 2 * moved["lexclip-shuffled"] > 0
    pairs = pd.read_csv(run_of_preset("lexclip").path / "pairs.csv", keep_default_na=False)
    tested = pairs[pairs["split"] == "test"]
    assert {"red", "blue", "white", "black"} <= {*tested["word_a"], *tested["word_b"]}  # held out
    shuffled = changes.loc["lexclip-shuffled"]
    assert shuffled.loc["all", "high"] < 0
    assert (shuffled.loc[[*SORTS], "change"] <= 0).all()
    assert np.allclose(table["change"], table["after"] - table["before"], atol=2e-4)
