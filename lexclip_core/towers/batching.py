"""Which texts share a forward pass: near in length or beginning, and few enough tokens for memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lexclip_core.towers.tokens import Ids

_TOKEN_BUDGET = 8192


def length_batches(ids: Sequence[Ids], batch_size: int) -> list[np.ndarray]:
    """Return index arrays that cover all texts once, shortest texts first.

    Args:
        ids: Token ids of each text.
        batch_size: Most texts in a batch; the padded tokens of a batch also stay within a fixed budget.
    """
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    batches, start = [], 0
    for stop in range(1, len(order) + 1):
        full = stop - start >= batch_size
        if stop == len(order) or full or (stop + 1 - start) * len(ids[order[stop]]) > _TOKEN_BUDGET:
            batches.append(np.array(order[start:stop]))
            start = stop
    return batches


def prefix_batches(ids: Sequence[Ids], batch_size: int) -> list[np.ndarray]:
    """Return index arrays that cover all texts once, texts that begin alike next to each other.

    Args:
        ids: Token ids of each text.
        batch_size: Most texts in a batch; the tokens of a batch also stay within a fixed budget.
    """
    order = sorted(range(len(ids)), key=lambda index: ids[index])
    batches, start, tokens = [], 0, 0
    for stop, index in enumerate(order):
        tokens += len(ids[index])
        if stop > start and (stop - start >= batch_size or tokens > _TOKEN_BUDGET):
            batches.append(np.array(order[start:stop]))
            start, tokens = stop, len(ids[index])
    return [*batches, np.array(order[start:])]
