"""ParaCLIP's material, trainings, run folders and sweeps, on small random towers and random picture rows."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from lexclip_core.cli.training import chosen_settings
from lexclip_core.datasets.emoji import scene_sets
from lexclip_core.errors import InputError
from lexclip_core.evaluation.table1 import COLUMNS, over_items
from lexclip_core.experiments import paraphrases, pipeline, run_folder, sweeps
from lexclip_core.experiments.pipeline import ParaphraseExperiment, paraphrase_objective
from lexclip_core.experiments.words import digest, make_lexicon
from lexclip_core.paraphrase.provider import Caption
from lexclip_core.towers import loading, trainable, weights
from lexclip_core.training.settings import ParaphraseSettings, settings_of
from lexclip_core.wordnet.tables import load_wordnet

TINY = settings_of("paraclip-emoji").replace(
    tower="tiny-random",
    dtype="float32",
    trainable="last:1",
    batch=8,
    steps=3,
    device="cpu",
)
SMALL = paraphrases.Size(scenes=16, concepts=16)


def features(pictures) -> np.ndarray:
    """Return random unit rows, the same for the same picture."""
    seeds = [int(digest[:8], 16) for digest in pictures.digests]
    return np.stack([row(seed) for seed in seeds])


@lru_cache(maxsize=10_000)
def row(seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=64).astype(np.float32)
    return drawn / np.linalg.norm(drawn)


@pytest.fixture(scope="module")
def base():
    return loading.load("tiny-random")


@pytest.fixture(scope="module")
def tests():
    """Return the tests on few scenes, with few classes: what is asked does not depend on how many."""
    made = paraphrases.emoji_tests(features, count=12)
    classes = made.table.classes
    few = replace(
        classes, features=classes.features[:20], labels=classes.labels[:20], names=classes.names[:20]
    )
    return replace(made, table=replace(made.table, classes=few), others=few)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Keep checkpoints and measurements of these tests away from the real cache."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@lru_cache(maxsize=1)
def small() -> paraphrases.Material:
    return paraphrases.emoji_material(TINY, features, SMALL)


def texts_of(material) -> list[str]:
    every = range(len(material.records))
    fields = ("caption", "paraphrase_1", "paraphrase_2")
    return [text for field in fields for text in material.records.column(field, every)]


@pytest.mark.parametrize("provider", ["rules", "siblings", "siblings-rules"])
def test_no_text_of_an_evaluation_is_trained_on(provider):
    made = paraphrases.emoji_material(TINY.replace(provider=provider), features, paraphrases.Size(40, 40))
    assert len(made.records) == 80
    for split in ("development", "test"):
        asked = scene_sets.scene_evaluation(split, count=40)
        assert scene_sets.shared_texts(asked, texts_of(made)) == ()


def test_no_single_thing_of_an_evaluation_is_trained_on():
    experiment = TINY.replace(provider="siblings")  # the quickest
    made = paraphrases.emoji_material(experiment, features, paraphrases.Size(scenes=0))
    images = set(made.records.column("image", range(len(made.records))))
    assert not images & {*scene_sets.split_objects("test"), *scene_sets.split_objects("development")}
    assert len(images) == 1547 - 45 - 25


def test_every_record_meets_the_row_of_its_own_picture():
    made = small()
    keys = made.records.column("image", range(len(made.records)))
    assert len(set(keys)) == 32
    assert len(np.unique(made.pictures.of_record)) == 32


def test_a_seed_changes_the_phrasings_and_not_the_pictures():
    one, again = small(), paraphrases.emoji_material(TINY, features, SMALL)
    other = paraphrases.emoji_material(TINY.replace(seed=1), features, SMALL)
    assert texts_of(one) == texts_of(again)
    assert texts_of(one) != texts_of(other)
    scenes = slice(0, 16)
    rows = [np.asarray(made.pictures.features)[scenes] for made in (one, other)]
    np.testing.assert_array_equal(*rows)


def test_with_both_providers_a_name_is_the_plainest_way_and_a_sibling_the_first_paraphrase():
    asked = [
        [
            Caption("a dog above a cat", "s"),
            Caption("a cat below a dog", "s"),
            Caption("a dog over a cat", "s"),
        ],
        [Caption("a drawing of a car", "c"), Caption("a picture of a car", "c"), Caption("car", "c")],
    ]
    made = paraphrases.captioned_material(TINY, asked, np.eye(2, dtype=np.float32)).records
    assert made[0].caption == "a dog above a cat"
    assert made[0].paraphrase_1 == "a cat below a dog"
    assert made[0].paraphrase_2 not in (made[0].caption, made[0].paraphrase_1)
    assert made[1].paraphrase_2 == "car"


def test_a_provider_that_needs_a_service_is_refused_with_the_way_round():
    with pytest.raises(InputError, match=r"provider 'chat'.*\n.*rules, siblings, siblings-rules.*paraphrase"):
        paraphrases.captioned_material(TINY.replace(provider="chat"), [[Caption("a", "b")]], np.eye(1))


def test_most_records_are_drawn_by_the_seed():
    few = paraphrases.emoji_material(TINY.replace(max_records=9), features, SMALL)
    assert len(few.records) == 9


def test_training_moves_only_what_may_move_and_is_what_is_stored(base, cache):
    before = trainable.frozen_digest(base)
    made = pipeline.train_tower(TINY, paraphrase_objective(TINY, small(), base), base)
    assert trainable.frozen_digest(base) == before
    assert [row["step"] for row in made.history.rows] == [0, 1, 2]
    stored = weights.apply_tuned(base, made.weights).encode_texts(["a dog"])
    np.testing.assert_array_equal(stored, made.tower.encode_texts(["a dog"]))
    assert np.abs(stored - base.encode_texts(["a dog"])).max() > 1e-5


def test_the_two_papers_train_together(base, cache):
    both = TINY.replace(distance="blog-release", steps=1, distance_batch=4)
    made = pipeline.train_tower(both, paraphrase_objective(both, small(), base), base)
    assert {"distance", "image_paraphrase_2", "caption_paraphrase"} <= set(made.history.rows[0])


def test_a_run_folder_holds_every_column_before_and_after(tests, cache, tmp_path):
    words = ("hot", "cold", "warm", "happy", "sad", "glad", "cheerful", "dog")
    lexicon = make_lexicon(load_wordnet(), words, {digest(word) for word in words})
    path = pipeline.tune(
        TINY,
        tmp_path,
        experiment=lambda base: ParaphraseExperiment(
            TINY, base, tests=tests, material=small(), vocabulary=lexicon
        ),
    )
    run = run_folder.read_run(path)
    assert path.name == TINY.run_id
    assert set(run.words) == {*words, *pipeline.BLOG_WORDS}
    assert run.tuned_path is not None
    for metric in ("paraphrased/ao@10", "paraphrased/js@10", "zero-shot/top-1", "retrieval/text_r@5"):
        entry = run.metrics[f"test/{metric}"]
        assert {"value", "low", "high", "before"} <= set(entry)
    assert run.provenance["command"].startswith("lexclip paraclip tune --preset paraclip-emoji --set tower=")
    assert run.provenance["scales"] == pytest.approx({"image_text": 20.0, "text_text": 8.0})


def chosen(preset, texts):
    return chosen_settings(ParaphraseSettings, preset, None, texts, default="paraclip-emoji")


def test_the_command_line_names_what_it_cannot_read():
    with pytest.raises(InputError, match="preset 'lexclip' is of method 'relations'"):
        chosen("lexclip", [])
    with pytest.raises(InputError, match="batch is 'many'"):
        chosen("paraclip", ["batch=many"])
    with pytest.raises(InputError, match="has no value"):
        chosen("paraclip", ["batch"])
    assert chosen(None, ["lr=0.001"]) == settings_of("paraclip-emoji", {"lr": 0.001})


def small_sweep(base, tests) -> sweeps.Sweep:
    start = TINY.replace(steps=1)
    return sweeps.Sweep(start, base, lambda one: paraphrases.emoji_material(one, features, SMALL), tests)


def test_table_2_has_a_row_a_setting_and_seed_and_resumes(base, tests, cache):
    made = small_sweep(base, tests)
    rows = ("base", "L1", "L1''+L2+L3")
    table = sweeps.sweep_table2(made, (0, 1), rows)
    assert list(table.columns) == list(sweeps.TABLE_2_COLUMNS)
    assert table.groupby("row")["seed"].unique().map(list).to_dict() == {
        "base": [-1],
        "L1": [0, 1],
        "L1''+L2+L3": [0, 1],
    }
    assert set(table["metric"]) == set(sweeps.MEASURED.values())
    same = table[table["row"] == "base"]
    assert (same["value"] == same["before"]).all()
    known = replace(made, make=lambda _: pytest.fail("everything is kept: nothing is trained again"))
    assert sweeps.sweep_table2(known, (0, 1), rows).equals(table)


def test_alpha_interpolates_what_was_trained_once(base, tests, cache):
    made = small_sweep(base, tests)
    table = sweeps.sweep_trade_offs(made, (0,), (0.0, 1.0), {"L1''": (1.0, 0.0, 0.0)})
    assert list(table.columns) == list(sweeps.TRADE_OFF_COLUMNS)
    assert list(dict.fromkeys(table["name"])) == ["base", "L1'', alpha 0", "L1''"]
    wide = table.pivot_table(index="metric", columns="name", values="value")
    np.testing.assert_allclose(wide["base"], wide["L1'', alpha 0"], atol=1e-6)
    assert (wide["base"] - wide["L1''"]).abs().max() > 0


def test_what_was_measured_is_read_for_the_same_settings_tower_and_tests_alone(base, tests, cache):
    known, encode = paraphrases.known_setting, base.encode_texts
    assert known(TINY, base, tests) is None
    found = paraphrases.measured_setting(TINY, base, tests, encode)
    assert found.metrics["test/zero-shot/top-1"].n == 20
    assert known(TINY, base, tests).metrics == found.metrics
    assert known(TINY.replace(preset="mine"), base, tests).metrics == found.metrics
    assert known(TINY.replace(alpha=0.4), base, tests) is None
    assert known(TINY, base, replace(tests, others=None)) is None
    other = base.copy()
    other.sha256 = "0" * 64
    assert known(TINY, other, tests) is None
    assert paraphrases.measured_base(base, tests).metrics == found.metrics
    for column, scores in found.items.items():  # what is read back gives what was measured
        value = over_items([scores])[0]
        assert value == over_items([known(TINY, base, tests).items[column]])[0]
        assert value == pytest.approx(found.metrics[f"test/{COLUMNS[column]}"].value)


def test_other_concepts_are_the_ones_that_are_no_nouns(tests):
    from lexclip_core.experiments.paraphrases import with_other_concepts

    others = with_other_concepts(tests, lambda pictures: np.zeros((len(pictures), 64), np.float32)).others
    assert len(others.names) == 1547 - 800
    assert "grinning face" in others.names
    assert "dog" not in others.names


def test_sentences_are_left_out_where_they_are_not_at_hand(tmp_path):
    from lexclip_core.datasets.composition import attribute_swaps
    from lexclip_core.experiments.paraphrases import sentence_tasks

    assert sentence_tasks(tmp_path) == ()
    assert attribute_swaps(tmp_path) is None
    assert sentence_tasks(None) == ()


def test_the_seven_tasks_are_sampled_alike_and_swaps_are_read(evaldata):
    from lexclip_core.datasets.composition import attribute_swaps
    from lexclip_core.experiments.paraphrases import sentence_tasks

    one, again = sentence_tasks(evaldata, 20), sentence_tasks(evaldata, 20)
    assert [len(task) for task in one] == [20] * 7
    assert one[0].sentences_a == again[0].sentences_a
    assert set(attribute_swaps(evaldata).groups) == {"replace_att", "swap_att"}
