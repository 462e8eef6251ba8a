"""Targets for words of all four parts of speech that know antonyms; plain Wu-Palmer knows neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.synsets import Pos, WordNet, load_wordnet
from lexclip_core.targets.ladder import Ladder, Rung
from lexclip_core.targets.relations import LexicalPairs, lexical_pairs
from lexclip_core.targets.word_level import WordPos, word_similarity
from lexclip_core.targets.wu_palmer import wu_palmer
from lexclip_core.words import normalise

Control = Literal["none", "shuffled", "constant"]
_TAXONOMIC: tuple[WordPos, ...] = ("n", "v")


def lexical_targets(
    words: Sequence[str],
    *,
    pos: Pos | None = None,
    senses: int | None = None,
    ladder: Ladder | None = None,
    wordnet: WordNet | None = None,
) -> np.ndarray:
    """Return a target cosine for every pair of words, shape (n, n), symmetric, 1 on the diagonal.

    Each pair takes the value of the first rung of the `Ladder` that holds. Two nouns or two verbs on no other
    rung get `ladder.synonym` times their Wu-Palmer similarity (policy lawful, the most similar senses).

    Args:
        words: Words of any part of speech, distinct when normalised.
        pos: Look at senses of one part of speech only.
        senses: Look at the first so many senses of each word only.
        ladder: The values; the default ladder if left out.
        wordnet: The tables; loaded if left out.

    Raises:
        InputError: No words, a word given twice, or a word that WordNet does not know.
    """
    wordnet = wordnet or load_wordnet()
    check_words(words, wordnet, pos)
    ladder = ladder or Ladder()
    targets = np.full((len(words), len(words)), ladder.unrelated)
    for part, known, rows in _taxonomic(words, wordnet, pos, senses):
        if senses is None:
            similarity = word_similarity([words[i] for i in known], pos=part, how="maximum")
        else:
            similarity = _most_similar(rows)
        block = np.ix_(known, known)
        targets[block] = np.maximum(targets[block], ladder.value(Rung.TAXONOMY) * similarity)
    pairs = lexical_pairs(words, wordnet, pos=pos, senses=senses)
    values = pair_targets(pairs, ladder)
    targets[pairs.first, pairs.second] = targets[pairs.second, pairs.first] = values
    np.fill_diagonal(targets, 1.0)
    return targets


def lexical_rungs(
    words: Sequence[str], *, pos: Pos | None = None, senses: int | None = None, wordnet: WordNet | None = None
) -> np.ndarray:
    """Return the deciding `Rung` of every pair of words, int8 (n, n); the diagonal says `SYNONYM`.

    Raises:
        InputError: As in `lexical_targets`.
    """
    wordnet = wordnet or load_wordnet()
    check_words(words, wordnet, pos)
    rungs = np.full((len(words), len(words)), Rung.UNRELATED, dtype=np.int8)
    for _, known, _ in _taxonomic(words, wordnet, pos, senses):
        rungs[np.ix_(known, known)] = Rung.TAXONOMY
    pairs = lexical_pairs(words, wordnet, pos=pos, senses=senses)
    rungs[pairs.first, pairs.second] = rungs[pairs.second, pairs.first] = pairs.rung
    np.fill_diagonal(rungs, Rung.SYNONYM)
    return rungs


def pair_targets(pairs: LexicalPairs, ladder: Ladder) -> np.ndarray:
    """Return the target cosine of each related pair, float64 (m,)."""
    return np.array([ladder.value(rung) for rung in Rung])[pairs.rung]


def _taxonomic(
    words: Sequence[str], wordnet: WordNet, pos: Pos | None, senses: int | None
) -> Iterator[tuple[WordPos, np.ndarray, list[np.ndarray]]]:
    """Yield for nouns and for verbs: which words have such senses among those that count, and the senses."""
    counted = [np.array(wordnet.synsets(word, pos)[:senses], dtype=np.int32) for word in words]
    for part in _TAXONOMIC:
        found = [row[wordnet.pos[row] == part] for row in counted]
        known = np.flatnonzero([len(row) for row in found])
        if len(known):
            yield part, known, [found[i] for i in known]


def _most_similar(senses: list[np.ndarray]) -> np.ndarray:
    """Return the Wu-Palmer similarity of the most similar senses of each two words, (n, n)."""
    starts = np.cumsum([0, *(len(row) for row in senses[:-1])])
    scores = wu_palmer(np.concatenate(senses))
    return np.maximum.reduceat(np.maximum.reduceat(scores, starts, axis=0), starts, axis=1)


def check_words(words: Sequence[str], wordnet: WordNet, pos: Pos | None = None) -> None:
    """Refuse words that lexical targets are not defined for.

    Raises:
        InputError: No words, a word given twice, or a word that WordNet does not know.
    """
    if not words:
        raise InputError("the list of words is empty", "give at least one word")
    seen: dict[str, str] = {}
    for word in words:
        form = normalise(word)
        if form in seen:
            raise InputError(f"{word!r} and {seen[form]!r} are the same word", "give every word once")
        seen[form] = word
        if not wordnet.synsets(word, pos):
            where = f" as part of speech {pos!r}" if pos else ""
            raise InputError(
                f"WordNet does not know {word[:60]!r}{where}", "check the spelling or leave it out"
            )


def _off_diagonal(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(len(targets), k=1)


def _shuffled(targets: np.ndarray, seed: int) -> np.ndarray:
    result, (rows, columns) = targets.copy(), _off_diagonal(targets)
    values = np.random.default_rng(seed).permutation(targets[rows, columns])
    result[rows, columns] = result[columns, rows] = values
    return result


def _constant(targets: np.ndarray, seed: int) -> np.ndarray:
    result, (rows, columns) = targets.copy(), _off_diagonal(targets)
    result[rows, columns] = result[columns, rows] = targets[rows, columns].mean()
    return result


_CONTROLS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "none": lambda targets, seed: targets,
    "shuffled": _shuffled,
    "constant": _constant,
}


def controlled(targets: np.ndarray, control: Control, *, seed: int = 0) -> np.ndarray:
    """Return targets without their lexical structure, to show how much of a gain is due to it.

    `shuffled` deals the same values out to other pairs; `constant` gives every pair their mean. The
    diagonal stays. A method that gains as much under its controls has not learned from the targets.

    Args:
        targets: Symmetric, shape (n, n).
        control: `none` leaves them as they are.
        seed: Of the shuffling.

    Raises:
        InputError: The control is unknown, or there are fewer than two words.
    """
    if control not in _CONTROLS:
        raise InputError(f"unknown control {control!r}", f"choose one of {', '.join(get_args(Control))}")
    if len(targets) < 2:
        raise InputError(f"a control needs at least two words, not {len(targets)}", "give more words")
    return _CONTROLS[control](targets, seed)


def random_words(
    words: Sequence[str], *, seed: int = 0, pos: Pos = "n", wordnet: WordNet | None = None
) -> tuple:
    """Return as many other words of one part of speech, drawn at random: the control of the vocabulary.

    Raises:
        InputError: WordNet has too few other words.
    """
    taken = {normalise(word) for word in words}
    pool = [word for word in (wordnet or load_wordnet()).words(pos) if word not in taken]
    if len(pool) < len(words):
        raise InputError(f"{len(words)} random words are asked for, WordNet has {len(pool)}", "ask for fewer")
    return tuple(np.random.default_rng(seed).choice(pool, len(words), replace=False).tolist())
