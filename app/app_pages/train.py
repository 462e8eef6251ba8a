"""Train: up to 30 words, what their cosines should become, and a copy of the tower that learns it live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import layout
import live_training
import numpy as np
import pandas as pd
import store
import streamlit as st
import tower_list
import train_controls
import word_sets
from live_training import Saving, Training, line
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lexclip_core.figures import alt_texts, curves, scores
from lexclip_core.training.settings import LOSS_TERMS

if TYPE_CHECKING:
    from lexclip_core.towers.tower import Tower

LEAD = (
    "Choose up to 30 words and what their **cosines** should become, and watch a copy of the tower learn it. "
    "Cosine says how alike two words are to the tower: 1 is the same, 0 unrelated."
)
EVERY, SELDOM = 0.5, 2.0  # seconds between two looks at a running training, and at one that has not begun
HEIGHT = 470
VIEWS = ("now", "before", "targets")
GOAL = "What the cosines should become"


def tower_called(name: str) -> Tower:
    """Return a tower, loaded once a server."""
    return store.base_tower(name, store.VERSION)


def tab_is_open() -> Callable[[], bool]:
    """Return what says whether this visitor's tab is still open."""
    context = get_script_run_ctx()
    if context is None or not exists():
        return lambda: True
    runtime, session = get_instance(), context.session_id
    return lambda: runtime.is_active_session(session)


def trainings() -> list[Training]:
    """Return this visitor's trainings, the last one last."""
    listed: list[Training] = st.session_state.setdefault("trainings", [])
    return listed


def begin(asked: live_training.Asked) -> None:
    """Start a training, in place of one that still runs."""
    for one in trainings():
        one.stop()
    training = Training(asked, tower_called, tab_is_open())
    trainings().append(training)
    line().add(training)


def undo() -> None:
    """Forget the last training and show the one before, its settings too."""
    trainings().pop().stop()
    if trainings():
        train_controls.put(trainings()[-1].asked)


def status(training: Training) -> str:
    """Return how a training stands, in words."""
    step = f"step {training.steps} of {training.asked.steps}"
    before = line().before(training)
    return {
        "waiting": f"Waiting: {before} {'training comes' if before == 1 else 'trainings come'} first.",
        "loading": "Loading the tower …",
        "training": f"Training, {step} …",
        "paused": f"Paused after {step}.",
        "finished": f"Done: {training.steps} steps in {training.seconds:.1f} s.",
        "stopped": f"Stopped after {step}.",
        "failed": f"It ended after {step}.",
    }[training.stage]


def draw_buttons(training: Training) -> None:
    """Draw how the training stands, and what can be done about it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{status(training)}**")
        if training.stage == "training":
            st.button("Pause", on_click=training.pause, key="pause")
        if training.stage == "paused":
            st.button("Go on", on_click=training.go_on, key="go_on")
        if not training.over:
            st.button("Stop", on_click=training.stop, key="stop")
    if training.problem is not None:
        layout.show_error(training.problem)


def shown_step(training: Training) -> int:
    """Draw the slider over the steps, where the training rests, and return the step to show."""
    if training.steps and (training.over or training.stage == "paused"):
        key = f"step {id(training)} {training.steps}"
        return int(st.slider("Show step", 0, training.steps, training.steps, key=key))
    return training.steps


def draw_matrix(training: Training, step: int, targets: np.ndarray) -> None:
    """Draw the words' cosines as a matrix, at a step, before, or as they should be."""
    view = st.segmented_control(
        "Cosines", VIEWS, default="now", required=True, key="view", label_visibility="collapsed"
    )
    matrix, title = {
        "now": (training.cosines[step], f"Cosines after step {step}"),
        "before": (training.cosines[0], "Cosines before training"),
        "targets": (targets, GOAL),
    }[view]
    draw_cosines(matrix, training.asked.words, title)


def draw_cosines(matrix: np.ndarray, words: tuple[str, ...], title: str) -> None:
    """Draw one matrix of words' cosines."""
    frame = pd.DataFrame(matrix, index=list(words), columns=list(words))
    height = max(HEIGHT + 60, 260 + 17 * len(words))  # so that every word is named
    figure = scores.matrix_figure(frame, title, scale="cosine").update_layout(height=height)
    layout.chart(figure, alt_texts.alt_text("matrix", frame), key="matrix")


