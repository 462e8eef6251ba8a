"""A map of words: the component that moves them between before and after, and the same as offline HTML.

`assets/map.js` and `assets/map_points.js` draw; what a visitor chose there comes back for the address.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import layout
import numpy as np
import streamlit as st
import typed
from streamlit import runtime
from streamlit.components.v2.types import ComponentRenderer

from lexclip_core.figures import style

ASSETS = Path(__file__).with_name("assets")
SCRIPTS = ("map_points.js", "map.js")
UNKNOWN = 255
"""The code of a word that a scale has no value for; values go from 0 to 254."""
PARAMETERS = ("colour", "dial", "pair", "sel", "at")
"""What a map adds to the address: colours, dial in per cent, side by side, chosen words, the view."""
MOST_IN_ADDRESS = 60
LARGE = 500_000  # bytes of points that are fetched by the browser once, and not sent with each change

_UNPACK = (
    "const packed = bytes(document.getElementById('map-points').textContent);"
    "const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));"
    "const text = await new Response(stream).text();"
    "draw({data: {...DATA, points: JSON.parse(text)}, parentElement: document.getElementById('map')});"
)


@dataclass(frozen=True)
class Points:
    """What a map draws, as JSON, with its name: another name is another map."""

    name: str
    json: bytes
    colours: tuple[str, ...]
    alt: str


@dataclass(frozen=True)
class Cosines:
    """Cosines of all words to one, before and after; nan where a word has none.

    `note` says of which words they are known.
    """

    word: str
    before: np.ndarray
    after: np.ndarray
    note: str = ""


def names(label: str, values: Sequence[str], marks: dict[str, style.Mark]) -> dict[str, Any]:
    """Return a way to colour words: by names, each with its mark."""
    place = {name: code for code, name in enumerate(marks)}
    codes = np.array([place[value] for value in values], dtype=np.uint8)
    drawn = [(mark.color, mark.symbol) for mark in marks.values()]
    return {"name": label, "kind": "names", "names": list(marks), "marks": drawn, "codes": _text(codes)}


def scale(label: str, values: np.ndarray, low: str, high: str) -> dict[str, Any]:
    """Return a way to colour words: by a number, from its least to its largest."""
    span = float(values.max() - values.min()) or 1.0
    codes = np.rint((values - values.min()) / span * (UNKNOWN - 1)).astype(np.uint8)
    return {"name": label, "kind": "scale", "before": _text(codes), "low": low, "high": high}


def points(
    words: Sequence[str], places: np.ndarray, colours: Sequence[dict[str, Any]], *, alt: str, **more: Any
) -> Points:
    """Return words with their places as the component takes them, those first that deserve a label.

    Args:
        words: The words.
        places: As `explorer_data.pack_places` gives them, (words, 4) uint16.
        colours: What `names` and `scale` return.
        alt: What the map shows, in words.
        **more: `tuned`: whether there is an after; `hint`: what is said before a word is chosen; `parents`:
            the row of each word's parent, or -1; `notes`: a text for each word.
    """
    content = {
        "words": "\n".join(words),
        "xy": _text(np.ascontiguousarray(places, dtype="<u2")),
        "colours": list(colours),
        **more,
    }
    if "notes" in content:
        content["notes"] = "\n".join(" ".join(note.split()) for note in more["notes"])
    raw = json.dumps(content, ensure_ascii=False).encode()
    ways = [way["name"] for way in colours] + (["movement on the map"] if more["tuned"] else [])
    return Points(hashlib.sha256(raw).hexdigest()[:12], raw, tuple(ways), alt)


def draw(shown: Points, *, key: str, link: str, cosines: Cosines | None = None) -> list[str]:
    """Draw a map, keep what is chosen in it in the address, and return the chosen words.

    Args:
        shown: The points.
        key: Of the component.
        link: The address of a word's page, with WORD in place of the word.
        cosines: Another way to colour the words.
    """
    given = {
        "id": shown.name, "alt": shown.alt, "link": link, "start": _start(key), "cosine": _coded(cosines),
    }  # fmt: skip
    if len(shown.json) > LARGE:
        files = runtime.get_instance().media_file_mgr
        source = {"url": files.add(shown.json, "application/json", f"lexclip.{key}")}
    else:
        source = {"points": json.loads(shown.json)}
    _component()(key=key, data=given | source, height="content", on_seen_change=lambda: _seen(key))
    listed = [word for word in st.query_params.get("sel", "").split(",") if word]
    chosen: list[str] = st.session_state.get(f"{key} chosen", [])
    return chosen if chosen[:MOST_IN_ADDRESS] == listed else listed


def draw_with_cosines(
    shown: Points, *, key: str, cosines_to: Callable[[str], Cosines | None], to: str
) -> tuple[list[str], Cosines | None]:
    """Draw a map, coloured by the cosine to a word where one is typed, and add it to what can be saved.

    Args:
        shown: The points.
        key: Of the component.
        cosines_to: Word -> the cosines of all words to it; what goes wrong in it is said.
        to: The word that was typed into `cosine_box`, or nothing.

    Returns:
        The chosen words, and the cosines where a word was typed.
    """
    cosines = None
    with layout.part("the cosines to a word"):
        cosines = cosines_to(typed.read_word(to)) if to else None
    ways = [*shown.colours, *([f"cosine to {cosines.word}"] if cosines else [])]
    layout.check_address("colour", ways, "way of colouring")
    chosen = draw(shown, key=key, link=layout.address("word", word="WORD"), cosines=cosines)
    layout.drawn().pieces.append(offline(shown, cosines))
    return chosen, cosines


def cosine_box(place: Any = st) -> str:
    """Draw the box for a word to colour by, and return what stands in it."""
    label, example = "Colour by the cosine to a word", "any word, such as happy"
    return place.text_input(label, key="to", bind="query-params", placeholder=example) or ""


def forget(key: str) -> None:
    """Drop from the address what was chosen on another map."""
    for name in ("sel", "at", "dial"):
        st.query_params.pop(name, None)
    st.session_state.pop(f"{key} address", None)


def offline(shown: Points, cosines: Cosines | None = None) -> str:
    """Return the map as a piece of HTML that works by itself in a browser without a network."""
    given = {"id": shown.name, "alt": shown.alt, "link": "", "cosine": _coded(cosines), "start": _start("")}
    script = _script().replace("export default function", "const draw = function")
    data = json.dumps(given).replace("<", "\\u003c")
    return (
        f'<style>{_asset("map.css")}</style><div id="map">{_asset("map.html")}</div>'
        f'<script type="text/plain" id="map-points">{_packed(shown.json)}</script>'
        f'<script type="module">{script}\n{_UNPACK.replace("DATA", data)}</script>'
    )


def _start(key: str) -> dict[str, Any]:
    """Return what the address says, the same object's value for as long as the visitor alone changes it."""
    asked = {name: st.query_params.get(name) for name in PARAMETERS}
    last = st.session_state.get(f"{key} address")
    if last is not None and last[0] == asked:
        return dict(last[1])
    dial = asked["dial"] or ""
    start: dict[str, Any] = {
        "words": (asked["sel"] or "").split(",")[:MOST_IN_ADDRESS],
        "at": asked["at"] or "",
    }
    if dial.isascii() and dial.isdigit():
        start["t"] = min(100, int(dial))
    if asked["pair"] in ("0", "1"):
        start["pair"] = asked["pair"] == "1"
    if asked["colour"]:
        start["colour"] = asked["colour"]
    if key:
        st.session_state[f"{key} address"] = (asked, start)
    return start


