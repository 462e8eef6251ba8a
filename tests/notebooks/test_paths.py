"""Files of paths, and what is said where something is missing."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lexclip_core import notebook_runner, storage
from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.notebook_runner import paths

CLIP = "ViT-B-32-quickgelu/laion400m_e31"
EXAMPLE = storage.project_root() / paths.EXAMPLE


def experiment(file: str, **parameters: object) -> notebook_runner.Experiment:
    every = {profile: {} for profile in notebook_runner.PROFILES} | {"paper": parameters}
    minutes = dict.fromkeys(notebook_runner.PROFILES, 1)
    return notebook_runner.Experiment(file, "title", "Question?", ("B1",), minutes, every)


def asked(*experiments: notebook_runner.Experiment) -> dict[str, object]:
    return {one.file: one.parameters["paper"] for one in experiments}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of paths: a folder beside it, one that is not there, weights, and weights of the hub."""
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
    found = notebook_runner.read_paths(file)
    assert found.folders == {"faces": tmp_path / "faces", "birds": Path("/nowhere/birds")}
    assert found.weights == {CLIP: tmp_path / "clip.safetensors", "ViT-L-14/openai": None}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[folders", "is not TOML"),
        ("[folder]\n", "unknown table 'folder'\n.*folders, weights"),
        ("[folders]\nfaces = 3\n", "folders.faces is 3\n.*a path in quotes"),
        ('[weights]\nfaces = " "\n', "weights.faces is ' '"),
        ("folders = 3\n", "folders is 3, no table"),
    ],
)
def test_a_bad_file_of_paths_is_refused(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "paths.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        notebook_runner.read_paths(tmp_path / "paths.toml")


def test_a_file_of_paths_that_is_not_there_is_named_with_how_to_make_it(tmp_path: Path):
    with pytest.raises(
        MissingResourceError, match=r"paths.toml is not there\n.*copy notebooks/paths.example"
    ):
        notebook_runner.read_paths(tmp_path / "paths.toml")


def test_names_are_replaced_wherever_they_stand_and_templates_are_left(file: Path, tmp_path: Path):
    found = notebook_runner.read_paths(file)
    value = {
        "tower_name": f"{{weights:{CLIP}}}",
        "folders": ["{faces}", "data"],
        "by_name": {"a": "{faces}"},
        "templates": ["{}", "a photo of {}", "the {faces} of"],
        "steps": 3,
    }
    assert paths.names_of(value) == (("weights", CLIP), ("folders", "faces"))
    assert paths.resolved(value, found) == {
        "tower_name": CLIP,
        "folders": [str(tmp_path / "faces"), "data"],
        "by_name": {"a": str(tmp_path / "faces")},
        "templates": ["{}", "a photo of {}", "the {faces} of"],
        "steps": 3,
    }


def test_everything_missing_is_said_at_once_with_the_notebooks_that_need_it(file: Path):
    some = [
        experiment("10_a.ipynb", x="{faces}", tower=f"{{weights:{CLIP}}}"),
        experiment("11_b.ipynb", x="{birds}"),
        experiment("12_c.ipynb", x="{birds}", y="{fish}", tower="{weights:ViT-L-14/openai}"),
        experiment("13_d.ipynb", tower="{weights:ViT-B-16/openai}"),
    ]
    with pytest.raises(MissingResourceError) as caught:
        paths.require(some, asked(*some), notebook_runner.read_paths(file))
    assert caught.value.problem.splitlines() == [
        "not here, though notebooks need it:",
        "  - folders.birds: /nowhere/birds is not there (for 11_b, 12_c)",
        f"  - folders.fish: not named in {file} (for 12_c)",
        f"  - weights.ViT-B-16/openai: not named in {file} (for 13_d)",
    ]
    assert caught.value.remedy == f"mend {file}; the others run now: --only 10"
    paths.require(some[:1], asked(some[0]), notebook_runner.read_paths(file))


def test_without_a_file_of_paths_the_error_says_how_to_make_one():
    some = experiment("10_a.ipynb", x="{faces}")
    with pytest.raises(
        MissingResourceError, match=r"not named in a file of paths.*\n.*copy notebooks/paths.exam"
    ):
        paths.require([some], asked(some), notebook_runner.Paths())


def test_a_known_set_in_another_layout_is_missing(tmp_path: Path):
    some = experiment("10_a.ipynb", x="{imagenet}")
    found = notebook_runner.Paths(tmp_path / "paths.toml", {"imagenet": tmp_path})
    [lack] = notebook_runner.lacking([some], asked(some), found)
    assert lack.what == f"folders.imagenet: ImageNet (ILSVRC 2012): {tmp_path / 'val'} is not there"
    (tmp_path / "val" / "n01440764").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "val" / "n01440764" / "a.JPEG")
    assert notebook_runner.lacking([some], asked(some), found) == ()


