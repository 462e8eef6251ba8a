"""The Names page's controls: which pictures, which names, in which sentence; the address holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import layout
import naming
import picture_choice
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lexclip_core.datasets import class_names
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet
from lexclip_core.errors import InputError, LexclipError
from lexclip_core.wordnet import tables
from lexclip_core.wordnet.lexicon import Pos

SENTENCES = {"bare name": "name", "photo": "photo", "emoji": "emoji", "face": "face", "80 captions": "openai"}
"""What the page calls each set of sentences -> a name that `zero_shot.templates` takes."""
HAVING: dict[str, picture_choice.Having] = {"a synonym": "synonym", "any name": "any"}
SWAPS: dict[class_names.Kind, str] = {"synonym": "Synonyms", "hypernym": "Hypernyms", "mixed": "Mixed"}
SENTENCE_HELP = (
    "photo: a photo of a …; emoji: the mean of four sentences about drawings; face: a face that looks …; "
    "80 captions: the mean of OpenAI’s eighty, which takes a while."
)
KIND_HELP: dict[class_names.Kind, str] = {
    "synonym": "Another word of the same meaning: dog becomes domestic dog.",
    "hypernym": "A word for the next wider meaning: dog becomes canine.",
    "mixed": "Either of them.",
}
ADJECTIVES_FIRST: tuple[Pos, ...] = ("a", "n", "v", "r")


@dataclass(frozen=True)
class Asked:
    """What the page is asked for.

    Args:
        which: A value of `picture_choice.SETS`.
        chosen: The pictures; None where none was dropped in yet.
        classes: The classes whose original names the text box starts with.
        names: The names now.
        template: A name that `zero_shot.templates` takes.
    """

    which: str
    chosen: PictureSet | None
    classes: tuple[PictureClass, ...]
    names: tuple[str, ...]
    template: str

    @property
    def pictures(self) -> PictureSet:
        """The pictures.

        Raises:
            InputError: None was dropped in yet.
        """
        if self.chosen is None:
            raise InputError("There is no picture yet.", "Drop one in.")
        return self.chosen

    @property
    def labelled(self) -> bool:
        """Whether it is known what the pictures show."""
        return self.which != picture_choice.OWN

    @property
    def originals(self) -> tuple[str, ...]:
        """The classes' own names."""
        return tuple(one.name for one in self.classes)


def ask() -> tuple[Asked, DeltaGenerator]:
    """Draw the controls; return what they say, and the place next to the names.

    Raises:
        LexclipError: The names cannot be used, or the emoji are not here.
    """
    top = st.container()
    left, right = st.columns(2)
    with top:
        which, drawn = _pictures(left)
    own = which == picture_choice.OWN
    template = right.segmented_control(
        "Sentence that a name stands in",
        list(SENTENCES),
        default="bare name",
        required=True,
        key="template",
        bind="query-params",
        help=SENTENCE_HELP,
    )
    pictures = _dropped() if own else drawn
    _swaps(which, drawn.classes)
    left, right = st.columns(2)
    with left:
        text = _names(which, drawn.classes)
    names = naming.read_names(text, None if own else len(drawn.classes))
    return Asked(which, pictures, drawn.classes, names, SENTENCES[template]), right


def _renew() -> None:
    st.session_state["renew_names"] = True


def _pictures(below: DeltaGenerator) -> tuple[str, PictureSet]:
    left, middle, right = st.columns([2, 2, 1])
    layout.check_address("set", list(picture_choice.SETS), "set of pictures")
    title = left.selectbox(
        "Pictures",
        list(picture_choice.SETS),
        key="set",
        bind="query-params",
        on_change=_renew,
    )
    which = picture_choice.SETS[title]
    count = middle.slider(
        "How many classes",
        picture_choice.FEWEST,
        picture_choice.MOST,
        picture_choice.USUAL,
        key="n",
        bind="query-params",
        on_change=_renew,
        disabled=which == picture_choice.EMOTIONS,
    )
    seed = right.number_input(
        "Draw",
        0,
        9999,
        0,
        key="draw",
        bind="query-params",
        on_change=_renew,
        disabled=which == picture_choice.EMOTIONS,
        help="Another number draws other classes of the same set.",
    )
    having = below.segmented_control(
        "Classes that have",
        list(HAVING),
        default="a synonym",
        required=True,
        key="having",
        bind="query-params",
        on_change=_renew,
        disabled=which == picture_choice.EMOTIONS,
    )
    return which, picture_choice.choose(which, int(count), int(seed), HAVING[having])


