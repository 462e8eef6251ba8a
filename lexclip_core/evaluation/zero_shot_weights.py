"""Class names and templates -> one unit row a class: the classifier that a text encoder makes of words."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.towers.prompts import openai_templates

Encode = Callable[[Sequence[str]], np.ndarray]

TEMPLATES: dict[str, tuple[str, ...]] = {
    "name": ("{}",),
    "photo": ("a photo of a {}",),
    "emoji": ("{}", "an emoji of a {}", "a picture of a {}", "a drawing of a {}"),
    "face": ("a face that looks {}",),
    "openai": openai_templates(),
}
"""Named sets of sentences: the bare name, one caption, four for drawings, faces, OpenAI's 80 for ImageNet."""

_SHORTEST = 1e-6


def class_weights(
    encode: Encode, names: Sequence[str], templates: Sequence[str] = TEMPLATES["name"]
) -> np.ndarray:
    """Return one float32 unit row a class, shape (classes, dim): the mean over templates, normalised again.

    As open_clip's `build_zero_shot_classifier`, whose result is the transpose. All texts go to the encoder in
    one call, those of one class next to each other.

    Args:
        encode: Texts -> unit rows (texts, dim), such as a tower's `encode_texts`.
        names: The classes' names, used exactly as given.
        templates: Sentences with `{}` where the name stands; `TEMPLATES` has named sets.

    Raises:
        InputError: A text instead of a list of texts, an empty or repeated name, a template without `{}`,
            with a named or numbered field, or that is no text; or rows that are not what they must be.
    """
    _check_names(names)
    _check_templates(templates)
    texts = [template.format(name) for name in names for template in templates]
    rows = np.asarray(encode(texts))
    if rows.ndim != 2 or len(rows) != len(texts) or not np.isfinite(rows).all():
        raise InputError(
            f"the encoder gave shape {rows.shape} for {len(texts)} texts, or numbers that are not finite",
            "give a function that returns one unit row a text",
        )
    means = rows.reshape(len(names), len(templates), -1).mean(axis=1, dtype=np.float64)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    if lengths.min() < _SHORTEST:
        raise InputError(
            f"the templates of {names[int(lengths.argmin())]!r} cancel each other out", "use other templates"
        )
    return (means / lengths).astype(np.float32)


def _check_names(names: Sequence[str]) -> None:
    if isinstance(names, str):
        raise InputError(f"the class names are one text, {names!r}", f"give a list: [{names!r}]")
    if not len(names):
        raise InputError("there are no class names", "give at least one")
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{name!r} is no class name", "give texts that are not empty")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        shown = ", ".join(map(repr, repeated[:5])) + (", ..." if len(repeated) > 5 else "")
        raise InputError(
            f"{len(repeated)} class names stand for several classes: {shown}",
            "give every class a name of its own: a picture of one cannot be told from the other",
        )


def _check_templates(templates: Sequence[str]) -> None:
    if isinstance(templates, str):
        raise InputError(f"the templates are one text, {templates!r}", f"give a list: [{templates!r}]")
    if not len(templates):
        raise InputError("there are no templates", "give at least one, such as '{}'")
    for template in templates:
        _check_template(template)


def _check_template(template: object) -> None:
    if not isinstance(template, str):
        raise InputError(f"{template!r} is no template", "give a text such as 'a photo of a {}'")
    try:
        parts = [part[1:] for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise InputError(f"the template {template!r} cannot be read: {error}", "write {} once") from error
    if not parts:
        raise InputError(
            f"the template {template!r} has no {{}}, so that all classes would be the same text",
            "write {} where the name stands",
        )
    if parts != [("", "", None)]:
        raise InputError(f"the template {template!r} is not filled by one name", "write a plain {} once")
