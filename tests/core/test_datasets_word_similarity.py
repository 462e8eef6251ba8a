"""Word-similarity sets: official layouts, what is said of a missing or damaged file."""

from __future__ import annotations

import numpy as np
import pytest
from case_tables import each

from lexclip_core.datasets import word_similarity
from lexclip_core.datasets.word_similarity import CARDS, LAYOUTS
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

# Made-up lines in the shape of each official layout.
LINES = {
    "pairs": ("wug\tblick\t3.5\n", ("wug", "blick", 3.5, "", "")),
    "simlex": (
        "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tconcQ\tAssoc(USF)\tSimAssoc333\tSD(SimLex)\r\n"
        "wug\tblick\tA\t7.25\t2.1\t3.2\t1\t0.4\t1\t0.9\r\n",
        ("wug", "blick", 7.25, "a", ""),
    ),
    "simverb": ("dax\tfep\tV\t1.5\tANTONYMS\n", ("dax", "fep", 1.5, "v", "antonyms")),
    "men_lemma": ("wug-n dax-v 12.000000\n", ("wug", "dax", 12.0, "nv", "")),
    "semicolon": ("wug;blick;0.25\n", ("wug", "blick", 0.25, "", "")),
    "combined": ("Word 1\tWord 2\tHuman (mean)\nwug\tblick\t6.5\n", ("wug", "blick", 6.5, "", "")),
}


@each("layout", LAYOUTS)
def test_every_layout(tmp_path, layout):
    text, row = LINES[layout]
    path = tmp_path / "made_up.txt"
    path.write_bytes(text.encode())
    pairs = word_similarity.read_file(path, layout)
    assert len(pairs) == 1
    assert (pairs.words_a[0], pairs.words_b[0], pairs.scores[0], pairs.pos[0], pairs.relations[0]) == row
    assert pairs.scores.dtype == np.float64
    assert pairs.name == "made_up"


def test_men_natural_form_is_separated_by_spaces_and_lemma_tags_are_taken_off(tmp_path):
    (tmp_path / "natural").write_text("big-top wugs 10\n")
    (tmp_path / "lemma").write_text("big-top-n wug-n 10\nred-j reddish-j 40\n")
    natural = word_similarity.read_file(tmp_path / "natural", "pairs")
    lemma = word_similarity.read_file(tmp_path / "lemma", "men_lemma")
    assert natural.words == ("big-top", "wugs")
    assert lemma.words == ("big-top", "red", "wug", "reddish")
    assert lemma.pos == ("n", "a")


def write_complete(folder, name, file):
    """Write a made-up set of the right size and layout; return its number of rows."""
    layout, rows = CARDS[name].details["layouts"][file], CARDS[name].rows
    text, _ = LINES[layout]
    *header, line = text.splitlines(keepends=True)
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(header) + line * rows)
    return rows


def test_every_official_file_name(tmp_path):
    for name, card in CARDS.items():
        assert set(card.details["layouts"].values()) <= set(LAYOUTS)
        for number, file in enumerate(card.files):
            folder = tmp_path / name / str(number)
            rows = write_complete(folder, name, file)
            pairs = word_similarity.read(name, folder)
            assert len(pairs) == rows
            assert pairs.path == folder / file
            assert word_similarity.available(folder) == (name,)


def test_a_missing_set_names_the_first_path_and_the_source(tmp_path):
    with pytest.raises(MissingResourceError) as error:
        word_similarity.read("simverb-3500", tmp_path)
    assert str(tmp_path / "SimVerb-3500.txt") in error.value.problem
    assert CARDS["simverb-3500"].source in error.value.remedy


def test_a_missing_folder_is_itself_the_first_wrong_path(tmp_path):
    with pytest.raises(MissingResourceError, match=r"nowhere is not there"):
        word_similarity.read("men", tmp_path / "nowhere")


def test_a_set_cut_short_is_refused_but_can_be_read_as_a_part(tmp_path):
    path = tmp_path / "EN-RG-65.txt"
    path.write_text("wug\tblick\t3.5\n" * 64)
    with pytest.raises(DamagedFileError, match=r"64 rows where RG-65 has 65"):
        word_similarity.read("rg-65", tmp_path)
    assert len(word_similarity.read_file(path, "pairs")) == 64


@each(
    ("content", "message"),
    [
        (b"wug\tblick\t3.5\nwug\tblick\thigh\n", r"line 2: 'wug\\tblick\\thigh' is not a scored pair"),
        (b"wug\tblick\n", "line 1: .* is not a scored pair"),
        (b"wug\t\t1.0\n", "lacks a word or a score"),
        (b"wug\tblick\tnan\n", "lacks a word or a score"),
        (b"\n\n", "no pairs in it"),
        (b"\xff\xfe\x00w", "is not UTF-8 text"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, content, message):
    path = tmp_path / "damaged.txt"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=message):
        word_similarity.read_file(path, "pairs")


def test_unknown_names_list_the_valid_ones(tmp_path):
    with pytest.raises(InputError, match="simlex-999"):
        word_similarity.read("simlex", tmp_path)
    (tmp_path / "file").write_text("a b 1\n")
    with pytest.raises(InputError, match="men_lemma"):
        word_similarity.read_file(tmp_path / "file", "csv")
    with pytest.raises(MissingResourceError, match="absent is not there"):
        word_similarity.read_file(tmp_path / "absent", "pairs")


def test_the_cards_say_that_wordsim_is_not_an_antonym_test():
    for name, card in CARDS.items():
        assert ("antonym" in card.warning) == name.startswith("wordsim")


def test_the_real_sets_are_complete(evaldata):
    folder = evaldata / "wordsim"
    names = word_similarity.available(folder)
    assert {"simlex-999", "men", "rg-65", "wordsim-353-similarity", "wordsim-353-relatedness"} <= set(names)
    for name in names:
        assert len(word_similarity.read(name, folder)) == CARDS[name].rows
    simlex = word_similarity.read("simlex-999", folder)
    assert [simlex.pos.count(pos) for pos in "nva"] == [666, 222, 111]
