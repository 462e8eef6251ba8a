"""The ladder of lexical targets: what each relation of two words in WordNet is worth as a cosine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

from lexclip_core.errors import InputError


class Rung(IntEnum):
    """How WordNet relates two words; where several hold, the first in this order decides."""

    ANTONYM = 0
    """An antonym link joins the two lemmas: hot, cold."""
    OPPOSITE = 1
    """Their synsets hold antonyms: smart is the antonym of stupid, so bright and stupid are opposite."""
    SYNONYM = 2
    """They share a synset: car, automobile."""
    DERIVED_ANTONYM = 3
    """They are derived from two antonyms: happiness, unhappiness."""
    SIMILAR = 4
    """One is the head of an adjective cluster, the other a satellite: happy, blissful."""
    CLUSTER_ANTONYM = 5
    """One is in the cluster of an adjective, the other in the cluster of its antonym: blissful, unhappy."""
    ALSO_SEE = 6
    """WordNet says "see also": happy, cheerful."""
    SIBLING = 7
    """Both are satellites of one head: arid, parched."""
    DERIVATION = 8
    """One is derived from, pertains to, or is a value of the other: happy, happiness."""
    TAXONOMY = 9
    """Two nouns or two verbs: `synonym` times their Wu-Palmer similarity."""
    UNRELATED = 10
    """WordNet is silent."""


REPULSIVE = (Rung.ANTONYM, Rung.OPPOSITE, Rung.DERIVED_ANTONYM, Rung.CLUSTER_ANTONYM)
ATTRACTIVE = (Rung.SYNONYM, Rung.SIMILAR, Rung.ALSO_SEE, Rung.SIBLING, Rung.DERIVATION)


@dataclass(frozen=True)
class Ladder:
    """The target cosine of every rung, each in [-1, 1]; all opposites lie below `unrelated`.

    The order is what matters: opposites < unrelated < related < similar < synonym. The values were set once,
    from what the words mean, and not tuned on any test set.

    Raises:
        InputError: A value lies outside [-1, 1], or an opposite does not lie below `unrelated`.
    """

    antonym: float = 0.0
    opposite: float = 0.0
    derived_antonym: float = 0.0
    cluster_antonym: float = 0.1
    unrelated: float = 0.2
    derivation: float = 0.6
    sibling: float = 0.55
    also_see: float = 0.6
    similar: float = 0.7
    synonym: float = 0.85

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not -1 <= value <= 1:
                raise InputError(f"ladder: {field.name} is {value}", "a target is a cosine: give -1 to 1")
        for rung in REPULSIVE:
            if self.value(rung) >= self.unrelated:
                raise InputError(
                    f"ladder: {rung.name.lower()} is {self.value(rung)}, unrelated is {self.unrelated}",
                    "opposites must be pushed below the level of unrelated words",
                )

    def value(self, rung: Rung) -> float:
        """Return the target of a rung; for `TAXONOMY` the ceiling that Wu-Palmer is scaled to."""
        return self.synonym if rung is Rung.TAXONOMY else getattr(self, rung.name.lower())
