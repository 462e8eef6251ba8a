"""The columns of Table 1 in one call: an encoder that understands has them all, a bag of words does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from lexclip_core import storage
from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.datasets.emoji.scene_sets import GRADES, SceneEvaluation, scene_evaluation, scene_sentences
from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import nearest
from lexclip_core.evaluation.retrieval import average_overlap
from lexclip_core.evaluation.table1 import (
    COLUMNS,
    ItemScores,
    PictureClasses,
    Table1Tests,
    interval,
    item_scores,
    measure_table1,
    over_items,
    scene_tests,
    table1_columns,
)

DIM = 256


@pytest.fixture(scope="module")
def evaluation() -> SceneEvaluation:
    return scene_evaluation("test", seed=1, count=60)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


class Understands:
    """An encoder that gives every true text the row of its picture, and counts its calls."""

    def __init__(self, made: SceneEvaluation):
        self.pictures = unit(np.random.default_rng(0).normal(size=(len(made.scenes), DIM)))
        places = {name: place for place, name in enumerate(made.names())}
        self.means: dict[str, int] = dict(zip(made.captions, made.owners.tolist(), strict=True))
        for texts in (made.queries.queries_a, made.queries.queries_b):
            self.means |= {
                text: places[image] for text, image in zip(texts, made.queries.images, strict=True)
            }
        for tests in (made.relations, made.attributes):
            self.means |= {text: places[image] for text, image in zip(tests.true, tests.images, strict=True)}
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.calls.append(list(texts))
        return np.stack([self.row(text) for text in texts])

    def row(self, text: str) -> np.ndarray:
        if text in self.means:
            return self.pictures[self.means[text]]
        return unit(np.random.default_rng(list(text.encode())).normal(size=DIM))


def bag_of_words(texts: Sequence[str]) -> np.ndarray:
    """Encode a text as a sum over its words, whatever their order: the same words give the same row."""
    rows = []
    for text in texts:
        counts = sorted(
            Counter(word for word in text.replace(",", "").split() if word not in ("a", "an")).items()
        )
        vectors = [np.random.default_rng(list(word.encode())).normal(size=DIM) * n for word, n in counts]
        rows.append(np.sum(vectors, axis=0))
    return unit(np.array(rows))


def test_who_understands_has_every_column_and_encodes_each_text_once(evaluation: SceneEvaluation):
    encode = Understands(evaluation)
    classes = PictureClasses(encode(["dog", "cat"]), np.array([0, 1]), ("dog", "cat"))
    encode.calls.clear()
    sentences = scene_sentences(count=40)
    tests = scene_tests(evaluation, encode.pictures, sts=[sentences], classes=classes)
    measured = measure_table1(encode, tests)
    [asked] = encode.calls
    assert len(asked) == len(set(asked))
    assert set(asked) >= {*evaluation.texts(), *sentences.sentences_a, "dog", "cat"}
    columns = table1_columns(measured)
    assert list(columns) == list(COLUMNS)
    for column, estimate in columns.items():
        if column != "STS":
            assert (estimate.value, estimate.high) == (1, 1)
            assert estimate.low < 1  # of so few, an error may go unseen
    assert columns["AO@10"].n == len(evaluation.queries)
    assert columns["I R@5"].n == 300
    assert columns["T R@5"].n == 60
    for kind in ("synonym", "order", "word", "expansion"):
        assert measured[f"test/paraphrased-{kind}/ao@10"].value == 1


def test_a_bag_of_words_misses_what_only_order_tells(evaluation: SceneEvaluation):
    pictures = unit(np.random.default_rng(0).normal(size=(60, DIM)))
    measured = measure_table1(bag_of_words, scene_tests(evaluation, pictures))
    # the swapped captions have the same words, so that every item is a tie
    assert measured["test/vg-attribution/micro"].value == 0
    assert set(table1_columns(measured)) == {"AO@10", "JS@10", "VG-R", "VG-A", "T R@5", "I R@5"}


def test_columns_are_those_of_the_parts_measured_alone(evaluation: SceneEvaluation):
    pictures = bag_of_words(evaluation.captions[::5])
    measured = measure_table1(bag_of_words, scene_tests(evaluation, pictures), split="development", k=5)
    queries = evaluation.queries
    a, b = (nearest(bag_of_words(texts), pictures, 5)[0] for texts in (queries.queries_a, queries.queries_b))
    assert measured["development/paraphrased/ao@5"].value == pytest.approx(average_overlap(a, b).mean())
    chosen = [kind == "word" for kind in queries.kinds]
    assert measured["development/paraphrased-word/ao@5"].value == pytest.approx(
        average_overlap(a, b)[chosen].mean()
    )
    near = bag_of_words(evaluation.captions) @ pictures.T
    hits = [
        int(owner) in np.argsort(-row, kind="stable")[:5]
        for row, owner in zip(near, evaluation.owners, strict=True)
    ]
    assert measured["development/retrieval/image_r@5"].value == pytest.approx(np.mean(hits))


def test_aros_own_sets_count_in_macro_as_aro_counts():
    names = ["on"] * 3 + ["near"] * 2
    relations = CaptionTests("vg-relation", ("x",) * 5, ("t",) * 5, ("f",) * 5, tuple(names))
    attributes = CaptionTests(
        "vg-attribution", ("x",) * 26, ("t",) * 26, ("f",) * 26, ("a_b",) * 25 + ("c_d",)
    )
    true = np.array([[1, 0]], dtype=np.float32)

    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.array([[1, 0] if text == "t" else [0, 1] for text in texts], dtype=np.float32)

    rows = np.repeat(true, 5, axis=0)
    rows[3:] = [0, 1]  # both items of `near` are wrong
    others = np.repeat(true, 26, axis=0)
    others[25] = [0, 1]  # and the one item of the rare pair
    measured = measure_table1(
        encode, Table1Tests(rows, relations=(relations, rows), attributes=(attributes, others))
    )
    assert measured["test/vg-relation/macro"].value == 1
    assert measured["test/vg-relation/micro"].value == 3 / 5
    assert measured["test/vg-attribution/macro"].value == 1
    assert measured["test/vg-attribution/micro"].value == 25 / 26
    assert list(table1_columns(measured)) == ["VG-R", "VG-A"]


def test_rows_are_one_a_scene(evaluation: SceneEvaluation):
    with pytest.raises(InputError, match="59 rows for 60 scenes"):
        scene_tests(evaluation, np.ones((59, 4), np.float32))


def test_the_page_shows_these_columns():
    page = (storage.project_root() / "docs" / "evaluation.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    assert rows[1 : 1 + len(COLUMNS)] == list(COLUMNS)


def test_graded_sentences_say_what_their_grade_says():
    pairs = scene_sentences("test", seed=5, count=80)
    assert Counter(pairs.scores.tolist()) == dict.fromkeys(GRADES, 20)
    assert set(pairs.subsets) == {"relation", "attribute"}
    assert len(set(zip(pairs.scores.tolist(), pairs.subsets, strict=True))) == 8
    shared = {grade: [] for grade in GRADES}
    for a, b, grade in zip(pairs.sentences_a, pairs.sentences_b, pairs.scores, strict=True):
        assert a != b
        words = [{word for word in text.replace(",", "").split() if word not in _FRAME} for text in (a, b)]
        shared[float(grade)].append(len(words[0] & words[1]) / len(words[0] | words[1]))
    means = [np.mean(values) for values in shared.values()]  # from the same down to nothing
    assert means[0] == pytest.approx(1)
    assert means[1] == pytest.approx(1)
    assert 1 > means[2] > means[3]
    again = scene_sentences("test", seed=5, count=80)
    assert again.sentences_b == pairs.sentences_b


_FRAME_WORDS = (
    "a an the to of left right side on at top bottom above below over under there is and it its with in "
    "higher lower up down than"
)
_FRAME = frozenset(_FRAME_WORDS.split())


def test_items_give_the_columns_and_changes_are_paired(evaluation: SceneEvaluation):
    encode = Understands(evaluation)
    classes = PictureClasses(bag_of_words(["dog", "cat", "cow"]), np.array([0, 1, 1]), ("dog", "cat", "cow"))
    tests = scene_tests(evaluation, encode.pictures, sts=[scene_sentences(count=40)], classes=classes)
    columns = table1_columns(measure_table1(bag_of_words, tests))
    found, again = item_scores(bag_of_words, tests), item_scores(bag_of_words, tests)
    assert list(found) == list(columns) == list(COLUMNS)
    for column, scores in found.items():
        drawn = over_items([scores])
        assert drawn[0] == pytest.approx(columns[column].value)
        assert (over_items([scores, again[column]]) - drawn == 0).all()  # the same resamples, seed by seed
        assert over_items([ItemScores.from_dict(scores.as_dict())]).tolist() == drawn.tolist()
    better = item_scores(encode, tests)
    change = over_items([better["I R@5"]]) - over_items([found["I R@5"]])
    hits = better["I R@5"].values - found["I R@5"].values
    assert interval(change, len(hits), "pictures").value == pytest.approx(hits.mean())


def test_a_paired_interval_is_that_of_the_differences():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 3)
    before = ItemScores(rng.random(120), groups, "pictures")
    after = [
        ItemScores(before.values + np.repeat(rng.normal(0.1, 0.1, 40), 3), groups, "pictures") for _ in "ab"
    ]
    change = interval(over_items(after) - over_items([before]), 120, "pictures")
    gains = np.mean([one.values for one in after], axis=0) - before.values
    by_picture = gains.reshape(40, 3).mean(axis=1)
    assert change.value == pytest.approx(by_picture.mean())
    half = 1.96 * by_picture.std() / np.sqrt(40)
    assert change.ends == pytest.approx((change.value - half, change.value + half), abs=half / 5)
    with pytest.raises(InputError, match="runs of other items"):
        over_items([before, ItemScores(before.values, groups[::-1], "pictures")])
    with pytest.raises(InputError, match="runs of other items"):
        over_items([])


def test_macro_is_the_mean_of_the_relations_that_are_drawn():
    hits = np.array([1.0, 1, 0, 1])
    scores = ItemScores(hits, np.array([0, 1, 2, 2]), "pictures", parts=np.array([0, 0, 0, 1]))
    drawn = over_items([scores])
    assert drawn[0] == (2 / 3 + 1) / 2
    assert set(np.round(drawn, 6)) <= {round(x, 6) for x in (1, 1 / 2, 5 / 6, 2 / 3, 3 / 4)}
