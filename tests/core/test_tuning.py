"""From settings to a run folder: the words, the batches, the measurements, and what is kept of them."""

from __future__ import annotations

import json
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from case_tables import each
from tiny_tower import tiny_tower

from lexclip_core.cli.training import chosen_settings
from lexclip_core.datasets.pictures.imagenet import synonym_classes
from lexclip_core.errors import InputError, MissingResourceError, StorageError
from lexclip_core.experiments import pipeline, run_folder, word_measures
from lexclip_core.experiments import words as words_module
from lexclip_core.experiments.pipeline import WordExperiment
from lexclip_core.experiments.words import digest, lexicon, make_lexicon, read_digests
from lexclip_core.targets.relations import REPULSIVE, RelationTargets, WordRelation, lexical_targets
from lexclip_core.targets.word_level import wu_palmer_of_words
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.towers import trainable, weight_files, weights
from lexclip_core.training.loop import History
from lexclip_core.training.settings import PRESETS, MatrixSettings, TrainingSettings, settings_of
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise

pytestmark = pytest.mark.usefixtures("quick_maps")

WORDS = "dog, cat, wolf, happiness, sadness, joy, car, automobile, river, stone, teacher, student"
MADE = MatrixSettings(
    tower="tiny-random",
    device="cpu",
    words=WORDS,
    target="lexical",
    batch=22,
    epochs=2,
    optimizer="adamw",
    lr=1e-3,
    trainable="last:1",
    alpha=0.5,
)


# --- the lexicon ---


def test_wordnets_words_are_split_with_the_test_sets_held_out():
    whole = lexicon()
    counts = {part: int((whole.split == part).sum()) for part in ("train", "dev", "test")}
    assert sum(counts.values()) == len(whole.words) > 140_000
    assert counts["dev"] > 15_000
    assert counts["test"] > counts["dev"]  # the words of the test sets come on top, with their families
    assert counts["train"] > 70_000
    heldout = read_digests()
    held = np.array([digest(word) in heldout for word in whole.words])
    assert held.sum() > 1_000
    assert set(whole.split[held]) == {"test"}
    antonyms = whole.related.chosen([WordRelation.ANTONYM])
    expression = np.array([" " in word for word in whole.words])  # expressions follow their parts
    free = ~(held | expression)[antonyms.first] & ~(held | expression)[antonyms.second]
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
    inside = made.within(made.split[2], [WordRelation.ANTONYM])
    assert (words[inside.first[0]], words[inside.second[0]]) == ("happy", "unhappy")
    other = next(part for part in ("train", "dev", "test") if part != made.split[2])
    assert len(made.within(other, [WordRelation.ANTONYM])) == 0


@pytest.fixture(scope="module")
def small():
    """A lexicon of a few thousand words."""
    wordnet = load_wordnet()
    linked = {
        normalise(lemma)
        for synset in np.unique(wordnet.antonym_links.synset_i)[::2]
        for lemma in wordnet.lemmas[synset]
    }
    every = [word for word in wordnet.words() if word.isascii() and word.isalpha()]
    words = tuple(dict.fromkeys([*sorted(linked), *every[::60], *pipeline.BLOG_WORDS]))
    return make_lexicon(wordnet, words, {digest(word) for word in words[::40]})


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Keep checkpoints and embeddings out of the real cache."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    return tmp_path_factory.mktemp("embeddings")


@pytest.fixture
def shared_rows(folders, encoded):
    """As `folders`, but rows of thousands of glosses are computed once for this file."""
    (folders / "cache").mkdir()
    (folders / "cache" / "embeddings").symlink_to(encoded, target_is_directory=True)
    return folders


# --- from settings to batches ---


