"""The explorer as visitors meet it: its own server process on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lexclip_core import storage

ENTRY = storage.project_root() / "app" / "streamlit_app.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def explorer(run_folder: Path, log: Path, *, patience: float = 300) -> Iterator[str]:
    """Yield the address of a running explorer; its output goes to `log`."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ENTRY), "--server.port", str(port)]
    environment = os.environ | {"LEXCLIP_RUNS": str(run_folder)}
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=log.parent)
        try:
            _await_health(server, f"http://127.0.0.1:{port}/_stcore/health", log, patience)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:  # a machine that does other work meanwhile
                server.kill()
                server.wait()


def _await_health(server: subprocess.Popen, address: str, log: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the explorer did not start:\n{log.read_text()}")
