"""A run folder: write, read, list, validate; the only contract between experiments and the explorer.

A run is a folder named by its run id, holding

    config.json       the settings of the experiment, flat; "preset" names the preset it started from
    metrics.json      {"split/name": {"value", "low", "high", "n", "before", "note"}, ...}
    history.csv       step, epoch, seconds, one column a loss term, total
    embeddings.npz    words, before, after (unit rows, stored as float16)
    pairs.csv         word_a, word_b, relation, pos, split, cosine_before, cosine_after
    layout.csv        optional: one row a point of a drawn subtree (see `LAYOUT_COLUMNS`)
    provenance.json   versions, seeds, weights' sha256, wall time, and "command", which rebuilds the run
    tuned.safetensors optional: the trained tensors

Nothing here is ever unpickled.
"""

from lexclip_core.runs.comparing import COMPARED, comparison
from lexclip_core.runs.content import HISTORY_COLUMNS, LAYOUT_COLUMNS, PAIR_COLUMNS, Run, RunContent, validate
from lexclip_core.runs.reading import DamagedRun, RunSummary, list_runs, read_run, summarise
from lexclip_core.runs.writing import write_run

__all__ = [
    "COMPARED",
    "HISTORY_COLUMNS",
    "LAYOUT_COLUMNS",
    "PAIR_COLUMNS",
    "DamagedRun",
    "Run",
    "RunContent",
    "RunSummary",
    "comparison",
    "list_runs",
    "read_run",
    "summarise",
    "validate",
    "write_run",
]
