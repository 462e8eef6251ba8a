"""The compiled kernels: Wu-Palmer scores of pairs and of whole blocks, and their reduction to words.

Two synsets score 2 depth / (distance + 2 depth): the depth of their best common ancestor, and the edges from
the two to it. What "best", depth and distance mean is a policy's affair; a `Scheme` states it in arrays. A
node is the place of a synset in a topological order, parents before children; node 0 is a virtual root above
all synsets without a parent.

**State.** What two synsets have in common is one int32: rank of the ancestor, depth (5 bits), 63 - distance
(6 bits). Of two common ancestors the better one has the larger state, and of two ways to the same ancestor
the shorter one, so that the largest state wins. One more edge is a state less 1, whatever the ancestor. The
low 11 bits are an index into a table of scores: nothing is divided in a loop.

**Pairs.** `score_pairs` merges the ancestors of both synsets, which are in ascending order, and takes the
largest state of those that both have.

**Blocks.** `score_block` goes down the taxonomy once, parents before children, with all columns side by side
in one vector of states. A node takes, column by column, the largest of its parents' states less 1, and then
looks at the columns that it is an ancestor of itself: its meetings. This is exact, since all that a node has
in common with a column, other than itself, one of its parents has in common with it too. A node with one
parent and no meeting is that parent's vector with one more step to subtract, and nothing is computed for it
until its scores are written; most nodes are of this kind. What is left is a few passes over contiguous
integers per row.

**Corrections.** NLTK's distance is not always "one more edge than from the parent": it may go up past the
ancestor and down again. The exceptions are few, and listed in the scheme as nodes, ancestors and gains.

**The row's own synset.** Where the synset of the row is itself a common ancestor and tied with the winner,
NLTK prefers it. That touches the score of the row alone, and is not handed down to its children.

**Machine code.** Numba notices when this file changes, and no other: so all that the code is built from is
here. Importing this module imports numba; other modules import it when a score is first asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from numba.core import config
from numba.core.dispatcher import Dispatcher

from lexclip_core import storage

F = TypeVar("F", bound=Callable[..., object])

logger = logging.getLogger(__name__)


def compiled(function: F) -> F:
    """Compile a function with numba, on disk for the next process, without Python's global lock.

    The machine code is in `NUMBA_CACHE_DIR` where that is set, else in lexclip's cache folder, else
    wherever numba can write. Where it can write nowhere, every process compiles anew.
    """
    made = numba.njit(nogil=True, error_model="numpy")(function)
    keep_compiled(made)
    return made  # type: ignore[return-value]


@contextmanager
def machine_code_in_cache() -> Iterator[None]:
    """Have numba put the machine code of functions that get a cache meanwhile into lexclip's cache folder."""
    before = config.CACHE_DIR  # type: ignore[attr-defined]
    # numba reads the folder when caching is switched on, so this touches no function from before or after.
    config.CACHE_DIR = before or str(storage.cache_folder() / "numba")  # type: ignore[attr-defined]
    try:
        yield
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]


def keep_compiled(*functions: object) -> None:
    """Let what numba compiles of these functions be on disk for the next process; others are left alone."""
    with machine_code_in_cache():
        try:
            for one in functions:
                if isinstance(one, Dispatcher):
                    one.enable_caching()
        except RuntimeError as error:
            logger.warning("compiled code is not cached for the next start: %s", error)


@cache
def compiled_once(function: Callable[..., object], **options: Any) -> Dispatcher:
    """Compile as `numba.njit` does: once a process, and on disk for the next, however often asked for."""
    made: Dispatcher = numba.njit(function, **options)
    keep_compiled(made)
    return made


# --- states and schemes ---

RANK_SHIFT = 11
DEPTH_SHIFT = 6
FAR = 63  # distances are below it, so that a step never borrows from the depth
DEPTHS = 32  # depths are below it
CODES = DEPTHS << DEPTH_SHIFT
UNRELATED = -(1 << 29) + FAR  # depth 0, for which the score table says NaN; below every state of a pair


class Scheme(NamedTuple):
    """One policy over one taxonomy, nodes in topological order; all arrays but `distance` int32.

    Attributes:
        parent_ptr: (nodes + 1,) rows of `parents`.
        parents: Parents of each node; node 0 where there is none.
        ancestor_ptr: (nodes + 1,) rows of `ancestors` and `distance`.
        ancestors: Ancestors of each node in ascending order: node 0 first, the node itself last.
        distance: uint8 edges counted from a node to each of its ancestors.
        state: (nodes,) state of a pair that meets in this node at distance 0.
        level: (ranks,) ancestors of equal level are tied, and a synset of the row wins its tie.
        fix_node: Ascending nodes for which "one more edge than the parents' way" is not the distance.
        fix_rank: Rank of the ancestor it is not the distance to.
        fix_gain: By how many edges the distance is shorter.
    """

    parent_ptr: np.ndarray
    parents: np.ndarray
    ancestor_ptr: np.ndarray
    ancestors: np.ndarray
    distance: np.ndarray
    state: np.ndarray
    level: np.ndarray
    fix_node: np.ndarray
    fix_rank: np.ndarray
    fix_gain: np.ndarray


