"""Studies of class names on made-up pictures, against the same steps written out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import torch
from case_tables import each
from tiny_tower import tiny_tower

from lexclip_core.datasets.class_names import NamedClass, NameSet, combinations, name_set, possible, subsets
from lexclip_core.errors import InputError
from lexclip_core.experiments import class_names, pipeline
from lexclip_core.experiments import words as words_module
from lexclip_core.experiments.class_names import (
    METHOD,
    Plan,
    shared_words,
    study,
    summary,
    transfer,
    vocabulary,
    write_curve,
)
from lexclip_core.experiments.pipeline import tuned_copy
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.towers import tower as tower_module
from lexclip_core.towers import trainable
from lexclip_core.training.loop import train
from lexclip_core.training.objectives import LexicalObjective
from lexclip_core.training.samplers import WordSampler
from lexclip_core.training.settings import settings_of
from lexclip_core.wordnet.tables import load_wordnet

SYNSETS = ("car.n.01", "sofa.n.01", "puma.n.01", "airplane.n.01", "bicycle.n.01", "eggplant.n.01")
OTHERS = ("truck.n.01", "puma.n.01", "rocket.n.01", "potato.n.01", "violin.n.01")
QUICK = METHOD.replace(steps=3, lr=1e-3, trainable="last:1")
PLAN = Plan(QUICK, sizes=(3,), subsets=2, combinations=2)


@lru_cache(maxsize=1)
def base() -> tower_module.Tower:
    return tiny_tower()


@lru_cache(maxsize=8)
def named(synsets: tuple[str, ...] = SYNSETS, kind: str = "synonym") -> NameSet:
    classes = {synset: (synset, synset.split(".")[0]) for synset in synsets}
    found = name_set(load_wordnet(), classes, kind)
    assert not found.dropped
    return found


def pictures(names: NameSet, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Return rows near the base's row of each class's name, four a class, and their keys."""
    rows = np.repeat(base().encode_texts([one.original for one in names.classes]), 4, axis=0)
    rows = rows + noise * np.random.default_rng(0).standard_normal(rows.shape)
    keys = np.repeat([one.key for one in names.classes], 4)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), keys


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Keep results out of the real cache."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    class_names.forget_tuned_towers()
    return tmp_path / "cache" / "class-names"


@pytest.fixture
def tunings(monkeypatch) -> list[tuple[str, ...]]:
    """Return a list that grows by the words of every tuning."""
    seen: list[tuple[str, ...]] = []

    def watched(settings, objective, base):
        seen.append(objective.words)
        return tuned_copy(settings, objective, base)

    monkeypatch.setattr(class_names, "tuned_copy", watched)
    return seen


def at(table: pd.DataFrame, **where: object) -> pd.Series:
    """Return the one row of a table at a place."""
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    [(_, row)] = table.iterrows()
    return row


def untimed(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="seconds")


# --- against the steps by hand ---


