"""The index that Wu-Palmer similarities are computed from: ancestors and distances, cached on disk.

`build_arrays` turns a graph of hypernyms into arrays, once; `TaxonomyIndex` finds synsets in them and hands
them to the kernels. What the two policies mean is said in `wu_palmer`.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from lexclip_core.cache import ARRAYS, cached
from lexclip_core.errors import InputError
from lexclip_core.wordnet.files import Arrays, join_strings, pack_lists, split_strings
from lexclip_core.wordnet.install import identity
from lexclip_core.wordnet.relations import frozen, parents_first
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import shown

if TYPE_CHECKING:
    from lexclip_core.targets.kernels import Scheme

Policy = Literal["symmetric", "nltk"]
Synset = str | int
"""A synset by name (`dog.n.01`), by wnid (`n02084071`) or by its number in the taxonomy."""

ROOT_NAME = "*ROOT*"
"""NLTK's name for its virtual root; where names break a tie, it takes part."""

Distances = list[dict[int, int]]  # for each node: ancestor -> edges

_EXAMPLE = "names look like dog.n.01, wnids like n02084071"


# --- building ---

_LOCK = threading.Lock()


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
        **_symmetric(parents, up, [several_roots.get(kind, True) for kind in kinds]),
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
    from lexclip_core.targets.kernels import DEPTH_SHIFT, DEPTHS, FAR, RANK_SHIFT

    farthest = max(max(mine.values()) for mine in distances)
    if depth.max() >= DEPTHS or 2 * farthest >= FAR:
        raise InputError(
            f"the taxonomy is {depth.max()} nodes deep and a synset has an ancestor {farthest} edges away",
            f"the kernels' states have room for depths below {DEPTHS} and distances below {FAR // 2 + 1}",
        )
    return (rank << RANK_SHIFT | depth << DEPTH_SHIFT | FAR).astype(np.int32)


def _flat(distances: Distances) -> np.ndarray:
    return np.array([mine[ancestor] for mine in distances for ancestor in sorted(mine)], dtype=np.uint8)


def _symmetric(parents: list[list[int]], up: Distances, below_root: list[bool]) -> Arrays:
    # Rank = depth: equally deep ancestors stay tied, and the larger state is the nearer of them.
    depth = 1 + _depths(parents, max) + np.array([False, *below_root[1:]], dtype=np.int32)
    return {
        "symmetric_distance": _flat(up),
        "symmetric_state": _states(depth, depth, up),
        "symmetric_level": np.arange(depth.max() + 1, dtype=np.int32),
    }


def _nltk(parents: list[list[int]], up: Distances, names: list[str], kinds: list[str]) -> Arrays:
    level, depth = _depths(parents, min), 1 + _depths(parents, max)
    # Worst first: by level, then by name backwards. A noun never meets NLTK's virtual root unless the
    # other synset is not a noun, and then they share nothing else: so nouns may stand above it.
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
    ways: Distances = [{0: 0}]
    for node in range(1, len(parents)):
        if len(parents[node]) == 1:
            mine = {ancestor: edges + 1 for ancestor, edges in ways[parents[node][0]].items()}
        else:
            real = {ancestor: edges for ancestor, edges in up[node].items() if ancestor}
            mine = {
                ancestor: min(real[via] + edges for via, edges in up[ancestor].items() if via)
                for ancestor in real
            }
            mine[0] = 1 + max(real.values())
        mine[node] = 0
        ways.append(mine)
    return ways


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


# --- the index ---


def _unknown(name: str) -> int:
    raise InputError(f"the taxonomy has no synset {shown(name)}", _EXAMPLE)


