"""A word, its synonym and its opposite: which triple to show, and what its cosines say in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.experiments.explorer_data import Outcome, by_strength, outcomes
from lexclip_core.experiments.run_folder import POSITIONS, Run
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import normalise

Kind = Literal["synonym", "similar", "typed"]
NAMES = {
    0: "before",
    25: "a quarter of the way",
    50: "half-way",
    75: "three quarters of the way",
    100: "after",
}
FAMILIAR = 5  # occurrences in WordNet's tagged texts, of the rarest of the three words
CLOSE = 0.01  # nearer than this the two are called equally near


@dataclass(frozen=True)
class Triple:
    """A word with a synonym and an opposite, and both cosines at some positions between before and after.

    Attributes:
        word: The word.
        synonym: What means the same.
        antonym: What means the opposite.
        kind: How the synonym is one.
        positions: Per cent of the way from before to after, ascending.
        near: Cosine of word and synonym at each position.
        far: Cosine of word and opposite at each position.
    """

    word: str
    synonym: str
    antonym: str
    kind: Kind
    positions: tuple[int, ...]
    near: tuple[float, ...]
    far: tuple[float, ...]

    @property
    def outcome(self) -> Outcome:
        """What became of it, from its numbers alone."""
        ends = {"synonym_0": self.near[0], "antonym_0": self.far[0]}
        ends |= {"synonym_100": self.near[-1], "antonym_100": self.far[-1]}
        found: Outcome = outcomes(pd.DataFrame([ends])).iloc[0]
        return found


def of_run(run: Run) -> pd.DataFrame:
    """Return a run's triples with their outcome, what shows most first.

    They are the run's own; else they are made of its pairs, measured before and after only.
    """
    table = run.triples if run.triples is not None and len(run.triples) else of_pairs(run.pairs)
    if len(table) and "antonym_100" not in table:  # of a tower that was not tuned
        inversion = table["antonym_0"] - table["synonym_0"]
        ranked = table.assign(
            outcome=np.where(inversion >= 0, "not repaired", "right"),
            familiar=table["count"] >= FAMILIAR,
            inversion=inversion,
        ).sort_values(["familiar", "inversion"], ascending=False, kind="stable")
        return ranked.drop(columns=["familiar", "inversion"]).reset_index(drop=True)
    return by_strength(table)


def of_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return a triple for every word of a table of pairs that stands in a synonym and in an antonym pair."""
    both = pd.concat([pairs, pairs.rename(columns={"word_a": "word_b", "word_b": "word_a"})])
    # Test pairs are of words that no training saw; a toy run may have none of them.
    both = both[both["split"] == "test"] if (both["split"] == "test").any() else both
    ends = ["cosine_before", "cosine_after"]
    near, far = (
        both[both["relation"] == name][["word_a", "word_b", "pos", *ends]] for name in ("synonym", "antonym")
    )
    joined = near.merge(far.drop(columns="pos"), on="word_a", suffixes=("_s", "_a"))
    joined = joined[joined["word_b_s"] != joined["word_b_a"]].drop_duplicates(
        ["word_a", "word_b_s", "word_b_a"]
    )
    return pd.DataFrame(
        {
            "word": joined["word_a"], "synonym": joined["word_b_s"], "antonym": joined["word_b_a"],
            "pos": joined["pos"], "kind": "synonym", "count": 0,
            "synonym_0": joined["cosine_before_s"], "synonym_100": joined["cosine_after_s"],
            "antonym_0": joined["cosine_before_a"], "antonym_100": joined["cosine_after_a"],
        }
    ).reset_index(drop=True)  # fmt: skip


def of_row(row: pd.Series) -> Triple:
    """Return a row of a table of triples as a triple."""
    positions = tuple(percent for percent in POSITIONS if f"synonym_{percent}" in row.index)
    near, far = (
        tuple(float(np.clip(row[f"{name}_{percent}"], -1, 1)) for percent in positions)
        for name in ("synonym", "antonym")
    )
    word, synonym, antonym = (str(row[name]) for name in ("word", "synonym", "antonym"))
    kind: Kind = "similar" if row["kind"] == "similar" else "synonym"
    return Triple(word, synonym, antonym, kind, positions, near, far)


