"""The presets of the blog against the released method restated in plain steps, and each of its defects.

The plain side, `released_code`, knows nothing of our samplers, losses and forward passes, and its targets are
NLTK's. docs/discrepancies.md tells what D1 to D32 are.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from released_code import ReleasedTraining, distance_term, regulariser
from tiny_tower import tiny_tower
from torch import Tensor

from bench.training_step import Sample, our_pairs_loss, released_loss
from bench.wu_palmer import nltk_wordnet
from lexclip_core import storage
from lexclip_core.datasets.cards import Draw
from lexclip_core.datasets.class_names import (
    NamedClass,
    NameSet,
    alternatives,
    combinations,
    name_set,
    subsets,
)
from lexclip_core.datasets.pictures.imagenet import wnids
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES
from lexclip_core.errors import InputError
from lexclip_core.experiments import word_measures
from lexclip_core.experiments.class_names import Plan, released_plan
from lexclip_core.experiments.run_folder import list_runs, read_run
from lexclip_core.experiments.words import Materials, lexicon, materials, matrix_materials
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.towers import trainable
from lexclip_core.towers.tower import Tower
from lexclip_core.training.loop import train
from lexclip_core.training.losses import ALONE
from lexclip_core.training.objectives import LexicalObjective, loss_terms
from lexclip_core.training.settings import PRESETS, MatrixSettings, TrainingSettings, settings_of
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise

RELEASE = settings_of("blog-release").replace(tower="tiny-random", device="cpu")
# Four ImageNet classes with lemmas: 10 words, 45 pairs. NLTK gives papillon 13/17 with itself.
CLASSES = {
    "papillon.n.01": ("papillon",),
    "sports_car.n.01": ("sports car", "sport car"),
    "great_white_shark.n.01": ("great white shark", "white shark", "man-eater", "Carcharodon carcharias"),
    "malamute.n.01": ("malamute", "malemute", "Alaskan malamute"),
}
WORDS = tuple(word for words in CLASSES.values() for word in words)
SYNSETS = tuple(synset for synset, words in CLASSES.items() for _ in words)


def material(experiment: MatrixSettings = RELEASE) -> Materials:
    return matrix_materials(experiment, WORDS, SYNSETS)


@pytest.fixture(scope="module")
def base() -> Tower:
    return tiny_tower()


@pytest.fixture(scope="module")
def plain_targets() -> list[list[float]]:
    wordnet = nltk_wordnet()
    synsets = {name: wordnet.synset(name) for name in CLASSES}
    of = {pair: synsets[pair[0]].wup_similarity(synsets[pair[1]]) for pair in all_pairs(CLASSES)}
    return [[of[first, second] for second in SYNSETS] for first in SYNSETS]


def all_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(first, second) for first in names for second in names]


def released(base: Tower, settings: MatrixSettings, targets: list[list[float]]) -> ReleasedTraining:
    known = {(one, other): targets[i][j] for i, one in enumerate(WORDS) for j, other in enumerate(WORDS)}
    regularised = settings.sampling == "pairs"
    kind, rate = settings.penalty, settings.lr
    made = ReleasedTraining(base.model, known, regularised=regularised, c=settings.c, kind=kind, rate=rate)
    assert set(made.parameters) == {*trainable.set_trainable(base.copy(), settings.trainable), "logit_scale"}
    return made


def of_preset(name: str, **changes: object) -> MatrixSettings:
    return settings_of(name, {"tower": "tiny-random", "device": "cpu", **changes})


def objective_of(settings: MatrixSettings, reference: np.ndarray) -> LexicalObjective:
    return LexicalObjective(WORDS, material(settings).sampler, settings, reference)


def batch_of(settings: MatrixSettings, step: int) -> list:
    """Return the pairs, or the words, of a step as the released code would have them."""
    batch = material(settings).sampler.batch(step)
    words = [WORDS[row] for row in batch.rows]
    first, second = np.nonzero(batch.masks["distance"])
    pairs = [(words[i], words[j]) for i, j in zip(first, second, strict=True)]
    return pairs if settings.sampling == "pairs" else words


def move(parameters: Mapping[str, Tensor]) -> None:
    """Move parameters a little, alike each time, so that the anchor has something to pull at."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name in sorted(parameters):
            if name != "logit_scale":
                parameters[name] += 0.02 * torch.randn(parameters[name].shape, generator=generator)


