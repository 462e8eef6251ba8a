"""Paraphrase records: a picture, its caption and the caption's two paraphrases, in four layouts of files.

`.jsonl` and `.parquet` are for people and other tools, `.tar` is a webdataset shard with the pictures inside,
and `.arrow` is what a training reads row by row (`RecordTable`), mapped into memory and never loaded whole: a
row costs the same wherever it stands, and what is resident does not grow with the number of records but for
eight bytes each, the digests of the pictures. All are read and written record by record.

>>> ParaphraseRecord("7.jpg", "a dog", "there is a dog", "you can see a canine").paraphrase_2
'you can see a canine'
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexclip_core import storage
from lexclip_core.cache import cached_file
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.text_files import lone_surrogate, parse_json, table_rows

if TYPE_CHECKING:
    import pyarrow as pa

RELEASED_WORDS = (2, 15)
"""Fewest and most words of a caption that the released script of ParaCLIP sends to be paraphrased."""

IMAGE_DIGEST = "image_digest"
"""The column of an Arrow file with a digest of each record's picture."""

IMAGE_NAMES = ("image", "image_id", "image_path", "filename", "file_name", "url")
"""Names that other tools give to a caption's picture, the best first."""

_PICTURES = ("jpg", "jpeg", "png", "webp")
_MEMBER = re.compile(r"((?:.*/)?(?!__)[^./]+)\.([^/]+)")  # the sample's key, and what the file is of it
_LARGEST_MEMBER = 1 << 28  # bytes of a shard's picture or text
_PARQUET_ROWS = 8192
_ARROW_ROWS = 65_536  # rows of every block but the last, so that a row's block is a division
_CHECKED_ROWS = 1_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ParaphraseRecord:
    """One caption with what was made of it.

    Attributes:
        image: The picture's id or path; "" where there is none.
        caption: The caption as it was written, x_T of the paper.
        paraphrase_1: Made from the caption, x_T'.
        paraphrase_2: Made from the first paraphrase, x_T''.

    Raises:
        InputError: A value is not text or holds half of a surrogate pair, or a text other than the image is
            empty.
    """

    image: str
    caption: str
    paraphrase_1: str
    paraphrase_2: str

    def __post_init__(self) -> None:
        for name in FIELDS:
            text = getattr(self, name)
            if not isinstance(text, str):
                raise InputError(f"{name} is {text!r}, which is not text", "give every field as a str")
            if half := lone_surrogate(text):
                raise InputError(f"{name} holds {half}, half of a character", "write the whole character")
            if not text.strip() and name != "image":
                raise InputError(f"{name} is empty", "leave the record out, or make its paraphrase again")


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(ParaphraseRecord))
TEXTS = FIELDS[1:]
_TEXT_FILES = {name: f"{name}.txt" for name in TEXTS}  # of a shard, each instead of a key of the .json


def has_words(text: str, words: tuple[int, int] = RELEASED_WORDS) -> bool:
    """Return whether a text has at least `words[0]` and at most `words[1]` words, separated by white space.

    Raises:
        InputError: The bounds are not 1 <= fewest <= most.

    >>> has_words("dog"), has_words("a dog")
    (False, True)
    """
    fewest, most = words
    if not 1 <= fewest <= most:
        raise InputError(f"the bounds are {fewest} to {most} words", "give 1 <= fewest <= most")
    return fewest <= len(text.split()) <= most


def picture_digest(image: str) -> int:
    """Return 64 bits of a picture's id or path, as a signed integer."""
    return int.from_bytes(hashlib.blake2b(image.encode(), digest_size=8).digest(), "little", signed=True)


def text_digest(text: str) -> int:
    """Return 64 bits of a text, equal for texts that differ in case and white space alone.

    >>> text_digest("A  red dog") == text_digest("a red dog")
    True
    """
    return picture_digest(" ".join(text.casefold().split()))


# --- any layout ---


def write_records(path: Path, records: Iterable[ParaphraseRecord]) -> int:
    """Write records to a `.jsonl`, `.parquet` or `.arrow` file, whole or not at all, and return how many.

    Raises:
        InputError: The name ends otherwise.
        StorageError: The file cannot be written.
    """
    write = LAYOUTS[path.suffix].write if path.suffix in LAYOUTS else None
    if write is None:
        raise _other_layout(path, WRITTEN_LAYOUTS)
    with storage.atomic_write(path) as temporary:
        return write(temporary, iter(records))


