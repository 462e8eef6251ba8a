"""Paraphrase records on disk, read by row: an Arrow file that is mapped into memory and never loaded whole.

Parquet, JSON lines and shards can only be read from front to back, so they are rewritten once, in the cache,
as an Arrow file. From there a row costs the same wherever it stands, and what is resident does not grow with
the number of records but for eight bytes each, the digests of the pictures.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.pairs.record_shards import iterate_shards
from lexclip_core.pairs.records import FIELDS, ParaphraseRecord, iterate_records

logger = logging.getLogger(__name__)

_ROWS = 65_536  # rows of every block but the last, so that a row's block is a division
_DIGEST = "image_digest"
_SCHEMA = pa.schema(
    [*(pa.field(name, pa.string(), nullable=False) for name in FIELDS), pa.field(_DIGEST, pa.int64())]
)


def text_digest(text: str) -> int:
    """Return 64 bits of a text, equal for texts that differ in case and white space alone."""
    plain = " ".join(text.casefold().split())
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "little", signed=True)


def picture_digest(image: str) -> int:
    """Return 64 bits of a picture's id or path."""
    return int.from_bytes(hashlib.blake2b(image.encode(), digest_size=8).digest(), "little", signed=True)


class RecordTable:
    """Records by row, from a file of `write_table` or from memory.

    Args:
        blocks: Their blocks, all of one length but the last.
        most: Most records to show; 0 shows all.

    Attributes:
        images: A digest of each record's picture, int64 (n,); records without a picture share none.
    """

    def __init__(self, blocks: Sequence[pa.RecordBatch], *, most: int = 0) -> None:
        self._blocks = list(blocks)
        if not self._blocks or not self._blocks[0].num_rows:
            raise InputError("there are no records", "give at least one")
        self._size = self._blocks[0].num_rows
        count = sum(block.num_rows for block in self._blocks)
        self._count = min(count, most) if most else count
        digests = [block.column(_DIGEST).to_numpy(zero_copy_only=True) for block in self._blocks]
        self.images: np.ndarray = np.concatenate(digests)[: self._count]

    @classmethod
    def of(cls, records: Iterable[ParaphraseRecord]) -> RecordTable:
        """Return a table of records that are in memory.

        Raises:
            InputError: There are none.
        """
        return cls(list(_blocks(iter(records))))

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
        place = _SCHEMA.get_field_index(name)
        found = []
        for row in rows:
            block, offset = divmod(int(row), self._size)
            found.append(self._blocks[block].column(place)[offset].as_py())
        return found


def write_table(path: Path, records: Iterable[ParaphraseRecord]) -> int:
    """Write records to an Arrow file, some thousands in memory at a time, and return how many.

    Raises:
        StorageError: The file cannot be written.
    """
    count = 0
    with storage.atomic_write(path) as temporary, pa.ipc.new_file(str(temporary), _SCHEMA) as writer:
        for block in _blocks(iter(records)):
            writer.write_batch(block)
            count += block.num_rows
    return count


def read_table(path: Path, *, most: int = 0) -> RecordTable:
    """Return the records of an Arrow file, mapped into memory.

    Args:
        path: A file of `write_table`.
        most: Most records to show; 0 shows all.

    Raises:
        InputError: There is no such file, or it holds no records.
        DamagedFileError: The file is no table of records.
    """
    if not path.is_file():
        raise InputError(f"no file {path}", "check the path")
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        if reader.schema != _SCHEMA:
            raise DamagedFileError(f"{path} holds other columns: {reader.schema.names}", "write it anew")
        blocks = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"{path} is no Arrow file: {error}", "delete it; it is made again") from error
    return RecordTable(blocks, most=most)


def open_records(source: Path, *, most: int = 0, folder: Path | None = None) -> RecordTable:
    """Return the records of a file or of shards by row, rewriting them as an Arrow file where need be.

    That file is kept in the cache under the path, size and time of what it was made from.

    Args:
        source: A `.arrow` file; a `.jsonl` or `.parquet` file; a webdataset `.tar`, or a folder of such.
        most: Most records to show; 0 shows all.
        folder: Where Arrow files are kept; by default `records` in the cache.

    Raises:
        InputError: There is no such file or folder, or it holds no records.
        DamagedFileError: A record cannot be read; the message says which.
        StorageError: The Arrow file cannot be written.
    """
    if source.suffix == ".arrow":
        return read_table(source, most=most)
    parts = sorted(source.glob("*.tar")) if source.is_dir() else [source]
    missing = [part for part in parts if not part.is_file()]
    if missing or not parts:
        raise InputError(f"no records in {source}", "name a file, or a folder with .tar files")
    known = repr([(str(part.resolve()), part.stat().st_size, part.stat().st_mtime_ns) for part in parts])
    name = hashlib.sha256(known.encode()).hexdigest()[:32]
    path = (folder or storage.cache_folder() / "records") / f"{name}.arrow"
    if not path.is_file():
        shards = parts[0].suffix == ".tar"
        count = write_table(path, iterate_shards(parts) if shards else iterate_records(source))
        logger.info("%s: %d records kept in %s", source, count, path)
    return read_table(path, most=most)


def _blocks(records: Iterator[ParaphraseRecord]) -> Iterator[pa.RecordBatch]:
    start = 0
    while lot := list(islice(records, _ROWS)):
        columns = {name: [getattr(record, name) for record in lot] for name in FIELDS}
        digests = [
            # a record without a picture is not of the same picture as another
            picture_digest(record.image or f"\0{start + place}")
            for place, record in enumerate(lot)
        ]
        yield pa.RecordBatch.from_pydict(columns | {_DIGEST: digests}, schema=_SCHEMA)
        start += len(lot)
