"""Settings: what is refused and how, ids that change with every setting, and the published values."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Literal, get_args, get_origin

import pytest
from case_tables import each
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.registry import PROVIDERS
from lexclip_core.targets.registry import TARGETS, Target
from lexclip_core.training.settings import (
    LOSS_TERMS,
    METHODS,
    OLD_NAMES,
    PRESETS,
    TABLE_2,
    TERMS,
    MatrixSettings,
    Optimizer,
    ParaphraseSettings,
    RelationSettings,
    Schedule,
    SplitRule,
    Texts,
    TrainingSettings,
    describe_settings,
    presets_of,
    settings_class,
    settings_of,
)
from lexclip_core.training.strict_settings import read_settings

CLASSES = list(METHODS.values())

# --- any settings of a method, by hypothesis ---

TEXTS = {
    "preset": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    "trainable": st.sampled_from(["all", "last:1", "last:12", "lora:2", "lora:16"]),
    "tower": st.sampled_from(["tiny-random", "all-MiniLM-L6-v2"]),
    "image_tower": st.sampled_from(["emoji", "tiny-random"]),
    "device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    "words": st.sampled_from(["", "dog, cat", "cat, dog", "hot, cold, ice cream"]),
    "provider": st.sampled_from(sorted(PROVIDERS)),
    "records": st.sampled_from(["", "captions.jsonl", "shards"]),
    "pictures": st.sampled_from(["", "photos"]),
}
HIGHEST = {
    "alpha": 2.0,
    "plus_alpha": 2.0,
    "least_share": 1.0,
    "scale_start": 100.0,
    "scale_start_texts": 100.0,
}
_NOTHING_TRAINED = (
    "every weight is 0",
    "steps is 0",
    "sampling is 'expected' with",
    "records is ''",
    "texts is ",
)
LOWEST = {"scale_start": 1.0, "scale_start_texts": 1.0, "lr": 1e-9, "c": 1e-9, "distance_weight": 1e-9}


def values_of(kind: type[TrainingSettings], name: str) -> st.SearchStrategy:
    annotation = kind.model_fields[name].annotation
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if name in kind.registries:
        return st.sampled_from(tuple(kind.registries[name]()))
    if annotation is str:
        return TEXTS[name]
    if annotation is int:
        return st.integers(2, 1_000) | st.just(0) if name == "steps" else st.integers(2, 1_000)
    return st.floats(LOWEST.get(name, 0.0), HIGHEST.get(name, 1e6))


def made_of(make):
    """Return the settings that a function makes; draws that would train nothing do not count."""
    try:
        return make()
    except InputError as error:
        if not error.problem.startswith(_NOTHING_TRAINED):
            raise
        reject()


def any_settings(kind: type[TrainingSettings]) -> st.SearchStrategy:
    """Settings of a class: values for all fields, of which those that are not read fall away."""
    every = st.fixed_dictionaries({name: values_of(kind, name) for name in kind.model_fields})
    return every.map(lambda values: made_of(lambda: kind.merged(values, {})))


any_kind = st.sampled_from(CLASSES)
any_of_any_kind = any_kind.flatmap(any_settings)


@settings(deadline=None)
@given(any_of_any_kind)
def test_settings_survive_json_and_keep_their_id(made):
    again = TrainingSettings.from_flat(json.loads(json.dumps(made.flat())))
    assert again == made
    assert again.run_id == made.run_id
    assert type(again) is type(made)


@settings(deadline=None)
@given(any_of_any_kind)
def test_settings_survive_being_written_as_texts(made):
    texts = [f"{name}={value}" for name, value in made.flat().items()]
    assert type(made)(**made.read_texts(texts)) == made


@settings(deadline=None)
@given(any_kind.flatmap(lambda kind: st.tuples(any_settings(kind), any_settings(kind))))
def test_an_id_is_equal_exactly_where_settings_are(pair):
    one, other = pair
    assert (one == other) == (one.run_id == other.run_id) == (one.flat() == other.flat())


@settings(deadline=None, max_examples=300)
@given(any_of_any_kind, st.data())
def test_any_change_of_a_setting_that_is_read_changes_the_id(made, data):
    name = data.draw(st.sampled_from([name for name in made.flat() if name != "method"]))
    value = data.draw(values_of(type(made), name).filter(lambda value: value != getattr(made, name)))
    changed = made_of(lambda: made.replace(**{name: value}))
    assert changed.run_id.removeprefix(changed.preset) != made.run_id.removeprefix(made.preset)
    assert changed != made


@settings(deadline=None)
@given(any_of_any_kind)
def test_what_is_not_read_is_refused_even_at_its_default(made):
    for name in set(type(made).model_fields) - set(made.flat()):
        with pytest.raises(
            InputError, match=rf"{name} is .*, but it is not read where .*\n.*leave {name} out"
        ):
            type(made)(**made.flat(), **{name: type(made).model_fields[name].default})


@pytest.mark.parametrize("kind", CLASSES)
def test_bare_settings_can_be_trained(kind):
    assert kind() == settings_of("custom", {"method": kind().method})


def test_an_id_is_the_preset_and_eight_hex_digits():
    assert re.fullmatch(r"blog-release-[0-9a-f]{8}", settings_of("blog-release").run_id)


def test_whole_numbers_and_fractions_of_one_value_are_one_setting():
    assert MatrixSettings(c=3).run_id == MatrixSettings(c=3.0).run_id
    assert isinstance(MatrixSettings(c=3).c, float)
    assert MatrixSettings(weight_decay=-0.0).run_id == MatrixSettings(weight_decay=0).run_id


# --- what a method reads ---


@each(
    ("preset", "name", "value"),
    [
        ("lexclip", "target", "wu_palmer"),
        ("lexclip", "words", "hot, cold"),
        ("lexclip", "classes", 5),
        ("lexclip", "c", 3.0),
        ("lexclip", "anchor", "squared"),
        ("lexclip", "anchor_weight", 0.1),
        ("lexclip", "penalty", "huber"),
        ("lexclip", "epochs", 2),
        ("lexclip", "sampling", "pairs"),
        ("blog-release", "repel", 1.0),
        ("blog-release", "attract", 1.0),
        ("blog-release", "near", 1.0),
        ("blog-release", "far", 1.0),
        ("blog-release", "retained", 10),
        ("blog-release", "weight_abstract", 0.1),
        ("blog-release", "scale", "shared"),
        ("paraclip", "target", "lexical"),
        ("paraclip", "control", "shuffled"),
    ],
)
def test_a_setting_of_another_method_is_refused_with_those_that_are_read(preset, name, value):
    method = PRESETS[preset].method
    message = rf"method '{method}' does not read the setting '{name}'\n.*it reads preset, tower, .*\bsteps\b"
    with pytest.raises(InputError, match=message):
        settings_of(preset, {name: value})


def test_a_setting_that_no_method_has_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r"unknown setting 'lambda'\n.*the settings are .*anchor_weight"):
        settings_of("blog-release", {"lambda": 0.1})


@each("name", OLD_NAMES)
@each("method", METHODS)
def test_an_old_name_is_refused_with_the_new_one(method, name):
    assert not any(name in kind.model_fields for kind in CLASSES)
    with pytest.raises(InputError, match=f"'{name}' has another name now") as refused:
        settings_of("custom", {"method": method, name: 1})
    assert refused.value.remedy == OLD_NAMES[name]
    assert any(new in refused.value.remedy for kind in CLASSES for new in kind.model_fields)


@each(
    ("kind", "values", "unread"),
    [
        (MatrixSettings, {"words": "hot, cold", "classes": 100}, "classes"),
        (MatrixSettings, {"steps": 5, "epochs": 7}, "epochs"),
        (MatrixSettings, {"anchor_weight": 0, "anchor": "squared"}, "anchor"),
        (MatrixSettings, {"sampling": "full_matrix", "batch": 10}, "batch"),
        (RelationSettings, {"near": 0, "far": 0, "weight_abstract": 0.03}, "weight_abstract"),
        (ParaphraseSettings, {"pictures": "photos"}, "pictures"),
        (ParaphraseSettings, {"steps": 5, "epochs": 1}, "epochs"),
        (ParaphraseSettings, {"scale_start_texts": 8.0}, "scale_start_texts"),
        (ParaphraseSettings, {"distance_weight": 2.0}, "distance_weight"),
        (ParaphraseSettings, {"distance_batch": 2}, "distance_batch"),
        (ParaphraseSettings, {**TABLE_2["base"], "distance": "lexclip", "scale": "shared"}, "scale"),
        (ParaphraseSettings, {**TABLE_2["base"], "distance": "lexclip", "duplicates": "mask"}, "duplicates"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(kind, values, unread):
    with pytest.raises(InputError, match=rf"{unread} is .*, but it is not read where"):
        kind(**values)
    others = {name: value for name, value in values.items() if name != unread}
    assert unread not in kind(**others).flat()


def test_given_words_are_the_vocabulary():
    made = settings_of("blog-release", {"words": "Hot,cold ,, hot"})
    assert made.words == "hot, cold"
    assert made.listed_words == ("hot", "cold")
    assert "classes" not in made.flat()
    assert made == settings_of("blog-release", {"words": ["hot", "cold"]})
    assert settings_of("blog-release").listed_words == ()
    assert settings_of("blog-release").classes == 100


def test_a_word_that_is_left_out_of_the_words_is_named(caplog):
    MatrixSettings(words=["hot", "cold", "w" * 300, "  "])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "w" * 300 in caplog.text


# --- bad values ---


@each(
    ("kind", "name", "value", "message"),
    [
        (MatrixSettings, "lr", "fast", r"lr is 'fast'\n.*give a number"),
        (MatrixSettings, "lr", "3", r"lr is '3'\n.*give a number"),
        (MatrixSettings, "lr", True, r"lr is True\n.*give a number"),
        (MatrixSettings, "lr", [1], r"lr is \[1\]\n.*give a number"),
        (MatrixSettings, "epochs", 2.5, r"epochs is 2\.5\n.*whole number"),
        (MatrixSettings, "epochs", 2.0, r"epochs is 2\.0\n.*whole number"),
        (MatrixSettings, "epochs", True, r"epochs is True\n.*whole number"),
        (MatrixSettings, "epochs", "3", r"epochs is '3'\n.*whole number"),
        (MatrixSettings, "tower", 7, r"tower is 7\n.*give a text"),
        (MatrixSettings, "tower", "", r"tower is ''\n.*give a name"),
        (MatrixSettings, "seed", None, r"seed is None\n.*whole number"),
        (MatrixSettings, "seed", -1, r"seed is -1\n.*at least 0"),
        (MatrixSettings, "seed", 2**32, r"seed is 4294967296\n.*at most 4294967295"),
        (MatrixSettings, "anchor", "cosine", r"anchor is 'cosine'\n.*choose one of euclidean, squared"),
        (MatrixSettings, "sampling", ["pairs"], r"sampling is \['pairs'\]\n.*give a text"),
        (
            MatrixSettings,
            "sampling",
            "relations",
            r"sampling is 'relations'\n.*pairs, in_batch, full_matrix, expected$",
        ),
        (MatrixSettings, "target", "wup", r"target is 'wup'\n.*wu_palmer, wu_palmer_nltk, lexical"),
        (
            MatrixSettings,
            "control",
            "random",
            r"control is 'random'\n.*none, shuffled, constant, random_words",
        ),
        (MatrixSettings, "penalty", "cube", r"penalty is 'cube'\n.*square, logcosh, huber, exp"),
        (MatrixSettings, "c", 0, r"c is 0\n.*above 0"),
        (MatrixSettings, "lr", -1e-4, r"lr is -0\.0001\n.*above 0"),
        (MatrixSettings, "lr", float("nan"), r"lr is nan\n.*finite"),
        (MatrixSettings, "anchor_weight", float("inf"), r"anchor_weight is inf\n.*finite"),
        (MatrixSettings, "anchor_weight", -1, r"anchor_weight is -1\n.*at least 0"),
        (MatrixSettings, "batch", 0, r"batch is 0\n.*at least 1"),
        (MatrixSettings, "classes", 0, r"classes is 0\n.*at least 1"),
        (MatrixSettings, "alpha", 2.01, r"alpha is 2\.01\n.*at most 2"),
        (MatrixSettings, "alpha", float("nan"), r"alpha is nan\n"),
        (MatrixSettings, "epochs", 0, r"epochs is 0 and so is steps\n.*nothing would be trained"),
        (MatrixSettings, "preset", "../outside", r"preset is '\.\./outside'\n.*letters, digits"),
        (MatrixSettings, "preset", "", r"preset is ''\n.*letters, digits"),
        (MatrixSettings, "trainable", "lora:0", r"trainable is 'lora:0'\n.*last:N .* lora:R"),
        (MatrixSettings, "optimizer", "adam", r"optimizer is 'adam'\n.*sgd, adamw"),
        (MatrixSettings, "dtype", "float16", r"dtype is 'float16'\n.*float32, bfloat16"),
        (MatrixSettings, "noise", "on", r"noise is 'on'\n.*off, dropout"),
        (MatrixSettings, "chunk", -1, r"chunk is -1\n.*at least 0"),
        (MatrixSettings, "method", "relations", r"method is 'relations'\n.*choose one of matrix"),
        (MatrixSettings, "words", "hot", r"1 word is given\n.*at least two"),
        (MatrixSettings, "words", ["hot", 3], r"3 "),
        (MatrixSettings, "words", ["hot, cold", "ice"], r"a word has a comma"),
        (MatrixSettings, "words", 3, r"words is 3\n.*give a text"),
        (RelationSettings, "steps", 0, r"steps is 0\n.*at least 1"),
        (
            RelationSettings,
            "control",
            "other",
            r"control is 'other'\n.*none, shuffled, constant, random_words$",
        ),
        (RelationSettings, "retained", -1, r"retained is -1\n.*at least 0"),
        (ParaphraseSettings, "batch", 1, r"batch is 1\n.*at least 2"),
        (ParaphraseSettings, "caption_paraphrase", -1, r"caption_paraphrase is -1\n.*at least 0"),
        (ParaphraseSettings, "scale_start", 0, r"scale_start is 0\n.*at least 1"),
        (ParaphraseSettings, "scale_start", 101, r"scale_start is 101\n.*at most 100"),
        (ParaphraseSettings, "scale", "none", r"scale is 'none'\n.*shared, separate"),
        (ParaphraseSettings, "duplicates", "drop", r"duplicates is 'drop'\n.*mask, leave"),
        (ParaphraseSettings, "distance", "wup", r"distance is 'wup'\n.*choose one of none, .*blog-release"),
        (
            ParaphraseSettings,
            "distance",
            "paraclip",
            r"distance is 'paraclip'\n.*one of none, blog-release, .*lexclip-second$",
        ),
        (ParaphraseSettings, "provider", "me", r"provider is 'me'\n.*rules, siblings, siblings-rules"),
        (ParaphraseSettings, "schedule", "step", r"schedule is 'step'\n.*constant, one_cycle, cosine"),
        (ParaphraseSettings, "epochs", 0, r"epochs is 0 and so is steps"),
    ],
)
def test_a_bad_value_is_named_with_what_is_wanted(kind, name, value, message):
    with pytest.raises(InputError, match=message):
        kind(**{name: value})
    with pytest.raises(InputError, match=message):
        kind().replace(**{name: value})


@pytest.mark.parametrize("changes", [{"optimizer": "adamw"}, {"epochs": 0}])
def test_expected_steps_stand_for_those_of_sgd(changes):
    with pytest.raises(
        InputError, match=r"sampling is 'expected' with .*\n.*choose sgd, and at least one epoch"
    ):
        settings_of("blog-fast", changes)
    assert settings_of("blog-fast").flat()["epochs"] == 7  # read beside the steps: they say what is stood for


def test_a_batch_of_words_needs_two():
    with pytest.raises(InputError, match=r"batch is 1\n.*at least two to make a pair"):
        MatrixSettings(sampling="in_batch", batch=1)
    assert MatrixSettings(batch=1).batch == 1


def test_relations_without_a_weight_are_refused():
    nothing = {"repel": 0, "attract": 0, "near": 0, "far": 0}
    with pytest.raises(InputError, match=r"every weight is 0\n.*repel, attract, near, far"):
        RelationSettings(**nothing)
    assert RelationSettings(**nothing | {"repel": 1}).repel == 1


def test_distance_terms_of_no_weight_are_refused():
    with pytest.raises(InputError, match=r"distance_weight is 0\n.*above 0"):
        ParaphraseSettings(distance="lexclip", distance_weight=0)


def test_settings_cannot_be_changed():
    made = MatrixSettings()
    with pytest.raises(InputError, match=r"cannot be changed, lr included\n.*settings\.replace\(lr=\.\.\.\)"):
        made.lr = 1.0
    assert made.lr == MatrixSettings().lr


@each("values", ["lexclip", 3, None, [("preset", "lexclip")], {3: "lexclip"}])
def test_what_is_no_mapping_of_names_is_refused(values):
    with pytest.raises(InputError, match="give a mapping of names to values"):
        TrainingSettings.from_flat(values)


def test_methods_are_named_where_none_or_another_is_given():
    with pytest.raises(InputError, match=r"no method is named\n.*matrix, relations, paraphrases"):
        settings_of("custom", {"seed": 1})
    with pytest.raises(InputError, match=r"unknown method 'words'\n.*matrix, relations, paraphrases"):
        settings_of("custom", {"method": "words"})
    with pytest.raises(InputError, match="method is 'matrix', but preset 'lexclip' is of method 'relations'"):
        settings_of("lexclip", {"method": "matrix"})
    with pytest.raises(InputError, match=r"unknown method 'lines'\n.*matrix, relations, paraphrases"):
        settings_class("lines")


# --- presets ---


def test_settings_start_from_their_preset():
    ours = PRESETS["lexclip"]
    assert settings_of("lexclip") == ours
    assert settings_of("lexclip", {"seed": 2}) == ours.replace(seed=2)
    assert settings_of("custom", {"method": "matrix", "seed": 2}) == MatrixSettings(seed=2)
    assert MatrixSettings.from_flat({"seed": 2}) == MatrixSettings(seed=2)


def test_a_misspelt_preset_is_refused_and_a_label_goes_with_every_setting():
    with pytest.raises(
        InputError, match=r"unknown preset 'lexclib'\n.*lexclip-constant, .*blog-release, .*custom"
    ):
        settings_of("lexclib", {"seed": 2})
    mine = MatrixSettings(preset="mine", lr=0.5)
    assert TrainingSettings.from_flat(mine.flat()) == mine
    lacking = {name: value for name, value in mine.flat().items() if name != "seed"}
    with pytest.raises(InputError, match="unknown preset 'mine'"):
        TrainingSettings.from_flat(lacking)


def test_a_class_refuses_the_presets_of_others():
    message = r"preset 'lexclip' is of method 'relations'\n.*choose one of paraclip, paraclip-emoji, .*custom"
    with pytest.raises(InputError, match=message):
        ParaphraseSettings.from_flat({"preset": "lexclip"})


@each("name", PRESETS)
def test_a_preset_knows_its_name_and_is_found_by_its_method(name):
    preset = PRESETS[name]
    assert preset.preset == name
    assert type(preset) is METHODS[preset.method]
    assert name in presets_of(type(preset))
    assert name in presets_of(TrainingSettings)


# The blog's released run: c 3 (D2), lambda 0.08 (D3), SGD at 1e-4 without decay, momentum or schedule (D4),
# seven epochs of ten pairs (D5), squared anchor (D1), NLTK's Wu-Palmer (D17), every text parameter (D36).
BLOG_RELEASE = {
    "method": "matrix",
    "classes": 100,
    "target": "wu_palmer_nltk",
    "control": "none",
    "sampling": "pairs",
    "batch": 10,
    "epochs": 7,
    "steps": 0,
    "c": 3.0,
    "anchor_weight": 0.08,
    "penalty": "square",
    "anchor": "squared",
    "optimizer": "sgd",
    "lr": 1e-4,
    "weight_decay": 0.0,
    "schedule": "constant",
    "clip": 0.0,
    "trainable": "all",
    "noise": "off",
    "chunk": 0,
    "alpha": 1.0,
    "words": "",
    "seed": 0,
    "dtype": "float32",
    "device": "auto",
    "tower": "all-MiniLM-L6-v2",
}
# D2, D4: the function defaults of the first version, c 4, ten epochs of words in batches, no regulariser,
# AdamW at 1e-5.
BLOG_FIRST = {name: value for name, value in BLOG_RELEASE.items() if name != "anchor"} | {
    "sampling": "in_batch",
    "epochs": 10,
    "c": 4.0,
    "anchor_weight": 0.0,
    "optimizer": "adamw",
    "lr": 1e-5,
    "weight_decay": 0.01,
}


@each(
    ("name", "values"),
    [
        ("blog-release", BLOG_RELEASE),
        ("blog-first-defaults", BLOG_FIRST),
        ("blog-shuffled", BLOG_RELEASE | {"control": "shuffled"}),
        ("blog-constant", BLOG_RELEASE | {"control": "constant"}),
    ],
)
def test_the_blogs_presets_have_the_released_values(name, values):
    assert settings_of(name).flat() == values | {"preset": name}


def test_the_preset_paraclip_has_the_papers_values():
    made = settings_of("paraclip")  # P23: one epoch of AdamW under a cosine, 5e-7, batch 3,072, decay 0.001
    stated = {"optimizer": "adamw", "schedule": "cosine", "epochs": 1, "steps": 0, "lr": 5e-7}
    stated |= {"batch": 3072, "weight_decay": 0.001, "trainable": "all", "alpha": 1.0, "duplicates": "leave"}
    stated |= {"scale": "shared", "scale_training": "trained", "scale_start": 100.0}
    assert made.flat().items() >= stated.items()
    assert made.weights == {"image_paraphrase_2": 1, "caption_paraphrase": 1, "paraphrase_paraphrase": 1}


@pytest.mark.parametrize("control", ["shuffled", "constant"])
def test_the_controls_of_ours_differ_from_it_in_the_control_alone(control):
    ours, other = settings_of("lexclip").flat(), settings_of(f"lexclip-{control}").flat()
    assert {name for name in ours if ours[name] != other[name]} == {"preset", "control"}
    assert (ours["control"], other["control"]) == ("none", control)


def test_the_preset_without_pictures_differs_in_its_weights_alone():
    ours, texts = settings_of("paraclip-emoji"), settings_of("paraclip-emoji-texts")
    assert texts == ours.replace(preset="paraclip-emoji-texts", image_paraphrase_2=0)
    assert set(texts.weights) == {"caption_paraphrase", "paraphrase_paraphrase"}


@each("row", [row for row in TABLE_2 if row != "base"])
def test_every_row_of_table_2_is_a_setting_of_its_terms(row):
    trained = ParaphraseSettings(**TABLE_2[row]).weights
    letters = {"L1": "image_caption", "L1'": "image_paraphrase_1", "L1''": "image_paraphrase_2"}
    letters |= {"L2": "caption_paraphrase", "L3": "paraphrase_paraphrase"}
    assert set(letters.values()) == set(TERMS)
    assert trained == {letters[letter]: 1 for letter in row.split("+")}


def test_table_2_has_nine_rows_of_which_the_first_trains_nothing():
    assert len(TABLE_2) == 9
    assert next(iter(TABLE_2)) == "base"
    with pytest.raises(InputError, match=r"every weight is 0\n.*image_caption"):
        ParaphraseSettings(**TABLE_2["base"])


def test_the_distance_terms_are_a_training_on_words_under_the_same_tower_and_seed():
    made = ParaphraseSettings(distance="lexclip", seed=4, tower="tiny-random", device="cpu")
    words = made.distance_settings()
    shared = {"seed": 4, "tower": "tiny-random", "device": "cpu", "dtype": "float32"}
    assert words == settings_of("lexclip", shared | {"plus": "none"})  # terms are added, and no weights
    assert made.replace(distance_batch=7).distance_settings() == words.replace(batch=7)
    assert made.replace(**TABLE_2["base"]).weights == {}
    assert ParaphraseSettings().distance_settings() is None


# --- registries, texts, files, tables ---


def test_a_target_is_accepted_as_soon_as_it_is_registered(monkeypatch):
    monkeypatch.setitem(
        TARGETS, "letters", Target("shared letters", lambda words, synsets: lambda rows: rows)
    )
    assert MatrixSettings(target="letters").target == "letters"
    kinds = {row.name: row.kind for row in describe_settings("matrix")}
    assert kinds["target"] == "wu_palmer, wu_palmer_nltk, lexical, letters"


def test_texts_are_read_by_the_type_of_their_setting():
    read = MatrixSettings.read_texts(["seed=1", "lr=3e-4", "words=a=b, c", "anchor=", "unknown=7"])
    assert read == {"seed": 1, "lr": 3e-4, "words": "a=b, c", "anchor": "", "unknown": "7"}
    assert [type(value) for value in read.values()] == [int, float, str, str, str]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed", r"'seed' has no value\n.*name=value"),
        ("seed=1.5", r"seed is '1\.5'\n.*give a whole number"),
        ("lr=fast", r"lr is 'fast'\n.*give a number"),
    ],
)
def test_a_text_that_cannot_be_read_is_named(text, message):
    with pytest.raises(InputError, match=message):
        MatrixSettings.read_texts([text])


def test_a_toml_file_holds_settings(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('preset = "blog-release"\nwords = ["hot", "cold"]\nlr = 1\n', encoding="utf-8")
    assert TrainingSettings.from_flat(read_settings(path)) == settings_of(
        "blog-release", {"words": "hot, cold", "lr": 1.0}
    )


@each(
    ("content", "message"),
    [
        (b"seed 1", r"mine\.toml is not TOML: .*\n.*seed = 1"),
        (b"\xff\xfe", r"mine\.toml is not TOML"),
        (b"[matrix]\nseed = 1", r"mine\.toml has a table 'matrix'\n.*plain lines"),
        (None, r"mine\.toml is not there\n.*seed = 1"),
    ],
)
def test_a_file_that_is_no_settings_is_refused(tmp_path, content, message):
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_settings(path)


@pytest.mark.parametrize("method", METHODS)
def test_every_setting_has_a_meaning_a_type_and_a_default(method):
    table = describe_settings(method)
    assert [row.name for row in table] == list(METHODS[method].model_fields)
    for row in table:
        assert re.fullmatch(r"[A-Za-z].*\.", row.meaning), row
        assert row.kind
    kinds = {row.name: row.kind for row in table}
    assert (kinds["seed"], kinds["lr"], kinds["tower"]) == ("whole number", "number", "text")
    assert kinds["optimizer"] == "sgd, adamw"


def test_what_every_method_reads_means_the_same_in_all():
    for name, field in TrainingSettings.model_fields.items():
        for kind in CLASSES:
            if name != "method":
                assert kind.model_fields[name].annotation == field.annotation
                assert kind.model_fields[name].description == field.description


@each("config", sorted((storage.data_folder() / "runs").glob("*/config.json")))
def test_a_committed_run_is_named_by_its_settings(config):
    flat = json.loads(config.read_text())
    assert TrainingSettings.from_flat(flat).run_id == config.parent.name


def test_every_registry_of_the_losses_has_the_choices_of_its_setting():
    from lexclip_core.evaluation.senses import SENSE_KEYS
    from lexclip_core.experiments.words import SPLIT_RULES
    from lexclip_core.training import loop, losses  # they bring torch

    assert set(SENSE_KEYS) == set(get_args(Texts))
    assert set(SPLIT_RULES) == set(get_args(SplitRule))
    assert set(loop.OPTIMIZERS) == set(get_args(Optimizer))
    assert set(loop.SCHEDULES) == set(get_args(Schedule))
    assert set(losses.PARACLIP_TERMS) == set(TERMS)
    assert set(LOSS_TERMS) == {*TERMS, "distance", "anchor", *losses.RELATION_TERMS}


def test_settings_load_without_torch():
    code = (
        "import sys; import lexclip_core.training.settings;"
        "print(sorted({'torch', 'pandas', 'transformers', 'numba', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_stored_before_a_setting_was_added_means_what_it_did_without():
    ours = PRESETS["lexclip"]
    new = (*ours.added, "sentences_drawn", "associated_drawn", "plus_alpha")
    stored = {name: value for name, value in ours.flat().items() if name not in new}
    read = TrainingSettings.from_flat(stored)
    assert {name: getattr(read, name) for name in ours.added} == {
        "split": "word",
        "sense_weight": 0.0,
        "least_share": 0.0,
        "texts": "word",
        "sentences": 0.0,
        "associated": 0.0,
        "runs": 1,
        "plus": "none",
    }
    # where only a setting or two are given, the others are the preset's
    partial = TrainingSettings.from_flat({"preset": "lexclip", "seed": 3})
    assert partial == ours.replace(seed=3)
    assert partial.split == "family"
    assert read.run_id != ours.run_id
