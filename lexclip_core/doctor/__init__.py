"""What this machine has and lacks for lexclip; the doctor must work when all else is broken."""

from __future__ import annotations

from lexclip_core.doctor.checks import BROWSERS, CHECKS, find_browser
from lexclip_core.doctor.report import Finding, Report, Status, broken

__all__ = ["BROWSERS", "CHECKS", "Finding", "Report", "Status", "examine", "find_browser"]


def examine() -> Report:
    """Return what this machine has and lacks; no check can stop another.

    Missing weights are fetched where the hub is in reach, because the first start would do the same.
    """
    findings: list[Finding] = []
    for name, (check, needed) in CHECKS.items():
        try:
            findings += check()
        except Exception as error:  # the whole point: whatever is broken, say so and go on
            findings.append(broken(name, error, needed=needed))
    return Report(tuple(findings))
