"""Figures: what every figure has in common, what each draws, and its alternative text."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from case_tables import each
from PIL import Image, ImageColor

from lexclip_core.errors import InputError
from lexclip_core.figures import alt_texts, cards, cosines, curves, maps, neighbours, rankings, scores, style
from lexclip_core.notebooks import use_in_notebook
from tools.notebook_runner.kernel import PictureRenderer
from tools.notebook_runner.static_pictures import static_picture

PAIRS = pd.DataFrame(
    [
        ("happy", "sad", "antonym", 0.5, -0.25),
        ("happy", "cheerful", "synonym", 0.25, 0.75),
        ("smart", "dumb", "antonym", 0.75, 0.25),
    ],
    columns=["word_a", "word_b", "relation", "cosine_before", "cosine_after"],
    index=[4, 2, 9],
)
SENSES = pd.DataFrame(
    [
        ("crane.n.05", "noun", "crane, wading bird", 0.5, 0.625),
        ("crane.v.01", "verb", "crane, stretch", 0.75, 0.25),
    ],
    columns=["sense", "pos", "text", "cosine_before", "cosine_after"],
    index=[3, 1],
)
LAYOUT = pd.DataFrame(
    [
        ("animal", "animal.n.01", "", "a living thing", 0.0, 0.0, 0.0, 1.0),
        ("dog", "dog.n.01", "animal.n.01", "a domestic canid", 2.0, 1.0, 3.0, 1.0),
        ("cat", "cat.n.01", "animal.n.01", "a domestic felid", -2.0, 1.0, -6.0, 4.0),
        ("poodle", "poodle.n.01", "dog.n.01", "a curly dog", 2.5, 2.0, 3.5, 2.0),
    ],
    columns=["word", "synset", "parent", "gloss", "x_before", "y_before", "x_after", "y_after"],
).assign(subtree="animal.n.01", trustworthiness_before=0.9375, trustworthiness_after=0.875)
NEIGHBOURS = pd.DataFrame(
    [
        ("glad", 2, 1, 0.5, 0.75, "stayed"),
        ("merry", 7, 2, 0.25, 0.5, "entered"),
        ("sad", 1, 41, 0.625, 0.125, "left"),
    ],
    columns=["neighbour", "rank_before", "rank_after", "cosine_before", "cosine_after", "change"],
)
HISTORY = pd.DataFrame(
    {
        "step": [1, 2, 3],
        "epoch": [0, 0, 1],
        "seconds": [0.5, 1.0, 1.5],
        "distance": [0.5, 0.25, 0.125],
        "anchor": [0.0, 0.125, 0.125],
        "total": [0.5, 0.375, 0.25],
    }
)
METRICS = pd.DataFrame(
    [
        ("base", "heldout/auc", 0.5, 0.25, 0.625),
        ("lexclip", "heldout/auc", 0.75, 0.5, 1.0),
        ("base", "men", 0.75, np.nan, np.nan),
        ("lexclip", "men", 0.625, 0.5, 0.75),
    ],
    columns=["run", "metric", "value", "low", "high"],
)
CARD = pd.DataFrame(
    [
        ("base", "auc", "synonym over antonym", "AUC", "higher", 0.5, 0.4, 0.3, 0.5),
        ("tuned", "auc", "synonym over antonym", "AUC", "higher", 0.5, 0.8, 0.7, np.nan),
        ("base", "rank", "antonym, median rank", "rank", "higher", np.nan, 93.0, 30.0, 250.0),
    ],
    columns=cards.CARD_COLUMNS,
)
FRONTIER = pd.DataFrame(
    [
        ("weight 1", 0.75, 0.5, "weight"),
        ("weight 2", 0.5, 0.75, "weight"),
        ("alpha 0.5", 0.625, 0.625, "interpolation"),
    ],
    columns=["label", "gain", "retention", "group"],
)
CURVE = pd.DataFrame(
    {
        "templates": [1, 2, 1, 2],
        "share": [1.0, 0.5, 1.0, 0.75],
        "low": [0.875, 0.25, 0.875, 0.5],
        "high": [1.0, 0.75, 1.0, 1.0],
        "model": ["base", "base", "tuned", "tuned"],
    }
)
RANKINGS = pd.DataFrame(
    [
        ("base", 1, "wolf", 0.25, False),
        ("base", 2, "dog", 0.125, True),
        ("tuned", 1, "dog", 0.5, True),
        ("tuned", 2, "wolf", -0.25, False),
    ],
    columns=["tower", "rank", "name", "cosine", "correct"],
)
RIBBONS = pd.DataFrame(
    [
        ("First", 1, "7", "a dog", 0.5),
        ("First", 2, "3", "a cat", 0.25),
        ("First", 3, "5", "a cow", 0.125),
        ("Second", 1, "7", "a dog", 0.75),
        ("Second", 2, "9", "a pig", 0.5),
        ("Second", 3, "3", "a cat", -0.25),
    ],
    columns=["query", "rank", "picture", "title", "cosine"],
)
TRADE_OFFS = pd.DataFrame(
    [
        ("L1 1", "pictures", 0.5, 0.75, False, False),
        ("L2 1", "texts", 0.75, 0.5, False, True),
        ("L3 1", "texts", 0.5, 0.5, True, False),
    ],
    columns=["label", "group", "x", "y", "dominated", "chosen"],
)
MATRIX = pd.DataFrame([[1, 0.25], [0.25, 1]], ["hot", "cold"], ["hot", "cold"])

ALL = {
    "pair_cosines": (cosines.pair_cosines_figure, PAIRS, {}),
    "senses": (cosines.senses_figure, SENSES, {"word": "crane"}),
    "cosine_histogram": (cosines.cosine_histogram_figure, PAIRS, {}),
    "subtree_map": (maps.subtree_map_figure, LAYOUT, {"view": "after"}),
    "neighbours": (neighbours.neighbours_figure, NEIGHBOURS, {}),
    "history": (curves.history_figure, HISTORY, {}),
    "rankings": (rankings.rankings_figure, RANKINGS, {}),
    "metric_bars": (scores.metric_bars_figure, METRICS, {}),
    "frontier": (scores.frontier_figure, FRONTIER, {}),
    "card_dots": (cards.card_dots_figure, CARD, {}),
    "matrix": (scores.matrix_figure, MATRIX, {"title": "Targets"}),
    "ribbons": (rankings.ribbons_figure, RIBBONS, {"pictures": {"7": "data:image/webp;base64,AA=="}}),
    "trade_offs": (
        scores.trade_offs_figure,
        TRADE_OFFS,
        {"title": "Trade", "x_title": "AO", "y_title": "accuracy"},
    ),
    "curve": (curves.curve_figure, CURVE, {"x": "templates", "y": "share", "title": "Consistency"}),
}


def draw(kind: str) -> go.Figure:
    function, table, options = ALL[kind]
    return function(table, **options)


def heading(figure: go.Figure) -> str:
    """Return title and caption as they are read, without line breaks."""
    return re.sub("<span.*?>|</span>", "", figure.layout.title.text).replace("<br>", " ")


def trace(figure: go.Figure, name: str) -> go.Scatter:
    [found] = [trace for trace in figure.data if trace.name == name]
    return found


def joined(values: object) -> list[list[float]]:
    """Split a line's coordinates at its gaps."""
    groups: list[list[float]] = [[]]
    for value in np.asarray(values, dtype=float):
        if np.isnan(value):
            groups.append([])
        else:
            groups[-1].append(float(value))
    return [group for group in groups if group]