@pytest.mark.parametrize("kind", ["synonym", "hypernym", "mixed"])
def test_a_study_is_what_its_steps_give_by_hand(kind):
    names = named(kind=kind) if kind == "synonym" else named(SYNSETS[:2] + SYNSETS[3:5], kind)
    features, keys = pictures(names, noise=0.1)
    found = study(base(), features, keys, names, plan=PLAN)
    for number, classes in enumerate(subsets(names, 3, 2, 0)):
        words = [word for one in classes for word in one.words]
        synsets = [synset for one in classes for synset in one.synsets]
        tower = base().copy()
        trainable.set_trainable(tower, "last:1")
        sampler = WordSampler(wu_palmer_matrix(synsets), batch=len(words), epochs=3, seed=0)
        train(tower, LexicalObjective(words, sampler, QUICK, tower.encode_texts(words)), QUICK)
        chosen_keys = [one.key for one in classes]
        rows = features[np.isin(keys, chosen_keys)]
        mine = [chosen_keys.index(key) for key in keys if key in chosen_keys]
        draws = {-1: [one.original for one in classes]}
        draws |= dict(enumerate(combinations(classes, min(2, possible(classes)), 0)))
        assert len(found[found["subset"] == number]) == 2 * len(draws)
        for side, encoder in (("base", base()), ("tuned", tower)):
            for combination, chosen in draws.items():
                nearest = np.argmax(rows @ encoder.encode_texts(list(chosen)).T, axis=1)
                row = at(found, subset=number, combination=combination, tower=side)
                assert row["accuracy"] == pytest.approx((nearest == mine).mean())
                assert row["names"] == ("original" if combination == -1 else "replaced")
                assert row["n_pictures"] == 12
                hits = [(nearest == mine)[np.array(mine) == i].sum() for i in range(3)]
                assert row["by_class"] == {one.key: [n, 4] for one, n in zip(classes, hits, strict=True)}
                assert (row["words"], row["steps"]) == ((len(words), 3) if side == "tuned" else (0, 0))
    assert set(found["subset"]) == {0, 1}
    assert set(found["kind"]) == {kind}
    assert found.query("tower == 'tuned'")["seconds"].gt(0).all()


def test_names_of_the_pictures_own_tower_are_found_and_tuning_changes_rows():
    features, keys = pictures(named())
    found = study(base(), features, keys, named(), plan=replace(PLAN, sizes=(6,)))
    original = found.query("tower == 'base' and names == 'original'")
    assert original["accuracy"].tolist() == [1.0]  # one subset of all six
    assert found.query("tower == 'base' and names == 'replaced'")["accuracy"].max() < 1


def test_templates_are_averaged():
    features, keys = pictures(named())
    templates = ("a photo of a {}", "{}")
    found = study(base(), features, keys, named(), plan=replace(PLAN, sizes=(6,), templates=templates))
    texts = [[t.format(one.original) for t in templates] for one in named().classes]
    weights = np.stack([base().encode_texts(row).mean(axis=0) for row in texts])
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    hits = [named().classes[i].key for i in np.argmax(features @ weights.T, axis=1)] == keys
    assert found.query("tower == 'base' and names == 'original'")["accuracy"].iloc[0] == hits.mean()


def test_the_base_stays_as_it_was_and_each_text_is_encoded_once(monkeypatch):
    features, keys = pictures(named())
    calls = []
    encode = tower_module.Tower.encode_texts

    def watched(self, texts, **options):
        calls.append((self is base(), len(texts)))
        return encode(self, texts, **options)

    monkeypatch.setattr(tower_module.Tower, "encode_texts", watched)
    before = class_names.tower_digest(base())
    study(base(), features, keys, named(), plan=replace(PLAN, sizes=(2, 3)))
    assert class_names.tower_digest(base()) == before
    assert [own for own, _ in calls].count(True) == 1
    assert len(calls) == 1 + 4  # the base, and every tuned tower once


# --- towers from outside, controls, held-out names ---


def test_a_tower_from_outside_is_one_more_row_of_each_measurement(tunings):
    features, keys = pictures(named())
    plain = study(base(), features, keys, named(), plan=PLAN)
    other = base().copy()
    trainable.set_trainable(other, "last:1")
    with_other = study(base(), features, keys, named(), plan=PLAN, others={"same": base(), "copy": other})
    assert len(tunings) == 2  # what is measured beside does not change what was tuned
    for name in ("same", "copy"):
        one = with_other[with_other["tower"] == name]
        assert one["accuracy"].tolist() == plain.query("tower == 'base'")["accuracy"].tolist()
        assert set(one["steps"]) == {0}
    pd.testing.assert_frame_equal(
        untimed(with_other.query("tower in ['base', 'tuned']").reset_index(drop=True)), untimed(plain)
    )
    with pytest.raises(InputError, match=r"tower called 'tuned' is given\n.*rename it"):
        study(base(), features, keys, named(), plan=PLAN, others={"tuned": base()})


