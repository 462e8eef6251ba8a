"""From settings to what a training needs: the words, the batches, and which words are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lexclip_core.config import Experiment
from lexclip_core.datasets.imagenet_classes import synonym_classes
from lexclip_core.errors import InputError
from lexclip_core.pairs import (
    PairSampler,
    RelatedPairs,
    RelationPlan,
    RelationSampler,
    Sampler,
    TargetsOnDemand,
    WordSampler,
)
from lexclip_core.synsets import load_wordnet
from lexclip_core.targets import (
    REPULSIVE,
    Ladder,
    LexicalPairs,
    Policy,
    Rung,
    check_words,
    controlled,
    first_senses,
    lexical_targets,
    load_taxonomy,
    pair_targets,
    random_words,
    word_similarity,
    wu_palmer,
)
from lexclip_core.towers import Tower
from lexclip_core.tuning.embedding_cache import cached_embeddings
from lexclip_core.tuning.lexicon import Lexicon, lexicon
from lexclip_core.words import read_words

# How much of the drawing goes to each rung; within a rung, frequent words are drawn more readily.
_SHARES = {
    Rung.ANTONYM: 0.25,
    Rung.OPPOSITE: 0.25,
    Rung.DERIVED_ANTONYM: 0.05,
    Rung.CLUSTER_ANTONYM: 0.45,
    Rung.SYNONYM: 0.85,
    Rung.SIMILAR: 0.13,
    Rung.ALSO_SEE: 0.02,
}
# Synonymy of nouns is mostly Latin names of plants and animals; opposites are mostly adjectives.
_POS_WEIGHTS = {"a": 2.0, "v": 1.5, "n": 1.0, "r": 0.5}
_WHOLE = 4_096  # words up to which the targets of all pairs are kept even where batches do without
_MOST = 20_000  # words of which all pairs still have room: 5 GB
_WIDE, _LONGEST = 20_000, 6  # words drawn to be retained; tokens of the longest word tuned on


@dataclass(frozen=True, eq=False)
class Materials:
    """What one experiment trains on.

    Attributes:
        words: The vocabulary that the batches point into.
        sampler: The batches.
        targets: Target cosines of all pairs, (n, n); None where they are made batch by batch.
        class_of: Class (wnid) of each word, for the blog's kind of vocabulary; empty otherwise.
    """

    words: tuple[str, ...]
    sampler: Sampler
    targets: np.ndarray | None = None
    class_of: tuple[str, ...] = ()


def materials(experiment: Experiment, tower: Tower) -> Materials:
    """Return the words and batches of an experiment.

    Args:
        experiment: The settings.
        tower: The base tower, whose cosines are retained by sampling `relations`.

    Raises:
        InputError: The vocabulary, target and sampling do not go together.
    """
    if (experiment.sampling == "relations") != (experiment.vocabulary == "wordnet"):
        raise InputError(
            f"vocabulary {experiment.vocabulary!r} with sampling {experiment.sampling!r}",
            "sampling 'relations' goes with vocabulary 'wordnet', the others with lists of words",
        )
    if experiment.vocabulary == "wordnet":
        return related_materials(experiment, tower, lexicon())
    return matrix_materials(experiment, *_VOCABULARIES[experiment.vocabulary](experiment))


def matrix_materials(
    experiment: Experiment, words: tuple[str, ...], synsets: tuple[str, ...] = ()
) -> Materials:
    """Return the batches of an experiment over words that are at hand, with a target for every two of them.

    Args:
        experiment: The settings; its own vocabulary plays no part.
        words: The vocabulary.
        synsets: The synset of each word, for targets by Wu-Palmer; each word's first noun sense if left out.

    For sampling `in_batch` of a large vocabulary the targets are made batch by batch, and memory stays flat.

    Raises:
        InputError: The sampling is `relations`, a word or synset is unknown to the target, or the vocabulary
            is too large for all of its pairs, which every other sampling and most controls need.
    """
    if experiment.sampling == "relations":
        raise InputError(
            "sampling 'relations' has no matrix of targets", "choose pairs, in_batch or full_matrix"
        )
    if experiment.control == "random_words":
        words, synsets = random_words(words, seed=experiment.seed), ()
    many = len(words) > _WHOLE
    if many and experiment.sampling == "in_batch" and experiment.control in ("none", "random_words"):
        return Materials(words, _sampler(experiment, _on_demand(experiment, words, synsets)), None, synsets)
    if len(words) > _MOST:
        raise InputError(
            f"the targets of all pairs of {len(words):,} words need {12 * len(words) ** 2 / 1e9:.0f} GB",
            "choose sampling 'in_batch' without control 'shuffled' or 'constant', or fewer words",
        )
    targets = _targets(experiment, words, synsets)
    if experiment.control in ("shuffled", "constant"):
        targets = controlled(targets, experiment.control, seed=experiment.seed)
    return Materials(words, _sampler(experiment, targets), targets, synsets)


def _sampler(experiment: Experiment, targets: np.ndarray | TargetsOnDemand) -> Sampler:
    size, epochs, seed = experiment.batch, experiment.epochs, experiment.seed
    sampler: Sampler
    if isinstance(targets, TargetsOnDemand) or experiment.sampling == "in_batch":
        sampler = WordSampler(targets, batch=size, epochs=epochs, seed=seed)
    elif experiment.sampling == "pairs":
        sampler = PairSampler(targets, batch=size, epochs=epochs, seed=seed)
    else:
        sampler = WordSampler(targets, batch=len(targets), epochs=epochs, seed=seed)
    sampler.steps = experiment.steps or sampler.steps
    return sampler


def _imagenet_words(experiment: Experiment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    classes = synonym_classes(load_wordnet(), experiment.classes, seed=experiment.seed)
    both = [(word, wnid) for wnid, words in classes.items() for word in words]
    return tuple(word for word, _ in both), tuple(wnid for _, wnid in both)


def _given_words(experiment: Experiment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    words = read_words(experiment.words.split(",")).words
    if len(words) < 2:
        raise InputError(f"{len(words)} word is given", "give at least two, separated by commas")
    return words, ()


_VOCABULARIES: dict[str, Callable[[Experiment], tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "imagenet_synonyms": _imagenet_words,
    "words": _given_words,
}


def _targets(experiment: Experiment, words: tuple[str, ...], synsets: tuple[str, ...]) -> np.ndarray:
    if experiment.target == "lexical":
        return lexical_targets(words)
    policy: Policy = "nltk" if experiment.target == "wu_palmer_nltk" else "lawful"
    if synsets:
        return wu_palmer(synsets, policy=policy)
    return word_similarity(words, pos="n", how="first_sense", policy=policy)


def _on_demand(experiment: Experiment, words: tuple[str, ...], synsets: tuple[str, ...]) -> TargetsOnDemand:
    """Return the targets of `_targets`, for the words of a batch at a time; unknown words are named now."""
    if experiment.target == "lexical":
        check_words(words, load_wordnet())
        return TargetsOnDemand(len(words), lambda rows: lexical_targets([words[row] for row in rows]))
    policy: Policy = "nltk" if experiment.target == "wu_palmer_nltk" else "lawful"
    senses = load_taxonomy().ids(synsets) if synsets else first_senses(words, "n")
    return TargetsOnDemand(len(words), lambda rows: wu_palmer(senses[rows], policy=policy))


def related_materials(experiment: Experiment, tower: Tower, vocabulary: Lexicon) -> Materials:
    """Return related pairs among the training words of a lexicon, beside words to be retained.

    Raises:
        InputError: The control is `random_words`: it needs other words, and WordNet's are already all there.
    """
    if experiment.control == "random_words":
        raise InputError(
            "control 'random_words' with sampling 'relations'",
            "choose control 'shuffled' or 'constant', or vocabulary 'words' or 'imagenet_synonyms'",
        )
    lengths = np.array([len(ids) for ids in tower.tokens(vocabulary.words)])
    usable = (vocabulary.split == "train") & (lengths <= _LONGEST)
    pairs = _related_pairs(vocabulary, usable, Ladder())
    if experiment.control == "shuffled":
        pairs = pairs.shuffled(experiment.seed)
    elif experiment.control == "constant":
        pairs = pairs.constant()
    wide = _wide(vocabulary, usable, experiment.seed)
    kept = np.unique(np.concatenate([pairs.first, pairs.second, wide]))
    place = np.full(len(vocabulary.words), -1)
    place[kept] = np.arange(len(kept))
    words = tuple(vocabulary.words[index] for index in kept)
    sampler = RelationSampler(
        RelatedPairs(place[pairs.first], place[pairs.second], pairs.targets, pairs.opposite, pairs.weights),
        cached_embeddings(tower, words),
        vocabulary.things[kept],
        place[wide],
        plan=RelationPlan(batch=experiment.batch, retained=experiment.retained, lenient=experiment.lenient),
        steps=experiment.steps,
        seed=experiment.seed,
    )
    return Materials(words, sampler)


def _related_pairs(vocabulary: Lexicon, usable: np.ndarray, ladder: Ladder) -> RelatedPairs:
    found = vocabulary.related.chosen(_SHARES)
    keep = usable[found.first] & usable[found.second]
    found = LexicalPairs(found.first[keep], found.second[keep], found.rung[keep])
    return RelatedPairs(
        first=found.first,
        second=found.second,
        targets=pair_targets(found, ladder).astype(np.float32),
        opposite=np.isin(found.rung, REPULSIVE),
        weights=_drawing_weights(vocabulary, found),
    )


def _drawing_weights(vocabulary: Lexicon, found: LexicalPairs) -> np.ndarray:
    rarer = np.minimum(vocabulary.counts[found.first], vocabulary.counts[found.second])
    by_pos = np.array([_POS_WEIGHTS[letter] for letter in vocabulary.pos[found.first]])
    weights = by_pos * (rarer + 0.3) ** 0.25
    for rung, share in _SHARES.items():
        here = found.rung == rung
        if here.any():
            weights[here] *= share / weights[here].sum()
    return weights


def _wide(vocabulary: Lexicon, usable: np.ndarray, seed: int) -> np.ndarray:
    candidates = np.flatnonzero(usable)
    weights = np.sqrt(vocabulary.counts[candidates] + 0.3)
    size = min(_WIDE, len(candidates))
    rng = np.random.default_rng([seed, 1])
    return np.sort(rng.choice(candidates, size, replace=False, p=weights / weights.sum()))
