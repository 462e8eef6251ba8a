"""Made-up records of pictures, captions and paraphrases, about as long as real ones."""

from __future__ import annotations

import numpy as np

from bench.encoding import class_names
from lexclip_core.paraphrase.records import ParaphraseRecord


def made_up_records(count: int, pictures: int = 512) -> list[ParaphraseRecord]:
    """Return records about as long as captions are, of WordNet nouns drawn with a fixed seed."""
    nouns = class_names(2_000)
    first, second = np.random.default_rng(1).integers(0, len(nouns), size=(2, count))
    return [
        ParaphraseRecord(
            str(row % pictures),
            f"a photo of a {nouns[a]} beside a {nouns[b]} on a sunny day",
            f"{nouns[a]} next to {nouns[b]} in the sun",
            f"there is a {nouns[a]} near a {nouns[b]} in bright daylight",
        )
        for row, (a, b) in enumerate(zip(first, second, strict=True))
    ]
