"""The towers known on this machine: by name, and those that were added by folder, file or address."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePath

import streamlit as st

from lexclip_core import storage
from lexclip_core.text_files import read_json
from lexclip_core.towers.registry import REGISTRY, TINY
from lexclip_core.towers.sources import Availability, availability
from lexclip_core.training.settings import DEFAULT_TOWER

REMEMBERED = 20.0  # seconds for which a tower's state is not looked up again
MOST_ADDED = 50


def known() -> list[str]:
    """Return the towers known by name, the usual one first, the untrained one of tests last."""
    names = [name for name in REGISTRY if name not in (DEFAULT_TOWER, TINY)]
    return [DEFAULT_TOWER, *names, TINY]


@st.cache_data(ttl=REMEMBERED, show_spinner=False)
def state(name: str) -> Availability:
    """Return where a known tower's weights are; no request is made."""
    return availability(name)


def _file() -> Path:
    return storage.cache_folder() / "explorer" / "towers.json"


def added() -> list[str]:
    """Return the towers that were added on this machine: folders, files, addresses."""
    listed: list[str] = read_json(_file(), list[str], remedy="delete the file", default=[])
    return listed[:MOST_ADDED]


def add(name: str) -> None:
    """Remember a tower of a name that `lexclip.load` takes.

    Raises:
        StorageError: The list cannot be written.
    """
    _write([name, *(one for one in added() if one != name)][:MOST_ADDED])


def remove(name: str) -> None:
    """Forget an added tower; its files stay."""
    _write([one for one in added() if one != name])


def _write(names: list[str]) -> None:
    with storage.atomic_write(_file()) as temporary:
        temporary.write_text(json.dumps(names), encoding="utf-8")


def called(name: str) -> str:
    """Return what the pages call a tower: of a path its last part, with more where another ends alike.

    Args:
        name: A name that `lexclip.load` takes.
    """
    parts = _parts(name)
    others = [_parts(one) for one in added() if one != name]
    for length in range(1, len(parts)):
        if all(other[-length:] != parts[-length:] for other in others):
            return os.sep.join(parts[-length:])
    return name


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a path to a file or folder; any other name, which may have a slash too, is one."""
    path = PurePath(name)
    return path.parts if path.is_absolute() or name.startswith(("~", ".")) else (name,)


def here() -> list[str]:
    """Return the towers whose weights are on this machine."""
    return [*(name for name in known() if state(name).state == "here"), *added()]
