"""What the ledger and docs/evaluation.md say of senses, and of how many words are tuned on.

`python -m tools.word_claims` measures the shipped run of `lexclip` next to its base on words by their number
of senses (B25), reads the curve over words (B24) from `data/scale/words.csv`, and writes
`data/measured/word_claims.json`. `make tables` puts both into docs/evaluation.md, next to what cards have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.errors import MissingResourceError
from lexclip_core.evaluation.card_measures import CardItems
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.evaluation.lexical import DOMINANT, synonym_over_antonym_auc
from lexclip_core.evaluation.senses import POLYSEMY, polysemy_parts
from lexclip_core.evaluation.similarity import text_cosines
from lexclip_core.experiments.run_folder import git_commit
from lexclip_core.experiments.word_measures import card_items
from lexclip_core.experiments.words import lexicon
from lexclip_core.papers.measurement import (
    Conditions,
    Measurement,
    conditions,
    measured_folder,
    write_measurements,
)
from lexclip_core.towers.encoder import Encoder, TextRows
from lexclip_core.towers.loading import load
from lexclip_core.training.settings import DEFAULT_TOWER
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.workbench import shipped_tower
from tools.markdown import interval, table

TARGETS = {"base": "base", "none": "lexical", "shuffled": "shuffled"}
"""Control of a training -> what the tables call its targets."""
Changed = tuple[Estimate, Estimate, Estimate]
"""Before, after, and the paired change."""


def by_senses(items: CardItems, before: Encoder, after: Encoder) -> dict[tuple[str, str], Changed]:
    """Return the AUC by which senses relate a pair (dominant or all) and the part of `POLYSEMY`."""
    pairs, part_of = items.related, polysemy_parts(load_wordnet(), items.both)
    ends = pairs["word_a"].tolist(), pairs["word_b"].tolist()
    cosines = np.stack([text_cosines(encode, *ends) for encode in (before, after)])
    measured = {}
    for sense, rows in (("dominant", pairs["share"] >= DOMINANT), ("all", pairs["share"] >= 0)):
        for part in POLYSEMY:
            chosen = (rows & (part_of == part)).to_numpy()
            relations, words = pairs["relation"][chosen].tolist(), [*compress(items.both, chosen)]
            (old,), (new,), (change,) = (
                synonym_over_antonym_auc(one[..., chosen], relations, split=part, words=words).values()
                for one in (*cosines, cosines)
            )
            measured[sense, part] = (old, new, change)
    return measured


def polysemy_table(
    measured: Mapping[tuple[str, str], Changed], scores: Sequence[Mapping[str, Estimate]]
) -> str:
    """Return what docs/evaluation.md says of words by their senses: a table, and the sentence on B25."""
    rows = []
    for (sense, part), (old, new, change) in measured.items():
        said = f"synonym over antonym, {sense} senses, words of {part} ({new.n:,} pairs)"
        rows.append([said, interval(old), interval(new), interval(change, "+")])
    titles = {
        "senses/own": "gloss nearest to its sense, among the word's own",
        "senses/all": "gloss nearest to its sense, among all",
        "senses/silhouette": "silhouette of a word's senses",
    }
    first, second = scores
    rows += [[title, interval(first[name]), interval(second[name]), ""] for name, title in titles.items()]
    return f"{table(['measure', 'before', 'after', 'change'], rows)}\n{answer(measured)}\n"


def answer(measured: Mapping[tuple[str, str], Changed]) -> str:
    """Return the sentence that answers the worry of B25 with the changes that were measured."""
    one, many = (measured["dominant", part][2] for part in ("one sense", "five senses or more"))
    apart = many.ends[0] > one.ends[1] or many.ends[1] < one.ends[0]
    compared = "less" if many.value < one.value else "more"
    against = f"{compared} than" if apart else "no differently, within the intervals, from"
    gains = "gains" if many.ends[0] > 0 else "does not gain beyond its interval"
    common, every = (measured[sense, "five senses or more"][1].value for sense in ("dominant", "all"))
    return (
        f"The blog fears that polysemy spoils the method as it grows (B25). Where a word has five senses or "
        f"more the main measure {gains} ({interval(many, '+')}), {against} where both words have one "
        f"({interval(one, '+')}). What many senses cost is not the tuning's: over all senses such pairs "
        f"reach {every:.3f} in place of {common:.3f}, since one vector follows the common senses."
    )


def curve_table(curve: pd.DataFrame) -> str:
    """Return what docs/evaluation.md says of the number of words tuned on."""
    metrics, lines = list(dict.fromkeys(curve["metric"])), []
    for (words, control), part in curve.groupby(["words", "control"], sort=False):
        rows = part.set_index("metric")
        first = rows.iloc[0]
        pairs = "" if words == 0 else f"{first['opposites']:,.0f}, {first['relatives']:,.0f}"
        cells = [
            f"{rows['value'][one]:,.0f}" if "rank" in one else f"{rows['value'][one]:.3f}" for one in metrics
        ]
        change = Estimate(*first[["change", "change_low", "change_high"]])
        lines.append([f"{words:,}", TARGETS[control], pairs, *cells, interval(change, "+") if words else ""])
    return table(["words", "targets", "opposites, relatives", *metrics, "change of the first"], lines)


def claims(
    measured: Mapping[tuple[str, str], Changed], here: Conditions, curve: pd.DataFrame
) -> list[Measurement]:
    """Return what stands next to B24 and B25."""
    made = [
        here.measured(
            f"synonym over antonym, {sense} senses, words of {part}: AUC after tuning",
            new,
            "polysemy_change",
            change=change,
            over="words",
            unit="number",
        )
        for (sense, part), (_, new, change) in measured.items()
    ]
    for row in curve[curve["metric"] == curve["metric"].iloc[0]].itertuples():
        if row.words:
            made.append(
                here.measured(
                    f"{row.metric}, tuned on {row.words:,} words, {TARGETS[row.control]} targets",
                    Estimate(row.value, row.low, row.high, row.n),
                    "gain_over_words",
                    change=Estimate(row.change, row.change_low, row.change_high, row.n),
                    over="words",
                    unit="number",
                )
            )
    return made


def read_curve(path: Path) -> pd.DataFrame:
    """Return what `lexclip word-curve` wrote.

    Raises:
        MissingResourceError: It is not there.
    """
    if not path.is_file():
        remedy = "make it: lexclip word-curve --words 100 --words 1000 --test-sets FOLDER"
        raise MissingResourceError(f"{path} is not there", remedy)
    return pd.read_csv(path)


def main() -> None:
    """Measure, and write the measurements."""
    curve, base = read_curve(storage.data_folder() / "scale" / "words.csv"), load(DEFAULT_TOWER)
    items = card_items("test", lexicon("family"))
    before, after = (TextRows(tower.encode_texts, items.vocabulary) for tower in (base, shipped_tower(base)))
    measured = by_senses(items, before, after)
    here = conditions("WordNet's words", split="heldout", text=base, seeds=(0,))
    made = claims(measured, here, curve)
    commit = git_commit()
    recorded = [replace(one, notebook="word_claims", profile="embedded", commit=commit) for one in made]
    write_measurements(recorded, measured_folder())


if __name__ == "__main__":
    main()
