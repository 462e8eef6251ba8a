"""A static picture of a plotly figure, for readers whose page runs no script: PDF, HTML, a repository.

matplotlib draws it anew from the figure's own traces, axes, shapes and images, so no browser is needed. It
knows what `lexclip_core.figures` draws, and no more of plotly.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lexclip_core.errors import InputError

_WIDTH = 900  # pixels of a static picture, at 100 to the inch
_POINT = 0.72  # points per pixel
_DASHES: Mapping[str | None, Any] = {
    None: "-", "solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3)),
    "longdashdot": (0, (8, 3, 1, 3)), "5px,2px": (0, (4, 2)), "2px,4px": (0, (2, 4)),
}  # fmt: skip
_SYMBOLS = {
    "circle": "o", "diamond": "D", "square": "s", "triangle-up": "^", "triangle-down": "v",
    "pentagon": "p", "star": "*", "hexagon": "h",
}  # fmt: skip
_DRAWN_AT = {"left": "left", "right": "right", None: "center", "center": "center"}


def static_picture(figure: go.Figure) -> bytes:
    """Return a figure of this package as a PNG, for readers whose page runs no script.

    Args:
        figure: Its traces are scatters, bars and heat maps.

    Returns:
        A PNG, 900 pixels wide and as high as the figure.

    Raises:
        InputError: A trace is of another type.

    >>> static_picture(go.Figure(go.Scatter(x=[1, 2], y=[3, 4])))[1:4]
    b'PNG'
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if other := {trace.type for trace in figure.data} - set(_TRACES):
        raise InputError(f"traces of type {other.pop()!r}", f"draw {', '.join(_TRACES)}")
    layout, stream = figure.layout, io.BytesIO()
    look: Any = {"text.parse_math": False, "font.size": 13 * _POINT, "axes.edgecolor": "#b5b5b5"}
    with rc_context(look | {"axes.spines.top": False, "axes.spines.right": False}):
        page = Figure((_WIDTH / 100, (layout.height or 450) / 100), dpi=100, layout="constrained")
        panels = _panels(page, figure)
        for trace in figure.data:
            _TRACES[trace.type](panels[trace.yaxis or "y"], trace)
        for shape in layout.shapes:
            _draw_shape(panels, shape)
        for image in layout.images:
            _draw_image(panels, image, layout.height or 450)
        for note in layout.annotations:
            panel = panels[(note.yref or "y").split()[0]]
            at = panel.transData if note.xref == "x" else panel.get_yaxis_transform()
            look = {"ha": _DRAWN_AT[note.xanchor], "va": "top" if note.yanchor == "top" else "center"}
            panel.text(note.x, note.y, _text(note.text), transform=at, fontsize=12 * _POINT, **look)
        page.suptitle(_text(layout.title.text), x=0.01, ha="left", fontsize=14 * _POINT)
        _draw_legend(page, figure)
        page.savefig(stream, format="png")
    return stream.getvalue()


def _panels(page: Any, figure: go.Figure) -> dict[str, Any]:
    """Return one matplotlib axes per y axis of a figure, the highest first."""
    of = dict.fromkeys(((one.yaxis or "y"), (one.xaxis or "x")) for one in figure.data) or {("y", "x"): None}
    axis = {name: figure.layout[f"{name[0]}axis{name[1:]}"] for pair in of for name in pair}
    domains = {y: axis[y].domain or (0.0, 1.0) for y, _ in of}
    order = sorted(of, key=lambda pair: -domains[pair[0]][0])
    heights = [domains[y][1] - domains[y][0] for y, _ in order]
    grid = page.subplots(len(order), squeeze=False, height_ratios=heights)[:, 0]
    for panel, (y, x) in zip(grid, order, strict=True):
        _set_axis(panel, panel.xaxis, axis[x])
        _set_axis(panel, panel.yaxis, axis[y])
        panel.set_axisbelow(True)
    return {y: panel for panel, (y, _) in zip(grid, order, strict=True)}


