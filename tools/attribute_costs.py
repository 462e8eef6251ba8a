"""Why sentences that differ in one attribute pay: accuracy by what was exchanged.

`python -m tools.attribute_costs FOLDER` reads SugarCrepe++'s replaced attributes from FOLDER/sugarcrepe_pp,
sorts its items by the words that were exchanged (antonyms, other opposites, colours, all others), measures
the runs in data/runs on each sort, and writes `data/scale/attributes.csv`, of which `make tables` makes the
table of docs/tuning.md.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.datasets.composition import SWAPS, read
from lexclip_core.evaluation.composition import prefers_paraphrase
from lexclip_core.evaluation.embeddings import row_cosines
from lexclip_core.evaluation.intervals import bootstrap_interval
from lexclip_core.experiments.run_folder import find_run, summarise, tensors_of
from lexclip_core.experiments.words import Lexicon, lexicon
from lexclip_core.targets.relations import REPULSIVE, WordRelation
from lexclip_core.towers.encoder import TextRows
from lexclip_core.towers.loading import load
from lexclip_core.towers.weights import apply_tuned
from lexclip_core.training.settings import DEFAULT_TOWER
from lexclip_core.wordnet.tables import load_wordnet
from tools.markdown import table

RUNS = ("lexclip", "lexclip-first", "lexclip-constant", "lexclip-shuffled", "paraclip-emoji")
COLUMNS = (
    *("run", "exchanged", "items", "before", "after", "change", "low", "high"),
    *("false_cosine_before", "false_cosine_after"),
)
SORTS = ("antonyms", "other opposites", "colours", "others")
_WORD = re.compile(r"[a-z]+")


def exchanged(true: str, false: str) -> tuple[list[str], list[str]]:
    """Return the words of a true caption that its false one lacks at their place, and those in their stead.

    >>> exchanged("A tan sink.", "A white sink.")
    (['tan'], ['white'])
    """
    first, second = (_WORD.findall(text.lower()) for text in (true, false))
    gone: list[str] = []
    come: list[str] = []
    for kind, *ends in difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind != "equal":
            gone += first[ends[0] : ends[1]]
            come += second[ends[2] : ends[3]]
    return gone, come


def colour_names() -> frozenset[str]:
    """Return WordNet's names of colours, black, white and grey included."""
    wordnet = load_wordnet()
    below = wordnet.subtree(wordnet.index("color.n.01"), len(wordnet))
    return frozenset(name for place in below for name in wordnet.lemmas[place])


def sorts_of(
    true: Sequence[str], false: Sequence[str], vocabulary: Lexicon, colours: frozenset[str]
) -> np.ndarray:
    """Return the one of `SORTS` that each pair of captions belongs to, by the words exchanged, str (n,)."""
    place = {word: index for index, word in enumerate(vocabulary.words)}

    def related(relations: Sequence[WordRelation]) -> set[tuple[int, int]]:
        pairs = vocabulary.related.chosen(relations)
        both = np.stack([pairs.first, pairs.second], axis=1)
        return {(int(one), int(other)) for one, other in np.concatenate([both, both[:, ::-1]])}

    antonyms, opposites = related([WordRelation.ANTONYM]), related([*REPULSIVE])
    found = []
    for one, other in zip(true, false, strict=True):
        gone, come = exchanged(one, other)
        pairs = {(place.get(a, -1), place.get(b, -1)) for a in gone for b in come}
        if pairs & antonyms:
            found.append("antonyms")
        elif pairs & opposites:
            found.append("other opposites")
        else:
            found.append("colours" if colours & set(gone) and colours & set(come) else "others")
    return np.array(found)


def measure(folder: Path) -> pd.DataFrame:
    """Return the accuracy of the base and of each run on each part, columns `COLUMNS`.

    Raises:
        MissingResourceError: A run, its tensors, or the items are not there.
    """
    tests = read("sugarcrepe-pp", folder / "sugarcrepe_pp", SWAPS[:1])
    sort = sorts_of(tests.true, tests.false, lexicon(), colour_names())
    base, rows, before = load(DEFAULT_TOWER), [], None
    for preset in ("", *RUNS):
        tower = apply_tuned(base, tensors_of(summarise(find_run(preset)))) if preset else base
        encode = TextRows(tower.encode_texts, tests.texts())
        true, other, false = (encode(texts) for texts in (tests.true, tests.paraphrases, tests.false))
        now = prefers_paraphrase(true, other, false), row_cosines(true, false)
        before = before or now
        for name in ("all", *SORTS) if preset else ():
            chosen = np.ones(len(sort), dtype=bool) if name == "all" else sort == name
            (old, far), (new, near) = ([one[chosen] for one in values] for values in (before, now))
            change = bootstrap_interval(new.astype(float) - old)
            ends = {"change": change.value, "low": change.low, "high": change.high}
            facts = {
                "run": preset,
                "exchanged": name,
                "items": len(new),
                "before": old.mean(),
                "after": new.mean(),
            }
            cosines = {"false_cosine_before": far.mean(), "false_cosine_after": near.mean()}
            rows.append(facts | ends | cosines)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def page_table(measured: pd.DataFrame) -> str:
    """Return the table of docs/tuning.md."""
    runs, rows = dict.fromkeys(measured["run"]), []
    for name, part in measured.groupby("exchanged", sort=False):
        one = part.iloc[0]
        cells = [
            f"{row.after:.3f} ({row.change:+.3f}, {row.low:+.3f} to {row.high:+.3f})"
            for row in part.itertuples()
        ]
        rows.append([name, one["items"], f"{one['before']:.3f}", *cells])
    return table(["exchanged", "items", "base", *(f"`{run}`" for run in runs)], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of test sets, with sugarcrepe_pp")
    measured = measure(parser.parse_args(arguments).folder)
    with storage.atomic_write(storage.data_folder() / "scale" / "attributes.csv") as temporary:
        measured.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")


if __name__ == "__main__":
    main()
