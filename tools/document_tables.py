"""Fills the blocks of the documents that are made of what is stored in `data`.

`make tables` (`python -m tools.document_tables`) rewrites what stands between `<!-- NAME: begin -->` and
`<!-- NAME: end -->`, and names the blocks that changed; with `--check` it writes nothing, and ends with
status 1 if one differs. Nothing is measured here: what measures stores a file, a run or a card in `data`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from bench.table import cells
from lexclip_core import storage
from lexclip_core.evaluation.card import Card, Row, cards_folder, read_card, side_by_side
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.evaluation.senses import POLYSEMY
from lexclip_core.experiments.run_folder import RunSummary, comparison, list_runs, run_of_preset
from lexclip_core.papers.measurement import read_measurements
from tools import attribute_costs, name_causes, word_claims, word_vector_tuning
from tools.markdown import interval, table, with_block
from tools.paraclip_tables import items_table, runs_table, sweep_table
from tools.tuning_tables import aims_table, alphas_table, changes_table, readings

README_RUNS = (
    *("lexclip", "lexclip-first", "blog-release"),
    *("lexclip-constant", "lexclip-shuffled", "lexclip-random-words"),
)
PARACLIP_RUNS = {name: f"`{name}`" for name in ("paraclip-emoji", "paraclip-emoji-texts")}
BASE = "all-MiniLM-L6-v2"
CARDS = (BASE, "glove-6b-50d", "lexclip", "lexclip-shuffled", "lexclip-constant", "paraclip-emoji")
"""Towers and presets with a card that docs/evaluation.md shows."""


def _runs() -> tuple[RunSummary, ...]:
    return list_runs(storage.data_folder() / "runs")[0]


def _stored(*path: str) -> pd.DataFrame:
    return pd.read_csv(storage.data_folder().joinpath(*path))


def _card(name: str) -> tuple[str, Card]:
    """Return a tower's or a preset's card, and what its file is called."""
    run = run_of_preset(name)
    file = run.run_id if run else name
    return file, read_card(cards_folder() / f"{file}.json")


def _measures(name: str) -> dict[str, Row]:
    return {row.id: row for row in _card(name)[1].rows}


def cards() -> str:
    """Return the main measures of `CARDS`."""
    main = {
        name: card.model_copy(update={"rows": tuple(row for row in card.rows if row.main)})
        for name, card in map(_card, CARDS)
    }
    found = side_by_side(main).replace("-", "n/a")
    rows = [[f"{row.measure}, {row.axis}", *row[4:]] for row in found.itertuples()]
    return table(["measure", *(f"`{name}`" for name in main)], rows)


def probes() -> str:
    """Return what cards say of negation and word order, control items included."""
    named = (BASE, "lexclip", "paraclip-emoji", "lexclip-shuffled")
    base, *others = (_measures(name) for name in named)
    rows = [
        [row.title, row.plain.n, *(interval(card[key].plain) for card in (base, *others))]
        for key, row in base.items()
        if key.endswith(("/meaning", "/thing"))
    ]
    return table(["item", "items", "base", *(f"`{name}`" for name in named[1:])], rows)


def senses() -> str:
    """Return what cards say of words by their senses, with the paired changes of `tools.word_claims`."""
    before, after = (_measures(name) for name in (BASE, "lexclip"))
    changes = {one.what.partition(":")[0]: one.change for one in read_measurements() if one.change}
    measured: dict[tuple[str, str], tuple[Estimate, Estimate, Estimate]] = {}
    for sense in ("dominant", "all"):
        for part in POLYSEMY:
            key = f"polysemy_{sense}/{part}"
            measured[sense, part] = before[key].plain, after[key].plain, changes[after[key].title]
    scores = [{key: row.plain for key, row in card.items()} for card in (before, after)]
    return word_claims.polysemy_table(measured, scores)


def accuracy() -> str:
    """Return how well the image tower that ships names drawings."""
    path = storage.data_folder() / "image_towers" / "emoji" / "accuracy.json"
    rows: dict[tuple[str, str], list[object]] = {}
    for one in json.loads(path.read_text(encoding="utf-8")):
        shown = (f"{one['value']:.3f}", f"{one['low']:.3f} to {one['high']:.3f}")
        pictures = f", {one['n']} pictures" if one["n"] > one["count"] else ""
        start = [one["classes"], f"{one['count']:,}{pictures}", one["names"]]
        rows.setdefault((one["classes"], one["names"]), start).extend(shown)
    heads = ["sorted into", "classes", "named by", "top-1", "95 %", "top-5", "95 %"]
    return table(heads, ([*row, *[""] * (len(heads) - len(row))] for row in rows.values()))


def growth() -> str:
    """Return how the image tower's accuracy grew over its training."""
    config = storage.data_folder() / "image_towers" / "emoji" / "open_clip_config.json"
    said = json.loads(config.read_text(encoding="utf-8"))["lexclip"]
    epochs = sum(stage["epochs"] for stage in said["recipe"]["stages"]) / said["steps"]
    found = _stored("image_towers", "growth.csv").query("variant == 'full recipe' and k == 1")
    values = found.set_index(["steps", "classes", "names"])["value"]
    columns = {
        "all mapped nouns, by label": ("all mapped nouns", "label"),
        "by lemma": ("all mapped nouns", "lemma"),
        "100 of them, by label": ("100 mapped nouns, 20 draws", "label"),
    }
    rows = [
        [f"{step:,}", round(step * epochs), *(f"{values[step, *key]:.3f}" for key in columns.values())]
        for step in sorted(set(found["steps"]))
    ]
    return table(["steps", "epochs", *columns], rows)


