"""Commands about both papers: the notebooks that reproduce them, and the ledger of what was measured."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from lexclip_core.cli.application import Json, application, emit, example, group, table
from lexclip_core.errors import InputError

if TYPE_CHECKING:
    from tools.notebook_runner.catalogue import Profile
    from tools.notebook_runner.execution import Outcome

_WIDTH = 60

notebooks = group("notebooks", "List, copy or run notebooks.")

Folder = Annotated[
    Path | None,
    typer.Option(help="Folder of the notebooks, as copied [the project's own].", show_default=False),
]


@notebooks.command("list", epilog=example("lexclip notebooks list"))
def list_command(*, folder: Folder = None, as_json: Json = False) -> None:
    """List the notebooks in reading order."""
    from tools.notebook_runner.catalogue import PROFILES, read_catalogue

    entries = read_catalogue(folder)
    if as_json:
        emit([entry.model_dump(include={"file", "question", "claims", "minutes"}) for entry in entries])
        return
    rows = [(one.file, *(f"{one.minutes[name]:g}" for name in PROFILES), one.question) for one in entries]
    table(("notebook", *(f"{name}, min" for name in PROFILES), "question"), rows)


@notebooks.command(epilog=example("lexclip notebooks copy my_notebooks"))
def copy(folder: Annotated[Path, typer.Argument(help="Where the copies go.", metavar="DIR")]) -> None:
    """Copy the notebooks, with their parameters and what they need, into a folder of your own.

    The copies run from anywhere, in JupyterLab, with papermill, or with `lexclip notebooks run --folder DIR`.
    A file of the folder that differs is never replaced.
    """
    from tools.notebook_runner.catalogue import copy_notebooks

    copies = copy_notebooks(folder)
    typer.echo(f"{len(copies)} files in {folder}; open them: jupyter lab {folder}")


@notebooks.command(epilog=example("lexclip notebooks run --profile smoke --only 00"))
def run(  # noqa: PLR0913 - one option each
    *,
    profile: Annotated[str, typer.Option(help="smoke, embedded or paper.")] = "embedded",
    only: Annotated[
        list[str] | None, typer.Option(help="A notebook, by name or number; may be repeated [all].")
    ] = None,
    course: Annotated[
        bool, typer.Option("--course", help="The course with its answers instead; --only C3 implies it.")
    ] = False,
    folder: Folder = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the executed notebooks [build/notebooks/PROFILE, or FOLDER/executed/PROFILE]."
        ),
    ] = None,
    paths: Annotated[
        Path | None,
        typer.Option(help="Where weights and data sets are, for paper: see notebooks/paths.example.toml."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Notebooks at a time; 0 is one per core.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Also run what is unchanged.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE in every notebook that has the parameter; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run notebooks with a profile's parameters, several at a time, and write a book of them.

    The notebooks stay as they are; executed notebooks and the book, index.html, go to the output folder. One
    made from the same notebook, parameters and code is not made again. After a failure the others go on; the
    command ends with status 1.
    """
    from tools.notebook_runner.running import NotebooksFailed, RunOptions, course_folders, run_notebooks

    if course or any(re.match(r"C\d", name) for name in only or ()):
        folder, output = course_folders(folder, output)
    options = RunOptions(jobs=jobs, again=again, paths=paths, overrides=dict(map(_override, settings or ())))
    try:
        # the library names the valid profiles
        outcomes = run_notebooks(
            cast("Profile", profile), only=only or (), folder=folder, output=output, options=options
        )
        _show(outcomes, as_json=as_json)
    except NotebooksFailed as error:
        _show([*error.results.done.values()], as_json=as_json)
        raise


