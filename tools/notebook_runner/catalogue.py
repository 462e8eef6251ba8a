"""`notebooks/experiments.toml`: which notebooks there are, what each asks, and the parameters it takes.

papermill itself only warns about an unknown parameter and checks no type, so both are checked here.
"""

from __future__ import annotations

import ast
import difflib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import nbformat
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

Profile = Literal["smoke", "embedded", "paper"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
_CATALOGUE = "experiments.toml"
_NOT_COPIED = ("__pycache__", "executed")  # and whatever is hidden
_SIMPLE: dict[str, Any] = {"int": int, "float": (int, float), "str": str, "bool": bool, "None": type(None)}


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


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes:
        name: The variable.
        annotation: Its type as written, such as `list[str]`.
        default: The value it has when none is given, as written.
    """

    name: str
    annotation: str
    default: str


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


def read_toml(path: Path, *, remedy: str) -> dict[str, Any]:
    """Return the content of a TOML file.

    Args:
        path: The file.
        remedy: What to do where it is not there.

    Raises:
        MissingResourceError: There is no such file.
        InputError: It is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", remedy) from error
    except ValueError as error:  # not TOML, or not even UTF-8
        raise InputError(f"{path} is not TOML: {error}", "correct that line") from error


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
    try:
        statements = ast.parse(cells[0].source).body
    except SyntaxError as error:
        problem = f"{path.name}: the parameters cell is not Python: {error.msg}, line {error.lineno}"
        raise InputError(problem, "keep magics and shell commands out of it") from error
    parameters = {}
    for statement in statements:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                parameters[name] = Parameter(name, ast.unparse(annotation), ast.unparse(value))
            case _:
                raise InputError(
                    f"{path.name}: the parameters cell contains {ast.unparse(statement)!r}",
                    "declare each as `name: type = value  # what it is`; derive values in the next cell",
                )
    return parameters


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """Check that every parameter is one the notebook declares and that its value fits the annotation.

    Understood annotations are int, float, str, bool, None, `list[...]`, `dict[str, ...]`, `A | B` and
    `Literal[...]`; a bool is not an int, an int is a float.

    Args:
        path: The notebook.
        parameters: Values by name; others keep the notebook's defaults.

    Raises:
        InputError: Naming the parameter, and the nearest one that there is.
    """
    declared = declared_parameters(path)
    for name, value in parameters.items():
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise InputError(
                f"{path.name} has no parameter {name!r}", f"{did_you_mean(name, declared)}it has: {known}"
            )
        parameter = declared[name]
        if not _fits(value, ast.parse(parameter.annotation, mode="eval").body):
            raise InputError(
                f"{path.name}: {name} is {value!r} ({type(value).__name__}), not {parameter.annotation}",
                f"give a value such as the default, {parameter.default}",
            )


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a question that names the nearest of the known names, or nothing where none is near.

    Example:
        >>> did_you_mean("epoch", ["epochs", "seed"])
        "did you mean 'epochs'? "
    """
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def _fits(value: Any, annotation: ast.expr) -> bool:
    match annotation:
        case ast.Name(id=name) if name in _SIMPLE:
            return isinstance(value, _SIMPLE[name]) and isinstance(value, bool) == (name == "bool")
        case ast.Constant(value=None):
            return value is None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _fits(value, left) or _fits(value, right)
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return isinstance(value, list) and all(_fits(item, inner) for item in value)
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, inner])):
            return isinstance(value, dict) and all(
                _fits(name, key) and _fits(item, inner) for name, item in value.items()
            )
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            allowed = ast.literal_eval(choices)
            return value in (allowed if isinstance(allowed, tuple) else (allowed,))
    raise InputError(
        f"the annotation {ast.unparse(annotation)!r} is not understood",
        "use int, float, str, bool, None, list[...], dict[str, ...], A | B or Literal[...]",
    )
