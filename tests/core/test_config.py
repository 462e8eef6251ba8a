"""Settings: what is refused and how, ids that change with every setting, and the released code's values."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, fields, replace
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core import storage
from lexclip_core.config import (
    PARACLIP_PRESETS,
    PRESETS,
    TABLE_2,
    Experiment,
    ParaclipExperiment,
    TrainingSettings,
    paraclip_preset,
    preset,
)
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


# --- training on paraphrases ---

PARACLIP_KINDS = get_type_hints(ParaclipExperiment)
PARACLIP_OTHERS = OTHERS | {
    "image_tower": "tiny-random",
    "provider": "siblings",
    "distance": "lexclip",
    "scale_start": 10.0,
    "scale_start_texts": 10.0,
}


@pytest.mark.parametrize("name", sorted(PARACLIP_KINDS))
def test_every_setting_of_paraclip_changes_the_run_id(name):
    before, kind = ParaclipExperiment(), PARACLIP_KINDS[name]
    value = getattr(before, name)
    if get_origin(kind) is Literal:
        changed = next(choice for choice in get_args(kind) if choice != value)
    else:
        changed = PARACLIP_OTHERS.get(name) or value + 1
    after = ParaclipExperiment.from_flat(before.flat() | {name: changed})
    assert after.run_id.split("-")[-1] != before.run_id.split("-")[-1]
    assert ParaclipExperiment.from_flat(json.loads(json.dumps(after.flat()))) == after


def test_every_setting_of_paraclip_is_documented():
    documented = re.findall(r"^    +(\w+): ", ParaclipExperiment.__doc__, flags=re.MULTILINE)
    assert documented == [field.name for field in fields(ParaclipExperiment)]


def test_what_every_training_has_means_the_same_in_both_kinds():
    shared = {field.name for field in fields(TrainingSettings)}
    assert shared == {field.name for field in fields(Experiment)} & {
        field.name for field in fields(ParaclipExperiment)
    }
    assert {name: KINDS[name] for name in shared} == {name: PARACLIP_KINDS[name] for name in shared}


def test_the_runs_made_before_keep_their_ids():
    assert preset("blog-release").run_id == "blog-release-e85c272c"
    configs = sorted((storage.data_folder() / "runs").glob("*/config.json"))
    assert len(configs) > 3
    for config in configs:
        flat = json.loads(config.read_text())
        kind = Experiment if "vocabulary" in flat else ParaclipExperiment
        assert kind.from_flat(flat).run_id == config.parent.name


def test_the_preset_paraclip_has_the_papers_values():
    flat = paraclip_preset("paraclip").flat()
    told = {"optimizer": "adamw", "schedule": "cosine", "epochs": 1, "steps": 0, "lr": 5e-7}
    assert flat.items() >= (told | {"batch": 3072, "weight_decay": 0.001, "trainable": "all"}).items()
    assert paraclip_preset("paraclip").weights == {
        "image_paraphrase_2": 1,
        "caption_paraphrase": 1,
        "paraphrase_paraphrase": 1,
    }
    assert paraclip_preset("paraclip").duplicates == "leave"


@pytest.mark.parametrize("name", PARACLIP_PRESETS)
def test_a_preset_of_paraclip_knows_its_name_and_starts_an_experiment(name):
    assert paraclip_preset(name).preset == name
    assert ParaclipExperiment.from_flat({"preset": name, "seed": 3}) == replace(paraclip_preset(name), seed=3)


def test_an_unknown_preset_of_paraclip_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"unknown preset 'lexclip'\n.*paraclip, paraclip-emoji"):
        paraclip_preset("lexclip")


@pytest.mark.parametrize("row", [row for row in TABLE_2 if row != "base"])
def test_every_row_of_table_2_is_a_setting_of_its_terms(row):
    trained = replace(ParaclipExperiment(), **TABLE_2[row]).weights
    letters = {"L1": "image_caption", "L1'": "image_paraphrase_1", "L1''": "image_paraphrase_2"}
    letters |= {"L2": "caption_paraphrase", "L3": "paraphrase_paraphrase"}
    assert trained == {letters[letter]: 1 for letter in row.split("+")}


def test_table_2_has_nine_rows_of_which_the_first_trains_nothing():
    assert len(TABLE_2) == 9
    assert next(iter(TABLE_2)) == "base"
    with pytest.raises(InputError, match=r"every weight is 0\n.*image_caption"):
        replace(ParaclipExperiment(), **TABLE_2["base"])


def test_the_distance_terms_may_be_trained_alone_or_beside_the_others():
    beside = ParaclipExperiment(distance="lexclip", seed=4, tower="tiny-random", device="cpu")
    words = beside.distance_experiment()
    assert words == replace(preset("lexclip"), seed=4, tower="tiny-random", device="cpu", dtype="float32")
    assert replace(beside, distance_batch=7).distance_experiment().batch == 7
    assert replace(beside, **TABLE_2["base"]).weights == {}
    assert replace(beside, distance_weight=0).distance_experiment() is None
    assert ParaclipExperiment().distance_experiment() is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch", 1, r"batch is 1\n.*at least 2"),
        ("caption_paraphrase", -1, r"caption_paraphrase is -1\.0\n.*at least 0"),
        ("chunk", -1, r"chunk is -1\n.*at least 0"),
        ("scale_start", 0, r"scale_start is 0\.0\n.*at least 1"),
        ("scale_start_texts", 101, r"scale_start_texts is 101\.0\n.*at most 100"),
        ("scale", "none", r"scale is 'none'\n.*shared, separate"),
        ("duplicates", "drop", r"duplicates is 'drop'\n.*mask, leave"),
        ("distance", "wup", r"distance is 'wup'\n.*none, blog-release"),
        ("schedule", "step", r"schedule is 'step'\n.*constant, one_cycle, cosine"),
        ("epochs", 0, r"epochs is 0 and so is steps"),
    ],
)
def test_a_bad_value_of_paraclip_is_named_with_what_is_wanted(name, value, message):
    with pytest.raises(InputError, match=message):
        ParaclipExperiment.from_flat(ParaclipExperiment().flat() | {name: value})
