"""One notebook: run through papermill, cached by what it was made from, and the results it records.

The notebook itself is left as it is; what ran is the executed notebook, a copy with outputs elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, LexclipError, MissingResourceError
from lexclip_core.notebooks import MEASURED_MIME, METRICS_MIME
from lexclip_core.papers.measurement import Measurement, recorded_measurements
from tools.notebook_runner.catalogue import check_parameters, read_notebook

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

_PACKAGE = Path(storage.__file__).resolve().parent
_NOT_IN_NOTEBOOKS = ("cli", "doctor")  # parts of the library that no notebook runs
_STAMP = "lexclip"  # the executed notebook's metadata under this name
_KERNEL_START = 600  # seconds; a busy machine takes its time
# A kernel warns that its local sockets are not encrypted, and that it is asked to stop at its end.
_KERNEL_ARGUMENTS = ["--IPKernelApp.log_level=CRITICAL"]
_NO_WIDGETS = "ignore:IProgress not found"  # tqdm's complaint where ipywidgets is not installed


class NotebookError(LexclipError):
    """A cell of a notebook failed; the executed notebook shows how far it came."""


@dataclass(frozen=True)
class Outcome:
    """One notebook that ran through.

    Attributes:
        file: Its file name.
        executed: The executed notebook.
        seconds: Wall time.
        metrics: What its last cell recorded, by "split/name".
        cached: Whether it is of an earlier run, made from just the same.
    """

    file: str
    executed: Path
    seconds: float
    metrics: Mapping[str, Any]
    cached: bool = False


def run_notebook(
    path: Path,
    parameters: Mapping[str, Any],
    *,
    output: Path,
    key: str = "",
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run one notebook in its own folder, and write the executed notebook into another.

    The executed notebook takes its place in the folder when the run has ended, well or not; until then it
    grows under a hidden name next to it.

    Args:
        path: The notebook, which is left as it is.
        parameters: Values by name; others keep the notebook's defaults.
        output: Folder of the executed notebook, which is written even when a cell fails.
        key: What it is made from, as `content_key` gives it; written into what ran through.
        environment: Variables that the kernel finds besides this process's own.

    Raises:
        InputError: A parameter is unknown or its value of another type.
        NotebookError: A cell failed or the kernel died; names the cell, the exception and what ran.
        MissingResourceError: The Python kernel is not installed.
        StorageError: The executed notebook cannot be written.
    """
    check_parameters(path, parameters)
    path, executed = path.resolve(), output.resolve() / path.name
    growing = executed.with_name(f".{executed.name}")
    with storage.atomic_write(growing):  # proves that the folder can be written before anything runs
        pass
    start = time.perf_counter()
    try:
        _execute(path, growing, parameters, environment or {})
        seconds = round(time.perf_counter() - start, 1)
        notebook = read_notebook(growing)
        notebook.metadata[_STAMP] = {"key": key, "seconds": seconds}
        with storage.atomic_write(growing) as temporary:
            nbformat.write(notebook, temporary)  # type: ignore[no-untyped-call]
    finally:
        growing.replace(executed)
    return Outcome(path.name, executed, seconds, read_metrics(executed))


def _execute(
    path: Path, growing: Path, parameters: Mapping[str, Any], environment: Mapping[str, str]
) -> None:
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    executed = growing.with_name(path.name)
    try:
        papermill.execute_notebook(
            path,
            growing,
            parameters=dict(parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=_KERNEL_START,
            extra_arguments=_KERNEL_ARGUMENTS,
            kernel_manager_class=_kernel_manager(path.parent, environment),
        )
    except PapermillExecutionError as error:
        lines = [line.strip() for line in error.source.splitlines() if line.strip()]
        raise NotebookError(
            f"{path.name} failed in cell [{error.exec_count}], which begins `{''.join(lines[:1])[:80]}`: "
            f"{error.ename}: {error.evalue}",
            f"the executed notebook with the traceback is {executed}",
        ) from error
    except DeadKernelError as error:
        problem = f"{path.name}: the kernel died, perhaps for want of memory"
        raise NotebookError(problem, f"see how far it came in {executed}") from error
    except RuntimeError as error:  # what jupyter_client raises of a kernel that does not start
        problem = f"{path.name}: the kernel did not start: {error}"
        raise NotebookError(problem, "run fewer notebooks at a time: --jobs 1") from error
    except NoSuchKernel as error:
        raise MissingResourceError("there is no Python kernel", "install ipykernel: make setup") from error


def _kernel_manager(folder: Path, environment: Mapping[str, str]) -> type[AsyncKernelManager]:
    """Return managers of kernels that run in a folder, draw no progress bars, and have these variables.

    papermill's own `cwd` changes the folder of the whole process, for every thread in it.
    """
    from jupyter_client.manager import AsyncKernelManager

    warnings = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), _NO_WIDGETS]))
    variables = {**os.environ, "LEXCLIP_PROGRESS": "0", "PYTHONWARNINGS": warnings, **environment}

    class Manager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(cwd=str(folder), env=variables, **options)

    return Manager


