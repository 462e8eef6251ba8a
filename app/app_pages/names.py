"""Names: pictures named by the words nearest to them, with the classes' own names and with other ones."""

from __future__ import annotations

import html

import findings
import layout
import name_controls
import name_curves
import name_scores
import naming
import numpy as np
import pandas as pd
import store
import streamlit as st
import thumbnails
from streamlit.delta_generator import DeltaGenerator

from lexclip_core.errors import InputError, LexclipError
from lexclip_core.evaluation import intervals
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, curves, rankings, scores
from lexclip_core.wordnet import tables

LEAD = (
    "A picture gets the name whose vector lies nearest to its own. Give the classes other names for the same "
    "things: a tower that understood words would lose nothing. Only the text tower was tuned; the pictures’ "
    "vectors are the same throughout.  \n" + layout.COSINE
)
NUMBERS_SAY = (
    "The emoji tower never saw this drawing style, but it saw the same things in other styles, with "
    "their names and tags; so other words may cost less here than on photographs. "
    "Intervals draw {groups} anew."
)
OWN_SAY = "The emoji tower was trained on small drawings only: of photographs expect nothing."
CURVES = (
    "Measured here: small towers and emoji; bands are the spread over drawn classes and words. Reported: "
    "read off the blog’s figures, for ImageNet photographs and CLIP ViT-B/32; bands are what that may be off "
    "by. Compare the shapes, not the heights."
)
FIGURE = "margin:0;width:5.6rem;text-align:center;font-size:.8rem;overflow-wrap:anywhere"
GALLERY = "display:flex;flex-wrap:wrap;gap:.6rem .4rem;max-height:560px;overflow-y:auto"
IMAGE = "width:48px;height:48px;object-fit:contain"
MAX_CONFUSIONS = 12

Rows = dict[str, np.ndarray]  # tower -> unit rows of the classes' names


def draw_gallery(asked: name_controls.Asked) -> None:
    """Draw each picture with its class's original name, and the name now where it differs."""
    pictures = asked.pictures
    items = []
    for place, (digest, title) in enumerate(zip(pictures.digests, pictures.titles, strict=True)):
        source = store.thumbnail(digest, pictures, place)
        items.append(
            f'<figure style="{FIGURE}"><img src="{source}" alt="{html.escape(title)}" style="{IMAGE}">'
            f"<figcaption>{_caption(asked, place)}</figcaption></figure>"
        )
    st.html(f'<div style="{GALLERY}">{"".join(items)}</div>')


def _caption(asked: name_controls.Asked, place: int) -> str:
    label = int(asked.pictures.labels[place])
    if label < 0:
        return html.escape(asked.pictures.titles[place])
    own, now = asked.originals[label], asked.names[label]
    if own == now:
        return html.escape(own)
    return f"<s>{html.escape(own)}</s><br><b>{html.escape(now)}</b>"


