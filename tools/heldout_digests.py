"""Make `data/lexicon/heldout_digests.txt`: the words of evaluation sets that tuning leaves out, as digests.

Run as `python -m tools.heldout_digests FOLDER`.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from lexclip_core import storage
from lexclip_core.datasets import word_similarity
from lexclip_core.errors import MissingResourceError
from lexclip_core.experiments.words import DIGEST_DIGITS, REBUILD_DIGESTS, digest, digests_path
from lexclip_core.words import normalise

logger = logging.getLogger(__name__)


def write_digests(words: Iterable[str], path: Path, *, header: Sequence[str] = ()) -> int:
    """Write the words' digests, sorted, one per line, below a commented header; return how many.

    Raises:
        StorageError: The file cannot be written.
    """
    digests = sorted({digest(word) for word in words})
    lines = [*(f"# {line}" for line in header), *digests]
    with storage.atomic_write(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(digests)


def write_heldout(folder: Path, path: Path | None = None) -> int:
    """Write the digests of every word of every word-similarity set in a folder; return how many.

    Args:
        folder: Holds the sets in their official layouts.
        path: The file to write; by default the one that ships.

    Raises:
        MissingResourceError: The folder holds none of the sets.
        DamagedFileError: A set cannot be read.
        StorageError: The file cannot be written.
    """
    names = word_similarity.available(folder)
    if not names:
        wanted = ", ".join(card.files[0] for card in word_similarity.CARDS.values())
        raise MissingResourceError(
            f"{folder} holds no word-similarity set", f"put one of these there: {wanted}"
        )
    words = {normalise(word) for name in names for word in word_similarity.read(name, folder).words}
    titles = "; ".join(word_similarity.CARDS[name].title for name in names)
    header = (
        "Words of evaluation sets that tuning must leave out, as digests: the sets are not shipped.",
        f"Sets: {titles}.",
        f"{len(words):,} normalised words. A line is the first {DIGEST_DIGITS} hex digits of the sha256 of",
        "'lexclip:' and the word.",
        f"Rebuilt by: {REBUILD_DIGESTS}",
    )
    return write_digests(words, path or digests_path(), header=header)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the file that ships again, from the folder named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.heldout_digests", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of word-similarity sets in their official layouts")
    parser.add_argument("--out", type=Path, default=digests_path(), help="file to write [%(default)s]")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logger.info("%d digests written to %s", write_heldout(given.folder, given.out), given.out)


if __name__ == "__main__":
    main()
