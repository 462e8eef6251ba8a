"""The errors lexclip raises on purpose: each names the value, the reason and the remedy."""

from __future__ import annotations


class LexclipError(Exception):
    """An expected failure whose message a user can act on.

    Args:
        problem: What was wrong, naming the offending value.
        remedy: What the user can do about it; appended to the message.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}\n  Remedy: {remedy}" if remedy else problem)


class InputError(LexclipError, ValueError):
    """A value given by the user cannot be used."""


class MissingResourceError(LexclipError):
    """A file, package, data set or weight file that the work needs is not there."""


class DamagedFileError(LexclipError):
    """A file exists but its content is not what it must be."""


class StorageError(LexclipError, OSError):
    """A file could not be written: read-only folder, full disk, missing permission."""


class DivergenceError(LexclipError):
    """A training loss became NaN, infinite or absurdly large."""
