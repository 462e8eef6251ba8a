"""Text files as other people publish them: lines, tables, JSON; what is wrong is named with its file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexclip_core.errors import DamagedFileError, MissingResourceError

if TYPE_CHECKING:
    import pandas as pd

GET_AGAIN = "get the official file again: it may have been cut short or edited"
RESTORE = "restore it from the repository"


def damaged(problem: str, remedy: str = GET_AGAIN) -> DamagedFileError:
    """Return the error of a file that is not as it was published."""
    return DamagedFileError(problem, remedy)


def first_file(folder: Path, names: Iterable[str]) -> Path | None:
    """Return the first of some files that a folder holds, None if it holds none of them."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_lines(path: Path, *, missing: str = GET_AGAIN) -> list[str]:
    r"""Return the lines of a UTF-8 file, separated by `\n` alone.

    Texts may hold other characters that Python takes for line ends.

    Args:
        path: The file.
        missing: The remedy where it is not there.

    Raises:
        MissingResourceError: It is not there.
        DamagedFileError: It cannot be read or is not UTF-8.
    """
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", missing)
    try:
        lines = path.read_bytes().decode("utf-8-sig").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(f"{path} is not UTF-8 text: {error}") from error
    return [line.removesuffix("\r") for line in lines]


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DamagedFileError: It cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(f"{path} is not JSON: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file that ships, its lists as tuples.

    Raises:
        MissingResourceError: It is not there.
        DamagedFileError: It cannot be read, or is not TOML.
    """
    try:
        content: dict[str, Any] = _tuples(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", RESTORE) from error
    except (OSError, ValueError) as error:
        raise DamagedFileError(f"{path} is not TOML: {error}", RESTORE) from error
    return content


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def read_table(
    path: Path, columns: Sequence[str], *, remedy: str = GET_AGAIN, separator: str = ",", headed: bool = True
) -> pd.DataFrame:
    """Return a table as text, an empty cell as "".

    Args:
        path: The file: cells separated by `separator`, or `.jsonl`, or `.parquet`.
        columns: Those that it must have; without a header it has just these.
        remedy: What to do where it is damaged.
        separator: What is between two cells.
        headed: Whether its first line has the names of the columns.

    Raises:
        DamagedFileError: It cannot be read, or a column is missing.
    """
    import pandas as pd

    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        elif ".jsonl" in path.suffixes:
            table = pd.read_json(path, lines=True, dtype=False)
        else:
            names = {} if headed else {"header": None, "names": columns}
            table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, **names)
    except (OSError, ValueError) as error:
        raise damaged(f"{path} is damaged: {error}", remedy) from error
    table.columns = table.columns.str.strip()
    missing = [column for column in columns if column not in table.columns]
    if missing:
        present = ", ".join(table.columns)
        raise damaged(f"{path}: column {missing[0]!r} is missing; it has {present}", remedy)
    return table
