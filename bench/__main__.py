"""Run measurements, print them as tables, and keep them in build/bench.json.

With `--keep` they also replace those of the same parts in data/scale/bench.json, which docs/speed.md shows.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.table import processor, show
from lexclip_core import storage

Part = dict[str, Any]
"""When, on which processor, beside what load a part was measured, and its rows."""

PARTS = (
    "bench.wu_palmer",
    "bench.encoding",
    "bench.training_step",
    "bench.lexclip_run",
    "bench.scale",
    "bench.zero_shot",
    "bench.image_tower",
    "bench.paraclip_step",
    "bench.retrieval",
    "bench.card",
    "bench.app",
    "bench.gpu",
)


def _written(path: Path, parts: dict[str, Part]) -> None:
    with storage.atomic_write(path) as temporary:
        temporary.write_text(json.dumps(parts, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"\nkept in {path}\n")


def main() -> None:
    """Measure the parts named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [part.removeprefix("bench.") for part in PARTS if find_spec(part)]
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(known)}; all if none")
    parser.add_argument(
        "--keep", action="store_true", help="also replace these parts in data/scale/bench.json"
    )
    given = parser.parse_args()
    if unknown := [part for part in given.parts if part not in known]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(known)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    measured: dict[str, Part] = {}
    for part in given.parts or known:
        sys.stdout.write(f"\n{part}\n\n")
        about: Part = {
            "when": datetime.now(UTC).date().isoformat(),
            "processor": processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        }
        about["rows"] = importlib.import_module(f"bench.{part}").rows()
        show(about["rows"])
        measured[part] = about
    _written(storage.project_root() / "build" / "bench.json", measured)
    if given.keep:
        path = storage.data_folder() / "scale" / "bench.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        both = before | measured
        _written(path, {part: both[part] for part in known if part in both})


if __name__ == "__main__":
    main()
