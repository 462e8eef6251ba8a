"""The kept tables of memory and time say what the page on scale says, and that memory stays flat."""

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


def test_the_page_says_the_times_that_are_stored():
    times = pd.read_csv(storage.data_folder() / "scale" / "times.csv")["value"]
    targets, word, step, rate, nouns, per_second = times.tolist()
    for said in (
        f"| targets of all pairs | {targets:.1f} s, preparing the taxonomy included |",
        f"| encoding, a word | {word:.1f} ms |",
        f"| a step over all pairs, which is an epoch | {step:.1f} s |",
        f"| words trained on, a second | {rate:.0f} |",
        f"takes {nouns:.1f} s ({per_second:.0f} million pairs a second)",
    ):
        assert said in PAGE, said


def test_the_fast_end_is_as_near_to_the_released_one_as_another_order_of_its_pairs():
    runs = pd.read_csv(storage.data_folder() / "scale" / "blog_fast.csv").set_index("run")
    order, fast = runs.loc["blog-release, another order"], runs[runs.index.str.startswith("blog-fast")]
    assert (fast["from_release"] <= order["from_release"]).all()
    assert (fast["from_release"] < fast["moved"] / 50).all()
