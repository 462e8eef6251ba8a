"""Set lexclip up in `.venv`: environment, requirements, the project itself, WordNet, compiled kernels.

Standard library only, because it runs before anything is installed. Each step leaves a stamp with the digest
of what it was made from, so a second call takes a moment; an installation that was killed leaves a marker, so
that the next call starts the environment afresh instead of trusting half of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
MARKER = VENV / ".set-up-in-progress"
ONLY_LOCKED = ("--require-hashes", "--requirement")
LOCK_FILE = ROOT / ".cache" / "set-up.lock"
# The index and the machine code that these make are kept in the cache folder.
FIRST_CALLS = """
import numpy as np
from lexclip_core.figures.maps import word_places
from lexclip_core.targets.wu_palmer import wu_palmer_matrix

wu_palmer_matrix(["dog.n.01"])
rows = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
word_places(rows, rows)
"""


class SetUpError(Exception):
    """A step failed in a way that its message explains."""


def say(text: str) -> None:
    """Tell the user what is being done."""
    print(f"[set-up] {text}", flush=True)


def main() -> int:
    """Bring `.venv` up to date and return the exit status."""
    try:
        with one_at_a_time():
            set_up()
    except SetUpError as error:
        print(f"[set-up] failed: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\n[set-up] interrupted; call it again to go on.", file=sys.stderr, flush=True)
        return 130
    return 0


def set_up() -> None:
    """Do every step whose stamp is missing or out of date."""
    requirements = digest(ROOT / "requirements.lock")
    project = digest(ROOT / "pyproject.toml", ROOT / "requirements.txt")
    package = ROOT / "lexclip_core"
    wordnet = digest(*sorted((package / "wordnet").glob("*.py")))
    kernels = digest(*sorted((package / "targets").glob("*.py")), *package.glob("figures/maps.py"))
    discard_unusable_environment()
    if not stamped("requirements", requirements):
        started = time.monotonic()
        begin_environment()
        install_requirements()
        stamp("requirements", requirements)
        MARKER.unlink()
        say(f"requirements are in .venv ({time.monotonic() - started:.0f} s)")
    if not stamped("project", project):
        say("installing lexclip itself, editable")
        install("--no-build-isolation", "--no-deps", "--editable", ".")  # with the locked setuptools
        stamp("project", project)
    if not stamped("wordnet", wordnet) or not Path(read_stamp("wordnet")[1]).is_dir():
        say("finding WordNet 3.0")
        stamp("wordnet", wordnet, note=prepare_wordnet())
    if not stamped("kernels", kernels):
        say("building the Wu-Palmer index, compiling its kernels and those of maps, once (about a minute)")
        if run(str(BIN / "python"), "-c", FIRST_CALLS) != 0:
            say("that did not work: the first use of Wu-Palmer and the first map try it again")
        stamp("kernels", kernels)


def digest(*paths: Path) -> str:
    """Return one sha256 over the names and the content of files."""
    value = hashlib.sha256()
    for path in paths:
        value.update(path.name.encode() + b"\0" + path.read_bytes())
    return value.hexdigest()


def read_stamp(step: str) -> tuple[str, str]:
    """Return the digest and the note that a finished step left, empty where it left none."""
    try:
        lines = (VENV / f".set-up-{step}").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "", ""
    return (lines[0] if lines else "", lines[1] if len(lines) > 1 else "")


def stamped(step: str, wanted: str) -> bool:
    """Tell whether a step was finished from exactly this content."""
    return read_stamp(step)[0] == wanted


def stamp(step: str, value: str, note: str = "") -> None:
    """Record that a step is finished."""
    temporary = VENV / f".set-up-{step}.{os.getpid()}"
    temporary.write_text(f"{value}\n{note}\n", encoding="utf-8")
    temporary.replace(VENV / f".set-up-{step}")


def discard_unusable_environment() -> None:
    """Remove an environment whose set-up was killed half-way, or whose Python is gone."""
    if not VENV.exists():
        return
    if MARKER.exists():
        reason = "an earlier set-up did not finish"
    elif not runs(str(BIN / "python"), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"):
        reason = "its Python does not run, or is older than 3.11"
    else:
        return
    if VENV.is_symlink():
        raise SetUpError(f"{VENV} is a link and cannot be used ({reason}): remove it and call again")
    say(f"starting .venv afresh: {reason}")
    shutil.rmtree(VENV)


def begin_environment() -> None:
    """Mark the environment as unfinished, and make it where there is none."""
    new = not VENV.exists()
    VENV.mkdir(exist_ok=True)
    MARKER.touch()
    if not new:
        return
    say(f"making .venv with Python {sys.version.split()[0]}")
    if run(sys.executable, "-m", "venv", str(VENV)) != 0:
        raise SetUpError("python -m venv did not work; on Debian: sudo apt-get install python3-venv")


def install_requirements() -> None:
    """Install exactly what `requirements.lock` pins, every file with a sha256 that stands there."""
    say("installing requirements.lock (about 6 GB on Linux, minutes the first time)")
    if not has_uv():
        lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines(keepends=True)
        alone = VENV / "uv.lock"
        alone.write_text("".join(pin("uv", lines)), encoding="utf-8")
        run(str(BIN / "python"), "-m", "pip", "install", "--quiet", *ONLY_LOCKED, str(alone))
    install(*ONLY_LOCKED, "requirements.lock")


def pin(name: str, lines: list[str]) -> Iterator[str]:
    """Yield the lines of a lock file that pin one distribution: its version and its hashes."""
    wanted = False
    for line in lines:
        wanted = line.startswith(f"{name}==") or (wanted and line.startswith("    --hash="))
        if wanted:
            yield line


def has_uv() -> bool:
    """Tell whether uv, the fast installer, is in the environment."""
    return runs(str(BIN / "python"), "-m", "uv", "--version")


def install(*arguments: str) -> None:
    """Install with uv, or with pip where uv cannot: no build for the platform, an index only pip knows."""
    python = str(BIN / "python")
    # pip compiles what it installs, uv has to be told: else every first import pays, and where Python may not
    # write beside its modules (PYTHONDONTWRITEBYTECODE, a read-only disk) every start does.
    quick = ("-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python)
    if has_uv() and run(python, *quick, *arguments) == 0:
        return
    say("uv could not do it here: trying pip, which is slower")
    if run(python, "-m", "pip", "install", "--quiet", *arguments) != 0:
        raise SetUpError("the installer's message is above; is the package index in reach? then call again")


def prepare_wordnet() -> str:
    """Find or fetch WordNet 3.0 and return the folder it is in."""
    command = [str(BIN / "lexclip"), "wordnet", "--json"]
    done = subprocess.run(command, cwd=ROOT, close_fds=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SetUpError("WordNet 3.0 is not there; the message above names the remedies")
    return json.loads(done.stdout)["folder"]


def run(*command: str) -> int:
    """Run a command in the project folder with its output shown, and return its exit status.

    It inherits the set-up lock (`close_fds=False`): should this process be killed, the lock stays taken until
    the installer it left behind has ended too.
    """
    return subprocess.run(command, cwd=ROOT, close_fds=False).returncode


def runs(*command: str) -> bool:
    """Tell whether a command can be run and succeeds, without showing its output."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
    except OSError:
        return False


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the set-up lock, which the operating system releases even if this process is killed."""
    LOCK_FILE.parent.mkdir(exist_ok=True)
    with LOCK_FILE.open("a+") as stream:
        os.set_inheritable(stream.fileno(), True)  # noqa: FBT003 (see `run`)
        if not try_lock(stream.fileno()):
            say("another set-up is at work here: waiting for it")
            while not try_lock(stream.fileno()):
                time.sleep(0.2)
        yield


def try_lock(handle: int) -> bool:
    """Take the lock if it is free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
