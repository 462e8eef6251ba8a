"""What a notebook leaves behind besides its text: the metrics and measurements of its last cell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.ledger import Measurement, entries
from lexclip_core.notebook_runner.parameters import read_notebook
from lexclip_core.runs.content import check_metrics

MIME = "application/vnd.lexclip.metrics+json"
MEASURED_MIME = "application/vnd.lexclip.measured+json"


def record(metrics: Mapping[str, Any], measured: Sequence[Measurement] = ()) -> None:
    """Record a notebook's metrics as the output of its last cell, where the runner reads them back.

    Args:
        metrics: "split/name" to a number, a dict with "value" and where known "low", "high", "n" and
            "note", or an object whose `as_dict()` gives one.
        measured: What the ledger holds beside the papers: `ledger.conditions(...).measured(...)` entries.

    Raises:
        InputError: A metric has no number, or its name does not say its split.
    """
    from IPython.display import display

    from lexclip_core.tuning.provenance import git_commit  # late: it brings torch

    entries = {name: _entry(value) for name, value in metrics.items()}
    check_metrics(entries)
    for name, entry in entries.items():
        if "/" not in name:
            raise InputError(
                f"metrics: {name!r} does not say its split", f"name it heldout/{name} or all/{name}"
            )
        try:
            json.dumps(entry, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"metrics: {name!r}: {error}", "record plain, finite numbers") from error
    lines = [f"{name}: {entry['value']:.4g}" for name, entry in entries.items()]
    bundle: dict[str, Any] = {MIME: entries}
    if measured:
        bundle[MEASURED_MIME] = {"commit": git_commit(), "measured": [one.as_dict() for one in measured]}
        lines.append(f"for the ledger: {len(measured)} measurements")
    display(bundle | {"text/plain": "\n".join(lines)}, raw=True)


def _entry(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if hasattr(value, "item"):
        value = value.item()
    return dict(value) if isinstance(value, Mapping) else {"value": value}


def read_metrics(path: Path) -> dict[str, Any]:
    """Return the metrics that an executed notebook recorded; of two of one name the later one.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: It is not a notebook.
    """
    found: dict[str, Any] = {}
    for cell in read_notebook(path).cells:
        for output in cell.get("outputs", []):
            found |= output.get("data", {}).get(MIME, {})
    return found


def read_measured(path: Path) -> dict[str, Any]:
    """Return what an executed notebook recorded for the ledger: "commit" and "measured", a list of dicts.

    Empty where it recorded nothing; of several records the last.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: It is not a notebook.
    """
    found: dict[str, Any] = {}
    for cell in read_notebook(path).cells:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(MEASURED_MIME, found)
    return dict(found)


def collected(executed: Path, *, profile: str) -> dict[str, tuple[Measurement, ...]]:
    """Return what the executed notebooks of a folder recorded for the ledger, by the notebook's stem.

    Args:
        executed: Folder of executed copies.
        profile: The profile that they ran with.

    Raises:
        MissingResourceError: There is no executed notebook.
        DamagedFileError: A file is not a notebook.
        InputError: A measurement cannot be read.
    """
    copies = sorted(path for path in executed.glob("*.ipynb") if not path.name.startswith("."))
    if not copies:
        raise MissingResourceError(
            f"{executed} holds no executed notebook", f"run `lexclip notebooks run --profile {profile}`"
        )
    return {copy.stem: entries(read_measured(copy), notebook=copy.stem, profile=profile) for copy in copies}