# --- parity ---


def test_targets_are_nltks_own_bit_for_bit(plain_targets):
    np.testing.assert_array_equal(material().targets, np.array(plain_targets))


def test_the_released_words_and_numbers_are_those_of_the_preset():
    sampler = material().sampler
    assert (sampler.steps_per_epoch, sampler.steps) == (5, 35)  # 45 pairs in batches of ten, seven times
    assert all(len(batch_of(RELEASE, step)) == 10 for step in range(4))
    defaults = torch.optim.AdamW([torch.ones(1)]).defaults
    assert of_preset("blog-first-defaults").weight_decay == defaults["weight_decay"]


def test_a_word_that_several_pairs_share_is_encoded_once_and_anchored_once():
    batch = material().sampler.batch(0)
    words = [word for pair in batch_of(RELEASE, 0) for word in pair]
    step = objective_of(RELEASE, np.eye(len(WORDS), dtype=np.float32)).step(0, ALONE)
    assert sorted(step.texts) == sorted(set(words))
    assert len(step.texts) < len(words) == 20
    # one word of n at right angles to where it was, the others unmoved: a squared distance of 2
    rows = torch.eye(len(WORDS))[torch.from_numpy(batch.rows)]
    rows[0] = torch.eye(len(WORDS))[np.setdiff1d(range(len(WORDS)), batch.rows[:1])[0]]
    assert float(step.terms(rows)["anchor"]) == pytest.approx(0.08 * 2 / len(step.texts))


@pytest.mark.parametrize("kind", ["square", "logcosh", "huber", "exp"])
def test_both_terms_equal_the_plain_loop_in_double_precision(kind, plain_targets):
    generator = torch.Generator().manual_seed(2)
    drawn = torch.randn(2, len(WORDS), 6, generator=generator, dtype=torch.float64)
    now, before = torch.nn.functional.normalize(drawn, dim=-1)
    settings = RELEASE.replace(penalty=kind)
    rows, ours, theirs = (
        torch.from_numpy(material(settings).sampler.batch(3).rows),
        now.clone().requires_grad_(),
        now.clone().requires_grad_(),
    )
    terms = objective_of(settings, before.numpy()).step(3, ALONE).terms(ours[rows])
    targets = {  # as float32, in which ours are stored
        (one, other): float(np.float32(plain_targets[i][j]))
        for i, one in enumerate(WORDS)
        for j, other in enumerate(WORDS)
    }
    pairs, by_word = batch_of(settings, 3), dict(zip(WORDS, theirs, strict=True))
    words = {word: by_word[word] for pair in pairs for word in pair}
    distance = distance_term(by_word, pairs, targets, settings.c, kind)
    anchor = 0.08 * regulariser(words, dict(zip(WORDS, before, strict=True)))
    assert float(terms["distance"].detach()) == pytest.approx(float(distance.detach()), rel=1e-12)
    assert float(terms["anchor"].detach()) == pytest.approx(float(anchor.detach()), rel=1e-12)
    sum(terms.values()).backward()
    (distance + anchor).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["square", "logcosh", "huber", "exp"])
