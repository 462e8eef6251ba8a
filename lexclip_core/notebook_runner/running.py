"""Run the notebooks of a profile: several at a time, what is unchanged not again, and a book at the end."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lexclip_core import storage
from lexclip_core.errors import InputError, LexclipError
from lexclip_core.notebook_runner.book import Page, write_book
from lexclip_core.notebook_runner.execution import NotebookError, Outcome, quiet_kernels, run_notebook
from lexclip_core.notebook_runner.experiments import (
    PROFILES,
    Experiment,
    Profile,
    notebooks_folder,
    read_experiments,
    selected,
)
from lexclip_core.notebook_runner.kept import content_key, kept_seconds
from lexclip_core.notebook_runner.parameters import check_parameters, declared_parameters
from lexclip_core.notebook_runner.paths import (
    Paths,
    link_weights,
    point_out_unknown,
    read_paths,
    require,
    resolved,
)
from lexclip_core.notebook_runner.records import read_metrics
from lexclip_core.notebook_runner.schedule import Job, Results, run_all

logger = logging.getLogger(__name__)

Parameters = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Settings:
    """How notebooks are run.

    Attributes:
        jobs: How many at a time; 0 takes the number of cores.
        again: Also run those whose executed copy was made from just the same.
        paths: The paths.toml that says where weights and data sets lie; the profile `paper` needs one.
        overrides: Values by parameter, for every notebook that declares it, in place of the profile's.
    """

    jobs: int = 0
    again: bool = False
    paths: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


class NotebooksFailed(NotebookError):
    """Some notebooks failed; the others ran.

    Args:
        failed: The error of each, by stem.
        left_out: Those not begun, and the one each needed.
        outcomes: The notebooks that ran through.
        copies: The folder of the executed copies.
    """

    def __init__(
        self,
        failed: Mapping[str, LexclipError],
        left_out: Mapping[str, str],
        outcomes: Sequence[Outcome],
        copies: Path,
    ) -> None:
        self.failed, self.left_out, self.outcomes = dict(failed), dict(left_out), tuple(outcomes)
        lines = [f"\n  - {error.problem}" for error in failed.values()]
        lines += [f"\n  - {stem} was not begun: it needs {need}" for stem, need in left_out.items()]
        total = len(failed) + len(left_out) + len(outcomes)
        super().__init__(
            f"{len(failed)} of {total} notebooks failed:{''.join(lines)}",
            f"the copies in {copies} hold the tracebacks; the same command runs only these again",
        )


def run_notebooks(
    profile: Profile,
    *,
    only: Sequence[str] = (),
    folder: Path | None = None,
    output: Path | None = None,
    settings: Settings | None = None,
) -> tuple[Outcome, ...]:
    """Run the notebooks of experiments.toml with one profile's parameters, and write a book of the copies.

    Everything that can be known before is checked before the first notebook starts. A copy that was made from
    the same notebook, parameters and code is not made again. After a failure the notebooks go on that do not
    need the failed one.

    Args:
        profile: `smoke`, `embedded` or `paper`.
        only: Notebooks to run, by file name, stem or number; all unless given.
        folder: Where experiments.toml and the notebooks lie.
        output: Where the executed copies go; `build/notebooks/<profile>` unless given.
        settings: How they are run.

    Returns:
        The outcome of every notebook asked for, in reading order.

    Raises:
        InputError: The profile, a name in `only`, or a parameter is unknown, or a value is of another type.
        MissingResourceError: Weights or data sets that the profile names are not there.
        NotebooksFailed: Cells failed.
    """
    settings = settings or Settings()
    if profile not in PROFILES:
        raise InputError(f"there is no profile {profile!r}", f"choose among: {', '.join(PROFILES)}")
    folder = folder or notebooks_folder()
    output = output or storage.project_root() / "build" / "notebooks" / profile
    experiments = read_experiments(folder / "experiments.toml")
    chosen = selected(experiments, only)
    paths = read_paths(settings.paths) if settings.paths else Paths()
    point_out_unknown(paths, experiments)
    _refuse_unknown(settings.overrides, experiments, folder)
    parameters = _parameters(chosen, profile, folder, settings)
    require(chosen, parameters, paths)
    parameters = {file: resolved(values, paths) for file, values in parameters.items()}
    keys = _keys(chosen, parameters, folder)
    kept = {} if settings.again else _kept(chosen, keys, output)
    jobs = [
        Job(one.stem, one.needs, one.minutes[profile], _runner(folder / one.file, parameters, output, keys))
        for one in chosen
        if one.stem not in kept
    ]
    with quiet_kernels(**_environment(paths, output, settings)):
        results = run_all(jobs, at_once=_at_once(settings), what=f"notebooks ({profile})")
    results.done |= kept
    return _finished(chosen, experiments, results, output, profile)


def _parameters(
    chosen: Sequence[Experiment], profile: Profile, folder: Path, settings: Settings
) -> dict[str, dict[str, Any]]:
    """Return each notebook's parameters by file, checked."""
    found = {}
    for one in chosen:
        declared = declared_parameters(folder / one.file)
        mine = {name: value for name, value in settings.overrides.items() if name in declared}
        found[one.file] = {**one.parameters[profile], **mine}
        check_parameters(folder / one.file, found[one.file])
    return found