@pytest.mark.parametrize("control", ["shuffled", "constant", "random_words"])
def test_a_control_changes_the_targets_alone(control, tunings, monkeypatch):
    materials = []

    def watched(*given):
        materials.append(words_module.matrix_materials(*given))
        return materials[-1]

    monkeypatch.setattr(class_names, "matrix_materials", watched)
    features, keys = pictures(named(), noise=0.15)
    plan = replace(PLAN, settings=QUICK.replace(lr=1e-2, steps=8), sizes=(6,))
    plain = study(base(), features, keys, named(), plan=plan)
    controlled = replace(plan, settings=plan.settings.replace(control=control))
    found = study(base(), features, keys, named(), plan=controlled)
    assert set(found["control"]) == {control}
    pd.testing.assert_series_equal(
        found.query("tower == 'base'")["accuracy"], plain.query("tower == 'base'")["accuracy"]
    )
    words = {word for one in named().classes for word in one.words}
    assert set(tunings[0]) == words
    assert (set(tunings[1]) == words) == (control != "random_words")
    assert not (control == "random_words" and set(tunings[1]) & words)
    above = np.triu_indices(len(words), k=1)
    true, given = (np.sort(one.targets[above]) for one in materials)
    assert not np.array_equal(materials[0].targets, materials[1].targets)
    assert np.array_equal(true, given) == (control == "shuffled")
    assert np.allclose(given, true.mean()) == (control == "constant")


def test_held_out_words_are_tested_and_never_tuned_on(tunings):
    names = named()
    features, keys = pictures(names)
    plan = replace(PLAN, sizes=(6,), replaced="held_out", combinations=3)
    found = study(base(), features, keys, names, plan=plan)
    tested = vocabulary(names.classes, "held_out", 0).classes
    held_out = {word for one in tested for word in one.alternatives}
    words = {word for one in names.classes for word in one.words}
    assert set(tunings[0]) == words - held_out
    assert {one.original for one in names.classes} <= set(tunings[0])
    assert set(found["replaced"]) == {"held_out"}
    weights = base().encode_texts(list(combinations(tested, 1, 0)[0]))
    hits = [names.classes[i].key for i in np.argmax(features @ weights.T, axis=1)] == keys
    assert found.query("tower == 'base' and combination == 0")["accuracy"].iloc[0] == hits.mean()


