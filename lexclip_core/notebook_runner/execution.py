"""Execute one notebook through papermill, into a copy that leaves the committed one untouched."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexclip_core import storage
from lexclip_core.errors import LexclipError, MissingResourceError
from lexclip_core.notebook_runner.kept import stamp
from lexclip_core.notebook_runner.parameters import check_parameters
from lexclip_core.notebook_runner.records import read_metrics

_KERNEL_START = 600  # seconds; a busy machine takes its time
# A kernel warns that its local sockets are not encrypted, and of being told to stop at its end.
_QUIET = ["--IPKernelApp.log_level=CRITICAL"]


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
        kept: Whether an earlier run made the copy.
    """

    file: str
    copy: Path
    seconds: float
    metrics: Mapping[str, Any]
    kept: bool = False


def run_notebook(path: Path, parameters: Mapping[str, Any], *, output: Path, key: str = "") -> Outcome:
    """Run one notebook in its own folder, and write the executed copy into another.

    The copy takes its place in the folder when the run has ended, well or not; until then it grows under a
    hidden name beside it.

    Args:
        path: The notebook, which is left as it is.
        parameters: Values by name; others keep the notebook's defaults.
        output: Folder of the executed copy, which is kept when a cell fails.
        key: What the copy is made from, as `kept.content_key` gives it; written into a copy that ran through.

    Raises:
        InputError: A parameter is unknown or its value of another type.
        NotebookError: A cell failed or the kernel died; names the cell, the exception and the copy.
        MissingResourceError: The Python kernel is not installed.
        StorageError: The copy cannot be written.
    """
    check_parameters(path, parameters)
    copy = output.resolve() / path.name
    growing = copy.with_name(f".{copy.name}")
    with storage.atomic_write(growing):  # proves that the folder can be written before anything runs
        pass
    start = time.perf_counter()
    try:
        with quiet_kernels():
            _execute(path.resolve(), growing, parameters, copy)
        seconds = time.perf_counter() - start
        stamp(growing, key=key, seconds=seconds)
    finally:
        growing.replace(copy)
    return Outcome(path.name, copy, seconds, read_metrics(copy))


def _execute(path: Path, growing: Path, parameters: Mapping[str, Any], copy: Path) -> None:
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    try:
        papermill.execute_notebook(
            path,
            growing,
            parameters=dict(parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=_KERNEL_START,
            extra_arguments=_QUIET,
            cwd=path.parent,
        )
    except PapermillExecutionError as error:
        raise _cell_error(path, copy, error) from error
    except DeadKernelError as error:
        problem = f"{path.name}: the kernel died, perhaps for want of memory"
        raise NotebookError(problem, f"see how far it came in {copy}") from error
    except RuntimeError as error:  # what jupyter_client raises of a kernel that does not start
        problem = f"{path.name}: the kernel did not start: {error}"
        raise NotebookError(problem, "run fewer notebooks at a time: --jobs 1") from error
    except NoSuchKernel as error:
        raise MissingResourceError("there is no Python kernel", "install ipykernel: make setup") from error


def _cell_error(path: Path, copy: Path, error: Any) -> NotebookError:
    lines = [line for line in error.source.splitlines() if line.strip()]
    first = lines[0].strip() if lines else ""
    return NotebookError(
        f"{path.name} failed in cell [{error.exec_count}], which begins `{first[:80]}`: "
        f"{error.ename}: {error.evalue}",
        f"the copy with the traceback is {copy}",
    )


@contextmanager
def quiet_kernels(**more: str) -> Iterator[None]:
    """Keep progress bars, and tqdm's complaint that it has no widgets, out of executed copies.

    Kernels that start within take the environment as it is then. One of these may stand within another; of
    two at once in two threads the later one must end first, so a pool of threads stands within one.

    Args:
        more: Further variables of the environment.
    """
    ignored = "ignore:IProgress not found"
    warnings = os.environ.get("PYTHONWARNINGS", "")
    if ignored not in warnings.split(","):
        warnings = ",".join(filter(None, [warnings, ignored]))
    changes = {"LEXCLIP_PROGRESS": "0", "PYTHONWARNINGS": warnings, **more}
    before = {name: os.environ.get(name) for name in changes}
    if all(before[name] == value for name, value in changes.items()):
        yield
        return
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
