"""Trade-offs: what each weight of ParaCLIP's three losses, and alpha, gains and costs."""

from __future__ import annotations

import layout
import pandas as pd
import static_data
import streamlit as st
import sweep_table

from lexclip_core.figures import alt_texts, scores

LEAD = (
    "ParaCLIP trains a text tower with three losses: **L1** holds a paraphrase to its picture, **L2** a "
    "caption to its paraphrase, **L3** one paraphrase to another; **alpha** goes part of the way from the "
    "base’s weights to the tuned ones. More of one thing is less of another. Each point was trained and "
    "measured here, on all-MiniLM-L6-v2 and scenes of emoji; nothing is trained while you look."
)
X_WANTED, Y_WANTED = ("ao@10",), ("clsf", "zero-shot")


def pick(table: pd.DataFrame) -> pd.Series:
    """Draw a slider for each weight that was varied, and return the measured setting nearest to them."""
    tuned = table[table["name"] != sweep_table.BASE]
    varied = [name for name in sweep_table.WEIGHTS if tuned[name].nunique() > 1]
    asked = {}
    for column, name in zip(st.columns(max(len(varied), 1)), varied, strict=True):
        values = sorted(tuned[name].unique().tolist())
        usual = 1.0 if 1.0 in values else values[-1]
        asked[name] = column.select_slider(
            sweep_table.LABELS[name],
            values,
            usual,
            key=name,
            bind="query-params",
            format_func=lambda one: f"{one:g}",
        )
    return sweep_table.nearest(table, asked)


def draw_setting(table: pd.DataFrame) -> pd.Series:
    """Draw one setting's metrics and the base's, losses never hidden, and return the setting."""
    st.header("One setting closely", anchor=False)
    setting = pick(table)
    compared = sweep_table.with_baseline(table, setting)
    better, worse = int((compared["change"] > 0).sum()), int((compared["change"] < 0).sum())
    layout.finding(
        f"The measured setting nearest to these is **{sweep_table.label(setting)}**. Of {len(compared)} "
        f"measures against the base, rising: {better}, falling: {worse}."
    )
    layout.table(compared)
    return setting


def axis(label: str, metrics: list[str], wanted: tuple[str, ...], key: str) -> str:
    """Draw a choice of metric that starts with the first whose name holds one of `wanted`."""
    usual = next(
        (place for place, name in enumerate(metrics) if any(one in name.casefold() for one in wanted)), 0
    )
    return st.selectbox(label, metrics, index=usual, key=key, bind="query-params")


def draw(sweep: pd.DataFrame) -> None:
    """Draw the settings by two metrics, and one of them closely."""
    splits = list(dict.fromkeys(sweep["split"]))
    split = splits[0]
    if len(splits) > 1:
        start = "test" if "test" in splits else split
        split = st.segmented_control(
            "Split", splits, default=start, required=True, key="split", bind="query-params"
        )
    table = sweep_table.measured(sweep, split)
    metrics = sweep_table.metrics(table)
    setting = draw_setting(table)
    st.header("All settings by two measures", anchor=False)
    left, right = st.columns(2)
    with left:
        x = axis("Across", metrics, X_WANTED, "x")
    with right:
        y = axis("Up", metrics, Y_WANTED, "y")
    if x == y:
        st.info("Both axes show the same measure. Choose two different ones.")
        return
    points = sweep_table.points(table, x, y, str(setting["name"]))
    base = table[table["name"] == sweep_table.BASE]
    before = (float(base[x].iloc[0]), float(base[y].iloc[0])) if len(base) else None
    figure = scores.trade_offs_figure(points, title=f"{y} against {x}", x_title=x, y_title=y, base=before)
    layout.chart(figure, alt_texts.alt_text("trade_offs", points), key="trade_offs")
    best = int((~points["dominated"]).sum())
    st.caption(
        f"{best} of {len(points)} settings are beaten in both measures by none. {sweep_table.seeds(sweep)}; "
        "the ringed one is the setting above. Differences of a point or two are within what seeds do."
    )
    st.header("Every number", anchor=False)
    layout.table(table.drop(columns="name").rename(columns=sweep_table.LABELS))


layout.head("Trade-offs", LEAD)
sweep = static_data.trade_offs()
if sweep.empty:
    st.info("There is no sweep yet. This command trains and measures one, and this page then shows it:")
    st.code("lexclip paraclip sweep tradeoffs", language="bash", wrap_lines=True)
    st.stop()
draw(sweep)