# what all figures share


@each("kind", ALL)
def test_every_figure_fits_its_container_says_what_it_shows_and_leaves_its_table_as_it_is(kind: str):
    function, table, options = ALL[kind]
    given = table.copy(deep=True)
    figure = function(table, **options)
    pd.testing.assert_frame_equal(table, given)
    assert figure.layout.width is None, "the width is the container's"
    assert figure.layout.height >= 200
    assert figure.layout.title.text
    assert figure.layout.margin.l + figure.layout.margin.r <= 30
    assert figure.layout.template.layout.legend.orientation == "h"
    assert figure.layout.template.layout.legend.yref == "container"
    assert max(map(len, re.split("<br>", re.sub("<span.*?>|</span>", "", figure.layout.title.text)))) <= 52
    unsaid = ("title", "pictures", "x_title", "y_title")
    said = {name: value for name, value in options.items() if name not in unsaid}
    text = alt_texts.alt_text(kind, table, **said)
    assert 40 < len(text) < 400
    assert text.endswith(".")
    assert "nan" not in text


@each("kind", ALL)
def test_every_figure_has_a_static_picture_that_shows_its_marks(kind: str):
    figure = draw(kind)
    shown = PictureRenderer().to_mimebundle(figure.to_dict())
    picture = Image.open(io.BytesIO(base64.b64decode(shown["image/png"]))).convert("RGB")
    assert picture.size == (900, figure.layout.height)
    drawn = {color for _, color in picture.getcolors(maxcolors=1_000_000)}
    look = figure.to_dict()["data"]
    marks = [trace.get(part, {}).get("color") for trace in look for part in ("line", "marker")]
    plain = {one for one in marks if isinstance(one, str) and one.startswith("#")}
    assert {ImageColor.getrgb(one) for one in plain} <= drawn