@each(("count", "expected"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_half_of_a_classes_alternatives_are_held_out(count, expected):
    words, meanings = tuple(f"w{i}" for i in range(count)), tuple(f"s{i}" for i in range(count))
    one = NamedClass("k", "s", "n", words, meanings)
    made = vocabulary([one], "held_out", 0)
    [tested] = made.classes
    assert len(tested.alternatives) == expected
    assert sorted([*tested.alternatives, *made.words]) == ["n", *words]
    pairs = dict(zip(words, meanings, strict=True)) | {"n": "s"}
    assert (
        dict(zip(made.words, made.synsets, strict=True))
        | dict(zip(tested.alternatives, tested.meanings, strict=True))
        == pairs
    )
    beside = vocabulary([NamedClass("other", "s", "m", ("a", "b", "c")), one], "held_out", 0)
    assert beside.classes[1] == tested
    assert len({vocabulary([one], "held_out", seed).words for seed in range(9)}) > (count > 1)


# --- transfer ---


def test_transfer_tunes_once_reports_the_overlap_and_measures_without_it(tunings):
    target = named(OTHERS)
    features, keys = pictures(target)
    found = transfer(base(), features, keys, named(), target, plan=replace(PLAN, sizes=(3, 5)))
    assert len(tunings) == 1
    assert set(tunings[0]) == {word for one in named().classes for word in one.words}
    shared = shared_words(target.classes, tunings[0])
    free = [one.key for one, n in zip(target.classes, shared, strict=True) if not n]
    assert 2 <= len(free) < 5
    assert "puma.n.01" not in free
    whole = found.query("split == 'all' and K == 5")
    words = [word for one in target.classes for word in one.words]
    overlap = len(set(words) & set(tunings[0])) / len(words)
    assert whole["overlap"].unique().tolist() == pytest.approx([overlap])
    without = found.query("split == 'overlap_free'")
    assert set(without["overlap"]) == {0}
    assert set(without["K"]) == {3, len(free)}
    assert set(found["tuned_on"]) == {"synonym"}
    rows, mine = features[[key in free for key in keys]], [key for key in keys if key in free]
    weights = base().encode_texts([one.original for one in target.classes if one.key in free])
    hits = [free[i] for i in np.argmax(rows @ weights.T, axis=1)] == np.array(mine)
    [measured] = without.query("names == 'original' and tower == 'base'").query(f"K == {len(free)}")[
        "accuracy"
    ]
    assert measured == hits.mean()
    again = transfer(base(), features, keys, named(), target, plan=replace(PLAN, sizes=(3, 5)))
    pd.testing.assert_frame_equal(again, found)
    assert len(tunings) == 1


def test_transfer_to_other_names_tunes_no_more_and_gives_what_a_new_tower_would(
    tunings, monkeypatch, tmp_path
):
    features, keys = pictures(named(OTHERS), noise=0.1)
    plan = replace(PLAN, sizes=(3,), settings=QUICK.replace(lr=1e-2))
    transfer(base(), features, keys, named(), named(OTHERS), plan=plan)
    fewer = replace(named(OTHERS), classes=named(OTHERS).classes[:4])
    found = transfer(base(), features, keys, named(), fewer, plan=plan)
    assert len(tunings) == 1
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "another"))
    alone = transfer(base().copy(), features, keys, named(), fewer, plan=plan)
    assert len(tunings) == 2
    pd.testing.assert_frame_equal(untimed(alone), untimed(found))


@pytest.mark.usefixtures("bfloat16")
def test_a_tower_is_tuned_in_the_arithmetic_asked_for_and_measured_in_its_own(monkeypatch):
    seen = []

    def watched(tower, *rest, **options):
        seen.append(tower.dtype)
        return train(tower, *rest, **options)

    monkeypatch.setattr(pipeline, "train", watched)
    encoded = []
    encode = tower_module.Tower.encode_texts
    monkeypatch.setattr(
        tower_module.Tower,
        "encode_texts",
        lambda self, *a, **k: encoded.append(self.dtype) or encode(self, *a, **k),
    )
    features, keys = pictures(named())
    plan = replace(PLAN, subsets=1, settings=QUICK.replace(dtype="bfloat16"))
    study(base(), features, keys, named(), plan=plan)
    assert seen == [torch.bfloat16]
    assert set(encoded) == {torch.float32}


def test_transfer_between_the_same_classes_has_no_split_without_overlap():
    features, keys = pictures(named())
    plan = replace(PLAN, sizes=(6,))
    found = transfer(base(), features, keys, named(), named(), plan=plan)
    assert set(found["split"]) == {"all"}
    assert set(found["overlap"]) == {1.0}
    same = study(base(), features, keys, named(), plan=plan)
    assert found["accuracy"].tolist() == same["accuracy"].tolist()
    with pytest.raises(InputError, match="replaced is 'held_out' in a transfer"):
        transfer(base(), features, keys, named(), named(), plan=replace(plan, replaced="held_out"))


# --- what is kept ---