def draw_losses(training: Training, step: int) -> None:
    """Draw the loss terms of the steps so far."""
    if not training.rows:
        st.caption("The loss appears with the first step.")
        return
    table = pd.DataFrame(training.rows).assign(step=lambda rows: rows["step"] + 1)
    figure = curves.history_figure(table, title="Loss, term by term").update_layout(height=HEIGHT)
    figure.update_xaxes(range=[0, training.asked.steps + 1])
    if step and step < training.steps:
        figure.add_vline(step, line_dash="dot", line_color="#595959")
    layout.chart(figure, alt_texts.alt_text("history", table), key="losses")
    st.caption("; ".join(f"**{term}**: {aim}" for term, aim in LOSS_TERMS.items() if term in table))


def draw_training(
    training: Training, choice: train_controls.Choice, pieces: int, *, begun: bool, live: bool
) -> None:
    """Draw a training as it stands; drawn again and again while it runs."""
    del layout.drawn().pieces[pieces:]  # of the last look
    draw_buttons(training)
    if (live and training.over) or (not begun and training.stage == "training"):
        st.rerun()  # another pace of looking
    if not training.cosines:
        return
    step = min(shown_step(training), training.steps)
    of = word_sets.related(training.asked.words)
    layout.finding(word_sets.finding(of, training.cosines[0], training.cosines[step], layout.literal))
    left, right = st.columns(2)
    with left, layout.part("the cosines"):
        draw_matrix(training, step, choice.targets)
    with right, layout.part("the loss"):
        draw_losses(training, step)
    if training.over and step:
        draw_results(training, step)


def draw_results(training: Training, step: int) -> None:
    """Offer the run folder and the code of a training up to a step."""
    keep = f"Keep this run, as after step {step}"
    if st.button(
        keep, key="keep", help="Measured on words it never saw, it then stands in the list of runs."
    ):
        saving = Saving(training, step, tower_called)
        st.session_state["saving"] = saving
        line().add(saving)
        st.rerun()
    with st.expander("As code: the same in Python"):
        st.code(training.asked.code(step), language="python", wrap_lines=True)


@st.fragment(run_every=1.0)
def draw_saving(saving: Saving) -> None:
    """Say how the writing of a run folder stands."""
    if saving.folder is not None:
        st.session_state.pop("saving", None)
        st.session_state["saved_run"] = saving.folder.name
        st.rerun()
    elif saving.problem is not None:
        layout.show_error(saving.problem)
    else:
        first = line().before(saving)
        said = f"{first} before it" if first else "measuring it on words that it never saw, about a minute"
        st.info(f"Keeping this run: {said}.")


def draw() -> None:
    """Draw the controls, and the training below them."""
    left, right = st.columns([1, 3])
    with left:
        tower = tower_list.choose("tower")
    below = st.container()
    buttons = st.container(horizontal=True)
    with below:
        choice = train_controls.ask(right, buttons, tower_list.word_sets_of(tower), tower)
    with buttons:
        if st.button("Train", type="primary", key="train"):
            begin(choice.asked)
        st.button(
            "Undo", key="undo", on_click=undo, disabled=not trainings(), help="Back to the training before."
        )
    saved = st.session_state.get("saved_run")
    if saved:
        st.success("The run is saved, and stands in the list of runs.")
        layout.page_link("app_pages/runs.py", "See it among the runs", run=saved)
    if "saving" in st.session_state:
        draw_saving(st.session_state["saving"])
    if not trainings():
        draw_cosines(choice.targets, choice.asked.words, GOAL)
        return
    training = trainings()[-1]
    live = not training.over
    pieces = len(layout.drawn().pieces)
    begun = training.stage not in ("waiting", "loading")
    drawing = st.fragment(draw_training, run_every=(EVERY if begun else SELDOM) if live else None)
    drawing(training, choice, pieces, begun=begun, live=live)


layout.head("Train", LEAD)
with layout.part("the training"):
    draw()
