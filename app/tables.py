"""Runs -> the small tables behind the pages: pure functions, no drawing."""

from __future__ import annotations

from collections.abc import Sequence

import metric_names
import numpy as np
import pandas as pd
import run_names

from lexclip_core.experiments import run_folder
from lexclip_core.experiments.explorer_data import WideVocabulary
from lexclip_core.training.settings import METHODS, describe_settings
from lexclip_core.words import normalise

BLOG_TRIPLES = (("happy", "cheerful", "sad"), ("smart", "intelligent", "dumb"))
"""The blog's word, its synonym, its antonym: the pairs its argument starts from."""

BASE_LABEL = "before tuning"


def blog_pairs() -> pd.DataFrame:
    """Return the blog's own pairs: word_a, word_b, relation."""
    rows = [
        (word, other, relation)
        for word, synonym, antonym in BLOG_TRIPLES
        for other, relation in ((synonym, "synonym"), (antonym, "antonym"))
    ]
    return pd.DataFrame(rows, columns=["word_a", "word_b", "relation"])


def pairs_of_triples(triples: pd.DataFrame) -> pd.DataFrame:
    """Return two pairs for each triple, synonym and antonym: word_a, word_b, relation and both cosines."""
    parts = [
        triples[["word", name, f"{name}_0", f"{name}_100"]]
        .set_axis(["word_a", "word_b", "cosine_before", "cosine_after"], axis="columns")
        .assign(relation=name)
        for name in ("synonym", "antonym")
    ]
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def metric_rows(
    summaries: Sequence[run_folder.RunSummary], first: run_folder.RunSummary, keys: Sequence[str]
) -> pd.DataFrame:
    """Return a row per metric and run: run, key, metric, value, low, high, n, the chosen run's base first."""
    others = [summary for summary in summaries if summary.run_id != first.run_id]
    names, rows = run_names.names([first, *others]), []
    for key in keys:
        label = metric_names.full_label(key)
        own = first.metrics.get(key, {})
        if own.get("before") is not None:
            rows.append((BASE_LABEL, key, label, own["before"], np.nan, np.nan, own.get("n")))
        for summary in (first, *others):
            if (entry := summary.metrics.get(key)) is not None:
                ends = (entry.get(end, np.nan) for end in ("low", "high"))
                name = names[summary.run_id]
                rows.append((name, key, label, entry["value"], *ends, entry.get("n")))
    columns = ["run", "key", "metric", "value", "low", "high", "n"]
    numbers = {"value": float, "low": float, "high": float, "n": "Int64"}
    return pd.DataFrame(rows, columns=columns).astype(numbers)


def settings_table(values: dict[str, object], method: object = None) -> pd.DataFrame:
    """Return a flat table of settings, nested ones with dotted names, every value as text.

    Args:
        values: The settings.
        method: The training method that they are of: what each means is added then.
    """
    flat = pd.json_normalize(dict(values)).iloc[0] if values else pd.Series(dtype=object)
    table = pd.DataFrame(
        {"setting": [str(key) for key in flat.index], "value": [str(value) for value in flat]}
    )
    if method in METHODS:
        meanings = {row.name: row.meaning for row in describe_settings(str(method))}
        table["meaning"] = [meanings.get(name, "") for name in table["setting"]]
    return table


def parent_cosines(
    layout: pd.DataFrame, rows: dict[str, int], run: run_folder.Run | WideVocabulary
) -> pd.DataFrame:
    """Return each drawn word with the cosine to its parent's word, before and after, in the original space.

    Args:
        layout: The rows of one subtree, of `runs.LAYOUT_COLUMNS`.
        rows: Normalised word -> row of the embeddings.
        run: The run, or other words with their embeddings.
    """
    heads = dict(zip(layout["synset"][::-1], layout["word"][::-1], strict=True))
    parents = layout["parent"].map(heads)
    table = pd.DataFrame(
        {
            "word": layout["word"],
            "synset": layout["synset"],
            "parent": parents.fillna(""),
            "gloss": layout["gloss"],
        }
    )
    child = layout["word"].map(normalise).map(rows).to_numpy(float)
    parent = parents.fillna("").map(normalise).map(rows).to_numpy(float)
    known = ~(np.isnan(child) | np.isnan(parent))
    for side, matrix in (("before", run.before), ("after", run.after)):
        cosine = np.full(len(layout), np.nan)
        cosine[known] = (matrix[child[known].astype(int)] * matrix[parent[known].astype(int)]).sum(axis=1)
        table[f"cosine_{side}"] = cosine
    return table
