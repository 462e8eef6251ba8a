"""Files of paths, and what is said where something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import each
from PIL import Image

from lexclip_core import storage
from lexclip_core.errors import InputError, MissingResourceError
from tools.notebook_runner.catalogue import read_catalogue
from tools.notebook_runner.paths import (
    EXAMPLE,
    Paths,
    link_weights,
    missing_resources,
    other_activation,
    placeholders,
    read_paths,
    require_available,
    resolve_placeholders,
)
from tools.notebook_runner.running import run_notebooks

CLIP = "ViT-B-32-quickgelu/laion400m_e31"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of paths: a folder next to it, one that is not there, weights, and weights of the hub."""
    (tmp_path / "faces").mkdir()
    (tmp_path / "clip.safetensors").write_bytes(b"weights")
    path = tmp_path / "paths.toml"
    path.write_text(
        '[folders]\nfaces = "faces"\nbirds = "/nowhere/birds"\n'
        f'[weights]\n"{CLIP}" = "clip.safetensors"\n"ViT-L-14/openai" = "hub"\n',
        encoding="utf-8",
    )
    return path


def test_paths_are_read_relative_to_their_file(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir("/")
    paths = read_paths(file)
    assert paths.folders == {"faces": tmp_path / "faces", "birds": Path("/nowhere/birds")}
    assert paths.weights == {CLIP: tmp_path / "clip.safetensors", "ViT-L-14/openai": None}


@each(
    ("text", "complaint"),
    [
        ("[folders", "is not TOML"),
        ("[folder]\n", "unknown table 'folder'\n.*folders, weights"),
        ("[folders]\nfaces = 3\n", "folders.faces is 3\n.*a path in quotes"),
        ('[weights]\nfaces = " "\n', "weights.faces is ' '"),
        ("folders = 3\n", "folders is 3, not a table"),
    ],
)
def test_a_bad_file_of_paths_is_refused(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "paths.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_paths(tmp_path / "paths.toml")


def test_a_file_of_paths_that_is_not_there_is_named_with_how_to_make_it(tmp_path: Path):
    with pytest.raises(
        MissingResourceError, match=r"paths.toml is not there\n.*copy notebooks/paths.example"
    ):
        read_paths(tmp_path / "paths.toml")


def test_names_are_replaced_wherever_they_are_and_templates_are_left(file: Path, tmp_path: Path):
    value = {
        "tower_name": f"{{weights:{CLIP}}}",
        "folders": ["{faces}", "data"],
        "by_name": {"a": "{faces}"},
        "templates": ["{}", "a photo of {}", "the {faces} of"],
        "steps": 3,
    }
    assert placeholders(value) == (("weights", CLIP), ("folders", "faces"))
    assert resolve_placeholders(value, read_paths(file)) == {
        "tower_name": CLIP,
        "folders": [str(tmp_path / "faces"), "data"],
        "by_name": {"a": str(tmp_path / "faces")},
        "templates": ["{}", "a photo of {}", "the {faces} of"],
        "steps": 3,
    }


def test_everything_missing_is_said_at_once_with_the_notebooks_that_need_it(file: Path):
    parameters = {
        "10_a": {"x": "{faces}", "tower": f"{{weights:{CLIP}}}"},
        "11_b": {"x": "{birds}"},
        "12_c": {"x": "{birds}", "y": "{bird}", "tower": "{weights:ViT-L-14/openai}"},
        "13_d": {"tower": "{weights:H/x}"},
        "14_e": {"x": "{faces}"},
    }
    with pytest.raises(MissingResourceError) as caught:
        require_available(parameters, read_paths(file))
    assert caught.value.problem.splitlines() == [
        "not here, though notebooks need it:",
        "  - folders.birds: /nowhere/birds is not there (for 11_b, 12_c)",
        f"  - folders.bird: not named in {file}, which has 'birds' (for 12_c)",
        f"  - weights.H/x: not named in {file} (for 13_d)",
    ]
    assert caught.value.remedy == f"correct {file}; the others run now: --only 10 --only 14"
    require_available({stem: parameters[stem] for stem in ("10_a", "14_e")}, read_paths(file))


def test_without_a_file_of_paths_the_error_says_how_to_make_one():
    with pytest.raises(
        MissingResourceError, match=r"not named in a file of paths.*\n.*copy notebooks/paths.exam"
    ):
        require_available({"10_a": {"x": "{faces}"}}, Paths())


def test_weights_may_be_named_under_the_other_activation(file: Path):
    parameters = {"10_a": {"tower": f"{{weights:{other_activation(CLIP)}}}"}}
    assert missing_resources(parameters, read_paths(file)) == {}


@pytest.mark.parametrize(("name", "wrong"), [("imagenet", "val is not there"), ("coco", "is not there")])
def test_a_known_set_in_another_layout_is_missing(tmp_path: Path, name: str, wrong: str):
    paths = Paths(tmp_path / "paths.toml", {name: tmp_path})
    [(what, stems)] = missing_resources({"10_a": {"x": f"{{{name}}}"}}, paths).items()
    assert what.startswith(f"folders.{name}: ")
    assert what.endswith(wrong)
    assert stems == ["10_a"]


def test_a_known_set_in_its_own_layout_is_there(tmp_path: Path):
    (tmp_path / "val" / "n01440764").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "val" / "n01440764" / "a.JPEG")
    paths = Paths(tmp_path / "paths.toml", {"imagenet": tmp_path})
    assert missing_resources({"10_a": {"x": "{imagenet}"}}, paths) == {}


def test_weights_are_linked_where_towers_look_for_them_under_both_activations(file: Path, tmp_path: Path):
    links = tmp_path / "links"
    for _ in range(2):  # a second time is no error
        assert link_weights(read_paths(file), links) == links
        for architecture in ("ViT-B-32-quickgelu", "ViT-B-32"):
            assert (links / architecture / "laion400m_e31" / "clip.safetensors").read_bytes() == b"weights"
    assert sorted(path.name for path in links.iterdir()) == ["ViT-B-32", "ViT-B-32-quickgelu"]


def test_weights_named_for_both_activations_are_each_their_own(tmp_path: Path):
    for name in ("quick", "plain"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_text(name, encoding="utf-8")
    both = {CLIP: tmp_path / "quick", CLIP.replace("-quickgelu", ""): tmp_path / "plain"}
    for named in (both, dict(reversed(both.items()))):
        links = link_weights(Paths(weights=named), tmp_path / "links")
        for name, path in both.items():
            assert (links / name / "model.safetensors").read_text(encoding="utf-8") == path.name


def test_no_weights_no_links(tmp_path: Path):
    assert link_weights(Paths(weights={CLIP: None}), tmp_path / "links") is None
    assert not (tmp_path / "links").exists()


def test_the_example_names_all_that_the_paper_profile_asks_for_and_nothing_exists_only_here():
    paths = read_paths(storage.project_root() / EXAMPLE)
    for one in read_catalogue():
        for table, name in placeholders(one.parameters["paper"]):
            served = getattr(paths, table)
            assert name in served or other_activation(name) in served, f"{one.stem} asks for {name}"
        for profile in ("smoke", "embedded"):
            assert placeholders(one.parameters[profile]) == (), f"{one.stem}: {profile} needs no files"


def test_nothing_starts_while_something_is_missing(tmp_path: Path, started: list[str]):
    with pytest.raises(MissingResourceError) as caught:
        run_notebooks("paper", only=["02", "12", "15"], output=tmp_path)
    assert "folders.imagenet: not named in a file of paths (for 12_other_names)" in caught.value.problem
    assert "folders.openimages: not named in a file of paths (for 15_second_domain)" in caught.value.problem
    assert caught.value.remedy.endswith("the others run now: --only 02")
    assert started == []
