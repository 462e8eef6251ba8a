"""`paths.toml`: where one machine has weights and data sets, for the notebooks' profile `paper`.

In experiments.toml a value `"{imagenet}"` stands for a folder, and `"{weights:ARCHITECTURE/TAG}"` for the
name of a tower whose weights are somewhere. The file gives both their paths, so no notebook names a path.
"""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lexclip_core.datasets.cards import text_sources
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES
from lexclip_core.errors import InputError, LexclipError, MissingResourceError
from lexclip_core.text_files import read_toml

EXAMPLE = "notebooks/paths.example.toml"
FETCH = "hub"
"""The value of weights that are not on this machine yet: open_clip finds or fetches them itself."""

_PLACEHOLDER = re.compile(r"\{(?P<weights>weights:)?(?P<name>[A-Za-z0-9][\w./-]*)\}")
_TABLES = ("folders", "weights")
_HOW = (
    f"copy {EXAMPLE} (`lexclip notebooks copy DIR` brings it), write your own paths into the copy, "
    "and name it with --paths"
)


@dataclass(frozen=True)
class Paths:
    """What a paths.toml says.

    Attributes:
        file: The file, or None where no file was named.
        folders: Data sets by name.
        weights: Weight files, or folders of them, by `architecture/tag`; None where they are to be fetched.
    """

    file: Path | None = None
    folders: Mapping[str, Path] = field(default_factory=dict)
    weights: Mapping[str, Path | None] = field(default_factory=dict)


def read_paths(file: Path) -> Paths:
    """Read a paths.toml; relative paths start at its own folder, `~` at the home folder.

    Raises:
        MissingResourceError: There is no such file.
        InputError: It is not TOML, has an unknown table, or a value is not a path.
    """
    content = read_toml(file, remedy=_HOW)
    if unknown := sorted(set(content) - set(_TABLES)):
        raise InputError(f"{file}: unknown table {unknown[0]!r}", f"its tables are {', '.join(_TABLES)}")
    base, tables = file.resolve().parent, dict[str, dict[str, Path]]()
    for table in _TABLES:
        given = content.get(table, {})
        if not isinstance(given, dict):
            raise InputError(f"{file}: {table} is {given!r}, not a table", f"write [{table}] above it")
        for name, value in given.items():
            if not isinstance(value, str) or not value.strip():
                raise InputError(f"{file}: {table}.{name} is {value!r}", "give a path in quotes, or no line")
        tables[table] = {name: base / Path(value).expanduser() for name, value in given.items()}
    weights = {
        name: None if content["weights"][name] == FETCH else path for name, path in tables["weights"].items()
    }
    return Paths(file, tables["folders"], weights)


