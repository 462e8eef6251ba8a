"""The words of a training: the lexicon and its split, held-out words, and batches made from settings."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from lexclip_core import storage
from lexclip_core.cache import ARRAY, ARRAYS, cached
from lexclip_core.datasets.pictures.imagenet import synonym_classes
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.evaluation.senses import SenseKey, sense_text
from lexclip_core.targets.controls import controlled, random_words
from lexclip_core.targets.registry import TARGETS
from lexclip_core.targets.relations import (
    REPULSIVE,
    LexicalPairs,
    RelationTargets,
    WordRelation,
    lexical_pairs,
    pair_targets,
)
from lexclip_core.text_files import numbered_lines
from lexclip_core.towers.tower import Tower
from lexclip_core.training.samplers import (
    SAMPLERS,
    RelatedPairs,
    RelationPlan,
    RelationSampler,
    Sampler,
    TargetsOnDemand,
)
from lexclip_core.training.settings import (
    MatrixSettings,
    RelationSettings,
    SplitRule,
    TrainingSettings,
    WordSettings,
)
from lexclip_core.wordnet.families import linked, parts_of, word_families
from lexclip_core.wordnet.install import identity
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import normalise

Split = Literal["train", "dev", "test"]
_DEV, _TEST = 12, 12  # per cent of the words, split word by word
_TEST_FAMILIES = 4  # per cent; the families of the words of the outside sets come on top

logger = logging.getLogger(__name__)
DIGEST_DIGITS = 10
_DIGEST = re.compile(rf"[0-9a-f]{{{DIGEST_DIGITS}}}")
_LETTERS = re.compile("[a-z]+")
_PLAIN = re.compile(r"[a-z]{1,30}( [a-z]{1,20}){0,2}")
# Lexicographer files whose nouns name things that can be touched: things have no opposites.
_THINGS = (
    "noun.animal",
    "noun.artifact",
    "noun.body",
    "noun.food",
    "noun.location",
    "noun.object",
    "noun.plant",
    "noun.substance",
)
# Synonymy of nouns is mostly Latin names of plants and animals; opposites are mostly adjectives.
_POS_WEIGHTS = {"a": 2.0, "v": 1.5, "n": 1.0, "r": 0.5}


def split_of(word: str, family: str, heldout: Collection[str] = ()) -> Split:
    """Return the part a word belongs to, by a hash of its family, so that antonyms fall together.

    Args:
        word: The word.
        family: A name shared by words that must not be separated (`families`).
        heldout: Digests of words that are only ever tested.
    """
    if digest(word) in heldout:
        return "test"
    place = int(hashlib.sha256(f"lexclip-split:{family}".encode()).hexdigest(), 16) % 100
    return "dev" if place < _DEV else "test" if place < _DEV + _TEST else "train"


def digest(word: str) -> str:
    """Return the first 10 hex digits of the sha256 of "lexclip:" and the normalised word.

    A digest keeps the lists out of the repository; it is no secret, since any word can be tried.
    40 bits are enough: 150,000 lemmas against 4,000 evaluation words give 0.0006 chance collisions
    on average, and one would only keep a word too many out of tuning.
    """
    return hashlib.sha256(f"lexclip:{normalise(word)}".encode()).hexdigest()[:10]


def split_words(
    words: Sequence[str], first: np.ndarray, second: np.ndarray, heldout: Collection[str] = ()
) -> np.ndarray:
    """Return the split of each word, str (n,); words linked by `first`, `second` (antonyms) share a family.

    12 % of the families go to dev, 12 % to test; the digests in `heldout` go to test whatever their family.
    """
    roots = linked(len(words), first, second)
    return np.array([split_of(word, words[root], heldout) for word, root in zip(words, roots, strict=True)])


def split_families(words: Sequence[str], wordnet: WordNet, heldout: Collection[str] = ()) -> np.ndarray:
    """Return the split of each word, str (n,), such that no word is trained on whose family is held out.

    A single word falls with its family (`wordnet.families`) and with the families of its antonyms: all of
    them to test if a member's digest is in `heldout`; else 12 % of the families to dev and 4 % to test, by a
    hash. A multi-word expression falls to test if a part of it does, or if its own digest is held out; else
    to dev if a part does.

    Args:
        words: Normalised words, distinct.
        wordnet: The tables.
        heldout: Digests of words that are only ever tested.

    >>> words = ("joy", "joyful", "sorrow", "sorrowful", "stone", "joy ride")
    >>> split_families(words, load_wordnet(), {digest("sorrow")}).tolist()
    ['test', 'test', 'test', 'test', 'train', 'test']
    """
    place = {word: index for index, word in enumerate(words)}
    roots = word_families(words, wordnet, antonyms=True)
    listed = np.array([digest(word) in heldout for word in words], dtype=bool)
    split = np.array([_split_of_family(words[root]) for root in roots], dtype="<U5")
    split[np.isin(roots, roots[listed])] = "test"
    for index, word in enumerate(words):
        parts = [split[place[part]] for part in parts_of(word) if part in place]
        if parts and not listed[index]:
            split[index] = next((part for part in ("test", "dev") if part in parts), "train")
    return split


def _split_of_family(name: str) -> Split:
    place = int(hashlib.sha256(f"lexclip-family:{name}".encode()).hexdigest(), 16) % 100
    return "dev" if place < _DEV else "test" if place < _DEV + _TEST_FAMILIES else "train"


REBUILD_DIGESTS = "python -m tools.heldout_digests FOLDER"
"""The command that makes the file of held-out digests again."""


def digests_path() -> Path:
    """Return the committed file of held-out digests."""
    return storage.data_folder() / "lexicon" / "heldout_digests.txt"


def read_digests(path: Path | None = None) -> frozenset[str]:
    """Return the digests of a file, by default of the committed one; `digest(word) in ...` asks for a word.

    Raises:
        MissingResourceError: The file is not there.
        DamagedFileError: A line is neither a comment nor a digest.
    """
    path, digests = path or digests_path(), set()
    restore = f"restore it from the repository, or rebuild it: {REBUILD_DIGESTS}"
    for number, line in numbered_lines(path, missing=restore):
        if line.startswith("#") or not line.strip():
            continue
        if not _DIGEST.fullmatch(line.strip()):
            place = f"{path}, line {number}: {line.strip()[:40]!r}"
            raise DamagedFileError(
                f"{place} is not {DIGEST_DIGITS} hex digits", f"rebuild the file: {REBUILD_DIGESTS}"
            )
        digests.add(line.strip())
    return frozenset(digests)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """A vocabulary with the facts that sampling and measuring ask for; arrays are aligned with `words`.

    Attributes:
        words: Plain words of WordNet, normalised, at most three to an expression.
        counts: How often each was tagged in WordNet's sense-tagged texts, int64.
        pos: Most frequent part of speech, one of n v a r.
        things: Whether it mostly names a thing that can be touched, bool.
        split: train, dev or test.
        related: Every pair that WordNet relates.
    """

    words: tuple[str, ...]
    counts: np.ndarray
    pos: np.ndarray
    things: np.ndarray
    split: np.ndarray
    related: LexicalPairs

    def within(self, split: str, relations: Iterable[WordRelation]) -> LexicalPairs:
        """Return the related pairs of some relations of which both words belong to one split."""
        chosen = self.related.chosen(relations)
        keep = (self.split[chosen.first] == split) & (self.split[chosen.second] == split)
        return chosen.where(keep)


FREQUENT = 12_000
"""Frequent words that neighbours are taken among: in a narrow vocabulary they look broken."""


def split_rule(settings: TrainingSettings) -> SplitRule:
    """Return what a training held out together: what method `relations` says, elsewhere families."""
    return settings.split if isinstance(settings, RelationSettings) else "family"


def lexicon(split: SplitRule = "family") -> Lexicon:
    """Return the vocabulary of WordNet 3.0 with the words of the test sets held out; made once.

    Args:
        split: What is held out together: a word's whole family, the word with its antonyms alone, or nothing.
    """
    return _lexicon(split)


@lru_cache(maxsize=3)  # of the argument as given: with its default, a call without one would be another
def _lexicon(split: SplitRule) -> Lexicon:
    package = Path(__file__).parents[1]  # whose rules decide as much as the words do
    rules = [*package.glob("wordnet/*.py"), package / "targets/relations.py", package / "words.py"]
    content = {
        "split": split,
        "wordnet": identity(),
        "heldout": sorted(read_digests()),
        "rules": [storage.sha256(file) for file in sorted([*rules, Path(__file__)])],
    }

    def make() -> dict[str, np.ndarray]:
        wordnet = load_wordnet()
        words = tuple(word for word in wordnet.words() if _PLAIN.fullmatch(word))
        made = vars(make_lexicon(wordnet, words, read_digests(), split=split)).copy()
        made["words"] = np.frombuffer("\n".join(words).encode(), np.uint8)
        return made | {f"related {name}": column for name, column in vars(made.pop("related")).items()}

    known = cached("lexicons", content, make, codec=ARRAYS)
    related = LexicalPairs(*(known.pop(f"related {field.name}") for field in fields(LexicalPairs)))
    words = tuple(known.pop("words").tobytes().decode().split("\n"))
    return Lexicon(words=words, related=related, **known)


def frequent_words(count: int, vocabulary: Lexicon | None = None) -> tuple[str, ...]:
    """Return the words of a lexicon that WordNet's sense-tagged texts use most, most frequent first."""
    vocabulary = vocabulary or lexicon()
    order = np.argsort(-vocabulary.counts, kind="stable")[:count]
    return tuple(vocabulary.words[index] for index in order)


