"""What scenes are made of and told in: the things, the colours and the phrasings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

# Chosen by hand: drawn as one thing, countable, concrete, and known by one common word that names no
# other thing here.
_CHOSEN = """
accordion airplane alarm-clock ambulance anchor ant axe backpack balloon banana banjo basket bear bed
beetle bell bicycle broom bucket bus butterfly cactus camel camera candle carrot castle cat chair church
closed-book coat couch-and-lamp cow crab crocodile croissant crown deer delivery-truck dog dolphin door
doughnut dress duck eagle eggplant elephant envelope flamingo flashlight fox frog giraffe goat gorilla
guitar hamburger hammer hedgehog helicopter hippopotamus horse hospital hourglass-done house jar kangaroo
key kite koala ladder laptop lemon light-bulb lion lizard lobster locked magnet mango microscope monkey
motorcycle mushroom newspaper octopus onion orangutan owl paintbrush panda parrot peach pear
pencil penguin pig pineapple pizza potato pretzel rabbit raccoon red-apple rhinoceros rocket rooster rose
sailboat sandwich saxophone scorpion shark shield skateboard snail snake snowman spider spoon squid
stethoscope strawberry sunflower swan syringe t-shirt taxi teapot teddy-bear telephone telescope
television tent tiger tomato toothbrush tractor trumpet tulip turtle umbrella violin volcano watch
watermelon whale wheel window wrench zebra
"""
OBJECTS: tuple[str, ...] = tuple(_CHOSEN.split())

# Far enough apart to be told by eye in a small picture: at least 25 units of CIELAB between any two.
COLOURS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "red": (222, 32, 32),
        "orange": (255, 145, 20),
        "yellow": (250, 222, 40),
        "green": (40, 160, 60),
        "blue": (40, 90, 230),
        "purple": (128, 45, 165),
        "pink": (255, 130, 195),
        "brown": (120, 72, 36),
        "grey": (140, 140, 140),
    }
)

# {lead} is the left or the upper thing, {follow} the other. The phrasings of opposite relations stand in one
# order, so that a caption and the swap's differ in as few words as can be.
_LISTED = (
    "there is {lead} on the {place} and {follow} on the {there}",
    "{lead} on the {place}, {follow} on the {there}",
    "on the {place} is {lead}, and on the {there} is {follow}",
)
_STACKED = tuple(re.sub(r"\bon the", "at the", phrasing) for phrasing in _LISTED)
PHRASINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left of": ("{a} to the left of {b}", "{b} to the right of {a}", *_LISTED),
        "right of": ("{a} to the right of {b}", "{b} to the left of {a}", *_LISTED),
        "above": ("{a} above {b}", "{b} below {a}", "{a} over {b}", "{b} under {a}", *_STACKED),
        "below": ("{a} below {b}", "{b} above {a}", "{a} under {b}", "{b} over {a}", *_STACKED),
    }
)