def matrix_of(**changes):
    return words_module.materials(MADE.replace(**changes), tiny_tower())


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("lexical", lexical_targets),
        ("wu_palmer", lambda words: wu_palmer_of_words(words, pos="n", how="first_sense")),
        (
            "wu_palmer_nltk",
            lambda words: wu_palmer_of_words(words, pos="n", how="first_sense", policy="nltk"),
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


@pytest.mark.parametrize("policy", ["nltk", "symmetric"])
def test_imagenet_words_have_the_similarity_of_their_classes(policy):
    target = "wu_palmer_nltk" if policy == "nltk" else "wu_palmer"
    made = matrix_of(words="", classes=30, target=target, seed=3)
    classes = synonym_classes(load_wordnet(), 30, seed=3)
    assert dict.fromkeys(made.class_of) == dict.fromkeys(classes)
    for wnid, words in classes.items():
        assert tuple(w for w, c in zip(made.words, made.class_of, strict=True) if c == wnid) == words
    own = np.array(made.class_of)
    same = own[:, None] == own[None, :]
    np.testing.assert_array_equal(made.targets, wu_palmer_matrix(made.class_of, policy=policy))
    if policy == "symmetric":
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
        ({"words": "dog, wug"}, r"WordNet does not know 'wug'"),
        ({"words": "dog, happy", "target": "wu_palmer"}, r"no noun 'happy'\n.*as adjective"),
        ({"classes": 999, "words": ""}, r"999 classes are asked for\n"),
    ],
)
def test_words_without_a_target_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        matrix_of(**changes)


def test_doubles_among_given_words_count_once():
    assert matrix_of(words="dog, Dog,cat ,,  river").words == ("dog", "cat", "river")


RELATIONS = PRESETS["lexclip"].replace(
    tower="tiny-random", device="cpu", dtype="float32", steps=3, batch=8, retained=32
)


@pytest.mark.usefixtures("shared_rows")
def test_related_materials_are_training_words_of_few_tokens(small):
    tower = tiny_tower()
    made = words_module.materials(RELATIONS, tower, small)
    split = dict(zip(small.words, small.split, strict=True))
    words = [word for word in made.words if word in split]
    sentences = made.words[len(words) :]  # they stand last
    assert {split[word] for word in words} == {"train"}
    assert set(sentences) <= set(load_wordnet().glosses)
    assert max(len(ids) for ids in tower.tokens(words)) <= 6
    assert not any(digest(word) in {digest(held) for held in small.words[::40]} for word in words)
    assert made.sampler.steps == 3
    batch, values = made.sampler.batch(0), RelationTargets()
    assert set(batch.targets[batch.masks["repel"] > 0].tolist()) <= {
        np.float32(values.value(relation)) for relation in REPULSIVE
    }
    assert batch.targets[batch.masks["attract"] > 0].min() >= np.float32(0.6)
    rows = tower.encode_texts([made.words[row] for row in batch.rows])
    kept = (batch.masks["near"] > 0) | (batch.masks["far"] > 0)
    np.testing.assert_allclose(batch.targets[kept], (rows @ rows.T)[kept], atol=1e-5)


@pytest.mark.usefixtures("shared_rows")
def test_controls_of_relations(small):
    tower = tiny_tower()
    plain, shuffled, constant, other = (
        words_module.materials(RELATIONS.replace(control=control), tower, small).sampler.pairs
        for control in ("none", "shuffled", "constant", "random_words")
    )
    np.testing.assert_array_equal(shuffled.first, plain.first)
    np.testing.assert_array_equal(np.sort(shuffled.targets), np.sort(plain.targets))
    assert not np.array_equal(shuffled.targets, plain.targets)
    mean = plain.targets[plain.weights > 0].mean()
    np.testing.assert_allclose(constant.targets, mean, rtol=1e-6)
    np.testing.assert_array_equal(other.targets, plain.targets)  # the same structure on other words
    assert (other.first < other.second).all()
    assert np.mean(other.first == plain.first) < 0.1
    degrees = [np.sort(np.bincount(np.r_[one.first, one.second])) for one in (plain, other)]
    np.testing.assert_array_equal(*(one[one > 0] for one in degrees))


