"""Maps of words that take no time, for tests that draw some and look at none: UMAP takes long to load."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any, cast


class Flat:
    """The first two columns in place of what `umap.AlignedUMAP` lays out."""

    def __init__(self, **_: object) -> None:
        self.embeddings_: list[Any] = []

    def fit(self, rows: list[Any], **_: object) -> None:
        """Take the rows of each map."""
        self.embeddings_ = [one[:, :2] for one in rows]


def use_flat_maps() -> ModuleType | None:
    """Put them in the place of UMAP, and return what was there."""
    usual = sys.modules.get("umap")
    sys.modules["umap"] = cast("ModuleType", SimpleNamespace(AlignedUMAP=Flat))
    return usual