@cache
def score_table(dtype: np.dtype) -> np.ndarray:
    """Return 2 depth / (distance + 2 depth) for the low 11 bits of every state; NaN for depth 0.

    >>> score_table(np.dtype(float))[6 << DEPTH_SHIFT | FAR - 2] == 12 / (2 + 12)
    np.True_
    """
    twice_depth = 2.0 * np.arange(DEPTHS, dtype=np.float64)[:, None]
    distance = np.arange(FAR, -1, -1, dtype=np.float64)[None, :]
    with np.errstate(invalid="ignore"):
        scores = twice_depth / (distance + twice_depth)
    scores[0] = np.nan
    return scores.ravel().astype(dtype)


# --- pairs ---


@compiled
def score_pairs(
    scheme: Scheme, rows: np.ndarray, cols: np.ndarray, lowest: np.ndarray, table: np.ndarray, out: np.ndarray
) -> None:
    """Write the score of every row with the column at the same position.

    Args:
        scheme: The policy.
        rows: (n,) int32 nodes.
        cols: (n,) int32 nodes.
        lowest: (n,) int32 lowest node that may be the common ancestor of each pair, as in `score_block`.
        table: From `score_table`, of the dtype of `out`.
        out: (n,).
    """
    for i in range(rows.size):
        j, j_end = scheme.ancestor_ptr[rows[i]] + lowest[i], scheme.ancestor_ptr[rows[i] + 1]
        k, k_end = scheme.ancestor_ptr[cols[i]] + lowest[i], scheme.ancestor_ptr[cols[i] + 1]
        best = own = np.int32(UNRELATED)
        while j < j_end and k < k_end:
            a, b = scheme.ancestors[j], scheme.ancestors[k]
            if a == b:
                state = scheme.state[a] - scheme.distance[j] - scheme.distance[k]
                best = max(best, state)
                if a == rows[i]:
                    own = state
            j += a <= b
            k += b <= a
        if own >= 0 and scheme.level[best >> RANK_SHIFT] == scheme.level[own >> RANK_SHIFT]:
            best = own
        out[i] = table[best & (CODES - 1)]


# --- blocks: what a block needs to look at ---


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


# --- blocks: vectors of states ---

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
        vector: int = pool.free[pool.sizes[1]]
    else:
        vector = pool.sizes[0]
        pool.sizes[0] += 1
    return vector


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


# --- blocks: the walk ---


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


# --- from senses to words ---


@compiled
def largest_of_senses(scores: np.ndarray, row_ptr: np.ndarray, col_ptr: np.ndarray, out: np.ndarray) -> None:
    """Write the largest score of any sense of the row's word with any sense of the column's word.

    Args:
        scores: (row senses, column senses) float64, the senses of a word one after another.
        row_ptr: (n + 1,) where the senses of each word start among the rows.
        col_ptr: (m + 1,) likewise among the columns.
        out: (n, m).
    """
    best = np.empty(scores.shape[1])
    for i in range(out.shape[0]):
        best[:] = scores[row_ptr[i]]
        for r in range(row_ptr[i] + 1, row_ptr[i + 1]):
            sense = scores[r]
            for j in range(best.size):
                best[j] = max(best[j], sense[j])
        for j in range(out.shape[1]):
            largest = best[col_ptr[j]]
            for k in range(col_ptr[j] + 1, col_ptr[j + 1]):
                largest = max(largest, best[k])
            out[i, j] = largest


@compiled
def expected_of_senses(
    scores: np.ndarray,
    row_ptr: np.ndarray,
    row_weights: np.ndarray,
    col_ptr: np.ndarray,
    col_weights: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the mean score over the senses of both words, weighted.

    Args:
        scores: As in `largest_of_senses`.
        row_ptr: As there.
        row_weights: (row senses,) float64, adding up to 1 for each word.
        col_ptr: As there.
        col_weights: (column senses,) likewise.
        out: (n, m).
    """
    mean = np.empty(scores.shape[1])
    for i in range(out.shape[0]):
        mean[:] = 0.0
        for r in range(row_ptr[i], row_ptr[i + 1]):
            sense, weight = scores[r], row_weights[r]
            for j in range(mean.size):
                mean[j] += weight * sense[j]
        for j in range(out.shape[1]):
            total = 0.0
            for k in range(col_ptr[j], col_ptr[j + 1]):
                total += col_weights[k] * mean[k]
            out[i, j] = total
