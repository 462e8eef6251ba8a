"""The checks: each looks at one thing and returns findings; it may raise, and the caller reports that."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from lexclip_core import storage
from lexclip_core.doctor.report import SET_UP, Finding, broken
from lexclip_core.doctor.sets import sets

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WEIGHT_FILES = (".safetensors", ".bin", ".pt", ".pth")
FREE_DISK = 2 * 10**9

# distribution -> module that must import for the explorer to open and a word to be encoded
NEEDED_PACKAGES = {
    "torch": "torch",
    "torchvision": "torchvision.ops",
    "open_clip_torch": "open_clip",
    "transformers": "transformers",
    "streamlit": "streamlit",
    "plotly": "plotly.graph_objects",
    "numpy": "numpy",
    "pandas": "pandas",
}
# only looked up: importing them takes long, and the explorer opens without them
OTHER_PACKAGES = ("nltk", "scipy", "scikit-learn", "numba", "umap-learn", "peft", "papermill", "jupyterlab")
_TORCH_FIX = (
    "torch and torchvision must come from one index, in one command: "
    ".venv/bin/python -m pip install --force-reinstall torch torchvision"
)


def _python() -> list[Finding]:
    detail = f"{platform.python_version()} at {sys.executable}, {platform.platform()}"
    return [Finding("python", "ok", detail)]


def _packages() -> list[Finding]:
    found = [_imported(distribution, module) for distribution, module in NEEDED_PACKAGES.items()]
    return found + [_installed(distribution) for distribution in OTHER_PACKAGES]


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _imported(distribution: str, module: str) -> Finding:
    version = _version(distribution)
    fix = _TORCH_FIX if distribution in ("torch", "torchvision") else SET_UP
    try:
        importlib.import_module(module)
    except Exception as error:
        if not version:
            return Finding(distribution, "absent", "not installed", SET_UP, needed=True)
        found = broken(distribution, error, fix=fix, needed=True)
        return Finding(distribution, "broken", f"{version}, but {found.detail}", fix, needed=True)
    return Finding(distribution, "ok", version or "no version recorded", needed=True)


def _installed(distribution: str) -> Finding:
    version = _version(distribution)
    if not version:
        return Finding(distribution, "absent", "not installed", SET_UP)
    return Finding(distribution, "ok", version)


def _device() -> list[Finding]:
    import torch

    if torch.cuda.is_available():
        detail = f"GPU {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    else:
        detail = f"CPU, {torch.get_num_threads()} threads (no GPU in reach; none is needed)"
    return [Finding("device", "ok", detail)]


def _wordnet() -> list[Finding]:
    from lexclip_core.synsets import install, load_wordnet

    if not install.is_installed():
        return [Finding("WordNet 3.0", "absent", f"not in {install.wordnet_folder()}", "lexclip wordnet")]
    wordnet = load_wordnet()
    counts = f"{len(wordnet.names):,} synsets, {len(wordnet.words()):,} words"
    return [Finding("WordNet 3.0", "ok", f"{counts} in {install.wordnet_folder()}")]


def _default_tower() -> list[Finding]:
    from lexclip_core.towers import load
    from lexclip_core.towers.minilm import find_folder
    from lexclip_core.towers.registry import MINILM, spec

    tower = load(MINILM)
    rows = tower.encode_texts(["dog"])
    length = float((rows**2).sum() ** 0.5)
    if rows.shape != (1, tower.dim) or abs(length - 1) > 1e-4:
        detail = f"{MINILM} gave shape {rows.shape} and length {length:.4f}, not a unit row"
        return [Finding("default tower", "broken", detail, SET_UP, needed=True)]
    source = find_folder(spec(MINILM))
    detail = f"{MINILM} encodes on {tower.device}; sha256 {tower.sha256} in {source}"
    return [Finding("default tower", "ok", detail, needed=True)]


def _image_tower() -> list[Finding]:
    from PIL import Image

    from lexclip_core.towers import load_image
    from lexclip_core.towers.load_image import emoji_tower_folder

    folder = emoji_tower_folder()
    if not folder.is_dir():
        fix = "take data/image_towers/emoji from the repository"
        return [Finding("image tower", "absent", f"not in {folder}", fix)]
    tower = load_image()
    tower.encode_pictures([Image.new("RGB", (64, 64), "white")])
    detail = f"{tower.name} encodes pictures on {tower.device}; sha256 {tower.sha256} in {folder}"
    return [Finding("image tower", "ok", detail)]


def _pictures() -> list[Finding]:
    from lexclip_core.datasets import emoji

    pictures = emoji.picture_set()
    pictures.read(0)
    counts = f"{len(pictures):,} drawings of {len(pictures.classes):,} things that WordNet knows"
    return [Finding("pictures", "ok", f"{counts}, in {storage.data_folder() / 'emoji'}")]


def _explorer() -> list[Finding]:
    entry = storage.project_root() / "app" / "streamlit_app.py"
    if not entry.is_file():
        fix = "run lexclip from a clone of its repository: the explorer is not part of the package"
        return [Finding("explorer", "absent", f"{entry} is not there", fix, needed=True)]
    return [Finding("explorer", "ok", str(entry), needed=True)]


def _runs() -> list[Finding]:
    from lexclip_core.runs import list_runs

    folder = storage.runs_folder()
    summaries, damaged = list_runs(folder)
    found = [Finding(f"run {one.path.name}", "broken", one.reason, f"delete {one.path}") for one in damaged]
    names = ", ".join(one.run_id for one in summaries)
    if not summaries:
        return [*found, Finding("runs", "absent", f"none in {folder}", "make demo")]
    return [Finding("runs", "ok", f"{len(summaries)} in {folder}: {names}"), *found]


def _heldout_words() -> list[Finding]:
    from lexclip_core.datasets.word_digests import digests_path, read_digests

    detail = f"{len(read_digests()):,} test words that tuning leaves out, in {digests_path()}"
    return [Finding("held-out words", "ok", detail)]


def _brought_weights() -> list[Finding]:
    from lexclip_core.towers.sources import weights_folder

    folder = weights_folder()
    files = sorted(path for path in folder.rglob("*") if path.suffix in WEIGHT_FILES)
    found = [
        Finding(f"weights {path.relative_to(folder)}", "ok", f"sha256 {storage.sha256(path)}")
        for path in files
    ]
    return found or [Finding("other weights", "ok", f"none brought by hand into {folder}")]


def find_browser() -> str | None:
    """Return the Chromium that browser tests drive: `LEXCLIP_CHROMIUM`, else the first on the PATH."""
    named = os.environ.get("LEXCLIP_CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def _browser() -> list[Finding]:
    path = find_browser()
    if path is None:
        fix = "on Debian or Ubuntu: sudo apt-get install chromium (only `make test` drives it)"
        return [Finding("browser", "absent", "no Chromium: the browser tests are skipped", fix)]
    return [Finding("browser", "ok", path)]


def _disk() -> list[Finding]:
    folder = storage.project_root()
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free at {folder}"
    if free < FREE_DISK:
        return [Finding("disk", "broken", detail, f"free {FREE_DISK / 1e9:.0f} GB or more")]
    if not os.access(_nearest_existing(storage.cache_folder()), os.W_OK):
        return [Finding("disk", "broken", f"{storage.cache_folder()} cannot be written", "set LEXCLIP_CACHE")]
    return [Finding("disk", "ok", detail)]


def _nearest_existing(path: Path) -> Path:
    return path if path.exists() else _nearest_existing(path.parent)


# name -> (check, whether the main job needs it)
CHECKS: dict[str, tuple[Callable[[], list[Finding]], bool]] = {
    "python": (_python, True),
    "packages": (_packages, True),
    "device": (_device, False),
    "default tower": (_default_tower, True),
    "image tower": (_image_tower, False),
    "pictures": (_pictures, False),
    "sets": (sets, False),
    "explorer": (_explorer, True),
    "WordNet 3.0": (_wordnet, False),
    "runs": (_runs, False),
    "held-out words": (_heldout_words, False),
    "other weights": (_brought_weights, False),
    "browser": (_browser, False),
    "disk": (_disk, False),
}
