"""Run all measurements, print them as a table, and keep them in build/bench.json."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import platform
import sys
from datetime import UTC, datetime
from importlib.util import find_spec

from bench.table import Row, met, show
from lexclip_core import storage

PARTS = (
    "bench.wu_palmer",
    "bench.encoding",
    "bench.training_step",
    "bench.scale",
    "bench.zero_shot",
    "bench.image_tower",
    "bench.paraclip_step",
    "bench.retrieval",
    "bench.card",
    "bench.app",
    "bench.gpu",
)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next(line.split(":")[1].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main() -> None:
    """Measure the parts named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [part.removeprefix("bench.") for part in PARTS if find_spec(part)]
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(known)}; all if none")
    chosen = parser.parse_args().parts or known
    if unknown := [part for part in chosen if part not in known]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(known)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    measured: list[Row] = []
    for part in chosen:
        sys.stdout.write(f"\n{part}\n\n")
        rows = importlib.import_module(f"bench.{part}").rows()
        show(rows)
        measured += [{"part": part, **row, "met": met(row)} for row in rows]
    about = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processor": _processor(),
        "rows": measured,
    }
    path = storage.project_root() / "build" / "bench.json"
    with storage.atomic_write(path) as temporary:
        temporary.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"\nkept in {path}\n")


if __name__ == "__main__":
    main()