def test_a_name_that_no_notebook_asks_for_is_pointed_out(file: Path, caplog: pytest.LogCaptureFixture):
    some = experiment("10_a.ipynb", x="{face}", y="{birds}", tower=f"{{weights:{CLIP}}}")
    with caplog.at_level(logging.WARNING):
        paths.point_out_unknown(notebook_runner.read_paths(file), [some])
    assert [message for message in caplog.messages if "folders" in message] == [
        f"{file}: no notebook asks for folders.faces; did you mean 'face'?"
    ]
    assert any("weights.ViT-L-14/openai" in message for message in caplog.messages)
    assert len(caplog.messages) == 2


def test_weights_are_linked_where_towers_look_for_them_under_both_activations(file: Path, tmp_path: Path):
    links = tmp_path / "links"
    for _ in range(2):  # a second time is no error
        assert paths.link_weights(notebook_runner.read_paths(file), links) == links
        for architecture in ("ViT-B-32-quickgelu", "ViT-B-32"):
            assert (links / architecture / "laion400m_e31" / "clip.safetensors").read_bytes() == b"weights"
    assert sorted(path.name for path in links.iterdir()) == ["ViT-B-32", "ViT-B-32-quickgelu"]


def test_weights_named_for_both_activations_are_each_their_own(tmp_path: Path):
    for name in ("quick", "plain"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_text(name, encoding="utf-8")
    both = {CLIP: tmp_path / "quick", CLIP.replace("-quickgelu", ""): tmp_path / "plain"}
    for named in (both, dict(reversed(both.items()))):
        links = paths.link_weights(notebook_runner.Paths(weights=named), tmp_path / "links")
        for name, path in both.items():
            assert (links / name / "model.safetensors").read_text(encoding="utf-8") == path.name


def test_no_weights_no_links(tmp_path: Path):
    assert paths.link_weights(notebook_runner.Paths(weights={CLIP: None}), tmp_path / "links") is None
    assert not (tmp_path / "links").exists()


def test_the_example_names_all_that_the_paper_profile_asks_for_and_nothing_exists_only_here():
    found = notebook_runner.read_paths(EXAMPLE)
    for one in notebook_runner.read_experiments():
        for table, name in paths.names_of(one.parameters["paper"]):
            served = getattr(found, table)
            assert name in served or paths.other_activation(name) in served, f"{one.stem} asks for {name}"
        for profile in ("smoke", "embedded"):
            assert paths.names_of(one.parameters[profile]) == (), f"{one.stem}: {profile} needs no files"


def test_nothing_starts_while_something_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("papermill.execute_notebook", lambda *_, **__: pytest.fail("a notebook was started"))
    with pytest.raises(MissingResourceError) as caught:
        notebook_runner.run_notebooks("paper", only=["02", "12", "15"], output=tmp_path)
    assert "folders.imagenet: not named in a file of paths (for 12_synonyms)" in caught.value.problem
    assert "folders.openimages: not named in a file of paths (for 15_second_domain)" in caught.value.problem
    assert caught.value.remedy.endswith("the others run now: --only 02")


def test_an_override_may_name_a_folder_too(file: Path):
    some = replace(experiment("10_a.ipynb"), parameters={"paper": {"x": "{faces}"}})
    assert paths.lacking([some], asked(some), notebook_runner.read_paths(file)) == ()
