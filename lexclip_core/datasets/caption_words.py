"""The nouns of captions, each with the sense that it is most used in: words for WordNet (claim B27)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.synonyms import VISIBLE, dominant_sense
from lexclip_core.paraphrase.tagging import tagged
from lexclip_core.synsets import WordNet, load_wordnet
from lexclip_core.words import normalise


@dataclass(frozen=True)
class CaptionWords:
    """Nouns of captions, the most frequent first, and those left out.

    Args:
        words: The nouns, base forms, each once.
        synsets: The synset of each, such as `dog.n.01`.
        counts: How many captions hold each.
        dropped: Nouns left out, each with the reason.
    """

    words: tuple[str, ...]
    synsets: tuple[str, ...]
    counts: tuple[int, ...]
    dropped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.words)


def caption_words(captions: Iterable[str], *, least: int = 1) -> CaptionWords:
    """Return the nouns of captions that have one dominant sense, a thing that can be seen.

    No sense is chosen by its sentence. A noun has the sense that it is mostly used in
    (`synonyms.dominant_sense`); nouns without such a sense are left out, so that few are mistaken.

    Args:
        captions: One sentence or phrase each.
        least: Captions that must hold a noun for it to count.

    Raises:
        InputError: `least` is below 1, or no noun is left.
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    if least < 1:
        raise InputError(f"least is {least}", "ask for at least one caption")
    held: Counter[str] = Counter()
    for caption in storage.progress(captions, desc="captions"):
        held.update({normalise(token.lemma) for token in tagged(caption) if token.tag == "N"})
    wordnet = load_wordnet()
    ranked = sorted(held, key=lambda word: (-held[word], word))
    judged = {word: _sense(wordnet, word) if held[word] >= least else "too rare" for word in ranked if word}
    kept = {word: sense for word, sense in judged.items() if isinstance(sense, int)}
    if not kept:
        raise InputError("no caption holds a noun with a sense of its own", "give captions in English")
    return CaptionWords(
        words=tuple(kept),
        synsets=tuple(wordnet.name(synset) for synset in kept.values()),
        counts=tuple(held[word] for word in kept),
        dropped=tuple((word, reason) for word, reason in judged.items() if isinstance(reason, str)),
    )


def _sense(wordnet: WordNet, word: str) -> int | str:
    """Return a noun's dominant synset, or why it has none."""
    if not wordnet.synsets(word, "n"):
        return "no noun of WordNet"
    sense = dominant_sense(word, "n")
    if sense is None:
        return "no dominant sense"
    return sense if wordnet.lexnames[sense] in VISIBLE else "cannot be seen"
