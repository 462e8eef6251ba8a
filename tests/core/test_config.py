"""Settings: what is refused and how, ids that change with every setting, and the released code's values."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, fields, replace
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.config import PRESETS, Experiment, preset
from lexclip_core.errors import InputError

KINDS = get_type_hints(Experiment)
# A value other than the default for every setting that is not a closed choice.
OTHERS = {
    "preset": "mine",
    "tower": "tiny-random",
    "device": "cpu",
    "words": "dog, cat",
    "trainable": "last:1",
    "alpha": 0.5,
}


def another(name: str) -> object:
    value, kind = getattr(Experiment(), name), KINDS[name]
    if get_origin(kind) is Literal:
        return next(choice for choice in get_args(kind) if choice != value)
    return OTHERS.get(name) or value + 1


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_setting_changes_the_run_id(name):
    before = Experiment(steps=5)
    changed = Experiment.from_flat(before.flat() | {name: another(name)})
    assert getattr(changed, name) != getattr(before, name)
    assert changed.run_id.split("-")[-1] != before.run_id.split("-")[-1]


def test_a_run_id_is_the_preset_and_eight_hex_digits():
    assert re.fullmatch(r"blog-release-[0-9a-f]{8}", preset("blog-release").run_id)
    assert preset("blog-release").run_id == Experiment.from_flat({"preset": "blog-release"}).run_id


def test_whole_numbers_and_fractions_of_one_value_are_one_experiment():
    assert Experiment(c=3).run_id == Experiment(c=3.0).run_id
    assert isinstance(Experiment(c=3).c, float)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "preset": st.sampled_from([*PRESETS, "custom"]),
            "c": st.floats(1e-6, 1e6),
            "weight": st.floats(0, 1e6),
            "batch": st.integers(1, 10**6),
            "steps": st.integers(1, 10**6),
            "seed": st.integers(0, 2**32),
            "alpha": st.floats(0, 1),
            "kind": st.sampled_from(get_args(KINDS["kind"])),
            "words": st.text(),
        },
    )
)
def test_settings_survive_json(values):
    experiment = Experiment.from_flat(values)
    again = Experiment.from_flat(json.loads(json.dumps(experiment.flat())))
    assert again == experiment
    assert again.run_id == experiment.run_id


def test_an_experiment_starts_from_its_preset():
    assert Experiment.from_flat({"preset": "lexclip", "seed": 2}) == replace(PRESETS["lexclip"], seed=2)
    assert Experiment.from_flat({"preset": "custom", "seed": 2}) == Experiment(seed=2)
    assert Experiment.from_flat({"seed": 2}) == Experiment(seed=2)


def test_a_misspelt_preset_is_refused_and_a_label_goes_with_every_setting():
    with pytest.raises(
        InputError, match=r"unknown preset 'lexclib'\n.*blog-release, .*lexclip-constant, custom"
    ):
        Experiment.from_flat({"preset": "lexclib", "seed": 2})
    mine = Experiment(preset="mine", lr=0.5)
    assert Experiment.from_flat(mine.flat()) == mine
    with pytest.raises(InputError, match="unknown preset 'mine'"):
        Experiment.from_flat({name: value for name, value in mine.flat().items() if name != "seed"})


def test_an_experiment_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Experiment().lr = 1.0


def test_an_unknown_setting_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"unknown setting 'lambda'\n.*the settings are .*weight"):
        Experiment.from_flat({"lambda": 0.1})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lr", "fast", r"lr is 'fast'\n.*type float"),
        ("epochs", 2.5, r"epochs is 2\.5\n.*type int"),
        ("epochs", True, r"epochs is True\n.*type int"),
        ("weight", False, r"weight is False\n.*type float"),
        ("tower", 7, r"tower is 7\n.*type str"),
        ("seed", None, r"seed is None\n.*type int"),
        ("anchor", "cosine", r"anchor is 'cosine'\n.*euclidean, squared"),
        ("sampling", ["pairs"], r"sampling is \['pairs'\]\n.*pairs, in_batch, full_matrix, relations"),
        ("c", 0, r"c is 0\.0\n.*above 0"),
        ("lr", -1e-4, r"lr is -0\.0001\n.*above 0"),
        ("lr", float("nan"), r"lr is nan\n.*finite"),
        ("weight", float("inf"), r"weight is inf\n.*finite"),
        ("weight", -1, r"weight is -1\.0\n.*at least 0"),
        ("batch", 0, r"batch is 0\n.*at least 1"),
        ("seed", -1, r"seed is -1\n.*at least 0"),
        ("alpha", 1.01, r"alpha is 1\.01\n.*0 \(base\) to 1 \(tuned\)"),
        ("alpha", float("nan"), r"alpha is nan\n"),
        ("epochs", 0, r"epochs is 0 and so is steps\n.*nothing would be trained"),
        ("sampling", "relations", r"steps is 0\n.*number of steps"),
        ("preset", "../outside", r"preset '\.\./outside' cannot name a run folder\n.*letters, digits"),
    ],
)
def test_a_bad_value_is_named_with_what_is_wanted(name, value, message):
    with pytest.raises(InputError, match=message):
        Experiment.from_flat(Experiment().flat() | {name: value})


def test_an_unknown_preset_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"unknown preset 'best'\n.*blog-release, blog-first-defaults"):
        preset("best")


# Claims D1 to D4, D17: the run values of the released code.
BLOG_RELEASE = {
    "vocabulary": "imagenet_synonyms",
    "classes": 100,
    "target": "wu_palmer_nltk",
    "control": "none",
    "sampling": "pairs",
    "batch": 10,
    "epochs": 7,
    "steps": 0,
    "c": 3.0,
    "weight": 0.08,
    "kind": "square",
    "anchor": "squared",
    "optimizer": "sgd",
    "lr": 1e-4,
    "weight_decay": 0.0,
    "schedule": "constant",
    "clip": 0.0,
    "trainable": "all",
    "noise": "off",
    "alpha": 1.0,
}
# Claims D2, D4: the function defaults of the first version; no regulariser.
BLOG_FIRST = BLOG_RELEASE | {
    "sampling": "in_batch",
    "epochs": 10,
    "c": 4.0,
    "weight": 0.0,
    "optimizer": "adamw",
    "lr": 1e-5,
}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("blog-release", BLOG_RELEASE),
        ("blog-first-defaults", BLOG_FIRST),
        ("blog-shuffled", BLOG_RELEASE | {"control": "shuffled"}),
        ("blog-constant", BLOG_RELEASE | {"control": "constant"}),
    ],
)
def test_the_blogs_presets_have_the_released_values(name, values):
    flat = preset(name).flat()
    assert {key: flat[key] for key in values} == values


@pytest.mark.parametrize("control", ["shuffled", "constant"])
def test_the_controls_of_ours_differ_from_it_in_the_control_alone(control):
    ours, beside = preset("lexclip").flat(), preset(f"lexclip-{control}").flat()
    assert {key for key in ours if ours[key] != beside[key]} == {"preset", "control"}
    assert (ours["control"], beside["control"]) == ("none", control)


def test_ours_tunes_on_wordnets_relations():
    ours = preset("lexclip")
    assert (ours.vocabulary, ours.target, ours.sampling) == ("wordnet", "lexical", "relations")
    assert ours.steps > 0


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_knows_its_name(name):
    assert preset(name).preset == name


def test_every_setting_is_documented():
    documented = re.findall(r"^    +(\w+): ", Experiment.__doc__, flags=re.MULTILINE)
    assert documented == [field.name for field in fields(Experiment)]