def names() -> str:
    """Return the accuracy with other names for the same things."""
    columns = {
        "base, names": ("base", "original"),
        "base, other names": ("base", "replaced"),
        "tuned, names": ("tuned", "original"),
        "tuned, other names": ("tuned", "replaced"),
        "`lexclip`, other names": ("lexclip", "replaced"),
    }
    found = pd.concat(_stored("name_study", f"{kind}.csv") for kind in ("synonym", "hypernym", "mixed"))
    rows = []
    for (kind, size), part in found.groupby(["kind", "K"], sort=False):
        by = part.set_index(["tower", "names"])
        means = (Estimate(*by.loc[key, ["mean", "low", "high"]]) for key in columns.values())
        rows.append([kind, size, *map(interval, means)])
    return table(["other names", "K", *columns], rows)


def blog_fast() -> str:
    """Return how near the fast form of the blog's training ends to the released one."""
    heads = ("run", "steps", "CPU s", "cosines moved by, mean", "from the released end, mean", "at most")
    rows = [
        [one.run, one.steps, f"{one.seconds:.0f}", f"{one.moved:.3f}"]
        + [f"{value:.4f}" for value in (one.from_release, one.largest, one.correlation)]
        for one in _stored("scale", "blog_fast.csv").itertuples()
    ]
    return table([*heads, "correlation of the moves"], rows)


def real_clip() -> str:
    """Return what trainings of a real CLIP take."""
    rows = []
    for one in _stored("scale", "real_clip.csv").itertuples():
        whole = f"{one.hours:.1f} h" if one.hours >= 1 else f"{60 * one.hours:.0f} min"
        each, peak = f"{one.seconds_each:.2g} s", f"{one.peak_mb:,} MB"
        rows.append([one.what, each, f"{one.times:,}", whole, peak, one.processor])
    return table(["what", "each, CPU", "times", "in all", "peak memory", "one core of"], rows)


def speed() -> str:
    """Return what `make bench` measured, part by part, and on what."""
    path = storage.data_folder() / "scale" / "bench.json"
    parts = json.loads(path.read_text(encoding="utf-8"))
    said: dict[str, list[str]] = {}
    for name, part in parts.items():
        on = f"{part['cores']} cores of {part['processor']}, {part['when']}, load {part['load']} before it"
        said.setdefault(on, []).append(name)
    about = "".join(f"{', '.join(names)}: {on}.\n" for on, names in said.items())
    heads = ["part", "what", "measured", "unit", "the plain way", "ratio", "aim", "reached"]
    rows = [[name, *cells(row)] for name, part in parts.items() for row in part["rows"]]
    return table(heads, rows) + "\n" + about


BLOCKS: Mapping[tuple[str, str], Callable[[], str]] = MappingProxyType(
    {
        ("README.md", "measured"): lambda: comparison(_runs(), README_RUNS),
        ("docs/tuning.md", "development"): lambda: alphas_table(
            _stored("scale", "alphas.csv"), "dev", _runs()
        ),
        ("docs/tuning.md", "test"): lambda: alphas_table(_stored("scale", "alphas.csv"), "test", _runs()),
        ("docs/tuning.md", "runs"): lambda: comparison(_runs()),
        ("docs/tuning.md", "changes"): lambda: changes_table(_runs()),
        ("docs/tuning.md", "readings"): lambda: readings(_runs()),
        ("docs/tuning.md", "aims"): lambda: aims_table(_runs()),
        ("docs/tuning.md", "attributes"): lambda: attribute_costs.page_table(
            _stored("scale", "attributes.csv")
        ),
        ("docs/evaluation.md", "probes"): probes,
        ("docs/evaluation.md", "cards"): cards,
        ("docs/evaluation.md", "senses"): senses,
        ("docs/evaluation.md", "words"): lambda: word_claims.curve_table(_stored("scale", "words.csv")),
        ("docs/paraclip.md", "runs"): lambda: runs_table(_runs(), PARACLIP_RUNS),
        ("docs/paraclip.md", "items"): lambda: items_table(read_measurements()),
        ("docs/paraclip.md", "table2"): lambda: sweep_table(_stored("paraclip", "table2.csv")),
        ("docs/paraclip.md", "ablation"): lambda: sweep_table(_stored("paraclip", "ablation.csv"), "setting"),
        ("docs/models.md", "vectors"): lambda: word_vector_tuning.page_table(
            _stored("scale", "word_vectors.csv")
        ),
        ("docs/pictures.md", "accuracy"): accuracy,
        ("docs/pictures.md", "growth"): growth,
        ("docs/pictures.md", "names"): names,
        ("docs/pictures.md", "causes"): lambda: name_causes.page_table(_stored("name_study", "causes.csv")),
        ("docs/speed.md", "measured"): speed,
        ("docs/training.md", "measured"): blog_fast,
        ("docs/real_clip.md", "measured"): real_clip,
    }
)
"""Document and name of each block -> what makes it."""


def fill(root: Path, *, check: bool = False) -> list[str]:
    """Rewrite the blocks of the documents below a folder.

    Args:
        root: The folder.
        check: Write nothing.

    Returns:
        The blocks that differed, such as "README.md: measured".

    Raises:
        DamagedFileError: A document does not have a block once.
    """
    differed = []
    for (document, name), make in BLOCKS.items():
        text = (root / document).read_text(encoding="utf-8")
        new = with_block(text, name, make())
        if new != text:
            differed.append(f"{document}: {name}")
            if not check:
                with storage.atomic_write(root / document) as temporary:
                    temporary.write_text(new, encoding="utf-8")
    return differed


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill the blocks, and name those that differed."""
    parser = argparse.ArgumentParser(prog="python -m tools.document_tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a block differs")
    check = parser.parse_args(arguments).check
    differed = fill(storage.project_root(), check=check)
    for one in differed:
        print(one)
    if check and differed:
        sys.exit(1)


if __name__ == "__main__":
    main()