def make_lexicon(
    wordnet: WordNet, words: tuple[str, ...], heldout: Collection[str], *, split: SplitRule = "family"
) -> Lexicon:
    """Return the facts of a vocabulary.

    Args:
        wordnet: The tables.
        words: Normalised words.
        heldout: Digests of words that must fall to the test split.
        split: What is held out together.
    """
    place = {word: index for index, word in enumerate(words)}
    tagged = np.zeros((len(words), 4))
    touched = np.zeros((len(words), 2))
    counts = np.zeros(len(words), dtype=np.int64)
    letters = {"n": 0, "v": 1, "a": 2, "s": 2, "r": 3}
    for synset, lemmas in enumerate(wordnet.lemma_words):
        letter, thing = letters[str(wordnet.pos[synset])], int(wordnet.lexnames[synset] in _THINGS)
        for lemma, count in zip(lemmas, wordnet.lemma_counts[synset], strict=True):
            word = place.get(lemma)
            if word is not None:
                counts[word] += count
                tagged[word, letter] += count + 0.1  # untagged senses count a little: most words have no tag
                touched[word, thing] += count + 0.1
    related = lexical_pairs(words, wordnet)
    return Lexicon(
        words=words,
        counts=counts,
        pos=np.array(list("nvar"))[tagged.argmax(axis=1)],
        things=touched[:, 1] >= touched[:, 0],
        split=SPLIT_RULES[split](words, wordnet, related, heldout),
        related=related,
    )


