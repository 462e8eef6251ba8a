"""Digests of evaluation words, so that tuning can leave them out without the sets being shipped."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lexclip_core import storage
from lexclip_core.datasets import word_similarity
from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.pairs import digest
from lexclip_core.words import normalise

log = logging.getLogger(__name__)

_COMMAND = "python -m lexclip_core.datasets.word_digests FOLDER"
_DIGITS = 10
_DIGEST = re.compile(rf"[0-9a-f]{{{_DIGITS}}}")


def digests_path() -> Path:
    """Return the committed file of held-out digests."""
    return storage.data_folder() / "lexicon" / "heldout_digests.txt"


def write_digests(words: Iterable[str], path: Path, *, header: Sequence[str] = ()) -> int:
    """Write the words' digests, sorted, one a line, below a commented header; return how many.

    Raises:
        StorageError: The file cannot be written.
    """
    digests = sorted({digest(word) for word in words})
    lines = [*(f"# {line}" for line in header), *digests]
    with storage.atomic_write(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(digests)


def read_digests(path: Path | None = None) -> frozenset[str]:
    """Return the digests of a file, by default of the committed one; `digest(word) in ...` asks for a word.

    Raises:
        MissingResourceError: The file is not there.
        DamagedFileError: A line is neither a comment nor a digest.
    """
    path = path or digests_path()
    if not path.is_file():
        raise MissingResourceError(
            f"{path} is not there", f"restore it from the repository, or rebuild it: {_COMMAND}"
        )
    digests = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        if not _DIGEST.fullmatch(line.strip()):
            place = f"{path}, line {number}: {line[:40]!r}"
            raise DamagedFileError(f"{place} is not {_DIGITS} hex digits", f"rebuild the file: {_COMMAND}")
        digests.add(line.strip())
    return frozenset(digests)


def write_heldout(folder: Path, path: Path | None = None) -> int:
    """Write the digests of every word of every word-similarity set in a folder; return how many.

    Raises:
        MissingResourceError: The folder holds none of the sets.
    """
    names = word_similarity.available(folder)
    if not names:
        wanted = ", ".join(card.files[0] for card in word_similarity.CARDS.values())
        raise MissingResourceError(
            f"{folder} holds no word-similarity set", f"put one of these there: {wanted}"
        )
    words = {normalise(word) for name in names for word in word_similarity.read(name, folder).words}
    titles = "; ".join(word_similarity.card(name).title for name in names)
    header = (
        "Words of evaluation sets that tuning must leave out, as digests: the sets are not shipped.",
        f"Sets: {titles}.",
        f"{len(words):,} normalised words. A line is the first {_DIGITS} hex digits of the sha256 of",
        "'lexclip:' and the word.",
        f"Rebuilt by: {_COMMAND}",
    )
    return write_digests(words, path or digests_path(), header=header)


def main() -> None:
    """Rebuild the committed file from the folder named on the command line."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of word-similarity sets in their official layouts")
    parser.add_argument("--out", type=Path, default=digests_path(), help="file to write [%(default)s]")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    log.info("%d digests written to %s", write_heldout(arguments.folder, arguments.out), arguments.out)


if __name__ == "__main__":
    main()