def test_a_repeated_study_is_read_and_any_change_is_measured(tunings, cache):
    features, keys = pictures(named())
    first = study(base(), features, keys, named(), plan=PLAN)
    assert len(tunings) == len(list(cache.glob("*.json"))) == 2
    pd.testing.assert_frame_equal(study(base(), features, keys, named(), plan=PLAN), first)
    assert len(tunings) == 2
    changed = base().copy()
    trainable.set_trainable(changed, "last:1")
    next(iter(changed.trainable_parameters().values())).data.mul_(1.5)
    moved = features.copy()
    moved[:] = -moved
    for tower, rows, plan, tuned_anew in (
        (changed, features, PLAN, 2),
        (base(), moved, PLAN, 0),  # other pictures are measured with what is known of the words
        (base(), features, replace(PLAN, templates=("a {}",)), 2),
        (base(), features, replace(PLAN, combinations=3), 0),
        (base(), features, replace(PLAN, settings=QUICK.replace(seed=1)), 2),
        (base(), features, replace(PLAN, replaced="held_out"), 2),
    ):
        before, measured = len(tunings), len(list(cache.glob("*.json")))
        found = study(tower, rows, keys, named(), plan=plan)
        assert len(tunings) == before + tuned_anew
        assert len(list(cache.glob("*.json"))) == measured + 2
        if rows is moved:
            assert found["accuracy"].tolist() != first["accuracy"].tolist()
    study(base(), features, keys, named(), plan=replace(PLAN, sizes=(3, 2), subsets=3))
    assert len(tunings) == 2 + 4 * 2 + 1 + 3  # the two subsets of three that are known stay known


def test_rows_of_a_tuned_tower_are_read_where_the_results_are_gone(cache, tunings):
    features, keys = pictures(named(), noise=0.1)
    plan = replace(PLAN, subsets=1, settings=QUICK.replace(lr=1e-2))
    first = study(base(), features, keys, named(), plan=plan)
    [results] = cache.glob("*.json")
    results.unlink()
    class_names.forget_tuned_towers()  # as in another process
    pd.testing.assert_frame_equal(study(base(), features, keys, named(), plan=plan), first)
    assert len(tunings) == 1


def test_a_stopped_study_goes_on_with_the_next_subset(monkeypatch, tmp_path, tunings):
    features, keys = pictures(named())
    whole = study(base(), features, keys, named(), plan=PLAN)
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "another"))
    class_names.forget_tuned_towers()
    measure = class_names.accuracies

    def stopping(*args):
        if len(tunings) == 4:
            raise KeyboardInterrupt
        return measure(*args)

    monkeypatch.setattr(class_names, "accuracies", stopping)
    with pytest.raises(KeyboardInterrupt):
        study(base(), features, keys, named(), plan=PLAN)
    monkeypatch.setattr(class_names, "accuracies", measure)
    pd.testing.assert_frame_equal(untimed(study(base(), features, keys, named(), plan=PLAN)), untimed(whole))
    assert len(tunings) == 4  # two, and two again: the second was tuned before the kill


# --- what is refused ---


def test_labels_and_settings_that_cannot_be_are_refused():
    features, keys = pictures(named())
    with pytest.raises(InputError, match=r"type int64 .* 24 pictures\n.*key of each picture's class"):
        study(base(), features, np.arange(24), named())
    with pytest.raises(InputError, match=r"shape \(23,\) for 24 pictures"):
        study(base(), features, keys[1:], named())
    with pytest.raises(InputError, match=r"1 classes have no picture, the first 'car\.n\.01'"):
        study(base(), features[4:], keys[4:], named())
    with pytest.raises(InputError, match="subsets of 7 classes of 6 synonym classes"):
        study(base(), features, keys, named(), plan=replace(PLAN, sizes=(7,)))


