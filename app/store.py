"""What the pages read: run folders, and live encodings of typed words, cached; a page caches nothing itself.

Cache keys are run ids, paths and modification times; a model or a matrix is never an argument that is hashed.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import bare_towers
import numpy as np
import streamlit as st
import typed
from background import BackgroundJob

from lexclip_core import storage
from lexclip_core.errors import MissingResourceError
from lexclip_core.experiments import explorer_data, run_folder
from lexclip_core.experiments.explorer_data import WideVocabulary
from lexclip_core.training.settings import DEFAULT_TOWER, PRESETS
from lexclip_core.words import normalise

if TYPE_CHECKING:
    from lexclip_core.datasets.pictures.picture_set import PictureSet
    from lexclip_core.towers.images import ImageTower
    from lexclip_core.towers.tower import Tower


VERSION = metadata.version("lexclip")
DEFAULT_PRESET = "lexclip"
IMAGE_TOWERS = {"all-MiniLM-L6-v2": "emoji"}  # the image tower trained with it, where named otherwise
WARM_UP_AFTER = 1.0
"""Seconds from the first drawn page to loading the towers: what the page itself needs goes first."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """The runs there are, the default first, and the folders that could not be read."""

    folder: Path
    summaries: tuple[run_folder.RunSummary, ...]
    damaged: tuple[run_folder.DamagedRun, ...]

    def find(self, run_id: str | None) -> run_folder.RunSummary | None:
        """Return the run of that id, or None."""
        return next((summary for summary in self.summaries if summary.run_id == run_id), None)


def listing() -> Listing:
    """Return what lies in the folder of runs now; only small files are read."""
    folder = storage.runs_folder()
    summaries, damaged = run_folder.list_runs(folder)
    asked = bare_towers.asked()
    bare = (bare_towers.summary(asked),) if asked else ()
    return Listing(folder, (*sorted(summaries, key=_default_first), *bare), damaged)


def _default_first(summary: run_folder.RunSummary) -> tuple[bool, bool, bool, str]:
    # A visitor's own experiments may start from the default preset too: its unchanged settings come first.
    unchanged = summary.run_id == PRESETS[DEFAULT_PRESET].run_id
    control = summary.config.get("control", "none") != "none"
    return (not unchanged, summary.preset != DEFAULT_PRESET, control, summary.run_id)


def read(summary: run_folder.RunSummary) -> run_folder.Run:
    """Return a whole run, shared between visitors: never change what it holds.

    Raises:
        DamagedFileError: The run cannot be read.
        LexclipError: It is a bare tower, which cannot be loaded.
    """
    if bare_towers.is_bare(summary):
        return _bare_run(tower_name(summary), VERSION)
    return _read(str(summary.path), summary.stamp, VERSION)


@st.cache_resource(max_entries=6, show_spinner=False)
def _read(path: str, stamp: int, version: str) -> run_folder.Run:
    run = run_folder.read_run(Path(path))
    run.before.flags.writeable = run.after.flags.writeable = False
    return run


@st.cache_resource(max_entries=2, show_spinner="Looking at many words with this tower…")
def _bare_run(name: str, version: str) -> run_folder.Run:
    return bare_towers.run(name, base_tower(name, version))


def rows_of(summary: run_folder.RunSummary) -> dict[str, int]:
    """Return each word of the run, normalised, with its row in the embeddings; none of a bare tower."""
    if bare_towers.is_bare(summary):
        return {}
    return _rows_of(str(summary.path), summary.stamp, VERSION)


@st.cache_resource(max_entries=6, show_spinner=False)
def _rows_of(path: str, stamp: int, version: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, word in enumerate(_read(path, stamp, version).words):
        rows.setdefault(normalise(word), row)
    return rows


def tower_name(summary: run_folder.RunSummary) -> str:
    """Return the registry name of the run's base tower."""
    return str(summary.config.get("tower") or DEFAULT_TOWER)


