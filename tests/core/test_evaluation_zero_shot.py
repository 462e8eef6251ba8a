"""Zero-shot numbers are right on cases counted by hand, equal open_clip's, and refuse what would mislead."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import open_clip
import pytest
import torch
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st
from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES
from scipy import stats
from tiny_tower import random_model

from lexclip_core.errors import InputError
from lexclip_core.evaluation import intervals, zero_shot
from lexclip_core.evaluation.zero_shot import class_weights, templates


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_rows(count: int, dim: int = 6, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dim)))


def letters(texts: list[str]) -> np.ndarray:
    """Encode a text as how often each letter stands in it, at length 1."""
    rows = np.array([[text.count(chr(97 + k)) for k in range(26)] for text in texts], dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# The classifier that words make.


def test_the_openai_templates_are_the_eighty_as_texts():
    assert len(templates("openai")) == 80
    for text, made in zip(templates("openai"), OPENAI_IMAGENET_TEMPLATES, strict=True):
        assert text.format("tree {frog}") == made("tree {frog}")


def test_templates_of_another_name_are_refused():
    with pytest.raises(
        InputError, match=r"unknown templates 'sketch'(.|\n)*name, photo, emoji, face, openai"
    ):
        templates("sketch")


@each("chosen", ["name", "photo", "emoji", "face", "openai"])
def test_equal_to_open_clips_classifier_and_accuracy(chosen: str):
    model, tokenizer = random_model(3), open_clip.SimpleTokenizer()
    names = ["dog", "golden retriever", "cat", "hot dog, sausage", "Eskimo dog", "{}", "tench"]

    def encode(texts: list[str]) -> np.ndarray:
        with torch.no_grad():
            return model.encode_text(tokenizer(texts), normalize=True).numpy()

    plain_templates = OPENAI_IMAGENET_TEMPLATES if chosen == "openai" else templates(chosen)
    theirs = open_clip.build_zero_shot_classifier(model, tokenizer, names, plain_templates)
    ours = class_weights(encode, names, templates(chosen))
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs.numpy().T).max() < 1e-6

    with torch.no_grad():
        pictures = torch.randn(60, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        features = model.encode_image(pictures, normalize=True)
    labels = np.random.default_rng(0).integers(len(names), size=60)
    top5 = (100 * features @ theirs).topk(5).indices.numpy()
    for k in (1, 5):
        wanted = (top5[:, :k] == labels[:, None]).any(axis=1).mean()
        assert zero_shot.accuracy(features.numpy(), ours, labels, k=k).value == pytest.approx(
            wanted, abs=1e-6
        )


def test_all_texts_go_to_the_encoder_in_one_call_exactly_as_given():
    calls = []

    def encode(texts: list[str]) -> np.ndarray:
        calls.append(list(texts))
        return letters(texts)

    class_weights(encode, ["Dog ", "cat"], ("{}", "a {} b"))
    assert calls == [["Dog ", "a Dog  b", "cat", "a cat b"]]


def test_a_classs_row_is_the_mean_over_templates_at_length_one():
    [row] = class_weights(letters, ["a"], ("{}", "{}b", "b{}"))
    a, b = 1 + 2 / math.sqrt(2), 2 / math.sqrt(2)
    expected = np.array([a, b]) / math.hypot(a, b)
    assert row[:2] == pytest.approx(expected)
    assert not row[2:].any()


@each(
    ("names", "sentences", "message"),
    [
        ("dog", ("{}",), "class names are one text, 'dog'"),
        ([], ("{}",), "no class names"),
        (["dog", " "], ("{}",), "' ' is not a class name"),
        (["dog", 3], ("{}",), "3 is not a class name"),
        (["dog", "cat", "dog", "cat", "ox"], ("{}",), "2 class names stand for several.*: 'dog', 'cat'\n"),
        (["dog"], "a {}", "templates are one text"),
        (["dog"], (), "no templates"),
        (["dog"], ("{}", "a photo of a dog"), "'a photo of a dog' has no {}"),
        (["dog"], ("a {{}} photo",), "has no {}"),
        (["dog"], ("{}", lambda name: name), "is not a template"),
        (["dog"], ("a {c}",), "'a {c}' is not filled by one name"),
        (["dog"], ("a {0}",), "not filled by one name"),
        (["dog"], ("{} and {}",), "not filled by one name"),
        (["dog"], ("{:>20}",), "not filled by one name"),
        (["dog"], ("a {",), "cannot be read"),
    ],
)
def test_a_call_that_would_mislead_is_refused(names, sentences, message):
    with pytest.raises(InputError, match=message):
        class_weights(letters, names, sentences)


def test_names_that_differ_in_case_are_different_names():
    assert class_weights(letters, ["ab", "abB"]).shape == (2, 26)


def test_an_encoder_that_gives_no_rows_is_refused():
    with pytest.raises(InputError, match=r"shape \(1, 26\) for 2 texts"):
        class_weights(lambda texts: letters(texts[:1]), ["ab", "c"])
    with pytest.raises(InputError, match="not finite"):
        class_weights(lambda texts: letters(texts) * np.nan, ["ab", "c"])


def test_templates_that_cancel_out_are_refused():
    with pytest.raises(InputError, match="'b' cancel each other out"):
        class_weights(lambda _: np.array([[1.0, 0], [0, 1], [1, 0], [-1, 0]]), ["a", "b"], ("{}", "x{}"))


# What is right, and how often.

# Two classes along the axes, a third between them; cosines counted by hand.
CLASSES = unit(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
PICTURES = unit(np.array([[1.0, 0.1], [0.2, 1.0], [1.0, 0.9], [-1.0, 0.0], [0.0, 1.0]]))
LABELS = np.array([0, 1, 1, 1, 2])


def test_hits_by_hand():
    assert zero_shot.correct(PICTURES, CLASSES, LABELS).tolist() == [True, True, False, True, False]
    assert zero_shot.correct(PICTURES, CLASSES, LABELS, 2).tolist() == [True, True, False, True, True]
    assert zero_shot.correct(PICTURES, CLASSES, LABELS, 3).all()
    assert zero_shot.accuracy(PICTURES, CLASSES, LABELS).value == float(Fraction(3, 5))
    assert zero_shot.accuracy(PICTURES, CLASSES, LABELS).n == 5


def test_confusion_by_hand():
    assert zero_shot.confusion(PICTURES, CLASSES, LABELS).tolist() == [[1, 0, 0], [0, 2, 1], [0, 1, 0]]


def test_of_two_equal_classes_the_first_is_nearer():
    twice = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    picture = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    assert zero_shot.correct(picture, twice, np.array([0, 1])).tolist() == [True, False]
    assert zero_shot.correct(picture, twice, np.array([0, 1]), 2).all()
    assert zero_shot.confusion(picture, twice, np.array([0, 1])).tolist() == [[1, 0], [1, 0]]


@given(seed=st.integers(0, 10**6), classes=st.integers(1, 9), pictures=st.integers(1, 30))
def test_laws_of_hits(seed: int, classes: int, pictures: int):
    features, weights = random_rows(pictures, seed=seed), random_rows(classes, seed=seed + 1)
    labels = np.random.default_rng(seed).integers(classes, size=pictures)
    order = np.argsort(-(features @ weights.T), axis=1, kind="stable")
    for k in range(1, classes + 1):
        naive = np.array([label in row[:k] for label, row in zip(labels, order, strict=True)])
        assert (zero_shot.correct(features, weights, labels, k) == naive).all()
    table = zero_shot.confusion(features, weights, labels)
    assert table.sum() == pictures
    assert np.trace(table) == zero_shot.correct(features, weights, labels).sum()
    assert (table.sum(axis=1) == np.bincount(labels, minlength=classes)).all()


def test_many_pictures_are_counted_block_by_block():
    features, weights = random_rows(20_000, dim=4), random_rows(7, dim=4, seed=1)
    labels = np.random.default_rng(0).integers(7, size=20_000)
    wanted = (features @ weights.T).argmax(axis=1)
    assert (zero_shot.correct(features, weights, labels) == (wanted == labels)).all()
    assert np.trace(zero_shot.confusion(features, weights, labels)) == (wanted == labels).sum()


@each(
    ("features", "weights", "labels", "message"),
    [
        (PICTURES, CLASSES, LABELS[:4], "do not fit together"),
        (PICTURES, CLASSES[:, :1], LABELS, "do not fit together"),
        (PICTURES[0], CLASSES, LABELS, "do not fit together"),
        (PICTURES[:0], CLASSES, LABELS[:0], "no pictures"),
        (PICTURES, CLASSES, np.array([0, 1, -1, 1, 2]), "label -1(.|\n)*leave out pictures"),
        (PICTURES, CLASSES[:2], LABELS, "label 2 is not one of the 2 classes"),
        (PICTURES, CLASSES, LABELS.astype(float), "labels of type float64"),
        (PICTURES * np.nan, CLASSES, LABELS, "pictures is not finite"),
        (PICTURES, CLASSES + np.inf, LABELS, "classes is not finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(features, weights, labels, message):
    for measure in (zero_shot.correct, zero_shot.confusion, zero_shot.accuracy):
        with pytest.raises(InputError, match=message):
            measure(features, weights, labels)


@pytest.mark.parametrize("k", [0, 4])
def test_an_impossible_k_is_refused(k: int):
    with pytest.raises(InputError, match=f"k is {k} with 3 classes"):
        zero_shot.correct(PICTURES, CLASSES, LABELS, k)


# Intervals and comparisons.


def uneven(seed: int = 0, classes: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return hits and labels where classes differ much, in size and in luck."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(classes), rng.integers(1, 30, size=classes)))
    return rng.random(len(labels)) < rng.random(classes)[labels], labels


def test_the_interval_over_classes_is_that_of_a_naive_cluster_bootstrap():
    hits, labels = uneven()
    found = intervals.accuracy_of(hits, labels)
    rng = np.random.default_rng(1)
    members = [hits[labels == label] for label in range(12)]
    drawn = [np.concatenate([members[k] for k in rng.integers(12, size=12)]).mean() for _ in range(4000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.value == hits.mean()
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert found.n == len(hits)
    assert found.note == "bootstrap over 12 classes, 1000 resamples"


def test_the_interval_over_classes_is_scipys_on_one_row_a_class():
    hits, labels = uneven()
    sums = np.array([hits[labels == label].sum() for label in range(12)], dtype=float)
    sizes = np.bincount(labels).astype(float)
    theirs = stats.bootstrap(
        (sums, sizes),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        n_resamples=1000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    found = intervals.accuracy_of(hits, labels)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_interval_over_pictures_is_the_binomial_one():
    hits, labels = uneven(classes=60)
    found = intervals.accuracy_of(hits, labels, groups="pictures")
    low, high = stats.binom.ppf([0.025, 0.975], len(hits), hits.mean()) / len(hits)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.008)
    wide = intervals.accuracy_of(hits, labels)
    assert wide.high - wide.low > 2 * (found.high - found.low)  # luck comes by the class here
    assert wide.value == found.value


def test_one_class_has_no_interval_over_classes():
    found = intervals.accuracy_of(np.array([True, False]), np.array([4, 4]))
    assert (found.low, found.value, found.high, found.n) == (0.5, 0.5, 0.5, 2)
    assert "one item" in found.note


def test_a_difference_by_hand():
    before = np.array([True, False, False, True])
    after = np.array([True, True, True, True])
    found = intervals.accuracy_change(before, after, np.array([0, 0, 1, 1]))
    assert found.value == Fraction(2, 4)
    unseen = intervals.wilson_interval(0, 2).high  # both classes rose alike: two are few
    assert (found.low, found.high, found.n) == (0.5 - unseen, 1, 4)
    assert found.p == Fraction(2, 4)  # of the four swaps, both or none are as extreme
    assert found.as_dict()["p"] == found.p


def test_the_paired_test_swaps_whole_classes():
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(6), 5)
    before, after = rng.random(30) < 0.4, rng.random(30) < 0.7
    change = [float((after[labels == c] ^ 0).sum() - before[labels == c].sum()) for c in range(6)]
    signs = [[1 if swap >> c & 1 else -1 for c in range(6)] for swap in range(64)]
    sums = [sum(s * d for s, d in zip(row, change, strict=True)) for row in signs]
    wanted = sum(abs(total) >= abs(sum(change)) - 1e-9 for total in sums) / 64
    assert intervals.accuracy_change(before, after, labels).p == pytest.approx(wanted)


@pytest.mark.parametrize("groups", ["classes", "pictures"])
def test_one_change_alone_says_nothing(groups: str):
    labels = np.repeat(np.arange(5), 3)
    before = np.zeros(15, dtype=bool)
    found = intervals.accuracy_change(before, np.arange(15) == 4, labels, groups=groups)
    assert (found.value, found.p) == (float(Fraction(1, 15)), 1)


def test_the_difference_interval_keeps_pictures_paired():
    hits, labels = uneven(classes=40)
    other = hits.copy()
    other[::10] = ~other[::10]
    found = intervals.accuracy_change(hits, other, labels)
    apart = intervals.accuracy_of(hits, labels)
    assert found.high - found.low < apart.high - apart.low
    back = intervals.accuracy_change(other, hits, labels)
    assert (back.value, back.p) == (-found.value, found.p)
    same = intervals.accuracy_change(hits, hits, labels)
    unseen = intervals.wilson_interval(0, 40).high  # a change in one of 40 classes could be missed
    assert (same.value, same.low, same.high, same.p) == (0, -unseen, unseen, 1)


def test_groups_of_another_name_are_refused():
    with pytest.raises(InputError, match=r"unknown groups 'styles'(.|\n)*pictures, classes"):
        intervals.accuracy_of(np.array([True]), np.array([0]), groups="styles")
    with pytest.raises(InputError, match="do not fit"):
        intervals.accuracy_change(np.array([True]), np.array([True, False]), np.array([0]))


# Drops.


def test_a_drop_is_absolute_and_relative():
    drop = zero_shot.lexical_drop(float(Fraction(4, 5)), float(Fraction(3, 5)))
    assert drop.absolute == pytest.approx(1 / 5)
    assert drop.relative == pytest.approx(1 / 4)
    assert zero_shot.lexical_drop(0.5, 0.75).relative == -0.5
    assert math.isnan(zero_shot.lexical_drop(0.0, 0.0).relative)
    with pytest.raises(InputError, match=r"62\.5 is not an accuracy"):
        zero_shot.lexical_drop(62.5, 50)
    with pytest.raises(InputError, match="nan is not an accuracy"):
        zero_shot.lexical_drop(math.nan, 0.5)