def placeholders(parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what parameters stand for: (`folders` or `weights`, name), each once, in order.

    Example:
        >>> placeholders({"pictures": "{imagenet}", "templates": ["{}"], "steps": 3})
        (('folders', 'imagenet'),)
    """
    names: list[tuple[str, str]] = []
    _replaced(parameters, lambda table, name: names.append((table, name)))
    return tuple(dict.fromkeys(names))


def resolve_placeholders(parameters: Mapping[str, Any], paths: Paths) -> dict[str, Any]:
    """Return parameters with folders in the place of names, and towers' own names for weights."""

    def resolve(table: str, name: str) -> str:
        return name if table == "weights" else str(paths.folders[name])

    return dict(_replaced(parameters, resolve))


def _replaced(value: Any, replace: Callable[[str, str], Any]) -> Any:
    if isinstance(value, str) and (match := _PLACEHOLDER.fullmatch(value)):
        return replace("weights" if match["weights"] else "folders", match["name"])
    if isinstance(value, Mapping):
        return {name: _replaced(inner, replace) for name, inner in value.items()}
    return [_replaced(inner, replace) for inner in value] if isinstance(value, list) else value


def require_available(parameters: Mapping[str, Mapping[str, Any]], paths: Paths) -> None:
    """Refuse to start while something that the notebooks need is not on this machine.

    Args:
        parameters: The parameters of each notebook that is to run, by its stem.
        paths: Where things are.

    Raises:
        MissingResourceError: Names everything that is missing, the notebooks that need it, and those that
            need nothing of it.
    """
    missing = missing_resources(parameters, paths)
    if not missing:
        return
    stopped = {stem for stems in missing.values() for stem in stems}
    free = [stem.split("_")[0] for stem in parameters if stem not in stopped]
    lines = "".join(f"\n  - {what} (for {', '.join(stems)})" for what, stems in missing.items())
    remedy = f"correct {paths.file}" if paths.file else _HOW
    if free:
        remedy += f"; the others run now: {' '.join(f'--only {number}' for number in free)}"
    raise MissingResourceError(f"not here, though notebooks need it:{lines}", remedy)


def missing_resources(parameters: Mapping[str, Mapping[str, Any]], paths: Paths) -> dict[str, list[str]]:
    """Return everything that notebooks need and that is not on this machine, in the order it is needed.

    Args:
        parameters: The parameters of each notebook that is to run, by its stem.
        paths: Where things are.

    Returns:
        What it is and what is wrong with it, and the stems of the notebooks that need it.
    """

    @cache  # to look at a data set takes seconds, and several notebooks need the same
    def problem(table: str, name: str, sample: str | None) -> str:
        return _problem(table, name, sample, paths)

    missing: dict[str, list[str]] = {}
    for stem, values in parameters.items():
        for table, name in placeholders(values):
            if what := problem(table, name, values.get("pictures_sample") or None):
                missing.setdefault(what, []).append(stem)
    return missing


def _problem(table: str, name: str, sample: str | None, paths: Paths) -> str:
    """Return what is wrong with one needed thing, or nothing."""
    given: Mapping[str, Path | None] = getattr(paths, table)
    if table == "weights" and name not in given:
        name = other_activation(name) if other_activation(name) in given else name
    if name not in given:
        near = difflib.get_close_matches(name, given, n=1)
        hint = f", which has {near[0]!r}" if near else ""
        return f"{table}.{name}: not named in {paths.file or 'a file of paths'}{hint}"
    path = given[name]
    if path is None:
        return ""
    if not path.exists():
        return f"{table}.{name}: {path} is not there"
    try:
        if table == "folders" and name in PICTURE_SOURCES:
            PICTURE_SOURCES[name].check(path, PICTURE_SOURCES[name].draw(sample))
        if table == "folders" and name in text_sources():
            text_sources()[name].check(path, text_sources()[name].draw(None))
    except LexclipError as error:
        return f"{table}.{name}: {error.problem}"
    return ""


def link_weights(paths: Paths, folder: Path) -> Path | None:
    """Lay links to the weights in the order that `towers.load` looks for them, and return their folder.

    Weights are linked under both activations of their architecture: which of them is right is decided, and
    the wrong one refused, when they are loaded.

    Args:
        paths: Where the weights are.
        folder: Where the links go.

    Returns:
        What `LEXCLIP_WEIGHTS` must be, or None where no weights are named.
    """
    given = {name: path for name, path in paths.weights.items() if path is not None}
    for name, path in given.items():
        _link(path, folder / name)
        if "/" in name and other_activation(name) not in given:
            _link(path, folder / other_activation(name))
    return folder if given else None


def other_activation(name: str) -> str:
    """Return `architecture/tag` with QuickGELU for GELU in the architecture's name, or the other way.

    Example:
        >>> other_activation("ViT-B-32-quickgelu/laion400m_e31")
        'ViT-B-32/laion400m_e31'
    """
    architecture, _, tag = name.rpartition("/")
    quick = "-quickgelu"
    other = architecture.removesuffix(quick) if architecture.endswith(quick) else architecture + quick
    return f"{other}/{tag}"


def _link(path: Path, place: Path) -> None:
    """Make `place` a folder that has the weight file, or a link to the weights' folder itself."""
    if place.is_symlink():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    if path.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path, target_is_directory=True)
    else:
        place.mkdir(parents=True)
        (place / path.name).symlink_to(path)
