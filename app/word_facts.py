"""What is known of one word: senses, related words with targets and training pairs, and cautions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lexclip_core.targets.relations import (
    RelationTargets,
    WordRelation,
    lexical_pairs,
    lexical_relations,
    lexical_targets,
)
from lexclip_core.training.settings import RelationSettings, SplitRule, TrainingSettings
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import normalise

if TYPE_CHECKING:
    from lexclip_core.experiments.explorer_data import WideVocabulary

POS = {"n": "noun", "v": "verb", "a": "adjective", "s": "adjective", "r": "adverb"}
RELATED_COLUMNS = ("word", "relation", "target", "cosine_before", "cosine_after", "trained")
MOST_RELATED = 60


def senses(wordnet: WordNet, word: str) -> pd.DataFrame:
    """Return a word's senses: columns sense, pos, gloss, count (in WordNet's tagged texts), synonyms."""
    rows = []
    for synset in wordnet.morphy(word):
        places = wordnet.lemma_places(word, synset)
        count = max((wordnet.lemma_counts[synset][place] for place in places), default=0)
        others = [normalise(one) for one in wordnet.lemmas[synset] if normalise(one) != word]
        name = wordnet.name(synset)
        gloss = re.sub(r"(;\s*)+(-.*)?$", "", wordnet.glosses[synset])  # what quotations leave behind
        rows.append((name, POS[str(wordnet.pos[synset])], gloss, count, ", ".join(others)))
    return pd.DataFrame(rows, columns=["sense", "pos", "gloss", "count", "synonyms"])


def note(wordnet: WordNet, typed: str, word: str) -> str:
    """Return what to be careful of with a word: unknown, in another script, inflected; "" else."""
    letters = [letter for letter in word if letter.isalpha()]
    if any("LATIN" not in unicodedata.name(letter, "") for letter in letters):
        return (
            f"“{word}” is not written in the Latin alphabet. The tower was trained on English: it knows "
            "little more than its letters, so read its neighbours with care."
        )
    if not wordnet.synsets(word):
        bases = wordnet.morphy(word)
        if bases:
            base = normalise(wordnet.lemmas[bases[0]][0])
            return f"WordNet lists “{word}” under another form, such as “{base}”."
        return (
            f"WordNet does not list “{word}”. It may be a name, a new word, or made up: the tower builds "
            "its vector from pieces of letters."
        )
    if unicodedata.normalize("NFKC", typed).casefold().strip() != typed.casefold().strip():
        return f"Read as “{word}”."
    return ""


def relation_name(relation: int) -> str:
    """Return a relation as the pages call it, such as `derived antonym`."""
    return WordRelation(relation).name.lower().replace("_", " ")


ALIKE = {"opposite": "antonym", "derived antonym": "antonym", "cluster antonym": "antonym", "": "typed"}


def drawn_as(relation: str) -> str:
    """Return the name under which a typed pair of a relation is drawn: opposites of all kinds look alike."""
    return ALIKE.get(relation, "typed" if relation in ("unrelated", "taxonomy") else relation)


def reasons(wordnet: WordNet, word: str, others: list[str]) -> dict[str, str]:
    """Return other word -> how WordNet relates it to the word; those that it does not relate are left out."""
    words = list(dict.fromkeys([word, *others]))
    pairs = lexical_pairs(words, wordnet)
    here = (pairs.first == 0) | (pairs.second == 0)
    ends = np.where(pairs.first[here] == 0, pairs.second[here], pairs.first[here])
    return {words[end]: relation_name(kind) for end, kind in zip(ends, pairs.relation[here], strict=True)}


def relation_of(pair: tuple[str, str]) -> tuple[str, float | None]:
    """Return how WordNet relates two words, and the cosine that training on its relations asks for.

    Where WordNet lacks a word, the relation is "" and there is no target.
    """
    wordnet = load_wordnet()
    if not all(wordnet.synsets(word) for word in pair):
        return "", None
    relation = lexical_relations(pair)[0, 1]
    return relation_name(int(relation)), float(lexical_targets(pair)[0, 1])


def relation_settings(config: Mapping[str, Any]) -> RelationSettings:
    """Return the settings of a run on relations; of another run those of the preset `lexclip`.

    Raises:
        InputError: The run's configuration is damaged.
    """
    stored = dict(config) if config.get("method") == "relations" else {"preset": "lexclip"}
    settings = TrainingSettings.from_flat(stored)
    assert isinstance(settings, RelationSettings)  # of that method
    return settings


@lru_cache(maxsize=2)
def _drawn_pairs(
    split: SplitRule, sense_weight: float, least_share: float
) -> tuple[dict[str, int], np.ndarray, np.ndarray, np.ndarray]:
    """Return the lexicon's places of words, and the pairs that a training on it draws, with their weights."""
    from lexclip_core.experiments.words import lexicon, related_pairs

    vocabulary = lexicon(split)
    made = related_pairs(
        vocabulary,
        vocabulary.split == "train",
        RelationTargets(),
        sense_weight=sense_weight,
        least_share=least_share,
    )
    drawn = made.weights > 0
    places = dict(zip(vocabulary.words, range(len(vocabulary.words)), strict=True))
    return places, made.first[drawn], made.second[drawn], made.weights[drawn]


