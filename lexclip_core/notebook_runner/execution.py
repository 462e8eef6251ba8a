"""Execute notebooks through papermill, into copies that leave the committed ones untouched."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexclip_core import storage
from lexclip_core.errors import InputError, LexclipError, MissingResourceError
from lexclip_core.notebook_runner.experiments import (
    PROFILES,
    Profile,
    notebooks_folder,
    read_experiments,
    selected,
)
from lexclip_core.notebook_runner.parameters import check_parameters
from lexclip_core.notebook_runner.records import read_metrics

_KERNEL_START = 300  # seconds; a busy machine takes its time

logger = logging.getLogger(__name__)


class NotebookError(LexclipError):
    """A cell of a notebook failed; the executed copy shows how far it came."""


@dataclass(frozen=True)
class Outcome:
    """One notebook that ran through.

    Attributes:
        file: Its file name.
        copy: The executed copy.
        seconds: Wall time.
        metrics: What its last cell recorded, by "split/name".
    """

    file: str
    copy: Path
    seconds: float
    metrics: Mapping[str, Any]


def run_notebooks(
    profile: Profile,
    *,
    only: Sequence[str] = (),
    folder: Path | None = None,
    output: Path | None = None,
) -> tuple[Outcome, ...]:
    """Run the notebooks of experiments.toml in order with one profile's parameters.

    All parameters are checked before the first notebook starts; the first failure ends the run.

    Args:
        profile: `smoke`, `embedded` or `paper`.
        only: Notebooks to run, by file name, stem or number; all unless given.
        folder: Where experiments.toml and the notebooks lie.
        output: Where the executed copies go; `build/notebooks/<profile>` unless given.

    Raises:
        InputError: The profile, a name in `only`, or a parameter is unknown, or a value is of another type.
        NotebookError: A cell failed.
    """
    if profile not in PROFILES:
        raise InputError(f"there is no profile {profile!r}", f"choose among: {', '.join(PROFILES)}")
    folder = folder or notebooks_folder()
    output = output or storage.project_root() / "build" / "notebooks" / profile
    chosen = selected(read_experiments(folder / "experiments.toml"), only)
    for experiment in chosen:
        check_parameters(folder / experiment.file, experiment.parameters[profile])
    outcomes = []
    for number, experiment in enumerate(storage.progress(chosen, desc=f"notebooks ({profile})"), start=1):
        minutes = experiment.minutes[profile]
        logger.info("%d of %d: %s, about %g min", number, len(chosen), experiment.file, minutes)
        outcomes.append(run_notebook(folder / experiment.file, experiment.parameters[profile], output=output))
        logger.info("%s took %.0f s", experiment.file, outcomes[-1].seconds)
    return tuple(outcomes)


def run_notebook(path: Path, parameters: Mapping[str, Any], *, output: Path) -> Outcome:
    """Run one notebook in its own folder, and write the executed copy into another.

    Args:
        path: The notebook, which is left as it is.
        parameters: Values by name; others keep the notebook's defaults.
        output: Folder of the executed copy, which is kept when a cell fails.

    Raises:
        InputError: A parameter is unknown or its value of another type.
        NotebookError: A cell failed or the kernel died; names the cell, the exception and the copy.
        MissingResourceError: The Python kernel is not installed.
        StorageError: The copy cannot be written.
    """
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    check_parameters(path, parameters)
    copy = output.resolve() / path.name
    with storage.atomic_write(copy):  # proves that the folder can be written before anything runs
        pass
    start = time.perf_counter()
    try:
        with _quiet_kernel():
            papermill.execute_notebook(
                path.resolve(),
                copy,
                parameters=dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                start_timeout=_KERNEL_START,
                cwd=path.resolve().parent,
            )
    except PapermillExecutionError as error:
        raise _cell_error(path, copy, error) from error
    except DeadKernelError as error:
        problem = f"{path.name}: the kernel died, perhaps for want of memory"
        raise NotebookError(problem, f"see how far it came in {copy}") from error
    except NoSuchKernel as error:
        raise MissingResourceError("there is no Python kernel", "install ipykernel: make setup") from error
    return Outcome(path.name, copy, time.perf_counter() - start, read_metrics(copy))


def _cell_error(path: Path, copy: Path, error: Any) -> NotebookError:
    lines = [line for line in error.source.splitlines() if line.strip()]
    first = lines[0].strip() if lines else ""
    return NotebookError(
        f"{path.name} failed in cell [{error.exec_count}], which begins `{first[:80]}`: "
        f"{error.ename}: {error.evalue}",
        f"the copy with the traceback is {copy}",
    )


@contextmanager
def _quiet_kernel() -> Iterator[None]:
    """Keep progress bars, and tqdm's complaint that it has no widgets, out of the executed copy."""
    ignored = "ignore:IProgress not found"
    changes = {
        "LEXCLIP_PROGRESS": "0",
        "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), ignored])),
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
