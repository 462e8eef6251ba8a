"""Run the `lexclip` command as `python -m lexclip_core.cli`."""

from __future__ import annotations

from lexclip_core.cli import main

main()