def test_a_figure_that_has_no_static_picture_is_refused():
    with pytest.raises(InputError, match=r"traces of type 'pie'\n.*scatter, bar, heatmap"):
        static_picture(go.Figure(go.Pie(values=[1])))


@each("kind", ALL)
def test_every_figure_refuses_a_table_without_rows_or_without_a_column(kind: str):
    function, table, options = ALL[kind]
    with pytest.raises(InputError, match=f"{kind}: the table has no rows"):
        function(table.head(0), **options)
    if kind == "matrix":  # its columns are words
        return
    needed = {"history": "step", "curve": "share", "subtree_map": "gloss"}.get(kind, table.columns[0])
    with pytest.raises(InputError, match=rf"{kind}: the table lacks the column\(s\) {needed}"):
        function(table.drop(columns=needed), **options)


def test_an_unknown_kind_of_figure_is_refused():
    with pytest.raises(InputError, match=r"unknown figure 'pie'\n.*pair_cosines, cosine_histogram"):
        alt_texts.alt_text("pie", PAIRS)


def test_every_figure_function_is_registered_with_its_alternative_text():
    modules = (cards, cosines, curves, maps, neighbours, rankings, scores)
    drawn = {name for module in modules for name in vars(module) if name.endswith("_figure")} - {"new_figure"}
    registered = alt_texts.figures()
    assert {one.draw.__name__ for one in registered.values()} == drawn
    assert set(registered) == set(ALL)
    assert all(one.describe.__name__ == f"{name}_alt" for name, one in registered.items())


def test_a_figure_is_registered_under_the_name_of_both_its_functions():
    def bars_alt(table: pd.DataFrame) -> str:
        return f"{len(table)} bars."

    def pie_figure(table: pd.DataFrame) -> go.Figure:
        return go.Figure()

    with pytest.raises(InputError, match=r"pie_figure is described by bars_alt\n.*pie_figure and pie_alt"):
        alt_texts.described_by(bars_alt)(pie_figure)


