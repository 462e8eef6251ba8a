"""Numbers in the documentation are repeated here from the code that they speak of."""

from __future__ import annotations

import ast
import re

import pytest
from case_tables import each

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.targets.relations import RelationTargets, WordRelation, lexical_relations, lexical_targets
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.towers import loading
from lexclip_core.training.settings import PRESETS, MatrixSettings
from lexclip_core.wordnet.tables import load_wordnet

PAGE = (storage.project_root() / "docs" / "targets.md").read_text(encoding="utf-8")
PAIR = re.compile(r"^\| (\w+), (\w+) \| ([\d.]+) \| refused \| ([\d.]+) \| `(\w+)` \|$", re.MULTILINE)
RELATION = re.compile(r"^\| `(\w+)` \| [^|]+ \| (\w*)(?:, (\w+))?[^|]* \| ([\d.]+)", re.MULTILINE)


@each("row", PAIR.findall(PAGE))
def test_the_blogs_words_under_each_target(row):
    first, second, plain, lexical, relation = row
    wordnet = load_wordnet()
    synsets = [wordnet.name(wordnet.synsets(word, "a")[0]) for word in (first, second)]
    assert wu_palmer_matrix(synsets[:1], synsets[1:], policy="nltk")[0, 0] == float(plain)
    with pytest.raises(InputError):
        wu_palmer_matrix(synsets, policy="symmetric")
    assert lexical_targets([first, second])[0, 1] == pytest.approx(float(lexical))
    assert WordRelation(lexical_relations([first, second])[0, 1]).name == relation


def test_all_six_pairs_of_the_blogs_words_are_shown():
    assert len(PAIR.findall(PAGE)) == 6


def test_the_relations_on_the_page_have_the_default_targets():
    rows = RELATION.findall(PAGE)
    assert [name for name, *_ in rows] == [relation.name for relation in WordRelation]
    for name, first, second, value in rows:
        assert RelationTargets().value(WordRelation[name]) == float(value)
        if first:
            assert WordRelation(lexical_relations([first, second])[0, 1]).name == name


@pytest.mark.parametrize(("pair", "value"), [(("love", "hate"), 0.857), (("victory", "defeat"), 0.857)])
def test_noun_antonyms_are_near_for_wu_palmer_and_apart_for_lexical_targets(pair, value):
    wordnet = load_wordnet()
    synsets = [wordnet.name(wordnet.synsets(word, "n")[0]) for word in pair]
    assert wu_palmer_matrix(synsets)[0, 1] == pytest.approx(value, abs=5e-4)
    assert lexical_targets(pair)[0, 1] == 0


# --- README.md ---


def test_the_words_of_the_readme_are_as_it_says():
    text = " ".join((storage.project_root() / "README.md").read_text(encoding="utf-8").split())
    said = "*fast* is nearer to *slow* than to *quick* and *win* nearer to *lose* than to *triumph*."
    assert said in text
    words = ["happy", "sad", "cheerful", "fast", "slow", "quick", "win", "lose", "triumph"]
    rows = loading.load("all-MiniLM-L6-v2").encode_texts(words).reshape(3, 3, -1)
    nearer_to_antonym = [float(word @ antonym) > float(word @ synonym) for word, antonym, synonym in rows]
    assert nearer_to_antonym == [False, True, True]


# --- discrepancies.md ---

DOCS = storage.project_root() / "docs"
ROWS = re.split(r"^### D", (DOCS / "discrepancies.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
PLACES = re.findall(r"`(lexclip_core(?:\.\w+)+)`", "".join(ROWS))
TESTS = re.findall(r"`(test_\w+\.py)::(\w+)`", "".join(ROWS))


def test_every_discrepancy_is_told_once_and_in_three_parts():
    assert [int(row.split()[0]) for row in ROWS] == list(range(1, 33))
    for row in ROWS:
        assert re.findall(r"^- \*\*(\w+):\*\* \S", row, re.MULTILINE) == ["Said", "True", "lexclip"]
        shown = row.partition("- **lexclip:**")[2]
        assert "not yet" in shown or re.search(r"`lexclip_core\.|`test_", shown), row


def defined_in(path) -> set[str]:
    """Return the names that a module defines or imports at its top level."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def test_every_place_named_in_the_discrepancies_exists():
    def exists(place: str) -> bool:
        module, _, name = place.rpartition(".")
        path = storage.project_root() / module.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        return path.is_file() and name in defined_in(path)

    assert len(set(PLACES)) >= 20
    assert [place for place in sorted(set(PLACES)) if not exists(place)] == []


def test_every_test_named_in_the_discrepancies_exists():
    files = {path.name: path for path in (storage.project_root() / "tests").rglob("test_*.py")}
    assert len(set(TESTS)) >= 20
    named = sorted(set(TESTS))
    assert [
        (file, name) for file, name in named if file not in files or name not in defined_in(files[file])
    ] == []


def test_every_preset_and_setting_named_in_the_discrepancies_exists():
    text = "".join(ROWS)
    presets = set(re.findall(r"`((?:blog|lexclip)-[\w-]+)`", text))
    assert {"blog-release", "blog-first-defaults"} <= presets <= set(PRESETS)
    settings = dict(re.findall(r"`(\w+)=(\w+)`", text))
    assert settings == {"sampling": "full_matrix", "noise": "dropout"}
    assert MatrixSettings.from_flat(settings).sampling == "full_matrix"
    assert {"anchor", "penalty"} <= set(MatrixSettings.model_fields)