@pytest.mark.parametrize("name", ["blog-release", "blog-first-defaults"])
def test_loss_and_gradient_equal_the_released_on_the_same_weights(name, kind, base, plain_targets):
    settings, tower = of_preset(name, penalty=kind), base.copy()
    theirs = released(base, settings, plain_targets)
    trainable.set_trainable(tower, settings.trainable)
    own = tower.trainable_parameters()
    for parameters in (own, theirs.parameters):
        move(parameters)
    step = objective_of(settings, base.encode_texts(WORDS)).step(0, ALONE)
    terms, batch = step.terms(tower.embed(step.texts)), batch_of(settings, 0)
    if name == "blog-release":
        assert float(terms["anchor"].detach()) > 1e-3  # both terms have a say
        assert len({word for pair in batch for word in pair}) < 2 * len(batch)
    ours = sum(terms.values())
    assert float(ours.detach()) == pytest.approx(float(theirs.loss(batch).detach()), abs=1e-5)
    expected = theirs.gradients(batch)
    assert expected.pop("logit_scale") is None  # it is trained there, and no gradient reaches it
    assert max(float(value.abs().max()) for value in expected.values()) > 1e-3
    for key, value in zip(own, torch.autograd.grad(ours, list(own.values())), strict=True):
        torch.testing.assert_close(value, expected[key], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("blog-release", {}),
        ("blog-release", {"lr": 0.01}),  # at the released rate little moves in 20 steps
        ("blog-release", {"lr": 0.01, "penalty": "exp"}),
        ("blog-first-defaults", {}),
    ],
)
def test_twenty_steps_equal_the_released(name, changes, base, plain_targets):
    settings = of_preset(name, steps=20, **changes)
    ours, theirs = base.copy(), released(base, settings, plain_targets)
    trainable.set_trainable(ours, settings.trainable)
    history = train(ours, objective_of(settings, base.encode_texts(WORDS)), settings)
    losses = [theirs.step(batch_of(settings, step)) for step in range(20)]
    assert [row["total"] for row in history.rows] == pytest.approx(losses, abs=1e-5)
    start = base.model.state_dict()
    assert torch.equal(theirs.parameters["logit_scale"], start["logit_scale"])
    travelled = {key: float((value - start[key]).abs().max()) for key, value in ours.state().items()}
    assert max(travelled.values()) > 0.2 * 20 * settings.lr * 0.01
    for key, value in ours.state().items():
        expected = theirs.parameters[key].detach()
        if key.endswith("in_proj_bias") and settings.optimizer == "adamw":
            # a bias of the keys shifts all scores of a query alike: its gradient is rounding, scaled up
            value, expected = (torch.cat([one.chunk(3)[0], one.chunk(3)[2]]) for one in (value, expected))
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-5)
    rows = torch.from_numpy(ours.encode_texts(WORDS))
    expected = torch.stack(list(theirs.encode(WORDS).values())).detach()
    torch.testing.assert_close(rows, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("loss", [released_loss, our_pairs_loss])
def test_both_ways_that_the_bench_times_are_the_released_loss(loss, base, plain_targets):
    theirs, tower = released(base, RELEASE, plain_targets), base.copy()
    trainable.set_trainable(tower, "all")
    for parameters in (tower.trainable_parameters(), theirs.parameters):
        move(parameters)
    targets = torch.tensor(plain_targets, dtype=torch.float32)
    sample = Sample(list(WORDS), targets, torch.from_numpy(base.encode_texts(WORDS)))
    for step in range(3):
        batch = batch_of(RELEASE, step)
        pairs = [(WORDS.index(first), WORDS.index(second)) for first, second in batch]
        ours = loss(tower, sample, pairs)
        assert float(ours.detach()) == pytest.approx(float(theirs.loss(batch).detach()), abs=1e-5)
        values = torch.autograd.grad(ours, list(tower.trainable_parameters().values()))
        expected = theirs.gradients(batch)
        for key, value in zip(tower.trainable_parameters(), values, strict=True):
            torch.testing.assert_close(value, expected[key], rtol=0, atol=1e-5)


# --- the words that the released code trains on and draws from ---


@pytest.fixture(scope="module")
def released_sample(evaldata: Path) -> dict[str, list[str]]:
    """Return wnid -> synonyms of the hundred classes that ship with the released code."""
    sample = json.loads((evaldata / "lexical_blog" / "100_synonym_sample.json").read_text("utf-8"))
    return dict(zip(sample["original_id"], sample["related_id"], strict=True))


def first_lemmas(wanted: Sequence[str], *, least_lemmas: int = 1) -> dict[str, tuple[str, str]]:
    """Return wnid -> (wnid, name) as the released code names classes: by the synset, in lower case."""
    wordnet, classes = load_wordnet(), {}
    for wnid in wanted:
        synset = wordnet.index(wnid)
        if len(wordnet.lemmas[synset]) >= least_lemmas:
            classes[wnid] = (wnid, wordnet.name(synset).rsplit(".", 2)[0].replace("_", " "))
    return classes


def test_the_names_of_the_thousand_classes_are_the_released_ones(evaldata: Path):
    listed = json.loads((evaldata / "lexical_blog" / "dir_label_name_1k.json").read_text("utf-8"))
    wordnet = load_wordnet()
    ours = {wnid: wordnet.lemmas[wordnet.index(wnid)][0] for wnid in wnids()}
    assert ours == dict(listed.values())


def test_the_released_sample_comes_out_word_for_word(released_sample):
    wordnet = load_wordnet()
    found = name_set(wordnet, first_lemmas([*released_sample]), "synonym", comparison="as_spelt")
    # In its lists lemmas stand in the order of a Python set, which no one can repeat.
    assert {one.key: sorted(one.alternatives) for one in found.classes} == {
        wnid: sorted(synonyms) for wnid, synonyms in released_sample.items()
    }
    words = [word for one in found.classes for word in one.words]
    assert (len(words), len(set(words)), len({word.casefold() for word in words})) == (274, 274, 268)
    synsets = tuple(one.synset for one in found.classes for _ in one.words)
    sampler = matrix_materials(RELEASE, tuple(words), synsets).sampler
    assert (len(words) * (len(words) - 1) // 2, sampler.steps_per_epoch, sampler.steps) == (
        37_401,
        3_741,
        26_187,
    )


def test_the_released_samples_targets_are_nltks_bit_for_bit(released_sample):
    ours, nltk = wu_palmer_matrix([*released_sample], policy="nltk"), nltk_wordnet()
    synsets = [nltk.synset_from_pos_and_offset("n", int(wnid[1:])) for wnid in released_sample]
    for first, one in enumerate(synsets[::3]):  # every third class against all
        theirs = [one.wup_similarity(other) for other in synsets]
        np.testing.assert_array_equal(ours[3 * first], theirs)


@pytest.mark.parametrize(
    ("kind", "least", "count"), [("synonym", 2, 478), ("hypernym", 1, 531), ("mixed", 2, 313)]
)
def test_subset_counts_are_the_released_ones(kind, least, count):
    classes = first_lemmas(wnids(), least_lemmas=least)
    assert len(name_set(load_wordnet(), classes, kind, comparison="as_spelt")) == count


# --- the defects: in the preset only where it must repeat them, never in the default ---


def test_d8_the_released_choices_are_a_preset_and_the_default_is_what_the_blog_says():
    assert (Plan().subsets, Plan().combinations) == (3, 5)
    released = {kind: released_plan(kind) for kind in ("synonym", "hypernym", "mixed")}
    assert {kind: (plan.subsets, plan.combinations) for kind, plan in released.items()} == {
        "synonym": (1, 3),
        "hypernym": (1, 1),
        "mixed": (1, 3),
    }
    for plan in released.values():
        assert (plan.settings, plan.templates, plan.replaced) == (
            settings_of("blog-release"),
            ("{}",),
            "tuned_on",
        )
        assert plan.content()["combinations"] == plan.combinations  # what a study keeps says so
    assert released_plan("synonym", sizes=(5, 7)).sizes == (5, 7)
    with pytest.raises(InputError, match="unknown kind 'antonym'"):
        released_plan("antonym")


def test_d9_a_draw_with_replacement_repeats_and_ours_does_not():
    classes = [NamedClass(key, "dog.n.01", key, (f"{key}1", f"{key}2")) for key in "ab"]
    repeated = 0
    for seed in range(40):
        draw = random.Random(seed)
        plain = [tuple(draw.choice(one.alternatives) for one in classes) for _ in range(3)]
        repeated += len(set(plain)) < 3
        ours = combinations(classes, 3, seed)
        assert len(set(ours)) == 3
        assert combinations(classes, 3, seed) == ours
    # Three of four possibilities, drawn freely, are distinct in 1 * 3/4 * 2/4 of all draws.
    assert repeated / 40 == pytest.approx(1 - 3 / 8, abs=0.25)
    chosen = subsets(NameSet("synonym", tuple(classes)), 1, 2, seed=0)
    assert {rows[0].key for rows in chosen} == {"a", "b"}


def test_d10_the_anchor_is_there_whatever_is_sampled(base):
    reference = torch.from_numpy(base.encode_texts(WORDS))
    for sampling in ("pairs", "in_batch", "full_matrix"):
        experiment = RELEASE.replace(sampling=sampling)
        batch = material(experiment).sampler.batch(0)
        rows = torch.from_numpy(batch.rows)
        terms = loss_terms(experiment, reference.roll(1, dims=0)[rows], reference[rows], batch)
        assert float(terms["anchor"]) > 0.01
    # One preset has no anchor, and it says so in its weight.
    without = [name for name, one in PRESETS.items() if one.method == "matrix" and not one.anchor_weight]
    assert without == ["blog-first-defaults"]


def test_d11_every_kind_of_loss_is_reached_and_the_presets_use_the_only_one_released(base):
    reference = torch.from_numpy(base.encode_texts(WORDS))
    batch = material().sampler.batch(0)
    rows = reference[torch.from_numpy(batch.rows)]
    kinds = ("square", "logcosh", "huber", "exp")
    values = {
        float(loss_terms(RELEASE.replace(penalty=kind), rows, rows, batch)["distance"]) for kind in kinds
    }
    assert len(values) == len(kinds)
    assert {one.penalty for one in PRESETS.values() if one.method == "matrix"} == {"square"}


@pytest.mark.parametrize(
    ("synset", "expected"),
    [
        ("fear.n.01", ("fearfulness", "fright")),
        ("angry.a.01", ()),
        ("sad.a.01", ()),
        ("disgust.n.01", ()),
    ],
)
def test_d12_a_word_of_another_sense_is_no_synonym(synset, expected):
    wordnet = load_wordnet()
    assert alternatives(wordnet, synset, "synonym") == expected
    word = synset.partition(".")[0]
    assert set(wordnet.synonyms(word)) > set(expected)  # over all senses of the word there are more


def test_d13_an_id_that_is_off_by_one_is_named_and_no_text_stands_in_for_it():
    wordnet = load_wordnet()
    assert wordnet.name(wordnet.index("a01818993")).startswith("neutral.")
    for ask in (
        lambda: wordnet.index("a01818992"),
        lambda: name_set(wordnet, {"neutral": ("a01818992", "neutral")}, "synonym"),
        lambda: wu_palmer_matrix(["a01818992", "fear.n.01"], policy="nltk"),
    ):
        with pytest.raises(InputError, match="no synset 'a01818992'"):
            ask()


def test_d14_parts_of_speech_are_mixed_by_the_released_targets_alone():
    names = ["angry.a.01", "happy.a.01", "fear.n.01", "disgust.n.01"]
    released = wu_palmer_matrix(names, policy="nltk")
    np.testing.assert_array_equal(released[0], [1, 1 / 2, 1 / 5, 1 / 5])
    assert released[2, 3] == pytest.approx(5 / 7)
    assert MatrixSettings().target == "wu_palmer"
    for refused in (names[:2], names[1:3]):
        with pytest.raises(InputError, match="adjective"):
            matrix_materials(MatrixSettings(), tuple("ab"), tuple(refused))


@pytest.mark.parametrize("comparison", ["normalised", "as_spelt"])
def test_d15_d16_only_the_released_rule_lets_a_name_replace_itself_and_neither_keeps_doubles(comparison):
    wordnet = load_wordnet()
    classes = {
        "tree": ("christmas_tree.n.05", "christmas tree"),
        "printer": ("n04004767", "printer"),
    }
    trees = name_set(wordnet, {"tree": classes["tree"]}, "synonym", comparison=comparison)
    assert len(trees) == (comparison == "as_spelt")
    printers = name_set(wordnet, {"printer": classes["printer"]}, "hypernym", comparison=comparison)
    assert [one.words for one in printers.classes] == [("printer", "peripheral")]


def test_d15_in_the_released_lists_54_of_880_synonyms_are_the_name_itself():
    wordnet, classes = load_wordnet(), first_lemmas(wnids(), least_lemmas=2)

    def synonyms(comparison):
        found = name_set(wordnet, classes, "synonym", comparison=comparison).classes
        return len(found), [
            (one.original.casefold(), word.casefold()) for one in found for word in one.words[1:]
        ]

    released, default = synonyms("as_spelt"), synonyms("normalised")
    assert (released[0], len(released[1]), sum(one == other for one, other in released[1])) == (478, 880, 54)
    assert (default[0], sum(one == other for one, other in default[1])) == (478, 0)


def test_d17_nltk_gives_107_of_the_thousand_classes_less_than_one_with_themselves():
    assert (np.diag(wu_palmer_matrix(wnids(), policy="nltk")) < 1).sum() == 107
    assert (np.diag(wu_palmer_matrix(wnids())) == 1).all()


def test_d17_one_synset_is_less_than_one_with_itself_in_the_preset_alone():
    same = np.array(SYNSETS)[:, None] == np.array(SYNSETS)[None, :]
    released, default = material().targets, material(RELEASE.replace(target=MatrixSettings().target)).targets
    assert released[same].min() == pytest.approx(13 / 17)
    np.testing.assert_array_equal(default[same], 1)
    assert {name for name, one in PRESETS.items() if getattr(one, "target", "") == "wu_palmer_nltk"} == {
        name for name in PRESETS if name.startswith("blog-")
    }


def test_d18_a_first_lemma_is_often_neither_the_curated_name_nor_the_first_sense():
    wordnet = load_wordnet()
    synsets = [wordnet.index(wnid) for wnid in wnids()]
    spelt = [[normalise(lemma) for lemma in wordnet.lemmas[synset]] for synset in synsets]
    curated = [normalise(name) for name in open_clip.IMAGENET_CLASSNAMES]
    other = [name in row for name, row in zip(curated, spelt, strict=True) if name != row[0]]
    assert (len(other), sum(other)) == (293, 114)
    senses = [wordnet.synsets(row[0], "n")[0] for row in spelt]
    assert sum(first != synset for first, synset in zip(senses, synsets, strict=True)) == 209


def test_d19_training_pictures_are_the_released_sample_alone():
    samples = {name: source.samples for name, source in PICTURE_SOURCES.items() if source.samples}
    assert samples["imagenet"]["released"] == Draw("train", 30)
    assert samples["imagenet"]["heldout"] == Draw("val", 30)
    assert samples["fer2013"]["released"] == samples["fer2013"]["heldout"] == Draw("test", 100)
    parts = {kinds["heldout"].part for kinds in samples.values()}
    assert "train" not in parts


def test_d21_no_run_is_measured_on_a_word_that_it_was_trained_on():
    summaries, _ = list_runs(storage.data_folder() / "runs")
    shipped, ours = (
        read_run(next(one.path for one in summaries if one.preset == name))
        for name in ("blog-release", "lexclip")
    )
    experiment = TrainingSettings.from_flat(shipped.config)
    trained = {normalise(word) for word in materials(experiment, tiny_tower()).words}
    measured = {*shipped.pairs.word_a, *shipped.pairs.word_b}
    assert len(trained) > 80
    assert not trained & measured
    # Not for want of such words: some stand in the pairs before they are left out.
    table = pd.concat([word_measures.judged_pairs(split) for split in ("dev", "test")])
    assert trained & {*table.word_a, *table.word_b}
    # The default tunes on the words of one split and is measured on those of the others.
    default = lexicon()
    split = dict(zip(default.words, default.split, strict=True))
    assert {split[word] for word in (*ours.pairs.word_a, *ours.pairs.word_b)} == {"dev", "test"}


def test_d22_no_device_and_no_folder_of_one_machine_is_written_down():
    assert {one.device for one in (*PRESETS.values(), MatrixSettings())} == {"auto"}
    root = storage.project_root()
    files = [*(root / "data").rglob("*.json"), *(root / "data").rglob("*.csv")]
    assert len(files) > 20
    absolute = re.compile(
        r'(?:^|[",\s])(?:/(?:home|hdd\d*|mnt|root|tmp|Users|work|data)/|[A-Z]:\\)', re.MULTILINE
    )
    assert [path.name for path in files if absolute.search(path.read_text(encoding="utf-8"))] == []
