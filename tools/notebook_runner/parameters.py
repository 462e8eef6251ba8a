"""The parameters that a notebook declares, and the check of the values that it is given.

papermill itself only warns about an unknown parameter and checks no type.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lexclip_core.errors import InputError

_SIMPLE: dict[str, Any] = {"int": int, "float": (int, float), "str": str, "bool": bool, "None": type(None)}


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


def declared_in(source: str, notebook: str) -> dict[str, Parameter]:
    """Return what a parameters cell declares, by name.

    Args:
        source: The cell.
        notebook: The notebook's name, for messages.

    Raises:
        InputError: A line is not an annotated value such as `epochs: int = 3  # number of epochs`.
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        problem = f"{notebook}: the parameters cell is not Python: {error.msg}, line {error.lineno}"
        raise InputError(problem, "keep magics and shell commands out of it") from error
    declared = declared_by(statements)
    if len(declared) < len(statements):
        first = next(one for one in statements if not declared_by([one]))
        raise InputError(
            f"{notebook}: the parameters cell contains {ast.unparse(first)!r}",
            "declare each as `name: type = value  # what it is`; derive values in the next cell",
        )
    return declared


def declared_by(statements: Sequence[ast.stmt]) -> dict[str, Parameter]:
    """Return the parameters among some statements, by name."""
    found = {}
    for statement in statements:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                found[name] = Parameter(name, ast.unparse(annotation), ast.unparse(value))
    return found


def check_values(values: Mapping[str, Any], declared: Mapping[str, Parameter], notebook: str) -> None:
    """Check that every value is of a declared parameter, of its type, and in its range.

    Understood annotations are int, float, str, bool, None, `list[...]`, `dict[str, ...]`, `A | B` and
    `Literal[...]`; a bool is not an int, an int is a float. Only where the default has a negative number may
    one be given.

    Args:
        values: Values by name; others keep the notebook's defaults.
        declared: The notebook's parameters.
        notebook: Its name, for messages.

    Raises:
        InputError: Naming the parameter, and the nearest one that there is.

    >>> check_values({"steps": -1}, declared_in("steps: int = 3", "a.ipynb"), "a.ipynb")
    Traceback (most recent call last):
    lexclip_core.errors.InputError: a.ipynb: steps is -1, below 0
      Remedy: give a value such as the default, 3
    """
    for name, value in values.items():
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise InputError(
                f"{notebook} has no parameter {name!r}", f"{did_you_mean(name, declared)}it has: {known}"
            )
        parameter, problem = declared[name], ""
        if not _fits(value, ast.parse(parameter.annotation, mode="eval").body):
            problem = f"{value!r} ({type(value).__name__}), not {parameter.annotation}"
        elif _least(value) < 0 <= _least(_literal(ast.parse(parameter.default, mode="eval").body)):
            problem = f"{value!r}, below 0"
        if problem:
            own = repr(value) == parameter.default  # the parameters cell itself, edited by hand
            remedy = f"give a value {'of that type' if own else f'such as the default, {parameter.default}'}"
            raise InputError(f"{notebook}: {name} is {problem}", remedy)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a question that names the nearest of the known names, or nothing where none is near.

    Example:
        >>> did_you_mean("epoch", ["epochs", "seed"])
        "did you mean 'epochs'? "
    """
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def _least(value: Any) -> float:
    """Return the least number of a value, 0 where there is none."""
    if isinstance(value, list):
        return min(map(_least, value), default=0)
    return value if isinstance(value, int | float) else 0


def _literal(expression: ast.expr) -> Any:
    try:
        return ast.literal_eval(expression)
    except ValueError:  # computed, such as float("nan")
        return None


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


class ParameterCheck(ast.NodeTransformer):
    """Lets a kernel refuse wrong parameters in the cell that gives them, whoever runs the notebook.

    A cell of annotated values alone declares parameters. The next cell, where it begins with papermill's
    "# Parameters", gives other values. Where one of either is wrong, the cell raises InputError at that line
    and does nothing else.

    Args:
        source: Returns the source of the cell that is about to run.
    """

    def __init__(self, source: Callable[[], str]) -> None:
        self._source = source
        self._declared: dict[str, Parameter] = {}

    def visit_Module(self, cell: ast.Module) -> ast.Module:
        """Return the cell, or one that raises where a parameter is wrong."""
        declared = declared_by(cell.body)
        if declared and len(declared) == len(cell.body):
            self._declared = declared
        elif not (self._declared and self._source().lstrip().startswith("# Parameters")):
            return cell
        for statement in cell.body:
            try:
                check_values(_given(statement), self._declared, "this notebook")
            except InputError as error:
                raising = "from lexclip_core.errors import InputError\nraise InputError({!r}, {!r})"
                refused = ast.parse(raising.format(error.problem, error.remedy))
                for node in ast.walk(refused):
                    if hasattr(node, "lineno"):
                        ast.copy_location(node, statement)
                return refused
        return cell


def _given(statement: ast.stmt) -> dict[str, Any]:
    """Return the name and the value that a statement assigns."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return {name: _literal(value)}
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return {name: _literal(value)}
    return {}
