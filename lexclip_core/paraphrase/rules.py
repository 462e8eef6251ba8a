"""The providers that need nothing: rules, other captions of the same picture, and both together.

By rules, step one takes noise away and makes a plain sentence; step two exchanges phrases and words and the
shape of the sentence. Both are a function of the caption and the seed. COCO and Flickr have five captions of
a picture, and two people who saw the same picture are a paraphrase as well.

>>> first_step("STOCK PHOTO: a boy rides a bike!!!")
'a boy is riding a bike'
>>> second_step("there is a cat next to a sofa", seed=1)
'you can see a feline by the side of a couch'
>>> plain("a boy rides a bike"), plain("a black cat on a sofa")
('a boy is riding a bike', 'there is a black cat on a sofa')
"""

from __future__ import annotations

import hashlib
import html
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from lexclip_core.paraphrase.grammar import Token, has_plural, inflect, join, load_english, split, tagged
from lexclip_core.paraphrase.provider import Caption, Failure, Outcome, caption_form
from lexclip_core.paraphrase.records import ParaphraseRecord
from lexclip_core.paraphrase.substitutes import phrase_at, substitutes_for
from lexclip_core.wordnet.lexicon import WordPos
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import article

_PLAIN = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2013": "-", "\u2014": "-"}
)
_SPACES = re.compile(r"\s+")
_ENDS = " \t\n.,;:!?-/&'#@()"


def clean(caption: str) -> str:
    """Return what a caption says, without noise; "" where nothing is left.

    Web addresses, file names, product codes, tags, mark-up, pictographs, names of picture agencies and
    phrases such as "stock photo of" go; of parts divided by "|" the first with two words stays; text that
    shouts or Is Written Like A Title becomes lower case; the closing full stop goes.

    >>> clean("Red Car For Sale | Getty Images"), clean("A dog on a sofa. #dog #pets")
    ('red car for sale', 'a dog on a sofa')
    """
    patterns = load_english().patterns
    text = unicodedata.normalize("NFC", html.unescape(caption)).translate(_PLAIN)
    for name in ("markup", "address", "file", "labelled_code", "last_tags", "brackets"):
        text = patterns[name].sub(" ", text)
    text = patterns["tag"].sub("", text)
    text = next((part for part in patterns["parts"].split(text) if len(part.split()) >= 2), text)
    text = patterns["code"].sub(" ", text)
    text = "".join(" " if _pictograph(character) else character for character in text)
    text = patterns["odd_mark"].sub(" ", patterns["repeated_mark"].sub(r"\1", text))
    text = _SPACES.sub(" ", text).strip(_ENDS)
    # "stock photo" alone says little, but more than nothing
    text = patterns["trailing"].sub("", patterns["leading"].sub("", text)).strip(_ENDS) or text
    text = patterns["no_space_after"].sub(", ", patterns["space_before"].sub(r"\1", text))
    text = patterns["twice"].sub(r"\1", text)
    return _quiet(_SPACES.sub(" ", text).strip(_ENDS))


