"""See, measure and repair how text encoders treat words: a five-minute tutorial.

Import the library under its short name; nothing heavy is loaded until it is needed.

>>> import lexclip_core as lexclip

**A tower** turns texts into vectors of length 1, so that a dot product is a cosine. The default comes
with the installation; the papers' CLIP is one name away (`lexclip models` lists all).

>>> tower = lexclip.load()
>>> quick, slow, fast = tower.encode_texts(["quick", "slow", "fast"])
>>> bool(fast @ slow > fast @ quick)  # the opposite is nearer than the synonym
True

**Tuning** moves cosines towards targets from WordNet, on a copy. Words of your own take seconds, and a
preset is a whole experiment: `lexclip.tune(preset="lexclip")`, or `preset="blog-release"` for the
paper's own method.

>>> result = lexclip.tune(["fast", "quick", "slow", "hot", "cold", "warm", "tepid"], tower=tower)
>>> before, after = result.pairs([("fast", "slow")])[["cosine_before", "cosine_after"]].iloc[0]
>>> bool(after < before)
True

**What moved** comes as tables (pandas) and figures (plotly):

>>> sorted(result.neighbours("hot", k=5).columns)[:4]
['change', 'cosine_after', 'cosine_before', 'neighbour']
>>> figure = result.show()

**Senses** of one word, each with a vector of its own, as a tower sees them before and after tuning:

>>> senses = lexclip.senses("crane")
>>> senses.table["sense"].tolist()[-2:]
['crane.n.05', 'crane.v.01']

`result.map("emotion.n.01")` draws a branch of WordNet, `result.history` has the loss terms, and
`result.save()` measures the tower on words that it never saw and writes a run folder, which the explorer
lists (`lexclip app`). `lexclip.compare(tower, other)` measures the lexical cards of two towers, which takes
minutes: `.show()` draws them as one dot plot, `.table()` has the numbers, `.pairs()` looks at single words.

From here: notebooks/00_tour.ipynb walks the whole way, `docs/` explains each part, and
`docs/how_to_add.md` adds a target, a loss, a data set, a tower or a page.
"""

from __future__ import annotations

from typing import Any

from lexclip_core.workbench import Comparison, Result, Senses, compare, load, senses, tune

__all__ = ["Comparison", "Result", "Senses", "__version__", "compare", "load", "senses", "tune"]


def __getattr__(name: str) -> Any:
    """Return the version when it is asked for: reading it takes longer than importing the library."""
    if name == "__version__":
        from importlib.metadata import version

        return version("lexclip")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