def test_figures_are_light():
    code = (
        "import sys; from lexclip_core.figures.alt_texts import figures; figures(); "
        "print(sorted({'torch', 'umap', 'sklearn', 'scipy', 'open_clip'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_configuration_sends_nothing_away():
    assert style.PLOTLY_CONFIG["showSendToCloud"] is False
    assert style.PLOTLY_CONFIG["displaylogo"] is False


def test_figures_shown_in_a_notebook_offer_no_upload(monkeypatch: pytest.MonkeyPatch):
    for name in ("plotly_mimetype", "notebook"):
        monkeypatch.setattr(pio.renderers[name], "config", None)
    use_in_notebook()
    bundle = pio.renderers["plotly_mimetype"].to_mimebundle(scores.matrix_figure(MATRIX, "Targets").to_dict())
    [shown] = bundle.values()
    assert shown["config"]["showSendToCloud"] is False


@pytest.mark.parametrize(
    ("kind", "column", "shown"),
    [
        ("pair_cosines", "word_a", ("name", "customdata")),
        ("neighbours", "neighbour", ("text", "customdata")),
        ("subtree_map", "word", ("text", "hovertext", "name")),
        ("rankings", "name", ("customdata",)),
    ],
)
def test_a_word_is_never_read_as_markup(kind: str, column: str, shown: tuple[str, ...]):
    function, table, options = ALL[kind]
    figure = function(table.assign(**{column: '<a href="https://example.org">x</a>'}), **options)
    texts = " ".join(str(trace[key]) for trace in figure.data for key in shown) + str(figure.layout)
    assert "&lt;a href" in texts
    assert "<a" not in texts


# the palette


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
DEFICIENCIES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_palette_stays_apart_under_colour_blindness(deficiency: str):
    colors = [mark.color for mark in style.MARKS]
    linear = np.array([[(int(c[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)] for c in colors])
    seen = np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1) ** (1 / 2.2)
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(len(colors), 1)]
    assert distances.min() > 0.1, "on a scale where black and white are 1.7 apart"


def test_marks_differ_in_colour_and_symbol_and_dash():
    for feature in ("color", "symbol", "dash"):
        values = [getattr(mark, feature) for mark in (*style.MARKS, style.OTHER_MARK)]
        assert len(set(values)) == len(values), feature


def test_every_colour_is_seen_on_white():
    assert all(luminance(mark.color) < 0.5 for mark in (*style.MARKS, style.OTHER_MARK))


def test_named_groups_keep_their_mark_and_others_take_unused_ones():
    marks = style.marks_for(["weight", "antonym", "synonym", "alpha"])
    assert marks["antonym"] == style.marks_for(["antonym"])["antonym"]
    assert len({mark.color for mark in marks.values()}) == 4


def test_more_groups_than_marks_share_the_last():
    marks = style.marks_for([f"run {i}" for i in range(9)])
    assert [marks["run 7"], marks["run 8"]] == [style.OTHER_MARK] * 2
    assert len(set(marks.values())) == 8


@pytest.mark.parametrize(
    ("x", "limit", "expected"),
    [
        ([0, 0.1, 5, 10], 9, [True, False, True, True]),
        ([0, 0.1, 5, 10], 2, [True, False, True, False]),
        ([3, 3, 3], 9, [True, False, False]),
    ],
)
def test_labels_that_would_hide_each_other_are_left_out(x: list[float], limit: int, expected: list[bool]):
    assert style.readable(x, [0] * len(x), limit=limit).tolist() == expected


# pair cosines and their histograms


def test_pair_cosines_run_over_the_whole_range_in_the_order_given():
    figure = cosines.pair_cosines_figure(PAIRS)
    assert tuple(figure.layout.xaxis.range) == (-1, 1)
    assert figure.layout.yaxis.ticktext == ("happy / sad", "happy / cheerful", "smart / dumb")
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "the first pair is on top"


def test_each_pair_is_an_arrow_from_outlined_before_to_filled_after():
    figure = cosines.pair_cosines_figure(PAIRS)
    before, after = trace(figure, "antonym, before"), trace(figure, "antonym")
    assert (list(before.x), list(before.y)) == ([0.5, 0.75], [0, 2])
    assert (list(after.x), list(after.y)) == ([-0.25, 0.25], [0, 2])
    assert (before.marker.symbol, after.marker.symbol) == ("diamond-open", "diamond")
    assert before.marker.color == after.marker.color == style.PALETTE["vermillion"]
    arrows = [t for t in figure.data if t.name == "movement"]
    assert joined(arrows[0].x) == [[0.5, -0.25], [0.75, 0.25]]
    assert joined(arrows[1].x) == [[0.25, 0.75]]


def test_a_short_move_has_no_arrow_head():
    table = PAIRS.assign(cosine_after=PAIRS["cosine_before"] + [0.5, 0.1, -0.5])
    heads = [t.marker.size for t in cosines.pair_cosines_figure(table).data if t.name == "movement"]
    assert [np.asarray(sizes)[1::3].tolist() for sizes in heads] == [[13, 13], [0]]


def test_many_pairs_are_drawn_without_names_and_say_where_to_find_them():
    many = pd.concat([PAIRS] * 40)
    figure = cosines.pair_cosines_figure(many)
    assert figure.layout.yaxis.showticklabels is False
    assert "Hover to read the words." in heading(figure)
    assert figure.layout.height < 1200


def test_relations_look_the_same_in_both_figures_of_cosines():
    pairs, histogram = cosines.pair_cosines_figure(PAIRS), cosines.cosine_histogram_figure(PAIRS)
    for relation in ("synonym", "antonym"):
        line = next(t for t in histogram.data if t.name == relation)
        assert line.line.color == trace(pairs, relation).marker.color


def test_the_histogram_shows_shares_and_medians_on_shared_axes():
    figure = cosines.cosine_histogram_figure(PAIRS)
    assert tuple(figure.layout.xaxis.range) == tuple(figure.layout.xaxis2.range) == (-1, 1)
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    assert figure.layout.xaxis.matches == "x2"
    before, after = (t for t in figure.data if t.name == "antonym")
    assert (before.yaxis, after.yaxis) == ("y", "y2")
    assert sum(before.y[:-1]) == pytest.approx(100)
    shares = dict(zip(np.round(before.x, 2), before.y, strict=True))
    assert {edge: share for edge, share in shares.items() if share} == {0.5: 50, 0.75: 50}
    assert list(trace(figure, "antonym, median before").x) == [0.625]
    assert list(trace(figure, "antonym, median after").x) == [0]
    assert figure.layout.yaxis.range[1] > 100, "the highest bin is a whole relation"


def test_a_cosine_a_rounding_error_above_one_is_counted():
    figure = cosines.cosine_histogram_figure(PAIRS.assign(cosine_after=1 + 1e-7))
    after = [t for t in figure.data if t.name == "synonym"][1]
    assert after.y[-1] == 100


def test_alt_texts_of_cosines_give_each_relation_before_and_after():
    text = alt_texts.alt_text("pair_cosines", PAIRS)
    assert "3 word pairs" in text
    assert "antonym (2) mean 0.62 before, 0.00 after" in text
    assert "synonym median 0.25 before, 0.75 after" in alt_texts.alt_text("cosine_histogram", PAIRS)


# matrices


def test_a_target_matrix_runs_from_zero_to_one_and_a_cosine_matrix_from_minus_one():
    [target] = scores.matrix_figure(MATRIX, "Targets").data
    assert (target.zmin, target.zmax) == (0, 1)
    [cosine] = scores.matrix_figure(MATRIX - 0.5, "Cosines").data
    assert (cosine.zmin, cosine.zmax) == (-1, 1)
    assert cosine.colorscale[1] == (0.5, "#f7f7f7"), "zero is colourless"
    [named] = scores.matrix_figure(MATRIX, "Cosines", scale="cosine").data
    assert (named.zmin, named.zmax) == (-1, 1)
    np.testing.assert_array_equal(target.z, MATRIX)
    assert list(target.x) == ["hot", "cold"]


def test_an_unknown_scale_is_refused():
    with pytest.raises(InputError, match=r"unknown scale 'rainbow'\n.*auto, cosine or target"):
        scores.matrix_figure(MATRIX, "Targets", scale="rainbow")


def test_long_words_are_not_merged_when_shortened():
    words = ["uncharacteristically", "uncharacteristicalness"]
    [heat] = scores.matrix_figure(pd.DataFrame(MATRIX.to_numpy(), words, words), "Targets").data
    assert list(heat.y) == words


def test_the_matrix_alt_text_names_the_nearest_different_words():
    assert alt_texts.alt_text("matrix", MATRIX) == (
        "Heat map of 2 by 2 words, values 0.25 to 1.00; highest between different words: hot and cold, 0.25."
    )


# the subtree map


@pytest.mark.parametrize("view", ["before", "after", "movement"])
def test_all_views_of_a_map_share_one_frame(view: str):
    figure, other = maps.subtree_map_figure(LAYOUT, view), maps.subtree_map_figure(LAYOUT, "before")
    assert figure.layout.xaxis.range == other.layout.xaxis.range
    assert figure.layout.yaxis.range == other.layout.yaxis.range
    low, high = figure.layout.xaxis.range
    assert low < -6 < 3.5 < high
    assert figure.layout.xaxis.showticklabels is False
    assert figure.layout.yaxis.showticklabels is False
    assert "Map distances are not cosines" in heading(figure)
    colors = {t.name: t.marker.color for t in figure.data if t.mode == "markers"}
    assert colors == {t.name: t.marker.color for t in other.data if t.mode == "markers"}
    assert set(colors) == {"root", "dog", "cat"}


def test_a_map_draws_the_words_there_and_the_edges_to_their_parents():
    before, after = maps.subtree_map_figure(LAYOUT, "before"), maps.subtree_map_figure(LAYOUT, "after")
    assert list(trace(before, "dog").x) == [2, 2.5]
    assert list(trace(after, "dog").x) == [3, 3.5]
    assert joined(trace(after, "taxonomy").x) == [[3, 0], [-6, 0], [3.5, 3]]
    assert trace(before, "dog").marker.symbol == f"{trace(after, 'dog').marker.symbol}-open"
    assert list(trace(after, "dog").customdata) == ["dog", "poodle"]
    assert trace(after, "dog").hovertext[1] == "<b>poodle</b> poodle.n.01<br>a curly dog"
    assert "0.88" in heading(after)
    assert "0.94" in heading(before)


def test_movement_is_an_arrow_per_word():
    figure = maps.subtree_map_figure(LAYOUT, "movement")
    arrows = [joined(t.x) for t in figure.data if t.name == "movement"]
    assert arrows == [[[0, 0]], [[2, 3], [2.5, 3.5]], [[-2, -6]]]
    assert not [t for t in figure.data if t.name == "taxonomy"]
    assert "before 0.94, after 0.88" in heading(figure)


def test_an_empty_parent_read_back_from_a_csv_is_a_root():
    layout = LAYOUT.assign(parent=LAYOUT["parent"].replace("", np.nan))
    assert maps.parent_rows(layout).tolist() == [-1, 0, 0, 1]


def test_small_branches_are_put_together():
    heads = [(f"head{i}", f"head{i}.n.01", "animal.n.01") for i in range(9)]
    leaves = [(f"leaf{i}", f"leaf{i}.n.01", f"head{i % 3}.n.01") for i in range(9)]
    rows = pd.DataFrame(
        [("animal", "animal.n.01", ""), *heads, *leaves], columns=["word", "synset", "parent"]
    )
    counts = maps.branches(rows).value_counts().to_dict()
    assert counts["root"] == 1
    assert counts["head0"] == 4
    assert counts[maps.OTHER_BRANCHES] == 4
    assert len(counts) == 7
    figure = maps.subtree_map_figure(
        rows.assign(gloss="", x_before=0.0, y_before=0.0, x_after=0.0, y_after=0.0), "after"
    )
    points = [t for t in figure.data if t.mode == "markers"]
    assert points[0].name == maps.OTHER_BRANCHES, "named branches lie on top of it"
    assert points[0].legendrank > 1000, "and yet it stands last in the legend"


def test_a_circle_of_parents_ends():
    rows = pd.DataFrame({"word": ["a", "b"], "synset": ["a.n.01", "b.n.01"], "parent": ["b.n.01", "a.n.01"]})
    assert set(maps.branches(rows)) <= {"a", "b"}


def test_an_unknown_view_is_refused():
    with pytest.raises(InputError, match=r"unknown view 'later'\n.*before, after, movement"):
        maps.subtree_map_figure(LAYOUT, "later")


def test_map_alt_texts_warn_and_name_what_moved():
    assert alt_texts.alt_text("subtree_map", LAYOUT, "before") == (
        "Map of the words before tuning: 4 words with their taxonomy; largest branches dog, cat. "
        "Trustworthiness before 0.94 (of 1). " + style.MAP_CAPTION
    )
    text = alt_texts.alt_text("subtree_map", LAYOUT, view="movement")
    assert "4 arrows from before to after; cat moved furthest." in text


# neighbours


def test_neighbours_stand_at_their_ranks_and_only_those_that_stayed_are_joined():
    figure = neighbours.neighbours_figure(NEIGHBOURS)
    assert joined(trace(figure, "rank change").y) == [[2, 1]]
    left, entered = trace(figure, "left"), trace(figure, "entered")
    assert (list(left.x), list(left.y), left.text) == ([0], [1], ("sad (41)",))
    assert (list(entered.x), list(entered.y), entered.text) == ([1], [2], ("merry (7)",))
    stayed = [t for t in figure.data if t.name == "stayed"]
    assert [(t.x[0], t.y[0], t.text[0]) for t in stayed] == [(0, 2, "glad"), (1, 1, "glad")]
    assert len({t.marker.symbol for t in (left, entered, stayed[0])}) == 3
    assert figure.layout.yaxis.range[0] > 2 > 1 > figure.layout.yaxis.range[1], "rank 1 is on top"


def test_each_change_stands_in_the_legend_once():
    shown = [t.name for t in neighbours.neighbours_figure(NEIGHBOURS).data if t.showlegend]
    assert sorted(shown) == ["entered", "left", "stayed"]


def test_the_last_rank_is_drawn_even_if_its_word_stood_higher_on_the_other_side():
    rows = [
        ("a", 2, 1, 0.5, 0.9, "stayed"),
        ("b", 1, 3, 0.9, 0.5, "stayed"),
        ("c", 7, 2, 0.1, 0.6, "entered"),
    ]
    rows += [("d", 3, 8, 0.4, 0.1, "left")]
    figure = neighbours.neighbours_figure(pd.DataFrame(rows, columns=NEIGHBOURS.columns))
    low, high = sorted(figure.layout.yaxis.range)
    assert low < 1
    assert 3 < high < 4


def test_the_neighbour_alt_text_lists_what_changed():
    text = alt_texts.alt_text("neighbours", NEIGHBOURS)
    assert text == (
        "Nearest words before and after tuning: 1 stayed (glad); 1 left (sad); 1 entered (merry)."
    )


# training history


def test_history_draws_each_term_and_leaves_out_the_clock():
    figure = curves.history_figure(HISTORY)
    assert [t.name for t in figure.data] == ["distance", "anchor", "total"]
    assert list(trace(figure, "total").y) == [0.5, 0.375, 0.25]
    assert list(trace(figure, "total").x) == [1, 2, 3]
    assert len({t.line.dash for t in figure.data} - {"solid"}) >= 1
    assert len({t.line.color for t in figure.data}) == 3


def test_history_is_on_a_log_axis_where_no_value_is_negative_and_zeros_are_owned_up_to():
    figure = curves.history_figure(HISTORY)
    assert figure.layout.yaxis.type == "log"
    assert np.isnan(trace(figure, "anchor").y[0])
    assert "zero is not drawn" in heading(figure)
    negative = curves.history_figure(HISTORY.assign(anchor=[-1.0, 0.0, 1.0]))
    assert negative.layout.yaxis.type == "linear"
    assert list(trace(negative, "anchor").y) == [-1, 0, 1]


def test_a_long_history_is_drawn_as_means_and_says_so():
    steps = np.arange(1200)
    figure = curves.history_figure(pd.DataFrame({"step": steps, "total": 1.0 + steps % 2}))
    assert len(trace(figure, "total").y) == 600
    assert set(trace(figure, "total").y) == {1.5}
    assert "mean of 2 steps" in heading(figure)


def test_one_step_is_drawn_as_points():
    assert curves.history_figure(HISTORY.head(1)).data[0].mode == "markers"


def test_the_history_alt_text_gives_first_and_last():
    assert "total from 0.5 to 0.25" in alt_texts.alt_text("history", HISTORY)


# metrics, frontier, curves


def test_metric_points_carry_their_intervals_and_none_where_none_is_known():
    figure = scores.metric_bars_figure(METRICS)
    base = trace(figure, "base")
    assert list(base.x) == [0.5, 0.75]
    assert base.error_x.array[0] == 0.125
    assert np.isnan(base.error_x.array[1])
    assert base.error_x.arrayminus[0] == 0.25
    assert np.isnan(base.error_x.arrayminus[1])
    assert [note.text for note in figure.layout.annotations] == ["<b>heldout/auc</b>", "<b>men</b>"]
    rows = sorted([*base.y, *trace(figure, "lexclip").y])
    assert len(set(rows)) == 4, "no point hides another"
    low, high = figure.layout.xaxis.range
    assert low < 0.25 < 1.0 < high


def test_the_metric_alt_text_gives_each_run():
    assert "heldout/auc: base 0.500, lexclip 0.750; men:" in alt_texts.alt_text("metric_bars", METRICS)


def test_the_frontier_draws_gain_against_retention():
    figure = scores.frontier_figure(FRONTIER, gain_title="AUC", retention_title="MEN")
    assert (list(trace(figure, "weight").x), list(trace(figure, "weight").y)) == ([0.75, 0.5], [0.5, 0.75])
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("AUC", "MEN")
    symbols = [t.marker.symbol for t in figure.data]
    assert len(set(symbols)) == 2


def test_the_frontier_alt_text_names_both_ends():
    text = alt_texts.alt_text("frontier", FRONTIER)
    assert "Most gain: weight 1 (weight), gain 0.750 at retention 0.500." in text
    assert "Most retention: weight 2 (weight), gain 0.500 at retention 0.750." in text


def test_a_curve_has_a_line_and_a_band_per_group():
    figure = curves.curve_figure(
        CURVE, "templates", "share", title="Consistency", interval=("low", "high"), group="model"
    )
    assert list(trace(figure, "tuned").y) == [1, 0.75]
    band = [t for t in figure.data if t.name == "interval"][1]
    assert (list(band.x), list(band.y)) == ([1, 2, 2, 1], [1, 1, 0.5, 0.875])
    assert figure.layout.showlegend is True
    assert figure.layout.xaxis.title.text == "templates"


def test_a_single_curve_needs_no_legend():
    figure = curves.curve_figure(CURVE.head(2), "templates", "share", title="Consistency")
    assert [t.name for t in figure.data] == ["share"]
    assert figure.layout.showlegend is False


def test_the_curve_alt_text_gives_both_ends_of_each_line():
    text = alt_texts.alt_text("curve", CURVE, "templates", "share", group="model")
    assert text.startswith("Curve of share over templates: base from 1.000 at 1 to 0.500 at 2; tuned ")
    assert text.endswith(" from 1.000 at 1 to 0.750 at 2.")


def test_rankings_tick_the_right_name_without_colour_and_share_one_axis():
    figure = draw("rankings")
    assert list(figure.layout.yaxis.ticktext) == ["1 wolf", "<b>✓ 2 dog</b>", "<b>✓ 1 dog</b>", "2 wolf"]
    assert list(figure.layout.yaxis.tickvals) == [1, 2, 4, 5]
    assert [list(bars.x) for bars in figure.data] == [[0.25, 0.125], [0.5, -0.25]]
    low, high = figure.layout.xaxis.range
    assert low < -0.25
    assert high > 0.5
    headings = [(note.text, note.y) for note in figure.layout.annotations]
    assert headings == [("<b>base</b>", 0), ("<b>tuned</b>", 3)]
    assert "own name" in heading(figure)


def test_rankings_of_a_picture_without_a_class_tick_nothing():
    figure = rankings.rankings_figure(RANKINGS.assign(correct=False, cosine=RANKINGS["cosine"].abs()))
    assert "✓" not in figure.layout.title.text + "".join(figure.layout.yaxis.ticktext)
    assert figure.layout.xaxis.range[0] == 0


def test_the_rankings_alt_text_says_where_the_right_name_stands():
    said = alt_texts.alt_text("rankings", RANKINGS)
    assert "base: 1 wolf 0.250, 2 dog 0.125; the right name has rank 2." in said
    assert "rank" not in alt_texts.alt_text("rankings", RANKINGS.assign(correct=False))


# ribbons and trade-offs


def test_a_ribbon_joins_each_picture_that_both_queries_find_and_no_other():
    figure = draw("ribbons")
    assert len(figure.layout.shapes) == 2  # the dog, first both times, and the cat, second and third
    same, other = figure.layout.shapes
    assert same.line.dash == "solid"
    assert other.line.dash == "dash"
    assert same.path.startswith("M 0.14,0.79")
    assert "0.86,3.21" in other.path  # ends at rank 3 of the second query
    left, right = figure.data
    assert left.text == ("<b>1</b><br>0.50", "<b>2</b><br>0.25", "<b>3</b><br>0.12")
    assert [note for _, note, _ in left.customdata] == [
        "rank 1 under the other query",
        "rank 3 under the other query",
        "not among those of the other query",
    ]
    assert right.text[2] == "<b>3</b><br>\N{MINUS SIGN}0.25"
    assert [image.y for image in figure.layout.images] == [1, 1]  # only the dog has a picture


def test_the_words_for_ribbons_count_what_both_share():
    assert "2 pictures stand in both, 1 at the same rank" in alt_texts.alt_text("ribbons", RIBBONS)


def test_a_dominated_setting_is_grey_and_unlabelled_and_the_chosen_one_ringed():
    figure = scores.trade_offs_figure(TRADE_OFFS, title="T", x_title="x", y_title="y", base=(0.25, 1.0))
    texts = trace(figure, "texts")
    assert list(texts.text) == ["L2 1", ""]
    assert texts.marker.color[1] == style.faint(style.NEUTRAL, 0.55)
    assert list(texts.marker.line.width) == [3, 0]
    assert {shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1} == {0.25}
    assert figure.layout.xaxis.range[0] < 0.25
    assert figure.layout.yaxis.range[1] > 1.0


def test_the_words_for_trade_offs_name_only_what_is_not_beaten():
    text = alt_texts.alt_text("trade_offs", TRADE_OFFS)
    assert "3 settings" in text
    assert "L2 1: 0.750 and 0.500; L1 1: 0.500 and 0.750" in text
    assert "L3" not in text
