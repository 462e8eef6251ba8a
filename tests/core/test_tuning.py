"""From settings to a run folder: the words, the batches, the measurements, and what is kept of them."""

from __future__ import annotations

import importlib
import json
import logging
import shlex
import subprocess
import tempfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_tower import tiny_tower

from lexclip_core import runs, storage, towers, tuning
from lexclip_core.cli.tuning import experiment_of
from lexclip_core.config import PRESETS, Experiment, preset
from lexclip_core.datasets.imagenet_classes import synonym_classes
from lexclip_core.datasets.word_digests import read_digests
from lexclip_core.errors import InputError, MissingResourceError, StorageError
from lexclip_core.pairs import digest
from lexclip_core.synsets import load_wordnet
from lexclip_core.targets import REPULSIVE, Ladder, Rung, lexical_targets, word_similarity, wu_palmer
from lexclip_core.training import History
from lexclip_core.tuning import embedding_cache, maps, measuring
from lexclip_core.tuning.lexicon import lexicon, make_lexicon
from lexclip_core.words import normalise

WORDS = "dog, cat, wolf, happiness, sadness, joy, car, automobile, river, stone, teacher, student"
MADE = Experiment(
    tower="tiny-random",
    device="cpu",
    vocabulary="words",
    words=WORDS,
    target="lexical",
    batch=22,
    epochs=2,
    optimizer="adamw",
    lr=1e-3,
    trainable="last:1",
    alpha=0.5,
)


MATERIALS = importlib.import_module("lexclip_core.tuning.materials")  # its name in the package is a function


# --- the lexicon ---


def test_wordnets_words_are_split_with_the_test_sets_held_out():
    whole = lexicon()
    counts = {part: int((whole.split == part).sum()) for part in ("train", "dev", "test")}
    assert sum(counts.values()) == len(whole.words) > 140_000
    assert counts["dev"] > 15_000
    assert counts["test"] > counts["dev"]  # the words of the test sets come on top
    assert counts["train"] > 100_000
    heldout = read_digests()
    held = np.array([digest(word) in heldout for word in whole.words])
    assert held.sum() > 1_000
    assert set(whole.split[held]) == {"test"}
    antonyms = whole.related.chosen([Rung.ANTONYM])
    free = ~held[antonyms.first] & ~held[antonyms.second]
    np.testing.assert_array_equal(whole.split[antonyms.first][free], whole.split[antonyms.second][free])


def test_the_facts_of_a_lexicon():
    words = ("dog", "run", "happy", "quickly", "stone", "idea", "unhappy", "quick")
    made = make_lexicon(load_wordnet(), words, {digest("dog")})
    assert made.pos.tolist() == ["n", "v", "a", "r", "n", "n", "a", "a"]
    assert made.things[[0, 4]].all()
    assert not made.things[[1, 2, 3, 5, 6, 7]].any()
    for word, count in zip(words, made.counts.tolist(), strict=True):
        assert count == load_wordnet().sense_counts(word).sum()
    assert made.split[0] == "test"
    assert made.split[2] == made.split[6]
    inside = made.within(made.split[2], [Rung.ANTONYM])
    assert (words[inside.first[0]], words[inside.second[0]]) == ("happy", "unhappy")
    other = next(part for part in ("train", "dev", "test") if part != made.split[2])
    assert len(made.within(other, [Rung.ANTONYM])) == 0


