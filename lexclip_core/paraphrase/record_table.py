"""Paraphrase records read by row, from an Arrow file that is mapped into memory and never loaded whole.

Parquet, JSON lines and shards can only be read from front to back, so they are rewritten once, in the cache,
as an Arrow file. From there a row costs the same wherever it stands, and what is resident does not grow with
the number of records but for eight bytes each, the digests of the pictures.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lexclip_core.cache import cached_file
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.records import (
    FIELDS,
    IMAGE_DIGEST,
    ParaphraseRecord,
    arrow_blocks,
    iterate_records,
    picture_digest,
    read_arrow_blocks,
    write_records,
)

if TYPE_CHECKING:
    import pyarrow as pa

_CHECKED_ROWS = 1_000

logger = logging.getLogger(__name__)


def text_digest(text: str) -> int:
    """Return 64 bits of a text, equal for texts that differ in case and white space alone.

    >>> text_digest("A  red dog") == text_digest("a red dog")
    True
    """
    plain = " ".join(text.casefold().split())
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "little", signed=True)


class RecordTable:
    """Records by row, from an Arrow file or from memory.

    Args:
        blocks: Their blocks, all of one length but the last.
        most: Most records to show; 0 shows all.

    Attributes:
        images: A digest of each record's picture, int64 (n,); records without a picture share none.

    Raises:
        InputError: There are no records.
    """

    def __init__(self, blocks: Sequence[pa.RecordBatch], *, most: int = 0) -> None:
        self._blocks = list(blocks)
        if not self._blocks or not self._blocks[0].num_rows:
            raise InputError("there are no records", "give at least one")
        self._size = self._blocks[0].num_rows
        count = sum(int(block.num_rows) for block in self._blocks)
        self._count = min(count, most) if most else count
        digests = [block.column(IMAGE_DIGEST).to_numpy(zero_copy_only=True) for block in self._blocks]
        self.images: np.ndarray = np.concatenate(digests)[: self._count]

    @classmethod
    def of(cls, records: Iterable[ParaphraseRecord]) -> RecordTable:
        """Return a table of records that are in memory.

        Raises:
            InputError: There are none.

        >>> table = RecordTable.of([ParaphraseRecord("1", "a dog", "one dog", "a canine")])
        >>> len(table), table[0].paraphrase_2, table.column("caption", [0, 0])
        (1, 'a canine', ['a dog', 'a dog'])
        """
        return cls(list(arrow_blocks(records)))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> ParaphraseRecord:
        if not -self._count <= row < self._count:
            raise IndexError(row)
        return ParaphraseRecord(*(self.column(name, [row % self._count])[0] for name in FIELDS))

    def column(self, name: str, rows: Iterable[int]) -> list[str]:
        """Return one field of some records, in the order of the rows.

        Args:
            name: `image`, `caption`, `paraphrase_1` or `paraphrase_2`.
            rows: Places, from 0 on.
        """
        place = FIELDS.index(name)
        values = []
        for row in rows:
            block, offset = divmod(int(row), self._size)
            values.append(self._blocks[block].column(place)[offset].as_py())
        return values


def open_records(source: Path, *, most: int = 0) -> RecordTable:
    """Return the records of a file or of shards by row, rewriting them as an Arrow file where need be.

    That file is cached under the path, size and time of what it was made from.

    Args:
        source: A `.arrow` file; a `.jsonl` or `.parquet` file; a webdataset `.tar`, or a folder of such.
        most: Most records to show; 0 shows all.

    Raises:
        InputError: There is no such file or folder, or it has no records.
        DamagedFileError: A record cannot be read; the message says which.
        StorageError: The Arrow file cannot be written.
    """
    parts = sorted(source.glob("*.tar")) if source.is_dir() else [source]
    if not parts or not all(part.is_file() for part in parts):
        raise InputError(f"no records in {source}", "name a file, or a folder with .tar files")
    if source.suffix == ".arrow":
        return RecordTable(read_arrow_blocks(source), most=most)

    def write(path: Path) -> None:
        count = write_records(path, chain.from_iterable(map(iterate_records, parts)))
        logger.info("%s: %d records, rewritten in the cache", source, count)

    made_of = [(str(part.resolve()), part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    path = cached_file("records", {"files": made_of}, write, suffix=".arrow")
    return RecordTable(read_arrow_blocks(path), most=most)


@dataclass(frozen=True, eq=False)
class PictureRows:
    """Unit rows of pictures and which of them each record shows: a frozen image tower, run beforehand.

    Attributes:
        features: Float32 (pictures, dim), in memory or mapped into it.
        of_record: Row of each record's picture, int64 (records,).
    """

    features: np.ndarray
    of_record: np.ndarray

    @classmethod
    def matched(cls, records: RecordTable, pictures: Sequence[str], features: np.ndarray) -> PictureRows:
        """Return the rows after finding every record's picture among those that were encoded.

        Args:
            records: Each names its picture.
            pictures: What the records call the pictures, in the order of the features.
            features: Unit rows by the image tower, float32 (pictures, dim).

        Raises:
            InputError: A picture is missing, or the features are not float32 unit rows.
        """
        _check(features, len(pictures))
        digests = np.fromiter(map(picture_digest, pictures), dtype=np.int64, count=len(pictures))
        ranked = np.argsort(digests, kind="stable")
        places = np.searchsorted(digests[ranked], records.images).clip(max=len(digests) - 1)
        of_record = ranked[places]
        missing = np.flatnonzero(digests[of_record] != records.images)
        if len(missing):
            first = records[int(missing[0])].image
            raise InputError(
                f"{len(missing)} records have no picture row, the first that of {first!r}",
                "encode all pictures, and call them as the records do",
            )
        return cls(features, of_record)

    def rows(self, records: np.ndarray) -> np.ndarray:
        """Return the pictures of some records, float32 (len(records), dim)."""
        return np.asarray(self.features[self.of_record[records]])


def _check(features: np.ndarray, count: int) -> None:
    if features.ndim != 2 or len(features) != count or features.dtype != np.float32 or not count:
        raise InputError(
            f"picture rows of type {features.dtype} and shape {features.shape} for {count} pictures",
            "give float32 rows, one for each picture",
        )
    sample = np.asarray(features[:: max(1, count // _CHECKED_ROWS)])
    if not np.allclose(np.linalg.norm(sample, axis=1), 1, atol=1e-3):
        raise InputError("the picture rows are not of length 1", "give what an image tower returns")
