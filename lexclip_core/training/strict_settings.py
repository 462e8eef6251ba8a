"""Frozen settings that refuse what they do not read, in the house's words.

The base of every settings class: pydantic checks types and ranges, and what it finds becomes an `InputError`
that names the value, what is wrong with it, and the valid choices.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from lexclip_core.errors import InputError
from lexclip_core.text_files import read_toml

Names = Callable[[], Collection[str]]


class Condition(NamedTuple):
    """When a setting is read.

    Attributes:
        name: The setting.
        read: All settings by name -> whether it is read.
        unread: Why it is not, otherwise: what follows "it is not read".
    """

    name: str
    read: Callable[[Mapping[str, Any]], bool]
    unread: str


class SettingDoc(NamedTuple):
    """One row of the table of settings.

    Attributes:
        name: The setting.
        kind: Its type, or its choices.
        default: Its default, as text.
        meaning: What it does.
    """

    name: str
    kind: str
    default: str
    meaning: str


class StrictSettings(BaseModel):
    """Settings that cannot be changed, know when each of them is read, and refuse all others.

    An integer may stand for a float, and 3 and 3.0 are one setting; True is no number and "3" is no number.
    `replace` gives changed settings.

    Raises:
        InputError: A setting is unknown, has the wrong type or range, or is not read beside the others.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    conditions: ClassVar[tuple[Condition, ...]] = ()
    """Settings that are read only beside certain others."""
    registries: ClassVar[Mapping[str, Names]] = {}
    """Settings whose choices are the names of a registry, looked up when a value is checked."""
    old_names: ClassVar[Mapping[str, str]] = {}
    """Names that settings had before -> the remedy that says the new one."""
    pattern_remedies: ClassVar[Mapping[str, str]] = {}
    """Settings that follow a pattern -> the remedy where a value does not."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Let a setting that gets another default in a subclass mean what it meant."""
        for name, field in cls.model_fields.items():
            kinds = [kind for kind in cls.__mro__ if issubclass(kind, StrictSettings)]
            texts = [kind.model_fields[name].description for kind in kinds if name in kind.model_fields]
            field.description = " ".join(next(filter(None, texts), "").split())

    if not TYPE_CHECKING:  # type checkers know the arguments by the fields

        def __init__(self, **values: Any) -> None:
            """Make settings; what is not given has its default.

            Raises:
                InputError: A setting is unknown, has the wrong type or range, or is not read.
            """
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise _input_error(type(self), error) from None

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuse to change a setting."""
            raise InputError(
                f"settings cannot be changed, {name} included", f"make others: settings.replace({name}=...)"
            )

    @field_validator("*", mode="after")
    @classmethod
    def _plain_float(cls, value: Any) -> Any:
        return float(value) + 0.0 if isinstance(value, float) else value  # -0.0 equals 0.0

    @model_validator(mode="after")
    def _check_all(self) -> Self:
        values = self.__dict__
        for name, names in self.registries.items():
            known = names()
            if values[name] not in known:
                raise InputError(f"{name} is {values[name]!r}", f"choose one of {', '.join(known)}")
        for condition in self.conditions:
            if condition.name in self.model_fields_set and not condition.read(values):
                raise InputError(
                    f"{condition.name} is {values[condition.name]!r}, but it is not read {condition.unread}",
                    f"leave {condition.name} out",
                )
        self._check()
        return self

    def _check(self) -> None:
        """Check what a class asks of its settings together."""

    @classmethod
    def merged(cls, start: Mapping[str, Any], changes: Mapping[str, Any]) -> Self:
        """Return the settings of a start and changes; what the changes leave unread falls away.

        Raises:
            InputError: A name is unknown, or a value is refused.
        """
        values = {**start, **changes}
        full = {name: field.default for name, field in cls.model_fields.items()} | values
        for condition in cls.conditions:
            if condition.name not in changes and not condition.read(full):
                values.pop(condition.name, None)
                full[condition.name] = cls.model_fields[condition.name].default
        return cls(**values)

    def replace(self, **changes: Any) -> Self:
        """Return these settings with some changed.

        Raises:
            InputError: A name is unknown, or a value is refused.
        """
        return self.merged(self.flat(), changes)

    def flat(self) -> dict[str, Any]:
        """Return the settings that are read as a flat dict of plain values."""
        values = self.__dict__
        unread = {one.name for one in self.conditions if not one.read(values)}
        return {name: values[name] for name in type(self).model_fields if name not in unread}

    @classmethod
    def refuse_unknown(cls, name: str) -> InputError:
        """Return the error for a setting that there is not."""
        if name in cls.old_names:
            return InputError(f"the setting {name!r} has another name now", cls.old_names[name])
        return InputError(f"unknown setting {name!r}", f"the settings are {', '.join(cls.model_fields)}")

    @classmethod
    def table(cls) -> tuple[SettingDoc, ...]:
        """Return what the settings mean, one row each, in their order."""
        return tuple(
            SettingDoc(name, _kind(cls, name), str(field.default), field.description or "")
            for name, field in cls.model_fields.items()
        )

    @classmethod
    def read_texts(cls, texts: Iterable[str]) -> dict[str, Any]:
        """Return values given as texts of the form name=value, each of its setting's type.

        An unknown name stays a text, which the settings then refuse.

        Raises:
            InputError: A text has no `=`, or a value is no number where one is wanted.
        """
        values: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals:
                raise InputError(f"the setting {text!r} has no value", "write name=value")
            kind = cls.model_fields[name].annotation if name in cls.model_fields else str
            try:
                values[name] = _READERS.get(kind, str)(value)
            except ValueError as error:
                raise InputError(f"{name} is {value!r}", f"give a {_KINDS[kind]}") from error
        return values


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings in a TOML file: plain names and values, no tables.

    Raises:
        InputError: The file is not there, is not TOML, or has a table.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there", "name a file with lines such as seed = 1")
    values = read_toml(path, remedy="write lines such as seed = 1 into the file")
    for name, value in values.items():
        if isinstance(value, dict):
            raise InputError(f"{path} has a table {name!r}", "write settings as plain lines: seed = 1")
    return values


_KINDS: Mapping[Any, str] = {int: "whole number", float: "number", str: "text"}
_READERS: Mapping[Any, Callable[[str], Any]] = {int: int, float: float}
_WANTED: Mapping[str, str] = {
    "int_type": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "string_type": "give a text",
    "finite_number": "give a finite number",
    "greater_than": "give a value above {gt}",
    "greater_than_equal": "give a value of at least {ge}",
    "less_than_equal": "give a value of at most {le}",
    "string_too_short": "give a name",
}
"""Kind of a pydantic error -> the remedy, with the error's own context filled in."""


def _kind(settings: type[StrictSettings], name: str) -> str:
    return ", ".join(_choices(settings, name)) or _KINDS[settings.model_fields[name].annotation]


def _choices(settings: type[StrictSettings], name: str) -> tuple[str, ...]:
    if name in settings.registries:
        return tuple(settings.registries[name]())
    annotation = settings.model_fields[name].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _input_error(settings: type[StrictSettings], error: ValidationError) -> InputError:
    """Return the first of pydantic's errors in the house's words."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    context = first.get("ctx", {})
    own = context.get("error")
    if isinstance(own, InputError):  # raised by a check of ours
        return own
    if first["type"] == "extra_forbidden":
        return settings.refuse_unknown(name)
    problem = f"{name} is {first['input']!r}"
    if first["type"] == "literal_error":
        return InputError(problem, f"choose one of {', '.join(_choices(settings, name))}")
    if first["type"] == "string_pattern_mismatch":
        return InputError(problem, settings.pattern_remedies[name])
    return InputError(problem, _WANTED.get(first["type"], first["msg"]).format(**context))
