"""FER2013 as Kaggle's table and as folders, made up small, and the real sample where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from case_tables import each
from PIL import Image

from lexclip_core.datasets.pictures import fer2013
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

count = PICTURE_SOURCES["fer2013"].count
HEADERS = {"fer2013.csv": "emotion,pixels,Usage", "icml_face_data.csv": "emotion, Usage, pixels"}


def face(shade: int) -> str:
    return " ".join(str(value) for value in [shade, 255, *[0] * 2302])


def table(path: Path, rows: list[tuple[int, int, str]], name: str = "fer2013.csv") -> Path:
    """Write (emotion, shade of the first pixel, usage) rows in one of Kaggle's column orders."""
    order = [column.strip() for column in HEADERS[name].split(",")]
    lines = [HEADERS[name]]
    for emotion, shade, usage in rows:
        cells = {"emotion": str(emotion), "pixels": face(shade), "Usage": usage}
        lines.append(",".join(cells[column] for column in order))
    (path / name).write_text("\n".join(lines) + "\n")
    return path / name


def seven(usage: str = "PrivateTest", shade: int = 10) -> list[tuple[int, int, str]]:
    return [(emotion, shade + emotion, usage) for emotion in range(7)]


def folders(place: Path, counts: dict[str, int]) -> None:
    for emotion in fer2013.EMOTIONS:
        (place / emotion).mkdir(parents=True)
        for number in range(counts.get(emotion, 1)):
            Image.new("L", (48, 48), number).save(place / emotion / f"PrivateTest_{number}.jpg")


@pytest.mark.parametrize("name", HEADERS)
def test_the_table_is_read_in_both_spellings_and_training_is_left_out(tmp_path: Path, name: str):
    rows = [*seven("Training", 100), *seven(), (0, 77, "PublicTest")]
    table(tmp_path, rows, name)
    found = open_set("fer2013", tmp_path)
    assert [one.key for one in found.classes] == [*fer2013.EMOTIONS]
    assert found.labels.tolist() == [0, 0, 1, 2, 3, 4, 5, 6]
    assert [found.read(picture).getpixel((0, 0))[0] for picture in range(8)] == [10, 77, *range(11, 17)]
    assert found.read(0).getpixel((1, 0)) == (255, 255, 255)  # row-major
    assert found.read(0).size == (48, 48)
    assert found.titles[1] == "angry, line 16"
    assert len(set(found.digests)) == 8
    assert count(tmp_path) == {"classes": 7, "pictures": 8}


def test_a_hundred_of_each_emotion_are_drawn_by_the_seed(tmp_path: Path):
    table(tmp_path, [*seven(), *[(1, number, "PublicTest") for number in range(120)]])
    held = open_set("fer2013", tmp_path)
    assert np.bincount(held.labels).tolist() == [1, 100, 1, 1, 1, 1, 1]
    assert open_set("fer2013", tmp_path, sample="released").digests == held.digests
    assert open_set("fer2013", tmp_path, seed=1).digests != held.digests
    assert len(open_set("fer2013", tmp_path, sample="all")) == 127


def test_folders_are_read_and_drawn_the_same_way(tmp_path: Path):
    folders(tmp_path / "test", {"happy": 101})
    folders(tmp_path / "train", {"sad": 5})
    found = open_set("fer2013", tmp_path)
    assert np.bincount(found.labels).tolist() == [1, 1, 1, 100, 1, 1, 1]
    assert found.titles[0] == "angry/PrivateTest_0.jpg"
    assert count(tmp_path) == {"classes": 7, "pictures": 107}
    assert count(tmp_path / "train") == {"classes": 7, "pictures": 11}


@each(
    ("before", "after", "message"),
    [
        ("emotion,", "feeling,", "column 'emotion' is missing"),
        ("0,10 ", "9,10 ", "line 2: emotion is '9'"),
        ("PrivateTest", "Test", "line 2: Usage is 'Test'"),
        ("0,10 255", "0,10 256", "line 2: 2,304 values"),
        ("0,10 255", "0,10", "line 2: 2,303 values"),
        ("0,10 255", "0,10 x", "line 2: invalid literal"),
    ],
)
def test_a_damaged_table_is_named_with_its_line(tmp_path: Path, before: str, after: str, message: str):
    file = table(tmp_path, seven())
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    with pytest.raises(DamagedFileError, match=f"fer2013.csv.*{message}"):
        open_set("fer2013", tmp_path)


def test_the_first_wrong_path_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match="nowhere is not there"):
        count(tmp_path / "nowhere")
    with pytest.raises(MissingResourceError, match=r"fer2013\.csv is not there"):
        count(tmp_path)
    folders(tmp_path, {"sad": 0})
    with pytest.raises(InputError, match="sad holds no picture"):
        count(tmp_path)
    (tmp_path / "sad").rmdir()
    with pytest.raises(MissingResourceError, match="sad is not there"):
        count(tmp_path)
    table(tmp_path, [row for row in seven() if row[0] != 2])
    with pytest.raises(InputError, match="no test face that is fear"):
        count(tmp_path)
    with pytest.raises(InputError, match="no sample 'most'"):
        open_set("fer2013", tmp_path, sample="most")


def test_the_real_sample_has_forty_faces_of_each_emotion(evaldata: Path):
    place = evaldata / "fer2013_sample"
    if not place.is_dir():
        pytest.skip(f"{place} is not there")
    assert count(place) == {"classes": 7, "pictures": 280}
    found = open_set("fer2013", place)
    assert np.bincount(found.labels).tolist() == [40] * 7
    assert found.read(279).size == (48, 48)
    assert found.titles[279].startswith("neutral/")
