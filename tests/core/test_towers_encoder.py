"""Rows of texts are the encoder's own, and nothing is encoded twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.towers.encoder import TextRows


def by_length(texts: Sequence[str]) -> np.ndarray:
    return np.array([[len(text), 1.0] for text in texts])


def test_all_texts_are_encoded_in_one_call_when_the_first_is_asked_for():
    calls = []
    rows = TextRows(lambda texts: (calls.append(list(texts)), by_length(texts))[1], ["a", "bb", "a"])
    assert len(rows) == 2
    assert calls == []
    assert rows(["bb", "a", "bb"])[:, 0].tolist() == [2, 1, 2]
    assert rows(["ccc", "a", "ccc"])[:, 0].tolist() == [3, 1, 3]
    assert calls == [["a", "bb"], ["ccc"]]
    assert len(rows) == 3


@given(st.lists(st.text(max_size=3)), st.lists(st.lists(st.text(max_size=3), min_size=1), max_size=4))
def test_the_rows_are_the_encoders_in_any_order(first: list[str], questions: list[list[str]]):
    asked: list[str] = []
    rows = TextRows(lambda texts: (asked.extend(texts), by_length(texts))[1], first)
    for texts in questions:
        np.testing.assert_array_equal(rows(texts), by_length(texts))
    assert len(asked) == len(set(asked))


def test_no_texts_and_rows_of_another_shape_are_refused():
    with pytest.raises(InputError, match="no texts were given"):
        TextRows(by_length, ["a"])([])
    wrong = TextRows(lambda texts: np.ones((1, 2)), ["a", "b"])
    for _ in range(2):  # a failure is not remembered as an answer
        with pytest.raises(InputError, match=r"shape \(1, 2\) for 2 texts"):
            wrong(["a"])
    with pytest.raises(InputError, match=r"shape \(2,\) for 2 texts"):
        TextRows(lambda texts: np.ones(2))(["a", "b"])


def test_rows_at_hand_are_looked_up_and_other_texts_refused():
    rows = TextRows.known(["a", "bb"], np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert rows(["bb", "a"]).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(InputError, match="the row of 'ccc' is not known"):
        rows(["a", "ccc"])
    with pytest.raises(InputError, match=r"shape \(1, 2\) for 2 texts"):
        TextRows.known(["a", "b"], np.ones((1, 2)))