def test_associated_pairs_are_unrelated_words_of_one_gloss():
    words = ("saddle", "horse", "rider", "hot", "cold", "temperature", "dog")
    made = make_lexicon(load_wordnet(), words, ())
    every = np.ones(len(words), dtype=bool)
    found = {(words[i], words[j]) for i, j in words_module.associated_pairs(made, every).tolist()}
    assert ("saddle", "horse") in found  # "a seat for the rider of a horse or camel"
    related = {*zip(made.related.first.tolist(), made.related.second.tolist(), strict=True)}
    assert not any((words.index(one), words.index(other)) in related for one, other in found)
    assert ("hot", "cold") not in found
    without = words_module.associated_pairs(made, every & (np.array(words) != "horse"))
    assert words.index("horse") not in without


def test_each_relation_gets_its_share_of_the_drawing(small):
    pairs = words_module.related_pairs(small, small.split == "train", RelationTargets())
    shares = words_module.SHARES
    opposite = sum(share for relation, share in shares.items() if relation in REPULSIVE)
    assert pairs.weights[pairs.opposite].sum() == pytest.approx(opposite)
    assert pairs.weights[~pairs.opposite].sum() == pytest.approx(sum(shares.values()) - opposite)
    assert (pairs.weights > 0).all()


# --- embeddings that are kept ---


@pytest.mark.usefixtures("folders")
def test_embeddings_are_computed_once(monkeypatch):
    tower = tiny_tower()
    rows = words_module.cached_embeddings(tower, ("dog", "cat"))
    np.testing.assert_array_equal(rows, tower.encode_texts(["dog", "cat"]))
    calls = []
    monkeypatch.setattr(tower, "encode_texts", lambda words, **_: calls.append(words) or np.zeros((1, 64)))
    np.testing.assert_array_equal(words_module.cached_embeddings(tower, ("dog", "cat")), rows)
    assert calls == []
    words_module.cached_embeddings(tower, ("cat", "dog"))
    tower.sha256 = "0" * 64
    words_module.cached_embeddings(tower, ("dog", "cat"))
    assert calls == [("cat", "dog"), ("dog", "cat")]


def test_a_tower_that_may_move_is_never_cached(folders):
    tower = tiny_tower()
    trainable.set_trainable(tower, "last:1")
    words_module.cached_embeddings(tower, ("dog",))
    assert not (folders / "cache" / "embeddings").exists()


# --- measuring ---


def test_separation_by_hand():
    pairs = pd.DataFrame(
        [
            ("a1", "b1", "synonym", "a", 1.0, 0.2, 0.9),
            ("a2", "b2", "synonym", "a", 0.05, 0.5, 0.8),
            ("a3", "b3", "antonym", "a", 0.1, 0.4, 0.1),
            ("a4", "b4", "antonym", "a", 0.09, 0.6, 0.85),
            ("a5", "b5", "synonym", "n", 0.5, 0.3, 0.3),
        ],
        columns=["word_a", "word_b", "relation", "pos", "share", "cosine_before", "cosine_after"],
    )
    found = word_measures.separation(pairs, "dev")
    name = "dev/synonym_over_antonym_auc"
    assert set(found) == {name, f"{name}/dominant", f"{name}/adjectives"}  # nouns have no antonym here
    shown = {key: (entry["before"], entry["value"]) for key, entry in found.items()}
    assert shown[name] == (1 / 6, 4 / 6)
    assert shown[f"{name}/adjectives"] == (1 / 4, 3 / 4)
    assert shown[f"{name}/dominant"] == (0, 1)  # of the first, third and fifth row: both senses are usual


