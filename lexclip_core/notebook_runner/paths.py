"""`paths.toml`: where one machine keeps weights and data sets, for the notebooks' profile `paper`.

In experiments.toml a value `"{imagenet}"` stands for a folder, and `"{weights:ARCHITECTURE/TAG}"` for the
name of a tower whose weights lie somewhere. The file gives both their places, so no notebook names a path.
"""

from __future__ import annotations

import difflib
import logging
import re
import shutil
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lexclip_core.datasets import captions, picture_sets
from lexclip_core.datasets.picture_samples import Sample
from lexclip_core.errors import InputError, LexclipError, MissingResourceError
from lexclip_core.notebook_runner.experiments import Experiment

logger = logging.getLogger(__name__)

EXAMPLE = "notebooks/paths.example.toml"
FETCH = "hub"
"""The value of weights that are not on this machine yet: open_clip finds or fetches them itself."""

_PLACEHOLDER = re.compile(r"\{(?P<weights>weights:)?(?P<name>[A-Za-z0-9][\w./-]*)\}")
_TABLES = ("folders", "weights")
_HOW = f"copy {EXAMPLE}, write your own paths into the copy, and name it with --paths"


@dataclass(frozen=True)
class Paths:
    """What a paths.toml holds.

    Attributes:
        file: The file, or None where no file was named.
        folders: Data sets by name.
        weights: Weight files, or folders of them, by `architecture/tag`; None where they are to be fetched.
    """

    file: Path | None = None
    folders: Mapping[str, Path] = field(default_factory=dict)
    weights: Mapping[str, Path | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Lack:
    """A thing that notebooks need and this machine lacks.

    Attributes:
        what: What it is and what is wrong with it.
        stems: The notebooks that need it.
    """

    what: str
    stems: tuple[str, ...]


def read_paths(file: Path) -> Paths:
    """Read a paths.toml; relative paths start at its own folder, `~` at the home folder.

    Raises:
        MissingResourceError: There is no such file.
        InputError: It is not TOML, has an unknown table, or a value is no path.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingResourceError(f"{file} is not there", _HOW) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not TOML: {error}", "mend that line") from error
    if unknown := sorted(set(content) - set(_TABLES)):
        raise InputError(f"{file}: unknown table {unknown[0]!r}", f"it holds the tables {', '.join(_TABLES)}")
    for table in _TABLES:
        if not isinstance(content.get(table, {}), dict):
            raise InputError(f"{file}: {table} is {content[table]!r}, no table", f"write [{table}] above it")
        for name, value in content.get(table, {}).items():
            if not isinstance(value, str) or not value.strip():
                raise InputError(f"{file}: {table}.{name} is {value!r}", "give a path in quotes, or no line")
    base = file.resolve().parent
    placed = {
        table: {name: base / Path(value).expanduser() for name, value in content.get(table, {}).items()}
        for table in _TABLES
    }
    weights = {
        name: None if content["weights"][name] == FETCH else path for name, path in placed["weights"].items()
    }
    return Paths(file, placed["folders"], weights)


def names_of(parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what parameters stand for: (`folders` or `weights`, name), each once, in order."""
    return tuple(dict.fromkeys(_names(parameters.values())))


def _names(values: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for value in values:
        if isinstance(value, str) and (found := _PLACEHOLDER.fullmatch(value)):
            yield "weights" if found["weights"] else "folders", found["name"]
        elif isinstance(value, Mapping):
            yield from _names(value.values())
        elif isinstance(value, list):
            yield from _names(value)


def resolved(value: Any, paths: Paths) -> Any:
    """Return a parameter's value with folders in the place of names, and towers' own names for weights."""
    if isinstance(value, str) and (found := _PLACEHOLDER.fullmatch(value)):
        return found["name"] if found["weights"] else str(paths.folders[found["name"]])
    if isinstance(value, Mapping):
        return {name: resolved(inner, paths) for name, inner in value.items()}
    return [resolved(inner, paths) for inner in value] if isinstance(value, list) else value


def require(
    experiments: Sequence[Experiment], parameters: Mapping[str, Mapping[str, Any]], paths: Paths
) -> None:
    """Refuse to start while something that the notebooks need is not on this machine.

    Args:
        experiments: The notebooks that are to run.
        parameters: The parameters of each by its file.
        paths: Where things lie.

    Raises:
        MissingResourceError: Names everything that is missing, the notebooks that need it, and those that
            need nothing of it.
    """
    lacks = lacking(experiments, parameters, paths)
    if not lacks:
        return
    held_up = {stem for lack in lacks for stem in lack.stems}
    free = [one.stem.split("_")[0] for one in experiments if one.stem not in held_up]
    lines = "".join(f"\n  - {lack.what} (for {', '.join(lack.stems)})" for lack in lacks)
    remedy = f"mend {paths.file}" if paths.file else _HOW
    if free:
        remedy += f"; the others run now: {' '.join(f'--only {number}' for number in free)}"
    raise MissingResourceError(f"not here, though notebooks need it:{lines}", remedy)


def lacking(
    experiments: Sequence[Experiment], parameters: Mapping[str, Mapping[str, Any]], paths: Paths
) -> tuple[Lack, ...]:
    """Return everything that notebooks need and that is not on this machine, in the order it is needed."""
    wanted: dict[tuple[str, str, Sample], list[str]] = {}
    for one in experiments:
        sample: Sample = parameters[one.file].get("pictures_sample") or "heldout"
        for kind, name in names_of(parameters[one.file]):
            wanted.setdefault((kind, name, sample), []).append(one.stem)
    stems: dict[str, list[str]] = {}
    for (kind, name, sample), who in wanted.items():
        if what := _lack(kind, name, sample, paths):
            stems.setdefault(what, []).extend(who)
    return tuple(Lack(what, tuple(who)) for what, who in stems.items())


def point_out_unknown(paths: Paths, experiments: Sequence[Experiment]) -> None:
    """Log a warning for each name in the file that no notebook's parameters stand for: it may be a slip."""
    asked = {need for one in experiments for values in one.parameters.values() for need in names_of(values)}
    for table in _TABLES:
        names = {name for kind, name in asked if kind == table}
        names |= {other_activation(name) for name in names if "/" in name}
        for given in getattr(paths, table):
            if given not in names:
                near = difflib.get_close_matches(given, names, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                logger.warning("%s: no notebook asks for %s.%s%s", paths.file, table, given, hint)


def _lack(table: str, name: str, sample: Sample, paths: Paths) -> str:
    """Return what is wrong with one needed thing, or nothing."""
    given: Mapping[str, Path | None] = getattr(paths, table)
    if table == "weights" and name not in given:
        name = other_activation(name) if other_activation(name) in given else name
    if name not in given:
        return f"{table}.{name}: not named in {paths.file or 'a file of paths'}"
    path = given[name]
    if path is None:
        return ""
    if not path.exists():
        return f"{table}.{name}: {path} is not there"
    if table == "folders" and name in (*picture_sets.CARDS, *captions.CARDS):
        try:
            if name in captions.CARDS:
                captions.check(name, path)
            else:
                picture_sets.check(name, path, sample=sample)
        except LexclipError as error:
            return f"{table}.{name}: {error.problem}"
    return ""


def link_weights(paths: Paths, folder: Path) -> Path | None:
    """Lay links to the weights in the order that `towers.load` looks for them, and return their folder.

    Weights are linked under both activations of their architecture: which of them is right is decided, and
    the wrong one refused, when they are loaded.

    Args:
        paths: Where the weights lie.
        folder: Where the links go.

    Returns:
        What `LEXCLIP_WEIGHTS` must be, or None where no weights are named.
    """
    places = {name: path for name, path in paths.weights.items() if path is not None}
    if not places:
        return None
    for name, path in places.items():
        for place in {name, other_activation(name)} if "/" in name else {name}:
            if place == name or place not in places:
                _link(path, folder / place)
    return folder


def other_activation(name: str) -> str:
    """Return `architecture/tag` with QuickGELU for GELU in the architecture's name, or the other way."""
    architecture, _, tag = name.rpartition("/")
    quick = "-quickgelu"
    other = architecture.removesuffix(quick) if architecture.endswith(quick) else architecture + quick
    return f"{other}/{tag}"


def _link(path: Path, place: Path) -> None:
    """Make `place` a folder that holds the weight file, or the weights' folder itself."""
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
