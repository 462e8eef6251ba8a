"""Puts what the explorer and the notebooks need into the wheel: everything else is in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUNDLED = ("app", "data", "notebooks", "tools/notebook_runner")
"""Folders beside the library that a wheel carries as `lexclip_core/_bundled`; a clone has them anyway."""


class BuildWithFolders(build_py):  # type: ignore[misc]  # setuptools has no types
    """The usual build, and the bundled folders copied into the package."""

    def run(self) -> None:
        """Build, then copy; an editable installation reads the folders where they are."""
        super().run()
        if self.editable_mode:
            return
        for name in BUNDLED:
            target = Path(self.build_lib) / "lexclip_core" / "_bundled" / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(name, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        shutil.copy("tools/__init__.py", Path(self.build_lib) / "lexclip_core" / "_bundled" / "tools")


setup(cmdclass={"build_py": BuildWithFolders})