def test_ranks_are_among_frequent_words_by_hand():
    angles = {"near": 0.0, "close": 0.1, "dog": 0.3, "cat": 0.4, "stone": 0.6, "far": 1.0}
    vocabulary = make_lexicon(load_wordnet(), tuple(angles), ())
    pairs = pd.DataFrame(
        [("near", "close", "synonym", 1.0), ("near", "far", "antonym", 0.0)],
        columns=["word_a", "word_b", "relation", "share"],
    )

    def moved(close):
        def encode(texts):
            turns = np.array([close if text == "close" else angles[text] for text in texts])
            return np.stack([np.cos(turns), np.sin(turns)], axis=1)

        return encode

    found = word_measures.retrieval(word_measures.Encoders(moved(0.1), moved(1.1)), pairs, "dev", vocabulary)
    ranks = {name: (entry["before"], entry["value"]) for name, entry in found.items() if "median" in name}
    assert ranks == {
        "dev/synonym/median_rank": (1, 5),
        "dev/synonym/dominant/median_rank": (1, 5),
        "dev/antonym/median_rank": (5, 4.5),  # its sense is hardly ever meant: no row of dominant ones
    }
    assert found["dev/synonym/hits@10"]["value"] == 1
    assert found["dev/antonym/mrr"]["value"] == (1 / 4 + 1 / 5) / 2


@pytest.mark.usefixtures("shared_rows")
def test_where_nothing_is_held_out_only_sentences_are_measured(small):
    every = replace(small, split=np.full(len(small.words), "train"))
    experiment = WordExperiment(RELATIONS, tiny_tower(), vocabulary=every, roots=())
    encode = tiny_tower().encode_texts
    metrics, pairs = experiment.measure(word_measures.Encoders(encode, encode))
    assert metrics == {}
    assert list(pairs.columns) == list(run_folder.PAIR_COLUMNS)
    assert not len(pairs)
    assert experiment.triples(tiny_tower(), tiny_tower()) is None


def test_judged_pairs_are_of_one_split_and_tagged(small):
    split = dict(zip(small.words, small.split, strict=True))
    counts = dict(zip(small.words, small.counts.tolist(), strict=True))
    wordnet = load_wordnet()
    for part in ("dev", "test"):
        table = word_measures.judged_pairs(part, small)
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
    sides = word_measures.Encoders(encode, encode)
    table = word_measures.judged_pairs("dev", small)
    seen = set(table.word_a[:40]) | {"wug"}
    left = word_measures.measured_pairs(sides, "dev", seen, small)
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
    every = word_measures.inversions(word_measures.Encoders(watched, watched), (), small)
    assert {split[word] for word in asked} == {"test"}
    assert all(
        name.startswith("test/") and entry["before"] == entry["value"] for name, entry in every.items()
    )
    seen = set(asked[:5])
    asked.clear()
    kept = word_measures.retention(word_measures.Encoders(watched, watched), "test", seen, small)
    assert not seen & set(asked)
    assert all(name.startswith("retention/test/") for name in kept)
    overlap = next(entry for name, entry in kept.items() if "overlap" in name)
    assert overlap["value"] == 1


def test_outside_sets_are_read_where_they_are(tmp_path, small):
    folder = tmp_path / "sets"
    (folder / "wordsim").mkdir(parents=True)
    encode = tiny_tower().encode_texts
    assert word_measures.outside_sets(word_measures.Encoders(encode, encode), folder, ()) == {}


# --- maps ---


@pytest.mark.parametrize("root", ["chromatic_color.n.01", *word_measures.SUBTREES])
def test_a_subtree_hangs_together_under_its_root(root):
    wordnet = load_wordnet()
    nodes = word_measures.subtree_nodes(wordnet, root)
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
    assert len(word_measures.subtree_nodes(load_wordnet(), "dog.n.01", most=7)) <= 7


# --- provenance ---


