"""The registry of targets: what the cosine of two words may be trained towards.

A target is one entry of `TARGETS`; settings, training and explorer take it from here by its name. Importing
this module is cheap: what computes a target is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from lexclip_core.targets.taxonomy import Policy

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


TARGETS: dict[str, Target] = {
    "wu_palmer": Target("plain Wu-Palmer targets", _wu_palmer("symmetric")),
    "wu_palmer_nltk": Target("plain Wu-Palmer targets, as released", _wu_palmer("nltk")),
    "lexical": Target("targets that know antonyms", _lexical),
}
"""Name -> target."""
