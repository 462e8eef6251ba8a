"""Maps of words that take no time, for tests that draw some and look at none: UMAP takes long to load."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


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
    flat = ModuleType("umap")
    vars(flat).update(AlignedUMAP=Flat, layouts=ModuleType("umap.layouts"))
    sys.modules["umap"], sys.modules["umap.layouts"] = flat, flat.layouts
    return usual


def use_umap(usual: ModuleType | None) -> None:
    """Put UMAP back as `use_flat_maps` met it."""
    if usual is None:
        del sys.modules["umap"], sys.modules["umap.layouts"]
    else:
        sys.modules["umap"], sys.modules["umap.layouts"] = usual, usual.layouts
