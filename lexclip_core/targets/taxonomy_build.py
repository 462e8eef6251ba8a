"""Turn a graph of hypernyms into the arrays that the Wu-Palmer kernels run on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.synsets.database import join_strings, pack_lists
from lexclip_core.synsets.relations import parents_first
from lexclip_core.targets.states import DEPTH_SHIFT, DEPTHS, FAR, RANK_SHIFT

#: NLTK's name for its virtual root; where names break a tie, it takes part.
ROOT_NAME = "*ROOT*"

Arrays = dict[str, np.ndarray]
Distances = list[dict[int, int]]  # for each node: ancestor -> edges


def build_arrays(
    names: Sequence[str], pos: Sequence[str], offsets: Sequence[int], hypernyms: Sequence[Sequence[int]]
) -> Arrays:
    """Return the arrays of a `TaxonomyIndex`, fit for an npz file.

    Args:
        names: Name of each synset, `dog.n.01`.
        pos: Part of speech of each synset, one of n v a s r.
        offsets: The number in its wnid.
        hypernyms: Positions of its parents.

    Raises:
        InputError: The hypernyms run in a circle, or the taxonomy is too deep for the kernels' states.
    """
    order = parents_first(hypernyms)
    node_of = np.empty(len(order), dtype=np.int32)
    node_of[order] = np.arange(1, len(order) + 1)
    parents: list[list[int]] = [[]]
    parents += [[int(node_of[parent]) for parent in hypernyms[synset]] or [0] for synset in order]
    kinds = ["", *(pos[synset] for synset in order)]
    several_roots = {
        kind: sum(kinds[node] == kind and above == [0] for node, above in enumerate(parents)) > 1
        for kind in "nv"
    }
    up = _upward(parents)
    parent_ptr, parent_indices = pack_lists(parents)
    ancestor_ptr, ancestors = pack_lists(sorted(distances) for distances in up)
    return {
        "names": join_strings(names),
        "kinds": np.array([ord(kind) for kind in pos], dtype=np.uint8),
        "offsets": np.asarray(offsets, dtype=np.int32),
        "node_of": node_of,
        "several_roots": np.array([several_roots["n"], several_roots["v"]]),
        "parent_ptr": parent_ptr,
        "parents": parent_indices,
        "ancestor_ptr": ancestor_ptr,
        "ancestors": ancestors,
        **_lawful(parents, up, [several_roots.get(kind, True) for kind in kinds]),
        **_nltk(parents, up, [ROOT_NAME, *(names[synset] for synset in order)], kinds),
    }


def _upward(parents: list[list[int]]) -> Distances:
    """Return the edges on the shortest way up from each node to each of its ancestors and to itself."""
    up: Distances = [{0: 0}]
    for node in range(1, len(parents)):
        mine: dict[int, int] = {}
        for parent in parents[node]:
            for ancestor, edges in up[parent].items():
                mine[ancestor] = min(mine.get(ancestor, edges + 1), edges + 1)
        mine[node] = 0
        up.append(mine)
    return up


def _depths(parents: list[list[int]], choose: Callable[[Iterable[int]], int]) -> np.ndarray:
    """Return the edges up to a root, by the shortest way (`min`) or the longest (`max`)."""
    depths = [0] * len(parents)
    for node in range(1, len(parents)):
        if parents[node] != [0]:
            depths[node] = 1 + choose(depths[parent] for parent in parents[node])
    return np.array(depths, dtype=np.int32)


def _states(rank: np.ndarray, depth: np.ndarray, distances: Distances) -> np.ndarray:
    farthest = max(max(mine.values()) for mine in distances)
    if depth.max() >= DEPTHS or 2 * farthest >= FAR:
        raise InputError(
            f"the taxonomy is {depth.max()} nodes deep and a synset has an ancestor {farthest} edges away",
            f"the kernels' states hold depths below {DEPTHS} and distances below {FAR // 2 + 1}",
        )
    return (rank << RANK_SHIFT | depth << DEPTH_SHIFT | FAR).astype(np.int32)


def _flat(distances: Distances) -> np.ndarray:
    return np.array([mine[ancestor] for mine in distances for ancestor in sorted(mine)], dtype=np.uint8)


def _lawful(parents: list[list[int]], up: Distances, below_root: list[bool]) -> Arrays:
    # Rank = depth: equally deep ancestors stay tied, and the larger state is the nearer of them.
    depth = 1 + _depths(parents, max) + np.array([False, *below_root[1:]], dtype=np.int32)
    return {
        "lawful_distance": _flat(up),
        "lawful_state": _states(depth, depth, up),
        "lawful_level": np.arange(depth.max() + 1, dtype=np.int32),
    }


def _nltk(parents: list[list[int]], up: Distances, names: list[str], kinds: list[str]) -> Arrays:
    level, depth = _depths(parents, min), 1 + _depths(parents, max)
    # Worst first: by level, then by name backwards. A noun never meets NLTK's virtual root unless the
    # other synset is no noun, and then they share nothing else: so nouns may stand above it.
    nodes = sorted(range(len(names)), key=names.__getitem__, reverse=True)
    nodes.sort(key=lambda node: (level[node], kinds[node] == "n"))
    rank = np.empty(len(names), dtype=np.int32)
    rank[nodes] = np.arange(len(names))
    distances = _nltk_distances(parents, up)
    fixes = _fixes(parents, distances)
    return {
        "nltk_distance": _flat(distances),
        "nltk_state": _states(rank, depth, distances),
        "nltk_level": level[nodes],
        "nltk_fix_node": fixes[:, 0].copy(),
        "nltk_fix_rank": rank[fixes[:, 1]],
        "nltk_fix_gain": fixes[:, 2].copy(),
    }


def _nltk_distances(parents: list[list[int]], up: Distances) -> Distances:
    """Return what NLTK's `shortest_path_distance` says about each node and each of its ancestors.

    It looks for the shortest way through any ancestor of both, so it may go up past the ancestor and
    down again; and it puts the virtual root one edge above the *farthest* ancestor.
    """
    found: Distances = [{0: 0}]
    for node in range(1, len(parents)):
        if len(parents[node]) == 1:
            mine = {ancestor: edges + 1 for ancestor, edges in found[parents[node][0]].items()}
        else:
            real = {ancestor: edges for ancestor, edges in up[node].items() if ancestor}
            mine = {
                ancestor: min(real[via] + edges for via, edges in up[ancestor].items() if via)
                for ancestor in real
            }
            mine[0] = 1 + max(real.values())
        mine[node] = 0
        found.append(mine)
    return found


def _fixes(parents: list[list[int]], distances: Distances) -> np.ndarray:
    """Return (node, ancestor, gain) where one edge more than the nearest parent's distance is not it."""
    fixes = []
    for node, mine in enumerate(distances):
        if len(parents[node]) > 1:
            for ancestor, edges in mine.items():
                ways = [distances[parent].get(ancestor) for parent in parents[node]]
                assumed = 1 + min((way for way in ways if way is not None), default=edges - 1)
                if ancestor != node and assumed != edges:
                    fixes.append((node, ancestor, assumed - edges))
    return np.array(fixes, dtype=np.int32).reshape(-1, 3)