@each(
    "settings",
    [
        *PRESETS.values(),
        MADE,
        MADE.replace(preset="mine"),
        settings_of("lexclip", {"seed": 2, "alpha": 0.85, "steps": 7}),
        settings_of("blog-release", {"words": "ice cream, it's; $HOME='x'", "lr": 1e-7}),
        settings_of("blog-release", {"steps": 5, "anchor_weight": 0}),
        settings_of("paraclip-emoji", {"steps": 0, "epochs": 2, "scale": "shared"}),
    ],
)
def test_the_command_of_a_run_makes_the_same_settings(settings):
    program, *actions, option, name = shlex.split(run_folder.command(settings).split(" --set ")[0])
    assert (program, option) == ("lexclip", "--preset")
    assert actions == (["paraclip", "tune"] if settings.method == "paraphrases" else ["tune"])
    texts = shlex.split(run_folder.command(settings))[len(actions) + 3 :]
    assert texts[::2] == ["--set"] * (len(texts) // 2)
    again = chosen_settings(TrainingSettings, name, None, texts[1::2], default="lexclip")
    assert again == settings
    assert again.run_id == settings.run_id


def test_the_command_names_only_what_differs_from_the_preset(tmp_path):
    ours = settings_of("lexclip")
    assert run_folder.command(ours) == "lexclip tune --preset lexclip"
    changed = run_folder.command(ours.replace(seed=1, alpha=0.5))
    assert changed == "lexclip tune --preset lexclip --set alpha=0.5 --set seed=1"
    assert run_folder.command(ours, tmp_path) == f"lexclip tune --preset lexclip --test-sets {tmp_path}"


def test_provenance_without_git(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("git")

    tower = tiny_tower()
    monkeypatch.setattr(subprocess, "run", missing)
    found = pipeline.provenance(MADE.replace(seed=4), tower, seconds=1.26)
    assert found["git_commit"] == "unknown"
    assert (found["seed"], found["wall_seconds"], found["device"]) == (4, 1.3, "cpu")
    assert found["weights_sha256"] == tower.sha256
    assert found["packages"]["torch"] == torch.__version__.split("+")[0]


# --- from end to end ---


def test_a_run_from_settings_to_folder(small, folders):
    path = pipeline.tune(
        MADE,
        folders / "runs",
        experiment=lambda base: WordExperiment(MADE, base, roots=("chromatic_color.n.01",), vocabulary=small),
    )
    run = run_folder.read_run(path)
    assert path == folders / "runs" / MADE.run_id
    assert TrainingSettings.from_flat(run.config) == MADE
    assert run.history.step.tolist() == list(range(6))
    assert {*WORDS.split(", "), *pipeline.BLOG_WORDS, *run.layout.word} <= set(run.words)

    base = tiny_tower()
    np.testing.assert_allclose(run.before, base.encode_texts(run.words), atol=2e-3)
    tuned = weights.apply_tuned(base, run.tuned_path)
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
    assert run.provenance["command"] == run_folder.command(MADE)
    assert not any(child.is_file() for child in (folders / "cache" / "experiments").rglob("*"))


class Unmeasured(WordExperiment):
    """Measures and draws nothing: what is tested here is training and writing."""

    def measure(self, towers):
        return {}, pd.DataFrame(columns=list(run_folder.PAIR_COLUMNS))


@pytest.fixture
def tuned(small, folders):
    """Tune by settings, measuring nothing, and read the run."""

    def tune(settings, **options):
        made = pipeline.tune(
            settings,
            folders / "runs",
            experiment=lambda base: Unmeasured(settings, base, roots=(), vocabulary=small),
            **options,
        )
        return run_folder.read_run(made)

    return tune


def test_trainings_of_one_experiment_at_once_take_turns_and_end_alike(tuned):
    settings = MADE.replace(alpha=1.0, seed=5)
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: tuned(settings), range(3)))
    for run in runs[1:]:
        assert run.metrics == runs[0].metrics
        np.testing.assert_array_equal(run.after, runs[0].after)


def test_half_way_is_stored_as_alpha_says(tuned):
    """What a run stores lies at alpha between the base and what training reached."""
    whole = tuned(MADE.replace(alpha=1.0))
    half = tuned(MADE)
    assert whole.layout is None
    base, ends = tiny_tower(), weights.apply_tuned(tiny_tower(), whole.tuned_path)
    expected = weights.interpolate(base, ends, 0.5).encode_texts(half.words)
    np.testing.assert_allclose(half.after, expected, atol=3e-3)
    np.testing.assert_allclose(half.history.total, whole.history.total)


