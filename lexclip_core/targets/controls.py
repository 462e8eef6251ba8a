"""What takes the lexical structure of targets away, to show how much of a gain is due to it.

A method that gains as much under its controls has not learned from the targets. `shuffled` and `constant`
change the targets of the same words; `random_words` are other words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.wordnet.lexicon import Pos
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise

Control = Literal["none", "shuffled", "constant"]


CONTROLS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "none": lambda values, seed: values,
    "shuffled": lambda values, seed: np.random.default_rng(seed).permutation(values),
    "constant": lambda values, seed: values.mean(),
}
"""Name -> the targets of all pairs and a seed -> what is left of the targets."""


def controlled(targets: np.ndarray, control: Control, *, seed: int = 0) -> np.ndarray:
    """Return targets without their lexical structure.

    `shuffled` gives the same values to other pairs, `constant` gives every pair their mean; the diagonal
    stays.

    Args:
        targets: Symmetric, shape (n, n).
        control: `none` leaves them as they are.
        seed: Of the shuffling.

    Raises:
        InputError: The control is unknown, or there are fewer than two words.

    >>> controlled(np.array([[1, 0.2, 0.6], [0.2, 1, 0.1], [0.6, 0.1, 1]]), "constant").round(3)[0].tolist()
    [1.0, 0.3, 0.3]
    """
    if control not in CONTROLS:
        raise InputError(f"unknown control {control!r}", f"choose one of {', '.join(get_args(Control))}")
    if len(targets) < 2:
        raise InputError(f"a control needs at least two words, not {len(targets)}", "give more words")
    if control == "none":
        return targets
    result, (rows, columns) = targets.copy(), np.triu_indices(len(targets), k=1)
    result[rows, columns] = result[columns, rows] = CONTROLS[control](targets[rows, columns], seed)
    return result


def random_words(words: Sequence[str], *, seed: int = 0, pos: Pos = "n") -> tuple[str, ...]:
    """Return as many other words of one part of speech, drawn at random: the control of the vocabulary.

    Raises:
        InputError: WordNet has too few other words.

    >>> len(random_words(["dog", "cat"], seed=1))
    2
    """
    taken = {normalise(word) for word in words}
    pool = [word for word in load_wordnet().words(pos) if word not in taken]
    if len(pool) < len(words):
        raise InputError(f"{len(words)} random words are asked for, WordNet has {len(pool)}", "ask for fewer")
    return tuple(np.random.default_rng(seed).choice(pool, len(words), replace=False).tolist())
