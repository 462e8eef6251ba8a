"""The provider that needs nothing: captions are made plain, then their words give way to synonyms.

Step one takes noise away and makes a plain sentence; step two exchanges phrases and words and the shape of
the sentence. Both are a function of the caption and the seed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence

from lexclip_core.pairs.records import ParaphraseRecord
from lexclip_core.paraphrase.cleaning import clean
from lexclip_core.paraphrase.inflection import inflect
from lexclip_core.paraphrase.phrases import phrase_at
from lexclip_core.paraphrase.provider import Caption, Failure, Outcome
from lexclip_core.paraphrase.sentences import plain, reshaped
from lexclip_core.paraphrase.synonyms import substitutes
from lexclip_core.paraphrase.tagging import Token, join, split, tagged
from lexclip_core.synsets import load_wordnet
from lexclip_core.words import article

_DRAWS = 8
_POS = {"N": "n", "J": "a", "V": "v", "G": "v", "B": "v", "P": "v"}


class RuleProvider:
    """Paraphrases by rules and WordNet, the same for the same caption and seed.

    Args:
        seed: Another seed chooses other synonyms and shapes where there are several.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance."""
        return f"rules, seed {self.seed}"

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome a caption, in order; a caption of nothing but noise fails in step one.

        Raises:
            MissingResourceError: WordNet 3.0 can be had from nowhere.
        """
        for caption in captions:
            first = first_step(caption.text)
            if not first:
                yield Failure(caption, 1, "nothing is left of the caption after cleaning")
            else:
                yield ParaphraseRecord(caption.image, caption.text, first, second_step(first, self.seed))


def first_step(caption: str) -> str:
    """Return a caption as a plain sentence without noise; "" where it holds nothing else."""
    text = clean(caption)
    return plain(text) if any(character.isalnum() for character in text) else ""


def second_step(given: str, seed: int = 0) -> str:
    """Return a plain sentence in other words and another shape, so far as rules can keep its meaning."""
    digest = hashlib.sha256(f"{seed}\n{given}".encode()).digest()
    chance = random.Random(int.from_bytes(digest[:8], "big"))
    tokens = tagged(given)
    present = {token.lemma for token in tokens}
    words: list[str] = []
    place = 0
    while place < len(tokens):
        length, other = phrase_at(tokens, place, chance) or (1, _other_word(tokens, place, present, chance))
        words.append(other)
        place += length
    text = with_articles(join(words))
    shapes = (with_articles(reshaped(text, chance)) for _ in range(_DRAWS))
    # Where no word could be exchanged the shape must change; else the first draw stands, changed or not.
    return next((shape for shape in shapes if shape != given), text)


def with_articles(text: str) -> str:
    """Return a text with every "a" and "an" as the word after it wants."""
    words = split(text)
    for place, word in enumerate(words[:-1]):
        if word.lower() in ("a", "an") and words[place + 1][0].isalpha():
            right = article(words[place + 1])
            words[place] = right.capitalize() if word[0] == "A" else right
    return join(words)


def _other_word(tokens: Sequence[Token], place: int, present: set[str], chance: random.Random) -> str:
    token = tokens[place]
    pos = _POS.get(token.tag)
    if pos is None or not token.penn or token.text != token.low or _bound(tokens, place):
        return token.text
    options = [
        form
        for other in substitutes(token.lemma, pos)  # type: ignore[arg-type]
        if present.isdisjoint(other.split(" ")) and (form := inflect(other, token.penn))
    ]
    return chance.choice(options) if options else token.text


def _bound(tokens: Sequence[Token], place: int) -> bool:
    """Say whether a word belongs to its neighbours so closely that it must stay: street sign, take off."""
    token = tokens[place]
    before = tokens[place - 1].tag if place else "U"
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if token.tag == "N":
        return before == "N" or (after is not None and after.tag == "N")
    if token.tag in "GP" and before == "D":
        return True  # a smiling man, a parked car
    if token.tag in "VGBP" and after is not None and after.tag in "IT":
        return bool(load_wordnet().lexicon.senses_as_spelt(f"{token.lemma}_{after.low}", "v"))
    return False
