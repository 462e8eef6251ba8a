"""What a notebook hands to the ledger: read back as given, and refused where it could mislead."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import nbformat
import pytest

from lexclip_core import ledger, notebook_runner
from lexclip_core.datasets import reported
from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import spread, wilson_interval
from lexclip_core.ledger.quantity import quantity
from lexclip_core.notebook_runner.records import read_measured

HERE = ledger.Conditions("emoji", "heldout", "all-MiniLM-L6-v2", "emoji", (0, 1), {"text": "ab" * 32})
PLACE = ledger.Place("blog", "ImageNet", "100", "tuned replaced", "synonym")


@dataclass
class Tower:
    name: str
    sha256: str


def test_conditions_are_read_off_the_towers():
    made = ledger.conditions(
        "emoji", split="heldout", text=Tower("a", "1" * 64), image=Tower("b", "2" * 64), seeds=[3]
    )
    assert made == ledger.Conditions(
        "emoji", "heldout", "a", "b", (3,), {"text": "1" * 64, "image": "2" * 64}
    )
    assert ledger.conditions("WordNet 3.0", split="all") == ledger.Conditions("WordNet 3.0", "all")


def test_a_place_brings_the_claims_it_bears_on():
    measured = HERE.measured("K = 100", 0.5, PLACE)
    assert measured.claims == reported.places()[PLACE].claims == ("B21",)
    assert HERE.measured("x", 1, "B4 P11", unit="check").claims == ("B4", "P11")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (3, (3.0, None, None, None)),
        (wilson_interval(1, 4), (0.25, pytest.approx(0.0456, abs=1e-4), pytest.approx(0.6994, abs=1e-4), 4)),
        ({"value": 1, "low": 0, "high": 2, "n": 3.0, "note": "x"}, (1.0, 0.0, 2.0, 3)),
        (spread([1.0, 1.0]), (1.0, 1.0, 1.0, 2)),
        (spread([1.0]), (1.0, None, None, 1)),  # one draw: low = mean = high says nothing
        ({"value": 2, "n": 7}, (2.0, None, None, 7)),
    ],
)
def test_estimates_of_any_kind_become_one(given, expected):
    assert tuple(quantity(given)) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (math.nan, "not finite"),
        ({"value": 1, "low": 0, "high": math.inf, "n": 2}, "not finite"),
        ({"value": 3, "low": 0, "high": 2, "n": 2}, "outside its interval"),
        ({"low": 0}, "has no value"),
    ],
)
def test_a_number_that_is_none_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        quantity(given)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("", 1, "B4"), {}, "says not what it is of"),
        (("x", 1, ""), {}, "bears on no claim"),
        (("x", 1, "B31"), {}, "no claim 'B31'"),
        (("x", 1, "P27"), {}, "no claim 'P27'"),
        (("x", 1, PLACE._replace(row="99")), {}, "no number is reported at"),
        (("x", 1, "B4"), {"unit": "percent"}, "unknown unit 'percent'"),
        (("x", 1, PLACE), {"unit": "cosine"}, "is a cosine, what is reported there a share"),
        (("x", 1, "B4"), {"expected": ("over", 0)}, "unknown relation 'over'"),
    ],
)
def test_what_could_not_be_joined_is_refused(arguments, options, message):
    with pytest.raises(InputError, match=message):
        HERE.measured(*arguments, **options)


@pytest.mark.parametrize(
    "measured",
    [
        HERE.measured("K = 100", spread([0.4, 0.6]), PLACE, change=spread([0.1, 0.2])),
        HERE.measured("K = 90", 0.5, PLACE, differs="K = 90 in place of 100"),
        HERE.measured("rate", wilson_interval(3, 9), "B5", expected=("above", 0.25)),
        ledger.conditions("WordNet 3.0", split="all").measured("words", 31989, "B25", unit="count"),
    ],
)
def test_an_entry_survives_json(measured):
    entry = json.loads(json.dumps(measured.as_dict(), allow_nan=False))
    assert ledger.Measurement.from_dict(entry) == measured
    again = ledger.Measurement.from_dict(entry, notebook="12_synonyms", profile="embedded", commit="c")
    assert (again.notebook, again.profile, again.commit) == ("12_synonyms", "embedded", "c")


@pytest.mark.parametrize("part", ["what", "value", "data", "split", "claims"])
def test_a_damaged_entry_is_refused(part):
    entry = HERE.measured("rate", 0.5, "B5").as_dict()
    del entry[part]
    with pytest.raises(InputError, match="cannot be read"):
        ledger.Measurement.from_dict(entry)


def executed(path, *records):
    """Write a notebook whose cells have recorded what is given."""
    outputs = [nbformat.v4.new_output("display_data", data) for data in records]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)]), path)
    return path


def test_what_a_notebook_records_is_read_back(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    measured = [HERE.measured("rate", 0.5, "B5"), HERE.measured("K = 100", 0.5, PLACE)]
    notebook_runner.record({"all/x": 1.0}, measured=measured)
    notebook_runner.record({"all/y": 2.0})
    path = executed(tmp_path / "a.ipynb", *shown)
    found = read_measured(path)
    assert [ledger.Measurement.from_dict(entry) for entry in found["measured"]] == measured
    assert len(found["commit"]) == 40 or found["commit"] == "unknown"
    assert notebook_runner.read_metrics(path) == {"all/x": {"value": 1.0}, "all/y": {"value": 2.0}}
    assert "for the ledger: 2 measurements" in shown[0]["text/plain"]
    assert read_measured(executed(tmp_path / "b.ipynb", shown[1])) == {}
