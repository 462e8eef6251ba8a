"""What `--preset` and `--set name=value` say, read into the values of an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lexclip_core.errors import InputError


def flat_values(
    defaults: object, choices: Sequence[str], preset: str, settings: Iterable[str]
) -> dict[str, Any]:
    """Return a preset and changed settings as `from_flat` takes them, each value of its setting's type.

    Args:
        defaults: An experiment with the defaults, whose values tell the types.
        choices: The presets there are.
        preset: The one chosen.
        settings: Texts of the form name=value. An unknown name stays a text, and `from_flat` refuses it.

    Raises:
        InputError: An unknown preset, or a value that is missing or of the wrong type.
    """
    if preset not in choices:
        raise InputError(f"unknown preset {preset!r}", f"choose one of {', '.join(choices)}")
    values: dict[str, Any] = {"preset": preset}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting!r} has no value", "write name=value")
        values[name] = _typed(getattr(defaults, name, ""), name, text)
    return values


def _typed(default: Any, name: str, text: str) -> Any:
    kind = type(default)
    try:
        return kind(text)
    except ValueError as error:
        raise InputError(f"{name} is {text!r}", f"give a value of type {kind.__name__}") from error
