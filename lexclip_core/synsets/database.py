"""Turn the WordNet database into plain arrays that fit an npz file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lexclip_core.synsets import data_files
from lexclip_core.synsets.data_files import FILE_SUFFIXES, Records
from lexclip_core.synsets.relations import parents_first

Arrays = dict[str, np.ndarray]

#: Relations between synsets, with the pointer symbols that make them up.
SYNSET_RELATIONS = {
    "hypernyms": ("@", "@i"),
    "similar_to": ("&",),
    "also_see": ("^",),
    "attributes": ("=",),
}

#: Relations between lemmas.
LEMMA_LINKS = {"antonym_links": "!", "derivation_links": "+", "pertainym_links": "\\"}


def join_strings(strings: Iterable[str]) -> np.ndarray:
    """Pack strings without line breaks into one uint8 array of UTF-8 bytes."""
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def split_strings(packed: np.ndarray) -> tuple[str, ...]:
    """Undo `join_strings`."""
    return tuple(packed.tobytes().decode().split("\n"))


def pack_lists(lists: Iterable[Iterable[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return int32 (indptr, values) of a list of lists: list i is `values[indptr[i]:indptr[i + 1]]`."""
    rows = [list(row) for row in lists]
    indptr = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in rows], out=indptr[1:])
    values = np.fromiter((value for row in rows for value in row), dtype=np.int32, count=int(indptr[-1]))
    return indptr, values


def _names(records: Records, senses: dict[str, dict[str, list[int]]]) -> list[str]:
    # Satellites are numbered among the satellites of their word only, as NLTK >= 3.10 does.
    names = []
    for synset, (pos, lemmas) in enumerate(zip(records.pos, records.lemmas, strict=True)):
        word = lemmas[0].lower()
        numbered = senses["a" if pos == "s" else pos][word]
        if pos == "s":
            numbered = [other for other in numbered if records.pos[other] == "s"]
        names.append(f"{word}.{pos}.{numbered.index(synset) + 1:02d}")
    return names


def _synset_relation(records: Records, symbols: tuple[str, ...]) -> list[list[int]]:
    return [
        list(
            dict.fromkeys(
                records.target(pos, offset)
                for wanted in symbols
                for symbol, offset, pos, lemma_numbers in pointers
                if symbol == wanted and lemma_numbers == "0000"
            )
        )
        for pointers in records.pointers
    ]


def _lemma_links(records: Records, wanted: str) -> np.ndarray:
    links = [
        (
            source,
            int(numbers[:2], 16) - 1,
            records.target(pos, offset),
            int(numbers[2:], 16) - 1,
        )
        for source, pointers in enumerate(records.pointers)
        for symbol, offset, pos, numbers in pointers
        if symbol == wanted and numbers != "0000"
    ]
    # Stable by source lemma: the links of one lemma keep the order of the file.
    return np.array(sorted(links, key=lambda link: link[:2]), dtype=np.int32)


def _lemma_counts(folder: Path, records: Records) -> list[list[int]]:
    counts = data_files.read_counts(folder)
    return [
        [counts.get(key, 0) for key in records.sense_keys(synset)] for synset in range(len(records.offsets))
    ]


def _depths(parents: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the shortest and the longest way up to a root, in edges."""
    shortest, longest = np.zeros((2, len(parents)), dtype=np.int16)
    for synset in parents_first(parents):
        if parents[synset]:
            shortest[synset] = 1 + min(shortest[parent] for parent in parents[synset])
            longest[synset] = 1 + max(longest[parent] for parent in parents[synset])
    return shortest, longest


def read_database(folder: Path) -> Arrays:
    """Read a folder of WordNet database files into named arrays that fit an npz file.

    Synset ids follow the files noun, verb, adjective (with satellites), adverb, each in offset order.
    """
    records = data_files.read_records(folder)
    senses = {file_pos: data_files.read_senses(folder, file_pos, records) for file_pos in FILE_SUFFIXES}
    relations = {name: _synset_relation(records, symbols) for name, symbols in SYNSET_RELATIONS.items()}
    arrays: Arrays = {
        "offsets": np.array(records.offsets, dtype=np.int32),
        "pos": np.array(records.pos, dtype="U1"),
        "lex_numbers": np.array(records.lex_numbers, dtype=np.int8),
        "names": join_strings(_names(records, senses)),
        "glosses": join_strings(records.glosses),
        "lemmas": join_strings(lemma for lemmas in records.lemmas for lemma in lemmas),
    }
    arrays["lemma_indptr"], arrays["lemma_counts"] = pack_lists(_lemma_counts(folder, records))
    arrays["min_depth"], arrays["max_depth"] = _depths(relations["hypernyms"])
    for name, rows in relations.items():
        arrays[f"{name}_indptr"], arrays[f"{name}_indices"] = pack_lists(rows)
    for name, symbol in LEMMA_LINKS.items():
        arrays[name] = _lemma_links(records, symbol)
    for file_pos, index in senses.items():
        arrays[f"senses_{file_pos}_words"] = join_strings(index)
        arrays[f"senses_{file_pos}_indptr"], arrays[f"senses_{file_pos}_ids"] = pack_lists(index.values())
        arrays[f"exceptions_{file_pos}"] = join_strings(data_files.read_exceptions(folder, file_pos))
    return arrays
