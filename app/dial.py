"""The dial of Home: a component that moves one triple between before and after, in the browser alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
import triples
from streamlit.components.v2.types import ComponentRenderer

from lexclip_core.figures import style

ASSETS = Path(__file__).with_name("assets")
LOWEST = 0.0


def data(triple: triples.Triple, *, revealed: bool) -> dict[str, Any]:
    """Return what the component draws: words, cosines, sentences, colours, the axis.

    Args:
        triple: The triple.
        revealed: Whether it is shown at once, without a guess.
    """
    low = min(LOWEST, *(triple.near + triple.far))
    synonym, antonym = style.NAMED_MARKS["synonym"].color, style.NAMED_MARKS["antonym"].color
    return {
        "word": triple.word, "synonym": triple.synonym, "antonym": triple.antonym,
        "positions": triple.positions, "near": triple.near, "far": triple.far,
        "sentences": triples.sentences(triple), "low": int(low * 10 - 0.999) / 10 if low < 0 else 0.0,
        "colors": {"synonym": synonym, "antonym": antonym}, "revealed": revealed,
    }  # fmt: skip


@cache
def _component() -> ComponentRenderer:
    read = {name: (ASSETS / f"dial.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
    return st.components.v2.component("lexclip_dial", **read, isolate_styles=False)


def draw(triple: triples.Triple, *, revealed: bool, key: str) -> None:
    """Draw the guess, the axis and the dial of a triple."""
    _component()(key=key, data=data(triple, revealed=revealed), height="content")


def offline(triple: triples.Triple) -> str:
    """Return the dial as a piece of HTML that works by itself in a browser without a network."""
    html, css, js = ((ASSETS / f"dial.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js"))
    given = json.dumps(data(triple, revealed=True)).replace("<", "\\u003c")
    script = js.replace("export default function", "const dial = function")
    return (
        f'<style>{css}</style><div id="dial">{html}</div><script type="module">{script}\n'
        f'dial({{data: {given}, parentElement: document.getElementById("dial")}});</script>'
    )