def _set_axis(panel: Any, drawn: Any, axis: Any) -> None:
    which = drawn.axis_name
    if axis.type == "log":
        getattr(panel, f"set_{which}scale")("log")
        drawn.set_major_formatter("{x:g}")
        drawn.set_minor_formatter("{x:g}" if np.ptp(axis.range or [0, 0]) < 1 else "")
    if axis.range is not None:
        ends = [10.0**end if axis.type == "log" else end for end in axis.range]
        getattr(panel, f"set_{which}lim")(*ends)
    elif axis.autorange == "reversed":
        drawn.set_inverted(True)
    if axis.tickvals is not None:
        drawn.set_ticks(list(axis.tickvals), [_text(one) for one in axis.ticktext or axis.tickvals])
    elif isinstance(axis.dtick, int | float):
        from matplotlib.ticker import MultipleLocator

        drawn.set_major_locator(MultipleLocator(axis.dtick))
    drawn.set_label_text(_text(axis.title.text))
    if axis.showgrid is not False and axis.visible is not False:
        drawn.grid(color="#e3e3e3")
    drawn.set_tick_params(length=0, labelrotation=45 if axis.tickangle else 0)
    if axis.visible is False or axis.showticklabels is False:
        drawn.set_tick_params(label1On=False)
    if axis.visible is False:
        panel.spines["bottom" if which == "x" else "left"].set_visible(False)


def _draw_scatter(panel: Any, trace: go.Scatter) -> None:
    mode, marker, line = trace.mode or "lines+markers", trace.marker, trace.line
    x, y, shown = list(trace.x), list(trace.y), {"label": "_"}
    if trace.showlegend is not False and trace.name:
        shown["label"] = _text(trace.name)
    color = line.color or (marker.color if isinstance(marker.color, str) else None) or "#1f1f1f"
    if trace.fill == "toself":
        panel.fill(x, y, color=_color(trace.fillcolor), linewidth=0)
    elif trace.fill == "tozeroy":
        panel.fill_between(x, y, color=_color(trace.fillcolor), linewidth=0, step="post")
    if "lines" in mode and line.width != 0:
        step = "steps-post" if line.shape == "hv" else "default"
        width = (2 if line.width is None else line.width) * _POINT
        look = {"color": _color(color), "linestyle": _DASHES[line.dash], "drawstyle": step}
        symbol = _SYMBOLS.get(marker.symbol) if isinstance(marker.symbol, str) else None
        filled = _color(marker.color) if isinstance(marker.color, str) else _color(color)
        look |= {"marker": symbol, "markersize": (marker.size or 6) * _POINT if symbol else 0}
        look |= {"markerfacecolor": filled, "markeredgecolor": filled}
        panel.plot(x, y, linewidth=width, **look, **shown)
    elif "markers" in mode:
        _draw_markers(panel, trace, x, y, shown)
    if marker.symbol == "arrow":
        _draw_heads(panel, trace, _color(marker.color))
    for name in ("x", "y"):
        error = trace[f"error_{name}"]
        if error.array is not None:
            ends = {f"{name}err": [error.arrayminus, error.array]}
            panel.errorbar(x, y, fmt="none", ecolor=_color(error.color), capsize=3, **ends)
    if "text" in mode:
        _draw_texts(panel, trace, x, y)


def _draw_markers(
    panel: Any, trace: go.Scatter, x: list[Any], y: list[Any], shown: Mapping[str, str]
) -> None:
    symbol = trace.marker.symbol if isinstance(trace.marker.symbol, str) else "circle"
    color, edge = trace.marker.color, trace.marker.line
    colors = [_color(one) for one in ([color] if color is None or isinstance(color, str) else color)]
    sizes = np.atleast_1d(6 if trace.marker.size is None else trace.marker.size) * _POINT
    outline = edge.color if edge.color is not None else "none"
    edges = [_color(one) for one in ([outline] if isinstance(outline, str) else outline)]
    look = {
        "c": colors,
        "edgecolors": edges,
        "linewidths": np.atleast_1d(0 if edge.width is None else edge.width) * _POINT,
    }
    if symbol.endswith("-open"):
        look = {"facecolors": "none", "edgecolors": colors, "linewidths": 2 * _POINT}
    form = _SYMBOLS.get(symbol.removesuffix("-open"), "o")
    panel.scatter(x, y, s=sizes**2, marker=form, clip_on=trace.cliponaxis is not False, **look, **shown)


def _draw_heads(panel: Any, trace: go.Scatter, color: Any) -> None:
    x, y, size = (np.asarray(one, float).reshape(-1, 3) for one in (trace.x, trace.y, trace.marker.size))
    for place in np.flatnonzero(size[:, 1]):
        ends = {"xy": (x[place, 1], y[place, 1]), "xytext": (x[place, 0], y[place, 0])}
        arrow = {"arrowstyle": "-|>", "color": color, "shrinkB": trace.marker.standoff * _POINT}
        panel.annotate("", **ends, arrowprops=arrow)


