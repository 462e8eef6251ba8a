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


def wanted_ranks(table: pd.DataFrame, wanted: int) -> tuple[int, int]:
    """Return the rank of the wanted picture under both queries, 0 where it is not among those retrieved."""
    here = table[table["picture"] == str(wanted)].set_index("query")["rank"]
    first, second = (int(here.get(query, 0)) for query in QUERIES)
    return first, second


def telling(rows: Mapping[str, np.ndarray], pictures: np.ndarray, wanted: np.ndarray, k: int) -> np.ndarray:
    """Return the order of pairs of queries in which most happens first, int64 (pairs,).

    First come those of which the last tower finds the wanted picture under both phrasings and the first one
    does not, the largest gain in AO first; then the others, by their gain in AO.

    Args:
        rows: Tower -> unit rows of queries, (2, pairs, dim): both phrasings.
        pictures: Unit rows of the pictures.
        wanted: Place of the picture that each pair asks for, (pairs,).
        k: How many pictures each query retrieves.
    """
    found, agreed = [], []
    for one, other in rows.values():
        overlaps = retrieval.overlaps(one, other, pictures, k=k)
        found.append(
            (overlaps.rankings_a == wanted[:, None]).any(axis=1)
            & (overlaps.rankings_b == wanted[:, None]).any(axis=1)
        )
        agreed.append(overlaps.average_overlap)
    gain = agreed[-1] - agreed[0] if len(agreed) > 1 else -agreed[0]
    order: np.ndarray = np.lexsort((-gain, -(found[-1].astype(int) - (found[0] & (len(found) > 1)))))
    return order


def finding(retrieved: Mapping[str, Retrieved], k: int, wanted: int = -1) -> str:
    """Return the sentence that a reader should leave with, Markdown.

    Args:
        retrieved: Tower -> what it retrieves.
        k: How many pictures each query retrieves.
        wanted: Place of the picture that both queries ask for; -1 where nobody knows.
    """
    shares = {tower: 2 * k - len(one.places) for tower, one in retrieved.items()}
    parts = [
        f"the **{tower} tower** finds **{shared} of {k}** pictures under both"
        for tower, shared in shares.items()
    ]
    said = " and ".join(parts)
    if wanted < 0:
        right = "Which picture is wanted is not known of these queries, so agreement may be on wrong ones."
    else:
        right = " ".join(_found(tower, *wanted_ranks(one.table, wanted)) for tower, one in retrieved.items())
    return f"Asked in two ways, {said}.  \n{right}"


def _found(tower: str, first: int, second: int) -> str:
    if first and second:
        return f"The **wanted picture** stands at {first} and {second} by the {tower} tower."
    if first or second:
        return f"The {tower} tower has the **wanted picture** in one list only, at {first or second}."
    return f"The {tower} tower has the **wanted picture** in neither list: what agrees there is wrong."
