"""Figure of two rankings of one picture set, equal pictures joined by ribbons."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.style import INK, MUTED, NEUTRAL, PALETTE, checked, faint, new_figure, plain

RIBBON_COLUMNS = ("query", "rank", "picture", "title", "cosine")
_SIDES = (0.0, 1.0)
_HALF = 0.42
"""Half the height of a picture and of a ribbon's end, in ranks."""
_ROW = 58
_LOOKS = {
    "same rank": (PALETTE["blue"], "solid"),
    "other rank": (PALETTE["orange"], "dash"),
    "only here": (NEUTRAL, "dot"),
}


def _paired(table: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    rows = checked(table, RIBBON_COLUMNS, "ribbons")
    queries = list(dict.fromkeys(rows["query"].astype(str)))
    other = {query: rows[rows["query"] != query].set_index("picture")["rank"].to_dict() for query in queries}
    rows["other"] = [
        other[query].get(name) for query, name in zip(rows["query"], rows["picture"], strict=True)
    ]
    rows["look"] = [
        "only here" if pd.isna(there) else "same rank" if there == here else "other rank"
        for here, there in zip(rows["rank"], rows["other"], strict=True)
    ]
    return queries, rows


def _ribbon(left: float, right: float, look: str) -> dict:
    """Return a band that swings from one rank to the other."""
    color, dash = _LOOKS[look]
    start, end, half = 0.14, 0.86, _HALF / 2
    path = (
        f"M {start},{left - half} C 0.5,{left - half} 0.5,{right - half} {end},{right - half} "
        f"L {end},{right + half} C 0.5,{right + half} 0.5,{left + half} {start},{left + half} Z"
    )
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "path", "path": path, "fillcolor": faint(color, 0.35), "line": line, "layer": "below"}


def ribbons(
    table: pd.DataFrame, pictures: Mapping[str, str], *, title: str = "Two phrasings, two rankings"
) -> go.Figure:
    """Draw what two queries retrieve as two columns of pictures, the nearest on top.

    Args:
        table: Columns query (two of them, the left one first), rank (from 1), picture (its name), title,
            cosine.
        pictures: Picture name -> its `data:` address; a picture that is missing is a labelled point.
        title: What the reader sees above the figure; name the tower.

    Raises:
        InputError: A column is missing or there is no row.
    """
    queries, rows = _paired(table)
    last = int(rows["rank"].max())
    figure = new_figure(
        title,
        height=130 + _ROW * last,
        caption="Rank and cosine beside each. Solid: same rank. Dashed: another. None: one query only.",
    )
    places = dict(zip(queries, _SIDES, strict=False))
    first = rows[rows["query"] == queries[0]]
    for row in first[first["look"] != "only here"].itertuples():
        figure.add_shape(_ribbon(row.rank, row.other, row.look))
    for row in rows.itertuples():
        if source := pictures.get(row.picture):
            box = {"x": places[row.query], "y": row.rank, "sizex": 0.24, "sizey": 2 * _HALF}
            figure.add_layout_image(
                source=source, xref="x", yref="y", xanchor="center", yanchor="middle", layer="above", **box
            )
    for query, place in places.items():
        figure.add_trace(_points(rows[rows["query"] == query], place))
        figure.add_annotation(
            text=f"<b>{plain(query, 34)}</b>", x=place, y=0.2, showarrow=False,
            xanchor="left" if place == 0 else "right", xshift=-26 if place == 0 else 26, font={"size": 12},
        )  # fmt: skip
    figure.update_xaxes(range=[-0.2, 1.2], visible=False, fixedrange=True)
    return figure.update_yaxes(range=[last + 0.6, -0.2], visible=False, fixedrange=True)


def _points(rows: pd.DataFrame, place: float) -> go.Scatter:
    cosines = [f"{cosine:.2f}".replace("-", "\N{MINUS SIGN}") for cosine in rows["cosine"]]
    beside = [f"<b>{rank}</b><br>{cosine}" for rank, cosine in zip(rows["rank"], cosines, strict=True)]
    notes = [
        "not among those of the other query" if pd.isna(other) else f"rank {int(other)} under the other query"
        for other in rows["other"]
    ]
    return go.Scatter(
        x=[place] * len(rows),
        y=rows["rank"].to_numpy(),
        mode="markers+text",
        marker={
            "size": 46,
            "symbol": "square",
            "color": "rgba(0,0,0,0)",
            "line": {"width": 2, "color": [_LOOKS[look][0] for look in rows["look"]]},
        },
        text=beside,
        textposition="middle left" if place == 0 else "middle right",
        textfont={"size": 11, "color": MUTED},
        customdata=list(zip(rows["title"].map(plain), notes, rows["cosine"], strict=True)),
        hovertemplate="<b>%{customdata[0]}</b><br>rank %{y}, cosine %{customdata[2]:.3f}<br>"
        "%{customdata[1]}<extra></extra>",
        hoverlabel={"font": {"color": INK}},
        cliponaxis=False,
        showlegend=False,
        name=plain(rows["query"].iloc[0], 40),
    )


def ribbons_alt(table: pd.DataFrame) -> str:
    """Describe `ribbons` for a screen reader: each ranking, and how many pictures both share."""
    queries, rows = _paired(table)
    parts = []
    for query in queries:
        listed = ", ".join(f"{row.rank} {row.title}" for row in rows[rows["query"] == query].itertuples())
        parts.append(f"{query}: {listed}")
    first = rows[rows["query"] == queries[0]]
    both, same = int((first["look"] != "only here").sum()), int((first["look"] == "same rank").sum())
    return f"Two rankings; {both} pictures stand in both, {same} at the same rank. {'. '.join(parts)}."