def _drawn_by(settings: RelationSettings) -> tuple[dict[str, int], np.ndarray, np.ndarray, np.ndarray]:
    return _drawn_pairs(settings.split, settings.sense_weight, settings.least_share)


def split_of(word: str, settings: RelationSettings) -> str:
    """Return the part of a run's lexicon that a word belongs to: train, dev or test; "" where unknown."""
    from lexclip_core.experiments.words import lexicon

    place = _drawn_by(settings)[0].get(word)
    return "" if place is None else str(lexicon(settings.split).split[place])


def related(word: str, wide: WideVocabulary | None, settings: RelationSettings) -> pd.DataFrame:
    """Return the words that WordNet relates to a word, those that pulled it most in training first.

    A pair pulls by how often training draws it, times how far its cosine was from its target.

    Args:
        word: The word.
        wide: Vectors before and after; words without one have no cosines.
        settings: Of the training whose pairs are meant.

    Returns:
        The columns of `RELATED_COLUMNS`; `trained` says whether training draws the pair.
    """
    from lexclip_core.experiments.words import lexicon

    places, first, second, weights = _drawn_by(settings)
    own = places.get(word)
    if own is None:
        return pd.DataFrame(columns=list(RELATED_COLUMNS))
    vocabulary, values = lexicon(settings.split), RelationTargets()
    pairs = vocabulary.related
    here = np.flatnonzero((pairs.first == own) | (pairs.second == own))
    others = np.where(pairs.first[here] == own, pairs.second[here], pairs.first[here])
    trained = np.flatnonzero((first == own) | (second == own))
    drawn = dict(
        zip(
            np.where(first[trained] == own, second[trained], first[trained]).tolist(),
            weights[trained].tolist(),
            strict=True,
        )
    )
    rows = pd.DataFrame(
        {
            "word": [vocabulary.words[other] for other in others],
            "relation": [relation_name(kind) for kind in pairs.relation[here]],
            "target": [values.value(WordRelation(kind)) for kind in pairs.relation[here]],
            "trained": [int(other) in drawn for other in others],
            "weight": [drawn.get(int(other), 0.0) for other in others],
            "count": vocabulary.counts[others],
        }
    )
    for when, space in (("before", wide and wide.before), ("after", wide and wide.after)):
        rows[f"cosine_{when}"] = _cosines(word, rows["word"].tolist(), wide, space)
    pull = rows["weight"] * (rows["target"] - rows["cosine_before"]).abs().fillna(0.1)
    rows = rows.assign(pull=pull).sort_values(["pull", "count"], ascending=False, kind="stable")
    return rows.head(MOST_RELATED)[list(RELATED_COLUMNS)].reset_index(drop=True)


def _cosines(
    word: str, others: list[str], wide: WideVocabulary | None, space: np.ndarray | None
) -> np.ndarray:
    found = np.full(len(others), np.nan)
    if wide is None or space is None:
        return found
    place = {one: row for row, one in enumerate(wide.words)}
    if word in place:
        known = [row for row, other in enumerate(others) if other in place]
        found[known] = space[[place[others[row]] for row in known]] @ space[place[word]]
    return found
