"""Read the WordNet database files into plain arrays: the only place that knows their format.

Source of the format: WordNet 3.0 reference manual, wndb(5WN), cntlist(5WN), senseidx(5WN).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]

#: Part of speech -> file suffix, in the order of synset ids.
FILE_SUFFIXES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}

#: Relations between synsets, with the pointer symbols that make them up.
SYNSET_RELATIONS = {
    "hypernyms": ("@", "@i"),
    "similar_to": ("&",),
    "also_see": ("^",),
    "attributes": ("=",),
}

#: Relations between lemmas.
LEMMA_LINKS = {"antonym_links": "!", "derivation_links": "+", "pertainym_links": "\\"}

_SENSE_TYPES = {"n": 1, "v": 2, "a": 3, "r": 4, "s": 5}
_MARKER = re.compile(r"\([^()]*\)$")  # "(a)", "(p)", "(ip)": where an adjective may stand
_QUOTED = re.compile(r'".*?"')


@dataclass
class _Records:
    """One list entry a synset, in id order."""

    offsets: list[int] = field(default_factory=list)
    pos: list[str] = field(default_factory=list)
    lex_numbers: list[int] = field(default_factory=list)
    lemmas: list[list[str]] = field(default_factory=list)
    lex_ids: list[list[int]] = field(default_factory=list)
    pointers: list[list[tuple[str, int, str, str]]] = field(default_factory=list)
    glosses: list[str] = field(default_factory=list)
    ids: dict[tuple[str, int], int] = field(default_factory=dict)  # (file's pos, offset) -> synset id


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


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as stream:
        # The licence stands on top, each of its lines indented.
        yield from (line for line in stream if not line.startswith(" "))


def lemma_strings(data_line: str) -> tuple[list[str], list[int]]:
    """Return the lemmas (original case, markers removed) and lex ids of one line of a data file."""
    fields = data_line.split(" ", 4)
    count = int(fields[3], 16)
    words = fields[4].split(" ", 2 * count)[: 2 * count]
    return [_MARKER.sub("", word) for word in words[::2]], [int(lex_id, 16) for lex_id in words[1::2]]


def count_entries(folder: Path) -> tuple[int, int]:
    """Return how many synsets and how many different lemma strings (by exact case) a database holds."""
    synsets, strings = 0, set()
    for suffix in FILE_SUFFIXES.values():
        for line in _lines(folder / f"data.{suffix}"):
            synsets += 1
            strings.update(lemma_strings(line)[0])
    return synsets, len(strings)


def _read_synset(line: str, file_pos: str, records: _Records) -> None:
    columns, gloss = line.strip().split("|")
    fields = columns.split()
    lemmas, lex_ids = lemma_strings(line)
    first_pointer = 5 + 2 * len(lemmas)
    pointers = [
        (fields[k], int(fields[k + 1]), fields[k + 2], fields[k + 3])
        for k in range(first_pointer, first_pointer + 4 * int(fields[first_pointer - 1]), 4)
    ]
    records.ids[file_pos, int(fields[0])] = len(records.offsets)
    records.offsets.append(int(fields[0]))
    records.lex_numbers.append(int(fields[1]))
    records.pos.append(fields[2])
    records.lemmas.append(lemmas)
    records.lex_ids.append(lex_ids)
    records.pointers.append(pointers)
    records.glosses.append(_QUOTED.sub("", gloss).strip().strip("; "))


def _read_index(folder: Path, file_pos: str, ids: dict[tuple[str, int], int]) -> dict[str, list[int]]:
    senses = {}
    for line in _lines(folder / f"index.{FILE_SUFFIXES[file_pos]}"):
        fields = line.split()
        offsets = fields[-int(fields[2]) :]
        senses[fields[0]] = [ids[file_pos, int(offset)] for offset in offsets]
    return senses


def _names(records: _Records, senses: dict[str, dict[str, list[int]]]) -> list[str]:
    # Satellites are numbered among the satellites of their word only, as NLTK >= 3.10 does.
    names = []
    for synset, (pos, lemmas) in enumerate(zip(records.pos, records.lemmas, strict=True)):
        word = lemmas[0].lower()
        numbered = senses["a" if pos == "s" else pos][word]
        if pos == "s":
            numbered = [other for other in numbered if records.pos[other] == "s"]
        names.append(f"{word}.{pos}.{numbered.index(synset) + 1:02d}")
    return names


def _synset_relation(records: _Records, symbols: tuple[str, ...]) -> list[list[int]]:
    return [
        list(
            dict.fromkeys(
                records.ids["a" if pos == "s" else pos, offset]
                for wanted in symbols
                for symbol, offset, pos, lemma_numbers in pointers
                if symbol == wanted and lemma_numbers == "0000"
            )
        )
        for pointers in records.pointers
    ]


def _lemma_links(records: _Records, wanted: str) -> np.ndarray:
    links = [
        (
            source,
            int(numbers[:2], 16) - 1,
            records.ids["a" if pos == "s" else pos, offset],
            int(numbers[2:], 16) - 1,
        )
        for source, pointers in enumerate(records.pointers)
        for symbol, offset, pos, numbers in pointers
        if symbol == wanted and numbers != "0000"
    ]
    # Stable by source lemma: the links of one lemma keep the order of the file.
    return np.array(sorted(links, key=lambda link: link[:2]), dtype=np.int32)


def _lemma_counts(folder: Path, records: _Records, heads: list[list[int]]) -> list[list[int]]:
    counts = {}
    for line in _lines(folder / "cntlist.rev"):
        key, _, count = line.split()
        counts[key] = int(count)
    if not any(counts.values()):
        raise ValueError("cntlist.rev holds no counts")
    found = []
    for synset, pos in enumerate(records.pos):
        head = ":"
        if pos == "s":
            cluster = heads[synset][0]
            head = f"{records.lemmas[cluster][0]}:{records.lex_ids[cluster][0]:02d}"
        middle = f"%{_SENSE_TYPES[pos]}:{records.lex_numbers[synset]:02d}"
        keys = (
            f"{lemma}{middle}:{lex_id:02d}:{head}".lower()
            for lemma, lex_id in zip(records.lemmas[synset], records.lex_ids[synset], strict=True)
        )
        found.append([counts.get(key, 0) for key in keys])
    return found


def _depths(parents: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the shortest and the longest way up to a root, in edges."""
    order: list[int] = []
    children: list[list[int]] = [[] for _ in parents]
    waiting = [len(row) for row in parents]
    for child, row in enumerate(parents):
        for parent in row:
            children[parent].append(child)
    ready = [synset for synset, row in enumerate(parents) if not row]
    while ready:
        synset = ready.pop()
        order.append(synset)
        for child in children[synset]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    if len(order) != len(parents):
        raise ValueError("the hypernyms run in a circle")
    shortest, longest = np.zeros((2, len(parents)), dtype=np.int16)
    for synset in order:
        if parents[synset]:
            shortest[synset] = 1 + min(shortest[parent] for parent in parents[synset])
            longest[synset] = 1 + max(longest[parent] for parent in parents[synset])
    return shortest, longest


