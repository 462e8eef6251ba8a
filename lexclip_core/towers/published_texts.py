"""The prompts and class names that CLIP's authors published for ImageNet, as open_clip lists them.

They are read from the one file of open_clip that lists them: importing the package takes seconds, with torch.
"""

from __future__ import annotations

import importlib.util
import runpy
from functools import cache
from pathlib import Path
from typing import Any

from lexclip_core.errors import MissingResourceError


@cache
def _lists() -> dict[str, Any]:
    package = importlib.util.find_spec("open_clip")
    folders = package.submodule_search_locations if package else None
    file = Path(folders[0]) / "zero_shot_metadata.py" if folders else None
    if file is None or not file.is_file():
        raise MissingResourceError("open_clip is not installed here", "pip install open_clip_torch")
    return runpy.run_path(str(file))


def openai_templates() -> tuple[str, ...]:
    """Return the 80 templates as texts, each with one `{}` where the class name goes.

    Raises:
        MissingResourceError: open_clip is not installed.

    >>> openai_templates()[0]
    'a bad photo of a {}.'
    """
    return tuple(template("{}") for template in _lists()["OPENAI_IMAGENET_TEMPLATES"])


def curated_imagenet_names() -> tuple[str, ...]:
    """Return a name for each of the 1,000 classes, in the order of the challenge.

    "missile" and "sunglasses" are each the name of two classes.

    Raises:
        MissingResourceError: open_clip is not installed.

    >>> curated_imagenet_names()[:2]
    ('tench', 'goldfish')
    """
    return tuple(_lists()["IMAGENET_CLASSNAMES"])
