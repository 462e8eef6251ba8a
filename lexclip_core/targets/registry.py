"""The registry of targets: what the cosine of two words may be trained towards.

A target is one entry of `TARGETS`; settings, training and explorer take it from here by its name. Importing
this module is cheap: what computes a target is imported when it is first asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexclip_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from lexclip_core.targets.taxonomy import Policy

DRAWN = "drawn:"
"""How the name of targets begins that were drawn by hand: their values follow it."""

Among = Callable[["np.ndarray"], "np.ndarray"]
"""Rows of a vocabulary, int64 (n,) -> the target cosines of those words, (n, n), symmetric, in [-1, 1]."""


@dataclass(frozen=True)
class Target:
    """What cosines are trained towards.

    Attributes:
        meaning: What readers see in place of its name.
        of: Words, and the synset of each or () -> the targets among any of them; it refuses what it is not
            defined for with an `InputError`.
    """

    meaning: str
    of: Callable[[Sequence[str], Sequence[str]], Among]


def _wu_palmer(policy: Policy) -> Callable[[Sequence[str], Sequence[str]], Among]:
    def of(words: Sequence[str], synsets: Sequence[str]) -> Among:
        from lexclip_core.targets.taxonomy import load_taxonomy
        from lexclip_core.targets.word_level import first_senses
        from lexclip_core.targets.wu_palmer import wu_palmer_matrix

        senses = load_taxonomy().ids(synsets) if synsets else first_senses(words, "n")
        return lambda rows: wu_palmer_matrix(senses[rows], policy=policy)

    return of


def _lexical(words: Sequence[str], synsets: Sequence[str]) -> Among:
    from lexclip_core.targets.relations import check_words, lexical_targets
    from lexclip_core.wordnet.tables import load_wordnet

    check_words(words, load_wordnet())
    return lambda rows: lexical_targets([words[row] for row in rows])


def drawn(targets: Sequence[Sequence[float]] | np.ndarray) -> str:
    """Return the name of targets drawn by hand, which carries what is above the diagonal, row by row.

    Args:
        targets: Target cosines in [-1, 1], symmetric, (n, n); four decimals count.

    Raises:
        InputError: It is not such a matrix.

    >>> drawn([[1, 0.8, -0.2], [0.8, 1, 0], [-0.2, 0, 1]])
    'drawn:0.8,-0.2,0'
    """
    import numpy as np

    matrix = np.array(targets, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T):
        raise InputError(f"targets of shape {matrix.shape} are not a symmetric matrix", "give (n, n)")
    values = matrix[np.triu_indices(len(matrix), k=1)].round(4) + 0.0
    if not (np.abs(values) <= 1).all():
        raise InputError(f"a target is {values[~(np.abs(values) <= 1)][0]:g}", "give cosines, -1 to 1")
    return DRAWN + ",".join(f"{value:g}" for value in values)


def _drawn(name: str) -> Target:
    def of(words: Sequence[str], synsets: Sequence[str]) -> Among:
        import numpy as np
        from scipy.spatial.distance import squareform

        texts = name.removeprefix(DRAWN).split(",")
        if len(texts) != len(words) * (len(words) - 1) // 2:
            raise InputError(
                f"{len(texts)} targets are drawn for {len(words)} words", "give one for each pair"
            )
        matrix = np.eye(len(words)) + squareform([float(text) for text in texts])
        return lambda rows: matrix[np.ix_(rows, rows)]

    return Target("targets drawn by hand", of)


class _Targets(dict[str, Target]):
    """Targets by name; a name that carries its values is one of them, and is not listed."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and _DRAWN.fullmatch(name) is not None)

    def __missing__(self, name: str) -> Target:
        if name in self:
            return _drawn(name)
        raise KeyError(name)


_DRAWN = re.compile(rf"{DRAWN}(-?(0(\.\d+)?|1)(,(?!$)|$))+")

TARGETS: dict[str, Target] = _Targets(
    {
        "wu_palmer": Target("plain Wu-Palmer targets", _wu_palmer("symmetric")),
        "wu_palmer_nltk": Target("plain Wu-Palmer targets, as released", _wu_palmer("nltk")),
        "lexical": Target("targets that know antonyms", _lexical),
    }
)
"""Name -> target; `drawn` gives the name of targets of one's own."""