def iterate_records(path: Path) -> Iterator[ParaphraseRecord]:
    """Yield the records of a file in order, some thousands in memory at a time.

    Other keys and columns are ignored; `IMAGE_NAMES` name the picture.

    In a shard, a sample has a `.json` with caption, paraphrase_1 and paraphrase_2; any of them may instead be
    a text file of its own, such as `.paraphrase_1.txt`, and the caption a plain `.txt`. The picture is named
    by its shard and member, `00000.tar/000012.jpg`, as `ShardPictures` reads it.

    Args:
        path: A `.jsonl`, `.parquet`, `.arrow` or `.tar` file.

    Raises:
        InputError: The name ends otherwise, or there is no such file.
        DamagedFileError: Something is not a record; the message names the file and the line, the row in a
            table, or the sample in a shard.
    """
    if path.suffix not in LAYOUTS:
        raise _other_layout(path, tuple(LAYOUTS))
    if not path.is_file():
        raise InputError(f"no file {path}", "check the path")
    return LAYOUTS[path.suffix].read(path)


def read_records(path: Path) -> tuple[ParaphraseRecord, ...]:
    """Return all records of a file; see `iterate_records`.

    Raises:
        InputError: As in `iterate_records`, or the file has no record.
        DamagedFileError: As in `iterate_records`.
    """
    records = tuple(iterate_records(path))
    if not records:
        raise InputError(f"{path} has no records", "give a file with at least one")
    return records


def _other_layout(path: Path, known: Sequence[str]) -> InputError:
    return InputError(f"{path.name} is not a file of records", f"name a file ending in {' or '.join(known)}")


def _record(texts: Mapping[str, str], place: str) -> ParaphraseRecord:
    try:
        return ParaphraseRecord(texts.get("image", ""), *(texts[name] for name in TEXTS))
    except InputError as error:
        raise DamagedFileError(f"{place}: {error.problem}", error.remedy) from error


# --- JSON lines ---


def _write_jsonl(path: Path, records: Iterator[ParaphraseRecord]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for count, record in enumerate(records, start=1):  # noqa: B007
            stream.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
    return count


def _read_table(path: Path) -> Iterator[ParaphraseRecord]:
    remedy = f"a record has {', '.join(FIELDS)}: see docs/paraphrases.md"
    for line, row in table_rows(path, TEXTS, optional={"image": IMAGE_NAMES}, remedy=remedy):
        yield _record(row, f"{path}, {'row' if path.suffix == '.parquet' else 'line'} {line:,}")


# --- parquet and Arrow ---


def _schema(*, digests: bool) -> pa.Schema:
    import pyarrow as pa

    texts = [pa.field(name, pa.string(), nullable=False) for name in FIELDS]
    return pa.schema([*texts, pa.field(IMAGE_DIGEST, pa.int64())] if digests else texts)


def _write_parquet(path: Path, records: Iterator[ParaphraseRecord]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(path, _schema(digests=False), compression="zstd") as writer:
        while rows := [asdict(record) for record in islice(records, _PARQUET_ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=_schema(digests=False)))
            count += len(rows)
    return count


def arrow_blocks(records: Iterable[ParaphraseRecord], *, rows: int = _ARROW_ROWS) -> Iterator[pa.RecordBatch]:
    """Yield the blocks of an Arrow file, all of so many rows but the last, with a digest of each picture."""
    import pyarrow as pa

    records, start = iter(records), 0
    schema = _schema(digests=True)
    while block := list(islice(records, rows)):
        columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in block] for name in FIELDS}
        # a record without a picture is not of the same picture as another
        images = (row.image or f"\0{start + place}" for place, row in enumerate(block))
        columns[IMAGE_DIGEST] = [picture_digest(image) for image in images]
        yield pa.RecordBatch.from_pydict(columns, schema=schema)
        start += len(block)


