"""The `lexclip` command with all its commands: `lexclip`, or `python -m lexclip_core.cli`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lexclip_core import storage
from lexclip_core.cli import (  # noqa: F401 - importing a module adds its commands
    evaluation,
    machine,
    papers,
    paraphrase,
    runs,
    towers,
    training,
    words,
)
from lexclip_core.cli.application import application, run


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the `lexclip` command line, as `application.run` does."""
    root = str(storage.project_root())
    if root not in sys.path:
        sys.path.append(root)  # `tools.notebook_runner` lies there, in a clone as in a wheel
    run(application, "lexclip", arguments)


if __name__ == "__main__":
    main()
