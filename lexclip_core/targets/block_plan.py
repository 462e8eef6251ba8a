"""What a block of scores needs to look at: the nodes above its rows, and where the columns meet them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lexclip_core.targets.compiled import compiled
from lexclip_core.targets.states import Scheme


class Plan(NamedTuple):
    """The nodes that the rows of a block need: their own and all ancestors', in topological order.

    Attributes:
        nodes: (places,) node at each place.
        place: (all nodes,) place of a node, -1 if it is not needed.
        parent_ptr: (places + 1,) rows of `parents`.
        parents: Places of the parents.
        children: (places,) how many children each place has here.
        row: (places,) last row of the block that asks for this place, -1 if none does.
        same_row: (rows,) the row before it that asks for the same place, -1 if none does.
    """

    nodes: np.ndarray
    place: np.ndarray
    parent_ptr: np.ndarray
    parents: np.ndarray
    children: np.ndarray
    row: np.ndarray
    same_row: np.ndarray


class Meetings(NamedTuple):
    """Which columns each place is an ancestor of, and the state of a pair that meets there."""

    ptr: np.ndarray
    lane: np.ndarray
    state: np.ndarray


@compiled
def make_plan(scheme: Scheme, rows: np.ndarray) -> Plan:
    """Collect the rows' ancestors in topological order."""
    place = np.full(scheme.state.size, -1, np.int32)
    places = 0
    for node in rows:
        for k in range(scheme.ancestor_ptr[node], scheme.ancestor_ptr[node + 1]):
            places += place[scheme.ancestors[k]] < 0
            place[scheme.ancestors[k]] = 0
    nodes = np.empty(places, np.int32)
    places = 0
    for node in range(place.size):
        if place[node] == 0:
            nodes[places] = node
            place[node] = places
            places += 1
    parent_ptr = np.zeros(nodes.size + 1, np.int32)
    for q in range(nodes.size):
        parent_ptr[q + 1] = parent_ptr[q] + scheme.parent_ptr[nodes[q] + 1] - scheme.parent_ptr[nodes[q]]
    parents = np.empty(parent_ptr[-1], np.int32)
    children = np.zeros(nodes.size, np.int32)
    for q in range(nodes.size):
        first = scheme.parent_ptr[nodes[q]]
        for k in range(parent_ptr[q], parent_ptr[q + 1]):
            parents[k] = place[scheme.parents[first + k - parent_ptr[q]]]
            children[parents[k]] += 1
    row = np.full(nodes.size, -1, np.int32)
    same_row = np.empty(rows.size, np.int32)
    for r in range(rows.size):
        same_row[r] = row[place[rows[r]]]
        row[place[rows[r]]] = r
    return Plan(nodes, place, parent_ptr, parents, children, row, same_row)


@compiled
def find_meetings(scheme: Scheme, plan: Plan, cols: np.ndarray, lowest: int) -> Meetings:
    """Sort the ancestors of all columns by place; places below `lowest` do not count."""
    ptr = np.zeros(plan.nodes.size + 1, np.int32)
    for col in cols:
        for k in range(scheme.ancestor_ptr[col], scheme.ancestor_ptr[col + 1]):
            q = plan.place[scheme.ancestors[k]]
            if q >= lowest:
                ptr[q + 1] += 1
    for q in range(plan.nodes.size):
        ptr[q + 1] += ptr[q]
    lane = np.empty(ptr[-1], np.int32)
    state = np.empty(ptr[-1], np.int32)
    filled = ptr[:-1].copy()
    for j in range(cols.size):
        for k in range(scheme.ancestor_ptr[cols[j]], scheme.ancestor_ptr[cols[j] + 1]):
            node = scheme.ancestors[k]
            q = plan.place[node]
            if q >= lowest:
                lane[filled[q]] = j
                state[filled[q]] = scheme.state[node] - scheme.distance[k]
                filled[q] += 1
    return Meetings(ptr, lane, state)