@dataclass(frozen=True, eq=False)
class TaxonomyIndex:
    """A taxonomy of synsets, ready for `wu_palmer`; frozen, and safe to read from any thread.

    Attributes:
        names: Name of each synset; n synsets in all arrays.
        kinds: (n,) uint8 character code of the part of speech: n v a s r.
        offsets: (n,) int32 number in the wnid.
        node_of: (n,) int32 place of each synset in the kernels' order.
        several_roots: Part of speech (n, v) -> whether more than one synset has no parent.
        schemes: Policy -> what the kernels read.
        by_other_name: Called with a name that is neither the name nor the wnid of a synset.
    """

    names: tuple[str, ...]
    kinds: np.ndarray
    offsets: np.ndarray
    node_of: np.ndarray
    several_roots: dict[str, bool]
    schemes: dict[Policy, Scheme]
    by_other_name: Callable[[str], int] = _unknown

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def from_arrays(cls, arrays: Arrays, by_other_name: Callable[[str], int] = _unknown) -> TaxonomyIndex:
        """Build the index from what `build_arrays` returns."""
        from lexclip_core.targets.kernels import Scheme

        for array in arrays.values():
            frozen(array)
        shared = [arrays[name] for name in ("parent_ptr", "parents", "ancestor_ptr", "ancestors")]
        no_fixes = frozen(np.empty(0, dtype=np.int32))
        fields = ("distance", "state", "level", "fix_node", "fix_rank", "fix_gain")
        nouns, verbs = arrays["several_roots"].tolist()
        return cls(
            names=split_strings(arrays["names"]),
            kinds=arrays["kinds"],
            offsets=arrays["offsets"],
            node_of=arrays["node_of"],
            several_roots={"n": nouns, "v": verbs},
            schemes={
                policy: Scheme(*shared, *(arrays.get(f"{policy}_{name}", no_fixes) for name in fields))
                for policy in get_args(Policy)
            },
            by_other_name=by_other_name,
        )

    @classmethod
    def from_hypernyms(cls, names: Sequence[str], hypernyms: Sequence[Sequence[int]]) -> TaxonomyIndex:
        """Build the index of any taxonomy: the part of speech is read off the names (`dog.n.01`).

        Raises:
            InputError: The hypernyms run in a circle, or the taxonomy is deeper than 30 edges.

        >>> TaxonomyIndex.from_hypernyms(["pet.n.01", "dog.n.01"], [[], [0]]).ids(["dog.n.01"]).tolist()
        [1]
        """
        pos = [name.rsplit(".", 2)[1] for name in names]
        return cls.from_arrays(build_arrays(names, pos, range(len(names)), hypernyms))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: synset for synset, name in enumerate(self.names)}

    @cached_property
    def _ids_by_wnid(self) -> dict[str, int]:
        pairs = zip(self.kinds.tobytes().decode("ascii"), self.offsets.tolist(), strict=True)
        ids = {f"{kind}{offset:08d}": synset for synset, (kind, offset) in enumerate(pairs)}
        return ids | {f"a{wnid[1:]}": synset for wnid, synset in ids.items() if wnid[0] == "s"}

    def ids(self, synsets: Iterable[Synset] | np.ndarray) -> np.ndarray:
        """Return the numbers (n,) int32 of synsets given by name, wnid or number.

        Raises:
            InputError: The list is empty, is not a list, or something in it is not a synset.
        """
        if isinstance(synsets, str):
            raise InputError(f"{shown(synsets)} is one synset, not a list", f"write [{synsets!r}]")
        if isinstance(synsets, np.ndarray) and synsets.ndim == 1 and synsets.dtype.kind in "iu":
            ids = synsets
        else:
            ids = np.array(self._looked_up(list(synsets)))
        if not ids.size:
            raise InputError("the list of synsets is empty", "give at least one synset")
        if ids.min() < 0 or ids.max() >= len(self):
            wrong = next(number for number in ids if not 0 <= number < len(self))
            raise InputError(f"unknown synset number {wrong}", f"numbers run from 0 to {len(self) - 1:,}")
        return ids.astype(np.int32)

    def _looked_up(self, synsets: list[Synset]) -> list[int]:
        for table in (self._ids, self._ids_by_wnid):
            try:
                return [table[synset] for synset in synsets]  # type: ignore[index]
            except (KeyError, TypeError):
                continue
        return [self._number(synset) for synset in synsets]

    def _number(self, synset: Synset) -> int:
        if isinstance(synset, str):
            number = self._ids.get(synset, self._ids_by_wnid.get(synset))
            return self.by_other_name(synset) if number is None else number
        try:
            return operator.index(synset)
        except TypeError:
            raise InputError(f"{shown(repr(synset))} is not a synset", _EXAMPLE) from None


_LOADED: list[TaxonomyIndex] = []


def load_taxonomy() -> TaxonomyIndex:
    """Return the index of WordNet 3.0, read once for the whole process; synsets are numbered as in `WordNet`.

    The first call of all builds the index from the WordNet tables, in some seconds.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    with _LOCK:
        if not _LOADED:
            _LOADED.append(read_taxonomy())
        return _LOADED[0]


def read_taxonomy() -> TaxonomyIndex:
    """Return the index of WordNet 3.0 as a new object, from the cache if it is there; as `load_taxonomy`."""
    # Raise the version of this kind in `cache.KINDS` with every change of what `build_arrays` returns.
    arrays = cached("taxonomy", identity(), _wordnet_arrays, codec=ARRAYS)
    return TaxonomyIndex.from_arrays(arrays, lambda name: load_wordnet().index(name))


def _wordnet_arrays() -> Arrays:
    wordnet = load_wordnet()
    ptr, parents = wordnet.hypernyms.indptr.tolist(), wordnet.hypernyms.indices.tolist()
    hypernyms = [parents[ptr[synset] : ptr[synset + 1]] for synset in range(len(wordnet))]
    return build_arrays(wordnet.names, wordnet.pos.tolist(), wordnet.offsets.tolist(), hypernyms)
