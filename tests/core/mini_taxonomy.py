"""A taxonomy of 27 synsets, small enough to draw, odd enough to tell definitions apart.

entity
├── organism
│   ├── animal
│   │   └── carnivore
│   │       ├── canine
│   │       │   ├── wolf
│   │       │   └── dog           two parents: canine, five edges below the root, and pet, one
│   │       │       └── wolfhound
│   │       └── cat
│   └── plant
├── pet
│   ├── dog                       (the same)
│   └── goldfish
└── feeling
    ├── joy                       antonyms: joy <-> grief
    └── grief
void                              a second root: related to nothing

move (verb)                       think (verb)
├── run
└── walk
    └── stroll

happy (adjective; cheerful and glad are similar to it) <-> antonyms <-> sad (sorrowful is similar to it)
happily (adverb, from happy)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lexclip_core.targets.taxonomy import TaxonomyIndex
from lexclip_core.wordnet.files import join_strings, pack_lists
from lexclip_core.wordnet.tables import WordNet


@dataclass(frozen=True)
class MiniSynset:
    """Name, lemmas with their counts, and the names of the synsets that it points to."""

    name: str
    lemmas: dict[str, int]
    hypernyms: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


SYNSETS = (
    MiniSynset("entity.n.01", {"entity": 0}),
    MiniSynset("organism.n.01", {"organism": 0}, ("entity.n.01",)),
    MiniSynset("plant.n.01", {"plant": 2}, ("organism.n.01",)),
    MiniSynset("animal.n.01", {"animal": 3, "beast": 0}, ("organism.n.01",)),
    MiniSynset("carnivore.n.01", {"carnivore": 0}, ("animal.n.01",)),
    MiniSynset("canine.n.01", {"canine": 0}, ("carnivore.n.01",)),
    MiniSynset("pet.n.01", {"pet": 1}, ("entity.n.01",)),
    MiniSynset("dog.n.01", {"dog": 5, "hound": 0}, ("canine.n.01", "pet.n.01")),
    MiniSynset("wolf.n.01", {"wolf": 1}, ("canine.n.01",)),
    MiniSynset("wolfhound.n.01", {"wolfhound": 0}, ("dog.n.01",)),
    MiniSynset("cat.n.01", {"cat": 2}, ("carnivore.n.01",)),
    MiniSynset("goldfish.n.01", {"goldfish": 0}, ("pet.n.01",)),
    MiniSynset("feeling.n.01", {"feeling": 0}, ("entity.n.01",)),
    MiniSynset("joy.n.01", {"joy": 0, "pet": 0}, ("feeling.n.01",)),
    MiniSynset("grief.n.01", {"grief": 0}, ("feeling.n.01",)),
    MiniSynset("void.n.01", {"void": 0}),
    MiniSynset("move.v.01", {"move": 4}),
    MiniSynset("run.v.01", {"run": 2}, ("move.v.01",)),
    MiniSynset("walk.v.01", {"walk": 1}, ("move.v.01",)),
    MiniSynset("stroll.v.01", {"stroll": 0}, ("walk.v.01",)),
    MiniSynset("think.v.01", {"think": 0}),
    MiniSynset("happy.a.01", {"happy": 1}, similar=("cheerful.s.01", "glad.s.01")),
    MiniSynset("cheerful.s.01", {"cheerful": 0}, similar=("happy.a.01",)),
    MiniSynset("glad.s.01", {"glad": 0}, similar=("happy.a.01",)),
    MiniSynset("sad.a.01", {"sad": 0}, similar=("sorrowful.s.01",)),
    MiniSynset("sorrowful.s.01", {"sorrowful": 0}, similar=("sad.a.01",)),
    MiniSynset("happily.r.01", {"happily": 0}),
)
NAMES = tuple(synset.name for synset in SYNSETS)
IDS = {name: number for number, name in enumerate(NAMES)}
ANTONYMS = (("joy.n.01", "grief.n.01"), ("happy.a.01", "sad.a.01"))
DERIVED_FROM = (("happily.r.01", "happy.a.01"),)  # adverb -> adjective


def hypernyms() -> list[list[int]]:
    """Return the numbers of each synset's parents."""
    return [[IDS[name] for name in synset.hypernyms] for synset in SYNSETS]


def mini_index() -> TaxonomyIndex:
    """Return the taxonomy as `wu_palmer` takes it; wnids number the synsets from 0."""
    return TaxonomyIndex.from_hypernyms(NAMES, hypernyms())


def mini_wordnet() -> WordNet:
    """Return the taxonomy as the rest of lexclip takes it."""
    pos = [synset.name.rsplit(".", 2)[1] for synset in SYNSETS]
    both_ways = [*ANTONYMS, *((b, a) for a, b in ANTONYMS)]
    relations = {
        "hypernyms": hypernyms(),
        "similar_to": [[IDS[name] for name in synset.similar] for synset in SYNSETS],
        "also_see": [[] for _ in SYNSETS],
        "attributes": [[] for _ in SYNSETS],
    }
    arrays = {
        "names": join_strings(NAMES),
        "pos": np.array(pos, dtype="U1"),
        "offsets": np.arange(len(SYNSETS), dtype=np.int32),
        "glosses": join_strings(f"what {name} means" for name in NAMES),
        "lex_numbers": np.zeros(len(SYNSETS), dtype=np.int8),
        "lemmas": join_strings(lemma for synset in SYNSETS for lemma in synset.lemmas),
        "min_depth": np.array(_depths(min), dtype=np.int16),
        "max_depth": np.array(_depths(max), dtype=np.int16),
        "antonym_links": _links(both_ways),
        "derivation_links": _links([]),
        "pertainym_links": _links(DERIVED_FROM),
    }
    arrays["lemma_indptr"], arrays["lemma_counts"] = pack_lists(synset.lemmas.values() for synset in SYNSETS)
    for name, rows in relations.items():
        arrays[f"{name}_indptr"], arrays[f"{name}_indices"] = pack_lists(rows)
    for file_pos in "nvar":
        senses: dict[str, list[int]] = {}
        for number, synset in enumerate(SYNSETS):
            if ("a" if pos[number] == "s" else pos[number]) == file_pos:
                for lemma in synset.lemmas:
                    senses.setdefault(lemma, []).append(number)
        arrays[f"senses_{file_pos}_words"] = join_strings(senses)
        arrays[f"senses_{file_pos}_indptr"], arrays[f"senses_{file_pos}_ids"] = pack_lists(senses.values())
        arrays[f"exceptions_{file_pos}"] = join_strings([])
    return WordNet.from_arrays(arrays)


def _depths(choose) -> list[int]:
    depths: list[int] = []
    for parents in hypernyms():  # parents stand before children
        depths.append(1 + choose(depths[parent] for parent in parents) if parents else 0)
    return depths


def _links(pairs) -> np.ndarray:
    """Link the first lemma of each pair's first synset to the first lemma of its second."""
    return np.array(sorted((IDS[a], 0, IDS[b], 0) for a, b in pairs), dtype=np.int32).reshape(-1, 4)