def _by_word(words: Sequence[str], _: WordNet, related: LexicalPairs, heldout: Collection[str]) -> np.ndarray:
    antonyms = related.chosen([WordRelation.ANTONYM])
    return split_words(words, antonyms.first, antonyms.second, heldout)


def _by_family(
    words: Sequence[str], wordnet: WordNet, _: LexicalPairs, heldout: Collection[str]
) -> np.ndarray:
    return split_families(words, wordnet, heldout)


def _nothing(words: Sequence[str], *_: object) -> np.ndarray:
    return np.full(len(words), "train", dtype="<U5")


SPLIT_RULES: dict[SplitRule, Callable[..., np.ndarray]] = {
    "word": _by_word,
    "family": _by_family,
    "none": _nothing,
}
"""Rule -> (words, WordNet, related pairs, held-out digests) -> split of each word."""


def cached_embeddings(tower: Tower, words: tuple[str, ...]) -> np.ndarray:
    """Return the unit rows of words, float32 (n, dim), from the cache where the same tower encoded them.

    The weights, the arithmetic and the words count; a tower in training is encoded anew.
    """
    if tower.trainable:
        return tower.encode_texts(words, progress=True)
    content = {"tower": tower.sha256, "arithmetic": [str(tower.dtype), str(tower.device)], "words": words}
    return cached("embeddings", content, lambda: tower.encode_texts(words, progress=True), codec=ARRAY)


