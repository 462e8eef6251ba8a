"""The reader of database files, on a database of nine synsets written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexclip_core.wordnet.files import (
    LEXNAMES,
    join_strings,
    lexnames_file,
    pack_lists,
    read_database,
    sense_index_file,
    split_strings,
)
from lexclip_core.wordnet.tables import WordNet

LICENCE = "  1 This software and database is being provided to you  \n"

# thing <- tool <- axe, and thing <- axe: two ways up. Offsets need only be unique within a file.
DATA = {
    "noun": [
        "00000001 03 n 01 thing 0 000 | what is",
        "00000002 06 n 02 tool 0 Tool 1 001 @ 00000001 n 0000 | what one works with",
        '00000003 06 n 02 axe 0 ax 0 002 @ 00000002 n 0000 @ 00000001 n 0000 | it cuts; "take an axe"; ',
        "00000004 15 n 01 Thor 0 001 @i 00000001 n 0000 | an instance",
    ],
    "verb": ["00000001 30 v 01 axe 0 001 + 00000003 n 0101 01 + 08 00 | end"],
    "adj": [
        "00000001 00 a 01 big(a) 0 002 ! 00000002 a 0101 & 00000003 a 0000 | large",
        "00000002 00 a 01 small 0 001 ! 00000001 a 0101 | little",
        "00000003 00 s 01 huge 2 001 & 00000001 a 0000 | very big",
    ],
    "adv": ["00000001 02 r 01 bigly 0 001 \\ 00000001 a 0101 | in a big way"],
}
INDEX = {
    "noun": [
        "ax n 1 0 1 0 00000003",
        "axe n 1 1 @ 1 0 00000003",
        "thing n 1 0 1 0 00000001",
        "thor n 1 1 @i 1 0 00000004",
        "tool n 1 1 @ 1 0 00000002",
    ],
    "verb": ["axe v 1 1 + 1 0 00000001"],
    "adj": ["big a 1 2 ! & 1 1 00000001", "huge a 1 1 & 1 1 00000003", "small a 1 1 ! 1 0 00000002"],
    "adv": ["bigly r 1 1 \\ 1 0 00000001"],
}
COUNTS = ["big%3:00:00:: 1 7", "huge%5:00:02:big:00 1 5", "tool%1:06:01:: 1 2"]


def write(folder: Path, data: dict[str, list[str]]) -> Path:
    for kind, content in (("data", data), ("index", INDEX)):
        for suffix, lines in content.items():
            (folder / f"{kind}.{suffix}").write_text(LICENCE + "\n".join(lines) + "\n")
    for suffix in INDEX:
        (folder / f"{suffix}.exc").write_text("axen axe  ax\n" if suffix == "noun" else "more much\n")
    (folder / "cntlist.rev").write_text("\n".join(COUNTS) + "\n")
    return folder


def test_mini_database(tmp_path):
    wordnet = WordNet.from_arrays(read_database(write(tmp_path, DATA)))
    assert wordnet.names == (
        *("thing.n.01", "tool.n.01", "axe.n.01", "thor.n.01", "axe.v.01"),
        *("big.a.01", "small.a.01", "huge.s.01", "bigly.r.01"),
    )
    assert "".join(wordnet.pos) == "nnnnvaasr"
    assert wordnet.lemmas[1] == ("tool", "Tool")
    assert wordnet.lemmas[5] == ("big",)
    assert wordnet.glosses[2] == "it cuts"
    assert wordnet.lexnames[:5] == (
        "noun.Tops",
        "noun.artifact",
        "noun.artifact",
        "noun.location",
        "verb.change",
    )
    assert [wordnet.hypernyms.of(k).tolist() for k in range(5)] == [[], [0], [1, 0], [0], []]
    assert wordnet.hyponyms.of(0).tolist() == [1, 2, 3]
    assert wordnet.min_depth.tolist() == [0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert wordnet.max_depth.tolist() == [0, 1, 2, 1, 0, 0, 0, 0, 0]
    assert wordnet.similar_to.of(5).tolist() == [7]
    assert wordnet.similar_to.of(7).tolist() == [5]
    assert wordnet.antonym_links.of(5) == ((6, 0),)
    assert wordnet.derivation_links.of(4, 0) == ((2, 0),)
    assert wordnet.pertainym_links.of(8) == ((5, 0),)
    assert wordnet.lemma_counts == ((0,), (0, 2), (0, 0), (0,), (0,), (7,), (0,), (5,), (0,))
    assert wordnet.sense_counts("TOOL").tolist() == [2]  # two lemmas that differ by case: the larger count
    assert wordnet.morphy("axen") == (2,)
    assert wordnet.synsets("axe") == (2, 4)
    assert wordnet.antonyms("big") == ("small",)
    assert wordnet.synonyms("tool") == ()
    assert wordnet.words("s") == ("huge",)


def test_sense_index(tmp_path):
    lines = sense_index_file(write(tmp_path, DATA)).splitlines()
    assert lines == sorted(lines)
    assert "huge%5:00:02:big:00 00000003 1 5" in lines
    assert "tool%1:06:01:: 00000002 1 2" in lines
    assert "axe%2:30:00:: 00000001 1 0" in lines
    assert len(lines) == 11


def test_hypernyms_in_a_circle_are_refused(tmp_path):
    circle = DATA | {"noun": ["00000001 03 n 01 thing 0 001 @ 00000003 n 0000 | round", *DATA["noun"][1:]]}
    with pytest.raises(ValueError, match="the hypernyms run in a circle"):
        read_database(write(tmp_path, circle))


def test_lexnames_file():
    lines = [line.split("\t") for line in lexnames_file().splitlines()]
    assert [int(number) for number, _, _ in lines] == list(range(45))
    assert len({name for _, name, _ in lines}) == 45
    assert lines[5] == ["05", "noun.animal", "1"]
    assert lines[44] == ["44", "adj.ppl", "3"]
    assert [
        sum(name.startswith(f"{pos}.") for name in LEXNAMES) for pos in ("noun", "verb", "adj", "adv")
    ] == [*(26, 15, 3, 1)]


@pytest.mark.parametrize("strings", [("a", "", "é"), ("one",)])
def test_strings_come_back(strings):
    assert split_strings(join_strings(strings)) == strings


def test_pack_lists():
    indptr, values = pack_lists([[3, 1], [], [2]])
    assert indptr.tolist() == [0, 2, 2, 3]
    assert values.tolist() == [3, 1, 2]
