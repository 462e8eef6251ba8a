"""What is known about a data set: where it comes from, under which terms, how large it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """The label on a data set that lexclip reads but does not ship.

    Args:
        name: The name that `read` takes.
        title: The name that papers use.
        rows: Number of rows of the complete set.
        scale: The scores' lowest and highest value, and what they say.
        reference: The publication to cite.
        source: The page that the set can be had from.
        licence: The terms, as the source states them.
        files: The file names that `read` looks for, in this order.
        hub: Repository on the Hugging Face hub that `read` can fetch, or "" where none is known for certain.
        warning: What the set must not be used for, or "".
    """

    name: str
    title: str
    rows: int
    scale: str
    reference: str
    source: str
    licence: str
    files: tuple[str, ...]
    hub: str = ""
    warning: str = ""
