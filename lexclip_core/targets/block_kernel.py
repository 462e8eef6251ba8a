"""Wu-Palmer scores of every row with every column, compiled.

`score_block` walks down the taxonomy with all columns side by side in one vector of states. A node
takes the larger of its parents' states less 1, and then looks at the columns it is itself an ancestor
of ("meetings"). A node with one parent and no meeting is that parent's vector with one more step to
subtract: nothing is computed for it until its scores are written. What a node has in common with a
column above itself is what its parents have in common with it, so the best of the parents' ancestors
is the node's own best, and one edge more is its distance but for the few listed corrections.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lexclip_core.targets.block_plan import Meetings, Plan, find_meetings, make_plan
from lexclip_core.targets.compiled import compiled
from lexclip_core.targets.states import CODES, RANK_SHIFT, UNRELATED, Scheme

WIDTH = 4096  # columns side by side: the vectors in use fit the second-level cache
SPARE = 16  # int32 between two vectors, so that they do not share cache lines' places


class Pool(NamedTuple):
    """Which vector of states each place refers to, and which vectors are free again.

    Attributes:
        vector: (places,) vector of a place.
        steps: (places,) how much to subtract from it.
        waiting: (places,) children that have yet to look at the place.
        users: (vectors,) places that still refer to a vector.
        free: (vectors,) stack of vectors to use again.
        sizes: (2,) vectors ever used; height of the stack.
    """

    vector: np.ndarray
    steps: np.ndarray
    waiting: np.ndarray
    users: np.ndarray
    free: np.ndarray
    sizes: np.ndarray


@compiled
def _copy(source: np.ndarray, target: np.ndarray) -> None:
    for j in range(source.size):  # assigning to a slice takes ten times as long to compile
        target[j] = source[j]


@compiled
def _new_pool(plan: Plan) -> Pool:
    places = plan.nodes.size
    waiting = np.empty(places, np.int32)
    _copy(plan.children, waiting)
    vector, free = np.empty(places, np.int32), np.empty(places, np.int32)
    return Pool(
        vector, np.zeros(places, np.int32), waiting, np.zeros(places, np.int32), free, np.zeros(2, np.int32)
    )


@compiled
def _take(pool: Pool) -> int:
    if pool.sizes[1]:
        pool.sizes[1] -= 1
        return pool.free[pool.sizes[1]]
    pool.sizes[0] += 1
    return pool.sizes[0] - 1


@compiled
def _release(pool: Pool, vector: int) -> None:
    pool.users[vector] -= 1
    if pool.users[vector] == 0:
        pool.free[pool.sizes[1]] = vector
        pool.sizes[1] += 1


@compiled
def _inherit(target: np.ndarray, vectors: np.ndarray, plan: Plan, pool: Pool, q: int) -> None:
    """Set `target` to the largest of the parents' states, one step further down."""
    first = plan.parent_ptr[q]
    if first == plan.parent_ptr[q + 1]:
        for j in range(target.size):
            target[j] = UNRELATED
    for k in range(first, plan.parent_ptr[q + 1]):
        source = vectors[pool.vector[plan.parents[k]], : target.size]
        steps = pool.steps[plan.parents[k]] + np.int32(1)
        if k == first:
            for j in range(target.size):
                target[j] = source[j] - steps
        else:
            for j in range(target.size):
                target[j] = max(target[j], source[j] - steps)


@compiled
def _fix(target: np.ndarray, scheme: Scheme, node: int, f: int) -> int:
    """Correct the distances at `node`; return where to look for the next node's corrections."""
    while f < scheme.fix_node.size and scheme.fix_node[f] < node:
        f += 1
    while f < scheme.fix_node.size and scheme.fix_node[f] == node:
        rank, gain = scheme.fix_rank[f], scheme.fix_gain[f]
        for j in range(target.size):
            target[j] += gain if target[j] >> RANK_SHIFT == rank else np.int32(0)
        f += 1
    return f


@compiled
def _write(states: np.ndarray, steps: int, table: np.ndarray, scores: np.ndarray) -> None:
    for j in range(states.size):
        scores[j] = table[(states[j] - steps) & (CODES - 1)]


