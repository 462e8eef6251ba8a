"""What an examination found: one finding a thing, each with its fix."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from lexclip_core.errors import LexclipError

Status = Literal["ok", "absent", "broken"]

SET_UP = "make setup"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        status: `ok`, `absent` (not there) or `broken` (there, but it does not work).
        detail: What was found: a version, a path, an error's message.
        fix: What to do about it; empty when all is well.
        needed: Whether the explorer cannot open, or no word can be encoded, without it.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Report:
    """All findings of one examination."""

    findings: tuple[Finding, ...]

    @property
    def able(self) -> bool:
        """Whether the explorer opens and the default tower encodes a word."""
        return not any(one.needed and one.status != "ok" for one in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"able": self.able, "findings": [asdict(one) for one in self.findings]}

    def as_text(self) -> str:
        """Return one line a finding, its fix below, and a closing verdict."""
        width = max(len(one.name) for one in self.findings)
        lines = []
        for one in self.findings:
            lines.append(f"{one.status:<7} {one.name:<{width}}  {one.detail}")
            if one.fix:
                lines.append(f"{'':<7} {'':<{width}}  fix: {one.fix}")
        lines.append(
            "The explorer can open and the default tower encodes words."
            if self.able
            else "The main job cannot run: mend what is marked above, first things first."
        )
        return "\n".join(lines)


def broken(name: str, error: Exception, *, fix: str = SET_UP, needed: bool = False) -> Finding:
    """Return the finding that an exception amounts to."""
    if isinstance(error, LexclipError):
        return Finding(name, "broken", error.problem, error.remedy or fix, needed)
    message = " ".join(str(error).split())
    return Finding(name, "broken", f"{type(error).__name__}: {message}", fix, needed)
