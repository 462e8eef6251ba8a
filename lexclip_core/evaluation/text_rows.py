"""The rows of many texts, each distinct text encoded once and looked up afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lexclip_core.errors import InputError


class TextRows:
    """An encoder that remembers: it encodes what it has not seen in one call, and looks up the rest.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        texts: What to encode at once, before anything is asked for.
    """

    def __init__(self, encode: Callable[[Sequence[str]], np.ndarray], texts: Iterable[str] = ()) -> None:
        self._encode = encode
        self._places: dict[str, int] = {}
        self._rows: np.ndarray | None = None
        self._learn(texts)

    def __len__(self) -> int:
        return len(self._places)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the unit rows of texts, (len(texts), dim).

        Raises:
            InputError: There are no texts, or the encoder did not give one row for each.
        """
        self._learn(texts)
        if self._rows is None or not len(texts):
            raise InputError("no texts were given", "give at least one")
        return self._rows[[self._places[text] for text in texts]]

    def _learn(self, texts: Iterable[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._places]
        if not new:
            return
        rows = np.asarray(self._encode(new))
        if rows.ndim != 2 or len(rows) != len(new):
            raise InputError(
                f"the encoder gave shape {rows.shape} for {len(new)} texts", "give one unit row a text"
            )
        self._places |= {text: len(self._places) + place for place, text in enumerate(new)}
        self._rows = rows if self._rows is None else np.concatenate([self._rows, rows])
