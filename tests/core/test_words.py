"""Word lists: what is kept, what is dropped, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.words import Dropped, normalise, read_words, shown, unique_subset

TEXTS = st.text(alphabet="aBß_- \tÉ1", max_size=8)


@each(
    ("given_text", "expected"),
    [
        ("Eiffel_Tower", "eiffel tower"),
        ("hen-of-the-woods", "hen of the woods"),
        ("  two\t\nblanks  ", "two blanks"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("_-_", ""),
    ],
)
def test_normalise(given_text, expected):
    assert normalise(given_text) == expected


@given(TEXTS)
def test_normalise_is_idempotent(text):
    assert normalise(normalise(text)) == normalise(text)


def test_read_words_reports_every_loss():
    found = read_words(["Dog", "dog", "", "ice-cream", "ice_cream", "x" * 201])
    assert found.words == ("dog", "ice cream")
    assert found.dropped == (
        Dropped("dog", "duplicate of 'Dog'"),
        Dropped("", "empty"),
        Dropped("ice_cream", "duplicate of 'ice-cream'"),
        Dropped("x" * 201, "201 characters, more than 200"),
    )


@given(st.lists(TEXTS, max_size=12))
def test_every_text_is_kept_or_dropped(texts):
    if any(normalise(text) for text in texts):
        found = read_words(texts)
        assert len(found.words) + len(found.dropped) == len(texts)
        assert len(set(found.words)) == len(found.words)
        assert {normalise(text) for text in texts} - {""} == set(found.words)
    else:
        with pytest.raises(InputError, match="has no"):
            read_words(texts)


def test_read_words_from_a_file(tmp_path: Path):
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeffCafé\r\n\r\nnaïve\r\n".encode())
    found = read_words(path)
    assert found.words == ("café", "naïve")
    assert found.dropped == (Dropped("", "empty"),)


@each(
    ("source", "message"),
    [
        ([], "the list has no words"),
        (["", " _ "], r"the list has no usable word \(2 dropped, the first '': empty\)"),
        (
            ["w" * 10_000],
            r"no usable word .*'\.\.\. \(10,000 characters\): 10,000 characters, more than 200\)",
        ),
        ("dog", "one text was given where a list of words belongs: 'dog'"),
        (["dog", 7], "7 is not a word but of type int"),
        (Path("/no/such/words.txt"), r"/no/such/words\.txt is not there"),
    ],
)
def test_read_words_refuses(source, message):
    with pytest.raises(InputError, match=message):
        read_words(source)


def test_read_words_refuses_binary_files(tmp_path: Path):
    path = tmp_path / "words.bin"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(InputError, match=r"words\.bin, line 1 is not UTF-8 text.*(\n.*)?save it as UTF-8"):
        read_words(path)


@each("word", ["\u200b", "\u2060\u200d", "\ufeff", "\u3164", "\u00ad", "\u0301"])
def test_a_word_with_nothing_to_see_is_dropped(word: str):
    assert read_words(["dog", word]).dropped == (
        Dropped(word, "nothing to see: zero-width characters alone"),
    )
    with pytest.raises(InputError, match="the list has no usable word"):
        read_words([word])


def test_half_a_character_is_refused_and_only_two_line_ends_end_a_line(tmp_path: Path):
    with pytest.raises(InputError, match=r"the word 'dog\\ud83d' holds \\ud83d"):
        read_words(["cat", "dog\ud83d"])
    (tmp_path / "words.txt").write_bytes("\ufeffdog\r\nhot\u2028cold\nup\x0bdown".encode())
    assert read_words(tmp_path / "words.txt").words == ("dog", "hot cold", "up down")


def test_shown_cuts_long_texts():
    assert shown("dog") == "'dog'"
    assert shown("x" * 10_000) == f"'{'x' * 60}'... (10,000 characters)"


def test_unique_subset_names_what_clashes():
    found = unique_subset(
        {
            "n1": ["pitcher", "ewer"],
            "n2": ["Newfoundland", "newfoundland"],
            "n3": ["printer", "peripheral", "printer"],
            "n4": ["jug", "EWER"],
            "n5": ["tench", "_"],
        }
    )
    assert found.classes == {"n1": ("pitcher", "ewer"), "n3": ("printer", "peripheral")}
    assert found.dropped == (
        Dropped("n2", "no other word than its name"),
        Dropped("n4", "'ewer' is already a word of n1"),
        Dropped("n5", "no other word than its name"),
    )


@given(st.dictionaries(st.text(max_size=2), st.lists(TEXTS, max_size=4), max_size=8))
def test_unique_subset_is_unique_and_maximal(classes):
    found = unique_subset(classes)
    words = [normalise(word) for entry in found.classes.values() for word in entry]
    assert len(words) == len(set(words))
    assert [*found.classes] == [key for key in classes if key in found.classes]
    assert {dropped.text for dropped in found.dropped} == set(classes) - set(found.classes)
    for dropped in found.dropped:
        entry = {normalise(text) for text in classes[dropped.text]} - {""}
        assert len(entry) < 2 or entry & set(words)


def test_unique_subset_as_spelt_tells_capitals_apart():
    classes = {"n1": ["christmas tree", "Christmas_tree"], "n2": ["jug", "ewer"], "n3": ["pot", "EWER"]}
    assert unique_subset(classes, comparison="as_spelt").classes == {
        "n1": ("christmas tree", "Christmas_tree"),
        "n2": ("jug", "ewer"),
        "n3": ("pot", "EWER"),
    }
    assert unique_subset(classes).classes == {"n2": ("jug", "ewer")}
    spaces = unique_subset({"n1": ["ice-cream", "ice_cream"]}, comparison="as_spelt")
    assert spaces.dropped == (Dropped("n1", "no other word than its name"),)


def test_unique_subset_refuses_other_comparisons():
    with pytest.raises(InputError, match=r"comparison 'casefold'\n.*one of normalised, as_spelt"):
        unique_subset({}, comparison="casefold")
