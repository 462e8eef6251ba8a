"""Jupyter kernels that start warm: forks of one process that has imported and read what notebooks need.

A kernel's start with torch and plotly takes longer than most notebooks do. `warm_kernels` lets all kernels of
this process be started by this file, run as a program: with a command of its own it asks the warm process for
a fork and lives as long as that fork, to which nothing else is different: ipykernel runs in it, in the folder
and with the environment that the kernel's manager chose.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

IMPORTED = (
    *("ipykernel.kernelapp", "ipykernel.zmqshell", "matplotlib.figure", "matplotlib.backends.backend_agg"),
    *("open_clip", "torch", "lexclip_core.experiments.pipeline", "lexclip_core.experiments.sweeps"),
    *("lexclip_core.papers.ledger", "lexclip_core.targets.kernels", "tools.notebook_runner.kernel"),
)


@contextmanager
def warm_kernels(environment: dict[str, str]) -> Iterator[None]:
    """Let every Python kernel that is started in this context be a fork of one warm process.

    Args:
        environment: Variables that are read at an import, such as OMP_NUM_THREADS, which a kernel's manager
            would set too late.
    """
    before = os.environ.get("JUPYTER_PATH")
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        address = f"{folder}/socket"  # in a folder with a short path: a socket's may have 100 characters
        listener.bind(address)
        listener.listen(16)  # who asks before all is imported waits
        spec = Path(folder) / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-I", "-S", __file__, address, "{connection_file}"]
        spec.write_text(json.dumps({"argv": argv, "display_name": "warm", "language": "python"}))
        # plotly chooses by the kernel at its import, and there is none yet
        variables = os.environ | environment | {"PLOTLY_RENDERER": "plotly_mimetype"}
        command, number = [sys.executable, __file__], listener.fileno()
        server = subprocess.Popen(
            [*command, str(number)], stdin=subprocess.PIPE, env=variables, pass_fds=[number]
        )
        listener.close()  # or who asks a dead process would wait
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [folder, before]))
        try:
            yield
        finally:
            os.environ.pop("JUPYTER_PATH")
            if before is not None:
                os.environ["JUPYTER_PATH"] = before
            server.communicate()  # it ends with its input


def serve(listener: socket.socket) -> None:
    """Import and read what is slow, then fork once for each that asks, until the input ends."""
    sys.path[0] = str(Path(__file__).parents[2])
    for name in IMPORTED:
        importlib.import_module(name)
    from lexclip_core.experiments.words import lexicon
    from lexclip_core.targets.relations import lexical_targets

    lexicon()
    lexical_targets(["hot", "cold"])  # reads the taxonomy and the compiled kernels
    gc.freeze()  # what is here stays, and no fork need look through it
    sys.path.pop(0)  # a kernel has its own folder there
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        asking, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            become_kernel(asking)
        asking.close()
    os._exit(0)  # to take everything apart takes seconds


def become_kernel(asking: socket.socket) -> None:
    """Be the kernel that is asked for, and end with it or with whoever asked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    first, streams, _, _ = socket.recv_fds(asking, 1, 3)
    assert first == b"!"
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    asked = json.loads(asking.makefile().readline())
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.environ.pop("JPY_PARENT_PID", None)  # its parent is the warm process
    threading.Thread(target=lambda: os._exit(len(asking.recv(1))), daemon=True).start()
    from ipykernel.kernelapp import launch_new_instance

    sys.argv = ["ipykernel_launcher", *asked["arguments"]]
    try:
        launch_new_instance()
    finally:
        os._exit(0)


def ask(address: str, arguments: list[str]) -> None:
    """Ask for a kernel and wait for its end."""
    with socket.socket(socket.AF_UNIX) as kernel:
        kernel.connect(address)
        socket.send_fds(kernel, [b"!"], [0, 1, 2])
        asked = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
        kernel.sendall(json.dumps(asked).encode() + b"\n")
        kernel.recv(1)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(socket.socket(fileno=int(sys.argv[1])))
    else:
        ask(sys.argv[1], ["-f", *sys.argv[2:]])