def read_rows(
    summary: run_folder.RunSummary, asked: name_controls.Asked
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the pictures' rows, and the classes' rows by tower under their original names and those now.

    Raises:
        LexclipError: A tower is not here, is damaged, or the two do not share a space.
    """
    features = store.picture_rows(summary, asked.pictures)
    now = store.name_rows(summary, asked.names, asked.template)
    original = store.name_rows(summary, asked.originals, asked.template) if asked.labelled else now
    if features.shape[1] != now["base"].shape[1]:
        raise InputError(
            f"The run’s text tower gives {now['base'].shape[1]} numbers a name, the image tower "
            f"{features.shape[1]} a picture: they were not trained together.",
            "Choose a run of all-MiniLM-L6-v2, or of a CLIP tower whose image half is here.",
        )
    return features, original, now


def several(asked: name_controls.Asked) -> bool:
    """Return whether classes have several pictures, as the faces have."""
    return len(asked.pictures) > len(asked.classes)


def draw_accuracy(asked: name_controls.Asked, features: np.ndarray, original: Rows, now: Rows) -> None:
    """Draw how often each tower is right, with both sets of names."""
    st.header("How many pictures get their name", anchor=False)
    groups: intervals.ResampledBy = "pictures" if several(asked) else "classes"
    changed = asked.names != asked.originals
    measured = name_scores.measure(
        features, asked.pictures.labels, original, now if changed else None, groups=groups
    )
    chance = f" Guessing gives {findings.number(1 / len(asked.classes))}."
    layout.finding(findings.names(measured) + chance)
    if not changed:
        st.info("These are the original names. Swap them above, or type others, to see what changes.")
    figure = scores.metric_bars_figure(
        measured.rows, title="Share named right, 95 % intervals", value_title="share of pictures"
    )
    layout.chart(figure, alt_texts.alt_text("metric_bars", measured.rows), key="accuracy")
    st.caption(NUMBERS_SAY.format(groups=groups))


def draw_pictures(asked: name_controls.Asked, features: np.ndarray, weights: Rows) -> None:
    """Draw every picture's nearest names as a table, and one picture's as bars."""
    st.header("What each picture is called", anchor=False)
    pictures, places = asked.pictures, range(len(asked.pictures))
    chosen = st.selectbox(
        "One picture closely",
        [f"{place + 1} {pictures.titles[place]}" for place in places],
        key="picture",
        bind="query-params",
    )
    place = int(chosen.split(" ")[0]) - 1
    left, right = st.columns([1, 5], vertical_alignment="center")
    left.image(pictures.read(place), width=128, alt=pictures.titles[place])
    table = name_scores.ranking(features[place], weights, asked.names, int(pictures.labels[place]))
    with right:
        figure = rankings.rankings_figure(table, title=f"The names nearest to {pictures.titles[place]}")
        layout.chart(figure, alt_texts.alt_text("rankings", table), key="ranking")
    everything = name_scores.overview(features, weights, asked.names, pictures.labels, pictures.titles)
    small = [store.thumbnail(pictures.digests[one], pictures, one) for one in places]
    long = [f"{tower} nearest" for tower in weights]
    layout.table(thumbnails.column(everything, small), pictures=[""], narrow=long)
    if asked.labelled:
        st.caption("✓: the nearest name is the picture’s own; ✗: it is not. Rank: where its own name stands.")


def draw_confusions(asked: name_controls.Asked, features: np.ndarray, weights: Rows) -> None:
    """Draw which classes are taken for which."""
    st.header("What is taken for what", anchor=False)
    pictures, names = asked.pictures, list(asked.names)
    if several(asked):
        tower = list(weights)[-1]
        frame = name_scores.shares(features, weights[tower], pictures.labels, names)
        title = f"Share of each row’s pictures that get the column’s name ({tower} tower)"
        layout.chart(scores.matrix_figure(frame, title), alt_texts.alt_text("matrix", frame), key="matrix")
    table = name_scores.confusions(features, weights, pictures.labels).head(MAX_CONFUSIONS)
    if table.empty:
        st.info("No picture is taken for another class.")
        return
    firsts = [int(np.flatnonzero(pictures.labels == label)[0]) for label in range(len(names))]
    small = [store.thumbnail(pictures.digests[one], pictures, one) for one in firsts]
    shown = pd.DataFrame(
        {
            "": [small[own] for own in table["own"]],
            "these pictures": [names[own] for own in table["own"]],
            " ": [small[other] for other in table["other"]],
            "are called": [names[other] for other in table["other"]],
        }
    )
    counts = table.drop(columns=["own", "other"]).add_prefix("times, ")
    layout.table(pd.concat([shown, counts], axis=1), pictures=["", " "])
    st.caption("The commonest first. The second picture stands for the class whose name was given.")


def draw_curves() -> None:
    """Draw our accuracies against the number of classes and those that the blog reports."""
    st.header("With more classes", anchor=False)
    kind = st.segmented_control(
        "Names replaced by",
        name_curves.KINDS,
        default="synonym",
        required=True,
        key="kind",
        bind="query-params",
    )
    both = {
        "ours": (f"Measured here: {kind}, emoji, small towers", name_curves.measured(kind)),
        "blog": (f"Reported by the blog: {kind}, ImageNet, CLIP ViT-B/32", name_curves.blog(kind)),
    }
    for column, (side, (title, table)) in zip(st.columns(2), both.items(), strict=True):
        with column:
            if table.empty:
                st.info("There is no study of these names yet. This notebook measures it:")
                command = f"lexclip notebooks run --only {name_curves.notebook()}"
                st.code(command, language="bash", wrap_lines=True)
                st.caption("Its parameter `curve_folder` says where to; this page reads `data/name_study`.")
                continue
            figure = curves.curve_figure(
                table, name_curves.X, name_curves.Y, title=title, interval=("low", "high"), group="line"
            )
            figure.update_yaxes(range=[0, 1])
            alt = alt_texts.alt_text("curve", table, name_curves.X, name_curves.Y, group="line")
            layout.chart(figure, f"{title}. {alt}", key=f"curve_{side}")
    st.caption(CURVES)


def draw_results(summary: run_folder.RunSummary, asked: name_controls.Asked, answer: DeltaGenerator) -> None:
    """Draw what the towers make of the names, how often they are right first, or say what is missing."""
    try:
        features, original, now = read_rows(summary, asked)
    except LexclipError as error:
        layout.show_error(error)
        return
    if "tuned" not in now:
        layout.say_untuned(summary)
    if asked.labelled:
        with answer:
            draw_accuracy(asked, features, original, now)
    else:
        st.caption(OWN_SAY)
    draw_pictures(asked, features, now)
    if asked.labelled:
        draw_confusions(asked, features, now)


def draw(summary: run_folder.RunSummary) -> None:
    """Draw the answer, below it the controls, the pictures and what becomes of them."""
    answer = st.container()
    try:
        asked, right = name_controls.ask()
    except LexclipError as error:
        layout.show_error(error)
        return
    new = naming.unknown(tables.load_wordnet(), asked.names)
    if new:
        some = ", ".join(layout.literal(name) for name in new[:8]) + (" and others" if len(new) > 8 else "")
        st.caption(f"Not in WordNet, but used all the same: {some}.")
    if asked.chosen is None:
        st.info("Drop in a picture to see which of these names lie nearest to it.")
        return
    with right:
        draw_gallery(asked)
    draw_results(summary, asked, answer)


summary, _ = layout.begin(
    "Names", LEAD, fills="a tuned tower to name pictures with", prefer=layout.tuned_on_captions
)
with layout.part("the names"):
    draw(summary)
with layout.part("the curves"):
    draw_curves()
