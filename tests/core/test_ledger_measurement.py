"""What a notebook hands to the ledger: read back as given, and refused where it could mislead."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import nbformat
import pandas as pd
import pytest
from case_tables import each

from lexclip_core import notebooks
from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import Estimate, t_interval, wilson_interval
from lexclip_core.papers import measurement, reported
from lexclip_core.towers.registry import REGISTRY, TowerSpec
from tools.notebook_runner.execution import read_measured, read_metrics

HERE = measurement.Conditions("emoji", "heldout", "all-MiniLM-L6-v2", "emoji", (0, 1), {"text": "ab" * 32})
PLACE = reported.Place("blog", "ImageNet", "100", "tuned replaced", "synonym")


@dataclass
class Tower:
    name: str
    sha256: str
    verified: bool = True
    spec: TowerSpec = REGISTRY["ViT-B-32-quickgelu/openai"]


@each("verified", [True, False])
def test_conditions_are_read_off_the_towers(verified):
    image = Tower("b", "2" * 64, verified)
    made = measurement.conditions("emoji", split="heldout", text=Tower("a", "1" * 64), image=image, seeds=[3])
    weights = {"text": "1" * 64, "image": "2" * 64}
    assert made == measurement.Conditions(
        "emoji", "heldout", "a", "b", (3,), weights, "quickgelu", verified=verified
    )
    assert made.towers == "a and pictures by b" + ("" if verified else " (unverified)")
    assert measurement.conditions("WordNet 3.0", split="all") == measurement.Conditions("WordNet 3.0", "all")


def test_a_quantity_brings_the_claims_that_name_it_and_a_place_none():
    assert HERE.measured("K = 100", 0.5, "gain.imagenet").claims == ("B21",)
    assert HERE.measured("x", 1, "table1.classification").claims == ("P12", "P21")
    assert HERE.measured("K = 100", 0.5, at=PLACE).claims == ()
    assert HERE.measured("x", 1, at=PLACE, change=0.5).effect.value == 0.5


@each(
    ("given", "expected"),
    [
        (3, (3.0, None, None, None)),
        (wilson_interval(1, 4), (0.25, pytest.approx(0.0456, abs=1e-4), pytest.approx(0.6994, abs=1e-4), 4)),
        ({"value": 1, "low": 0, "high": 2, "n": 3.0, "note": "x"}, (1.0, 0.0, 2.0, 3)),
        (t_interval([1.0, 1.0]), (1.0, None, None, 2)),  # an interval of no width says nothing
        (t_interval([1.0]), (1.0, None, None, 1)),
        ({"value": 2, "n": 7}, (2.0, None, None, 7)),
        (next(pd.DataFrame({"mean": [0.5], "low": [0.25], "high": [1]}).itertuples()), (0.5, 0.25, 1, None)),
    ],
)
def test_estimates_of_any_kind_become_one(given, expected):
    made = Estimate.of(given)
    assert (made.value, made.low, made.high, made.n) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (math.nan, "not finite"),
        ({"value": 1, "low": 0, "high": math.inf, "n": 2}, "not finite"),
        ({"value": 3, "low": 0, "high": 2, "n": 2}, "outside its interval"),
        ({"low": 0}, "has no value"),
    ],
)
def test_what_is_not_a_number_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Estimate.of(given)


@each(
    ("arguments", "options", "message"),
    [
        (("", 1, "antonym_gap"), {}, "says not what it is of"),
        (("x", 1), {}, "stands next to nothing"),
        (("x", 1, "B4"), {}, "no claim names a quantity 'B4'"),
        (("x", 1), {"at": PLACE._replace(row="99")}, "no number is reported at"),
        (("x", 1, "antonym_gap"), {"unit": "percent"}, "unknown unit 'percent'"),
        (("x", 1), {"at": PLACE, "unit": "cosine"}, "is a cosine, what is reported there a share"),
    ],
)
def test_what_could_not_be_joined_is_refused(arguments, options, message):
    with pytest.raises(InputError, match=message):
        HERE.measured(*arguments, **options)


@pytest.mark.parametrize(
    "measured",
    [
        HERE.measured("K = 100", 0.5, at=PLACE, change=0.1, by_seed=t_interval([0.1, 0.2])),
        HERE.measured("K = 90", 0.5, at=[PLACE, PLACE._replace(row="150")], differs="K = 90 in place of 100"),
        HERE.measured("rate", wilson_interval(3, 9), "inversion_rate", over="triples"),
        measurement.conditions("WordNet 3.0", split="all").measured(
            "words", 31989, "polysemous_words", unit="count"
        ),
    ],
)
def test_an_entry_survives_json(measured):
    entry = json.loads(json.dumps(measured.as_dict(), allow_nan=False))
    assert measurement.Measurement.from_dict(entry) == measured
    again = measurement.Measurement.from_dict(
        entry, notebook="12_other_names", profile="embedded", commit="c"
    )
    assert (again.notebook, again.profile, again.commit) == ("12_other_names", "embedded", "c")


@pytest.mark.parametrize("part", ["what", "value", "conditions", "quantity"])
def test_a_damaged_entry_is_refused(part):
    entry = HERE.measured("rate", 0.5, "inversion_rate").as_dict()
    del entry[part]
    with pytest.raises(InputError, match=r"cannot be read|stands next to nothing"):
        measurement.Measurement.from_dict(entry)


def executed(path, *records):
    """Write a notebook whose cells have recorded what is given."""
    outputs = [nbformat.v4.new_output("display_data", data) for data in records]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)]), path)
    return path


def test_what_a_notebook_records_is_read_back(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    measured = [HERE.measured("rate", 0.5, "inversion_rate"), HERE.measured("K = 100", 0.5, at=PLACE)]
    notebooks.record({"all/x": 1.0}, measured=measured)
    notebooks.record({"all/y": 2.0})
    path = executed(tmp_path / "a.ipynb", *shown)
    found = read_measured(path)
    assert [measurement.Measurement.from_dict(entry) for entry in found["measured"]] == measured
    assert len(found["commit"]) == 40 or found["commit"] == "unknown"
    assert read_metrics(path) == {"all/x": {"value": 1.0}, "all/y": {"value": 2.0}}
    assert "for the ledger: 2 measurements" in shown[0]["text/plain"]
    assert read_measured(executed(tmp_path / "b.ipynb", shown[1])) == {}
