"""Tables of pairs and neighbours, and the joint map of words before and after tuning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.figures import cosines, maps, neighbours
from lexclip_core.targets.kernels import compiled_once

WORDS = ("hot", "warm", "cold", "chilly")


def unit(rows: object) -> np.ndarray:
    array = np.asarray(rows, dtype=np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def at_angles(*degrees: float) -> np.ndarray:
    """Unit rows on a circle: their cosines are cosines of differences of these angles."""
    radians = np.radians(degrees)
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)


BEFORE, AFTER = at_angles(0, 30, 60, 90), at_angles(0, 60, 180, 30)


def random_rows(n: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(n, dim)))


# pairs


def test_pair_table_keeps_the_pairs_columns_and_order():
    pairs = pd.DataFrame(
        {"word_a": ["cold", "hot"], "word_b": ["hot", "warm"], "relation": ["antonym", "similar"]},
        index=[7, 3],
    )
    table = cosines.pair_table(pairs, WORDS, BEFORE, AFTER)
    assert list(table.columns) == ["word_a", "word_b", "relation", "cosine_before", "cosine_after"]
    assert list(table["relation"]) == ["antonym", "similar"]
    np.testing.assert_allclose(table["cosine_before"], [1 / 2, np.sqrt(3) / 2], atol=1e-6)
    np.testing.assert_allclose(table["cosine_after"], [-1, 1 / 2], atol=1e-6)
    assert "cosine_before" not in pairs, "the table given is left as it is"


def test_before_and_after_may_have_different_dimensions():
    wide = np.pad(AFTER, ((0, 0), (0, 3)))
    pairs = pd.DataFrame({"word_a": ["hot"], "word_b": ["cold"]})
    table = cosines.pair_table(pairs, WORDS, BEFORE, wide)
    assert table["cosine_after"].item() == pytest.approx(-1)


def test_pair_summary_counts_and_averages_by_relation():
    table = pd.DataFrame(
        {
            "relation": ["antonym", "synonym", "antonym"],
            "cosine_before": [0.5, 0.25, 0.75],
            "cosine_after": [0.0, 0.75, 1.0],
        }
    )
    summary = cosines.pair_summary(table).set_index("relation")
    assert summary.loc["antonym"].to_dict() == {
        "pairs": 2,
        "mean_before": 5 / 8,
        "mean_after": 1 / 2,
        "mean_change": -1 / 8,
        "share_rose": 1 / 2,
    }
    assert summary.loc["synonym", "share_rose"] == 1


def test_a_word_without_embedding_is_named_with_what_is_near():
    pairs = pd.DataFrame({"word_a": ["hot"], "word_b": ["colds"]})
    with pytest.raises(InputError, match=r"no embedding for 'colds'\n.*4 words encoded; near 'colds': cold"):
        cosines.pair_table(pairs, WORDS, BEFORE, AFTER)


@each(
    ("before", "after", "complaint"),
    [
        (BEFORE * 2, AFTER, "before: row 0 has length 2, not 1"),
        (BEFORE, np.full_like(AFTER, np.nan), "after: row 0 has length nan, not 1"),
        (BEFORE, AFTER[:3], "before has 4 rows and after has 3"),
        (BEFORE[:3], AFTER[:3], "4 words but 3 embeddings"),
        (BEFORE[0], AFTER, r"expected a \(words, dim\) array, got shape \(2,\)"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(before: np.ndarray, after: np.ndarray, complaint: str):
    with pytest.raises(InputError, match=complaint):
        neighbours.neighbour_table(WORDS, before, after, "hot", 1)


# neighbours


@pytest.mark.parametrize("k", [0, 4])
def test_as_many_neighbours_as_words_cannot_be_had(k: int):
    with pytest.raises(InputError, match=f"k is {k}, but must lie between 1 and 3"):
        neighbours.neighbour_table(WORDS, BEFORE, AFTER, "hot", k)


def test_the_neighbour_table_says_what_stayed_entered_and_left():
    table = neighbours.neighbour_table(WORDS, BEFORE, AFTER, "hot", 2)
    # degrees from hot: warm 30, cold 60, chilly 90 before; chilly 30, warm 60, cold 180 after
    assert table[["neighbour", "rank_before", "rank_after", "change"]].values.tolist() == [
        ["chilly", 3, 1, "entered"],
        ["warm", 1, 2, "stayed"],
        ["cold", 2, 3, "left"],
    ]
    np.testing.assert_allclose(table["cosine_before"], [0, np.sqrt(3) / 2, 1 / 2], atol=1e-6)
    np.testing.assert_allclose(table["cosine_after"], [np.sqrt(3) / 2, 1 / 2, -1], atol=1e-6)


def test_a_typed_text_is_compared_with_the_words_and_may_leave_itself_out():
    before, after = at_angles(1)[0], at_angles(179)[0]
    table = neighbours.neighbour_table_of_vector(WORDS, BEFORE, AFTER, before, after, 1)
    assert dict(zip(table["neighbour"], table["change"], strict=True)) == {"cold": "entered", "hot": "left"}
    table = neighbours.neighbour_table_of_vector(
        WORDS, BEFORE, AFTER, before, after, 1, exclude=["hot", "cold"]
    )
    assert dict(zip(table["neighbour"], table["change"], strict=True)) == {"warm": "stayed"}


def test_a_vector_of_another_tower_is_refused():
    with pytest.raises(InputError, match="vector_before has 3 dimensions, the words have 2"):
        neighbours.neighbour_table_of_vector(WORDS, BEFORE, AFTER, np.eye(3)[0], AFTER[0], 1)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(3, 25), k=st.integers(1, 10))
def test_neighbour_tables_have_k_words_before_and_after(seed: int, n: int, k: int):
    k = min(k, n - 1)
    words = [f"word{i}" for i in range(n)]
    table = neighbours.neighbour_table(
        words, random_rows(n, 4, seed), random_rows(n, 4, seed + 1), "word0", k
    )
    changes = table["change"].value_counts().to_dict()
    assert changes.get("stayed", 0) + changes.get("left", 0) == k
    assert changes.get("stayed", 0) + changes.get("entered", 0) == k
    assert sorted(table.loc[table["change"] != "left", "rank_after"]) == list(range(1, k + 1))
    assert sorted(table.loc[table["change"] != "entered", "rank_before"]) == list(range(1, k + 1))
    assert table[["cosine_before", "cosine_after"]].abs().to_numpy().max() <= 1


def test_nothing_enters_where_nothing_changed():
    rows = random_rows(50)
    words = [f"word{i}" for i in range(50)]
    table = neighbours.neighbour_table(words, rows, rows, "word3", 5)
    assert set(table["change"]) == {"stayed"}
    assert table["rank_before"].tolist() == table["rank_after"].tolist() == [1, 2, 3, 4, 5]


# the joint layout


def clustered(n: int = 60) -> np.ndarray:
    """Three tight bundles of directions."""
    return unit(np.repeat(3 * np.eye(3, 12), n // 3, axis=0) + 0.3 * random_rows(n, 12))


NAMES = [f"word{i}" for i in range(60)]
PLACES = {when: [f"x_{when}", f"y_{when}"] for when in ("before", "after")}


@pytest.fixture(scope="module")
def unchanged() -> pd.DataFrame:
    rows = clustered()
    return maps.subtree_layout(nodes("a.n.01", NAMES), NAMES, rows, rows, seed=3)


def test_words_that_did_not_change_hardly_move(unchanged: pd.DataFrame):
    assert maps.layout_summary(unchanged)["relative_movement"] < 0.2


def test_a_layout_of_clusters_is_trustworthy_and_says_how(unchanged: pd.DataFrame):
    for when, columns in PLACES.items():
        [said] = set(unchanged[f"trustworthiness_{when}"])
        assert said == pytest.approx(maps.trustworthiness(clustered(), unchanged[columns].to_numpy(), 15))
        assert 0.8 < said <= 1


def test_without_an_after_both_places_are_those_before():
    alone = maps.word_places(clustered())
    assert alone.before is alone.after
    assert alone.trust_before == alone.trust_after > 0.8


def test_a_second_map_compiles_nothing():
    maps.word_places(clustered())
    before = compiled_once.cache_info().misses
    maps.word_places(clustered(), seed=1)
    assert compiled_once.cache_info().misses == before > 0


def test_in_an_atlas_words_lie_among_the_landmarks_nearest_to_them():
    rows, changed = clustered(), np.roll(clustered(), 20, axis=0)  # each bundle becomes another one
    landmarks = np.arange(0, 60, 2)
    atlas = maps.atlas_places(rows, changed, landmarks, seed=3)
    fitted = maps.word_places(rows[landmarks], changed[landmarks], seed=3)
    for at, own, frame in zip(atlas[:2], (rows, changed), fitted[:2], strict=True):
        assert at.shape == (60, 2)
        nearest = (own @ own[landmarks].T).argmax(axis=1)
        assert (np.linalg.norm(at - frame[nearest], axis=1) < np.ptp(frame, axis=0).max() / 3).all()
        assert (at >= frame.min(axis=0) - 1e-4).all()
        assert (at <= frame.max(axis=0) + 1e-4).all()
    assert min(atlas[2:]) > 0.8


def test_a_map_of_four_words_is_refused():
    with pytest.raises(InputError, match=r"a map of 4 words says nothing\n.*at least 5 words"):
        maps.word_places(BEFORE[:4])
    with pytest.raises(InputError, match=r"a map of 4 words says nothing\n.*at least 5 words"):
        maps.subtree_layout(nodes("a.n.01", list(WORDS)), WORDS, BEFORE, AFTER)


@pytest.mark.parametrize("n", [5, 6, 40])
def test_trustworthiness_is_one_where_the_map_is_the_space_and_allows_tiny_sets(n: int):
    degrees = np.sort(np.random.default_rng(0).uniform(0, 90, n))
    along = np.column_stack([degrees, np.zeros(n)])
    assert maps.trustworthiness(at_angles(*degrees), along, n_neighbors=15) == pytest.approx(1)


def test_trustworthiness_falls_when_the_map_is_shuffled():
    degrees = np.arange(40.0)
    along = np.random.default_rng(0).permutation(np.column_stack([degrees, np.zeros(40)]))
    assert maps.trustworthiness(at_angles(*degrees), along, n_neighbors=5) < 0.7


def nodes(subtree: str, words: list[str]) -> pd.DataFrame:
    names = [f"{word}.n.01" for word in words]
    parents = ["", *[names[0]] * (len(words) - 1)]
    glosses = [f"a {word}" for word in words]
    return pd.DataFrame(
        {"subtree": subtree, "word": words, "synset": names, "parent": parents, "gloss": glosses}
    )


def test_each_subtree_is_laid_out_by_itself_and_one_seed_gives_one_layout():
    words, before, after = [f"word{i}" for i in range(20)], random_rows(20), random_rows(20, seed=1)
    first, second = nodes("a.n.01", words[:6]), nodes("b.n.01", words[5:12])
    table = maps.subtree_layout(pd.concat([first, second]), words, before, after, seed=2)
    assert list(table.columns) == [
        *first.columns,
        *("x_before", "y_before", "x_after", "y_after", "trustworthiness_before", "trustworthiness_after"),
    ]
    assert table["word"].tolist() == words[:6] + words[5:12]
    alone = maps.subtree_layout(second, words[5:12], before[5:12], after[5:12], seed=2)
    pd.testing.assert_frame_equal(table[table["subtree"] == "b.n.01"].reset_index(drop=True), alone)


def test_a_subtree_word_without_embedding_is_named():
    with pytest.raises(
        InputError, match="no embedding for 'word0', 'word1', 'word2', 'word3', 'word4' and 5 more"
    ):
        maps.subtree_layout(nodes("a.n.01", [f"word{i}" for i in range(10)]), WORDS, BEFORE, AFTER)


def test_no_nodes_are_refused():
    empty = nodes("a.n.01", ["x"]).head(0)
    with pytest.raises(InputError, match="no nodes to lay out"):
        maps.subtree_layout(empty, WORDS, BEFORE, AFTER)


def test_the_layout_summary_measures_movement_in_spreads():
    square = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=float)
    moved = square + np.array([[0, 0], [0, 0], [0, 0], [4, 0]])
    table = nodes("a.n.01", list(WORDS)).assign(trustworthiness_before=0.75, trustworthiness_after=0.5)
    table[PLACES["before"]], table[PLACES["after"]] = square, moved
    assert maps.layout_summary(table) == {
        "words": 4,
        "relative_movement": pytest.approx(1 / np.sqrt(2)),  # one of four moves 4; the spread is sqrt(2)
        "furthest": "chilly",
        "trustworthiness_before": 0.75,
        "trustworthiness_after": 0.5,
    }