def find(table: pd.DataFrame, word: str, synonym: str = "", antonym: str = "") -> Triple | None:
    """Return the first triple of a word, with that synonym and opposite where named; None without."""
    rows = table[table["word"].map(normalise) == word]
    for column, wanted in (("synonym", synonym), ("antonym", antonym)):
        if wanted:
            rows = rows[rows[column].map(normalise) == wanted]
    return of_row(rows.iloc[0]) if len(rows) else None


def from_wordnet(wordnet: WordNet, word: str) -> tuple[str, str, Kind]:
    """Return a synonym and an opposite of a word, of one sense, the most used words first.

    Raises:
        InputError: WordNet does not know the word, or lists no opposite or no synonym of it.
    """
    synsets = wordnet.morphy(word)
    if not synsets:
        raise InputError(
            f"WordNet does not list “{word}”, so its synonym and its opposite are unknown.",
            "Type both of them too.",
        )
    for synset in synsets:
        heads = (synset, *wordnet.similar_to.of(synset).tolist())
        opposites = _opposites(wordnet, heads, word)
        alike = [
            _others(wordnet, heads[:1], {word, *opposites}),
            _others(wordnet, heads[1:], {word, *opposites}),
        ]
        if opposites and any(alike):
            return (next(filter(None, alike))[0], opposites[0], "synonym" if alike[0] else "similar")
    raise InputError(
        f"WordNet lists no opposite of “{word}”, or nothing that means the same.",
        "Type both of them too, or another word, such as hot.",
    )


def _others(wordnet: WordNet, synsets: Sequence[int], less: set[str]) -> list[str]:
    found = {
        normalise(lemma): count
        for synset in synsets
        for lemma, count in zip(wordnet.lemmas[synset], wordnet.lemma_counts[synset], strict=True)
    }
    return sorted((word for word in found if word not in less), key=lambda word: -found[word])


def _opposites(wordnet: WordNet, heads: Sequence[int], word: str) -> list[str]:
    direct = [
        normalise(wordnet.lemmas[other][lemma])
        for place in wordnet.lemma_places(word, heads[0])
        for other, lemma in wordnet.antonym_links.of(heads[0], place)
    ]
    if direct:
        return direct
    linked = (wordnet.antonym_links.of(synset) for synset in heads)
    return [normalise(wordnet.lemmas[other][lemma]) for links in linked for other, lemma in links]


def sentences(triple: Triple) -> list[str]:
    """Return one sentence per position, computed from the numbers."""
    said = []
    for place, percent in enumerate(triple.positions):
        near, far = triple.near[place], triple.far[place]
        if percent == 0 or (percent == 100 and len(triple.positions) > 1):
            said.append(_end(triple, near, far, percent))
            continue
        which = _nearer(triple, near, far)
        start = NAMES[percent].capitalize()
        said.append(f"{start}: {which}.")
    return said


def _nearer(triple: Triple, near: float, far: float) -> str:
    if abs(near - far) < CLOSE:
        return "both are about equally near"
    return f"“{triple.synonym if near > far else triple.antonym}” is nearer"


def _end(triple: Triple, near: float, far: float, percent: int) -> str:
    wrong = far >= near
    if percent == 0:
        if wrong:
            return f"Before, the opposite is nearer: “{triple.antonym}”, not “{triple.synonym}”."
        return f"Before, “{triple.synonym}” is nearer already: no fault on this word."
    return {
        "repaired": f"Before, the opposite was nearer. Now “{triple.synonym}” is.",
        "not repaired": f"The opposite was nearer, and still is: “{triple.antonym}”. Not repaired.",
        "made worse": f"Before, “{triple.synonym}” was nearer. Now the opposite is: made worse.",
        "right": f"“{triple.synonym}” was nearer before, and still is.",
    }[triple.outcome]
