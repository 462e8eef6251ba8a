"""What the explorer shows of a run before any tower is loaded: triples, and the vectors of many words.

A triple is a word, its synonym and its opposite, all three held out from training. Its cosines are measured
at five positions on the line from the base's weights to the tuned ones. The vectors of a wide vocabulary are
packed as small whole numbers, those of a base tower once for all of its runs. Reading needs no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.cache import ARRAY, cached
from lexclip_core.errors import InputError
from lexclip_core.experiments.run_folder import (
    POSITIONS,
    RunSummary,
    read_atlas,
    read_packed,
    summarise,
    tensors_of,
    write_triples,
)
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import normalise

if TYPE_CHECKING:
    from lexclip_core.experiments.words import Lexicon
    from lexclip_core.figures.maps import Places
    from lexclip_core.towers.tower import Tower
    from lexclip_core.training.settings import TrainingSettings

Outcome = Literal["repaired", "not repaired", "made worse", "right"]
PACKED, ATLAS = "vocabulary.npz", "atlas.npz"
LANDMARKS = 12_000
"""Words of an atlas that are laid out together; the others lie among the landmarks nearest to them."""
PACKING_ERROR = 0.01
"""No cosine of two packed rows is further than this from that of the rows; tested on the shipped files."""

_STEPS = 12  # whole numbers to one standard deviation of a unit row's entries
_FAMILIAR = 5  # occurrences in WordNet's sense-tagged texts, of the rarest of the three words in that sense
_UNSUITABLE = frozenset({"negro"})  # insults that WordNet lists as synonyms


def seen_words(settings: TrainingSettings) -> tuple[str, ...]:
    """Return the listed words that a training saw; () where its words come from the lexicon's training split.

    >>> from lexclip_core.training.settings import settings_of
    >>> seen_words(settings_of("lexclip"))
    ()
    """
    from lexclip_core.datasets.pictures.imagenet import synonym_classes
    from lexclip_core.training.settings import MatrixSettings

    if not isinstance(settings, MatrixSettings):
        return ()
    if settings.words:
        return settings.listed_words
    classes = synonym_classes(load_wordnet(), settings.classes, seed=settings.seed)
    return tuple(word for words in classes.values() for word in words)


def heldout_triples(seen: Collection[str] = (), vocabulary: Lexicon | None = None) -> pd.DataFrame:
    """Return triples of held-out words, each used in the sense that relates them in WordNet's tagged texts.

    The antonym is linked to the word directly. The synonym shares the word's synset (kind `synonym`), or
    stands in a synset of its adjective cluster (kind `similar`).

    Args:
        seen: Further words that a training saw.
        vocabulary: The words and their split; by default WordNet's.

    Returns:
        Columns word, synonym, antonym, pos, kind, count: how often the rarest of the three was tagged with
        the sense that relates them.
    """
    from lexclip_core.experiments.words import lexicon

    vocabulary = vocabulary or lexicon()
    split = zip(vocabulary.words, vocabulary.split.tolist(), strict=True)
    unseen = (
        {word for word, part in split if part != "train"} - {normalise(word) for word in seen} - _UNSUITABLE
    )
    rows: dict[tuple[str, str, str], tuple[str, str, int]] = {}
    wordnet = load_wordnet()
    for words, (pos, kind, count) in _triples(wordnet):
        better = count > rows.get(words, ("", "", 0))[2] and unseen.issuperset(words)
        if better and words[1] not in wordnet.antonyms(words[0]):
            rows[words] = (pos, kind, count)
    columns = ["word", "synonym", "antonym", "pos", "kind", "count"]
    return pd.DataFrame([(*words, *facts) for words, facts in rows.items()], columns=columns)


def _triples(wordnet: WordNet) -> Iterator[tuple[tuple[str, str, str], tuple[str, str, int]]]:
    links = wordnet.antonym_links
    ends = (links.synset_i, links.lemma_i, links.synset_j, links.lemma_j)
    for synset, lemma, other, other_lemma in zip(*(end.tolist() for end in ends), strict=True):
        word = normalise(wordnet.lemmas[synset][lemma])
        antonym = normalise(wordnet.lemmas[other][other_lemma])
        used = min(wordnet.lemma_counts[synset][lemma], wordnet.lemma_counts[other][other_lemma])
        pos = str(wordnet.pos[synset]).replace("s", "a")
        for near in (synset, *wordnet.similar_to.of(synset).tolist()):
            kind = "synonym" if near == synset else "similar"
            for name, count in zip(wordnet.lemmas[near], wordnet.lemma_counts[near], strict=True):
                words = (word, normalise(name), antonym)
                if len(set(words)) == 3:
                    yield words, (pos, kind, min(used, count))


def triple_table(
    base: Tower, tuned: Tower, seen: Collection[str] = (), vocabulary: Lexicon | None = None
) -> pd.DataFrame | None:
    """Return the held-out triples with their cosines at five weights between two towers; None without any.

    Args:
        base: The tower before.
        tuned: The tower that was tuned from it.
        seen: As in `heldout_triples`.
        vocabulary: As in `heldout_triples`.

    Returns:
        The columns of `run_folder.TRIPLE_COLUMNS`; `synonym_25` is the cosine of word and synonym at 25 % of
        the way from the base's weights to the tuned ones.
    """
    from lexclip_core.towers.weights import interpolate

    table = heldout_triples(seen, vocabulary)
    if table.empty:
        return None
    words = tuple(dict.fromkeys([*table["word"], *table["synonym"], *table["antonym"]]))
    place = {word: row for row, word in enumerate(words)}
    at = {name: table[name].map(place).to_numpy() for name in ("word", "synonym", "antonym")}
    for percent in POSITIONS:
        tower = {0: base, 100: tuned}.get(percent) or interpolate(base, tuned, percent / 100)
        rows = tower.encode_texts(words)
        for name in ("synonym", "antonym"):
            table[f"{name}_{percent}"] = np.einsum("ij,ij->i", rows[at["word"]], rows[at[name]])
    return table


def outcomes(table: pd.DataFrame) -> pd.Series:
    """Return what became of each triple: repaired, not repaired, made worse, or right before and after.

    A triple is wrong where its opposite is at least as near as its synonym.

    >>> columns = ["synonym_0", "antonym_0", "synonym_100", "antonym_100"]
    >>> outcomes(pd.DataFrame([[0.6, 0.8, 0.7, 0.5], [0.6, 0.5, 0.7, 0.7]], columns=columns)).tolist()
    ['repaired', 'made worse']
    """
    wrong = {end: table[f"antonym_{end}"] >= table[f"synonym_{end}"] for end in (0, 100)}
    names = np.select(
        [wrong[0] & ~wrong[100], wrong[0], wrong[100]], ["repaired", "not repaired", "made worse"], "right"
    )
    return pd.Series(names, index=table.index, name="outcome")


def by_strength(table: pd.DataFrame) -> pd.DataFrame:
    """Return triples with their outcome, what shows most first.

    Repaired triples of familiar words that share a synset come first, in senses that are common ones of each
    word, by how clear both ends are: the smaller of the inversion before and the distance after. Then other
    repaired ones, and then all the others by the size of their inversion. A word comes again once all words
    of its group have come.
    """
    outcome = outcomes(table)
    before, after = (table[f"antonym_{end}"] - table[f"synonym_{end}"] for end in (0, 100))
    repaired = outcome == "repaired"
    familiar, shared = table["count"] >= _FAMILIAR, table["kind"] == "synonym"
    close = (repaired & familiar & shared).to_numpy(bool)
    words = zip(close, table["word"], table["synonym"], table["antonym"], strict=True)
    usual = np.array([one and _in_usual_senses(*three) for one, *three in words], dtype=bool)
    rank = np.select([usual, close, repaired & familiar, repaired], [0, 1, 2, 3], 4)
    clear = np.where(repaired, np.minimum(before, -after), np.maximum(before, after))
    ranked = table.assign(outcome=outcome, rank=rank, clear=clear)
    ranked = ranked.sort_values("clear", ascending=False, kind="stable")
    ranked["again"] = ranked.groupby(["rank", "word"]).cumcount()
    ranked = ranked.sort_values(["rank", "again", "clear"], ascending=[True, True, False], kind="stable")
    return ranked.drop(columns=["rank", "clear", "again"]).reset_index(drop=True)


def _in_usual_senses(word: str, synonym: str, antonym: str) -> bool:
    """Return whether the senses that relate the three are common ones: "have" hardly ever means "accept"."""
    from lexclip_core.evaluation.lexical import DOMINANT, related_senses

    try:
        senses = related_senses(load_wordnet(), [(word, synonym), (word, antonym)], ["synonym", "antonym"])
    except InputError:  # not WordNet's
        return False
    return min(sense.share for sense in senses) >= DOMINANT


def pack(rows: np.ndarray) -> np.ndarray:
    """Return unit rows as int8; `unpack` gives them back within `PACKING_ERROR` of every cosine.

    >>> row = np.array([[0.6, 0.8]], dtype=np.float32)
    >>> bool(abs(unpack(pack(row)) - row).max() < 0.03)
    True
    """
    scaled = np.rint(rows * (_STEPS * np.sqrt(rows.shape[1])))
    packed: np.ndarray = np.clip(scaled, -127, 127).astype(np.int8)
    return packed


def unpack(packed: np.ndarray) -> np.ndarray:
    """Return the unit rows, float32, of what `pack` gave."""
    rows = packed.astype(np.float32)
    unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


def wide_words() -> tuple[str, ...]:
    """Return the words that neighbours are taken among, most frequent first."""
    from lexclip_core.experiments.words import FREQUENT, frequent_words

    return frequent_words(FREQUENT)


class WideVocabulary(NamedTuple):
    """Many words with their unit rows before and after tuning, float32 (words, dim)."""

    words: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray


def base_file(weights: str) -> Path:
    """Return where the vectors of a base tower are stored for its runs, by the sha256 of its weights."""
    name = weights[:12] if weights.isalnum() else "unknown"  # a run may come from anywhere
    return storage.data_folder() / "vectors" / name / PACKED


def write_packed(path: Path, words: Sequence[str], rows: np.ndarray) -> None:
    """Write words and their unit rows as one packed file.

    Raises:
        StorageError: The file cannot be written.
    """
    with storage.atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, words=np.array(list(words), dtype=np.str_), codes=pack(rows))


def stored_vocabulary(summary: RunSummary) -> WideVocabulary | None:
    """Return the wide vocabulary that is stored with a run and with its base; None without.

    Raises:
        DamagedFileError: A stored file is damaged.
    """
    base = base_file(str(summary.provenance.get("weights_sha256", "")))
    if not (base.is_file() and (summary.path / PACKED).is_file()):
        return None
    (words, after), (same, before) = read_packed(summary.path, PACKED), read_packed(base.parent, PACKED)
    if words != same or before.shape != after.shape:
        return None  # the base's are of another vocabulary: what is missing is encoded anew
    return WideVocabulary(words, unpack(before), unpack(after))


def encode_vocabulary(base: Tower, tuned: Tower, tensors: Path, words: tuple[str, ...]) -> WideVocabulary:
    """Return the vectors of many words before and after tuning, and keep them in the cache.

    Args:
        base: The tower before.
        tuned: The tower after.
        tensors: The file of its tuned tensors.
        words: The words.
    """
    before, after = (
        cached(
            "embeddings",
            {"weights": base.sha256, "tuned": of, "words": words},
            partial(tower.encode_texts, words),
            codec=ARRAY,
        )
        for tower, of in ((base, ""), (tuned, storage.sha256(tensors)))
    )
    return WideVocabulary(words, before, after)


def atlas_words() -> tuple[str, ...]:
    """Return every word of WordNet, in the order of an atlas file, which does not hold them."""
    return load_wordnet().words()


def _digest(words: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def landmarks(words: Sequence[str], count: int = LANDMARKS) -> np.ndarray:
    """Return rows of words that stand for all: half the most frequent ones, half evenly drawn from the rest.

    >>> landmarks(["zebra finch", "be", "aardwolf", "zymurgy"], 2).tolist()
    [0, 1]
    """
    place = {word: row for row, word in enumerate(words)}
    known = np.array([place[word] for word in wide_words() if word in place][: count // 2], dtype=int)
    others = np.setdiff1d(np.arange(len(words)), known)
    drawn = others[np.linspace(0, len(others) - 1, min(count - len(known), len(others))).astype(int)]
    return np.sort(np.concatenate([known, drawn]))


def pack_places(places: Places) -> np.ndarray:
    """Return places as whole numbers in one square for both times, (words, 4) uint16: x, y, x, y after.

    >>> from lexclip_core.figures.maps import Places
    >>> ends = np.array([[[0.0, 0.0]], [[2.0, 1.0]]])
    >>> pack_places(Places(*ends, trust_before=1, trust_after=1)).tolist()
    [[0, 16384, 65535, 49151]]
    """
    at = np.stack(places[:2], axis=1)  # (words, 2 times, 2 axes)
    low, high = at.min(axis=(0, 1)), at.max(axis=(0, 1))
    room = max(*(high - low), 1e-9)
    codes: np.ndarray = np.rint((at - (low + high - room) / 2) / room * 65_535)
    return codes.astype("<u2").reshape(-1, 4)


def write_atlas(path: Path, words: Sequence[str], places: Places) -> None:
    """Write where words lie, with the digest of the words: the words are WordNet's, and not in the file.

    Raises:
        StorageError: The file cannot be written.
    """
    trust = np.array([places.trust_before, places.trust_after], dtype="<f4")
    with storage.atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, words=np.array([_digest(words)]), places=pack_places(places), trust=trust)


def stored_atlas(summary: RunSummary, words: Sequence[str]) -> Places | None:
    """Return the atlas that is stored with a run, as `pack_places` gave it; None without, or of other words.

    Raises:
        DamagedFileError: The stored file is damaged.
    """
    from lexclip_core.figures.maps import Places

    if not (summary.path / ATLAS).is_file():
        return None
    digest, codes, trust = read_atlas(summary.path, ATLAS)
    if digest != _digest(words) or len(codes) != len(words):
        return None
    return Places(codes[:, :2], codes[:, 2:], *trust)


def complete_run(
    path: Path, base: Tower, *, vectors: tuple[str, ...] = (), atlas: tuple[str, ...] = ()
) -> None:
    """Add to a run what the explorer shows of it before a tower is loaded: triples, and more where asked.

    Args:
        path: The run's folder.
        base: Its base tower.
        vectors: Words whose vectors are stored with the run, and with the base where it has none.
        atlas: Words whose places on one map are stored with the run.

    Raises:
        MissingResourceError: The run has no tuned tensors.
        DamagedFileError: A file of the run is damaged.
        StorageError: The folder cannot be written.
    """
    from lexclip_core.experiments.words import lexicon, split_rule
    from lexclip_core.towers.weights import apply_tuned
    from lexclip_core.training.settings import TrainingSettings

    summary = summarise(path)
    settings = TrainingSettings.from_flat(dict(summary.config))
    tuned = apply_tuned(base, tensors_of(summary))
    triples = triple_table(base, tuned, seen_words(settings), lexicon(split_rule(settings)))
    if triples is not None:
        write_triples(path, triples)
    if vectors:
        write_packed(path / PACKED, vectors, tuned.encode_texts(vectors))
        stored = base_file(base.sha256)
        if not stored.is_file() or read_packed(stored.parent, PACKED)[0] != vectors:
            write_packed(stored, vectors, base.encode_texts(vectors))
    if atlas:
        from lexclip_core.figures.maps import atlas_places

        before, after = (tower.encode_texts(atlas, progress=True) for tower in (base, tuned))
        write_atlas(path / ATLAS, atlas, atlas_places(before, after, landmarks(atlas)))
