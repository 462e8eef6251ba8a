"""The index in notebooks/README.md: what each notebook asks, and how long it takes.

`python -m tools.notebook_index` writes it anew from experiments.toml.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError
from tools.notebook_runner.catalogue import PROFILES, NotebookEntry, read_catalogue

_TABLE = re.compile(r"^\| notebook \|.*(?:\n\|.*)*", re.MULTILINE)


def index_table(entries: Sequence[NotebookEntry]) -> str:
    """Return the Markdown table of notebooks/README.md, one row per notebook.

    Args:
        entries: The notebooks in reading order.
    """
    header = ["notebook", "question", "claims", *(f"{profile}, min" for profile in PROFILES)]
    rows = [
        [
            f"[{entry.stem}]({entry.file}): {entry.title}",
            entry.question,
            ", ".join(entry.claims),
            *(f"{entry.minutes[profile]:g}" for profile in PROFILES),
        ]
        for entry in entries
    ]
    lines = [header, ["---"] * 3 + ["---:"] * len(PROFILES), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def with_index(text: str, table: str) -> str:
    """Return a page with its index replaced.

    Args:
        text: The page in Markdown.
        table: What `index_table` gives.

    Raises:
        DamagedFileError: The page has no index, or more than one.
    """
    if len(_TABLE.findall(text)) != 1:
        raise DamagedFileError("the page does not have one table that begins `| notebook |`", "put one in")
    return _TABLE.sub(lambda _: table, text)


def main() -> None:
    """Write the index into notebooks/README.md."""
    page = storage.notebooks_folder() / "README.md"
    text = with_index(page.read_text(encoding="utf-8"), index_table(read_catalogue()))
    with storage.atomic_write(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
