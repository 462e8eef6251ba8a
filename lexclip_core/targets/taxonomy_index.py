"""The index that Wu-Palmer similarities are computed from: ancestors and distances, kept on disk."""

from __future__ import annotations

import logging
import operator
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import InputError, StorageError
from lexclip_core.synsets.database import split_strings
from lexclip_core.targets.states import Scheme
from lexclip_core.targets.taxonomy_build import Arrays, build_arrays
from lexclip_core.words import shown

Policy = Literal["lawful", "nltk"]
#: A synset by name (`dog.n.01`), by wnid (`n02084071`) or by its number in the taxonomy.
Synset = str | int

#: Raise it with every change of what `taxonomy_build.build_arrays` returns.
FORMAT_VERSION = 1

_EXAMPLE = "names look like dog.n.01, wnids like n02084071"
_DAMAGE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)
_LOCK = threading.Lock()
_LOADED: dict[Path, TaxonomyIndex] = {}

logger = logging.getLogger(__name__)


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
        """Build the index from what `taxonomy_build.build_arrays` returns."""
        for array in arrays.values():
            array.flags.writeable = False
        shared = [arrays[name] for name in ("parent_ptr", "parents", "ancestor_ptr", "ancestors")]
        no_fixes = np.empty(0, dtype=np.int32)
        no_fixes.flags.writeable = False
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
                for policy in ("lawful", "nltk")
            },
            by_other_name=by_other_name,
        )

    @classmethod
    def from_hypernyms(
        cls, names: Sequence[str], hypernyms: Sequence[Sequence[int]], offsets: Sequence[int] = ()
    ) -> TaxonomyIndex:
        """Build the index of any taxonomy: the part of speech is read off the names (`dog.n.01`).

        Raises:
            InputError: The hypernyms run in a circle, or the taxonomy is deeper than 30 edges.
        """
        pos = [name.rsplit(".", 2)[1] for name in names]
        return cls.from_arrays(build_arrays(names, pos, offsets or range(len(names)), hypernyms))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: synset for synset, name in enumerate(self.names)}

    @cached_property
    def _ids_by_wnid(self) -> dict[str, int]:
        pairs = zip(self.kinds.tobytes().decode("ascii"), self.offsets.tolist(), strict=True)
        found = {f"{kind}{offset:08d}": synset for synset, (kind, offset) in enumerate(pairs)}
        return found | {f"a{wnid[1:]}": synset for wnid, synset in found.items() if wnid[0] == "s"}

    def ids(self, synsets: Iterable[Synset] | np.ndarray) -> np.ndarray:
        """Return the numbers (n,) int32 of synsets given by name, wnid or number.

        Raises:
            InputError: The list is empty, is no list, or holds something that is no synset.
        """
        if isinstance(synsets, str):
            raise InputError(f"{shown(synsets)} is one synset, not a list", f"write [{synsets!r}]")
        if isinstance(synsets, np.ndarray) and synsets.ndim == 1 and synsets.dtype.kind in "iu":
            found = synsets
        else:
            found = np.array(self._looked_up(list(synsets)))
        if not found.size:
            raise InputError("the list of synsets is empty", "give at least one synset")
        if found.min() < 0 or found.max() >= len(self):
            wrong = next(number for number in found if not 0 <= number < len(self))
            raise InputError(f"there is no synset number {wrong}", f"numbers run from 0 to {len(self) - 1:,}")
        return found.astype(np.int32)

    def _looked_up(self, synsets: list[Synset]) -> list[int]:
        for table in (self._ids, self._ids_by_wnid):
            try:
                return [table[synset] for synset in synsets]  # type: ignore[index]
            except (KeyError, TypeError):
                continue
        return [self._number(synset) for synset in synsets]

    def _number(self, synset: Synset) -> int:
        if isinstance(synset, str):
            found = self._ids.get(synset, self._ids_by_wnid.get(synset))
            return self.by_other_name(synset) if found is None else found
        try:
            return operator.index(synset)
        except TypeError:
            raise InputError(f"{shown(repr(synset))} is no synset", _EXAMPLE) from None


def cache_file() -> Path:
    """Return the file that keeps the index between processes; its name carries the format version."""
    return storage.cache_folder() / "taxonomy" / f"wordnet-v{FORMAT_VERSION}.npz"


def load_taxonomy() -> TaxonomyIndex:
    """Return the index of WordNet 3.0, read once for the whole process; synsets are numbered as in `WordNet`.

    The first call of all builds the index from the WordNet tables, in some seconds.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    with _LOCK:
        path = cache_file()
        if path not in _LOADED:
            _LOADED[path] = TaxonomyIndex.from_arrays(_read_or_build(path), _by_any_lemma)
        return _LOADED[path]


def _read_or_build(path: Path) -> Arrays:
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except _DAMAGE as error:
            logger.warning("the taxonomy index %s is damaged (%s): building it again", path, error)
    arrays = _wordnet_arrays()
    try:
        with storage.atomic_write(path) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)
    except StorageError as error:
        logger.warning("the taxonomy index is not kept for the next start: %s", error)
    return arrays


def _wordnet_arrays() -> Arrays:
    from lexclip_core.synsets import load_wordnet

    wordnet = load_wordnet()
    ptr, parents = wordnet.hypernyms.indptr.tolist(), wordnet.hypernyms.indices.tolist()
    hypernyms = [parents[ptr[synset] : ptr[synset + 1]] for synset in range(len(wordnet))]
    return build_arrays(wordnet.names, wordnet.pos.tolist(), wordnet.offsets.tolist(), hypernyms)


def _by_any_lemma(name: str) -> int:
    from lexclip_core.synsets import load_wordnet

    return load_wordnet().index(name)
