"""What this machine has and lacks for lexclip; the doctor must work when all else is broken."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

from lexclip_core import storage
from lexclip_core.errors import LexclipError

if TYPE_CHECKING:
    from lexclip_core.datasets.cards import Source

Status = Literal["ok", "absent", "broken"]

SET_UP = "make setup" if storage.is_clone() else "pip install --upgrade lexclip"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FREE_DISK = 2 * 10**9  # bytes

NEEDED_PACKAGES = {
    "torch": "torch",
    "tokenizers": "tokenizers",
    "safetensors": "safetensors.torch",
    "streamlit": "streamlit",
    "plotly": "plotly.graph_objects",
    "numpy": "numpy",
    "pandas": "pandas",
    "pydantic": "pydantic",
}
"""Distribution -> module that must import for the explorer to open and the default tower to encode a word."""

TOWER_PACKAGES = {
    "torchvision": "torchvision.ops",
    "open_clip_torch": "open_clip",
    "transformers": "transformers",
}
"""Distribution -> module that must import for CLIP, pictures and sentence encoders."""

OTHER_PACKAGES = ("nltk", "scipy", "scikit-learn", "numba", "umap-learn", "peft", "papermill", "jupyterlab")
"""Distributions that are only looked up: importing them takes long, and the explorer opens without them."""

_TORCH_FIX = (
    "torch and torchvision must come from one index, in one command: "
    f"{sys.executable} -m pip install --force-reinstall torch torchvision"
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        status: `ok`, `absent` (not there) or `broken` (there, but it does not work).
        detail: What was found: a version, a path, an error's message.
        fix: What to do about it; empty when all is well.
        needed: Whether the explorer cannot open, or no word can be encoded, without it.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Report:
    """All findings of one examination."""

    findings: tuple[Finding, ...]

    @property
    def able(self) -> bool:
        """Whether the explorer opens and the default tower encodes a word."""
        return not any(one.needed and one.status != "ok" for one in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"able": self.able, "findings": [asdict(one) for one in self.findings]}

    def as_text(self) -> str:
        """Return one line per finding, its fix below, and a closing verdict."""
        width = max(len(one.name) for one in self.findings)
        lines = []
        for one in self.findings:
            lines.append(f"{one.status:<7} {one.name:<{width}}  {one.detail}")
            if one.fix:
                lines.append(f"{'':<7} {'':<{width}}  fix: {one.fix}")
        able = "The explorer can open and the default tower encodes words."
        unable = "The main job cannot run: fix what is marked above, from the top."
        return "\n".join([*lines, able if self.able else unable])


def broken(name: str, error: Exception, *, needed: bool = False) -> Finding:
    """Return the finding that an exception amounts to."""
    if isinstance(error, LexclipError):
        return Finding(name, "broken", error.problem, error.remedy or SET_UP, needed)
    detail = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Finding(name, "broken", detail, SET_UP, needed)


def _python() -> list[Finding]:
    detail = f"{platform.python_version()} at {sys.executable}, {platform.platform()}"
    return [Finding("python", "ok", detail)]


def _packages() -> list[Finding]:
    modules = NEEDED_PACKAGES | TOWER_PACKAGES | dict.fromkeys(OTHER_PACKAGES, "")
    return [_package(name, module, needed=name in NEEDED_PACKAGES) for name, module in modules.items()]


def _package(distribution: str, module: str, *, needed: bool) -> Finding:
    """Return what is there of a distribution, after importing a module of it if one is named."""
    version = next((one.version for one in metadata.distributions(name=distribution)), "")
    fix = _TORCH_FIX if distribution in ("torch", "torchvision") else SET_UP
    try:
        if module:
            importlib.import_module(module)
    except Exception as error:  # a damaged installation may raise anything
        if version:
            reason = broken(distribution, error).detail
            return Finding(distribution, "broken", f"{version}, but {reason}", fix, needed)
        module = ""
    if not version and not module:
        return Finding(distribution, "absent", "not installed", SET_UP, needed)
    return Finding(distribution, "ok", version or "no version recorded", needed=needed)


def _device() -> list[Finding]:
    import torch

    from lexclip_core.towers.loading import has_bfloat16

    if torch.cuda.is_available():
        detail = f"GPU {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    else:
        detail = f"CPU, {torch.get_num_threads()} threads (no GPU in reach; none is needed)"
        if not has_bfloat16(torch.device("cpu")):
            detail += "; computes in float32 where bfloat16 is asked for, which it would have to emulate"
    return [Finding("device", "ok", detail)]


def _default_tower() -> list[Finding]:
    from lexclip_core.towers.loading import load
    from lexclip_core.towers.registry import MINILM
    from lexclip_core.towers.sources import minilm_folder

    tower = load(MINILM)
    rows = tower.encode_texts(["dog"])
    length = float((rows**2).sum() ** 0.5)
    if rows.shape != (1, tower.dim) or abs(length - 1) > 1e-4:
        detail = f"{MINILM} gave shape {rows.shape} and length {length:.4f}, not a unit row"
        return [Finding("default tower", "broken", detail, SET_UP, needed=True)]
    detail = f"{MINILM} encodes on {tower.device}; sha256 {tower.sha256} in {minilm_folder()}"
    return [Finding("default tower", "ok", detail, needed=True)]


def _word_vectors() -> list[Finding]:
    from lexclip_core.towers.registry import GLOVE, spec
    from lexclip_core.towers.sources import availability

    found = availability(GLOVE)
    if found.state == "here":
        return [Finding("word vectors", "ok", f"{GLOVE} in {found.where}; sha256 {spec(GLOVE).sha256}")]
    return [Finding("word vectors", "absent", f"{GLOVE} is not here", found.how)]


def _image_tower() -> list[Finding]:
    from PIL import Image

    from lexclip_core.towers.loading import emoji_tower_folder, load_image

    folder = emoji_tower_folder()
    if not folder.is_dir():
        fix = "take data/image_towers/emoji from the repository"
        return [Finding("image tower", "absent", f"not in {folder}", fix)]
    tower = load_image()
    tower.encode_pictures([Image.new("RGB", (64, 64), "white")])
    detail = f"{tower.name} encodes pictures on {tower.device}; sha256 {tower.sha256} in {folder}"
    return [Finding("image tower", "ok", detail)]


def _pictures() -> list[Finding]:
    from lexclip_core.datasets.emoji import sprites

    pictures = sprites.picture_set()
    pictures.read(0)
    counts = f"{len(pictures):,} drawings of {len(pictures.classes):,} things that WordNet knows"
    return [Finding("pictures", "ok", f"{counts}, in {storage.data_folder() / 'emoji'}")]


def _data_sets() -> list[Finding]:
    from lexclip_core.datasets.cards import text_sources
    from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES

    sources: list[Source[Any]] = [*PICTURE_SOURCES.values(), *text_sources().values()]
    return [_data_set(source) for source in sources if source.location == "pictures_folder"]


def _data_set(source: Source[Any]) -> Finding:
    """Return what is there of a set; it is broken only where no part of it can be used."""
    from lexclip_core.datasets.cards import pictures_folder

    card, name, place = source.card, f"set {source.name}", pictures_folder() / source.name
    if not place.exists():
        detail = f"{card.title} ({card.rows:,} rows; licence: {card.licence}) is not in {place}"
        fix = f"to use it, put {' or '.join(card.files)} into {place} (LEXCLIP_PICTURES); from {card.source}"
        return Finding(name, "absent", detail, fix)
    samples: list[str | None] = [one for one in ("heldout", "released") if one in source.samples]
    counted, errors = [], []
    for sample in samples or ["all" if source.samples else None]:
        part = f"{source.draw(sample).part}: " if samples else ""
        try:
            counts = source.count(place, sample=sample)
            counted.append(part + ", ".join(f"{number:,} {noun}" for noun, number in counts.items()))
        except LexclipError as error:
            errors.append(error)
    if not counted:
        return broken(name, errors[0])
    return Finding(name, "ok", f"{card.title} in {place}; {'; '.join(counted)}")


def _explorer() -> list[Finding]:
    entry = storage.project_root() / "app" / "streamlit_app.py"
    if entry.is_file():
        return [Finding("explorer", "ok", str(entry), needed=True)]
    fix = f"{SET_UP}, or run lexclip from a clone of its repository"
    return [Finding("explorer", "absent", f"{entry} is not there", fix, needed=True)]


def _wordnet() -> list[Finding]:
    """Look at every byte of the database, and at the tables that were made of it."""
    from lexclip_core.cache import clear_cache
    from lexclip_core.wordnet import install, tables

    folder = install.wordnet_folder()
    if not folder.exists():
        return [Finding("WordNet 3.0", "absent", f"not in {folder}", "lexclip wordnet")]
    mended = "" if install.is_installed() else "; it was damaged and is installed anew"
    install.ensure_wordnet()
    if install.is_published() and install.structure(tables.read_arrays()) != install.STRUCTURE:
        clear_cache("wordnet")
        clear_cache("taxonomy")
        mended += "; its tables were damaged and are made anew"
    wordnet = tables.read_wordnet()
    detail = f"{len(wordnet.names):,} synsets, {len(wordnet.words()):,} words in {folder}{mended}"
    if not install.is_published():
        fix = f"delete {folder}, then: {install.REMEDIES}"
        return [Finding("WordNet 3.0", "broken", f"{detail}; it differs from the published ones", fix)]
    return [Finding("WordNet 3.0", "ok", detail)]


def _runs() -> list[Finding]:
    from lexclip_core.experiments.run_folder import list_runs

    folder = storage.runs_folder()
    summaries, damaged = list_runs(folder)
    names = ", ".join(one.run_id for one in summaries)
    runs = Finding("runs", "ok", f"{len(summaries)} in {folder}: {names}")
    if not summaries:
        runs = Finding("runs", "absent", f"none in {folder}", "make demo")
    return [
        runs,
        *(Finding(f"run {one.path.name}", "broken", one.reason, f"delete {one.path}") for one in damaged),
    ]


def _heldout_words() -> list[Finding]:
    from lexclip_core.experiments.words import digests_path, read_digests

    detail = f"{len(read_digests()):,} test words that tuning leaves out, in {digests_path()}"
    return [Finding("held-out words", "ok", detail)]


def _supplied_weights() -> list[Finding]:
    from lexclip_core.towers.registry import is_published, titled
    from lexclip_core.towers.sources import SUFFIXES, weights_folder

    folder, findings = weights_folder(), []
    for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES):
        name, digest = path.relative_to(folder), storage.sha256(path)
        title = titled(f"weights {name}", verified=is_published(name.parent.as_posix(), digest))
        findings.append(Finding(title, "ok", f"sha256 {digest}"))
    return findings or [Finding("other weights", "ok", f"no user-supplied weights in {folder}")]


def find_browser() -> str | None:
    """Return the Chromium that browser tests drive: `LEXCLIP_CHROMIUM`, else the first on the PATH."""
    return os.environ.get("LEXCLIP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def _browser() -> list[Finding]:
    if path := find_browser():
        return [Finding("browser", "ok", path)]
    fix = "on Debian or Ubuntu: sudo apt-get install chromium (only `make test` drives it)"
    return [Finding("browser", "absent", "no Chromium: the browser tests are skipped", fix)]


def _disk() -> list[Finding]:
    cache = storage.cache_folder()
    folder = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free at {folder}"
    if free < FREE_DISK:
        return [Finding("disk", "broken", detail, f"free {FREE_DISK / 1e9:.0f} GB or more")]
    if not os.access(folder, os.W_OK):
        return [Finding("disk", "broken", f"{cache} cannot be written", "set LEXCLIP_CACHE")]
    return [Finding("disk", "ok", detail)]


CHECKS: dict[str, Callable[[], list[Finding]]] = {
    "python": _python,
    "packages": _packages,
    "device": _device,
    "default tower": _default_tower,
    "word vectors": _word_vectors,
    "image tower": _image_tower,
    "pictures": _pictures,
    "sets": _data_sets,
    "explorer": _explorer,
    "WordNet 3.0": _wordnet,
    "runs": _runs,
    "held-out words": _heldout_words,
    "other weights": _supplied_weights,
    "browser": _browser,
    "disk": _disk,
}
"""Name -> what looks at it; what it raises becomes a finding."""

NEEDED_CHECKS = frozenset({"python", "packages", "default tower", "explorer"})
"""What the main job needs."""


def examine(names: Collection[str] | None = None) -> Report:
    """Return what this machine has and lacks; no check can stop another.

    Missing weights are fetched where the hub is in reach, because the first start would do the same.

    Args:
        names: Which of `CHECKS` to run, in their order; all where it is left out.

    >>> examine(["python"]).able
    True
    """
    findings: list[Finding] = []
    for name in CHECKS if names is None else [one for one in CHECKS if one in names]:
        try:
            findings += CHECKS[name]()
        except Exception as error:  # the whole point: whatever is broken, say so and go on
            findings.append(broken(name, error, needed=name in NEEDED_CHECKS))
    return Report(tuple(findings))
