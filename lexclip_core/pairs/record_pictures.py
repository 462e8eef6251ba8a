"""The precomputed picture of each record: rows of a frozen image tower, looked up by picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.pairs.record_table import RecordTable, picture_digest

_LOOKED_AT = 1_000


@dataclass(frozen=True, eq=False)
class PictureRows:
    """Unit rows of pictures and which of them each record shows.

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
            InputError: A picture is missing, or the features are no float32 unit rows.
        """
        _check(features, len(pictures))
        digests = np.fromiter(map(picture_digest, pictures), dtype=np.int64, count=len(pictures))
        ranked = np.argsort(digests, kind="stable")
        places = np.searchsorted(digests[ranked], records.images).clip(max=len(digests) - 1)
        found = ranked[places]
        missing = np.flatnonzero(digests[found] != records.images)
        if len(missing):
            first = records[int(missing[0])].image
            raise InputError(
                f"{len(missing)} records have no picture row, the first that of {first!r}",
                "encode all pictures, and call them as the records do",
            )
        return cls(features, found)

    def rows(self, records: np.ndarray) -> np.ndarray:
        """Return the pictures of some records, float32 (len(records), dim)."""
        return np.asarray(self.features[self.of_record[records]])


def _check(features: np.ndarray, count: int) -> None:
    if features.ndim != 2 or len(features) != count or features.dtype != np.float32 or not count:
        raise InputError(
            f"picture rows of type {features.dtype} and shape {features.shape} for {count} pictures",
            "give float32 rows, one for each picture",
        )
    sample = np.asarray(features[:: max(1, count // _LOOKED_AT)])
    if not np.allclose(np.linalg.norm(sample, axis=1), 1, atol=1e-3):
        raise InputError("the picture rows are not of length 1", "give what an image tower hands out")