@pytest.mark.parametrize(("largest", "dtype"), [(8_000_000, "float16"), (1_000, "float32")])
def test_tensors_of_any_size_are_kept_exactly_where_they_are_large(tuned, folders, largest, dtype):
    run = tuned(MADE, largest=largest)
    cached = folders / "cache" / "tuned"
    assert run.tuned_path.parent == (run.path if dtype == "float16" else cached)
    assert weight_files.file_metadata(run.tuned_path)["dtype"] == dtype
    rows = weights.apply_tuned(tiny_tower(), run.tuned_path).encode_texts(run.words)
    np.testing.assert_allclose(rows, run.after, atol=2e-3)


def full(*_, **__):
    raise OSError(28, "No space left on device")


def read_only(*_, **__):
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize(
    ("patched", "name", "failure", "message"),
    [
        (np, "savez_compressed", full, r"cannot write .*No space left on device\n.*free some disk space"),
        (np, "savez_compressed", read_only, r"cannot write .*Read-only file system\n.*can be written"),
    ],
    ids=["full", "read-only"],
)
def test_a_folder_that_cannot_be_written_costs_no_training(tuned, folders, patched, name, failure, message):
    out = folders / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patched, name, failure)
        with pytest.raises(StorageError, match=message):
            tuned(MADE)
    assert not list(out.glob("*")) + list(out.glob(".*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", failure)  # all steps are done already
        run = tuned(MADE)
    assert len(run.history) == 6


def test_a_missing_folder_of_test_sets_is_named_before_training(folders):
    with pytest.raises(MissingResourceError, match=r"nowhere has no folder wordsim\n"):
        pipeline.tune(MADE, folders / "runs", test_sets=folders / "nowhere")
    assert not (folders / "cache" / "experiments").exists()


@pytest.mark.usefixtures("shared_rows")
def test_a_second_recipe_is_trained_by_what_it_draws_and_its_change_is_added(small):
    settings = RELATIONS.replace(trainable="lora:2", noise="off")
    base, second = tiny_tower(), settings.second()
    start = PRESETS["lexclip-first"]
    assert (second.steps, second.trainable, second.seed) == (3, "lora:2", settings.seed)
    assert (second.retained, second.sense_weight, second.sentences) == (start.retained, 0.0, 0.0)
    assert PRESETS["lexclip-shuffled"].second().control == "shuffled"
    trained = []
    for one in (settings, settings.replace(plus="none", alpha=1.0), second.replace(alpha=1.0)):
        objective, seen = pipeline.word_objective(one, base, small)
        tower, history = pipeline.tuned_copy(one, objective, base)
        trained.append(weights.merged_tensors(tower))
        assert len(history.rows) == (6 if one is settings else 3)
        assert len(set(seen)) == len(seen)
    (both, first, other), before = trained, weights.merged_tensors(base)
    for name in before:
        added = settings.alpha * (first[name] - before[name])
        added += settings.plus_alpha * (other[name] - before[name])
        np.testing.assert_allclose(both[name], before[name] + added, atol=1e-6)
    assert any(not np.array_equal(first[name], other[name]) for name in before)


@pytest.mark.usefixtures("shared_rows")
def test_relations_are_tuned_from_end_to_end(tuned):
    experiment = RELATIONS.replace(trainable="lora:2")
    run = tuned(experiment)
    assert list(run.history.columns) == [
        "step",
        "epoch",
        "seconds",
        "repel",
        "attract",
        "near",
        "far",
        "sentences",
        "associated",
        "total",
    ]
    assert run.config["preset"] == "lexclip"
    assert np.abs(run.after - run.before).max() > 0


@each("steps", [1, 999, 1_000, 1_001, 2_500])
def test_a_long_history_is_thinned_to_means(steps):
    rows = [
        {"step": k, "epoch": k // 100, "seconds": k / 8, "distance": k % 2, "total": k % 2}
        for k in range(steps)
    ]
    table = pipeline.history_table(History(rows))
    stride = -(-steps // 1_000)
    assert len(table) == -(-steps // stride) <= 1_000
    assert table.step.iloc[-1] == steps - 1
    assert table.distance.iloc[0] == np.mean([k % 2 for k in range(stride)])
    assert json.dumps(table.step.tolist())  # whole numbers
    assert table.step.dtype == np.int64
