"""The things that scenes are made of, and which of them are too alike to share a scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from types import MappingProxyType

from lexclip_core.datasets.emoji.scene_words import OBJECTS
from lexclip_core.datasets.emoji.sprites import concepts, data_folder, require_senses
from lexclip_core.errors import InputError
from lexclip_core.words import shown


def objects() -> Mapping[str, str]:
    """Return concept -> name of what scenes are made of: single, countable things known by a common word.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    require_senses()
    return _objects(data_folder())


def subgroups() -> Mapping[str, str]:
    """Return concept -> Unicode's subgroup of every emoji; the things of a scene come from two of them."""
    return _subgroups(data_folder())


def check_pool(pool: Sequence[str], count: int) -> None:
    """Refuse concepts of which so many different scenes cannot be made.

    Args:
        pool: The concepts.
        count: How many scenes of one kind are asked for.

    Raises:
        InputError: A concept is no thing of scenes, or there are too few pairs of different subgroups.
    """
    unknown = [concept for concept in pool if concept not in objects()]
    if unknown:
        raise InputError(f"no scene object {shown(unknown[0])}", "choose among `objects`")
    groups = [subgroups()[concept] for concept in pool]
    pairs = sum(one != other for one, other in combinations(groups, 2))
    if 4 * pairs < count:  # each pair stands in four ways
        raise InputError(
            f"{count:,} scenes of one kind were asked for; {len(pool)} things make {4 * pairs:,}",
            "ask for fewer, or name more things",
        )


@lru_cache(maxsize=4)
def _objects(folder: Path) -> Mapping[str, str]:
    table = concepts()
    lemmas = dict(zip(table["concept"], table["lemma"].str.replace("_", " "), strict=True))
    return MappingProxyType({concept: lemmas[concept] for concept in OBJECTS if lemmas.get(concept)})


@lru_cache(maxsize=4)
def _subgroups(folder: Path) -> Mapping[str, str]:
    table = concepts()
    return MappingProxyType(dict(zip(table["concept"], table["subgroup"], strict=True)))