def read_arrow_blocks(path: Path) -> list[pa.RecordBatch]:
    """Return the blocks of an Arrow file, mapped into memory.

    Raises:
        DamagedFileError: It is not an Arrow file of records.
    """
    import pyarrow as pa

    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        if reader.schema != _schema(digests=True):
            raise DamagedFileError(f"{path} has other columns: {reader.schema.names}", "write it anew")
        return [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except (pa.ArrowException, OSError) as error:
        remedy = "delete it; it is made again"
        raise DamagedFileError(f"{path} is not an Arrow file: {error}", remedy) from error


def _write_arrow(path: Path, records: Iterator[ParaphraseRecord]) -> int:
    import pyarrow as pa

    count = 0
    with pa.ipc.new_file(str(path), _schema(digests=True)) as writer:
        for block in arrow_blocks(records):
            writer.write_batch(block)
            count += block.num_rows
    return count


def _read_arrow(path: Path) -> Iterator[ParaphraseRecord]:
    for block in read_arrow_blocks(path):
        yield from (_record(row, str(path)) for row in block.to_pylist())


# --- webdataset shards ---


def _read_shard(path: Path) -> Iterator[ParaphraseRecord]:
    for place, picture, texts in _samples(path):
        missing = [name for name in TEXTS if name not in texts]
        if missing:
            remedy = "make the paraphrases of shard_captions first"
            raise DamagedFileError(f"{place} has no {', '.join(missing)}", remedy)
        yield _record(texts | {"image": picture}, place)


def shard_captions(shards: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield (picture, caption) for each sample of webdataset shards that has a caption.

    Raises:
        InputError: There is no such shard.
        DamagedFileError: A shard or a sample cannot be read.
    """
    for shard in shards:
        if not shard.is_file():
            raise InputError(f"no shard {shard}", "check the path")
        for _, picture, texts in _samples(shard):
            if texts.get("caption", "").strip():
                yield picture, texts["caption"]


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
                self._open[shard] = tarfile.open(path, "r:")  # noqa: SIM115 - left open for the next picture
            return _content(self._open[shard], self._open[shard].getmember(member), f"{member!r} in {path}")
        except KeyError as error:
            raise InputError(f"no picture {member!r} in {path}", "make the records anew") from error
        except tarfile.TarError as error:
            raise DamagedFileError(f"{path} cannot be read: {error}", "fetch it anew") from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> bytes:
    """Return a member's bytes; what it announces is believed only up to a bound."""
    if member.size > _LARGEST_MEMBER:
        raise DamagedFileError(f"{place} announces {member.size:,} bytes", "leave it out: that is no picture")
    stream = tar.extractfile(member)
    if stream is None:
        raise InputError(f"{place} is not a file", "make the records anew")
    return stream.read()


def _samples(shard: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield where each sample is, its picture's name or "", and its texts; pictures are not read.

    The file is opened here: the webdataset library would take a name such as `pipe:...` for a command.
    """
    try:
        with tarfile.open(shard, "r:") as tar:
            named = ((member, _MEMBER.fullmatch(member.name)) for member in tar if member.isfile())
            parts = ((match[1], match[2], member) for member, match in named if match)
            for key, members in groupby(parts, key=itemgetter(0)):
                place, picture = f"{shard}, sample {key}", ""
                contents: dict[str, bytes] = {}
                for _, suffix, member in members:
                    if suffix.lower() in _PICTURES:
                        picture = picture or f"{shard.name}/{member.name}"
                    elif suffix.lower() in ("json", "txt", *_TEXT_FILES.values()):
                        contents[suffix.lower()] = _content(tar, member, f"{place}, {suffix}")
                yield place, picture, _texts(contents, place)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DamagedFileError(f"{shard} cannot be read: {error}", "fetch it anew") from error


def _texts(contents: Mapping[str, bytes], place: str) -> dict[str, str]:
    try:
        decoded = {suffix: content.decode() for suffix, content in contents.items()}
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"{place} is not UTF-8 text: {error}", "write the sample anew") from error
    listed = parse_json(decoded.get("json", "{}"), place, "write the sample anew")
    listed = listed if isinstance(listed, dict) else {}
    texts = {name: listed[name] for name in TEXTS if isinstance(listed.get(name), str)}
    files = (("caption", "txt"), *_TEXT_FILES.items())
    return texts | {name: decoded[file].strip() for name, file in files if file in decoded}


# --- the registry of layouts ---


class Layout(NamedTuple):
    """How records are read from a file and, if at all, written to one."""

    read: Callable[[Path], Iterator[ParaphraseRecord]]
    write: Callable[[Path, Iterator[ParaphraseRecord]], int] | None = None


LAYOUTS: dict[str, Layout] = {
    ".jsonl": Layout(_read_table, _write_jsonl),
    ".parquet": Layout(_read_table, _write_parquet),
    ".arrow": Layout(_read_arrow, _write_arrow),
    ".tar": Layout(_read_shard),
}
"""Suffix of a file -> its layout."""

WRITTEN_LAYOUTS = tuple(suffix for suffix, layout in LAYOUTS.items() if layout.write)


# --- by row ---


class RecordTable:
    """Records by row, from an Arrow file or from memory.

    Args:
        blocks: Their blocks, all of one length but the last.

    Attributes:
        images: A digest of each record's picture, int64 (n,); records without a picture share none.

    Raises:
        InputError: There are no records.
    """

    def __init__(self, blocks: Sequence[pa.RecordBatch]) -> None:
        self._blocks = list(blocks)
        if not self._blocks or not self._blocks[0].num_rows:
            raise InputError("there are no records", "give at least one")
        self._size = self._blocks[0].num_rows
        digests = [block.column(IMAGE_DIGEST).to_numpy(zero_copy_only=True) for block in self._blocks]
        self.images: np.ndarray = np.concatenate(digests)
        self._rows: np.ndarray | None = None

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

    def take(self, rows: np.ndarray) -> RecordTable:
        """Return the table of some of its rows, int64 (n,), in their order; their texts are not copied.

        >>> records = [ParaphraseRecord(str(n), f"dog {n}", "one dog", "a canine") for n in range(3)]
        >>> RecordTable.of(records).take(np.array([2, 0])).column("caption", [0, 1])
        ['dog 2', 'dog 0']
        """
        part = copy.copy(self)
        part.images = self.images[rows]
        part._rows = rows if self._rows is None else self._rows[rows]
        return part

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> ParaphraseRecord:
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return ParaphraseRecord(*(self.column(name, [row % len(self)])[0] for name in FIELDS))

    def column(self, name: str, rows: Iterable[int]) -> list[str]:
        """Return one field of some records, in the order of the rows.

        Args:
            name: `image`, `caption`, `paraphrase_1` or `paraphrase_2`.
            rows: Places, from 0 on.
        """
        place = FIELDS.index(name)
        values = []
        for row in rows:
            block, offset = divmod(int(row if self._rows is None else self._rows[row]), self._size)
            values.append(self._blocks[block].column(place)[offset].as_py())
        return values


def open_records(source: Path) -> RecordTable:
    """Return the records of a file or of shards by row, rewriting them as an Arrow file where need be.

    That file is cached under the path, size and time of what it was made from.

    Args:
        source: A `.arrow` file; a `.jsonl` or `.parquet` file; a webdataset `.tar`, or a folder of such.

    Raises:
        InputError: There is no such file or folder, or it has no records.
        DamagedFileError: A record cannot be read; the message says which.
        StorageError: The Arrow file cannot be written.
    """
    parts = sorted(source.glob("*.tar")) if source.is_dir() else [source]
    if not parts or not all(part.is_file() for part in parts):
        raise InputError(f"no records in {source}", "name a file, or a folder with .tar files")
    if source.suffix == ".arrow":
        return RecordTable(read_arrow_blocks(source))

    def write(path: Path) -> None:
        count = write_records(path, chain.from_iterable(map(iterate_records, parts)))
        logger.info("%s: %d records, rewritten in the cache", source, count)

    made_of = [(str(part.resolve()), part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    path = cached_file("records", {"files": made_of}, write, suffix=".arrow")
    return RecordTable(read_arrow_blocks(path))


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
            problem = f"{len(missing)} records have no picture row, the first that of {first!r}"
            raise InputError(problem, "encode all pictures, and call them as the records do")
        return cls(features, of_record)

    def rows(self, records: np.ndarray) -> np.ndarray:
        """Return the pictures of some records, float32 (len(records), dim)."""
        return np.asarray(self.features[self.of_record[records]])


def _check(features: np.ndarray, count: int) -> None:
    if features.ndim != 2 or len(features) != count or features.dtype != np.float32 or not count:
        problem = f"picture rows of type {features.dtype} and shape {features.shape} for {count} pictures"
        raise InputError(problem, "give float32 rows, one for each picture")
    sample = np.asarray(features[:: max(1, count // _CHECKED_ROWS)])
    if not np.allclose(np.linalg.norm(sample, axis=1), 1, atol=1e-3):
        raise InputError("the picture rows are not of length 1", "give what an image tower returns")
