"""Wu-Palmer scores of single pairs, compiled."""

from __future__ import annotations

import numpy as np

from lexclip_core.targets.compiled import compiled
from lexclip_core.targets.states import CODES, RANK_SHIFT, UNRELATED, Scheme


@compiled
def score_pairs(
    scheme: Scheme, rows: np.ndarray, cols: np.ndarray, lowest: np.ndarray, table: np.ndarray, out: np.ndarray
) -> None:
    """Write the score of every row with the column at the same position; arguments as there."""
    for i in range(rows.size):
        j, j_end = scheme.ancestor_ptr[rows[i]] + lowest[i], scheme.ancestor_ptr[rows[i] + 1]
        k, k_end = scheme.ancestor_ptr[cols[i]] + lowest[i], scheme.ancestor_ptr[cols[i] + 1]
        best = own = np.int32(UNRELATED)
        while j < j_end and k < k_end:
            a, b = scheme.ancestors[j], scheme.ancestors[k]
            if a == b:
                state = scheme.state[a] - scheme.distance[j] - scheme.distance[k]
                best = max(best, state)
                if a == rows[i]:
                    own = state
            j += a <= b
            k += b <= a
        if own >= 0 and scheme.level[best >> RANK_SHIFT] == scheme.level[own >> RANK_SHIFT]:
            best = own
        out[i] = table[best & (CODES - 1)]
