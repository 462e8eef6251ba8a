"""Synonyms against antonyms: how often a text encoder has them the wrong way round (claims B3 to B6).

Triples of a word, a synonym and an antonym come from WordNet's lemma-level links; the measures take cosines,
or an encoder, which is any function of texts. A pair of words is related by one sense of each:
`related_senses` says which, and how much of a word it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import row_cosines
from lexclip_core.evaluation.intervals import (
    CountedStatistic,
    Estimate,
    counted_bootstrap,
    interval_of,
    mean_over_words,
    metric_name,
    wilson_interval,
)
from lexclip_core.towers.encoder import Encoder, Unknown, counted
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import normalise

SynonymPolicy = Literal["same_synset", "similar_to", "also_see"]
PartOfSpeech = Literal["n", "v", "a", "r"]
ConsistencyRule = Literal["same", "expected"]

_SYNSETS: dict[str, Callable[[WordNet, int], Iterable[int]]] = {
    "same_synset": lambda wordnet, synset: (synset,),
    "similar_to": lambda wordnet, synset: wordnet.similar_to.of(synset).tolist(),
    "also_see": lambda wordnet, synset: wordnet.also_see.of(synset).tolist(),
}


@dataclass(frozen=True)
class Triples:
    """Words with one synonym and one direct antonym each, normalised and distinct as triples.

    Attributes:
        words: The words in the middle, (n,).
        synonyms: A synonym of each under `policy`, (n,).
        antonyms: A direct antonym of each, (n,).
        pos: n, v, a (satellites included) or r for each, (n,).
        policy: What counted as a synonym.
    """

    words: tuple[str, ...]
    synonyms: tuple[str, ...]
    antonyms: tuple[str, ...]
    pos: tuple[str, ...]
    policy: SynonymPolicy

    def __len__(self) -> int:
        return len(self.words)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Return every word that must be encoded, once."""
        return tuple(dict.fromkeys(self.words + self.synonyms + self.antonyms))

    def indices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the places of words, synonyms and antonyms in `vocabulary`, (n,) int64 each."""
        place = {word: number for number, word in enumerate(self.vocabulary)}
        words, synonyms, antonyms = (
            np.array([place[word] for word in column], np.int64)
            for column in (self.words, self.synonyms, self.antonyms)
        )
        return words, synonyms, antonyms

    def chosen(self, keep: Iterable[bool]) -> Triples:
        """Return the triples whose flag is set, such as those that share no word with tuning.

        >>> triples = Triples(("hot", "big"), ("warm", "large"), ("cold", "small"), ("a", "a"), "same_synset")
        >>> triples.chosen([False, True]).vocabulary
        ('big', 'large', 'small')
        """
        columns = (self.words, self.synonyms, self.antonyms, self.pos)
        rows = [row for row, chosen in zip(zip(*columns, strict=True), keep, strict=True) if chosen]
        return _triples_of(rows, self.policy)

    def known(self, unknown: Unknown) -> Triples:
        """Return the triples of words that all have a vector; a warning counts the others."""
        rows = list(zip(self.words, self.synonyms, self.antonyms, strict=True))
        return self.chosen(counted(rows, unknown, "triples").tolist())

    def sample(self, size: int, *, seed: int) -> Triples:
        """Return at most `size` triples of each part of speech, drawn without replacement, in order."""
        rng, drawn = np.random.default_rng(seed), np.zeros(len(self), bool)
        pos = np.array(self.pos)
        for letter in dict.fromkeys(self.pos):
            places = np.flatnonzero(pos == letter)
            drawn[rng.choice(places, min(size, len(places)), replace=False)] = True
        return self.chosen(drawn.tolist())


def wordnet_triples(wordnet: WordNet, pos: PartOfSpeech | None, policy: SynonymPolicy) -> Triples:
    """Return every (word, synonym, direct antonym) that WordNet's lemma-level antonym links give.

    Policies: `same_synset` takes the other lemmas of the synset that has the antonym, `similar_to` the lemmas
    of its cluster's synsets, `also_see` those of its see-also synsets; the last two give adjectives only.
    Antonymy stays direct under each. A triple is dropped if two of its words are equal once normalised, or if
    its synonym is itself a direct antonym of the word.

    Args:
        wordnet: WordNet's tables.
        pos: Part of speech; "a" includes satellites; None takes all four.
        policy: What counts as a synonym.

    Raises:
        InputError: Unknown policy or part of speech, or WordNet has no such triple.
    """
    if policy not in _SYNSETS:
        raise InputError(f"unknown synonym policy {policy!r}", f"choose from {', '.join(_SYNSETS)}")
    if pos is not None and pos not in get_args(PartOfSpeech):
        raise InputError(
            f"unknown part of speech {pos!r}", f"choose from {', '.join(get_args(PartOfSpeech))}, or None"
        )
    opposites = {(word, antonym) for _, word, antonym in _antonyms(wordnet)}
    rows = [row for row in dict.fromkeys(_triples(wordnet, pos, policy)) if row[:2] not in opposites]
    if not rows:
        raise InputError(
            f"WordNet links no synonyms by {policy} to an antonym-bearing synset of part of speech {pos!r}",
            "similar_to and also_see give adjectives only; same_synset gives all four parts of speech",
        )
    return _triples_of(rows, policy)


def _antonyms(wordnet: WordNet) -> Iterator[tuple[int, str, str]]:
    """Yield the synset, the word, and the antonym of each link."""
    links = wordnet.antonym_links
    columns = (links.synset_i, links.lemma_i, links.synset_j, links.lemma_j)
    for synset, lemma, other, other_lemma in zip(*(column.tolist() for column in columns), strict=True):
        yield synset, normalise(wordnet.lemmas[synset][lemma]), normalise(wordnet.lemmas[other][other_lemma])


def _triples(wordnet: WordNet, pos: str | None, policy: str) -> Iterator[tuple[str, str, str, str]]:
    for synset, word, antonym in _antonyms(wordnet):
        letter = "a" if wordnet.pos[synset] == "s" else str(wordnet.pos[synset])
        if pos is not None and letter != pos:
            continue
        for near in _SYNSETS[policy](wordnet, synset):
            for synonym in map(normalise, wordnet.lemmas[near]):
                if len({word, synonym, antonym}) == 3:
                    yield word, synonym, antonym, letter


def _triples_of(rows: list[tuple[str, str, str, str]], policy: SynonymPolicy) -> Triples:
    words, synonyms, antonyms, pos = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Triples(words, synonyms, antonyms, pos, policy)


def triple_cosines(encode: Encoder, triples: Triples, template: str = "{}") -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines of each word with its synonym and with its antonym, (n,) each, inside a template.

    Args:
        encode: Texts to unit rows.
        triples: From `wordnet_triples`.
        template: A text in which `{}` stands for the word.

    Raises:
        InputError: The template has no place for a word.
    """
    if "{}" not in template:
        raise InputError(f"template {template!r} has no place for a word", "write {} where the word goes")
    vectors = encode([template.replace("{}", word) for word in triples.vocabulary])
    words, synonyms, antonyms = (vectors[rows] for rows in triples.indices())
    return row_cosines(words, synonyms), row_cosines(words, antonyms)


