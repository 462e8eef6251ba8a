"""The small words of English that the tagger knows by heart, each with its tag."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_LISTED = {
    "D": """a an the this these that those his her its their our your my some any each every another no both
        all either neither what which whose""",
    "M": """one two three four five six seven eight nine ten eleven twelve dozen hundred many several few
        most more much various""",
    "I": """in on at of by with from into onto to for over under above below beneath underneath beside besides
        between among behind through across along around near next against toward towards inside outside
        within without atop past up down off out about after before during until upon amid amongst like
        per via opposite as than beyond aboard alongside away""",
    "O": """he she it they him them who whom someone something somebody anyone everyone nothing we us i you
        himself herself itself themselves himself other others""",
    "C": "and or but while whilst nor yet because where when if so &",
    "X": """is are was were be been being am has have had do does did can could will would may might
        should must 's""",
    "R": """not very there here together quite too also just only still almost back again away outdoors
        indoors apart nearby ahead forward then now""",
}

#: Lower-case word -> tag: D determiner, M quantity, I preposition or particle, O pronoun, C conjunction,
#: X auxiliary, R adverb, T "to" before a verb or a place.
FUNCTION_WORDS: Mapping[str, str] = MappingProxyType(
    {word: tag for tag, words in _LISTED.items() for word in words.split()} | {"to": "T"}
)
