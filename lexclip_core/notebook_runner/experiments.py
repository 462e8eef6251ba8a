"""`notebooks/experiments.toml`: which notebooks there are, what each asks, and its parameters by profile."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from lexclip_core import storage
from lexclip_core.errors import InputError, MissingResourceError

Profile = Literal["smoke", "embedded", "paper"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
_KEYS = frozenset({"file", "title", "question", "claims", "minutes", "parameters"})
_OPTIONAL = frozenset({"needs"})


@dataclass(frozen=True)
class Experiment:
    """One notebook and how it is run.

    Attributes:
        file: File name in the notebooks folder.
        title: A few words.
        question: The one question the notebook answers.
        claims: Rows of the papers' claims it bears on, such as `B4`.
        minutes: About how long each profile takes on two CPU cores (`paper`: on one GPU).
        parameters: Values by profile; what is not named keeps the notebook's own default.
        needs: Stems of earlier notebooks whose kept results it takes up; it waits for them.
    """

    file: str
    title: str
    question: str
    claims: tuple[str, ...]
    minutes: Mapping[str, float]
    parameters: Mapping[str, Mapping[str, Any]]
    needs: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return Path(self.file).stem


def notebooks_folder() -> Path:
    """Return the folder that holds the notebooks and experiments.toml."""
    return storage.project_root() / "notebooks"


def read_experiments(path: Path | None = None) -> tuple[Experiment, ...]:
    """Read experiments.toml, in reading order.

    Args:
        path: The file; the project's own unless given.

    Raises:
        MissingResourceError: There is no such file.
        InputError: It is not TOML, or an entry is incomplete, has an unknown key, stands twice, or needs a
            notebook that does not stand before it.
    """
    path = path or notebooks_folder() / "experiments.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", "take it from the repository") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}", "mend that line") from error
    if unknown := set(content) - {"notebook"}:
        raise InputError(f"{path}: unknown key {sorted(unknown)[0]!r}", "the file holds [[notebook]] entries")
    experiments = tuple(_experiment(entry, path) for entry in content.get("notebook", []))
    files = [experiment.file for experiment in experiments]
    for file in files:
        if files.count(file) > 1:
            raise InputError(f"{path}: {file} stands twice", "keep one entry a notebook")
    for place, experiment in enumerate(experiments):
        earlier = [one.stem for one in experiments[:place]]
        for need in experiment.needs:
            if need not in earlier:
                raise InputError(
                    f"{path}: {experiment.file} needs {need!r}, which does not stand before it",
                    f"name notebooks before it: {', '.join(earlier) or 'there are none'}",
                )
    return experiments


def _experiment(entry: Mapping[str, Any], path: Path) -> Experiment:
    where = f"{path}: {entry.get('file', 'an entry without file')}"
    missing, unknown = _KEYS - set(entry), set(entry) - _KEYS - _OPTIONAL
    if missing or unknown:
        said = f"lacks {sorted(missing)[0]!r}" if missing else f"has an unknown key {sorted(unknown)[0]!r}"
        raise InputError(
            f"{where} {said}", f"an entry has the keys {', '.join(sorted(_KEYS))}, perhaps needs"
        )
    for key in ("minutes", "parameters"):
        if set(entry[key]) != set(PROFILES):
            raise InputError(
                f"{where}: {key} names {', '.join(entry[key]) or 'no profile'}",
                f"name each profile once: {', '.join(PROFILES)} (a table of parameters may be empty)",
            )
    return Experiment(
        file=entry["file"],
        title=entry["title"],
        question=entry["question"],
        claims=tuple(entry["claims"]),
        minutes=dict(entry["minutes"]),
        parameters={profile: dict(entry["parameters"][profile]) for profile in PROFILES},
        needs=tuple(entry.get("needs", ())),
    )


def selected(experiments: Sequence[Experiment], only: Sequence[str] = ()) -> tuple[Experiment, ...]:
    """Return the experiments asked for, in reading order; all of them where nothing is asked for.

    Args:
        experiments: All experiments.
        only: File names, with or without ending, or their numbers: `01_observations.ipynb`, `01`.

    Raises:
        InputError: A name is no experiment's.
    """
    names = {
        name: experiment.file
        for experiment in experiments
        for name in (experiment.file, experiment.stem, experiment.stem.split("_")[0])
    }
    for name in only:
        if name not in names:
            known = ", ".join(experiment.stem for experiment in experiments) or "none"
            raise InputError(f"there is no notebook {name!r}", f"choose among: {known}")
    wanted = {names[name] for name in only} or set(names.values())
    return tuple(experiment for experiment in experiments if experiment.file in wanted)


def index_table(experiments: Sequence[Experiment]) -> str:
    """Return the Markdown table of notebooks/README.md: what each notebook asks and how long it takes."""
    header = ["notebook", "question", "claims", *(f"{profile}, min" for profile in PROFILES)]
    rows = [
        [
            f"[{experiment.stem}]({experiment.file}): {experiment.title}",
            experiment.question,
            ", ".join(experiment.claims),
            *(f"{experiment.minutes[profile]:g}" for profile in PROFILES),
        ]
        for experiment in experiments
    ]
    lines = [header, ["---"] * 3 + ["---:"] * len(PROFILES), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