def template_cosines(
    encode: Encoder, triples: Triples, templates: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return `triple_cosines` under each of T templates, (T, n) each: what `template_consistency` takes."""
    near, far = zip(*(triple_cosines(encode, triples, template) for template in templates), strict=True)
    return np.stack(near), np.stack(far)


def measure_triples(encode: Encoder, triples: Triples, *, split: str) -> dict[str, Estimate]:
    """Return the `inversion_rate` of an encoder on triples, as a whole and by part of speech."""
    near, far = triple_cosines(encode, triples)
    words = list(zip(triples.words, triples.synonyms, triples.antonyms, strict=True))
    return inversion_rate(near, far, split=split, policy=triples.policy, pos=triples.pos, words=words)


DOMINANT = 0.1
"""Share of a word's sense tags that a sense must have to be called dominant."""


class RelatedSenses(NamedTuple):
    """The two senses by which two words are related.

    Attributes:
        pos: Part of speech of the relation: n, v, a (satellites included) or r.
        share: The smaller of the shares that the two senses have of their own word's sense tags, in [0, 1];
            both are dominant where it is at least `DOMINANT`.
    """

    pos: str
    share: float


def related_senses(
    wordnet: WordNet, pairs: Sequence[tuple[str, str]], relations: Sequence[str]
) -> list[RelatedSenses]:
    """Return by which senses the two words of each pair are synonyms or antonyms.

    Synonyms share a synset; antonyms stand in two synsets that an antonym link joins, whichever lemmas it
    names. Where several senses do so, those count whose smaller share is the largest, the first sense first.
    "can" and "toilet" are synonyms by a sense that "can" hardly ever has: its share tells.

    Args:
        wordnet: WordNet's tables, whose sense-tagged texts give the shares; of a word without tags every
            sense has share 0.
        pairs: Both words of each pair.
        relations: "synonym" or "antonym" for each.

    Raises:
        InputError: Lengths that differ, an unknown relation, or a pair that is not related so.

    >>> from lexclip_core.wordnet.tables import load_wordnet
    >>> wordnet, pairs = load_wordnet(), [("can", "toilet"), ("couch", "sofa")]
    >>> related_senses(wordnet, pairs, ["synonym", "synonym"])  # couch: 5 of 6 tags, sofa: all 5
    [RelatedSenses(pos='n', share=0.0), RelatedSenses(pos='n', share=0.8333333333333334)]
    """
    if len(pairs) != len(relations):
        raise InputError(f"{len(relations)} relations for {len(pairs)} pairs", "give one per pair")
    reached: dict[str, Callable[[int], Sequence[int]]] = {
        "synonym": lambda synset: (synset,),
        "antonym": lambda synset: [other for other, _ in wordnet.antonym_links.of(synset)],
    }

    @cache
    def shares(word: str) -> dict[int, float]:
        counts = wordnet.sense_counts(word)
        return dict(zip(wordnet.synsets(word), (counts / max(counts.sum(), 1)).tolist(), strict=True))

    found = []
    for (word, other), relation in zip(pairs, relations, strict=True):
        if relation not in reached:
            raise InputError(f"unknown relation {relation!r}", f"choose one of {', '.join(reached)}")
        own, others = shares(word), shares(other)
        senses = [
            (min(share, others[end]), synset)
            for synset, share in own.items()
            for end in reached[relation](synset)
            if end in others
        ]
        if not senses:
            raise InputError(f"WordNet has no senses of {word!r} and {other!r} that are {relation}s")
        share, synset = max(senses, key=lambda one: one[0])
        found.append(RelatedSenses("a" if wordnet.pos[synset] == "s" else str(wordnet.pos[synset]), share))
    return found


def inversion_rate(
    cosine_synonym: np.ndarray,
    cosine_antonym: np.ndarray,
    *,
    split: str,
    policy: str,
    pos: Sequence[str] | None = None,
    words: Sequence[tuple[str, ...]] | None = None,
) -> dict[str, Estimate]:
    """Return the share of triples whose antonym is at least as near as the synonym, with intervals.

    Keys are "split/inversion_rate/policy" and, with `pos`, one more for each part of speech in it. A tie
    counts as inverted, so that an encoder that maps all words to one point does not look perfect. Triples
    that share a word are not independent: with `words` these are resampled; without, the interval is
    Wilson's of independent triples, hence a little narrow. Claim B5 states the phenomenon; it gives no rate.

    Args:
        cosine_synonym: (n,) cosines of word and synonym.
        cosine_antonym: (n,) cosines of the same words with their antonyms.
        split: Which words: heldout, seen, all, ...
        policy: The synonym policy that made the triples.
        pos: (n,) part of speech of each triple.
        words: (n,) the three words of each.

    Raises:
        InputError: No triple, lengths that differ, or a cosine that is not finite.

    >>> rate = inversion_rate(np.array([0.9, 0.6]), np.array([0.7, 0.8]), split="all", policy="same_synset")
    >>> rate["all/inversion_rate/same_synset"].value
    0.5
    """
    near, far = _checked(cosine_synonym, cosine_antonym)
    inverted = far >= near
    name = metric_name(split, "inversion_rate", policy)

    def rate(chosen: np.ndarray) -> Estimate:
        if words is None:
            return wilson_interval(int(inverted[chosen].sum()), int(chosen.sum()))
        return mean_over_words(inverted[chosen], [words[place] for place in np.flatnonzero(chosen).tolist()])

    result = {name: rate(np.ones(len(inverted), bool))}
    if pos is not None:
        letters = np.asarray(pos)
        if letters.shape != inverted.shape:
            raise InputError(
                f"{len(letters)} parts of speech for {len(inverted)} triples", "give one of each per triple"
            )
        for letter in sorted(set(letters.tolist())):
            result[f"{name}/{letter}"] = rate(letters == letter)
    return result


def synonym_over_antonym_auc(
    cosines: np.ndarray,
    relations: Sequence[str],
    *,
    split: str,
    words: Sequence[tuple[str, str]] | None = None,
) -> dict[str, Estimate]:
    """Return "split/synonym_over_antonym_auc": the chance that a synonym pair is the nearer one.

    A random synonym pair is compared with a random antonym pair; ties count half; 1/2 is no order at all.
    The interval is a percentile bootstrap. With `words` these are resampled at both ends of the pairs, since
    pairs that share a word are not independent; without, single pairs are, and the interval is too narrow
    where words repeat.

    Args:
        cosines: (n,) cosines of the pairs; (2, n) of two towers, before and after tuning: then the value is
            the paired change, the second AUC minus the first on the same resamples.
        relations: (n,) "synonym" or "antonym"; pairs of any other relation are left out.
        split: Which words: heldout, seen, all, ...
        words: (n,) both words of each pair.

    Raises:
        InputError: One of the two relations has no pair, or the lengths differ.

    >>> relations = ["synonym", "antonym", "antonym"]
    >>> auc = synonym_over_antonym_auc(np.array([0.8, 0.7, 0.9]), relations, split="heldout")
    >>> auc["heldout/synonym_over_antonym_auc"].value
    0.5
    """
    n = np.shape(cosines)[-1]
    if len(relations) != n or (words is not None and len(words) != n):
        raise InputError(
            f"{n} cosines, {len(relations)} relations and the words do not pair",
            "give one of each per pair",
        )
    judged, synonym = _judged(cosines, relations)
    aucs = [_auc(row[judged], synonym) for row in np.atleast_2d(cosines)]
    some = None if words is None else [*compress(words, judged)]
    estimate = counted_bootstrap(aucs, len(synonym), some)
    return {metric_name(split, "synonym_over_antonym_auc"): estimate}


def _judged(cosines: np.ndarray, relations: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return which pairs are synonyms or antonyms, and of these, which are synonyms."""
    labels = np.asarray(relations)
    judged = (labels == "synonym") | (labels == "antonym")
    synonym = labels[judged] == "synonym"
    if synonym.all() or not synonym.any():
        raise InputError(
            f"{int(synonym.sum())} synonym pairs against {int((~synonym).sum())} antonym pairs",
            "give at least one pair of each relation",
        )
    if not np.isfinite(np.atleast_2d(cosines)[:, judged]).all():
        raise InputError("a cosine is not a finite number", "drop or repair the pair")
    return judged, synonym


def _auc(values: np.ndarray, synonym: np.ndarray) -> CountedStatistic:
    """Return the AUC of pairs by how often each counts; nan where a resample lost one of the relations."""
    synonyms, antonyms = np.flatnonzero(synonym), np.flatnonzero(~synonym)
    antonyms = antonyms[np.argsort(values[antonyms])]
    left, right = (np.searchsorted(values[antonyms], values[synonyms], side) for side in ("left", "right"))

    def auc(counts: np.ndarray) -> np.ndarray:
        below = np.zeros((len(antonyms) + 1, counts.shape[1]))
        counts[antonyms].cumsum(axis=0, out=below[1:])
        nearer = counts[synonyms]
        wins = np.einsum("nr,nr->r", nearer, below[left] + below[right]) / 2  # ties count half
        value: np.ndarray = wins / (nearer.sum(axis=0) * below[-1])
        return value

    return auc


def template_consistency(
    cosine_synonym: np.ndarray,
    cosine_antonym: np.ndarray,
    *,
    count: ConsistencyRule = "same",
    subsets: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the share of triples that keep one order in all of t templates, as a curve over t = 1 .. T.

    Claim B6 names a share of about 30 % without a definition; two are offered. "same": the order of synonym
    and antonym is the same in all t templates, whichever it is; "expected": the synonym is strictly nearer
    in all t. `value` is exact, the mean over all subsets of t templates; `low` and `high` hold 95 % of
    `subsets` random ones (seeded), so they show the choice of templates, not the sampling of triples.

    Args:
        cosine_synonym: (T, n) cosines of word and synonym under each of T templates.
        cosine_antonym: (T, n) cosines of word and antonym.
        count: Which of the two shares.
        subsets: Random template subsets drawn for each t.
        seed: Seed of the draw.

    Returns:
        Columns templates, value, low, high, n (triples); T rows.

    Raises:
        InputError: Unknown `count`, no template or triple, shapes that differ.

    >>> near, far = np.array([[0.9, 0.8], [0.9, 0.6]]), np.array([[0.5, 0.7], [0.6, 0.7]])  # 2 templates
    >>> template_consistency(near, far)["value"].tolist()  # the second triple changes its order
    [1.0, 0.5]
    """
    near, far = _checked(cosine_synonym, cosine_antonym, dimensions=2)
    if count not in _COUNTS:
        raise InputError(f"unknown count {count!r}", f"choose from {', '.join(_COUNTS)}")
    expected = near > far
    templates, n = expected.shape
    agreeing, rng, rows = expected.sum(axis=0), np.random.default_rng(seed), []
    for size in range(1, templates + 1):
        value = float(np.mean(_COUNTS[count](agreeing, templates, size)))
        drawn = [rng.choice(templates, size, replace=False) for _ in range(subsets)]
        shares = np.array([np.mean(_unanimous(expected[chosen], count)) for chosen in drawn])
        low, high = interval_of(shares, value)
        rows.append((size, value, low, high, n))
    return pd.DataFrame(rows, columns=["templates", "value", "low", "high", "n"])


def _unanimous(expected: np.ndarray, count: ConsistencyRule) -> np.ndarray:
    agreed: np.ndarray = np.asarray(expected.all(axis=0))
    return agreed | ~np.asarray(expected.any(axis=0)) if count == "same" else agreed


def _share_of_subsets(members: np.ndarray, templates: int, size: int) -> np.ndarray:
    """Return C(members, size) / C(templates, size): how many subsets hold members only."""
    from scipy.special import comb

    share: np.ndarray = comb(members, size) / comb(templates, size)
    return share


_COUNTS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "expected": _share_of_subsets,
    "same": lambda members, templates, size: (
        _share_of_subsets(members, templates, size) + _share_of_subsets(templates - members, templates, size)
    ),
}


def _checked(near: np.ndarray, far: np.ndarray, dimensions: int = 1) -> tuple[np.ndarray, np.ndarray]:
    near, far = np.asarray(near, np.float64), np.asarray(far, np.float64)
    if near.shape != far.shape or near.ndim != dimensions:
        raise InputError(
            f"cosines of shapes {near.shape} and {far.shape} do not pair", "give one of each per triple"
        )
    if near.size == 0:
        raise InputError("there is no triple to judge", "give at least one (word, synonym, antonym)")
    if not (np.isfinite(near).all() and np.isfinite(far).all()):
        raise InputError("a cosine is not a finite number", "drop or repair the triple")
    return near, far
