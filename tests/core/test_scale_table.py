"""The kept table of memory says what the page on scale says, and that memory stays flat."""

from __future__ import annotations

import pandas as pd

from lexclip_core import storage

TABLE = pd.read_csv(storage.data_folder() / "scale" / "memory.csv")
PAGE = (storage.project_root() / "docs" / "scale.md").read_text(encoding="utf-8")


def test_memory_stays_flat_from_a_thousand_to_fifty_thousand_words():
    assert TABLE["words"].min() <= 1_000
    assert TABLE["words"].max() >= 50_000
    assert TABLE["peak_mb"].max() < 1.5 * TABLE["peak_mb"].min()
    assert TABLE["all_pairs_mb"].max() > 10 * TABLE["peak_mb"].max()  # what flat memory is worth


def test_the_page_shows_the_table():
    for row in TABLE.itertuples():
        shown = (row.peak_mb, row.before_mb, row.all_pairs_mb)
        assert f"| {row.words:,} | {' | '.join(f'{value:,.0f}' for value in shown)} |" in PAGE