# How much of the drawing goes to each relation; within a relation, frequent words are drawn more readily.
SHARES = {
    WordRelation.ANTONYM: 0.25,
    WordRelation.OPPOSITE: 0.25,
    WordRelation.DERIVED_ANTONYM: 0.05,
    WordRelation.CLUSTER_ANTONYM: 0.45,
    WordRelation.SYNONYM: 0.85,
    WordRelation.SIMILAR: 0.13,
    WordRelation.ALSO_SEE: 0.02,
}
_WIDE, _LONGEST = 20_000, 6  # words drawn to be retained; tokens of the longest word tuned on
_COMMON = 0.003  # share of glosses from which a word in them goes with nothing in particular
_DENIAL = re.compile(
    r"(?<![a-z])(?:no|not|non|un|never|without|less|lack|lacking|absence|free|contrary|opposite)(?![a-z])"
)
_SENTENCES, _SHORTEST, _MOST_SPACES = 6_000, 3, 19  # sentences to be retained; spaces in them


@dataclass(frozen=True, eq=False)
class Materials:
    """What one experiment trains on.

    Attributes:
        words: The vocabulary that the batches point into, sentences to be retained last.
        sampler: The batches.
        targets: Target cosines of all pairs, (n, n); None where they are made batch by batch.
        class_of: Class (wnid) of each word, for the blog's kind of vocabulary; empty otherwise.
    """

    words: tuple[str, ...]
    sampler: Sampler
    targets: np.ndarray | None = None
    class_of: tuple[str, ...] = ()


def materials(settings: WordSettings, tower: Tower, vocabulary: Lexicon | None = None) -> Materials:
    """Return the words and batches of a training on words.

    Args:
        settings: Of method `matrix` or `relations`.
        tower: The base tower, whose cosines method `relations` retains.
        vocabulary: What method `relations` takes its words from; by default WordNet's, under its split.

    Raises:
        InputError: A word is unknown to the target, or there are too many words for the sampling.
    """
    if isinstance(settings, RelationSettings):
        return related_materials(settings, tower, vocabulary or lexicon(settings.split))
    if settings.words:
        return matrix_materials(settings, settings.listed_words)
    classes = synonym_classes(load_wordnet(), settings.classes, seed=settings.seed)
    both = [(word, wnid) for wnid, words in classes.items() for word in words]
    return matrix_materials(settings, tuple(word for word, _ in both), tuple(wnid for _, wnid in both))


def matrix_materials(
    settings: MatrixSettings,
    words: tuple[str, ...],
    synsets: tuple[str, ...] = (),
    *,
    whole: int = 4_096,
    most: int = 20_000,
) -> Materials:
    """Return the batches of a training over words that are at hand, with a target for every two of them.

    For sampling `in_batch` of a large vocabulary the targets are made batch by batch, and memory stays flat.

    Args:
        settings: Target, control, sampling; their own words or classes play no part.
        words: The vocabulary.
        synsets: The synset of each word, for targets by Wu-Palmer; each word's first noun sense if left out.
        whole: Words up to which the targets of all pairs are kept even where batches do without.
        most: Words of which all pairs still have room; 20,000 take 5 GB.

    Raises:
        InputError: A word or synset is unknown to the target, or the vocabulary is too large for all of its
            pairs, which every other sampling and most controls need.
    """
    if settings.control == "random_words":
        words, synsets = random_words(words, seed=settings.seed), ()
    among = TARGETS[settings.target].of(words, synsets)
    all_pairs = settings.sampling != "in_batch" or settings.control in ("shuffled", "constant")
    if len(words) > whole and not all_pairs:
        on_demand = TargetsOnDemand(len(words), among)
        return Materials(words, _sampler(settings, on_demand), None, synsets)
    if len(words) > most:
        raise InputError(
            f"the targets of all pairs of {len(words):,} words need {12 * len(words) ** 2 / 1e9:.0f} GB",
            "choose sampling 'in_batch' without control 'shuffled' or 'constant', or fewer words",
        )
    targets = among(np.arange(len(words)))
    if settings.control in ("shuffled", "constant"):
        targets = controlled(targets, settings.control, seed=settings.seed)
    return Materials(words, _sampler(settings, targets), targets, synsets)


def _sampler(settings: MatrixSettings, targets: np.ndarray | TargetsOnDemand) -> Sampler:
    make = SAMPLERS[settings.sampling]
    sampler = make(targets, batch=settings.batch, epochs=settings.epochs, seed=settings.seed)
    sampler.steps = settings.steps or sampler.steps
    return sampler


