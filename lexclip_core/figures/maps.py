"""Where words lie: the joint map of a WordNet subtree before and after tuning, and its figure."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import before_after_rows, word_rows
from lexclip_core.figures.alt_texts import described_by
from lexclip_core.figures.style import (
    INK,
    MAP_CAPTION,
    WHEN,
    Mark,
    arrows,
    checked,
    gapped,
    marks_for,
    new_figure,
    outlined,
    padded_range,
    plain,
    readable,
    wrapped,
)

MapView = Literal["before", "after", "movement"]
LAYOUT_COLUMNS = ("word", "synset", "parent", "gloss", "x_before", "y_before", "x_after", "y_after")
OTHER_BRANCHES = "other branches"
ROOT = "root"
_TITLES = {
    "before": "Map of the words before tuning",
    "after": "Map of the words after tuning",
    "movement": "How each word moved on the map",
}
_MAX_BRANCHES = 5
_MAX_LABELS = 14
_MOVERS = 6

MIN_LAYOUT_WORDS = 5
_NEIGHBOURS = 15
_AMONG = 8  # landmarks that a word of an atlas lies among
_SHARPNESS = 30.0  # how much more a landmark pulls than one whose cosine is lower: e^3 at 0.1
_SAMPLE = 3_000  # words of an atlas that its trustworthiness is measured on
# How strongly a word before is tied to itself after. Measured on 237 nouns of all-MiniLM-L6-v2: at UMAP's
# own 0.01 two identical embeddings drift apart by 16 % of the map's spread, at 0.03 by 9 %; from 0.3 on words
# that really changed hardly move more than those that did not, and the map after is less trustworthy.
_ALIGNMENT = 0.03


class Places(NamedTuple):
    """Where words lie on one map before and after, each (words, 2), and how far either can be trusted."""

    before: np.ndarray
    after: np.ndarray
    trust_before: float
    trust_after: float


def trustworthiness(embeddings: np.ndarray, positions: np.ndarray, n_neighbors: int) -> float:
    """Return how far a map's neighbours are neighbours in the original space by cosine, in [0, 1].

    Args:
        embeddings: Unit rows, (words, dim).
        positions: Positions on the map, (words, 2).
        n_neighbors: Neighbours looked at; lowered to what the measure allows, less than half the words.

    Returns:
        The measure of Venna and Kaski (2001); 1 is best.
    """
    from sklearn import manifold

    k = max(1, min(n_neighbors, (len(embeddings) - 1) // 2))
    return float(manifold.trustworthiness(embeddings, positions, n_neighbors=k, metric="cosine"))


def _keep_umap_compiled() -> None:
    """Let umap compile once: by itself, it would do so for half a minute a process and 2 seconds a map."""
    import numba
    from numba.typed import typedlist

    from lexclip_core.targets.kernels import compiled_once, keep_compiled, machine_code_in_cache

    with machine_code_in_cache():  # pynndescent, which umap imports, asks numba for a cache by itself
        import umap.layouts
    for module in [typedlist, *(part for name, part in sys.modules.items() if name.startswith("umap."))]:
        keep_compiled(*vars(module).values())
    # It asks for its loops by `numba.njit` in each call, which makes them anew.
    once = ModuleType("numba")  # its compiled loops name numba.prange, and numba knows modules only
    vars(once).update({**vars(numba), "njit": compiled_once})
    umap.layouts.numba = once


def _aligned_umap(before: np.ndarray, after: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions before and after in one frame: two separate maps would move every word by chance."""
    _keep_umap_compiled()
    import umap

    mapper = umap.AlignedUMAP(
        metric="cosine",
        n_neighbors=min(_NEIGHBOURS, len(before) - 1),
        alignment_regularisation=_ALIGNMENT,
        random_state=seed,  # the neighbour graphs
        transform_seed=seed,  # the layout: AlignedUMAP draws it from this seed alone
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one thread because of the seed; small sets
        mapper.fit([before, after], relations=[{row: row for row in range(len(before))}])
    first, second = (np.asarray(positions, dtype=np.float32) for positions in mapper.embeddings_)
    lost = np.flatnonzero(~np.isfinite(np.hstack([first, second])).all(axis=1))
    if lost.size:
        raise InputError(
            f"row {lost[0]} has no neighbour to lie near ({lost.size} such rows)", "leave it out of the map"
        )
    return first, second


def word_places(before: np.ndarray, after: np.ndarray | None = None, *, seed: int = 0) -> Places:
    """Lay out words before and after in one frame with AlignedUMAP; where there is no after, before alone.

    Args:
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim').
        seed: Seeds the neighbour graph and the layout: one seed, one map on one machine.

    Returns:
        Places and their trustworthiness. Without an after, both times are the same.

    Raises:
        InputError: Fewer than five words, or a row without a neighbour.
    """
    if len(before) < MIN_LAYOUT_WORDS:
        raise InputError(
            f"a map of {len(before)} words says nothing", f"choose at least {MIN_LAYOUT_WORDS} words"
        )
    both = (before, before if after is None else after)
    first, second = _aligned_umap(*both, seed)
    places = (first, first if after is None else second)
    trust = (trustworthiness(rows, at, _NEIGHBOURS) for rows, at in zip(both, places, strict=True))
    return Places(*places, *trust)


def atlas_places(before: np.ndarray, after: np.ndarray, landmarks: np.ndarray, *, seed: int = 0) -> Places:
    """Lay out very many words: landmarks by AlignedUMAP, every other word among the landmarks nearest to it.

    Args:
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim').
        landmarks: Rows that are laid out together.
        seed: As in `word_places`.

    Returns:
        Places, and their trustworthiness measured on words evenly drawn from all.
    """
    frames = _aligned_umap(before[landmarks], after[landmarks], seed)
    sample = np.unique(np.linspace(0, len(before) - 1, _SAMPLE).astype(int))
    places, trust = [], []
    for rows, frame in zip((before, after), frames, strict=True):
        places.append(_among(rows, rows[landmarks], frame))
        trust.append(trustworthiness(rows[sample], places[-1][sample], _NEIGHBOURS))
    return Places(places[0], places[1], trust[0], trust[1])


def _among(rows: np.ndarray, landmarks: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return each row's place: the mean of those of its nearest landmarks, the nearest counting most."""
    most, parts = min(_AMONG, len(landmarks)), []
    for start in range(0, len(rows), 2_048):
        cosines = rows[start : start + 2_048] @ landmarks.T
        near = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
        close = np.take_along_axis(cosines, near, axis=1)
        weights = np.exp(_SHARPNESS * (close - close.max(axis=1, keepdims=True)))
        parts.append(np.einsum("ij,ijk->ik", weights / weights.sum(axis=1, keepdims=True), frame[near]))
    return np.concatenate(parts).astype(np.float32)


def subtree_layout(
    nodes: pd.DataFrame, words: Sequence[str], before: np.ndarray, after: np.ndarray, *, seed: int = 0
) -> pd.DataFrame:
    """Return the joint map of one or more WordNet subtrees: the table of a run's layout.csv.

    Before and after are laid out in one frame with AlignedUMAP, so that a word's movement can be read: two
    separate maps would move every word by chance alone; here each word is tied to itself.

    Args:
        nodes: Columns subtree (name of its root synset), word, synset, parent (name of the parent
            synset, empty at the root) and gloss; each subtree is laid out by itself.
        words: The words of the embeddings' rows; the nodes' words are looked up among them.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim'); the dimension may differ.
        seed: Seeds the neighbour graph and the layout: one seed, one map on one machine.

    Returns:
        The nodes' columns, x_before, y_before, x_after, y_after, and the trustworthiness of either.

    Raises:
        InputError: A word has no embedding, or a subtree has fewer than five words.
    """
    before, after = before_after_rows(before, after, words)
    tables = []
    for _, group in nodes.groupby("subtree", sort=False):
        rows = word_rows(list(group["word"]), words)
        places = word_places(before[rows], after[rows], seed=seed)
        tables.append(layout_table(group.reset_index(drop=True), places))
    if not tables:
        raise InputError("there are no nodes to lay out", "choose a synset that has hyponyms")
    return pd.concat(tables, ignore_index=True)


def layout_table(nodes: pd.DataFrame, places: Places) -> pd.DataFrame:
    """Return nodes with their places on a map: the columns of a run's layout.csv.

    Args:
        nodes: Columns subtree, word, synset, parent and gloss.
        places: Of the words in the same order.
    """
    table = nodes[["subtree", "word", "synset", "parent", "gloss"]].copy()
    for when, place in zip(WHEN, places[:2], strict=True):
        table[[f"x_{when}", f"y_{when}"]] = place
    return table.assign(trustworthiness_before=places.trust_before, trustworthiness_after=places.trust_after)


def layout_summary(table: pd.DataFrame) -> dict[str, float | str]:
    """Return what one subtree's map says in numbers, by the columns of layout.csv.

    Returns:
        words (count), relative_movement (mean movement over the map's spread before), furthest (the
        word that moved most), trustworthiness_before and trustworthiness_after.
    """
    start, end = (table[[f"x_{when}", f"y_{when}"]].to_numpy(float) for when in WHEN)
    moved = np.linalg.norm(end - start, axis=1)
    spread = np.sqrt(((start - start.mean(axis=0)) ** 2).sum(axis=1).mean())  # root mean squared distance
    return {
        "words": len(table),
        "relative_movement": float(moved.mean() / spread),
        "furthest": str(table["word"].iloc[int(moved.argmax())]),
        "trustworthiness_before": float(table["trustworthiness_before"].iloc[0]),
        "trustworthiness_after": float(table["trustworthiness_after"].iloc[0]),
    }


def parent_rows(layout: pd.DataFrame) -> np.ndarray:
    """Return each row's parent as a row number, -1 where the parent is not on the map.

    The parent is looked for among the synsets; of several words of one synset the first stands for it.
    """
    first = layout.drop_duplicates("synset").reset_index().set_index("synset")["index"]
    rows: np.ndarray = layout["parent"].map(first).fillna(-1).to_numpy(int)
    return rows


def branches(layout: pd.DataFrame) -> pd.Series:
    """Return the branch each word hangs on: the word below the root that its line of parents passes.

    The six largest branches keep their names; the others are put together.
    """
    parents = parent_rows(layout)
    names = layout["word"].astype(str).to_numpy(object)
    branch = []
    for row in range(len(layout)):
        if parents[row] < 0:
            branch.append(ROOT)
            continue
        line, seen = row, {row}
        while parents[line] >= 0 and parents[parents[line]] >= 0 and parents[line] not in seen:
            line = parents[line]
            seen.add(line)
        branch.append(names[line])
    counts = pd.Series(branch).value_counts().drop(ROOT, errors="ignore")
    named = {ROOT, *(counts.index[:_MAX_BRANCHES] if len(counts) > _MAX_BRANCHES + 1 else counts.index)}
    return pd.Series([name if name in named else OTHER_BRANCHES for name in branch])


def subtree_map_alt(layout: pd.DataFrame, view: MapView) -> str:
    """Describe `subtree_map_figure` for a screen reader: words, branches, and what may not be read off it."""
    rows = checked(layout, LAYOUT_COLUMNS, "subtree_map")
    names = [name for name in branches(rows).value_counts().index if name not in (OTHER_BRANCHES, ROOT)]
    text = f"{_TITLES[view]}: {len(rows)} words with their taxonomy; largest branches {', '.join(names[:4])}."
    if view == "movement":
        moved = np.hypot(rows["x_after"] - rows["x_before"], rows["y_after"] - rows["y_before"])
        text = f"{_TITLES[view]}: {len(rows)} arrows from before to after; "
        text += f"{rows['word'].iloc[int(moved.argmax())]} moved furthest."
    return f"{text}{_trust(rows, view)} {MAP_CAPTION}"


@described_by(subtree_map_alt)
def subtree_map_figure(layout: pd.DataFrame, view: MapView, *, title: str | None = None) -> go.Figure:
    """Draw the joint map of a WordNet subtree with its taxonomy edges, of one time or as movement.

    All three views of one layout share axis ranges, branch colours and symbols. Outlined points are
    before tuning, filled points after.

    Args:
        layout: Columns word, synset, parent (the parent's synset), gloss, x_before, y_before,
            x_after, y_after and, where known, trustworthiness_before and trustworthiness_after.
        view: `before`, `after`, or `movement`: an arrow per word from before to after.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing, there is no row, or the view is unknown.
    """
    rows = checked(layout, LAYOUT_COLUMNS, "subtree_map")
    if view not in _TITLES:
        raise InputError(f"subtree_map: unknown view {view!r}", f"choose one of {', '.join(_TITLES)}")
    figure = new_figure(title or _TITLES[view], height=560, caption=MAP_CAPTION + _trust(rows, view))
    branch = branches(rows)
    if view != "movement":
        figure.add_trace(_edges(rows, view))
    below = {OTHER_BRANCHES: 0, ROOT: 1}  # drawn first, so that the named ones lie on top
    names = sorted(branch.value_counts().index, key=lambda name: below.get(name, 2))
    for name, mark in marks_for(names).items():
        group = rows[branch == name]
        if view == "movement":
            x, y = (group[[f"{axis}_{when}" for when in WHEN]].to_numpy(float) for axis in "xy")
            heads = np.full(len(group), 10)
            figure.add_trace(arrows(x, y, mark, head=heads, standoff=4, width=1.5))
            figure.add_trace(_points(group, "before", name, mark).update(showlegend=False))
        figure.add_trace(_points(group, "after" if view == "movement" else view, name, mark))
    figure.add_trace(_labels(rows, view))
    hidden = {"showticklabels": False, "ticks": "", "zeroline": False, "showgrid": False, "title": None}
    figure.update_xaxes(range=padded_range(rows[["x_before", "x_after"]].to_numpy(), 0.1), **hidden)
    figure.update_yaxes(range=padded_range(rows[["y_before", "y_after"]].to_numpy()), **hidden)
    return figure.update_xaxes(showline=True, mirror=True).update_yaxes(showline=True, mirror=True)


def _edges(layout: pd.DataFrame, when: str) -> go.Scatter:
    parents = parent_rows(layout)
    children = np.flatnonzero(parents >= 0)
    ends = np.column_stack([children, parents[children]])
    return go.Scatter(
        x=gapped(layout[f"x_{when}"].to_numpy(float)[ends]),
        y=gapped(layout[f"y_{when}"].to_numpy(float)[ends]),
        mode="lines",
        line={"color": "#cfcfcf", "width": 0.8},
        hoverinfo="skip",
        showlegend=False,
        name="taxonomy",
    )


def _points(rows: pd.DataFrame, when: str, branch: str, mark: Mark) -> go.Scatter:
    hover = [
        f"<b>{plain(word)}</b> {plain(synset)}<br>{wrapped(gloss, 48)}"
        for word, synset, gloss in zip(rows["word"], rows["synset"], rows["gloss"], strict=True)
    ]
    return go.Scatter(
        x=rows[f"x_{when}"].to_numpy(float),
        y=rows[f"y_{when}"].to_numpy(float),
        mode="markers",
        name=plain(branch, 24),
        legendgroup=branch,
        legendrank=2000 if branch == OTHER_BRANCHES else None,  # last in the legend
        marker={
            "symbol": outlined(mark.symbol) if when == "before" else mark.symbol,
            "color": mark.color,
            "size": 10,
            "line": {"color": mark.color if when == "before" else "#ffffff", "width": 1.5},
        },
        customdata=rows["word"].astype(str).to_numpy(object),
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _by_importance(layout: pd.DataFrame, view: str) -> np.ndarray:
    """Return rows in the order in which their words deserve a label.

    Movement: the words that moved furthest. Else the root, the heads of the branches, all others.
    """
    if view == "movement":
        moved = np.hypot(layout["x_after"] - layout["x_before"], layout["y_after"] - layout["y_before"])
        return np.argsort(-moved.to_numpy(), kind="stable")[:_MOVERS]
    parents = parent_rows(layout)
    depth = np.where(parents < 0, 0, np.where(parents[parents] < 0, 1, 2))
    return np.argsort(depth, kind="stable")


def _labels(layout: pd.DataFrame, view: str) -> go.Scatter:
    end = "before" if view == "before" else "after"
    rows = layout.iloc[_by_importance(layout, view)]
    x, y = rows[f"x_{end}"].to_numpy(float), rows[f"y_{end}"].to_numpy(float)
    shown = readable(x, y, limit=_MAX_LABELS)
    return go.Scatter(
        x=x[shown],
        y=y[shown],
        mode="markers+text",
        marker={"size": 12, "opacity": 0},  # unseen: it only holds the text off the point
        text=[plain(word, 18) for word in rows["word"][shown]],
        textposition="top center",
        textfont={"size": 12, "color": INK},
        hoverinfo="skip",
        showlegend=False,
        name="labels",
    )


def _trust(layout: pd.DataFrame, view: str) -> str:
    """Return how far the map's neighbours can be trusted, where the layout says so."""
    shown = [
        f"{when} {layout[f'trustworthiness_{when}'].iloc[0]:.2f}"
        for when in WHEN
        if f"trustworthiness_{when}" in layout.columns and view in (when, "movement")
    ]
    return f" Trustworthiness {', '.join(shown)} (of 1)." if shown else ""
