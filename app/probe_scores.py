"""How towers answer probes of negation and order: tables for figures, and what they say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from findings import number

from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.evaluation.composition import measure_text_only
from lexclip_core.towers.encoder import TextRows

PAIRS = {
    "the sentence and the same in other words": (0, 1),
    "the sentence and another meaning": (0, 2),
    "the other words and another meaning": (1, 2),
}
PROBES = {
    "negation/meaning": "no, not",
    "negation/thing": "no, not; a thing exchanged",
    "kinds/meaning": "is a",
    "kinds/thing": "is a; a thing exchanged",
    "comparison/meaning": "larger, more, than",
    "comparison/thing": "larger, more, than; a thing exchanged",
}
"""Group of the probes -> how the page calls it."""
SHORT = {"negation": "“no”", "kinds": "“is a”", "comparison": "“than”"}


def probes() -> CaptionTests:
    """Return the probes about the things of emoji scenes.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    from lexclip_core.datasets.emoji.scenes import things
    from lexclip_core.datasets.probes import sentence_probes

    return sentence_probes(things())


def texts(tests: CaptionTests) -> tuple[str, ...]:
    """Return each sentence of the probes once."""
    return tuple(dict.fromkeys(tests.texts()))


def cosines(rows: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the cosines of three sentences, columns as `figures.metric_bars` takes.

    Args:
        rows: Tower -> unit rows of the sentence, its rewording and the other one, (3, dim).
    """
    found = [
        {"run": tower, "metric": name, "value": float(both[a] @ both[b]), "low": np.nan, "high": np.nan}
        for name, (a, b) in PAIRS.items()
        for tower, both in rows.items()
    ]
    return pd.DataFrame(found)


def finding(table: pd.DataFrame) -> str:
    """Say which two of the three sentences are nearest to each tower, Markdown."""
    together, *apart = PAIRS
    said = []
    for tower, group in table.groupby("run", sort=False):
        values = group.set_index("metric")["value"]
        nearest = max(apart, key=values.__getitem__)
        one, other = f"**{number(values[together])}**", f"**{number(values[nearest])}**"
        if values[together] > values[nearest]:
            said.append(
                f"The **{tower} tower** is right: the two of one meaning are nearest ({one} over {other})."
            )
        else:
            said.append(
                f"The **{tower} tower** is taken in: {nearest} are nearer ({other}) than the two of one "
                f"meaning ({one})."
            )
    return "  \n".join(said)


def shares(rows: Mapping[str, np.ndarray], tests: CaptionTests) -> pd.DataFrame:
    """Return how often each tower is right, by probe, columns as `figures.metric_bars` takes.

    Args:
        rows: Tower -> unit rows of `texts(tests)`.
        tests: The probes.
    """
    once, found = texts(tests), []
    for tower, encoded in rows.items():
        known = TextRows.known(once, encoded)
        measured = measure_text_only(known, tests)
        for group, name in PROBES.items():
            one = measured[f"test/{tests.name}-tot/{group}/accuracy"]
            found.append({"run": tower, "metric": name, "value": one.value, "low": one.low, "high": one.high})
    return pd.DataFrame(found)


def overall(table: pd.DataFrame) -> str:
    """Say how often each tower is right where the meaning is turned round, and where a thing is, Markdown."""
    said = []
    for tower, group in table.groupby("run", sort=False):
        values = group.set_index("metric")["value"]
        turned, exchanged = (
            ", ".join(f"{name} **{values[PROBES[f'{probe}/{kind}']]:.0%}**" for probe, name in SHORT.items())
            for kind in ("meaning", "thing")
        )
        said.append(
            f"The **{tower} tower** is right where the meaning is turned round: {turned}; "
            f"and where a thing is exchanged: {exchanged}."
        )
    return "  \n".join(said)
