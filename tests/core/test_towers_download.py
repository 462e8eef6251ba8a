"""A transfer goes on where it broke off, is verified, and fails in one paragraph."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from file_server import Hub, Server, serving
from huggingface_hub import constants
from tiny_tower import (
    ARCHITECTURE,
    CONFIG,
    TEXTS,
    publish,
    random_model,
    register_architectures,
    save_checkpoint,
)

from lexclip_core.download import fetch
from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.towers import loading, sources
from lexclip_core.towers import open_clip as open_clip_module
from lexclip_core.towers.loading import load

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CONTENT) as running:
        yield running


def test_a_file_is_fetched_once(tmp_path: Path, server: Server) -> None:
    target = tmp_path / "deep" / "w.pt"
    assert fetch(server.url("w.pt"), target, sha256=SHA256) == target
    assert target.read_bytes() == CONTENT
    fetch(server.url("w.pt"), target, sha256=SHA256[:8])
    assert server.asked == [0]
    assert [one.name for one in target.parent.iterdir()] == ["w.pt"]


def test_a_transfer_that_breaks_goes_on_by_itself(tmp_path: Path, server: Server) -> None:
    server.breaks = [100_000, 50_000]
    assert fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [0, 100_000, 150_000]


def test_a_transfer_that_was_given_up_goes_on_at_the_next_call(tmp_path: Path, server: Server) -> None:
    server.breaks = [1000, 1000, 1000]
    with pytest.raises(MissingResourceError, match=r"3,000 bytes are kept in .*w\.pt\.part") as caught:
        fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=SHA256)
    assert "go on from there" in caught.value.remedy
    assert not (tmp_path / "w.pt").exists()
    assert fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [0, 1000, 2000, 3000]


def test_a_server_without_ranges_begins_anew(tmp_path: Path, server: Server) -> None:
    server.ranges, server.breaks = False, [100_000]
    assert fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=SHA256).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(tmp_path: Path, server: Server) -> None:
    (tmp_path / "w.pt.part").write_bytes(CONTENT + b"more")
    assert fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=SHA256).read_bytes() == CONTENT


def test_a_part_of_something_else_is_found_out(tmp_path: Path, server: Server) -> None:
    (tmp_path / "w.pt.part").write_bytes(b"x" * 1000)
    with pytest.raises(DamagedFileError, match="does not have sha256"):
        fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=SHA256)
    assert list(tmp_path.iterdir()) == []
    assert fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=SHA256).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path, server: Server) -> None:
    with pytest.raises(DamagedFileError, match=r"does not have sha256 0000"):
        fetch(server.url("w.pt"), tmp_path / "w.pt", sha256=64 * "0")
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_not_repeated_and_a_breakdown_is(tmp_path: Path, server: Server) -> None:
    for status, times in ((404, 1), (503, 3)):
        server.status, server.asked = status, []
        with pytest.raises(MissingResourceError, match=str(status)):
            fetch(server.url("w.pt"), tmp_path / "w.pt")
        assert len(server.asked) == times


def test_a_server_that_is_not_there_is_named(tmp_path: Path, server: Server) -> None:
    url = server.url("w.pt")
    server.shutdown()
    server.server_close()
    with pytest.raises(MissingResourceError, match=re.escape(f"fetching {url} failed")):
        fetch(url, tmp_path / "w.pt")


# The way from a tag to its address.


@pytest.fixture
def tag(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tag that open_clip has on no hub but at an address which states a checksum."""
    register_architectures(tmp_path)
    file = save_checkpoint(random_model(3), tmp_path / "made.pt")
    server.content = file.read_bytes()
    digest = hashlib.sha256(server.content).hexdigest()
    entry = {"url": server.url(f"openaipublic/{digest}/made.pt"), "hf_hub": "", "quick_gelu": False}
    publish(monkeypatch, "a_tag", entry)
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return f"{ARCHITECTURE}/a_tag"


