"""The explorer's settings keep it on this machine, and its colours are the figures' colours."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from lexclip_core import storage
from lexclip_core.figures import style

APP = storage.project_root() / "app"
SETTINGS = tomllib.loads((APP / ".streamlit" / "config.toml").read_text())
FILES = sorted(APP.rglob("*.py"))


def test_it_listens_here_only_and_tells_nobody() -> None:
    assert SETTINGS["server"]["address"] == "127.0.0.1"
    assert set(SETTINGS["server"]["allowedHosts"]) == {"localhost", "127.0.0.1"}
    assert SETTINGS["server"]["headless"] is True
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["client"] == {"toolbarMode": "viewer", "showErrorDetails": "type"}


def test_the_theme_wears_the_figures_palette() -> None:
    theme = SETTINGS["theme"]
    assert theme["chartCategoricalColors"] == [mark.color for mark in style.MARKS]
    assert theme["primaryColor"] == theme["linkColor"] == style.PALETTE["blue"]
    assert theme["backgroundColor"] == style.TEMPLATE.layout.paper_bgcolor
    assert theme["textColor"] == style.TEMPLATE.layout.font.color


CACHING = (
    *("store.py", "static_data.py", "background_maps.py", "known_towers.py", "tower_list.py"),
    "atlas_points.py",
)
"""What computes in the background or remembers: no page does either."""


def test_only_the_store_caches_and_no_page_reaches_for_models_or_files() -> None:
    assert len(FILES) >= 15
    assert {str(file.relative_to(APP)): names for file in FILES if (names := reached_for(file))} == {}


def reached_for(file: Path) -> set[str]:
    """Return what a page names that is the store's business, and the heavy libraries that it imports."""
    tree = ast.parse(file.read_text())
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | attributes
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    if file.name in CACHING:
        names = set()
    stores = {"cache_data", "cache_resource", "towers", "read_run", "list_runs", "joint_layout"}
    heavy = {"torch", "umap", "nltk", "open_clip"} - ({"torch"} if file.name == "live_training.py" else set())
    return (stores & names) | (heavy & modules)
