"""Which texts share a forward pass: near in length, and few enough tokens to stay in fast memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lexclip_core.towers.tokens import Ids

_TOKEN_BUDGET = 8192


def length_batches(ids: Sequence[Ids], *, batch_size: int) -> list[np.ndarray]:
    """Return index arrays that cover all texts once, shortest texts first.

    Args:
        ids: Token ids of each text.
        batch_size: Most texts in a batch; the padded tokens of a batch also stay within a fixed budget.
    """
    lengths = np.fromiter((len(one) for one in ids), dtype=np.int64, count=len(ids))
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    for stop in range(1, len(order) + 1):
        full = stop - start >= batch_size
        if stop == len(order) or full or (stop + 1 - start) * lengths[order[stop]] > _TOKEN_BUDGET:
            batches.append(order[start:stop])
            start = stop
    return batches
