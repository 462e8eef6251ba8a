"""Propose a synset for every OpenImages class, by its name and by what stands above it in Google's tree.

What is proposed is read row by row before it enters the map that ships, `data/openimages/synsets.csv`;
rows that were decided otherwise say so there. `agreement` compares the map with another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from lexclip_core.datasets.pictures.openimages import map_path
from lexclip_core.errors import DamagedFileError
from lexclip_core.text_files import table_rows
from lexclip_core.wordnet.tables import WordNet

Rule = Literal["one sense", "below", "first sense", "no sense"]
Decided = Literal["one sense", "below", "first sense", "by hand", "left out"]


@dataclass(frozen=True)
class Proposal:
    """What the program says of one class.

    Args:
        synset: The sense, such as `dog.n.01`, or "" where WordNet does not know the name.
        rule: `one sense`: the name has one noun sense. `below`: it has several, and this is the first that
            is a kind of the synset proposed for a class above. `first sense`: it has several, none of them
            such a kind, and this is the most frequent. `no sense`: WordNet does not list the name.
        above: The name of the class above that decided, or "".
    """

    synset: str
    rule: Rule
    above: str = ""


@dataclass(frozen=True)
class Mapped:
    """One class of the map.

    Args:
        name: Google's name.
        synset: Its sense, such as `dog.n.01`, or "" where it is left out.
        decided: How: by a `Rule` whose proposal the reader accepted, `by hand`
            where the reader chose otherwise, `left out` where no one synset is what the class shows.
        why: The class above that decided, or the reader's reason, or "".
    """

    name: str
    synset: str
    decided: Decided
    why: str


@dataclass(frozen=True)
class Agreement:
    """How far another map says the same.

    Args:
        shared: Labels to which both maps give a synset.
        same: Labels to which they give the same one.
        differing: The labels to which they do not.
    """

    shared: int
    same: int
    differing: tuple[str, ...]

    @property
    def rate(self) -> float:
        """The share of the same among the shared, from 0 to 1."""
        return self.same / self.shared


def parents(file: Path) -> dict[str, tuple[str, ...]]:
    """Return label -> the labels right above it in `bbox_labels_600_hierarchy.json`, the root left out.

    Raises:
        DamagedFileError: The file is not such a tree.
    """
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        direct: dict[str, dict[str, None]] = {}
        for top in tree["Subcategory"]:
            for label, parent in _walk(top, ""):
                direct.setdefault(label, {}).update({parent: None} if parent else {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{file} is not a tree of classes: {error!r}", "get it again") from error
    return {label: tuple(above) for label, above in direct.items()}


def propose(
    names: Mapping[str, str], above: Mapping[str, tuple[str, ...]], wordnet: WordNet
) -> dict[str, Proposal]:
    """Return label -> proposal for every class.

    Args:
        names: Label -> Google's name.
        above: Label -> the labels right above it; several, for Google's tree is not one.
        wordnet: Where names are looked up.
    """
    proposed: dict[str, Proposal] = {}

    def decide(label: str) -> None:
        upper = list(_upwards(label, above))
        for one in reversed(upper):  # from the top down: what stands above is decided first
            if one not in proposed:
                decide(one)
        proposed[label] = _proposal(
            wordnet, names[label], {names[one]: proposed[one].synset for one in upper}
        )

    for label in names:
        if label not in proposed:
            decide(label)
    return {label: proposed[label] for label in names}


def read_map(path: Path | None = None) -> dict[str, Mapped]:
    """Return label -> what a map says of it, by default the map that ships.

    Raises:
        DamagedFileError: The file is damaged.
    """
    path, restore = path or map_path(), "restore it from the repository"
    columns = ("label", "name", "synset", "decided", "why")
    rows: list[dict[str, Any]] = [row for _, row in table_rows(path, columns, remedy=restore)]
    mapped = {row.pop("label"): Mapped(**row) for row in rows}
    wrong = [label for label, one in mapped.items() if one.decided not in get_args(Decided)]
    if wrong or len(mapped) < len(rows):
        reason = f"{wrong[0]} is decided in an unknown way" if wrong else "a label stands twice"
        raise DamagedFileError(f"{path} is damaged: {reason}", restore)
    return mapped


def agreement(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Agreement:
    """Compare two maps of label -> synset or wnid; a label with "" is left out of the comparison.

    Raises:
        DamagedFileError: The maps share no label.
    """
    shared = [label for label, synset in ours.items() if synset and theirs.get(label)]
    if not shared:
        raise DamagedFileError("the two maps share no label", "compare maps of the same classes")
    differing = tuple(label for label in shared if ours[label] != theirs[label])
    return Agreement(len(shared), len(shared) - len(differing), differing)


def _proposal(wordnet: WordNet, name: str, upper: Mapping[str, str]) -> Proposal:
    senses = wordnet.synsets(name, "n")
    if not senses:
        return Proposal("", "no sense")
    if len(senses) == 1:
        return Proposal(wordnet.name(senses[0]), "one sense")
    for above, synset in upper.items():
        kinds = _kinds(wordnet, wordnet.index(synset)) if synset else frozenset()
        sense = next((one for one in senses if one in kinds), None)
        if sense is not None:
            return Proposal(wordnet.name(sense), "below", above)
    return Proposal(wordnet.name(senses[0]), "first sense")


def _upwards(label: str, above: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield all labels above one, the nearest first, each once."""
    level, seen = [*above.get(label, ())], {label}
    while level:
        yield from (one for one in level if one not in seen)
        seen.update(level)
        level = [upper for one in level for upper in above.get(one, ()) if upper not in seen]
        level = list(dict.fromkeys(level))


def _kinds(wordnet: WordNet, root: int) -> frozenset[int]:
    return frozenset(wordnet.subtree(root, len(wordnet)).tolist())


def _walk(node: dict[str, Any], parent: str) -> Iterator[tuple[str, str]]:
    yield node["LabelName"], parent
    for below in node.get("Subcategory", ()):
        yield from _walk(below, node["LabelName"])
    for part in node.get("Part", ()):  # a part is not a kind of what it is a part of
        yield from _walk(part, "")