def _pictograph(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk", "Cf", "Cc", "Co", "Cn", "Cs")


def _quiet(text: str) -> str:
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    raised = [word for word in words if word[0].isupper()]
    if text.isupper() or (len(words) >= 3 and len(raised) >= 0.8 * len(words)):
        return text.lower()
    first, _, rest = text.partition(" ")
    # A capital that only opens the sentence says nothing; one inside the word (USA, McCoy) does.
    opens = first == "A" or (first != "I" and first[1:].islower())
    return f"{first.lower()} {rest}".strip() if opens else text


_DRAWS = 8
_POS: dict[str, WordPos] = {"N": "n", "J": "a", "V": "v", "G": "v", "B": "v", "P": "v"}


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
        """Yield one outcome per caption, in order; a caption of nothing but noise fails in step one.

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
    """Return a caption as a plain sentence without noise; "" where it is nothing else."""
    text = clean(caption)
    return plain(text) if any(character.isalnum() for character in text) else ""


def second_step(given: str, seed: int = 0) -> str:
    """Return a plain sentence in other words and another shape, so far as rules can preserve its meaning."""
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
    """Return a text with every "a" and "an" as the word after it needs it.

    >>> with_articles("a owl and an dog")
    'an owl and a dog'
    """
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
        for other in substitutes_for(token.lemma, pos)
        if present.isdisjoint(other.split(" ")) and (form := inflect(other, token.penn))
    ]
    return chance.choice(options) if options else token.text


def _bound(tokens: Sequence[Token], place: int) -> bool:
    """Return whether a word belongs to its neighbours so closely that it must stay: street sign, take off."""
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


class SiblingProvider:
    """Two other captions of the same picture, drawn by caption and seed.

    No caption is made from another: step one and step two are two people who saw the same picture.

    Args:
        seed: Another seed draws others.
        among: The captions that are drawn from; those that are paraphrased if left out.
    """

    _kind = "siblings"

    def __init__(self, seed: int = 0, among: Sequence[Caption] = ()) -> None:
        self.seed, self._among = seed, among

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance."""
        return f"{self._kind}, seed {self.seed}"

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome per caption, in order.

        A picture with fewer than three different captions gives failures: of step 1 without a sibling, of
        step 2 with one.
        """
        siblings = _siblings(self._among or captions)
        for caption in captions:
            yield self._outcome(caption, siblings.get(caption.image, {}))

    def _outcome(self, caption: Caption, texts: dict[str, str]) -> Outcome:
        others = [form for form in texts if form != caption_form(caption.text)]
        if len(others) < 2:
            where = f"the picture {caption.image!r}" if caption.image else "a caption without a picture"
            reason = f"{where} has {len(others)} other captions, not two"
            return Failure(caption, 2 if others else 1, reason)
        first, second = sorted(others, key=lambda form: self._draw(caption, form))[:2]
        return ParaphraseRecord(caption.image, caption.text, texts[first], texts[second])

    def _draw(self, caption: Caption, form: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\n{caption_form(caption.text)}\n{form}".encode()).digest()


class SiblingRuleProvider(SiblingProvider):
    """The next caption of the same picture, and what rules make of that one.

    Where the last caption of a picture is a bare name that this one has in it, as with pictures of single
    things, the name is the second paraphrase; the rules' two texts then stand for caption and first one.

    Args:
        seed: As in `RuleProvider`.
        among: The captions that siblings are taken from; those that are paraphrased if left out.
    """

    _kind = "siblings-rules"

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome per caption, in order; without a sibling it fails in step one.

        Raises:
            MissingResourceError: WordNet 3.0 can be had from nowhere.
        """
        siblings = _siblings(self._among or captions)
        for caption in captions:
            texts = siblings.get(caption.image, {})
            others = [text for form, text in texts.items() if form != caption_form(caption.text)]
            first = first_step(others[0]) if others else ""
            if not first:
                yield Failure(caption, 1, "no other caption of its picture says anything")
                continue
            second, last = second_step(first, self.seed), others[-1]
            if len(last.split()) < len(caption.text.split()) and last in caption.text:
                yield ParaphraseRecord(caption.image, second, first, last)
            else:
                yield ParaphraseRecord(caption.image, caption.text, others[0], second)


def _siblings(captions: Sequence[Caption]) -> dict[str, dict[str, str]]:
    """Return the different captions of each picture, by picture and form."""
    texts: dict[str, dict[str, str]] = {}
    for caption in captions:
        if caption.image:
            texts.setdefault(caption.image, {}).setdefault(caption_form(caption.text), caption.text.strip())
    return texts


# --- a caption as a plain sentence, and a plain sentence in another shape; its words stay ---

Tokens = Sequence[Token]

_BE = ("is", "are")
# "at the top is a dog, and at the bottom is a cat"; "a dog on the left, a cat on the right"
_PLACES_FIRST = re.compile(
    r"^((?:on|at|in) the \w+) (is|are) (.+?),? and ((?:on|at|in) the \w+) (?:is|are) (.+)$", re.IGNORECASE
)
_PLACES_LAST = re.compile(r"^(.+? (?:on|at|in) the \w+), (.+ (?:on|at|in) the \w+)$", re.IGNORECASE)


def plain(text: str) -> str:
    """Return a caption as a plain sentence, or as it is where no rule fits.

    "a boy rides a bike" and "a boy riding a bike" become "a boy is riding a bike", which itself becomes
    "there is a boy riding a bike"; "the boy is riding a bike" becomes "the boy rides a bike"; what has no
    verb gets "there is", and loses it where it had one.
    """
    tokens = _with_article(tagged(text))
    for rule in _RULES:
        made = rule(tokens)
        if made:
            return made
    return join([token.text for token in tokens])


def reshaped(text: str, chance: random.Random) -> str:
    """Return a plain sentence in another shape, drawn by `chance`, or as it is where none is at hand."""
    tokens = tagged(text)
    words = [token.text for token in tokens]
    if tokens and tokens[0].low == "there" and len(tokens) > 2 and tokens[1].low in _BE:
        bare = join(words[2:])
        return chance.choice((bare, f"you can see {bare}", f"{bare} can be seen" if len(words) < 9 else bare))
    place = _being(tokens)
    if place and not _verbs(tokens, "V") and chance.random() < 0.5:
        return join(words[:place] + words[place + 1 :])
    return text


def _with_article(tokens: Tokens) -> Tokens:
    """Put "a" before a caption that opens with a bare singular noun: man riding a wave."""
    phrase = 0
    while phrase < len(tokens) and tokens[phrase].tag in "JN" and tokens[phrase].text == tokens[phrase].low:
        phrase += 1
    head = tokens[phrase - 1] if phrase else None
    if head is None or head.tag != "N" or head.penn != "NN" or not _counted(head.lemma):
        return tokens
    return (Token(article(tokens[0].text), "D", "a"), *tokens)


def _counted(noun: str) -> bool:
    wordnet = load_wordnet()
    senses, words = wordnet.synsets(noun, "n"), load_english().words
    return bool(senses) and (
        wordnet.lexnames[senses[0]] in words["counted"]
        and noun not in words["mass_nouns"]
        and has_plural(noun)
    )


def _verbs(tokens: Tokens, tags: str = "VX") -> list[int]:
    return [place for place, token in enumerate(tokens) if token.tag in tags]


def _be(tokens: Tokens) -> str:
    """Return "is" or "are" for a sentence's first noun phrase."""
    for place, token in enumerate(tokens):
        follows = tokens[place + 1].tag if place + 1 < len(tokens) else "U"
        if token.tag == "N" and follows != "N":
            bare = not place or tokens[place - 1].low not in ("a", "an", "one")
            several = bare and token.lemma in load_english().words["same_plural"]
            return "are" if token.penn == "NNS" or several else "is"
        if token.tag == "M" and token.low not in ("one", "1"):
            return "are"
    return "is"


def _being(tokens: Tokens) -> int:
    """Return the place of the only verb if it is a "be" before an -ing form, a participle or a place."""
    places = _verbs(tokens)
    if len(places) != 1 or places[0] + 1 >= len(tokens):
        return 0
    [place] = places
    relative = place > 0 and tokens[place - 1].low in ("that", "which", "who")
    fits = tokens[place].low in _BE and tokens[place + 1].tag in "GPI" and not relative
    return place if fits else 0


def _indefinite(tokens: Tokens) -> bool:
    return tokens[0].low in ("a", "an", "some", "another") or tokens[0].tag == "M" or tokens[0].penn == "NNS"


def _listed(tokens: Tokens) -> str:
    text = join([token.text for token in tokens])
    if match := _PLACES_FIRST.match(text):
        place, be, first, other_place, second = match.groups()
        return f"{first} {be} {place.lower()} and {second} {be} {other_place}"
    match = _PLACES_LAST.match(text)
    if match and not _verbs(tokens):
        return f"there {_be(tokens)} {match[1]} and {match[2]}"
    return ""


def _without_there(tokens: Tokens) -> str:
    if len(tokens) < 3 or tokens[0].low != "there" or tokens[1].low not in _BE:
        return ""
    rest = tokens[2:]
    return _progressive(rest) or join([token.text for token in rest])


def _with_there(tokens: Tokens) -> str:
    place = _being(tokens)
    if not place or not _indefinite(tokens):
        return ""
    words = [token.text for token in tokens]
    be = "is" if tokens[0].low in ("a", "an", "one") else tokens[place].low
    return join(["there", be, *words[:place], *words[place + 1 :]])


def _continuous(tokens: Tokens) -> str:
    """Turn the simple present into the continuous: rides -> is riding."""
    places = _verbs(tokens, "V")
    verbs = [tokens[place] for place in places]
    if (
        not places
        or _verbs(tokens, "XB")
        or any(
            verb.lemma in load_english().words["stative_verbs"]
            or verb.penn == "VBD"
            or not inflect(verb.lemma, "VBG")
            for verb in verbs
        )
    ):
        return ""
    if any(_misread(tokens, place, first=place == places[0]) for place in places):
        return ""
    words = [token.text for token in tokens]
    for place in places:
        form = inflect(tokens[place].lemma, "VBG") or ""
        joined = place and tokens[place - 1].low in ("and", "or") and place != places[0]
        be = "is" if tokens[place].penn == "VBZ" else "are"
        words[place] = form if joined else f"{be} {form}"
    return join(words)


def _misread(tokens: Tokens, place: int, *, first: bool) -> bool:
    """Return whether a word taken for a verb is hardly one: window and sink, a stop sign."""
    before = tokens[place - 1] if place else None
    if before is None or (first and before.tag in "CU"):
        return True
    plural = before.lemma in load_english().words["same_plural"] or any(
        token.low == "and" for token in tokens[:place]
    )
    return tokens[place].penn == "VBP" and before.penn == "NN" and not plural


def _simple(tokens: Tokens) -> str:
    """Turn the continuous into the simple present: is riding -> rides."""
    place = _being(tokens)
    if not place or tokens[place + 1].tag != "G" or any(token.low == "and" for token in tokens[place:]):
        return ""
    verb = inflect(tokens[place + 1].lemma, "VBZ" if tokens[place].low == "is" else "VBP")
    if verb is None:
        return ""
    words = [token.text for token in tokens]
    return join([*words[:place], verb, *words[place + 2 :]])


def _progressive(tokens: Tokens) -> str:
    """Put is or are before the first -ing form or participle that says what the subject does."""
    if _verbs(tokens):
        return ""
    for place in range(1, len(tokens)):
        if tokens[place].tag in "GP" and tokens[place - 1].tag == "N" and not _modifies(tokens, place):
            if any(token.low in ("with", "of") for token in tokens[max(0, place - 4) : place]):
                return ""  # a dog with its tongue hanging out
            words = [token.text for token in tokens]
            plural = any(token.low == "and" and token.tag == "C" for token in tokens[:place])
            be = "are" if plural else _be(tokens)
            return join([*words[:place], be, *words[place:]])
    return ""


def _modifies(tokens: Tokens, place: int) -> bool:
    """Return whether a participle belongs to the noun after it: a tree lined street."""
    return tokens[place].tag == "P" and place + 1 < len(tokens) and tokens[place + 1].tag in "NJ"


def _nominal(tokens: Tokens) -> str:
    if _verbs(tokens) or not _verbs(tokens, "N") or tokens[0].tag not in "DMJN":
        return ""
    if tokens[0].low in ("the", "this", "that", "his", "her"):
        return ""
    return join(["there", _be(tokens), *(token.text for token in tokens)])


_RULES: tuple[Callable[[Tokens], str], ...] = (
    _listed,
    _without_there,
    _with_there,
    _simple,
    _continuous,
    _progressive,
    _nominal,
)