def _draw_texts(panel: Any, trace: go.Scatter, x: list[Any], y: list[Any]) -> None:
    away = (np.atleast_1d(trace.marker.size if trace.marker.size is not None else 0).max() / 2 + 4) * _POINT
    given = "middle center" if trace.textposition is None else trace.textposition
    positions = np.broadcast_to(given, len(x))  # one of all points, or one of each
    for place, text in enumerate(trace.text if trace.text is not None else ()):
        vertical, _, side = str(positions[place]).partition(" ")
        dx, ha = {"left": (-away, "right"), "right": (away, "left")}.get(side, (0, "center"))
        dy, va = {"top": (away, "bottom"), "bottom": (-away, "top")}.get(vertical, (0, "center"))
        look = {"fontsize": (trace.textfont.size or 12) * _POINT, "ha": ha, "va": va}
        if text:
            at = (x[place], y[place])
            panel.annotate(_text(text), at, (dx, dy), textcoords="offset points", **look)


def _draw_bars(panel: Any, trace: go.Bar) -> None:
    bars = panel.barh(list(trace.y), list(trace.x), trace.width or 0.8, color=_color(trace.marker.color))
    opacity, width = trace.marker.opacity, trace.marker.line.width
    for place, bar in enumerate(bars):
        bar.set(alpha=1.0 if opacity is None else np.atleast_1d(opacity)[place], edgecolor="#1f1f1f")
        bar.set_linewidth(0 if width is None else np.atleast_1d(width)[place])
    if trace.text is not None:
        panel.bar_label(bars, list(trace.text), padding=3)


def _draw_heatmap(panel: Any, trace: go.Heatmap) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    scale = LinearSegmentedColormap.from_list("scale", [tuple(one) for one in trace.colorscale])
    values = np.asarray(trace.z, float)
    drawn = panel.imshow(values, cmap=scale, vmin=trace.zmin, vmax=trace.zmax, aspect="auto")
    panel.set_xticks(range(values.shape[1]), [_text(one) for one in trace.x], ha="right")
    panel.set_yticks(range(values.shape[0]), [_text(one) for one in trace.y])
    panel.figure.colorbar(drawn, ax=panel, orientation="horizontal", aspect=60, pad=0.02)
    if trace.texttemplate:
        for (row, column), value in np.ndenumerate(values):
            panel.text(column, row, f"{value:.2f}", ha="center", va="center")


_TRACES: Mapping[str, Callable[[Any, Any], None]] = {
    "scatter": _draw_scatter,
    "bar": _draw_bars,
    "heatmap": _draw_heatmap,
}


def _draw_shape(panels: Mapping[str, Any], shape: Any) -> None:
    panel = panels.get((shape.yref or "y").split()[0]) or next(iter(panels.values()))
    look = {"linewidth": (shape.line.width or 1) * _POINT, "linestyle": _DASHES[shape.line.dash]}
    if shape.type == "path":
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path as Curve

        points = [tuple(map(float, one.split(","))) for one in re.findall(r"[-\d.e]+,[-\d.e]+", shape.path)]
        codes = [Curve.MOVETO, *[Curve.CURVE4] * 3, Curve.LINETO, *[Curve.CURVE4] * 3]
        fill, edge = _color(shape.fillcolor), _color(shape.line.color)
        panel.add_patch(PathPatch(Curve(points, codes), facecolor=fill, edgecolor=edge, **look))
    elif shape.x0 == shape.x1:
        panel.axvline(shape.x0, color=_color(shape.line.color), **look)
    else:
        panel.axhline(shape.y0, color=_color(shape.line.color), **look)


def _draw_image(panels: Mapping[str, Any], image: Any, height: float) -> None:
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(base64.b64decode(image.source.partition(",")[2]))).convert("RGB")
    except UnidentifiedImageError:
        return
    panel = panels[image.yref]
    share = image.sizey / abs(np.subtract(*panel.get_ylim()))
    zoom = 0.75 * height * share / picture.height  # about three quarters of a figure's height are its plot
    drawn = OffsetImage(np.asarray(picture), zoom=zoom * _POINT)
    panel.add_artist(AnnotationBbox(drawn, (image.x, image.y), frameon=False, pad=0, zorder=3))


def _draw_legend(page: Any, figure: go.Figure) -> None:
    named = {
        label: handle
        for panel in page.axes
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    if len(named) > 1 and figure.layout.showlegend is not False:
        page.legend(named.values(), named, loc="outside lower left", ncols=4, frameon=False)


def _text(text: str | None) -> str:
    return html.unescape(re.sub("<[^>]*>", "", re.sub("<br ?/?>", "\n", str(text or ""))))


def _color(color: str | None) -> Any:
    """Return a colour as matplotlib takes it: `rgba(...)` becomes four numbers of at most 1."""
    if color and color.startswith("rgba("):
        *parts, alpha = map(float, color[5:-1].split(","))
        return (*(part / 255 for part in parts), alpha)
    return color or "#1f1f1f"
