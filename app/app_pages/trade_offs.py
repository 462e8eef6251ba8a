"""Trade-offs: what each weight of ParaCLIP's three losses, and alpha, gains and costs; points are clicked."""

from __future__ import annotations

import layout
import pandas as pd
import static_data
import streamlit as st
import sweep_table

from lexclip_core.figures import alt_texts, scores

LEAD = (
    "More of one thing is less of another. Each point is one training of ParaCLIP’s three losses, made and "
    "measured here; right and up is better, and what another setting beats in both is grey. Click a point to "
    "see all that it gains and costs."
)
LOSSES = (
    "**L1** holds a paraphrase to its picture, **L2** a caption to its paraphrase, **L3** one paraphrase to "
    "another; **alpha** goes part of the way from the base’s weights to the tuned ones."
)
X_WANTED, Y_WANTED = ("ao@10",), ("clsf", "zero-shot")


def axis(label: str, metrics: list[str], wanted: tuple[str, ...], key: str) -> str:
    """Draw a choice of metric that starts with the first whose name holds one of `wanted`."""
    usual = next(
        (place for place, name in enumerate(metrics) if any(one in name.casefold() for one in wanted)), 0
    )
    layout.check_address(key, metrics, "measure")
    return st.selectbox(label, metrics, index=usual, key=key, bind="query-params")


def chosen_setting(table: pd.DataFrame, x: str, y: str) -> str:
    """Return the name of the setting that was clicked or chosen last, else of the best by two measures."""
    asked = st.session_state.get("setting") or st.query_params.get("setting")
    if asked in set(table.loc[table["name"] != sweep_table.BASE, "name"]):
        return str(asked)
    return sweep_table.best(table, x, y)


def draw_chart(table: pd.DataFrame, x: str, y: str, seeds: str) -> None:
    """Draw all settings by two measures; a click chooses one."""
    if x == y:
        st.info("Both axes show the same measure. Choose two different ones.")
        return
    points = sweep_table.points(table, x, y, chosen_setting(table, x, y))
    base = table[table["name"] == sweep_table.BASE]
    before = (float(base[x].iloc[0]), float(base[y].iloc[0])) if len(base) else None
    figure = scores.trade_offs_figure(points, title=f"{y} against {x}", x_title=x, y_title=y, base=before)
    figure.update_layout(clickmode="event+select")
    figure.update_xaxes(title_standoff=14, automargin=True)
    figure.update_yaxes(title_standoff=14, automargin=True)
    clicked = layout.chart(figure, alt_texts.alt_text("trade_offs", points), key="trade_offs", clicks=True)
    if clicked and clicked != st.session_state.get("clicked_setting"):
        st.session_state["clicked_setting"] = clicked
        named = {sweep_table.label(row): row["name"] for _, row in table.iterrows()}
        if clicked in named:
            st.session_state["setting"] = named[clicked]
            st.rerun()
    best = int((~points["dominated"]).sum())
    st.caption(
        f"{best} of {len(points)} settings are beaten in both measures by none. "
        f"{seeds}; the ringed one is described below. "
        "Differences of a point or two are within what seeds do. "
        "On all-MiniLM-L6-v2 and scenes of emoji; nothing is trained while you look."
    )


def draw_setting(table: pd.DataFrame, x: str, y: str) -> None:
    """Draw one setting's metrics next to the base's, losses never hidden."""
    st.header("One setting closely", anchor=False)
    st.markdown(LOSSES)
    rows = table[table["name"] != sweep_table.BASE]
    labels = {str(row["name"]): sweep_table.label(row) for _, row in rows.iterrows()}
    layout.check_address("setting", list(labels), "setting")
    name = st.selectbox(
        "Setting, as clicked above or chosen here",
        list(labels),
        index=0 if "setting" in st.session_state else list(labels).index(chosen_setting(table, x, y)),
        key="setting",
        bind="query-params",
        format_func=lambda one: labels[str(one)],
    )
    compared = sweep_table.with_baseline(table, rows[rows["name"] == name].iloc[0])
    better, worse = (compared[compared["change"] * sign > 0] for sign in (1, -1))
    most = compared.loc[compared["change"].idxmax()], compared.loc[compared["change"].idxmin()]
    layout.finding(
        f"**{layout.literal(labels[name])}**. Of {len(compared)} measures against the base, rising: "
        f"{len(better)}, falling: {len(worse)}. Most gained: {layout.literal(most[0]['metric'])} "
        f"({most[0]['change']:+.3f}); most lost: {layout.literal(most[1]['metric'])} "
        f"({most[1]['change']:+.3f})."
    )
    layout.table(compared, name="setting")


def draw(sweep: pd.DataFrame) -> None:
    """Draw the settings by two measures, and one of them closely."""
    splits = list(dict.fromkeys(sweep["split"]))
    layout.check_address("split", splits, "split")
    columns = st.columns(3 if len(splits) > 1 else 2)
    split = splits[0]
    if len(splits) > 1:
        start = "test" if "test" in splits else split
        split = columns[2].segmented_control(
            "Split", splits, default=start, required=True, key="split", bind="query-params"
        )
    table = sweep_table.measured(sweep, split)
    metrics = sweep_table.metrics(table)
    with columns[0]:
        x = axis("Across", metrics, X_WANTED, "x")
    with columns[1]:
        y = axis("Up", metrics, Y_WANTED, "y")
    with layout.part("the chart"):
        draw_chart(table, x, y, sweep_table.seeds(sweep))
    with layout.part("one setting"):
        draw_setting(table, x, y)
    with st.expander("Every number of every setting"):
        layout.table(table.drop(columns="name").rename(columns=sweep_table.LABELS), name="settings")


layout.head("Trade-offs", LEAD)
sweep = static_data.trade_offs()
if sweep.empty:
    st.info("There is no sweep yet. This command trains and measures one, and this page then shows it:")
    st.code("lexclip paraclip sweep tradeoffs", language="bash", wrap_lines=True)
    st.stop()
draw(sweep)
