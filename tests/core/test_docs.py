"""Numbers in the documentation are repeated here from the code that they speak of."""

from __future__ import annotations

import re

import pytest

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.synsets import load_wordnet
from lexclip_core.targets import Ladder, Rung, lexical_rungs, lexical_targets, wu_palmer

PAGE = (storage.project_root() / "docs" / "targets.md").read_text(encoding="utf-8")
PAIR = re.compile(r"^\| (\w+), (\w+) \| ([\d.]+) \| refused \| ([\d.]+) \| `(\w+)` \|$", re.MULTILINE)
RUNG = re.compile(r"^\| `(\w+)` \| [^|]+ \| (\w*)(?:, (\w+))?[^|]* \| ([\d.]+)", re.MULTILINE)


@pytest.mark.parametrize("row", PAIR.findall(PAGE), ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_blogs_words_under_each_target(row):
    first, second, plain, lexical, rung = row
    wordnet = load_wordnet()
    synsets = [wordnet.name(wordnet.synsets(word, "a")[0]) for word in (first, second)]
    assert wu_palmer(synsets[:1], synsets[1:], policy="nltk")[0, 0] == float(plain)
    with pytest.raises(InputError):
        wu_palmer(synsets, policy="lawful")
    assert lexical_targets([first, second])[0, 1] == pytest.approx(float(lexical))
    assert Rung(lexical_rungs([first, second])[0, 1]).name == rung


def test_all_six_pairs_of_the_blogs_words_are_shown():
    assert len(PAIR.findall(PAGE)) == 6


def test_the_ladder_on_the_page_is_the_default_ladder():
    rows = RUNG.findall(PAGE)
    assert [name for name, *_ in rows] == [rung.name for rung in Rung]
    for name, first, second, value in rows:
        assert Ladder().value(Rung[name]) == float(value)
        if first:
            assert Rung(lexical_rungs([first, second])[0, 1]).name == name


@pytest.mark.parametrize(("pair", "value"), [(("love", "hate"), 0.857), (("victory", "defeat"), 0.857)])
def test_noun_antonyms_are_near_for_wu_palmer_and_apart_on_the_ladder(pair, value):
    wordnet = load_wordnet()
    synsets = [wordnet.name(wordnet.synsets(word, "n")[0]) for word in pair]
    assert wu_palmer(synsets)[0, 1] == pytest.approx(value, abs=5e-4)
    assert lexical_targets(pair)[0, 1] == 0
