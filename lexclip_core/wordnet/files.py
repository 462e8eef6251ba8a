"""WordNet's database files, read into plain arrays that fit an npz file.

A database is four data files (a line per synset), four index files (a line per word), four lists of irregular
forms, and the counts of its sense-tagged texts. Two files that some sources leave out are written from these.

Sources: WordNet 3.0 reference manual, wndb(5WN), cntlist(5WN), senseidx(5WN), lexnames(5WN).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lexclip_core.wordnet.relations import parents_first

Arrays = dict[str, np.ndarray]
Senses = dict[str, dict[str, list[int]]]  # file's part of speech -> word -> synset ids in order of senses

FILE_SUFFIXES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
"""Part of speech -> file suffix, in the order of synset ids."""

SYNSET_RELATIONS = {
    "hypernyms": ("@", "@i"),
    "similar_to": ("&",),
    "also_see": ("^",),
    "attributes": ("=",),
}
"""Relations between synsets, with the pointer symbols that make them up."""

LEMMA_LINKS = {"antonym_links": "!", "derivation_links": "+", "pertainym_links": "\\"}
"""Relations between lemmas, with their pointer symbols."""

LEXNAMES = tuple(
    f"{kind}.{topic}"
    for kind, topics in (
        ("adj", "all pert"),
        ("adv", "all"),
        ("noun", "Tops act animal artifact attribute body cognition communication event feeling food group"),
        ("noun", "location motive object person phenomenon plant possession process quantity relation shape"),
        ("noun", "state substance time"),
        ("verb", "body change cognition communication competition consumption contact creation emotion"),
        ("verb", "motion perception possession social stative weather"),
        ("adj", "ppl"),
    )
    for topic in topics.split()
)
"""Names of the lexicographer files by number; the part before the dot is the part of speech."""

_POS_NUMBERS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
_SENSE_TYPES = {"n": 1, "v": 2, "a": 3, "r": 4, "s": 5}
_MARKER = re.compile(r"\([^()]*\)$")  # "(a)", "(p)", "(ip)": where an adjective may stand
_QUOTED = re.compile(r'".*?"')


# --- packing ---


def join_strings(strings: Iterable[str]) -> np.ndarray:
    """Pack strings without line breaks into one uint8 array of UTF-8 bytes.

    >>> split_strings(join_strings(["dog", "café"]))
    ('dog', 'café')
    """
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def split_strings(packed: np.ndarray) -> tuple[str, ...]:
    """Undo `join_strings`."""
    return tuple(packed.tobytes().decode().split("\n"))


def pack_lists(lists: Iterable[Iterable[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return int32 (indptr, values) of a list of lists: list i is `values[indptr[i]:indptr[i + 1]]`.

    >>> [array.tolist() for array in pack_lists([[3, 1], [], [2]])]
    [[0, 2, 2, 3], [3, 1, 2]]
    """
    rows = [list(row) for row in lists]
    indptr = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in rows], out=indptr[1:])
    values = np.fromiter((value for row in rows for value in row), dtype=np.int32, count=int(indptr[-1]))
    return indptr, values


# --- reading ---


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a data file: a synset; `pos` is one of n v a s r."""

    offset: int
    lex_number: int
    pos: str
    lemmas: list[str]
    lex_ids: list[int]
    pointers: list[tuple[str, int, str, str]]  # symbol, offset, part of speech, lemma numbers
    gloss: str


@dataclass
class Records:
    """The synsets of the data files: nouns, verbs, adjectives with satellites, adverbs."""

    entries: list[Entry] = field(default_factory=list)
    ids: dict[tuple[str, int], int] = field(default_factory=dict)  # (file's pos, offset) -> synset id

    def target(self, pos: str, offset: int) -> int:
        """Return the id of the synset that a pointer names."""
        return self.ids["a" if pos == "s" else pos, offset]

    def sense_keys(self, entry: Entry) -> list[str]:
        """Return the sense key of each lemma of a synset; a satellite's key names the head of its cluster."""
        head = ":"
        if entry.pos == "s":
            cluster = self.entries[next(self.target(p[2], p[1]) for p in entry.pointers if p[0] == "&")]
            head = f"{cluster.lemmas[0]}:{cluster.lex_ids[0]:02d}"
        middle = f"%{_SENSE_TYPES[entry.pos]}:{entry.lex_number:02d}"
        pairs = zip(entry.lemmas, entry.lex_ids, strict=True)
        return [f"{lemma}{middle}:{lex_id:02d}:{head}".lower() for lemma, lex_id in pairs]


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as stream:
        # The licence stands on top, each of its lines indented.
        yield from (line for line in stream if not line.startswith(" "))


def _read_entry(line: str) -> Entry:
    columns, gloss = line.strip().split("|")
    fields = columns.split()
    lemmas_end = 4 + 2 * int(fields[3], 16)
    pointers_end = lemmas_end + 1 + 4 * int(fields[lemmas_end])
    return Entry(
        offset=int(fields[0]),
        lex_number=int(fields[1]),
        pos=fields[2],
        lemmas=[_MARKER.sub("", word) for word in fields[4:lemmas_end:2]],
        lex_ids=[int(lex_id, 16) for lex_id in fields[5:lemmas_end:2]],
        pointers=[
            (fields[k], int(fields[k + 1]), fields[k + 2], fields[k + 3])
            for k in range(lemmas_end + 1, pointers_end, 4)
        ],
        gloss=_QUOTED.sub("", gloss).strip().strip("; "),
    )


def read_records(folder: Path) -> Records:
    """Read the four data files of a database."""
    records = Records()
    for file_pos, suffix in FILE_SUFFIXES.items():
        for line in _lines(folder / f"data.{suffix}"):
            entry = _read_entry(line)
            records.ids[file_pos, entry.offset] = len(records.entries)
            records.entries.append(entry)
    return records


