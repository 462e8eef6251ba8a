"""Polysemy and synonymy of WordNet under every counting policy."""

from __future__ import annotations

import pytest
from case_tables import each

from lexclip_core.errors import InputError
from lexclip_core.wordnet.statistics import Share, polysemy, synonymy
from lexclip_core.wordnet.tables import load_wordnet


@each(
    ("policy", "count"),
    [
        ("exact", 26_433),
        ("lower_case", 28_294),
        ("morphy", 31_958),
        ("morphy_distinct", 31_887),
        ("morphy_repeated", 31_989),
    ],
)
def test_polysemy(policy, count):
    assert polysemy(load_wordnet(), policy) == Share(count, 148_730)


@each(
    ("policy", "count", "total"),
    [
        ("synsets", 53_811, 117_659),
        ("exact", 111_224, 148_730),
        ("lower_case", 111_697, 148_730),
        ("morphy", 112_524, 148_730),
        ("morphy_repeated", 112_536, 148_730),
    ],
)
def test_synonymy(policy, count, total):
    assert synonymy(load_wordnet(), policy) == Share(count, total)


def test_share():
    assert Share(1, 4).value == 1 / 4


def test_unknown_policy():
    with pytest.raises(InputError, match=r"unknown counting policy 'fuzzy'\n.*exact, lower_case, morphy"):
        polysemy(load_wordnet(), "fuzzy")
    with pytest.raises(InputError, match=r"unknown counting policy 'fuzzy'\n.*synsets, exact, lower_case"):
        synonymy(load_wordnet(), "fuzzy")
