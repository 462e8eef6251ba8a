"""`data/measured/NOTEBOOK.json`: what the notebooks of one profile measured, as they recorded it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.ledger.measurement import Measurement

_KEYS = {"notebook", "profile", "commit", "measured"}


def measured_folder() -> Path:
    """Return the folder of committed measurements."""
    return storage.data_folder() / "measured"


def entries(recorded: Mapping[str, Any], *, notebook: str, profile: str) -> tuple[Measurement, ...]:
    """Return the measurements that a notebook recorded, given as `notebook_runner.read_measured` reads them.

    Raises:
        InputError: One cannot be read.
    """
    commit = str(recorded.get("commit", ""))
    return tuple(
        Measurement.from_dict(entry, notebook=notebook, profile=profile, commit=commit)
        for entry in recorded.get("measured", ())
    )


def write_measurements(measurements: Sequence[Measurement], folder: Path) -> list[Path]:
    """Write measurements as one JSON file a notebook, which replaces what stood there.

    Raises:
        InputError: A measurement does not say its notebook.
        StorageError: A file cannot be written.
    """
    by_notebook: dict[str, list[Measurement]] = {}
    for one in measurements:
        by_notebook.setdefault(one.notebook, []).append(one)
    if "" in by_notebook:
        raise InputError("a measurement says not its notebook", "collect it from an executed notebook")
    written = []
    for notebook, found in sorted(by_notebook.items()):
        content = {
            "notebook": notebook,
            "profile": found[0].profile,
            "commit": found[0].commit,
            "measured": [one.as_dict() for one in found],
        }
        path = folder / f"{notebook}.json"
        with storage.atomic_write(path) as temporary:
            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        written.append(path)
    return written


def read_measurements(folder: Path | None = None) -> tuple[Measurement, ...]:
    """Return the measurements of a folder, in the order of its notebooks; `data/measured` unless given.

    Raises:
        MissingResourceError: There is no such folder.
        DamagedFileError: A file is not what `write_measurements` writes.
    """
    folder = folder or measured_folder()
    if not folder.is_dir():
        raise MissingResourceError(f"{folder} is not there", "run `lexclip notebooks collect`")
    found: list[Measurement] = []
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or set(content) != _KEYS:
                raise InputError("it has other keys than a file of measurements")
            found += entries(content, notebook=content["notebook"], profile=content["profile"])
        except (ValueError, InputError) as error:
            raise DamagedFileError(f"{path} cannot be read: {error}", "collect it again") from error
    return tuple(found)
