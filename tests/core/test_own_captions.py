"""Captions of one's own: paraphrased or to be paraphrased, in files or shards, with pictures in a folder."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from few_words import few_words
from PIL import Image
from tiny_tower import tiny_tower

from lexclip_core.cli.training import chosen_settings
from lexclip_core.errors import InputError
from lexclip_core.evaluation.table1 import measure_table1
from lexclip_core.experiments import paraphrases, pipeline, run_folder
from lexclip_core.paraphrase.provider import read_captions
from lexclip_core.training.settings import ParaphraseSettings, settings_of
from lexclip_core.wordnet.tables import load_wordnet

COUNT = 120
THINGS = ("dog", "cat", "boat", "horse", "bird", "lamp", "child", "tree")


def caption(place: int) -> str:
    return f"a photo of a small {THINGS[place % 8]} near house {place}"


def picture(place: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (place, 2 * place % 255, 7))


def row(place: int, *, whole: bool) -> dict[str, str]:
    made = {"paraphrase_1": f"{THINGS[place % 8]} {place}", "paraphrase_2": f"there is one, {place}"}
    return {"image": f"{place}.png", "caption": caption(place)} | (made if whole else {})


def lines(folder: Path, *, whole: bool) -> Path:
    path = folder / "captions.jsonl"
    rows = [row(place, whole=whole) for place in range(COUNT)]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    (folder / "photos").mkdir()
    for place in range(COUNT):
        picture(place).save(folder / "photos" / f"{place}.png")
    return path


def shards(folder: Path, *, whole: bool) -> Path:
    for number in range(2):
        with tarfile.open(folder / f"{number:05d}.tar", "w") as tar:
            for place in range(number * COUNT // 2, (number + 1) * COUNT // 2):
                image = io.BytesIO()
                picture(place).save(image, "PNG")
                texts = json.dumps(row(place, whole=whole)).encode()
                for suffix, content in (("png", image.getvalue()), ("json", texts)):
                    member = tarfile.TarInfo(f"{place:06d}.{suffix}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    return folder


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_wordnet()  # from the real cache: another would parse it anew
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))


def features(pictures) -> np.ndarray:
    """Return rows that tell pictures apart by their own colours."""
    means = np.stack([np.asarray(pictures.read(place), float).mean((0, 1)) for place in range(len(pictures))])
    rows = np.concatenate([means + 1, np.zeros((len(means), 61))], axis=1)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def settings(**changes: object) -> ParaphraseSettings:
    made = settings_of(
        "paraclip-emoji", {"tower": "tiny-random", "device": "cpu", "provider": "rules", **changes}
    )
    assert isinstance(made, ParaphraseSettings)
    return made


@pytest.mark.parametrize("whole", [True, False], ids=["paraphrased", "to be paraphrased"])
@pytest.mark.parametrize("make", [lines, shards])
def test_every_record_meets_its_own_picture_and_a_tenth_is_held_out(
    make, whole: bool, tmp_path: Path
) -> None:
    source = make(tmp_path, whole=whole)
    photos = {"pictures": str(tmp_path / "photos")} if make is lines else {}
    mine = settings(records=str(source), **photos)
    material, tests = paraphrases.own_material(mine, features)
    count, held = len(material.records), len(tests.table.captions)
    assert count + held == COUNT
    assert 3 < held < 30
    texts = material.records.column("caption", range(count))
    assert not set(texts) & set(tests.table.captions)
    expected = [features_of(text) for text in texts]
    np.testing.assert_allclose(material.pictures.rows(np.arange(count)), expected, atol=1e-6)
    np.testing.assert_allclose(
        tests.table.pictures[tests.table.owners],
        [features_of(one) for one in tests.table.captions],
        atol=1e-6,
    )
    second = material.records[0].paraphrase_2
    assert second.startswith("there is one") == whole
    again, _ = paraphrases.own_material(mine, features)
    assert again.records[5] == material.records[5]


def features_of(text: str) -> np.ndarray:
    means = np.array([1 + (place := int(text.split()[-1])), 1 + 2 * place % 255, 8, *[0] * 61], float)
    means[1] = 1 + 2 * place % 255
    return means / np.linalg.norm(means)


def test_a_run_on_texts_alone_is_trained_measured_and_made_again_by_its_command(tmp_path: Path) -> None:
    source = lines(tmp_path, whole=True)
    mine = settings(
        records=str(source), image_paraphrase_2=0.0, batch=8, steps=2, trainable="last:1", dtype="float32"
    )
    base = tiny_tower()
    made = pipeline.ParaphraseExperiment(mine, base, vocabulary=few_words())
    trained = pipeline.train_tower(mine, made.objective, base)
    assert len(trained.history.rows) == 2
    said = run_folder.command(mine)
    assert f"--set records={source}" in said
    texts = said.split("--set ")[1:]
    again = chosen_settings(
        ParaphraseSettings, "paraclip-emoji", None, [one.strip() for one in texts], default=""
    )
    assert again == mine
    assert settings(records="elsewhere.jsonl").run_id != settings(records=str(source)).run_id


def test_retrieval_of_held_out_pictures_is_measured(tmp_path: Path) -> None:
    source = lines(tmp_path, whole=True)
    _, tests = paraphrases.own_material(
        settings(records=str(source), pictures=str(tmp_path / "photos")), features
    )
    found = measure_table1(tiny_tower().encode_texts, tests.table, split="test")
    assert any("retrieval/image_r@5" in name for name in found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"provider": "chat"}, "'chat' makes none here(.|\\n)*lexclip paraphrase"),
        ({"pictures": ""}, "folder of the pictures is not named"),
        ({"pictures": "nowhere"}, r"no picture '\d+.png' in nowhere"),
        ({"records": "nowhere.jsonl"}, "no file of records"),
    ],
)
def test_what_is_missing_is_said(changes: dict[str, str], said: str, tmp_path: Path) -> None:
    source = lines(tmp_path, whole="provider" not in changes)
    given = {"records": str(source), "pictures": str(tmp_path / "photos"), **changes}
    with pytest.raises(InputError, match=said):
        paraphrases.own_material(settings(**given), features)


def test_captions_are_read_from_a_shard_or_a_folder_of_them(tmp_path: Path) -> None:
    every, first = read_captions(shards(tmp_path, whole=False)), read_captions(tmp_path / "00000.tar")
    assert len(every) == COUNT
    assert every[: COUNT // 2] == first
    assert (first[0].image, first[0].text) == ("00000.tar/000000.png", row(0, whole=False)["caption"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no captions"):
        read_captions(tmp_path / "empty")
