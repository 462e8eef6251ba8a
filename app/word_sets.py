"""Ready sets of words to train on, by what a tower makes of them; and what a training made of a set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from lexclip_core.targets.relations import REPULSIVE, WordRelation, lexical_relations

MOST = 30
FAMILIAR = 3  # occurrences in WordNet's tagged texts, of the rarest of the three words
WRONG, RIGHT = "Words it gets wrong", "Words it gets right"
PARTS = {"a": "Adjectives it gets wrong", "v": "Verbs it gets wrong", "n": "Nouns it gets wrong"}
_ALIKE = (WordRelation.SYNONYM, WordRelation.SIMILAR)


def ready_sets(triples: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return name -> at most 30 words: of triples, those that a tower inverts most, and those it gets right.

    Args:
        triples: Columns word, synonym, antonym, pos, count, synonym_0 and antonym_0, the tower's cosines.
    """
    inversion = triples["antonym_0"] - triples["synonym_0"]
    ranked = triples.assign(inversion=inversion).sort_values("inversion", ascending=False, kind="stable")
    familiar = ranked[ranked["count"] >= FAMILIAR]
    wrong = familiar[familiar["inversion"] > 0]
    chosen = {WRONG: wrong, RIGHT: familiar[familiar["inversion"] < 0].iloc[::-1]}
    chosen |= {name: wrong[wrong["pos"] == part] for part, name in PARTS.items()}
    sets = {name: _words(rows) for name, rows in chosen.items()}
    return {name: words for name, words in sets.items() if len(words) >= 2}


def _words(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the words of whole triples, as many as there is room for, related words next to each other."""
    words: dict[str, None] = {}
    for triple in zip(rows["word"], rows["synonym"], rows["antonym"], strict=True):
        if len(words.keys() | set(triple)) <= MOST:
            words |= dict.fromkeys(triple)
    return tuple(words)


@dataclass(frozen=True)
class Related:
    """Which of some words mean the same, and which the opposite.

    Attributes:
        words: The words.
        alike: Pairs of rows that mean the same or nearly, (m, 2).
        opposite: Pairs of rows that are opposites, (m, 2).
    """

    words: tuple[str, ...]
    alike: np.ndarray
    opposite: np.ndarray

    @classmethod
    def of(cls, words: Sequence[str]) -> Related:
        """Return what WordNet says of words."""
        relation = np.triu(lexical_relations(words).astype(int) + 1, k=1) - 1  # -1: below the diagonal
        return cls(
            tuple(words), np.argwhere(np.isin(relation, _ALIKE)), np.argwhere(np.isin(relation, REPULSIVE))
        )

    def inverted(self, cosines: np.ndarray) -> dict[tuple[int, int, int], float]:
        """Return (word, synonym, opposite) -> by how much the opposite is nearer, negative where it is not.

        One triple for each word that has both: its nearest opposite, and its nearest word of one meaning.
        """
        near, far = (_nearest(pairs, cosines) for pairs in (self.alike, self.opposite))
        return {
            (row, near[row], far[row]): float(cosines[row, far[row]] - cosines[row, near[row]])
            for row in near.keys() & far.keys()
        }


@lru_cache(maxsize=32)
def related(words: tuple[str, ...]) -> Related:
    """Return what WordNet says of words, read once: a running training asks again and again."""
    return Related.of(words)


def _nearest(pairs: np.ndarray, cosines: np.ndarray) -> dict[int, int]:
    found: dict[int, int] = {}
    for one, other in [*pairs.tolist(), *pairs[:, ::-1].tolist()]:
        if one not in found or cosines[one, other] > cosines[one, found[one]]:
            found[one] = other
    return found


def finding(of: Related, before: np.ndarray, now: np.ndarray, say: Callable[[str], str] = str) -> str:
    """Return what a training made of its words, Markdown: one word closely, and how many of them.

    Args:
        of: Which of the words belong together.
        before: Their cosines before, (n, n).
        now: Their cosines now.
        say: Writes a word as Markdown.
    """
    start, end = of.inverted(before), of.inverted(now)
    if not start:
        return "WordNet knows no synonym and opposite of one word among these, so nothing can be inverted."
    words = [say(word) for word in of.words]
    row, near, far = max(start, key=lambda one: start[one])
    wrong = sum(value >= 0 for value in start.values()), sum(value >= 0 for value in end.values())
    said = (
        f"**{words[row]}**: its synonym **{words[near]}** {before[row, near]:.2f}, "
        f"its opposite **{words[far]}** {before[row, far]:.2f}"
    )
    if now is not before:
        said += f"; now {now[row, near]:.2f} and {now[row, far]:.2f}"
    count = (
        f"{wrong[0]} of {len(start)}" if now is before else f"{wrong[0]} of {len(start)}, now in {wrong[1]}"
    )
    return f"{said}.  \nOf words with both here, the opposite is nearer in {count}."