def related_materials(settings: RelationSettings, tower: Tower, vocabulary: Lexicon) -> Materials:
    """Return related pairs among the training words of a lexicon, beside words and sentences to be retained.

    Words to be retained stand for themselves, whatever `settings.texts` puts in place of those of the pairs.

    Args:
        settings: What is drawn and how.
        tower: The base tower, whose cosines are retained.
        vocabulary: The words and what relates them.

    Raises:
        InputError: The lexicon has no opposites or no relatives among its training words.
    """
    lengths = np.array([len(ids) for ids in tower.tokens(vocabulary.words)])
    usable = (vocabulary.split == "train") & (lengths > 0) & (lengths <= _LONGEST)  # 0: without a vector
    senses = {"sense_weight": settings.sense_weight, "least_share": settings.least_share}
    pairs = related_pairs(vocabulary, usable, RelationTargets(), **senses)
    if settings.control == "shuffled":
        pairs = pairs.shuffled(settings.seed)
    elif settings.control == "constant":
        pairs = pairs.constant()
    elif settings.control == "random_words":
        pairs = pairs.on_random_words(usable, settings.seed)
    wide = _wide(vocabulary, usable, settings.seed)
    known, things = vocabulary.words, vocabulary.things
    if settings.texts != "word":
        keyed, keyed_things, pairs = _by_sense(vocabulary, usable, pairs, settings.texts)
        known, things = (*known, *keyed), np.concatenate([things, keyed_things])
    kept = np.unique(np.concatenate([pairs.first, pairs.second, wide]))
    place = np.full(len(known), -1)
    place[kept] = np.arange(len(kept))
    sentences = training_sentences(vocabulary, settings.seed) if settings.sentences else ()
    free = place[: len(vocabulary.words)] >= 0
    associated = associated_pairs(vocabulary, free) if settings.associated else np.empty((0, 2), int)
    words = (*(known[index] for index in kept), *sentences)
    sampler = RelationSampler(
        replace(pairs, first=place[pairs.first], second=place[pairs.second]),
        cached_embeddings(tower, words),
        np.concatenate([things[kept], np.zeros(len(sentences), dtype=bool)]),
        place[wide],
        sentences=np.arange(len(kept), len(words)),
        associated=place[associated],
        plan=RelationPlan(
            batch=settings.batch,
            retained=settings.retained,
            weight_abstract=settings.weight_abstract,
            sentences=settings.sentences_drawn if sentences else 0,
            associated=settings.associated_drawn if len(associated) else 0,
        ),
        steps=settings.steps,
        seed=settings.seed,
    )
    return Materials(words, sampler)


def _by_sense(
    vocabulary: Lexicon, usable: np.ndarray, pairs: RelatedPairs, key: SenseKey
) -> tuple[tuple[str, ...], np.ndarray, RelatedPairs]:
    """Return texts of the senses that relate the pairs, which name things, and pairs that point to them.

    The texts stand behind the words of the lexicon; a word has as many as it has senses among the pairs.
    """
    wordnet = load_wordnet()
    ends = np.stack([pairs.first, pairs.second], axis=1)
    senses = np.stack([ends, _usable_pairs(vocabulary, usable).senses], axis=-1).reshape(-1, 2)
    different, place = np.unique(senses, axis=0, return_inverse=True)
    texts = tuple(sense_text(wordnet, vocabulary.words[word], one, key) for word, one in different.tolist())
    things = np.array([wordnet.lexnames[synset] in _THINGS for synset in different[:, 1]], dtype=bool)
    first, second = len(vocabulary.words) + place.reshape(-1, 2).T
    return texts, things, replace(pairs, first=first, second=second)


def _usable_pairs(vocabulary: Lexicon, usable: np.ndarray) -> LexicalPairs:
    pairs = vocabulary.related.chosen(SHARES)
    return pairs.where(usable[pairs.first] & usable[pairs.second])