def _refuse_unknown(overrides: Mapping[str, Any], experiments: Sequence[Experiment], folder: Path) -> None:
    known: set[str] = set()
    if overrides:
        known = known.union(*(declared_parameters(folder / one.file) for one in experiments))
    for name in overrides:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"no notebook has a parameter {name!r}",
                f"{hint}see the parameters cell near a notebook's top",
            )


def _keys(chosen: Sequence[Experiment], parameters: Parameters, folder: Path) -> dict[str, str]:
    keys: dict[str, str] = {}
    for one in chosen:  # what a notebook needs stands before it
        needs = [keys.get(need, "") for need in one.needs]
        keys[one.stem] = content_key(folder / one.file, parameters[one.file], needs)
    return keys


def _kept(chosen: Sequence[Experiment], keys: Mapping[str, str], output: Path) -> dict[str, Outcome]:
    found = {}
    for one in chosen:
        copy = output.resolve() / one.file
        seconds = kept_seconds(copy, keys[one.stem])
        if seconds is not None:
            logger.info("%s is unchanged since it was run", one.stem)
            found[one.stem] = Outcome(one.file, copy, seconds, read_metrics(copy), kept=True)
    return found


def _runner(path: Path, parameters: Parameters, output: Path, keys: Mapping[str, str]) -> Any:
    return lambda: run_notebook(path, parameters[path.name], output=output, key=keys[path.stem])


def _at_once(settings: Settings) -> int:
    if settings.jobs < 0:
        raise InputError(
            f"jobs is {settings.jobs}", "give how many notebooks may run at a time, 0 for one a core"
        )
    return settings.jobs or _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _environment(paths: Paths, output: Path, settings: Settings) -> dict[str, str]:
    """Return what kernels find in their environment: the weights' folder, and each its share of the cores."""
    found = {}
    weights = link_weights(paths, output.resolve() / "weights")
    if weights is not None:
        found["LEXCLIP_WEIGHTS"] = str(weights)
    if "OMP_NUM_THREADS" not in os.environ:
        found["OMP_NUM_THREADS"] = str(max(1, _cores() // _at_once(settings)))
    return found


def _finished(
    chosen: Sequence[Experiment],
    experiments: Sequence[Experiment],
    results: Results[Outcome],
    output: Path,
    profile: Profile,
) -> tuple[Outcome, ...]:
    """Write the book, and return what ran or raise what failed."""
    pages = [
        _page(one, results, output) for one in experiments if one in chosen or (output / one.file).exists()
    ]
    logger.info("the book: %s", write_book(pages, output, profile))
    outcomes = tuple(results.done[one.stem] for one in chosen if one.stem in results.done)
    if results.failed:
        raise NotebooksFailed(results.failed, results.left_out, outcomes, output)
    return outcomes


def _page(experiment: Experiment, results: Results[Outcome], output: Path) -> Page:
    stem = experiment.stem
    if stem in results.failed:
        state = f"failed: {results.failed[stem].problem}"
    elif stem in results.left_out:
        state = f"not run: it needs {results.left_out[stem]}"
    elif stem in results.done:
        state = f"{results.done[stem].seconds:.0f} s"
    else:
        state = "of an earlier run"
    return Page(experiment, output / experiment.file, state)