@pytest.fixture(scope="module")
def small():
    """Let a few thousand words stand for the whole lexicon."""
    wordnet = load_wordnet()
    linked = {
        normalise(lemma)
        for synset in np.unique(wordnet.antonym_links.synset_i)[::2]
        for lemma in wordnet.lemmas[synset]
    }
    every = [word for word in wordnet.words() if word.isascii() and word.isalpha()]
    words = tuple(dict.fromkeys([*sorted(linked), *every[::60], *tuning._BLOG_WORDS]))
    made = make_lexicon(wordnet, words, {digest(word) for word in words[::40]})
    caches = (measuring.judged_pairs, measuring._heldout_triples)
    with pytest.MonkeyPatch.context() as patch:
        for module in (tuning, MATERIALS, measuring):
            patch.setattr(module, "lexicon", lambda: made)
        for cache in caches:
            cache.cache_clear()
        yield made
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Keep checkpoints and embeddings out of the real cache."""
    monkeypatch.setattr(tuning, "_work_folder", lambda experiment: tmp_path / "work" / experiment.run_id)
    kept = SimpleNamespace(cache_folder=lambda: tmp_path / "cache", atomic_write=storage.atomic_write)
    monkeypatch.setattr(embedding_cache, "storage", kept)
    return tmp_path


# --- from settings to batches ---


def matrix_of(**changes):
    return tuning.materials(replace(MADE, **changes), tiny_tower())


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("lexical", lexical_targets),
        ("wu_palmer", lambda words: word_similarity(words, pos="n", how="first_sense")),
        (
            "wu_palmer_nltk",
            lambda words: word_similarity(words, pos="n", how="first_sense", policy="nltk"),
        ),
    ],
)
def test_words_get_the_targets_asked_for(target, expected):
    made = matrix_of(target=target)
    assert made.words == tuple(WORDS.split(", "))
    np.testing.assert_array_equal(made.targets, expected(made.words))
    batch = made.sampler.batch(0)
    np.testing.assert_array_equal(
        batch.targets, made.targets[np.ix_(batch.rows, batch.rows)].astype(np.float32)
    )


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"sampling": "pairs"}, 6),  # 66 pairs, 22 a step, two epochs
        ({"sampling": "in_batch", "batch": 4}, 6),
        ({"sampling": "full_matrix"}, 2),
        ({"sampling": "pairs", "steps": 50}, 50),
    ],
)
def test_the_sampling_makes_the_steps(changes, steps):
    sampler = matrix_of(**changes).sampler
    assert sampler.steps == steps
    assert len(sampler.batch(steps - 1).rows) > 1


@pytest.mark.parametrize("policy", ["nltk", "lawful"])
def test_imagenet_words_have_the_similarity_of_their_classes(policy):
    target = "wu_palmer_nltk" if policy == "nltk" else "wu_palmer"
    made = matrix_of(vocabulary="imagenet_synonyms", classes=30, target=target, seed=3)
    classes = synonym_classes(load_wordnet(), 30, seed=3)
    assert dict.fromkeys(made.class_of) == dict.fromkeys(classes)
    for wnid, words in classes.items():
        assert tuple(w for w, c in zip(made.words, made.class_of, strict=True) if c == wnid) == words
    own = np.array(made.class_of)
    same = own[:, None] == own[None, :]
    np.testing.assert_array_equal(made.targets, wu_palmer(made.class_of, policy=policy))
    if policy == "lawful":
        assert (made.targets[same] == 1).all()
    assert (made.targets[~same] < 1).all()


def test_controls_take_away_what_they_say():
    plain, shuffled, constant, others = (
        matrix_of(control=control) for control in ("none", "shuffled", "constant", "random_words")
    )
    upper = np.triu_indices(len(plain.words), k=1)
    np.testing.assert_array_equal(np.sort(shuffled.targets[upper]), np.sort(plain.targets[upper]))
    assert not np.array_equal(shuffled.targets, plain.targets)
    np.testing.assert_allclose(constant.targets[upper], plain.targets[upper].mean())
    assert shuffled.words == constant.words == plain.words
    assert len(others.words) == len(plain.words)
    assert not set(others.words) & set(plain.words)
    np.testing.assert_array_equal(others.targets, lexical_targets(others.words))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": "dog"}, r"1 word is given\n.*at least two, separated by commas"),
        ({"words": ""}, r"no usable word .*\n.*at least one"),
        ({"words": "dog, wug"}, r"WordNet does not know 'wug'"),
        ({"words": "dog, happy", "target": "wu_palmer"}, r"no noun 'happy'\n.*as adjective"),
        ({"classes": 999, "vocabulary": "imagenet_synonyms"}, r"999 classes are asked for\n"),
        ({"vocabulary": "wordnet"}, r"vocabulary 'wordnet' with sampling 'pairs'\n.*goes with"),
        ({"sampling": "relations", "steps": 2}, r"vocabulary 'words' with sampling 'relations'\n.*goes with"),
        ({"sampling": "in_batch", "batch": 1}, r"batch is 1\n.*at least two"),
    ],
)
def test_settings_that_do_not_go_together_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        matrix_of(**changes)


def test_doubles_among_given_words_count_once():
    assert matrix_of(words="dog, Dog,cat ,,  river").words == ("dog", "cat", "river")


RELATIONS = replace(
    PRESETS["lexclip"], tower="tiny-random", device="cpu", dtype="float32", steps=3, batch=8, retained=32
)


@pytest.mark.usefixtures("folders")
def test_related_materials_are_training_words_of_few_tokens(small):
    tower = tiny_tower()
    made = tuning.materials(RELATIONS, tower)
    split = dict(zip(small.words, small.split, strict=True))
    assert {split[word] for word in made.words} == {"train"}
    assert max(len(ids) for ids in tower.tokens(made.words)) <= 6
    assert not any(digest(word) in {digest(held) for held in small.words[::40]} for word in made.words)
    assert made.sampler.steps == 3
    batch, ladder = made.sampler.batch(0), Ladder()
    assert set(batch.targets[batch.masks["repel"] > 0].tolist()) <= {
        np.float32(ladder.value(rung)) for rung in REPULSIVE
    }
    assert batch.targets[batch.masks["attract"] > 0].min() >= np.float32(0.6)
    rows = tower.encode_texts([made.words[row] for row in batch.rows])
    kept = (batch.masks["near"] > 0) | (batch.masks["far"] > 0)
    np.testing.assert_allclose(batch.targets[kept], (rows @ rows.T)[kept], atol=1e-5)


@pytest.mark.usefixtures("folders")
def test_controls_of_relations(small):
    tower = tiny_tower()
    plain, shuffled, constant = (
        tuning.materials(replace(RELATIONS, control=control), tower).sampler._pairs
        for control in ("none", "shuffled", "constant")
    )
    np.testing.assert_array_equal(shuffled.first, plain.first)
    np.testing.assert_array_equal(np.sort(shuffled.targets), np.sort(plain.targets))
    assert not np.array_equal(shuffled.targets, plain.targets)
    np.testing.assert_allclose(constant.targets, plain.targets.mean(), rtol=1e-6)


@pytest.mark.usefixtures("folders")
def test_relations_of_random_words_are_refused():
    setting = replace(RELATIONS, control="random_words")
    with pytest.raises(
        InputError, match=r"control 'random_words' with .* 'relations'\n.*'shuffled' or 'constant'"
    ):
        tuning.materials(setting, tiny_tower())


def test_each_rung_gets_its_share_of_the_drawing(small):
    pairs = MATERIALS._related_pairs(small, small.split == "train", Ladder())
    shares = MATERIALS._SHARES
    opposite = sum(share for rung, share in shares.items() if rung in REPULSIVE)
    assert pairs.weights[pairs.opposite].sum() == pytest.approx(opposite)
    assert pairs.weights[~pairs.opposite].sum() == pytest.approx(sum(shares.values()) - opposite)
    assert (pairs.weights > 0).all()


# --- embeddings that are kept ---


@pytest.mark.usefixtures("folders")
def test_embeddings_are_computed_once(monkeypatch):
    tower = tiny_tower()
    rows = embedding_cache.cached_embeddings(tower, ("dog", "cat"))
    np.testing.assert_array_equal(rows, tower.encode_texts(["dog", "cat"]))
    calls = []
    monkeypatch.setattr(tower, "encode_texts", lambda words, **_: calls.append(words) or np.zeros((1, 64)))
    np.testing.assert_array_equal(embedding_cache.cached_embeddings(tower, ("dog", "cat")), rows)
    assert calls == []
    embedding_cache.cached_embeddings(tower, ("cat", "dog"))
    tower.sha256 = "0" * 64
    embedding_cache.cached_embeddings(tower, ("dog", "cat"))
    assert calls == [("cat", "dog"), ("dog", "cat")]


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01\x00v\x00{", b"not an array"])
def test_damaged_embeddings_are_computed_again(folders, caplog, damage):
    tower = tiny_tower()
    rows = embedding_cache.cached_embeddings(tower, ("dog",))
    (path,) = (folders / "cache" / "embeddings").iterdir()
    path.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(embedding_cache.cached_embeddings(tower, ("dog",)), rows)
    assert f"{path} cannot be read" in caplog.text
    np.testing.assert_array_equal(np.load(path), rows)


def test_a_tower_that_may_move_is_never_cached(folders):
    tower = tiny_tower()
    towers.set_trainable(tower, "last:1")
    embedding_cache.cached_embeddings(tower, ("dog",))
    assert not (folders / "cache").exists()


# --- measuring ---


def test_separation_by_hand():
    pairs = pd.DataFrame(
        [
            ("a1", "b1", "synonym", "a", 0.2, 0.9),
            ("a2", "b2", "synonym", "a", 0.5, 0.8),
            ("a3", "b3", "antonym", "a", 0.4, 0.1),
            ("a4", "b4", "antonym", "a", 0.6, 0.85),
            ("a5", "b5", "synonym", "n", 0.3, 0.3),
        ],
        columns=["word_a", "word_b", "relation", "pos", "cosine_before", "cosine_after"],
    )
    found = measuring.separation(pairs, "dev")
    whole = next(value for name, value in found.items() if not name.endswith("/adjectives"))
    part = next(value for name, value in found.items() if name.endswith("/adjectives"))
    assert len(found) == 2  # nouns have no antonym here
    assert all(name.startswith("dev/") for name in found)
    assert (part["before"], part["value"]) == (1 / 4, 3 / 4)
    assert (whole["before"], whole["value"]) == (1 / 6, 4 / 6)


def test_judged_pairs_are_of_one_split_and_tagged(small):
    split = dict(zip(small.words, small.split, strict=True))
    counts = dict(zip(small.words, small.counts.tolist(), strict=True))
    wordnet = load_wordnet()
    for part in ("dev", "test"):
        table = measuring.judged_pairs(part)
        assert set(table.relation) == {"synonym", "antonym"}
        assert set(table.split) == {part}
        assert set(table.pos) <= {"a", "n", "v"}
        for row in table.itertuples():
            assert split[row.word_a] == split[row.word_b] == part
            assert min(counts[row.word_a], counts[row.word_b]) > 0
            shared = set(wordnet.synsets(row.word_a)) & set(wordnet.synsets(row.word_b))
            assert shared or row.relation == "antonym"


def test_pairs_with_a_word_that_tuning_saw_are_left_out(small):
    encode = tiny_tower().encode_texts
    sides = measuring.Sides(encode, encode)
    table = measuring.judged_pairs("dev")
    seen = set(table.word_a[:40]) | {"wug"}
    left = measuring.measured_pairs(sides, "dev", seen)
    assert 0 < len(left) == (~(table.word_a.isin(seen) | table.word_b.isin(seen))).sum() < len(table)
    np.testing.assert_array_equal(left.cosine_before, left.cosine_after)
    row = left.iloc[0]
    assert row.cosine_before == pytest.approx(
        float(encode([row.word_a])[0] @ encode([row.word_b])[0]), abs=1e-5
    )


def test_inversions_and_retention_are_of_unseen_words(small):
    encode = tiny_tower().encode_texts
    asked = []

    def watched(texts):
        asked.extend(texts)
        return encode(texts)

    split = dict(zip(small.words, small.split, strict=True))
    every = measuring.inversions(measuring.Sides(watched, watched), ())
    assert {split[word] for word in asked} == {"test"}
    assert all(
        name.startswith("test/") and entry["before"] == entry["value"] for name, entry in every.items()
    )
    seen = set(asked[:5])
    asked.clear()
    kept = measuring.retention(measuring.Sides(watched, watched), "test", seen)
    assert not seen & set(asked)
    assert all(name.startswith("retention/test/") for name in kept)
    overlap = next(entry for name, entry in kept.items() if "overlap" in name)
    assert overlap["value"] == 1


def test_outside_sets_are_read_where_they_are(tmp_path, small):
    folder = tmp_path / "sets"
    (folder / "wordsim").mkdir(parents=True)
    encode = tiny_tower().encode_texts
    assert measuring.outside_sets(measuring.Sides(encode, encode), folder, ()) == {}


# --- maps ---


@pytest.mark.parametrize("root", ["chromatic_color.n.01", *maps.SUBTREES])
def test_a_subtree_hangs_together_under_its_root(root):
    wordnet = load_wordnet()
    nodes = maps.subtree_nodes(wordnet, root)
    assert 5 <= len(nodes) <= 120
    assert nodes.word.is_unique
    assert (nodes.synset[0], nodes.parent[0]) == (root, "")
    below = set(wordnet.subtree(wordnet.index(root), 10_000).tolist())
    drawn = set()
    for row in nodes.itertuples():
        synset = wordnet.index(row.synset)
        assert synset in below
        assert row.word == normalise(wordnet.lemmas[synset][0])
        assert row.gloss == wordnet.glosses[synset]
        if row.parent:
            assert row.parent in drawn
            assert wordnet.index(row.parent) in wordnet.hypernyms.of(synset)
        drawn.add(row.synset)


def test_the_most_of_a_subtree_can_be_set():
    assert len(maps.subtree_nodes(load_wordnet(), "dog.n.01", most=7)) <= 7


# --- provenance ---


@pytest.mark.parametrize(
    "experiment",
    [
        *(preset(name) for name in PRESETS),
        MADE,
        Experiment.from_flat({"preset": "lexclip", "seed": 2, "c": 3, "alpha": 0.85, "steps": 7}),
        Experiment.from_flat({"preset": "blog-release", "words": "ice cream, it's; $HOME='x'", "lr": 1e-7}),
    ],
    ids=lambda experiment: experiment.run_id,
)
def test_the_command_of_a_run_makes_the_same_experiment(experiment):
    program, action, option, name, *settings = shlex.split(tuning.command(experiment))
    assert (program, action, option) == ("lexclip", "tune", "--preset")
    assert settings[::2] == ["--set"] * (len(settings) // 2)
    again = experiment_of(name, settings[1::2])
    assert again == experiment
    assert again.run_id == experiment.run_id


def test_the_command_names_only_what_differs_from_the_preset():
    assert tuning.command(preset("lexclip")) == "lexclip tune --preset lexclip"
    changed = replace(preset("lexclip"), seed=1, alpha=0.5)
    assert tuning.command(changed) == "lexclip tune --preset lexclip --set alpha=0.5 --set seed=1"


def test_provenance_without_git(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("git")

    tower = tiny_tower()
    monkeypatch.setattr(subprocess, "run", missing)
    found = tuning.provenance(replace(MADE, seed=4), tower, seconds=1.26)
    assert found["git_commit"] == "unknown"
    assert (found["seed"], found["wall_seconds"], found["device"]) == (4, 1.3, "cpu")
    assert found["weights_sha256"] == tower.sha256
    assert found["packages"]["torch"] == torch.__version__.split("+")[0]


# --- from end to end ---


def test_a_run_from_settings_to_folder(small, folders, monkeypatch):
    monkeypatch.setattr(maps, "subtree_layout", made_up_layout)
    path = tuning.tune(MADE, folders / "runs", roots=("chromatic_color.n.01",))
    run = runs.read_run(path)
    assert path == folders / "runs" / MADE.run_id
    assert Experiment.from_flat(run.config) == MADE
    assert run.history.step.tolist() == list(range(6))
    assert {*WORDS.split(", "), *tuning._BLOG_WORDS, *run.layout.word} <= set(run.words)

    base = tiny_tower()
    np.testing.assert_allclose(run.before, base.encode_texts(run.words), atol=2e-3)
    tuned = towers.apply_tuned(base, run.tuned_path)
    np.testing.assert_allclose(run.after, tuned.encode_texts(run.words), atol=2e-3)
    assert np.abs(run.after - run.before).max() > 0.01

    seen = set(WORDS.split(", "))
    assert not seen & {*run.pairs.word_a, *run.pairs.word_b}
    assert set(run.pairs.split) == {"dev", "test"}
    row = run.pairs.iloc[3]
    both = tuned.encode_texts([row.word_a, row.word_b])
    assert row.cosine_after == pytest.approx(float(both[0] @ both[1]), abs=1e-4)

    prefixes = {name.split("/")[0] for name in run.metrics}
    assert prefixes == {"dev", "test", "retention"}
    assert all(np.isfinite(entry["value"]) for entry in run.metrics.values())
    *_, name = shlex.split(run.provenance["command"].split(" --set ")[0])
    settings = shlex.split(run.provenance["command"])[5::2]
    assert experiment_of(name, settings).run_id == run.run_id
    assert not any(child.is_file() for child in (folders / "work").rglob("*"))


def made_up_layout(nodes, words, before, after, *, seed):
    assert set(nodes.word) <= set(words)
    place = np.arange(len(nodes), dtype=float)
    sides = {f"{axis}_{side}": place for side in ("before", "after") for axis in "xy"}
    return nodes.assign(**sides, trustworthiness_before=0.9, trustworthiness_after=0.8)


@pytest.fixture
def unmeasured(small, folders, monkeypatch):
    """Measure nothing: what is tested here is training and writing."""
    for name in ("inversions", "separation", "retention"):
        monkeypatch.setattr(measuring, name, lambda *_: {})
    return folders


def after_of(path):
    return runs.read_run(path).after


def test_half_way_is_stored_as_alpha_says(unmeasured):
    """What a run stores lies at alpha between the base and what training reached."""
    whole = runs.read_run(tuning.tune(replace(MADE, alpha=1.0), unmeasured / "runs", roots=()))
    half = runs.read_run(tuning.tune(MADE, unmeasured / "runs", roots=()))
    assert whole.layout is None
    base, ends = tiny_tower(), towers.apply_tuned(tiny_tower(), whole.tuned_path)
    expected = towers.interpolate(base, ends, 0.5).encode_texts(half.words)
    np.testing.assert_allclose(half.after, expected, atol=3e-3)
    np.testing.assert_allclose(half.history.total, whole.history.total)


def test_large_tuned_tensors_stay_out_of_the_run(unmeasured, monkeypatch):
    monkeypatch.setattr(tuning, "_LARGEST", 1_000)
    run = runs.read_run(tuning.tune(MADE, unmeasured / "runs", roots=()))
    assert run.tuned_path is None


def full(*_, **__):
    raise OSError(28, "No space left on device")


def read_only(*_, **__):
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize(
    ("patched", "name", "failure", "message"),
    [
        (np, "savez_compressed", full, r"cannot write .*No space left on device\n.*free some disk space"),
        (tempfile, "mkdtemp", read_only, r"cannot write .*Read-only file system\n.*can be written"),
    ],
    ids=["full", "read-only"],
)
def test_a_folder_that_cannot_be_written_costs_no_training(unmeasured, patched, name, failure, message):
    out = unmeasured / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patched, name, failure)
        with pytest.raises(StorageError, match=message):
            tuning.tune(MADE, out, roots=())
    assert not list(out.glob("*")) + list(out.glob(".*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", failure)  # all steps are done already
        run = runs.read_run(tuning.tune(MADE, out, roots=()))
    assert len(run.history) == 6


def test_a_missing_folder_of_test_sets_is_named_before_training(folders):
    with pytest.raises(MissingResourceError, match=r"nowhere has no folder wordsim\n"):
        tuning.tune(MADE, folders / "runs", test_sets=folders / "nowhere")
    assert not (folders / "work").exists()


def test_relations_are_tuned_from_end_to_end(unmeasured):
    experiment = replace(RELATIONS, trainable="lora:2")
    run = runs.read_run(tuning.tune(experiment, unmeasured / "runs", roots=()))
    assert list(run.history.columns) == [
        "step",
        "epoch",
        "seconds",
        "repel",
        "attract",
        "near",
        "far",
        "total",
    ]
    assert run.config["preset"] == "lexclip"
    assert np.abs(run.after - run.before).max() > 0


@pytest.mark.parametrize("steps", [1, 999, 1_000, 1_001, 2_500])
def test_a_long_history_is_thinned_to_means(steps):
    rows = [
        {"step": k, "epoch": k // 100, "seconds": k / 8, "distance": k % 2, "total": k % 2}
        for k in range(steps)
    ]
    table = tuning._thinned(History(rows))
    stride = -(-steps // 1_000)
    assert len(table) == -(-steps // stride) <= 1_000
    assert table.step.iloc[-1] == steps - 1
    assert table.distance.iloc[0] == np.mean([k % 2 for k in range(stride)])
    assert json.dumps(table.step.tolist())  # whole numbers
    assert table.step.dtype == np.int64