def _exceptions(folder: Path, file_pos: str) -> np.ndarray:
    path = folder / f"{FILE_SUFFIXES[file_pos]}.exc"
    return join_strings(" ".join(line.split()) for line in path.read_text(encoding="utf-8").splitlines())


def read_database(folder: Path) -> Arrays:
    """Read a folder of WordNet database files into named arrays that fit an npz file.

    Synset ids follow the files noun, verb, adjective (with satellites), adverb, each in offset order.
    """
    records = _Records()
    for file_pos, suffix in FILE_SUFFIXES.items():
        for line in _lines(folder / f"data.{suffix}"):
            _read_synset(line, file_pos, records)
    senses = {file_pos: _read_index(folder, file_pos, records.ids) for file_pos in FILE_SUFFIXES}
    relations = {name: _synset_relation(records, symbols) for name, symbols in SYNSET_RELATIONS.items()}
    arrays: Arrays = {
        "offsets": np.array(records.offsets, dtype=np.int32),
        "pos": np.array(records.pos, dtype="U1"),
        "lex_numbers": np.array(records.lex_numbers, dtype=np.int8),
        "names": join_strings(_names(records, senses)),
        "glosses": join_strings(records.glosses),
        "lemmas": join_strings(lemma for lemmas in records.lemmas for lemma in lemmas),
    }
    arrays["lemma_indptr"], arrays["lemma_counts"] = pack_lists(
        _lemma_counts(folder, records, relations["similar_to"])
    )
    arrays["min_depth"], arrays["max_depth"] = _depths(relations["hypernyms"])
    for name, rows in relations.items():
        arrays[f"{name}_indptr"], arrays[f"{name}_indices"] = pack_lists(rows)
    for name, symbol in LEMMA_LINKS.items():
        arrays[name] = _lemma_links(records, symbol)
    for file_pos, rows in senses.items():
        arrays[f"senses_{file_pos}_words"] = join_strings(rows)
        arrays[f"senses_{file_pos}_indptr"], arrays[f"senses_{file_pos}_ids"] = pack_lists(rows.values())
        arrays[f"exceptions_{file_pos}"] = _exceptions(folder, file_pos)
    return arrays