def _read_senses(folder: Path, records: Records) -> Senses:
    """Read the index files, whose words are in lower case with underscores."""
    senses: Senses = {}
    for file_pos, suffix in FILE_SUFFIXES.items():
        rows = (line.split() for line in _lines(folder / f"index.{suffix}"))
        senses[file_pos] = {
            row[0]: [records.ids[file_pos, int(offset)] for offset in row[-int(row[2]) :]] for row in rows
        }
    return senses


def _read_counts(folder: Path) -> dict[str, int]:
    """Read how often each sense key was tagged; keys never tagged are left out."""
    fields = (line.split() for line in _lines(folder / "cntlist.rev"))
    return {key: int(count) for key, _, count in fields}


# --- arrays ---


def read_database(folder: Path) -> Arrays:
    """Read a folder of WordNet database files into named arrays that fit an npz file.

    Synset ids follow the files noun, verb, adjective (with satellites), adverb, each in offset order.

    Raises:
        InputError: The hypernyms run in a circle.
    """
    records = read_records(folder)
    entries = records.entries
    senses = _read_senses(folder, records)
    relations = {name: _synset_relation(records, symbols) for name, symbols in SYNSET_RELATIONS.items()}
    counts = _read_counts(folder)
    arrays: Arrays = {
        "offsets": np.array([entry.offset for entry in entries], dtype=np.int32),
        "pos": np.array([entry.pos for entry in entries], dtype="U1"),
        "lex_numbers": np.array([entry.lex_number for entry in entries], dtype=np.int8),
        "names": join_strings(_names(records, senses)),
        "glosses": join_strings(entry.gloss for entry in entries),
        "lemmas": join_strings(lemma for entry in entries for lemma in entry.lemmas),
    }
    arrays["lemma_indptr"], arrays["lemma_counts"] = pack_lists(
        [counts.get(key, 0) for key in records.sense_keys(entry)] for entry in entries
    )
    arrays["min_depth"], arrays["max_depth"] = _depths(relations["hypernyms"])
    for name, rows in relations.items():
        arrays[f"{name}_indptr"], arrays[f"{name}_indices"] = pack_lists(rows)
    for name, symbol in LEMMA_LINKS.items():
        arrays[name] = _lemma_links(records, symbol)
    for file_pos, index in senses.items():
        arrays[f"senses_{file_pos}_words"] = join_strings(index)
        arrays[f"senses_{file_pos}_indptr"], arrays[f"senses_{file_pos}_ids"] = pack_lists(index.values())
        forms = (folder / f"{FILE_SUFFIXES[file_pos]}.exc").read_text(encoding="utf-8").splitlines()
        arrays[f"exceptions_{file_pos}"] = join_strings(" ".join(line.split()) for line in forms)
    return arrays


def _names(records: Records, senses: Senses) -> Iterator[str]:
    # Satellites are numbered among the satellites of their word only, as NLTK >= 3.10 does.
    for synset, entry in enumerate(records.entries):
        word = entry.lemmas[0].lower()
        numbered = senses["a" if entry.pos == "s" else entry.pos][word]
        if entry.pos == "s":
            numbered = [other for other in numbered if records.entries[other].pos == "s"]
        yield f"{word}.{entry.pos}.{numbered.index(synset) + 1:02d}"


def _synset_relation(records: Records, symbols: tuple[str, ...]) -> list[list[int]]:
    rows = []
    for entry in records.entries:
        pointers = [p for wanted in symbols for p in entry.pointers if p[0] == wanted and p[3] == "0000"]
        rows.append(list(dict.fromkeys(records.target(pos, offset) for _, offset, pos, _ in pointers)))
    return rows


def _lemma_links(records: Records, wanted: str) -> np.ndarray:
    links = [
        (source, int(numbers[:2], 16) - 1, records.target(pos, offset), int(numbers[2:], 16) - 1)
        for source, entry in enumerate(records.entries)
        for symbol, offset, pos, numbers in entry.pointers
        if symbol == wanted and numbers != "0000"
    ]
    # Stable by source lemma: the links of one lemma keep the order of the file.
    return np.array(sorted(links, key=lambda link: link[:2]), dtype=np.int32)


def _depths(parents: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the shortest and the longest way up to a root, in edges."""
    shortest, longest = np.zeros((2, len(parents)), dtype=np.int16)
    for synset in parents_first(parents):
        if parents[synset]:
            shortest[synset] = 1 + min(shortest[parent] for parent in parents[synset])
            longest[synset] = 1 + max(longest[parent] for parent in parents[synset])
    return shortest, longest


# --- files that a source may lack ---


def sense_index_file(folder: Path) -> str:
    """Return the text of WordNet's `index.sense`: sense key, offset, sense number, count, sorted by key."""
    records, counts = read_records(folder), _read_counts(folder)
    senses = _read_senses(folder, records)
    lines = set()
    for synset, entry in enumerate(records.entries):
        of_word = senses["a" if entry.pos == "s" else entry.pos]
        for lemma, key in zip(entry.lemmas, records.sense_keys(entry), strict=True):
            number = of_word[lemma.lower()].index(synset) + 1
            lines.add(f"{key} {entry.offset:08d} {number} {counts.get(key, 0)}\n")
    return "".join(sorted(lines))


def lexnames_file() -> str:
    """Return the text of WordNet's `lexnames`: number, name and part-of-speech number per line."""
    return "".join(
        f"{number:02d}\t{name}\t{_POS_NUMBERS[name.split('.')[0]]}\n" for number, name in enumerate(LEXNAMES)
    )
