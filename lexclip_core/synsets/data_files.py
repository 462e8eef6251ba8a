"""Read the files of a WordNet database: the only place that knows their format.

Source of the format: WordNet 3.0 reference manual, wndb(5WN), cntlist(5WN), senseidx(5WN).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Part of speech -> file suffix, in the order of synset ids.
FILE_SUFFIXES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}

_SENSE_TYPES = {"n": 1, "v": 2, "a": 3, "r": 4, "s": 5}
_MARKER = re.compile(r"\([^()]*\)$")  # "(a)", "(p)", "(ip)": where an adjective may stand
_QUOTED = re.compile(r'".*?"')


@dataclass
class Records:
    """The data files, one list entry a synset: nouns, verbs, adjectives with satellites, adverbs."""

    offsets: list[int] = field(default_factory=list)
    pos: list[str] = field(default_factory=list)
    lex_numbers: list[int] = field(default_factory=list)
    lemmas: list[list[str]] = field(default_factory=list)
    lex_ids: list[list[int]] = field(default_factory=list)
    pointers: list[list[tuple[str, int, str, str]]] = field(default_factory=list)
    glosses: list[str] = field(default_factory=list)
    ids: dict[tuple[str, int], int] = field(default_factory=dict)  # (file's pos, offset) -> synset id

    def target(self, pos: str, offset: int) -> int:
        """Return the id of the synset that a pointer names."""
        return self.ids["a" if pos == "s" else pos, offset]

    def sense_keys(self, synset: int) -> list[str]:
        """Return the sense key of each lemma of a synset; a satellite's key names the head of its cluster."""
        head = ":"
        if self.pos[synset] == "s":
            cluster = next(self.target(p[2], p[1]) for p in self.pointers[synset] if p[0] == "&")
            head = f"{self.lemmas[cluster][0]}:{self.lex_ids[cluster][0]:02d}"
        middle = f"%{_SENSE_TYPES[self.pos[synset]]}:{self.lex_numbers[synset]:02d}"
        pairs = zip(self.lemmas[synset], self.lex_ids[synset], strict=True)
        return [f"{lemma}{middle}:{lex_id:02d}:{head}".lower() for lemma, lex_id in pairs]


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


def _read_synset(line: str, file_pos: str, records: Records) -> None:
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


def read_records(folder: Path) -> Records:
    """Read the four data files."""
    records = Records()
    for file_pos, suffix in FILE_SUFFIXES.items():
        for line in _lines(folder / f"data.{suffix}"):
            _read_synset(line, file_pos, records)
    return records


def read_senses(folder: Path, file_pos: str, records: Records) -> dict[str, list[int]]:
    """Read one index file: word (lower case, underscores) -> synset ids in order of senses."""
    senses = {}
    for line in _lines(folder / f"index.{FILE_SUFFIXES[file_pos]}"):
        fields = line.split()
        offsets = fields[-int(fields[2]) :]
        senses[fields[0]] = [records.ids[file_pos, int(offset)] for offset in offsets]
    return senses


def read_counts(folder: Path) -> dict[str, int]:
    """Read how often each sense key was tagged; keys never tagged are left out."""
    fields = (line.split() for line in _lines(folder / "cntlist.rev"))
    return {key: int(count) for key, _, count in fields}


def read_exceptions(folder: Path, file_pos: str) -> list[str]:
    """Read an exception list: lines of an irregular form and its base forms, one blank between."""
    path = folder / f"{FILE_SUFFIXES[file_pos]}.exc"
    return [" ".join(line.split()) for line in path.read_text(encoding="utf-8").splitlines()]


def sense_index_file(folder: Path) -> str:
    """Return the text of WordNet's `index.sense`: sense key, offset, sense number, count, sorted by key."""
    records, counts = read_records(folder), read_counts(folder)
    senses = {file_pos: read_senses(folder, file_pos, records) for file_pos in FILE_SUFFIXES}
    lines = set()
    for synset, lemmas in enumerate(records.lemmas):
        file_pos = "a" if records.pos[synset] == "s" else records.pos[synset]
        for lemma, key in zip(lemmas, records.sense_keys(synset), strict=True):
            number = senses[file_pos][lemma.lower()].index(synset) + 1
            lines.add(f"{key} {records.offsets[synset]:08d} {number} {counts.get(key, 0)}\n")
    return "".join(sorted(lines))
