"""How many words of WordNet are polysemous, how many have a synonym: each way of counting by its name.

The two papers quote 31,989 of 148,730 words as polysemous and 53,811 of 117,659 "words" as having synonyms.
The first number needs Morphy as NLTK 3.8 had it; the second counts synsets, not words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lexclip_core.errors import InputError
from lexclip_core.wordnet.lexicon import Detachment
from lexclip_core.wordnet.tables import WordNet

PolysemyPolicy = Literal["exact", "lower_case", "morphy", "morphy_distinct", "morphy_repeated"]
SynonymyPolicy = Literal["synsets", "exact", "lower_case", "morphy", "morphy_repeated"]

_Senses = Mapping[str, list[int]]


@dataclass(frozen=True)
class Share:
    """A count, what it is counted of, and their ratio in [0, 1]."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """Return count / total."""
        return self.count / self.total


def polysemy(wordnet: WordNet, policy: PolysemyPolicy = "exact") -> Share:
    """Return how many of WordNet's lemma strings have more than one sense.

    Args:
        wordnet: The tables.
        policy: Which senses a string has. `exact`: of the synsets that list it letter for letter.
            `lower_case`: also those that list it with other capitals. `morphy`: what `len(wn.synsets(word))`
            counts in NLTK 3.10, that is the senses of every base form, one reached twice counted twice.
            `morphy_distinct`: the same, each once. `morphy_repeated`: as `morphy`, with the suffix rules
            applied until they give a word, as NLTK 3.8 did.

    Raises:
        InputError: Unknown policy.

    >>> from lexclip_core.wordnet.tables import load_wordnet
    >>> polysemy(load_wordnet())
    Share(count=26433, total=148730)
    """
    senses = _senses(wordnet, policy, _POLYSEMY)
    return Share(sum(len(ids) > 1 for ids in senses.values()), len(senses))


def synonymy(wordnet: WordNet, policy: SynonymyPolicy = "synsets") -> Share:
    """Return how many synsets have several lemmas, or how many lemma strings have a sense that does.

    Args:
        wordnet: The tables.
        policy: `synsets` counts synsets; the others count lemma strings, their senses as in `polysemy`.

    Raises:
        InputError: Unknown policy.

    >>> from lexclip_core.wordnet.tables import load_wordnet
    >>> synonymy(load_wordnet())
    Share(count=53811, total=117659)
    """
    if policy == "synsets":
        return Share(sum(len(lemmas) > 1 for lemmas in wordnet.lemmas), len(wordnet))
    senses = _senses(wordnet, policy, _SYNONYMY)
    count = sum(any(len(wordnet.lemmas[synset]) > 1 for synset in ids) for ids in senses.values())
    return Share(count, len(senses))


def _senses(wordnet: WordNet, policy: str, valid: Mapping[str, Callable[[WordNet], _Senses]]) -> _Senses:
    if policy not in valid:
        names = ", ".join(["synsets", *valid] if valid is _SYNONYMY else valid)
        raise InputError(f"unknown counting policy {policy!r}", f"use one of {names}")
    return valid[policy](wordnet)


def _exact(wordnet: WordNet) -> _Senses:
    senses: dict[str, list[int]] = defaultdict(list)
    for synset, lemmas in enumerate(wordnet.lemmas):
        for lemma in lemmas:
            senses[lemma].append(synset)
    return senses


def _lower_case(wordnet: WordNet) -> _Senses:
    lexicon = wordnet.lexicon
    return {
        lemma: [synset for pos in lexicon.indexes for synset in lexicon.senses_as_spelt(lemma.lower(), pos)]
        for lemma in _exact(wordnet)
    }


def _morphy(wordnet: WordNet, detach: Detachment = "once") -> _Senses:
    lexicon = wordnet.lexicon
    return {
        lemma: [
            synset
            for pos in lexicon.indexes
            for form in lexicon.base_forms(lemma.lower(), pos, detach)
            for synset in lexicon.senses_as_spelt(form, pos)
        ]
        for lemma in _exact(wordnet)
    }


_SYNONYMY: dict[str, Callable[[WordNet], _Senses]] = {
    "exact": _exact,
    "lower_case": _lower_case,
    "morphy": _morphy,
    "morphy_repeated": lambda wordnet: _morphy(wordnet, "until_known"),
}
_POLYSEMY = _SYNONYMY | {
    "morphy_distinct": lambda wordnet: {lemma: list(set(ids)) for lemma, ids in _morphy(wordnet).items()}
}
