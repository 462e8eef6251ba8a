"""Commands about the ledger: both papers and what was measured, and collecting the measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from lexclip_core.cli.application import Json, application, emit, example, table
from lexclip_core.cli.notebooks import notebooks
from lexclip_core.errors import InputError

_WIDTH = 60


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
    from lexclip_core.papers.blog_curves import class_lists
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
