"""Our map of OpenImages classes to synsets: complete, of WordNet, reproducible, and near another map."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from lexclip_core import storage
from lexclip_core.datasets.pictures.openimages import RELEASED, synset_map
from lexclip_core.errors import DamagedFileError
from lexclip_core.wordnet.tables import load_wordnet
from tools.openimages_proposal import Agreement, Proposal, agreement, parents, propose, read_map

# Animal > Carnivore > Bear, and Bear > Teddy bear, which stands among toys too, as in Google's own tree.
TREE = {
    "LabelName": "root",
    "Subcategory": [
        {
            "LabelName": "animal",
            "Subcategory": [{"LabelName": "bear", "Subcategory": [{"LabelName": "teddy"}]}],
            "Part": [{"LabelName": "eye"}],
        },
        {"LabelName": "toy", "Subcategory": [{"LabelName": "teddy"}, {"LabelName": "kite"}]},
    ],
}


def tree(path: Path, content: object = TREE) -> Path:
    (path / "tree.json").write_text(json.dumps(content))
    return path / "tree.json"


def test_a_class_knows_all_classes_right_above_it_and_parts_none(tmp_path: Path):
    assert parents(tree(tmp_path)) == {
        "animal": (),
        "bear": ("animal",),
        "teddy": ("bear", "toy"),
        "eye": (),
        "toy": (),
        "kite": ("toy",),
    }
    for damaged in ({"LabelName": "root"}, {"Subcategory": [{}]}, []):
        with pytest.raises(DamagedFileError, match=r"tree\.json is not a tree"):
            parents(tree(tmp_path, damaged))


def test_each_rule_decides_where_it_should():
    names = {"k": "Kite", "t": "Toy", "d": "Dalmatian", "a": "Animal", "z": "Zebra", "n": "Nose ring holder"}
    above = {"k": ("t",), "d": ("a",), "z": ("a",)}
    assert propose(names, above, load_wordnet()) == {
        "k": Proposal("kite.n.03", "below", "Toy"),  # not the check drawn on insufficient funds
        "t": Proposal("plaything.n.01", "first sense"),
        "d": Proposal("dalmatian.n.02", "below", "Animal"),  # not the person from Dalmatia
        "a": Proposal("animal.n.01", "one sense"),
        "z": Proposal("zebra.n.01", "one sense"),
        "n": Proposal("", "no sense"),
    }


def test_the_nearest_class_above_decides():
    names = {"o": "Oyster", "s": "Seafood", "m": "Mollusk"}
    for nearest, farther, expected in (("s", "m", "huitre.n.01"), ("m", "s", "oyster.n.01")):
        found = propose(names, {"o": (nearest,), nearest: (farther,)}, load_wordnet())
        assert found["o"] == Proposal(expected, "below", names[nearest])


def test_the_map_holds_every_class_once_with_a_synset_of_its_own_or_a_reason():
    wordnet, found = load_wordnet(), read_map()
    assert synset_map() == {label: one.synset for label, one in found.items()}
    assert len(found) == 601
    mapped = [one.synset for one in found.values() if one.synset]
    assert len(mapped) == len(set(mapped)) == 560
    for label, one in found.items():
        assert label.startswith("/m/")
        assert (not one.synset) == (one.decided == "left out"), one
        if one.synset:
            assert wordnet.name(wordnet.index(one.synset)) == one.synset
            assert wordnet.pos[wordnet.index(one.synset)] == "n"
        if one.decided in ("below", "by hand", "left out"):
            assert one.why, one


def test_what_the_map_says_was_decided_by_rule_the_rules_decide(evaldata: Path):
    lines = (evaldata / "classes" / "class-descriptions-boxable.lf.csv").read_text("utf-8").splitlines()
    names = dict(line.split(";") for line in lines)
    found = propose(names, parents(evaldata / "classes" / "bbox_labels_600_hierarchy.json"), load_wordnet())
    assert {label: one.name for label, one in read_map().items()} == names
    for label, one in read_map().items():
        if one.decided == "by hand":
            assert one.synset != found[label].synset, one
        elif one.decided != "left out":
            assert found[label] == Proposal(one.synset, one.decided, one.why)


def test_the_page_has_the_numbers_of_the_map():
    page = (storage.project_root() / "docs" / "picture_sets.md").read_text("utf-8")
    counted = Counter(one.decided for one in read_map().values())
    shown = dict(re.findall(r"^\| `([a-z ]+)` \| (\d+) \| ", page, re.MULTILINE))
    assert {decided: int(rows) for decided, rows in shown.items()} == counted
    wordnet, ways = load_wordnet(), Counter()
    for one in read_map().values():
        ways[min(len(wordnet.synsets(one.name, "n")), 2), one.decided] += 1
    text = " ".join(page.split())
    several = ways[2, "by hand"], ways[2, "left out"]
    assert f"Of 267 names with several senses, {several[0]} proposals were overruled and {several[1]}" in text
    single = ways[1, "by hand"], ways[1, "left out"]
    assert f"of 258 names with one sense {single[0]} were overruled and {single[1]} left out" in text
    assert f"of 76 names that WordNet does not list, {ways[0, 'by hand']} were found" in text
    assert [sum(n for (k, _), n in ways.items() if k == senses) for senses in (2, 1, 0)] == [267, 258, 76]
    assert "the same one 178 times: an agreement of 0.904" in text  # held below, where the list is at hand


def test_agreement_counts_what_both_maps_have():
    ours = {"a": "x", "b": "y", "c": "", "d": "z"}
    theirs = {"a": "x", "b": "w", "c": "v", "e": "u"}
    found = agreement(ours, theirs)
    assert found == Agreement(shared=2, same=1, differing=("b",))
    assert found.rate == 1 / 2
    with pytest.raises(DamagedFileError, match="share no label"):
        agreement(ours, {"e": "u"})


def test_nine_in_ten_labels_have_the_released_maps_synset(evaldata: Path):
    wordnet = load_wordnet()
    with (evaldata / "lexical_blog" / RELEASED).open() as stream:
        theirs = {row["LabelName"]: row["wordnet_label"] for row in csv.DictReader(stream)}
    ours = {label: wordnet.wnid(wordnet.index(one.synset)) for label, one in read_map().items() if one.synset}
    found = agreement(ours, theirs)
    differing = [read_map()[label].name for label in found.differing]
    print(f"{found.same} of {found.shared} ({found.rate:.3f}); not {', '.join(differing)}")
    assert (len(theirs), found.shared, found.same) == (198, 197, 178)
    assert found.rate == pytest.approx(0.904, abs=5e-4)
    # Theirs are the fur, a fierce person, a destroyer.
    assert {"Raccoon", "Tiger", "Tin can"} <= set(differing)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("label,name\n/m/1,Dog\n", "columns 'synset', 'decided', 'why' are missing"),
        ("label,name,synset,decided,why\n/m/1,Dog,dog.n.01,guessed,\n", "/m/1 is decided in an unknown way"),
        ("label,name,synset,decided,why\n" + "/m/1,Dog,dog.n.01,one sense,\n" * 2, "a label stands twice"),
    ],
)
def test_a_damaged_map_is_named(tmp_path: Path, content: str, message: str):
    (tmp_path / "synsets.csv").write_text(content)
    with pytest.raises(DamagedFileError, match=message):
        read_map(tmp_path / "synsets.csv")
