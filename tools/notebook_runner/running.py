"""Run the notebooks of a profile: several at a time, what is unchanged not again, and a book at the end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from lexclip_core import storage
from lexclip_core.errors import InputError, LexclipError
from tools.notebook_runner.book import write_book
from tools.notebook_runner.catalogue import (
    PROFILES,
    NotebookEntry,
    Profile,
    check_parameters,
    declared_parameters,
    read_catalogue,
    select,
)
from tools.notebook_runner.execution import (
    NotebookError,
    Outcome,
    cached_outcome,
    code_digest,
    content_key,
    run_notebook,
)
from tools.notebook_runner.parameters import did_you_mean
from tools.notebook_runner.paths import (
    Paths,
    link_weights,
    read_paths,
    require_available,
    resolve_placeholders,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """How notebooks are run.

    Attributes:
        jobs: How many at a time; 0 takes the number of cores.
        again: Also run those whose executed notebook was made from just the same.
        paths: The paths.toml that says where weights and data sets are; the profile `paper` needs one.
        overrides: Values by parameter, for every notebook that declares it, in place of the profile's.
    """

    jobs: int = 0
    again: bool = False
    paths: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Results:
    """What came of notebooks, by stem.

    Attributes:
        done: Those that ran through, now or earlier.
        failed: The errors.
        skipped: Those never started, and the notebook whose failure was the cause.
    """

    done: dict[str, Outcome] = field(default_factory=dict)
    failed: dict[str, LexclipError] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def status(self, stem: str) -> str:
        """Return in a few words what came of a notebook."""
        if stem in self.failed:
            return f"failed: {self.failed[stem].problem}"
        if stem in self.skipped:
            return f"skipped: it needs {self.skipped[stem]}"
        return f"{self.done[stem].seconds:.0f} s" if stem in self.done else "of an earlier run"


class NotebooksFailed(NotebookError):
    """Some notebooks failed; the others ran.

    Args:
        results: What came of each.
        output: The folder of the executed notebooks.
    """

    def __init__(self, results: Results, output: Path) -> None:
        self.results = results
        lines = [f"\n  - {error.problem}" for error in results.failed.values()]
        lines += [f"\n  - {stem} was skipped: it needs {need}" for stem, need in results.skipped.items()]
        total = len(lines) + len(results.done)
        super().__init__(
            f"{len(results.failed)} of {total} notebooks failed:{''.join(lines)}",
            f"the executed notebooks in {output} have the tracebacks; the same command runs only these again",
        )


def run_notebooks(
    profile: Profile,
    *,
    only: Sequence[str] = (),
    folder: Path | None = None,
    output: Path | None = None,
    options: RunOptions | None = None,
) -> tuple[Outcome, ...]:
    """Run the notebooks of experiments.toml with one profile's parameters, and write a book of them.

    Everything that can be known before is checked before the first notebook starts. An executed notebook that
    was made from the same notebook, parameters and code is not made again. After a failure those notebooks go
    on that do not need the failed one.

    Args:
        profile: `smoke`, `embedded` or `paper`.
        only: Notebooks to run, by file name, stem or number; all unless given.
        folder: Where experiments.toml and the notebooks are; the project's own unless given.
        output: Where the executed notebooks go; `default_output` unless given.
        options: How they are run.

    Returns:
        The outcome of every notebook asked for, in reading order.

    Raises:
        InputError: The profile, a name in `only`, or a parameter is unknown, or a value is of another type.
        MissingResourceError: Weights or data sets that the profile names are not there.
        NotebooksFailed: Cells failed.
    """
    options = options or RunOptions()
    if profile not in PROFILES:
        raise InputError(f"unknown profile {profile!r}", f"choose among: {', '.join(PROFILES)}")
    if options.jobs < 0:
        problem = f"jobs is {options.jobs}"
        raise InputError(problem, "give how many notebooks may run at a time, 0 for one per core")
    output = (output or default_output(profile, folder)).resolve()
    folder = (folder or storage.notebooks_folder()).resolve()
    entries = read_catalogue(folder)
    chosen = select(entries, only)
    paths = read_paths(options.paths) if options.paths else Paths()
    parameters = _parameters(entries, chosen, profile, folder, options.overrides)
    require_available(parameters, paths)
    parameters = {stem: resolve_placeholders(values, paths) for stem, values in parameters.items()}
    keys = _keys(chosen, parameters, folder)
    cached = {} if options.again else _cached(chosen, keys, output)
    workers = options.jobs or _cores()
    environment = _environment(paths, output, workers)

    def run(entry: NotebookEntry) -> Outcome:
        path, values, key = folder / entry.file, parameters[entry.stem], keys[entry.stem]
        return run_notebook(path, values, output=output, key=key, environment=environment)

    rest = [entry for entry in chosen if entry.stem not in cached]
    results = run_all(rest, run, profile=profile, workers=workers)
    done = results.done | cached
    results.done = {entry.stem: done[entry.stem] for entry in chosen if entry.stem in done}
    shown = [entry for entry in entries if entry in chosen or (output / entry.file).exists()]
    statuses = {entry.stem: results.status(entry.stem) for entry in shown}
    logger.info("the book: %s", write_book(shown, statuses, output, profile))
    if results.failed:
        raise NotebooksFailed(results, output)
    return tuple(results.done.values())


def default_output(profile: str, folder: Path | None = None) -> Path:
    """Return where executed notebooks go: `build/notebooks/PROFILE`, or `FOLDER/executed/PROFILE`.

    Args:
        profile: The profile they are run with.
        folder: Where experiments.toml and the notebooks are; the project's own unless given.
    """
    return folder / "executed" / profile if folder else storage.build_folder() / "notebooks" / profile


def course_folders(folder: Path | None = None, output: Path | None = None) -> tuple[Path, Path | None]:
    """Return the folder of the course with its answers, and where its executed notebooks go.

    Args:
        folder: The folder of the notebooks; the project's own unless given.
        output: Where they go; `build/notebooks/course` for the project's own unless given.
    """
    solutions = (folder or storage.notebooks_folder()) / "course" / "solutions"
    return solutions, output if output or folder else storage.build_folder() / "notebooks" / "course"


def run_all(
    entries: Sequence[NotebookEntry],
    run: Callable[[NotebookEntry], Outcome],
    *,
    profile: Profile,
    workers: int,
) -> Results:
    """Run notebooks, at most `workers` at a time, and return what came of each.

    They start in reading order as soon as a worker is free and those they need are done. After a failure
    those that need the failed one are skipped, and nothing else. Threads run them, so `run` should wait for
    something, such as a process of its own.

    Args:
        entries: The notebooks in reading order; what one needs and is not among them is taken as done.
        run: Runs one.
        profile: Whose estimated minutes tell how long the rest will take.
        workers: How many may run at a time, at least 1.

    Raises:
        Exception: Any error of `run` that is not a `LexclipError`, at once: it is a fault of the program.
    """
    by_stem = {entry.stem: entry for entry in entries}
    order = list(by_stem)
    needs = {stem: [need for need in entry.needs if need in by_stem] for stem, entry in by_stem.items()}
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    results, start = Results(), time.perf_counter()
    waiting: list[str] = []
    running: dict[Future[Outcome], tuple[str, float]] = {}
    bar: Any = storage.progress(range(len(order)), desc=f"notebooks ({profile})")
    while True:
        waiting = sorted([*waiting, *sorter.get_ready()], key=order.index)
        while waiting and len(running) < workers:
            stem = waiting.pop(0)
            running[_start(run, by_stem[stem])] = stem, time.perf_counter()
        bar.set_postfix_str(", ".join(stem for stem, _ in running.values()))
        if not running:
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            (stem, begin), error = running.pop(future), future.exception()
            if isinstance(error, LexclipError):
                results.failed[stem] = error
                _skip(needs, results)
            else:
                results.done[stem] = future.result()
                sorter.done(stem)
            bar.update()
            verb = "FAILED after" if error else "took"
            now = _progress(entries, results, [stem for stem, _ in running.values()], profile, start)
            logger.info("%s %s %.0f s; %s", stem, verb, time.perf_counter() - begin, now)
    bar.close()
    return results


def _start(run: Callable[[NotebookEntry], Outcome], entry: NotebookEntry) -> Future[Outcome]:
    """Call `run` in a thread that a killed program does not wait for.

    `concurrent.futures.ThreadPoolExecutor` waits for its threads: Ctrl-C would take until the running
    notebooks end.
    """
    future: Future[Outcome] = Future()

    def work() -> None:
        try:
            future.set_result(run(entry))
        except BaseException as error:  # every end of a thread must be reported
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def _skip(needs: Mapping[str, Sequence[str]], results: Results) -> None:
    for stem, needed in needs.items():  # in order, so that what needs a skipped notebook is skipped as well
        lost = [need for need in needed if need in results.failed or need in results.skipped]
        if lost and stem not in results.skipped:
            results.skipped[stem] = lost[0]
            logger.warning("%s is skipped: it needs %s", stem, lost[0])


def _progress(
    entries: Sequence[NotebookEntry], results: Results, running: Sequence[str], profile: Profile, start: float
) -> str:
    """Return what is done, what runs, and how long the rest takes at the pace of what has ended."""
    text = f"{len(results.done)} done"
    if results.failed:
        text += f", {len(results.failed)} failed"
    if running:
        text += f"; running: {', '.join(running)}"
    minutes = {entry.stem: entry.minutes[profile] for entry in entries if entry.stem not in results.skipped}
    half = sum(minutes[stem] for stem in running) / 2  # of what runs, half is taken to be done
    ended = half + sum(minutes[stem] for stem in {**results.done, **results.failed})
    left = (time.perf_counter() - start) / 60 * (sum(minutes.values()) / ended - 1) if ended else 0.0
    return text + (f"; about {left:.0f} min left" if left >= 0.5 else "")


def _parameters(
    entries: Sequence[NotebookEntry],
    chosen: Sequence[NotebookEntry],
    profile: Profile,
    folder: Path,
    overrides: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Return each chosen notebook's parameters by stem, checked."""
    read = entries if overrides else chosen
    declared = {entry.stem: declared_parameters(folder / entry.file) for entry in read}
    known = {name for parameters in declared.values() for name in parameters}
    for name in overrides:
        if name not in known:
            raise InputError(
                f"no notebook has a parameter {name!r}",
                f"{did_you_mean(name, known)}see the parameters cell near a notebook's top",
            )
    parameters = {}
    for entry in chosen:
        mine = {name: value for name, value in overrides.items() if name in declared[entry.stem]}
        parameters[entry.stem] = {**entry.parameters[profile], **mine}
        check_parameters(folder / entry.file, parameters[entry.stem])
    return parameters


