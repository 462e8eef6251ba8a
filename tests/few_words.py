"""A vocabulary of some hundred words in place of WordNet's, which takes seconds to split and to encode."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from lexclip_core.experiments.pipeline import BLOG_WORDS
from lexclip_core.experiments.words import Lexicon, make_lexicon
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise


@cache
def few_words(every: int = 20) -> Lexicon:
    """Return the words and the opposites of every so many synsets that have some: a third in each split."""
    wordnet = load_wordnet()
    words: dict[str, None] = {}
    for synset in np.unique(wordnet.antonym_links.synset_i)[::every].tolist():
        lemmas = [normalise(lemma) for lemma in wordnet.lemmas[synset]]
        opposites = [word for lemma in lemmas for word in wordnet.antonyms(lemma)]
        words |= dict.fromkeys(word for word in (*lemmas, *opposites) if word.isascii() and word.isalpha())
    words |= dict.fromkeys(BLOG_WORDS)
    thirds = np.arange(len(words)) * 3 // len(words)
    split = np.array(["test", "dev", "train"])[thirds]
    return replace(make_lexicon(wordnet, tuple(words), ()), split=split)
