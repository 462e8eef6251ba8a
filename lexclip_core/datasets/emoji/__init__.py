"""Emoji as pictures of concepts: about 1,500 things in four drawing styles, one of them held out of training.

`build` makes the files of `data/emoji` from pinned packages; everything else reads them.
"""

from __future__ import annotations

from lexclip_core.datasets.emoji.domains import Domain, domain
from lexclip_core.datasets.emoji.picture_sets import Which, for_word, picture_set
from lexclip_core.datasets.emoji.sprites import HELD_OUT, concepts, sprite, sprite_png, sprites
from lexclip_core.datasets.emoji.thing_kinds import things

__all__ = [
    "HELD_OUT",
    "Domain",
    "Which",
    "concepts",
    "domain",
    "for_word",
    "picture_set",
    "sprite",
    "sprite_png",
    "sprites",
    "things",
]
