"""`notebooks/experiments.toml`: which notebooks there are, what each asks, and the parameters it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import nbformat
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import read_toml
from tools.notebook_runner.parameters import Parameter, check_values, declared_in

Profile = Literal["smoke", "embedded", "paper"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
_CATALOGUE = "experiments.toml"
_NOT_COPIED = ("__pycache__", "executed")  # and whatever is hidden


class NotebookEntry(BaseModel):
    """One notebook and how it is run.

    Attributes:
        file: File name in the notebooks folder.
        title: A few words.
        question: The one question the notebook answers.
        claims: Rows of the papers' claims it bears on, such as `B4`.
        minutes: About how long each profile takes on two CPU cores (`paper`: on one GPU).
        parameters: Values by profile; what is not named keeps the notebook's own default.
        needs: Stems of earlier notebooks whose cached results it reads; it waits for them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    title: str
    question: str
    claims: tuple[str, ...]
    minutes: Mapping[Profile, float]
    parameters: Mapping[Profile, Mapping[str, Any]]
    needs: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return Path(self.file).stem

    @field_validator("minutes", "parameters")
    @classmethod
    def _every_profile(cls, value: Mapping[Profile, Any]) -> Mapping[Profile, Any]:
        if missing := [profile for profile in PROFILES if profile not in value]:
            raise ValueError(f"it lacks the profile {missing[0]}")
        return value


def read_catalogue(folder: Path | None = None) -> tuple[NotebookEntry, ...]:
    """Read a folder's experiments.toml, in reading order.

    Args:
        folder: The folder of the notebooks; the project's own unless given.

    Raises:
        MissingResourceError: There is no such file.
        InputError: It is not TOML, or an entry is incomplete, has an unknown key, is listed twice, or needs a
            notebook that is not listed before it.

    Example:
        >>> read_catalogue()[0].stem
        '00_tour'
    """
    path = (folder or storage.notebooks_folder()) / _CATALOGUE
    content = read_toml(path, remedy="take it from the repository, or run `lexclip notebooks copy DIR`")
    if set(content) - {"notebook"} or not isinstance(content.get("notebook", []), list):
        unknown = sorted(set(content) - {"notebook"}) or ["notebook"]
        raise InputError(f"{path}: unknown key {unknown[0]!r}", "the file has [[notebook]] entries")
    entries: list[NotebookEntry] = []
    for item in content.get("notebook", []):
        entry, earlier = _entry(item, path), [one.stem for one in entries]
        if entry.stem in earlier:
            raise InputError(f"{path}: {entry.file} is listed twice", "list each notebook once")
        for need in entry.needs:
            if need not in earlier:
                raise InputError(
                    f"{path}: {entry.file} needs {need!r}, which is not listed before it",
                    f"name notebooks before it: {', '.join(earlier) or 'there are none'}",
                )
        entries.append(entry)
    return tuple(entries)


def _entry(item: Any, path: Path) -> NotebookEntry:
    try:
        return NotebookEntry.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        file = item.get("file", "an entry without file") if isinstance(item, dict) else "an entry"
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise InputError(
            f"{path}: {file}: {where}: {first['msg']}",
            f"an entry has the keys {', '.join(NotebookEntry.model_fields)}, each with every profile "
            f"({', '.join(PROFILES)}) where it depends on it; a table of parameters may be empty",
        ) from error


def select(entries: Sequence[NotebookEntry], only: Sequence[str] = ()) -> tuple[NotebookEntry, ...]:
    """Return the notebooks asked for, in reading order; all of them where nothing is asked for.

    Args:
        entries: All notebooks.
        only: File names, with or without ending, or their numbers: `01_observations.ipynb`, `01`.

    Raises:
        InputError: There is no notebook of that name.

    Example:
        >>> [entry.stem for entry in select(read_catalogue(), ["01", "00_tour"])]
        ['00_tour', '01_observations']
    """
    files = {
        name: entry.file for entry in entries for name in (entry.file, entry.stem, entry.stem.split("_")[0])
    }
    for name in only:
        if name not in files:
            known = ", ".join(entry.stem for entry in entries) or "none"
            raise InputError(f"there is no notebook {name!r}", f"choose among: {known}")
    chosen = {files[name] for name in only} or set(files.values())
    return tuple(entry for entry in entries if entry.file in chosen)


def copy_notebooks(folder: Path) -> tuple[Path, ...]:
    """Copy the project's notebooks, with experiments.toml and all that belongs to them, to one's own folder.

    The copies run from any working directory, with JupyterLab, papermill or `lexclip notebooks run --folder`.

    Args:
        folder: Where the copies go; made where it does not exist.

    Returns:
        The copies, in alphabetical order.

    Raises:
        InputError: A file of the folder would be replaced by another; nothing is copied then.
        StorageError: A copy cannot be written.
    """
    source = storage.notebooks_folder()
    names = [path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file()]
    names = [
        name for name in names if not any(part.startswith(".") or part in _NOT_COPIED for part in name.parts)
    ]
    for name in names:
        if (folder / name).exists() and (folder / name).read_bytes() != (source / name).read_bytes():
            raise InputError(
                f"{folder / name} exists and differs from the project's own",
                "name another folder, so that your changes are not lost",
            )
    for name in names:
        with storage.atomic_write(folder / name) as temporary:
            temporary.write_bytes((source / name).read_bytes())
    return tuple(folder / name for name in names)


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: It is not a notebook.
    """
    try:
        notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        return notebook
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", "check experiments.toml") from error
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, KeyError, AttributeError) as error:
        raise DamagedFileError(
            f"{path} is not a notebook: {error}", "restore it from the repository"
        ) from error


def declared_parameters(path: Path) -> dict[str, Parameter]:
    """Return what the notebook's one cell tagged `parameters` declares, by name.

    Raises:
        InputError: There is not exactly one such cell, or a line of it is not an annotated value such as
            `epochs: int = 3  # number of epochs`.
    """
    cells = [cell for cell in read_notebook(path).cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise InputError(
            f"{path.name} has {len(cells)} cells tagged 'parameters', not 1",
            "tag the one cell that declares the notebook's parameters",
        )
    return declared_in(cells[0].source, path.name)


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """Check that every parameter is one the notebook declares and that its value fits.

    Args:
        path: The notebook.
        parameters: Values by name; others keep the notebook's defaults.

    Raises:
        InputError: Naming the parameter, and the nearest one that there is.
    """
    check_values(parameters, declared_parameters(path), path.name)
