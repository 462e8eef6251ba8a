"""Which kind of model a local folder or a repository of the hub holds."""

from __future__ import annotations

from pathlib import Path

from lexclip_core.errors import InputError
from lexclip_core.towers import hugging_face_clip, published, sentence_parts, sources
from lexclip_core.towers.open_clip_towers import Found, from_folder

HUB, FOLDER = "hf-hub:", "local-dir:"
_SENTENCE_ENCODERS = "sentence-transformers/"  # their publisher's own names need no prefix

# What marks a layout, beside the weight files that may go with it; open_clip's own comes first.
_LAYOUTS = (
    (published.CONFIG, published.WEIGHT_NAMES),
    (sentence_parts.CONFIG, sentence_parts.WEIGHT_NAMES),
    (hugging_face_clip.CONFIG, sentence_parts.WEIGHT_NAMES),
)


def named_folder(name: str) -> Path | None:
    """Return the folder that a name of `load` stands for, fetched from the hub if need be; None if none.

    Raises:
        MissingResourceError: The hub's model is not cached and the hub does not answer.
    """
    if name.startswith((HUB, _SENTENCE_ENCODERS)):
        return sources.hub_folder(name.removeprefix(HUB), _LAYOUTS)
    local = Path(name.removeprefix(FOLDER))
    return local if name.startswith(FOLDER) or local.is_dir() else None


def from_any_folder(folder: Path) -> Found:
    """Return the weights of a folder in open_clip's layout or in that of transformers' CLIPModel.

    Raises:
        InputError: The folder is of no known layout.
        DamagedFileError: A configuration cannot be read.
        MissingResourceError: There are no weights.
    """
    if (folder / published.CONFIG).is_file():
        return from_folder(folder)
    if hugging_face_clip.is_clip_folder(folder):
        return hugging_face_clip.from_clip_folder(folder)
    if sentence_parts.is_sentence_encoder(folder):
        raise InputError(f"{folder} holds a sentence encoder: it knows no pictures", "load it as text tower")
    raise InputError(
        f"{folder} holds no {published.CONFIG}, no {sentence_parts.CONFIG} and no {hugging_face_clip.CONFIG} "
        "of a CLIP model",
        "name the folder of an open_clip, Hugging Face CLIP or sentence-transformers model",
    )
