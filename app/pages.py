"""The pages of the explorer, in the order of the navigation: each is one file and one entry here."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Page:
    """One page.

    Args:
        file: Its file next to the entry script; the file's name is its address.
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
    Page("app_pages/map.py", "Map", "a branch of WordNet, or your own words, before and after"),
    Page("app_pages/atlas.py", "Atlas", "all words of WordNet on one map"),
    Page("app_pages/negation_and_order.py", "Negation and order", "sentences that “no” or the order changes"),
    Page("app_pages/names.py", "Names", "pictures named by words, and by their synonyms"),
    Page("app_pages/queries.py", "Queries", "two phrasings of one query over one set of pictures"),
    Page("app_pages/towers.py", "Towers", "every known tower: look at it, fetch it, or bring your own"),
    Page("app_pages/train.py", "Train", "up to 30 words of your own, trained while you watch"),
    Page("app_pages/runs.py", "Runs", "any two runs next to each other, and how one was made"),
    Page("app_pages/cards.py", "Cards", "what each tower makes of words, next to others"),
    Page("app_pages/trade_offs.py", "Trade-offs", "what each weight of the loss gains and costs"),
    Page("app_pages/ledger.py", "Ledger", "both papers’ claims and what was measured here"),
)
"""Every page; the first one opens."""

MOVED = {"subtree_map": "app_pages/map.py", "training": "app_pages/runs.py"}
"""Old addresses, and the page that answers them now."""


def address(page: Page) -> str:
    """Return the last part of a page's address.

    >>> address(PAGES[1])
    'word'
    """
    return PurePosixPath(page.file).stem


def unknown_path(url: str) -> str:
    """Return the page that an address names and that does not exist; "" where it exists or is none.

    >>> unknown_path("http://127.0.0.1:8501/wrod?word=hot"), unknown_path("http://127.0.0.1:8501/word")
    ('wrod', '')
    """
    named = urlsplit(url).path.strip("/").rpartition("/")[2]
    known = {address(page) for page in PAGES[1:]} | MOVED.keys() | {address(PAGES[0])}
    return named if re.fullmatch(r"[\w-]{1,60}", named) and named not in known else ""


def nearest(path: str) -> Page:
    """Return the page whose address or title is nearest to a path; the first one where none is near.

    >>> nearest("wrod").title, nearest("trade-off").title, nearest("xyz").title
    ('Word', 'Trade-offs', 'Home')
    """
    named = {name: page for page in PAGES for name in (address(page), page.title.casefold())}
    near = difflib.get_close_matches(path.casefold(), named, 1, 0.5)
    return named[near[0]] if near else PAGES[0]