def code_digest(notebooks: Path, package: Path = _PACKAGE) -> str:
    """Return the sha256 of the library's source and of the modules next to the notebooks.

    Args:
        notebooks: The notebooks' folder.
        package: The library's folder, which is read once per process.
    """
    digest = hashlib.sha256(_library_digest(package))
    for file in sorted(notebooks.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _library_digest(package: Path) -> bytes:
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        if file.relative_to(package).parts[0].removesuffix(".py") not in _NOT_IN_NOTEBOOKS:
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.digest()


def content_key(
    notebook: Path, parameters: Mapping[str, Any], *, code: str, needs: Sequence[str] = ()
) -> str:
    """Return a digest of a notebook's source, its parameters, the library's code, and what it builds upon.

    Data sets and weights are not read: a run on others of the same path is asked for with `again`.

    Args:
        notebook: The notebook.
        parameters: The values it is given.
        code: What `code_digest` gives for the notebook's folder.
        needs: The keys of the notebooks it builds upon.

    Returns:
        32 hex digits.
    """
    content = {
        "notebook": storage.sha256(notebook),
        "parameters": dict(parameters),
        "code": code,
        "needs": list(needs),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def cached_outcome(executed: Path, key: str) -> Outcome | None:
    """Return the outcome of an executed notebook that was made from what `key` says, else None."""
    try:
        stamp = read_notebook(executed).metadata.get(_STAMP, {})
    except (MissingResourceError, DamagedFileError):
        return None
    if stamp.get("key") != key:
        return None
    return Outcome(executed.name, executed, float(stamp["seconds"]), read_metrics(executed), cached=True)


def read_metrics(path: Path) -> dict[str, Any]:
    """Return the metrics that an executed notebook recorded; of two of one name the later one.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: It is not a notebook.
    """
    return {name: value for output in _outputs(path, METRICS_MIME) for name, value in output.items()}


def read_measured(path: Path) -> dict[str, Any]:
    """Return what an executed notebook recorded for the ledger: "commit" and "measured", a list of dicts.

    Empty where it recorded nothing; of several records the last.

    Raises:
        MissingResourceError: There is no such file.
        DamagedFileError: It is not a notebook.
    """
    return dict([{}, *_outputs(path, MEASURED_MIME)][-1])


def _outputs(path: Path, mime: str) -> Iterator[Mapping[str, Any]]:
    for cell in read_notebook(path).cells:
        for output in cell.get("outputs", []):
            if mime in output.get("data", {}):
                yield output["data"][mime]


def collect_measurements(executed: Path, *, profile: str) -> dict[str, tuple[Measurement, ...]]:
    """Return what the executed notebooks of a folder recorded for the ledger, by the notebook's stem.

    Args:
        executed: Folder of executed notebooks.
        profile: The profile that they ran with.

    Raises:
        MissingResourceError: There is no executed notebook.
        DamagedFileError: A file is not a notebook.
        InputError: A measurement cannot be read.
    """
    paths = sorted(path for path in executed.glob("*.ipynb") if not path.name.startswith("."))
    if not paths:
        raise MissingResourceError(
            f"{executed} has no executed notebook", f"run `lexclip notebooks run --profile {profile}`"
        )
    return {
        path.stem: recorded_measurements(read_measured(path), notebook=path.stem, profile=profile)
        for path in paths
    }
