"""The official files of composition sets are fetched once, checked, and missed in one paragraph."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import Server, serving

from lexclip_core.datasets import composition
from lexclip_core.errors import DamagedFileError, MissingResourceError

ITEM = {
    "filename": "1.jpg",
    "caption": "A red bus.",
    "caption2": "A bus in red.",
    "negative_caption": "A blue bus.",
}
CONTENT = json.dumps([ITEM]).encode()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """Stand in for the authors' servers; the cache is empty and fetching is allowed."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with serving(CONTENT) as running:
        for name, card in composition.CARDS.items():
            details = {
                "address": running.url(f"{name}/{{name}}"),
                "sha256": {"sugarcrepe/add_att.json": OTHER},
            }
            monkeypatch.setitem(composition.CARDS, name, replace(card, details=details))
        yield running


def test_a_set_is_fetched_once_and_read_from_the_cache_then(server: Server, tmp_path: Path) -> None:
    found = composition.read("sugarcrepe-pp", kinds=("swap_att", "replace_att"))
    assert found.groups == ("replace_att", "swap_att")
    assert found.paraphrases == ("A bus in red.",) * 2
    assert (tmp_path / "composition" / "sugarcrepe_pp" / "swap_att.json").read_bytes() == CONTENT
    assert composition.read("sugarcrepe-pp", kinds=("swap_att", "replace_att")) == found
    assert server.paths == ["/sugarcrepe-pp/replace_att.json", "/sugarcrepe-pp/swap_att.json"]


def test_what_has_another_checksum_is_thrown_away(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match="does not have sha256"):
        composition.read("sugarcrepe", kinds=("add_att",))
    assert list((tmp_path / "composition" / "sugarcrepe").iterdir()) == []


def test_a_server_that_refuses_is_named_with_the_way_by_hand(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(MissingResourceError, match="ARO, Visual Genome Relation") as caught:
        composition.read("vg-relation")
    assert "404" in caught.value.problem
    assert str(tmp_path / "composition" / "visual_genome_relation.json") in caught.value.remedy


def test_offline_nothing_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingResourceError, match="nothing is fetched") as caught:
        composition.read("sugarcrepe", kinds=("add_obj",))
    assert "add_obj.json" in caught.value.remedy
    assert server.paths == []


def test_every_file_of_every_card_has_an_address() -> None:
    files = [(card, file) for card in composition.CARDS.values() for file in card.files]
    addresses = [composition.address(card, file) for card, file in files]
    assert all(one.startswith("https://") for one in addresses)
    assert len(set(addresses)) == len(files) == 14
    for card in composition.CARDS.values():
        assert set(card.details.get("sha256", {})) <= set(card.files)


def test_the_checksums_are_those_of_the_files_that_were_tried(evaldata: Path) -> None:
    sums = [one for card in composition.CARDS.values() for one in card.details.get("sha256", {}).items()]
    assert len(sums) == 9
    for file, sha256 in sums:
        assert hashlib.sha256((evaldata / file).read_bytes()).hexdigest() == sha256