def _override(text: str) -> tuple[str, Any]:
    """Return a parameter's name and value; a value that is not TOML is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(
            f"--set {text!r} is not NAME=VALUE", "write it as in --set steps=2 or --set 'sizes=[3]'"
        )
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value


def _show(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        records = [
            {"file": one.file, "executed": str(one.executed), "seconds": one.seconds, "cached": one.cached}
            | {"metrics": dict(one.metrics)}
            for one in outcomes
        ]
        emit(records)
    elif outcomes:
        rows = [
            (one.file, f"{one.seconds:.0f}", "yes" if one.cached else "", one.executed) for one in outcomes
        ]
        table(("notebook", "seconds", "unchanged", "executed notebook"), rows)


@notebooks.command(epilog=example("lexclip notebooks collect --executed build/notebooks/embedded"))
def collect(
    *,
    executed: Annotated[
        Path | None,
        typer.Option(help="Folder of executed notebooks [build/notebooks/PROFILE].", show_default=False),
    ] = None,
    profile: Annotated[str, typer.Option(help="The profile that they ran with.")] = "embedded",
    output: Annotated[
        Path | None, typer.Option(help="Folder of the measurements [data/measured].", show_default=False)
    ] = None,
) -> None:
    """Collect what executed notebooks measured, for the ledger.

    The lists of classes are counted as well. Notebooks that were not executed keep the measurements that they
    have.
    """
    from lexclip_core.experiments.run_folder import git_commit
    from lexclip_core.papers.comparisons import class_lists
    from lexclip_core.papers.measurement import measured_folder, write_measurements
    from lexclip_core.wordnet.tables import load_wordnet
    from tools.notebook_runner.execution import collect_measurements
    from tools.notebook_runner.running import default_output

    by_notebook = collect_measurements(executed or default_output(profile), profile=profile)
    recorded = [one for measured in by_notebook.values() for one in measured]
    commit = git_commit()
    recorded += [
        replace(one, notebook="class_lists", profile=profile, commit=commit)
        for one in class_lists(load_wordnet())
    ]
    write_measurements(recorded, output or measured_folder())
    table(("notebook", "measurements"), [(stem, len(measured)) for stem, measured in by_notebook.items()])


@application.command(epilog=example("lexclip ledger --claim B5"))
def ledger(
    *,
    claim: Annotated[
        str | None, typer.Option(help="One claim with the numbers that bear on it, such as B5.")
    ] = None,
    paper: Annotated[
        str | None, typer.Option(help="blog, paraclip, open_clip or clip_benchmark [all].")
    ] = None,
    verdict: Annotated[
        str | None, typer.Option(help="reproduced, not judged here, ...: any verdict [all].")
    ] = None,
    measured: Annotated[
        Path | None, typer.Option(help="Folder of other measurements [data/measured].", show_default=False)
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write everything to this HTML file instead.")] = None,
    as_json: Json = False,
) -> None:
    """Set claims and numbers of both papers and what was measured here, each with a verdict.

    Without a choice the claims alone are listed, and how many have which verdict; --json and --html have
    every number as well.
    """
    from lexclip_core.papers.ledger import ledger_table, tally, write_page
    from lexclip_core.papers.measurement import read_measurements
    from lexclip_core.papers.verdicts import Verdict

    ours = read_measurements(measured)
    if html is not None:
        typer.echo(f"wrote {write_page(html, ours)}")
        return
    rows = ledger_table(ours)
    for column, wanted in (("paper", paper), ("verdict", verdict)):
        if wanted is not None:
            known = list(dict.fromkeys(rows[column])) if column == "paper" else get_args(Verdict)
            if wanted not in known:
                raise InputError(f"unknown {column} {wanted!r}", f"choose among: {', '.join(known)}")
            rows = rows[rows[column] == wanted]
    if claim is not None:
        bears = rows["claims"].str.split().map(lambda ids: claim.upper() in ids)
        rows = rows[bears]
    elif not as_json and paper is None:
        rows = rows[rows["kind"] == "claim"]
    if claim is not None and rows.empty:
        raise InputError(f"nothing bears on a claim {claim!r}", "claims are B1 to B30 and P1 to P26")
    records = rows.to_dict("records")
    if as_json:
        emit([{name: None if value != value else value for name, value in row.items()} for row in records])
    else:
        table(("row", "verdict", "the paper", "here", "why"), [_line(row) for row in records])
        if claim is None and paper is None and verdict is None:
            typer.echo(tally(rows))


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    from lexclip_core.papers.ledger import measured_text, reported_text
    from lexclip_core.papers.verdicts import SYMBOLS

    name = f"{row['id']} {row['statement']}" if row["kind"] == "claim" else row["statement"]
    here = ": ".join(filter(None, [row["measured"], measured_text(row)]))
    why = f"{row['tests']}; {row['reason']}" if "," in row["tests"] else row["reason"]
    said = (_short(name), f"{SYMBOLS[row['verdict']]} {row['verdict']}", reported_text(row), _short(here))
    return (*said, why)


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