def _dropped() -> PictureSet | None:
    files = st.file_uploader(
        f"Drop in up to {picture_choice.MOST_DROPPED} pictures",
        type=["png", "jpg", "jpeg", "webp"],
        accept_multiple_files=True,
        key="files",
        max_upload_size=10,
        help="They stay on this machine, and the address does not hold them.",
    )
    if len(files) > picture_choice.MOST_DROPPED:
        st.warning(
            f"{len(files)} files were given; the first {picture_choice.MOST_DROPPED} are used. Remove some."
        )
    pictures, errors = picture_choice.take(
        [(file.name, file.getvalue()) for file in files[: picture_choice.MOST_DROPPED]]
    )
    for error in errors:
        layout.show_error(error)
    return pictures


def _swaps(which: str, classes: Sequence[PictureClass]) -> None:
    originals = naming.joined([one.name for one in classes])
    st.markdown("**Swap every name for…**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for kind, label in SWAPS.items():
            st.button(
                label,
                key=f"swap_{kind}",
                help=KIND_HELP[kind],
                on_click=_swap,
                args=(which, tuple(classes), kind),
            )
        st.button("Originals", key="originals", on_click=_put, args=(originals, ""))
        st.number_input(
            "Which word",
            0,
            9999,
            0,
            key="pick",
            bind="query-params",
            width=130,
            help="0 takes WordNet’s first word for each class, any other number draws one.",
        )
    note = st.session_state.pop("swap_note", "")
    if note:
        st.info(note)


def _start(which: str, classes: Sequence[PictureClass]) -> str:
    """Return the names that the page opens with: synonyms, so that something happens."""
    if which == picture_choice.OWN:
        return naming.joined([one.name for one in classes])
    order = ADJECTIVES_FIRST if which == picture_choice.EMOTIONS else naming.POS
    return naming.joined(naming.swapped(tables.load_wordnet(), classes, "synonym", 0, order))


def _names(which: str, classes: Sequence[PictureClass]) -> str:
    start = _start(which, classes)
    if st.session_state.pop("renew_names", False):
        st.session_state["names"] = start
    text = st.text_area(
        "Class names, one per line",
        start,
        key="names",
        bind="query-params",
        height=min(520, 60 + 25 * len(classes)),
        max_chars=20_000,
    )
    return text or ""


def _put(text: str, note: str) -> None:
    st.session_state["names"] = text
    st.session_state["swap_note"] = note


def _swap(which: str, classes: tuple[PictureClass, ...], kind: class_names.Kind) -> None:
    draw = int(st.session_state.get("pick") or 0)
    try:
        if which == picture_choice.OWN:  # whatever names stand there are the originals
            typed = naming.read_names(st.session_state.get("names"))
            classes = tuple(PictureClass(name, name, _synset_of(name, classes)) for name in typed)
        order = ADJECTIVES_FIRST if which == picture_choice.EMOTIONS else naming.POS
        found = naming.swapped(tables.load_wordnet(), classes, kind, draw, order)
    except LexclipError as error:
        st.session_state["swap_note"] = f"Nothing was swapped. {layout.literal(error)}"
        return
    same = [one.name for one, name in zip(classes, found, strict=True) if one.name == name]
    _put(naming.joined(found), _note(same, len(found), kind))


def _synset_of(name: str, classes: Sequence[PictureClass]) -> str:
    return next((one.synset for one in classes if one.name == name), "")


def _note(same: Sequence[str], total: int, kind: class_names.Kind) -> str:
    if not same:
        return ""
    some = ", ".join(layout.literal(name) for name in same[:5]) + (" and others" if len(same) > 5 else "")
    what = "other word" if kind == "mixed" else kind
    return f"{len(same)} of {total} classes keep their name, as WordNet has no free {what} for them: {some}."