def test_a_tag_is_fetched_from_its_address_and_found_again(
    tag: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    server.breaks = [100_000]
    rows = load(tag, device="cpu").encode_texts(TEXTS)
    assert server.asked == [0, 100_000]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert np.array_equal(load(tag, device="cpu").encode_texts(TEXTS), rows)


def test_a_tag_whose_bytes_are_wrong_is_refused(
    tag: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    server.content = server.content[:-1] + b"x"
    with pytest.raises(DamagedFileError, match="the transfer or the server was at fault"):
        load(tag)
    assert not list((tmp_path / "weights").rglob("*.pt"))


def test_offline_nobody_is_asked_and_one_paragraph_says_what_to_do(tag: str, server: Server) -> None:
    with pytest.raises(MissingResourceError) as caught:
        load(tag)
    assert server.asked == []
    assert f"the weights of {tag}: not on this machine" in caught.value.problem
    assert "HF_HUB_OFFLINE is set" in caught.value.problem
    assert server.url("openaipublic") in caught.value.remedy
    assert "path=..." in caught.value.remedy


def test_a_file_of_the_hubs_cache_is_held_to_the_name_of_its_blob(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for name, content, right in (
        (SHA256, CONTENT, True),
        (64 * "0", CONTENT, False),
        (40 * "a", b"{}", True),
    ):
        (blobs / name).write_bytes(content)
        link = tmp_path / f"{name[:4]}.safetensors"
        link.symlink_to(blobs / name)
        if right:
            assert sources.verified(link) == link
        else:
            with pytest.raises(DamagedFileError, match="has sha256"):
                sources.verified(link)


# The hub's own client, and a hub on this machine.


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


@pytest.fixture
def hub(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub in reach, with an empty cache on this side."""
    with serving(Hub({})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url("").rstrip("/"))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        yield running


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (
            (
                "open_clip_config.json",
                "config.json",
                "model.safetensors",
                "open_clip_model.safetensors",
                "pytorch_model.bin",
            ),
            "open_clip_model.safetensors",
        ),
        (("config.json", "vocab.json", "pytorch_model.bin", "model.safetensors"), "model.safetensors"),
        (("modules.json", "config.json", "1_Pooling/config.json", "pytorch_model.bin"), "pytorch_model.bin"),
    ],
)
def test_one_weight_file_of_several_is_fetched(hub: Hub, files: tuple[str, ...], wanted: str) -> None:
    hub.files = {name: b"{}" if name.endswith(".json") else name.encode() for name in files}
    folder = loading.named_folder("hf-hub:owner/model")
    weights = {one.name for one in folder.iterdir() if one.suffix in (".safetensors", ".bin")}
    assert weights == {wanted}
    assert loading.named_folder(f"hf-hub:owner/model@{hub.commit}") == folder
    assert [name for name in hub.fetched() if not name.endswith(".json")] == [wanted]  # once


def test_a_model_of_the_hub_is_fetched_resumed_and_verified(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_architectures(tmp_path)
    content = save_checkpoint(random_model(6), tmp_path / "made.safetensors").read_bytes()
    config = json.dumps({"model_cfg": CONFIG}).encode()
    hub.files = {"open_clip_config.json": config, "open_clip_model.safetensors": content}
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 50_000)  # what is written before a break
    hub.breaks = [None, 100_000]
    tower = load("hf-hub:owner/model", device="cpu")
    assert hub.asked[-2:] == [0, 100_000]
    assert tower.verified
    assert tower.title == "hf-hub:owner/model"
    address = "https://huggingface.co/owner/model/resolve/main/open_clip_model.safetensors"
    asked = len(hub.asked)
    file = load(f"{address}#{ARCHITECTURE}", device="cpu")
    assert np.array_equal(file.encode_texts(TEXTS), tower.encode_texts(TEXTS))
    assert len(hub.asked) == asked  # it was in the cache
    # a copy that was damaged meanwhile does not hide the right one
    blob = Path(tower.spec.source).resolve()
    blob.write_bytes(content[:-1] + b"x")
    assert load("hf-hub:owner/model", device="cpu").sha256 == tower.sha256
    # a file of the hub's cache under the name of another model proves nothing
    publish(monkeypatch, "a_tag", {"url": "", "hf_hub": "owner/other/", "quick_gelu": False})
    named = load(f"{ARCHITECTURE}/a_tag", path=tower.spec.source, device="cpu")
    assert (named.verified, named.title) == (False, f"{ARCHITECTURE}/a_tag (unverified)")


def test_what_comes_with_a_wrong_checksum_is_refused_and_removed(hub: Hub) -> None:
    hub.files = {"config.json": b"{}", "model.safetensors": CONTENT}
    hub.stated = {"model.safetensors": 64 * "0"}
    with pytest.raises(DamagedFileError, match=r"model\.safetensors of owner/model came with another"):
        loading.named_folder("hf-hub:owner/model")
    assert hub.fetched().count("model.safetensors") == 2
    assert not list(Path(constants.HF_HUB_CACHE).rglob(64 * "0"))


def test_a_repository_of_no_known_layout_is_named(hub: Hub) -> None:
    hub.files = {"README.md": b"{}", "weights.h5": b"{}"}
    with pytest.raises(MissingResourceError, match=r"owner/model has no open_clip_config.json and open"):
        loading.named_folder("hf-hub:owner/model")
    with pytest.raises(MissingResourceError, match=r"owner/model has none of a\.safetensors, b\.bin"):
        sources.fetched_file("owner/model", ("a.safetensors", "b.bin"))


def test_a_tag_with_a_file_of_its_own_on_the_hub_is_asked_for_that_file(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_architectures(tmp_path)
    publish(monkeypatch, "a_tag", {"url": "", "hf_hub": "owner/model/special.bin", "quick_gelu": False})
    hub.files = {"special.bin": CONTENT, "open_clip_model.safetensors": b"{}"}
    assert open_clip_module.find_weights(ARCHITECTURE, "a_tag").read_bytes() == CONTENT
    assert hub.fetched() == ["special.bin"]


def test_a_text_model_is_fetched_from_the_hub(hub: Hub) -> None:
    hub.files = dict.fromkeys(("config.json", "tokenizer.json", "model.safetensors"), b"{}")
    assert sources.hugging_face_folder("owner/model").name == hub.commit
    assert "model.safetensors" not in hub.fetched()


def test_what_the_hub_refuses_is_named(hub: Hub) -> None:
    hub.files = {"config.json": b"{}"}
    hub.shutdown()
    hub.server_close()
    with pytest.raises(MissingResourceError, match="fetching owner/model from the hub failed: ") as caught:
        sources.fetched_snapshot("owner/model", ("*.json",))
    assert "call again" in caught.value.remedy


def test_a_wrong_copy_in_an_old_cache_hides_nothing(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register_architectures(tmp_path)
    content = save_checkpoint(random_model(7), tmp_path / "made.safetensors").read_bytes()
    url = f"https://openaipublic.host/{hashlib.sha256(content).hexdigest()}/made.pt"
    publish(monkeypatch, "a_tag", {"url": url, "hf_hub": "owner/model/", "quick_gelu": False})
    old = tmp_path / ".cache" / "clip" / "made.pt"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"another file")
    hub.files = {"open_clip_model.safetensors": content}
    assert load(f"{ARCHITECTURE}/a_tag", device="cpu").verified
    assert f"{old} has sha256" in caplog.text
    shutil.rmtree(constants.HF_HUB_CACHE)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingResourceError, match=r"made\.pt \(ignored: it has another checksum\)"):
        load(f"{ARCHITECTURE}/a_tag")


# The hub's client, without its network.


def cache_of(monkeypatch: pytest.MonkeyPatch, folder: Path, repository: str, files: dict[str, bytes]) -> Path:
    """Lay out a repository as the hub's client caches it, and make that the cache; return the snapshot."""
    home = folder / f"models--{repository.replace('/', '--')}"
    snapshot = home / "snapshots" / ("a" * 40)
    for part in (snapshot, home / "blobs", home / "refs"):
        part.mkdir(parents=True)
    (home / "refs" / "main").write_text("a" * 40)
    for name, content in files.items():
        blob = home / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / name).symlink_to(blob)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return snapshot


def test_a_cached_tag_is_loaded_and_verified_by_the_name_of_its_blob(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_architectures(tmp_path)
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path / "weights"))
    publish(monkeypatch, "a_tag", {"url": "", "hf_hub": "owner/model/", "quick_gelu": False})
    content = save_checkpoint(random_model(4), tmp_path / "made.safetensors").read_bytes()
    snapshot = cache_of(
        monkeypatch, tmp_path / "hub", "owner/model", {"open_clip_model.safetensors": content}
    )
    tower = load(f"{ARCHITECTURE}/a_tag", device="cpu")
    assert tower.verified
    assert tower.spec.source == str(snapshot / "open_clip_model.safetensors")
    assert tower.title == tower.name
    blob = (snapshot / "open_clip_model.safetensors").resolve()
    blob.write_bytes(content[:-1] + b"x")
    with pytest.raises(MissingResourceError, match="ignored: it has another checksum"):
        load(f"{ARCHITECTURE}/a_tag", device="cpu")


def test_a_cached_model_and_a_cached_text_model_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"modules.json": b"[]", "model.safetensors": b"x", "config.json": b"{}", "tokenizer.json": b"{}"}
    snapshot = cache_of(monkeypatch, tmp_path, "owner/model", files)
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path / "weights"))
    assert loading.named_folder("hf-hub:owner/model") == snapshot
    assert sources.hugging_face_folder("owner/model") == snapshot
