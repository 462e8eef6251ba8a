"""A notebook's parameters: what its parameters cell declares, and whether given values fit it.

papermill itself only warns about an unknown parameter and checks no type.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

_SIMPLE: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "None": type(None),
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes:
        name: The variable.
        annotation: Its type as written, such as `list[str]`.
        default: The value it has when none is given.
    """

    name: str
    annotation: str
    default: Any


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: It is not a notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", "check experiments.toml") from error
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, KeyError, AttributeError) as error:
        raise DamagedFileError(
            f"{path} is not a notebook: {error}", "restore it from the repository"
        ) from error


def declared_parameters(path: Path) -> dict[str, Parameter]:
    """Return what the notebook's one cell tagged `parameters` declares, by name.

    Raises:
        InputError: There is not exactly one such cell, or a line of it is no annotated literal such as
            `epochs: int = 3  # number of epochs`.
    """
    cells = [
        cell
        for cell in read_notebook(path).cells
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
    ]
    if len(cells) != 1:
        raise InputError(
            f"{path.name} has {len(cells)} cells tagged 'parameters', not 1",
            "tag the one cell that declares the notebook's parameters",
        )
    found = {}
    for node in _statements(path, cells[0].source):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            raise InputError(
                f"{path.name}: the parameters cell holds {ast.unparse(node)!r}",
                "declare each as `name: type = literal  # what it is`; derive values in the next cell",
            )
        name, annotation = node.target.id, ast.unparse(node.annotation)
        try:
            default = ast.literal_eval(node.value)
        except ValueError as error:
            raise InputError(
                f"{path.name}: the default of {name!r} is {ast.unparse(node.value)!r}", "write a literal"
            ) from error
        _refuse_misfit(path, Parameter(name, annotation, default), default)
        found[name] = Parameter(name, annotation, default)
    return found


def _statements(path: Path, source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError as error:
        problem = f"{path.name}: the parameters cell is not Python: {error.msg}, line {error.lineno}"
        raise InputError(problem, "keep magics and shell commands out of it") from error


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """Check that every parameter is one the notebook declares and that its value fits the annotation.

    Raises:
        InputError: Naming the parameter, and the nearest one that there is.
    """
    declared = declared_parameters(path)
    for name, value in parameters.items():
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            known = ", ".join(declared) or "none"
            raise InputError(f"{path.name} has no parameter {name!r}", f"{hint}it has: {known}")
        _refuse_misfit(path, declared[name], value)


def _refuse_misfit(path: Path, parameter: Parameter, value: Any) -> None:
    if not fits(value, ast.parse(parameter.annotation, mode="eval").body):
        raise InputError(
            f"{path.name}: {parameter.name} is {value!r} ({type(value).__name__}), "
            f"not {parameter.annotation}",
            f"give a value such as the default, {parameter.default!r}",
        )


def fits(value: Any, annotation: ast.expr) -> bool:
    """Tell whether a plain value is of an annotated type.

    Understood are int, float, str, bool, None, `list[...]`, `dict[str, ...]`, `A | B` and `Literal[...]`;
    a bool is no int, an int is a float.

    Raises:
        InputError: The annotation is of another form.
    """
    match annotation:
        case ast.Name(id=name) if name in _SIMPLE:
            return isinstance(value, _SIMPLE[name]) and isinstance(value, bool) == (name == "bool")
        case ast.Constant(value=None):
            return value is None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return fits(value, left) or fits(value, right)
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return isinstance(value, list) and all(fits(item, inner) for item in value)
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, inner])):
            return isinstance(value, dict) and all(
                fits(name, key) and fits(item, inner) for name, item in value.items()
            )
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            allowed = ast.literal_eval(choices)
            return value in (allowed if isinstance(allowed, tuple) else (allowed,))
    raise InputError(
        f"the annotation {ast.unparse(annotation)!r} is not understood",
        "use int, float, str, bool, None, list[...], dict[str, ...], A | B or Literal[...]",
    )
