"""Paraphrased retrieval and recall among 5,000 pictures: against a Python loop, and a product with top ten.

5,000 pairs of queries, 5,000 pictures, 512 dimensions, made-up rows, one core. The loop takes one cosine at a
time and sorts the pictures of one query at a time. It is timed on some queries, and its time per query is
what is compared, since all of them would take minutes. The bare way is a matrix product and NumPy's own top
ten of each row.
"""

from __future__ import annotations

import numpy as np

from bench.encoding import agreement, one_core, timed
from bench.table import Row, show
from lexclip_core.evaluation import retrieval

PICTURES = 5_000
QUERIES = 5_000
DIM = 512
K = 10
SAMPLE = 50
"""Queries, or pictures, that the loop is timed on."""


def made_up_rows(count: int, seed: int) -> np.ndarray:
    """Return unit rows drawn from a seed, float32."""
    rows = np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def plain_ranking(query: np.ndarray, items: list[np.ndarray]) -> list[int]:
    """Return all items from the nearest, one cosine at a time."""
    cosines = [float(np.dot(query, item)) for item in items]
    return sorted(range(len(items)), key=lambda place: -cosines[place])


def plain_overlaps(a: list[int], b: list[int]) -> tuple[float, float]:
    """Return AO and JS of two rankings with Python's sets."""
    average = sum(len(set(a[:depth]) & set(b[:depth])) / depth for depth in range(1, K + 1)) / K
    return average, len(set(a[:K]) & set(b[:K])) / len(set(a[:K]) | set(b[:K]))


def bare_top(queries: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the places of the ten largest cosines of each query, in order, as NumPy finds them."""
    cosines = queries @ items.T
    places = np.argpartition(-cosines, K, axis=1)[:, :K]
    order = np.argsort(-np.take_along_axis(cosines, places, axis=1), axis=1)
    return np.take_along_axis(places, order, axis=1)


def rows() -> list[Row]:
    """Return the CPU time a query pair and a caption, arrays and loop, and how far the numbers differ."""
    pictures, queries_a = made_up_rows(PICTURES, 0), made_up_rows(QUERIES, 1)
    queries_b = queries_a + 0.5 * made_up_rows(QUERIES, 2)
    queries_b /= np.linalg.norm(queries_b, axis=1, keepdims=True)
    owners = np.arange(QUERIES) % PICTURES
    picture_list, text_list = list(pictures), list(queries_a)

    def plain_pairs() -> np.ndarray:
        pairs = zip(queries_a[:SAMPLE], queries_b[:SAMPLE], strict=True)
        return np.array(
            [
                plain_overlaps(plain_ranking(a, picture_list)[:K], plain_ranking(b, picture_list)[:K])
                for a, b in pairs
            ]
        )

    def plain_ranks() -> list[tuple[int, int]]:
        return [
            (
                plain_ranking(text_list[n], picture_list).index(n),
                plain_ranking(picture_list[n], text_list).index(n),
            )
            for n in range(SAMPLE)
        ]

    def both_ranks() -> np.ndarray:
        image = retrieval.text_to_image_ranks(queries_a, pictures, owners)
        return np.stack([image, retrieval.image_to_text_ranks(queries_a, pictures, owners)], axis=1)

    with one_core():
        retrieval.overlaps(queries_a[:SAMPLE], queries_b[:SAMPLE], pictures, K)  # what a first call sets up
        plain_seconds, plain = timed(plain_pairs)
        seconds, found = timed(lambda: retrieval.overlaps(queries_a, queries_b, pictures, K))
        rank_loop_seconds, rank_loop = timed(plain_ranks)
        rank_seconds, ranks = timed(both_ranks)
        bare_pairs = timed(lambda: [bare_top(some, pictures) for some in (queries_a, queries_b)])[0]
        bare_ranks = timed(lambda: [bare_top(queries_a, pictures), bare_top(pictures, queries_a)])[0]
    ours = np.stack([found.average_overlap, found.jaccard], axis=1)[:SAMPLE]
    return [
        _row(f"AO@{K} and JS@{K} of {QUERIES:,} query pairs", seconds / QUERIES, plain_seconds / SAMPLE),
        agreement("AO and JS, arrays and loop", float(np.abs(ours - plain).max())),
        _row(f"R@k of {QUERIES:,} captions, both ways", rank_seconds / QUERIES, rank_loop_seconds / SAMPLE),
        agreement("ranks, arrays and loop", float(np.abs(ranks[:SAMPLE] - np.array(rank_loop)).max())),
        _least(f"AO@{K} and JS@{K}", seconds, bare_pairs),
        _least("R@k both ways", rank_seconds, bare_ranks),
    ]


def _least(name: str, seconds: float, bare: float) -> Row:
    return {
        "name": f"{name} against a bare matrix product and top {K}",
        "value": 1000 * seconds / QUERIES,
        "unit": "ms each",
        "baseline": 1000 * bare / QUERIES,
        "ratio": seconds / bare,
        "target": "<= 1.3x",
    }


def _row(name: str, seconds: float, plain_seconds: float) -> Row:
    return {
        "name": f"{name} x {PICTURES:,} pictures",
        "value": 1000 * seconds,
        "unit": "ms each",
        "baseline": 1000 * plain_seconds,
        "ratio": plain_seconds / seconds,
        "target": ">= 100x",
    }


if __name__ == "__main__":
    show(rows())