def _seen(key: str) -> None:
    """Put into the address what the visitor chose in the map."""
    seen = dict(st.session_state[key]["seen"] or {})
    chosen = [str(word) for word in seen.get("words", [])]
    st.session_state[f"{key} chosen"] = chosen
    values = {
        "colour": str(seen.get("colour", "")),
        "dial": str(seen.get("t", "")),
        "pair": {"True": "1", "False": "0"}.get(str(seen.get("pair")), ""),
        "sel": ",".join(chosen[:MOST_IN_ADDRESS]),
        "at": str(seen.get("at", "")),
    }
    for name, value in values.items():
        if not value:
            st.query_params.pop(name, None)
    st.query_params.update({name: value for name, value in values.items() if value})
    start: dict[str, Any] = (st.session_state.get(f"{key} address") or (None, {}))[1]
    asked = {name: st.query_params.get(name) for name in PARAMETERS}
    st.session_state[f"{key} address"] = (asked, start)


def _coded(cosines: Cosines | None) -> dict[str, Any] | None:
    if cosines is None:
        return None
    both = np.stack([cosines.before, cosines.after])
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    codes = np.rint((both - low) / ((high - low) or 1.0) * (UNKNOWN - 1))
    codes = np.where(np.isnan(codes), UNKNOWN, codes).astype(np.uint8)
    return {
        "word": cosines.word, "before": _text(codes[0]), "after": _text(codes[1]), "from": low, "to": high,
        "low": f"{low:.2f}".replace("-", "−"), "high": f"{high:.2f}", "note": cosines.note,
    }  # fmt: skip


def _text(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    return "\n".join(_asset(name) for name in SCRIPTS)


@cache
def _component() -> ComponentRenderer:
    parts = {"html": _asset("map.html"), "css": _asset("map.css"), "js": _script()}
    return st.components.v2.component("lexclip_map", **parts, isolate_styles=False)


@lru_cache(maxsize=4)
def _packed(raw: bytes) -> str:
    return base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode()