@each(
    ("changes", "message"),
    [
        ({"replaced": "all"}, r"replaced is 'all'\n.*tuned_on, held_out"),
        ({"settings": settings_of("lexclip")}, "no matrix of targets"),
        ({"templates": "a {}"}, "templates are one text"),
        ({"subsets": 0}, "subsets is 0"),
        ({"combinations": 0}, "combinations is 0"),
        ({"sizes": ()}, r"sizes are \(\)"),
        ({"sizes": (1, 5)}, r"sizes are \(1, 5\)"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Plan(**changes)


# --- in short ---


def made(**accuracies: list[list[float]]) -> pd.DataFrame:
    """Return a table with accuracies[tower][subset][combination], replaced names."""
    return pd.DataFrame(
        [
            {"K": 3, "tower": tower, "names": "replaced", "subset": s, "combination": c, "accuracy": value}
            for tower, rows in accuracies.items()
            for s, row in enumerate(rows)
            for c, value in enumerate(row)
        ]
    )


def test_a_summary_averages_a_subset_before_it_spreads():
    table = made(base=[[0.1, 0.3], [0.4, 0.4]], tuned=[[0.3, 0.5], [0.4, 0.6]])
    found = summary(table).set_index("tower")
    assert found.loc["base", "mean"] == pytest.approx(0.3)
    assert found.loc["tuned", "mean"] == pytest.approx(0.45)
    # subset means of the gain: 0.2 and 0.1; the t quantile of one degree of freedom is 12.706
    assert found.loc["tuned", "gain"] == pytest.approx(0.15)
    assert found.loc["tuned", "gain_high"] - 0.15 == pytest.approx(12.7062 * 0.05, rel=1e-4)
    assert found.loc["base", ["gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0]
    assert found["over"].tolist() == ["subsets", "subsets"]
    assert found["n"].tolist() == [2, 2]


def test_a_summary_of_one_subset_is_over_combinations():
    found = summary(made(base=[[0.1, 0.3, 0.2]], tuned=[[0.2, 0.4, 0.3]])).set_index("tower")
    assert found["over"].tolist() == ["combinations"] * 2
    assert found.loc["tuned", ["gain", "gain_low", "gain_high"]].tolist() == pytest.approx([0.1] * 3)
    single = summary(made(base=[[0.1]], tuned=[[0.2]])).set_index("tower")
    assert single.loc["tuned", ["low", "mean", "high"]].tolist() == [0.2] * 3


def test_a_summary_keeps_controls_and_names_apart():
    features, keys = pictures(named())
    plans = [replace(PLAN, settings=QUICK.replace(control=one)) for one in ("none", "shuffled")]
    table = pd.concat([study(base(), features, keys, named(), plan=plan) for plan in plans])
    found = summary(table)
    assert len(found) == 2 * 2 * 2
    for row in found.itertuples():
        part = table[
            (table[["control", "tower", "names"]] == [row.control, row.tower, row.names]).all(axis=1)
        ]
        assert row.mean == pytest.approx(part["accuracy"].mean())


def test_a_summary_needs_the_whole_table():
    with pytest.raises(InputError, match="lacks the column 'accuracy'"):
        summary(made(base=[[0.1]]).drop(columns="accuracy"))
    with pytest.raises(InputError, match="no row of tower 'base'"):
        summary(made(tuned=[[0.1]]))


def test_a_curve_is_written_without_controls_and_with_where_it_comes_from(tmp_path):
    table = made(base=[[0.1, 0.3], [0.4, 0.4]], tuned=[[1 / 3, 0.5], [0.4, 0.6]])
    table = pd.concat([table.assign(control=control) for control in ("none", "constant")])
    short = summary(table.assign(kind="mixed"))
    csv, about = write_curve(short, tmp_path / "new", {"seed": 3})
    assert (csv.name, about.name) == ("mixed.csv", "mixed.json")
    found = pd.read_csv(csv)
    assert found.columns.tolist() == ["kind", "K", "tower", "names", "mean", "low", "high", "n"]
    assert found["tower"].tolist() == ["base", "tuned"]
    assert found["mean"].tolist() == [0.3, 0.4583]
    assert json.loads(about.read_text()) == {"seed": 3}
    with pytest.raises(InputError, match=r"lacks the column 'kind'\n.*summary of a study"):
        write_curve(summary(table), tmp_path, {})
