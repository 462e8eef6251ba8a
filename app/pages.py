"""The pages of the explorer, in the order of the navigation: each is one file and one entry here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One page.

    Args:
        file: Its file beside the entry script; the file's name is its address.
        title: What the navigation and the document are called.
        shows: What it shows, in one line, for links to it.
    """

    file: str
    title: str
    shows: str


PAGES = (
    Page("app_pages/home.py", "Home", "what tuning did, in short"),
    Page("app_pages/word.py", "Word", "everything about one word"),
    Page("app_pages/pairs.py", "Pairs", "type any two words; what was repaired, and what was not"),
    Page("app_pages/subtree_map.py", "Subtree map", "a branch of WordNet before and after"),
    Page("app_pages/negation_and_order.py", "Negation and order", "sentences that “no” or the order changes"),
    Page("app_pages/names.py", "Names", "pictures named by words, and by their synonyms"),
    Page("app_pages/queries.py", "Queries", "two phrasings of one query over one set of pictures"),
    Page("app_pages/cards.py", "Cards", "what each tower makes of words, next to others"),
    Page("app_pages/training.py", "Training", "how this run was made"),
    Page("app_pages/trade_offs.py", "Trade-offs", "what each weight of the loss gains and costs"),
    Page("app_pages/ledger.py", "Ledger", "both papers’ claims and what was measured here"),
)
"""Every page; the first one opens."""
