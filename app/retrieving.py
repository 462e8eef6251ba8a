"""What two phrasings of one intent retrieve: tables of rankings and overlaps, for figures to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lexclip_core.evaluation import retrieval

QUERIES = ("First query", "Second query")


@dataclass(frozen=True)
class Retrieved:
    """What one tower retrieves for two queries.

    Args:
        table: Columns query, rank, picture, title, cosine, as `figures.ribbons` takes.
        places: Places of all pictures found, those of the first query first.
        average_overlap: AO@k, share of 1.
        jaccard: JS@k, share of 1.
    """

    table: pd.DataFrame
    places: tuple[int, ...]
    average_overlap: float
    jaccard: float


def retrieve(rows: np.ndarray, pictures: np.ndarray, titles: Sequence[str], k: int) -> Retrieved:
    """Return the k nearest pictures of two queries and how far they agree.

    Args:
        rows: Unit rows of the two queries, (2, dim).
        pictures: Unit rows of the pictures, (pictures, dim).
        titles: What each picture shows.
        k: How many pictures to retrieve.
    """
    overlaps = retrieval.overlaps(rows[:1], rows[1:], pictures, k=k)
    rankings = (overlaps.rankings_a[0], overlaps.rankings_b[0])
    parts = [
        pd.DataFrame(
            {
                "query": query,
                "rank": np.arange(1, k + 1),
                "picture": [str(place) for place in ranking],
                "title": [titles[place] for place in ranking],
                "cosine": pictures[ranking] @ row,
            }
        )
        for query, ranking, row in zip(QUERIES, rankings, rows, strict=True)
    ]
    places = tuple(dict.fromkeys(int(place) for ranking in rankings for place in ranking))
    table = pd.concat(parts, ignore_index=True)
    return Retrieved(table, places, float(overlaps.average_overlap[0]), float(overlaps.jaccard[0]))


def finding(retrieved: Mapping[str, Retrieved], k: int) -> str:
    """Return the sentence that a reader should leave with, Markdown."""
    shares = {tower: 2 * k - len(one.places) for tower, one in retrieved.items()}
    parts = [
        f"the **{tower} tower** finds **{shared} of {k}** pictures under both"
        for tower, shared in shares.items()
    ]
    said = " and ".join(parts)
    return f"Asked in two ways, {said}. Equal requests deserve equal answers: AO and JS would be 1."
