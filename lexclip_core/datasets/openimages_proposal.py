"""Propose a synset for every OpenImages class, by its name and by what stands above it in Google's tree.

What is proposed is read row by row before it enters the committed map, `data/openimages/synsets.csv`; rows
that were decided otherwise say so there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lexclip_core.errors import DamagedFileError
from lexclip_core.synsets import WordNet

Rule = Literal["one sense", "below", "first sense", "no sense"]


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


def parents(file: Path) -> dict[str, tuple[str, ...]]:
    """Return label -> the labels right above it in `bbox_labels_600_hierarchy.json`, the root left out.

    Raises:
        DamagedFileError: The file is no such tree.
    """
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        found: dict[str, dict[str, None]] = {}
        for top in tree["Subcategory"]:
            for label, parent in _walk(top, ""):
                found.setdefault(label, {}).update({parent: None} if parent else {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{file} is no tree of classes: {error!r}", "get it again") from error
    return {label: tuple(above) for label, above in found.items()}


def propose(
    names: Mapping[str, str], above: Mapping[str, tuple[str, ...]], wordnet: WordNet
) -> dict[str, Proposal]:
    """Return label -> proposal for every class.

    Args:
        names: Label -> Google's name.
        above: Label -> the labels right above it; several, for Google's tree is none.
        wordnet: Where names are looked up.
    """
    found: dict[str, Proposal] = {}

    def decide(label: str) -> None:
        upper = list(_upwards(label, above))
        for one in reversed(upper):  # from the top down: what stands above is decided first
            if one not in found:
                decide(one)
        found[label] = _proposal(wordnet, names[label], {names[one]: found[one].synset for one in upper})

    for label in names:
        if label not in found:
            decide(label)
    return {label: found[label] for label in names}


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
    for part in node.get("Part", ()):  # a part is no kind of what it is a part of
        yield from _walk(part, "")