def _keys(
    chosen: Sequence[NotebookEntry], parameters: Mapping[str, Mapping[str, Any]], folder: Path
) -> dict[str, str]:
    """Return by stem what each executed notebook is made from."""
    code = code_digest(folder)
    keys: dict[str, str] = {}
    for entry in chosen:  # what a notebook needs comes before it
        needs = [keys.get(need, "") for need in entry.needs]
        keys[entry.stem] = content_key(folder / entry.file, parameters[entry.stem], code=code, needs=needs)
    return keys


def _cached(chosen: Sequence[NotebookEntry], keys: Mapping[str, str], output: Path) -> dict[str, Outcome]:
    cached = {}
    for entry in chosen:
        outcome = cached_outcome(output / entry.file, keys[entry.stem])
        if outcome is not None:
            logger.info("%s is unchanged since it was run", entry.stem)
            cached[entry.stem] = outcome
    return cached


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _environment(paths: Paths, output: Path, workers: int) -> dict[str, str]:
    """Return what kernels find in their environment: the weights' folder, and each its share of the cores."""
    variables = {}
    weights = link_weights(paths, output / "weights")
    if weights is not None:
        variables["LEXCLIP_WEIGHTS"] = str(weights)
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # a list has one number a level
    threads = given or str(max(1, _cores() // workers))
    # numba's counts for torch too: its first parallel loop (a map has some) sets OpenMP's
    unset = [name for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS") if name not in os.environ]
    variables |= dict.fromkeys(unset, threads)
    return variables
