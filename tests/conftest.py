"""Fixtures that every test may use."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

from lexclip_core import storage

settings.register_profile("lexclip", deadline=None)  # a busy machine is no failure
settings.load_profile("lexclip")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LEXCLIP_PROGRESS", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(autouse=True)
def _closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine: a test that needs the network is a broken test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise OSError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def evaldata() -> Path:
    """Return the folder of third-party test sets, which this repository does not ship."""
    folder = Path(os.environ.get("LEXCLIP_EVALDATA") or storage.project_root().parent / "shared" / "evaldata")
    if not folder.is_dir():
        pytest.skip(f"third-party test sets are not here: {folder} (set LEXCLIP_EVALDATA)")
    return folder
