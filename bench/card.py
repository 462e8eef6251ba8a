"""Make a lexical card from nothing: all measures that need neither pictures nor test sets of one's own.

Times are CPU seconds of one core, since the machine may be busy; the cache starts empty, so that every text
is encoded. The aims are for two cores: 5 minutes for MiniLM, 15 for a text tower of ViT-B-32's size.
"""

from __future__ import annotations

import os
import tempfile

from bench.encoding import one_core, random_clip, timed
from bench.table import Row, show
from lexclip_core.evaluation.card import CardTower
from lexclip_core.evaluation.card_measures import CardItems, make_card
from lexclip_core.experiments.word_measures import card_items
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.towers.loading import load
from lexclip_core.towers.tower import Tower

AIMS = {"all-MiniLM-L6-v2": 5, "ViT-B-32": 15}
"""Tower -> minutes."""


def minutes(tower: Tower, items: CardItems) -> float:
    """Return the CPU minutes of a card with an empty cache."""
    whose = CardTower.of(tower)
    before = os.environ.get("LEXCLIP_CACHE")
    with tempfile.TemporaryDirectory() as empty, one_core():
        os.environ["LEXCLIP_CACHE"] = empty
        try:
            seconds, made = timed(lambda: make_card(whose, tower.encode_texts, items))
        finally:
            del os.environ["LEXCLIP_CACHE"]
            if before is not None:
                os.environ["LEXCLIP_CACHE"] = before
    if set(made.missing) != {"word_similarity", "sentences", "sugarcrepe_pp", "queries", "renaming"}:
        raise RuntimeError(f"measures are missing: {made.missing}")
    return seconds / 60


def rows() -> list[Row]:
    """Return the CPU minutes of a card of either tower."""
    items = card_items()
    load_taxonomy()  # what every later card finds at hand
    towers = {"all-MiniLM-L6-v2": load("all-MiniLM-L6-v2", device="cpu"), "ViT-B-32": random_clip()}
    return [
        {
            "name": f"card time, {name}, without pictures and test sets",
            "value": minutes(tower, items),
            "unit": "CPU minutes",
            "baseline": None,
            "ratio": None,
            "target": f"<= {AIMS[name]}",
        }
        for name, tower in towers.items()
    ]


if __name__ == "__main__":
    show(rows())
