"""The order of a graph of hypernyms: parents first, branches together, circles refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.wordnet.relations import parents_first


def test_a_branch_is_finished_before_the_next_root_begins():
    # 1 and 0 are roots; 3 stands under 1, 2 and 4 under 0, and 5 under both 4 and 3.
    assert parents_first([[], [], [0], [1], [0], [4, 3]]) == [0, 4, 2, 1, 3, 5]
    assert parents_first([]) == []


@given(st.data())
def test_every_node_comes_once_and_after_its_parents(data: st.DataObject):
    size = data.draw(st.integers(1, 12))
    names = data.draw(st.permutations(range(size)))  # so that parents may have higher numbers
    parents: list[list[int]] = [[] for _ in range(size)]
    for rank in range(1, size):
        above = data.draw(st.lists(st.sampled_from(names[:rank]), unique=True, max_size=3))
        parents[names[rank]] = above
    order = parents_first(parents)
    assert sorted(order) == list(range(size))
    place = {node: at for at, node in enumerate(order)}
    assert all(place[parent] < place[node] for node in range(size) for parent in parents[node])


@pytest.mark.parametrize("parents", [[[0]], [[1], [0]], [[], [0, 3], [1], [2]]])
def test_a_circle_is_refused(parents: list[list[int]]):
    with pytest.raises(InputError, match=r"the hypernyms run in a circle\n.*without cycles"):
        parents_first(parents)
