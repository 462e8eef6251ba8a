"""Webdataset shards: tar files of samples, each a picture with its caption and what was made of it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lexclip_core.errors import DamagedFileError, InputError, LexclipError
from lexclip_core.pairs.records import FIELDS, ParaphraseRecord

PICTURES = ("jpg", "jpeg", "png", "webp")
_TEXTS = FIELDS[1:]


def iterate_shards(shards: Sequence[Path]) -> Iterator[ParaphraseRecord]:
    """Yield a record for each sample of webdataset shards, in order; no more than a sample is in memory.

    A sample has a `.json` with caption, paraphrase_1 and paraphrase_2; any of them may instead be a text
    file of its own, such as `.paraphrase_1.txt`, and the caption a plain `.txt`. The picture is named by its
    shard and member, `00000.tar/000012.jpg`, as `ShardPictures` reads it.

    Raises:
        InputError: There is no such shard.
        DamagedFileError: A shard or a sample cannot be read, or lacks a text; the message names it.
    """
    for shard, sample in _samples(shards):
        place = f"{shard}, sample {sample['__key__']}"
        texts = _texts(sample, place)
        missing = [name for name in _TEXTS if name not in texts]
        if missing:
            raise DamagedFileError(
                f"{place} has no {', '.join(missing)}", "make the paraphrases of shard_captions first"
            )
        try:
            yield ParaphraseRecord(_picture(shard, sample), *(texts[name] for name in _TEXTS))
        except InputError as error:
            raise DamagedFileError(f"{place}: {error.problem}", error.remedy) from error


def shard_captions(shards: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield (picture, caption) for each sample of webdataset shards that has a caption.

    Raises:
        InputError: There is no such shard.
        DamagedFileError: A shard or a sample cannot be read.
    """
    for shard, sample in _samples(shards):
        texts = _texts(sample, f"{shard}, sample {sample['__key__']}")
        if texts.get("caption", "").strip():
            yield _picture(shard, sample), texts["caption"]


class ShardPictures:
    """Pictures of shards by the names that their records give them.

    Args:
        folder: The folder of the shards.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tarfile.TarFile] = {}

    def read(self, image: str) -> bytes:
        """Return the bytes of a picture's file.

        Raises:
            InputError: There is no such shard or picture.
            DamagedFileError: The shard cannot be read.
        """
        shard, _, member = image.partition("/")
        path = self._folder / shard
        if not path.is_file():
            raise InputError(f"no shard {path}", "name the folder that the records were made from")
        try:
            if shard not in self._open:
                self._open[shard] = tarfile.open(path)  # noqa: SIM115 - kept open for the next picture
            stream = self._open[shard].extractfile(member)
        except KeyError as error:
            raise InputError(f"no picture {member!r} in {path}", "make the records anew") from error
        except tarfile.TarError as error:
            raise DamagedFileError(f"{path} cannot be read: {error}", "fetch it anew") from error
        if stream is None:
            raise InputError(f"{member!r} in {path} is no file", "make the records anew")
        return stream.read()


def _samples(shards: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    import webdataset

    for shard in shards:
        if not shard.is_file():
            raise InputError(f"no shard {shard}", "check the path")
        try:
            for sample in webdataset.WebDataset(str(shard), shardshuffle=False):
                yield shard, sample
        except LexclipError:
            raise
        except Exception as error:  # whatever the library meets in a damaged file
            raise DamagedFileError(f"{shard} cannot be read: {error}", "fetch it anew") from error


def _texts(sample: Mapping[str, Any], place: str) -> dict[str, str]:
    try:
        told = json.loads(sample["json"]) if "json" in sample else {}
        told = told if isinstance(told, dict) else {}
        texts = {name: told[name] for name in _TEXTS if isinstance(told.get(name), str)}
        for name, key in (("caption", "txt"), *((name, f"{name}.txt") for name in _TEXTS)):
            if key in sample:
                texts[name] = sample[key].decode().strip()
    except (ValueError, UnicodeDecodeError) as error:
        raise DamagedFileError(f"{place} cannot be read: {error}", "write the sample anew") from error
    return texts


def _picture(shard: Path, sample: Mapping[str, Any]) -> str:
    found = next((kind for kind in PICTURES if kind in sample), None)
    return f"{shard.name}/{sample['__key__']}.{found}" if found else ""