@compiled
def _prefer_own(
    scores: np.ndarray,
    states: np.ndarray,
    lane: np.ndarray,
    own: np.ndarray,
    scheme: Scheme,
    table: np.ndarray,
) -> None:
    """Let the row's synset win where it is a common ancestor itself and tied with the winner."""
    for k in range(lane.size):
        rank = own[k] >> RANK_SHIFT
        winner = states[lane[k]] >> RANK_SHIFT
        if winner != rank and scheme.level[winner] == scheme.level[rank]:
            scores[lane[k]] = table[own[k] & (CODES - 1)]


@compiled
def _grown(vectors: np.ndarray) -> np.ndarray:
    larger = np.empty((2 * vectors.shape[0], vectors.shape[1]), np.int32)
    for i in range(vectors.shape[0]):
        _copy(vectors[i], larger[i])
    return larger


@compiled
def _retire(plan: Plan, pool: Pool, q: int) -> None:
    """Give back the vectors that nobody will look at again, now that place `q` is done."""
    if plan.children[q] == 0:
        _release(pool, pool.vector[q])
    for k in range(plan.parent_ptr[q], plan.parent_ptr[q + 1]):
        parent = plan.parents[k]
        pool.waiting[parent] -= 1
        if pool.waiting[parent] == 0:
            _release(pool, pool.vector[parent])


@compiled
def _walk(
    scheme: Scheme, plan: Plan, meetings: Meetings, table: np.ndarray, out: np.ndarray, start: int
) -> None:
    """Write the scores of all rows against the columns `start`, ... that `meetings` is about."""
    width = min(WIDTH, out.shape[1] - start)
    pool = _new_pool(plan)
    vectors = np.empty((32, width + SPARE), np.int32)
    f = 0
    for q in range(plan.nodes.size):
        lane = meetings.lane[meetings.ptr[q] : meetings.ptr[q + 1]]
        own = meetings.state[meetings.ptr[q] : meetings.ptr[q + 1]]
        first_parent = plan.parent_ptr[q]
        one_parent = plan.parent_ptr[q + 1] - first_parent == 1
        if one_parent and lane.size == 0:
            pool.vector[q] = pool.vector[plan.parents[first_parent]]
            pool.steps[q] = pool.steps[plan.parents[first_parent]] + 1
        else:
            if pool.sizes[1] == 0 and pool.sizes[0] == vectors.shape[0]:
                vectors = _grown(vectors)
            pool.vector[q] = _take(pool)
            states = vectors[pool.vector[q], :width]
            _inherit(states, vectors, plan, pool, q)
            if not one_parent:
                f = _fix(states, scheme, plan.nodes[q], f)
            for k in range(lane.size):
                states[lane[k]] = max(states[lane[k]], own[k])
        pool.users[pool.vector[q]] += 1
        row = plan.row[q]
        if row >= 0:
            states = vectors[pool.vector[q], :width]
            scores = out[row, start : start + width]
            _write(states, pool.steps[q], table, scores)
            _prefer_own(scores, states, lane, own, scheme, table)
            while plan.same_row[row] >= 0:
                row = plan.same_row[row]
                _copy(scores, out[row, start : start + width])
        _retire(plan, pool, q)


@compiled
def score_block(
    scheme: Scheme, rows: np.ndarray, cols: np.ndarray, lowest: int, table: np.ndarray, out: np.ndarray
) -> None:
    """Write the score of every row with every column.

    Args:
        scheme: The policy.
        rows: (n,) int32 nodes.
        cols: (m,) int32 nodes.
        lowest: The lowest node that may be a common ancestor: 0 for the virtual root, 1 without it.
        table: From `score_table`, of the dtype of `out`.
        out: (n, m), C-contiguous.
    """
    plan = make_plan(scheme, rows)
    for start in range(0, cols.size, WIDTH):
        meetings = find_meetings(scheme, plan, cols[start : start + WIDTH], lowest)
        _walk(scheme, plan, meetings, table, out, start)