def training_sentences(vocabulary: Lexicon, seed: int) -> tuple[str, ...]:
    """Return 6,000 glosses, or all there are, of synsets of WordNet all of whose words are training words.

    A gloss of a held-out word would name what its synonyms share; none of these is one.
    """
    wordnet = load_wordnet()
    heldout = {w for w, split in zip(vocabulary.words, vocabulary.split, strict=True) if split != "train"}
    glosses = {
        gloss
        for gloss, lemmas in zip(wordnet.glosses, wordnet.lemma_words, strict=True)
        if _SHORTEST <= gloss.count(" ") <= _MOST_SPACES and heldout.isdisjoint(lemmas)
    }
    order = np.random.default_rng([seed, 2]).permutation(len(glosses))[:_SENTENCES]
    ordered = sorted(glosses)
    return tuple(ordered[index] for index in order)


@lru_cache(maxsize=1)
def _glosses_with(wordnet: WordNet) -> Counter[str]:
    return Counter(part for gloss in wordnet.glosses for part in set(_LETTERS.findall(gloss.lower())))


def associated_pairs(vocabulary: Lexicon, usable: np.ndarray) -> np.ndarray:
    """Return pairs that only go together, a word with a word of its gloss, int64 (m, 2), earlier word first.

    Of each synset of which all words are usable, the glosses' usable words; glosses that deny something are
    left out, as they often name the opposite, and so is every pair that WordNet relates.

    Args:
        vocabulary: The words and what relates them.
        usable: Which words may be trained on, bool (n,).
    """
    wordnet, place = load_wordnet(), {word: index for index, word in enumerate(vocabulary.words)}
    said = np.array([_glosses_with(wordnet)[word] for word in vocabulary.words])
    usable = (
        usable & (vocabulary.counts > 0) & (vocabulary.pos != "r") & (said < _COMMON * len(wordnet.glosses))
    )
    related = set(zip(vocabulary.related.first.tolist(), vocabulary.related.second.tolist(), strict=True))
    found: set[tuple[int, int]] = set()
    for gloss, lemmas in zip(wordnet.glosses, wordnet.lemma_words, strict=True):
        heads = [place.get(lemma, -1) for lemma in lemmas]
        if any(head < 0 or not usable[head] for head in heads) or _DENIAL.search(gloss.lower()):
            continue
        parts = _LETTERS.findall(gloss.lower())
        inside = {place[part] for part in parts if part in place and usable[place[part]]}
        found |= {(min(head, part), max(head, part)) for head in heads for part in inside if head != part}
    return np.array(sorted(found - related), dtype=np.int64).reshape(-1, 2)


def related_pairs(
    vocabulary: Lexicon,
    usable: np.ndarray,
    values: RelationTargets,
    *,
    sense_weight: float = 0.0,
    least_share: float = 0.0,
) -> RelatedPairs:
    """Return the pairs of usable words that a lexicon relates, drawn by `SHARES`, frequency and sense.

    Args:
        vocabulary: The words and what relates them.
        usable: Which words may be trained on, bool (n,).
        values: The target cosine of each relation.
        sense_weight: Pairs are drawn by their share (`LexicalPairs`) to this power.
        least_share: Pairs of a lower share get weight 0, so they are ignored.
    """
    pairs = _usable_pairs(vocabulary, usable)
    return RelatedPairs(
        first=pairs.first,
        second=pairs.second,
        targets=pair_targets(pairs, values).astype(np.float32),
        opposite=np.isin(pairs.relation, REPULSIVE),
        weights=_drawing_weights(vocabulary, pairs, sense_weight, least_share),
    )


def _drawing_weights(
    vocabulary: Lexicon, found: LexicalPairs, sense_weight: float, least_share: float
) -> np.ndarray:
    rarer = np.minimum(vocabulary.counts[found.first], vocabulary.counts[found.second])
    by_pos = np.array([_POS_WEIGHTS[letter] for letter in found.pos])
    weights: np.ndarray = by_pos * (rarer + 0.3) ** 0.25 * found.share**sense_weight
    weights *= found.share >= least_share
    for relation, share in SHARES.items():
        here = found.relation == relation
        if weights[here].any():
            weights[here] *= share / weights[here].sum()
    return weights


def _wide(vocabulary: Lexicon, usable: np.ndarray, seed: int) -> np.ndarray:
    candidates = np.flatnonzero(usable)
    weights = np.sqrt(vocabulary.counts[candidates] + 0.3)
    size = min(_WIDE, len(candidates))
    rng = np.random.default_rng([seed, 1])
    return np.sort(rng.choice(candidates, size, replace=False, p=weights / weights.sum()))