def vectors(summary: run_folder.RunSummary, words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit rows (before, after) of normalised words, each of shape (len(words), dim).

    Words of the run come from its folder; the others are encoded now by the base and the tuned tower.

    Raises:
        InputError: The tokenizer knows no piece of a word.
        MissingResourceError: A tower is needed and its weights are not here.
        DamagedFileError: The tuned tensors do not fit.
    """
    run, known = read(summary), rows_of(summary)
    fresh = tuple(word for word in dict.fromkeys(words) if word not in known)
    live = dict(zip(fresh, zip(*_encode(summary, fresh), strict=True), strict=True)) if fresh else {}
    before = [live[word][0] if word in live else run.before[known[word]] for word in words]
    after = [live[word][1] if word in live else run.after[known[word]] for word in words]
    return np.stack(before), np.stack(after)


def _encode(summary: run_folder.RunSummary, words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    tuned = summary.tuned_path
    if tuned is None:
        raise MissingResourceError(
            f"Run {summary.run_id} has no tuned tensors, so it can show its own words only.",
            f"Make it again: {rebuild_command(summary)}",
        )
    return encode_both(tower_name(summary), str(tuned), summary.stamp, words, VERSION)


def triple_cosines(
    summary: run_folder.RunSummary, words: tuple[str, str, str]
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]:
    """Return positions between before and after, and there the cosines of a word with two others.

    Five positions where the run has tuned tensors; before and after where it has the words; else before.

    Args:
        summary: The run.
        words: The word, its synonym, its opposite, normalised.

    Raises:
        InputError: The tokenizer knows no piece of a word.
        MissingResourceError: A tower's weights are not here.
        DamagedFileError: The tuned tensors do not fit.
    """
    known = rows_of(summary)
    if summary.tuned_path is not None:
        return _live_cosines(tower_name(summary), str(summary.tuned_path), summary.stamp, words, VERSION)
    whole = known.keys() >= set(words)
    places = (0, 100) if whole else (0,)
    rows = vectors(summary, words) if whole else (base_vectors(summary, words),)
    near, far = (tuple(float(one[0] @ one[other]) for one in rows) for other in (1, 2))
    return places, near, far


@st.cache_data(
    max_entries=256, show_spinner="Encoding with the tower between before and after (loaded once)…"
)
def _live_cosines(
    name: str, tuned: str, stamp: int, words: tuple[str, ...], version: str
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]:
    typed.refuse_unknown(base_tower(name, version), words)
    rows = [tower.encode_texts(words) for tower in towers_between(name, tuned, stamp, version)]
    near, far = (tuple(float(one[0] @ one[other]) for one in rows) for other in (1, 2))
    return run_folder.POSITIONS, near, far


@st.cache_resource(max_entries=1, show_spinner=False)
def towers_between(name: str, tuned: str, stamp: int, version: str) -> tuple[Tower, ...]:
    """Return towers at every position between before and after, their weights interpolated."""
    from lexclip_core.towers import weights

    base, after = base_tower(name, version), tuned_tower(name, tuned, stamp, version)
    between = [weights.interpolate(base, after, percent / 100) for percent in run_folder.POSITIONS[1:-1]]
    return (base, *between, after)


def base_vectors(summary: run_folder.RunSummary, words: tuple[str, ...]) -> np.ndarray:
    """Return the unit rows of words by the run's base tower, which every run can be asked for.

    Raises:
        InputError: The tokenizer knows no piece of a word.
        MissingResourceError: The tower's weights are not here.
    """
    return _base_vectors(tower_name(summary), words, VERSION)


@st.cache_data(max_entries=256, show_spinner="Encoding with the base tower (loaded once)…")
def _base_vectors(name: str, words: tuple[str, ...], version: str) -> np.ndarray:
    base = base_tower(name, version)
    typed.refuse_unknown(base, words)
    return base.encode_texts(words)


def rows_of_word(
    summary: run_folder.RunSummary, among: WideVocabulary, word: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return a normalised word's own unit rows before and after; the same row where `among` has no after.

    Args:
        summary: The run.
        among: Words that need not be encoded.
        word: The word.

    Raises:
        LexclipError: It must be encoded, and cannot be.
    """
    if word in among.words:
        place = among.words.index(word)
        return among.before[place], among.after[place]
    if among.after is among.before:
        return (base_vectors(summary, (word,))[0],) * 2
    before, after = vectors(summary, (word,))
    return before[0], after[0]


def wide_vocabulary(summary: run_folder.RunSummary) -> WideVocabulary | None:
    """Return many words with their vectors before and after, None where they are not at hand yet.

    Raises:
        DamagedFileError: A stored file is damaged.
    """
    stored = _stored_vocabulary(str(summary.path), summary.stamp, VERSION, summary)
    if stored is None and (done := _filling(str(summary.path), summary.stamp, VERSION)).finished.is_set():
        return done.made
    return stored


@st.cache_resource(max_entries=2, show_spinner=False)
def _stored_vocabulary(
    path: str, stamp: int, version: str, _summary: run_folder.RunSummary
) -> WideVocabulary | None:
    return explorer_data.stored_vocabulary(_summary)


@st.cache_resource(max_entries=2, show_spinner=False)
def _filling(path: str, stamp: int, version: str) -> BackgroundJob[WideVocabulary]:
    return BackgroundJob()


def fill_vocabulary(summary: run_folder.RunSummary) -> BackgroundJob[WideVocabulary]:
    """Begin to encode the wide vocabulary of a run with tensors, once a server, and return how it stands."""
    filling = _filling(str(summary.path), summary.stamp, VERSION)
    tuned = summary.tuned_path
    if tuned is not None:
        filling.begin(lambda: _fill(tower_name(summary), tuned, summary.stamp))
    return filling


def _fill(name: str, tuned: Path, stamp: int) -> WideVocabulary:
    towers = base_tower(name, VERSION), tuned_tower(name, str(tuned), stamp, VERSION)
    return explorer_data.encode_vocabulary(*towers, tuned, explorer_data.wide_words())


def rebuild_command(summary: run_folder.RunSummary) -> str:
    """Return the one command that makes the run again in its place."""
    return run_folder.rebuild_command(summary)


@st.cache_data(max_entries=256, show_spinner="Encoding with the base and the tuned tower (loaded once)…")
def encode_both(
    name: str, tuned: str, stamp: int, words: tuple[str, ...], version: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit rows of words by the base and by the tuned tower."""
    base = base_tower(name, version)
    typed.refuse_unknown(base, words)
    after = tuned_tower(name, tuned, stamp, version)
    return base.encode_texts(words), after.encode_texts(words)


@st.cache_resource(max_entries=2, show_spinner=False)
def base_tower(name: str, version: str) -> Tower:
    """Return a tower of the registry, shared between visitors."""
    from lexclip_core.towers import loading

    return loading.load(name, device="cpu")


@st.cache_resource(max_entries=3, show_spinner=False)
def tuned_tower(name: str, tuned: str, stamp: int, version: str) -> Tower:
    """Return the tower with a run's tuned tensors, shared between visitors."""
    from lexclip_core.towers import weights

    return weights.apply_tuned(base_tower(name, version), Path(tuned))


def warm_up(listing: Listing) -> None:
    """Load the towers of the default run behind the pages, once a server, so that the first word waits less.

    Nothing happens where no word can be typed anyway, and nothing is said where loading fails: the page that
    needs a tower says what is wrong with it.
    """
    # Where the hub may be asked, a tower that is not here would be fetched unasked.
    offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    if offline and listing.summaries and listing.summaries[0].has_tuned:
        warming(VERSION, listing.summaries[0])


@st.cache_resource(show_spinner=False)
def warming(version: str, _summary: run_folder.RunSummary) -> threading.Timer:
    """Return the timer that loads a run's towers, started once a server."""
    tuned = str(_summary.tuned_path)
    timer = threading.Timer(WARM_UP_AFTER, load_ahead, (tower_name(_summary), tuned, _summary.stamp, version))
    timer.daemon = True
    timer.start()
    return timer


def load_ahead(name: str, tuned: str, stamp: int, version: str) -> None:
    """Load the towers of a run and the drawings; what fails is logged."""
    import thumbnails

    try:
        tuned_tower(name, tuned, stamp, version)
        thumbnails.of_word("dog")  # reads WordNet and the drawings
    except Exception as error:  # of whatever kind: it comes again, and is shown, when a word is typed
        logger.info("the towers were not loaded ahead: %s", error)


def picture_rows(summary: run_folder.RunSummary, pictures: PictureSet) -> np.ndarray:
    """Return the pictures' unit rows (pictures, dim), by the image tower that goes with the run's text tower.

    Raises:
        MissingResourceError: The image tower's weights are not here.
        DamagedFileError: They are damaged, or a picture is.
        InputError: No image tower goes with the run's text tower.
    """
    name = IMAGE_TOWERS.get(tower_name(summary), tower_name(summary))
    return rows_of_pictures(name, pictures.digests, VERSION, pictures)


@st.cache_data(max_entries=64, show_spinner="Looking at the pictures…")
def rows_of_pictures(name: str, digests: tuple[str, ...], version: str, _pictures: PictureSet) -> np.ndarray:
    """Return the unit rows of pictures by an image tower; `digests` are the pictures' own."""
    from lexclip_core.datasets.pictures.features import picture_features

    return picture_features(image_tower(name, version), _pictures)


@st.cache_resource(max_entries=2, show_spinner=False)
def image_tower(name: str, version: str) -> ImageTower:
    """Return an image tower of the registry, shared between visitors."""
    from lexclip_core.towers import loading

    return loading.load_image(name, device="cpu")


def name_rows(summary: run_folder.RunSummary, names: tuple[str, ...], template: str) -> dict[str, np.ndarray]:
    """Return tower (base, and tuned where the run keeps tuned tensors) -> unit rows of class names.

    Raises:
        InputError: The tokenizer knows no piece of a name, or no such template.
        MissingResourceError: A tower's weights are not here.
        DamagedFileError: The tuned tensors do not fit.
    """
    of = (tower_name(summary), str(summary.tuned_path or ""), summary.stamp, VERSION)
    return _name_rows(of, names, template)


@st.cache_data(max_entries=256, show_spinner="Encoding the names (the towers are loaded once)…")
def _name_rows(of: tuple[str, str, int, str], names: tuple[str, ...], template: str) -> dict[str, np.ndarray]:
    from lexclip_core.evaluation import zero_shot

    name, tuned, stamp, version = of
    loaded = {"base": base_tower(name, version)}
    typed.refuse_unknown(loaded["base"], names)
    if tuned:
        loaded["tuned"] = tuned_tower(name, tuned, stamp, version)
    fill = zero_shot.templates(template)
    return {tower: zero_shot.class_weights(one.encode_texts, names, fill) for tower, one in loaded.items()}


@st.cache_data(max_entries=4096, show_spinner=False)
def thumbnail(digest: str, _pictures: PictureSet, _place: int) -> str:
    """Return a picture of a set as a small `data:` address; `digest` is the picture's own."""
    import thumbnails

    return thumbnails.shrunk(_pictures.read(_place))
