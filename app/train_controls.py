"""The Train page's controls: words, tower, targets, loss; the address holds them, all but drawn targets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import layout
import numpy as np
import pandas as pd
import streamlit as st
import word_sets
from live_training import Asked
from streamlit.delta_generator import DeltaGenerator

from lexclip_core.errors import InputError
from lexclip_core.targets.controls import Control, controlled
from lexclip_core.targets.registry import TARGETS
from lexclip_core.training.losses import PENALTIES
from lexclip_core.words import read_words

DRAWN = "Drawn by hand"
KINDS: dict[str, tuple[str, Control]] = {
    "Know opposites": ("lexical", "none"),
    "Wu-Palmer": ("wu_palmer", "none"),
    "Shuffled": ("lexical", "shuffled"),
    DRAWN: ("lexical", "none"),
}
"""What the page calls each kind of targets -> target and control of the settings."""
KINDS_HELP = (
    "Know opposites: synonyms near, opposites apart, by WordNet. Wu-Palmer: the blog’s similarity of nouns "
    "in WordNet’s tree, which knows no opposites. Shuffled: the same numbers given to other pairs, as a "
    "control. Drawn by hand: any numbers that you like."
)
MOVES = {"the last two layers": "last:2", "adapters of rank 8": "lora:8", "everything": "all"}
MOST_STEPS = 100
DEFAULT = Asked(("", ""), "")


@dataclass(frozen=True)
class Choice:
    """What the controls say, and the targets that it means, (n, n)."""

    asked: Asked
    targets: np.ndarray


def ask(
    above: DeltaGenerator, buttons: DeltaGenerator, sets: dict[str, tuple[str, ...]], tower: str
) -> Choice:
    """Draw the controls of words, targets and loss and return what they say.

    Args:
        above: Where the ready sets and the targets are chosen, next to the tower.
        buttons: Where the settings of the loss open from.
        sets: Ready sets, measured on the tower; the first one opens.
        tower: The tower's name.

    Raises:
        InputError: Words that cannot be used, or that the targets are not defined for.
    """
    left, right = above.columns([1, 2])
    words = _words(sets, left)
    layout.check_address("targets", list(KINDS), "kind of targets")
    kind = right.segmented_control(
        "Targets",
        list(KINDS),
        default="Know opposites",
        required=True,
        key="targets",
        bind="query-params",
        help=KINDS_HELP,
    )
    with buttons.popover("Loss, steps, and what may move"):
        asked = _loss(words, tower, kind)
    try:
        whole = TARGETS[asked.target].of(words, ())(np.arange(len(words)))
    except InputError:
        if kind != DRAWN:
            raise
        whole = np.eye(len(words))
    targets = controlled(whole, KINDS[kind][1], seed=asked.seed)
    if kind == DRAWN:
        targets = _drawn(words, targets)
        asked = replace(asked, drawn=tuple(map(tuple, targets.tolist())))
    return Choice(asked, targets)


def put(asked: Asked) -> None:
    """Let the controls say what an earlier training was asked for; for callbacks."""
    kinds: dict[tuple[str, str], str] = {named: label for label, named in reversed(KINDS.items())}
    moves = {setting: label for label, setting in MOVES.items()}
    said = {
        "words": ", ".join(asked.words),
        "tower": asked.tower,
        "targets": DRAWN if asked.drawn else kinds[(asked.target, asked.control)],
        "penalty": asked.penalty,
        "c": asked.c,
        "lambda": asked.anchor_weight,
        "steps": asked.steps,
        "lr": asked.lr,
        "moves": moves[asked.trainable],
        "seed": asked.seed,
    }
    st.session_state.update(said)
    if asked.drawn:
        _remember(asked.words, np.array(asked.drawn))


def _words(sets: dict[str, tuple[str, ...]], place: DeltaGenerator) -> tuple[str, ...]:
    names = list(sets)

    def take() -> None:
        chosen = st.session_state.get("set")
        if chosen in sets:
            st.session_state["words"] = ", ".join(sets[chosen])

    layout.check_address("set", names, "set of words")
    chosen = place.selectbox("A ready set", names, key="set", bind="query-params", on_change=take)
    start = ", ".join(sets[chosen]) if chosen else "fast, quick, slow"
    before = st.session_state.get("ready_words")
    if before != start and st.session_state.get("words") == before:  # another tower has words of its own
        st.session_state["words"] = start
    st.session_state["ready_words"] = start
    text = st.text_area(
        f"Words, up to {word_sets.MOST}", start, key="words", bind="query-params", height=70, max_chars=2_000
    )
    given = [one for one in (text or "").replace("\n", ",").split(",") if one.strip()]
    listed = read_words(given)
    for one in listed.dropped:
        st.caption(layout.literal(f"{one.text!r} is left out: {one.reason}."))
    if not 2 <= len(listed.words) <= word_sets.MOST:
        raise InputError(f"There are {len(listed.words)} words.", f"Give 2 to {word_sets.MOST}, with commas.")
    return listed.words


def _loss(words: tuple[str, ...], tower: str, kind: str) -> Asked:
    target, control = KINDS[kind]
    first, second, third = st.columns(3)
    fourth, fifth, sixth = st.columns(3)
    steps = fourth.number_input(
        "Steps",
        1,
        MOST_STEPS,
        DEFAULT.steps,
        key="steps",
        bind="query-params",
        help="Updates of the weights.",
    )
    layout.check_address("penalty", list(PENALTIES), "penalty")
    penalty = first.selectbox(
        "Penalty on c (target − cosine)", list(PENALTIES), key="penalty", bind="query-params"
    )
    c = second.number_input(
        "c", 0.1, 20.0, DEFAULT.c, 0.5, key="c", bind="query-params", help="Scale of the error."
    )
    weight = third.number_input(
        "λ", 0.0, 10.0, DEFAULT.anchor_weight, 0.02, key="lambda", bind="query-params",
        help="Weight of the anchor term, which holds each word near where it was.",
    )  # fmt: skip
    lr = fifth.number_input(
        "Learning rate", 1e-6, 1e-2, DEFAULT.lr, 1e-5, "%.0e", key="lr", bind="query-params",
        help="How far each step goes.",
    )  # fmt: skip
    moves = st.segmented_control(
        "What may move",
        list(MOVES),
        default=next(iter(MOVES)),
        required=True,
        key="moves",
        bind="query-params",
    )
    seed = sixth.number_input(
        "Seed", 0, 9999, 0, key="seed", bind="query-params", help="Of everything random."
    )
    return Asked(
        words,
        tower,
        target,
        control,
        penalty,
        float(c),
        float(weight),
        float(lr),
        MOVES[moves],
        int(steps),
        int(seed),
    )


def _drawn(words: tuple[str, ...], start: np.ndarray) -> np.ndarray:
    """Draw the editable matrix, both halves of which say the same, and return it."""
    stored = st.session_state.get("drawn_targets")
    if stored is None or stored[0] != words:
        _remember(words, start)
    _, matrix, version = st.session_state["drawn_targets"]
    frame = pd.DataFrame(matrix, index=list(words), columns=list(words)).round(2)
    column = st.column_config.NumberColumn(min_value=-1.0, max_value=1.0, step=0.05, format="%.2f", width=60)
    edited = st.data_editor(
        frame,
        key=f"drawn {version}",
        column_config=dict.fromkeys(frame.columns, column),
        height=min(420, 40 + 35 * len(words)),
    )
    st.caption("Each number is the cosine that two words should get; its mirror image changes with it.")
    changed = np.argwhere(~np.isclose(edited.to_numpy(float), frame.to_numpy(float)))
    if len(changed):
        matrix = frame.to_numpy(float).copy()
        for row, column_ in changed:
            value = edited.iat[row, column_]
            matrix[row, column_] = matrix[column_, row] = 0.0 if pd.isna(value) else value
        np.fill_diagonal(matrix, 1.0)
        _remember(words, matrix)
        st.rerun()
    return np.asarray(frame.to_numpy(float))


def _remember(words: tuple[str, ...], matrix: np.ndarray) -> None:
    version = st.session_state.get("drawn_targets", (None, None, 0))[2] + 1
    st.session_state["drawn_targets"] = (words, matrix, version)
