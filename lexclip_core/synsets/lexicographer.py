"""The 45 lexicographer files of WordNet 3.0, which Debian's package of the database leaves out.

Source: WordNet 3.0 reference manual, lexnames(5WN).
"""

from __future__ import annotations

#: Position = file number in the database; the part before the dot is the part of speech.
LEXNAMES = (
    "adj.all",
    "adj.pert",
    "adv.all",
    "noun.Tops",
    "noun.act",
    "noun.animal",
    "noun.artifact",
    "noun.attribute",
    "noun.body",
    "noun.cognition",
    "noun.communication",
    "noun.event",
    "noun.feeling",
    "noun.food",
    "noun.group",
    "noun.location",
    "noun.motive",
    "noun.object",
    "noun.person",
    "noun.phenomenon",
    "noun.plant",
    "noun.possession",
    "noun.process",
    "noun.quantity",
    "noun.relation",
    "noun.shape",
    "noun.state",
    "noun.substance",
    "noun.time",
    "verb.body",
    "verb.change",
    "verb.cognition",
    "verb.communication",
    "verb.competition",
    "verb.consumption",
    "verb.contact",
    "verb.creation",
    "verb.emotion",
    "verb.motion",
    "verb.perception",
    "verb.possession",
    "verb.social",
    "verb.stative",
    "verb.weather",
    "adj.ppl",
)

_POS_NUMBERS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}


def lexnames_file() -> str:
    """Return the text of WordNet's `lexnames` file: number, name and part-of-speech number, a line each."""
    return "".join(
        f"{number:02d}\t{name}\t{_POS_NUMBERS[name.split('.')[0]]}\n" for number, name in enumerate(LEXNAMES)
    )
