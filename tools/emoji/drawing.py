"""The drawing styles: which package draws a concept how, rendered to 64 x 64 pixels with alpha."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from PIL import Image, ImageDraw, ImageFont

from lexclip_core.datasets.emoji.sprites import SIZE, STYLE_TITLES
from lexclip_core.errors import MissingResourceError
from tools.emoji.concepts import Concept

_NOTO_PIXELS = 109  # the one size that the font's bitmaps exist in
_NOTO_FILE = "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"

Role = Literal["shipped", "held_out", "training_only"]


class Drawer(Protocol):
    """Draws one concept in one style."""

    def draw(self, concept: Concept) -> Image.Image | None:
        """Return the picture as 64 x 64 RGBA, or None where the style lacks the concept."""


@dataclass(frozen=True)
class Style:
    """One drawing style.

    Args:
        name: The name in file columns and on pages.
        title: The name that its makers use.
        package: A key of `packages.PACKAGES`.
        role: `shipped` and `held_out` styles lie in `data/emoji`, and the image tower never sees the held-out
            one; `training_only` styles are fetched when the image tower is built.
        open: Given the unpacked package's folder, returns what draws.
    """

    name: str
    title: str
    package: str
    role: Role
    open: Callable[[Path], Drawer]


def render_svg(svg: str) -> Image.Image:
    """Return an SVG drawn into 64 x 64 pixels, centred, in its own proportions."""
    try:
        import resvg_py  # in requirements-dev.txt: only making the emoji again needs it
    except ImportError as error:
        raise MissingResourceError(
            "drawing SVG files needs the package resvg_py, which is not installed",
            "pip install -r requirements-dev.txt",
        ) from error
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE, skip_system_fonts=True))
    return _centred(Image.open(io.BytesIO(png)).convert("RGBA"))


def _centred(picture: Image.Image) -> Image.Image:
    if picture.size == (SIZE, SIZE):
        return picture
    fitted = picture.copy()
    fitted.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", (SIZE, SIZE))
    canvas.paste(fitted, ((SIZE - fitted.width) // 2, (SIZE - fitted.height) // 2))
    return canvas


class SvgFolder:
    """A folder of SVG files named by code points.

    Args:
        folder: The folder.
        letter_case: How the code points are written in the file names.
    """

    def __init__(self, folder: Path, letter_case: Literal["lower", "upper"]) -> None:
        self._folder = folder
        self._change_case = {"lower": str.lower, "upper": str.upper}[letter_case]

    def draw(self, concept: Concept) -> Image.Image | None:
        """Return the picture as 64 x 64 RGBA, or None where the style lacks the concept."""
        plain = concept.hexcode.replace("-FE0F", "")
        for code in (concept.hexcode, plain, plain.lstrip("0")):  # makers differ in what they leave away
            path = self._folder / f"{self._change_case(code)}.svg"
            if path.exists():
                return render_svg(path.read_text("utf-8"))
        return None


class IconSet:
    """An icon set in Iconify's layout: one `icons.json` whose icons are named by CLDR labels."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "icons.json"

    @cached_property
    def _set(self) -> dict[str, Any]:
        icons: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
        return icons

    def draw(self, concept: Concept) -> Image.Image | None:
        """Return the picture as 64 x 64 RGBA, or None where the style lacks the concept."""
        icons, aliases = self._set["icons"], self._set.get("aliases", {})
        for name in (*concept.slugs, *(slug.replace("-", "") for slug in concept.slugs)):
            alias = aliases.get(name, {})
            if set(alias) <= {"parent"}:  # turned and mirrored aliases are other drawings
                icon = icons.get(alias.get("parent", name))
                if icon is not None:
                    return render_svg(self._svg(icon))
        return None

    def _svg(self, icon: dict[str, Any]) -> str:
        box = [
            icon.get("left", 0),
            icon.get("top", 0),
            icon.get("width", self._set.get("width", 16)),
            icon.get("height", self._set.get("height", 16)),
        ]
        view = " ".join(str(value) for value in box)
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'color="black" viewBox="{view}">{icon["body"]}</svg>'
        )


class BitmapFont:
    """Noto's colour font, whose glyphs are pictures."""

    def __init__(self, folder: Path) -> None:
        path = folder / _NOTO_FILE
        self._font = ImageFont.truetype(str(path), _NOTO_PIXELS, layout_engine=ImageFont.Layout.RAQM)
        self._missing = self._paint("\U0010fffd").tobytes()

    def draw(self, concept: Concept) -> Image.Image | None:
        """Return the picture as 64 x 64 RGBA, or None where the style lacks the concept."""
        length = self._font.getlength(concept.emoji)
        if length > 1.5 * self._font.getlength("\U0001f600"):  # a sequence drawn as its parts
            return None
        picture = self._paint(concept.emoji)
        box = picture.getbbox()
        if box is None or picture.tobytes() == self._missing:
            return None
        return _centred(_square(picture.crop(box)))

    def _paint(self, text: str) -> Image.Image:
        canvas = Image.new("RGBA", (160, 160))
        ImageDraw.Draw(canvas).text((8, 8), text, font=self._font, embedded_color=True)
        return canvas


def _square(picture: Image.Image) -> Image.Image:
    side = max(max(picture.size), 128)
    canvas = Image.new("RGBA", (side, side))
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return canvas


_ICONIFY = "@iconify-json"
STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style("noto", STYLE_TITLES["noto"], "fonts-noto-color-emoji", "shipped", BitmapFont),
        Style(
            "twemoji",
            STYLE_TITLES["twemoji"],
            "@twemoji/svg",
            "held_out",
            lambda folder: SvgFolder(folder, "lower"),
        ),
        Style(
            "openmoji",
            STYLE_TITLES["openmoji"],
            "openmoji",
            "shipped",
            lambda folder: SvgFolder(folder / "color" / "svg", "upper"),
        ),
        Style(
            "openmoji_black",
            STYLE_TITLES["openmoji_black"],
            "openmoji",
            "shipped",
            lambda folder: SvgFolder(folder / "black" / "svg", "upper"),
        ),
        *(
            Style(name, title, f"{_ICONIFY}/{package}", "training_only", IconSet)
            for name, title, package in (
                ("fluent", "Fluent Emoji", "fluent-emoji"),
                ("fluent_flat", "Fluent Emoji Flat", "fluent-emoji-flat"),
                ("fluent_contrast", "Fluent Emoji High Contrast", "fluent-emoji-high-contrast"),
                ("emojitwo", "EmojiTwo", "emojione"),
                ("emojione", "Emoji One 1", "emojione-v1"),
                ("emojione_mono", "Emoji One in one colour", "emojione-monotone"),
                ("noto_v1", "Noto Emoji 1", "noto-v1"),
                ("fxemoji", "FxEmojis", "fxemoji"),
            )
        ),
    )
}
"""Name -> style; the shipped ones first, in the order of `sprites.parquet`."""
