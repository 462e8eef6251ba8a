"""Every page draws from every run, says what is missing, and takes whatever is typed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_runs import COMMAND, content
from streamlit.testing.v1 import AppTest

from lexclip_core.experiments import run_folder as run_folder_module
from lexclip_core.training.settings import PRESETS

OpenApp = Callable[..., AppTest]
PAGES = ("home", "pairs", "subtree_map", "neighbours", "training")
RUNS = ("lexclip-0123abcd", "blog-release-4567cdef", "shuffled-89ab0123")
TITLES = dict(zip(PAGES, ("lexclip", "Pair cosines", "Subtree map", "Neighbours", "Training"), strict=True))
CHARTS = {"home": 1, "pairs": 2, "subtree_map": 2, "neighbours": 1, "training": 1}


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def alts(app: AppTest) -> list[str]:
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def traces(app: AppTest) -> set[str]:
    return {trace["name"] for chart in charts(app) for trace in chart["data"] if trace.get("name")}


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.code)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.parametrize("run_id", RUNS)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_draws_every_run_in_words_too(open_app: OpenApp, page: str, run_id: str) -> None:
    app = open_app(page, run=run_id)
    assert not app.exception
    assert not app.error
    assert app.title[0].value == TITLES[page]
    assert f"Run **{run_id}**" in texts(app)
    assert len(app.get("plotly_chart")) == CHARTS[page]
    assert all(len(alt) > 40 for alt in alts(app))


@pytest.mark.parametrize("page", PAGES)
def test_without_a_run_every_page_gives_the_command(open_app: OpenApp, page: str, tmp_path: Path) -> None:
    app = open_app(page, folder=tmp_path / "none")
    assert not app.exception
    assert "There is no run yet" in app.info[0].value
    assert app.code[0].value == f"lexclip tune --preset lexclip --out {tmp_path / 'none'}"
    assert not app.get("plotly_chart")


def test_the_default_run_is_the_lexclip_preset(open_app: OpenApp) -> None:
    app = open_app()
    assert app.sidebar.selectbox[0].value == "lexclip-0123abcd"
    assert app.sidebar.selectbox[0].options[0] == "lexclip-0123abcd"


def test_the_unchanged_preset_comes_before_a_visitors_own_experiments(
    open_app: OpenApp, run_folder: Path
) -> None:
    unchanged = PRESETS["lexclip"].run_id
    run_folder_module.write_run(run_folder, content("lexclip-00000000", auc=0.5, repaired=False))
    run_folder_module.write_run(run_folder, content(unchanged, auc=0.5, repaired=False))
    offered = open_app(folder=run_folder).sidebar.selectbox[0].options
    assert offered[:3] == [unchanged, "lexclip-00000000", "lexclip-0123abcd"]


def test_home_says_the_finding_with_its_interval_split_and_controls(open_app: OpenApp) -> None:
    app = open_app()
    said = texts(app)
    assert "**0.43** before tuning and **0.87** after (95 % interval 0.84 to 0.90)" in said
    assert "Split: test, n = 900." in said
    assert "shuffled-89ab0123 (seed 0) 0.44, blog-release-4567cdef (seed 0) 0.51" in said  # controls first
    assert "(Spearman), before → after: MEN 0.735 → **0.728**." in said
    assert traces(app) == {"before tuning", *RUNS}
    drawn = [note["text"] for note in charts(app)[0]["layout"]["annotations"]]
    assert drawn == [
        "<b>Synonyms nearer than antonyms (AUC) [test]</b>",
        "<b>Antonym nearer than synonym (rate) [test]</b>",
        "<b>MEN (Spearman) [heldout]</b>",
        "<b>Neighbours retained, of 10 [test]</b>",
    ]
    arrow = app.get("html")[0].proto.body
    assert [part.split("<")[0] for part in arrow.split("600\">")[1:]] == [
        "words", "synsets", "targets", "pairs", "losses", "tower", "training", "evaluation", "geometry",
    ]  # fmt: skip
    assert "distance, anchor" in arrow
    assert "tiny-random, 64 numbers a word" in arrow


def test_home_escapes_what_a_run_says(open_app: OpenApp, tmp_path: Path) -> None:
    evil = content("lexclip-evil", target="<img src=x onerror=alert(1)>", auc=0.9, repaired=True)
    run_folder_module.write_run(tmp_path, evil)
    app = open_app(folder=tmp_path)
    assert "&lt;img src=x" in app.get("html")[0].proto.body
    assert "<img" not in app.get("html")[0].proto.body


def test_a_run_without_metrics_or_map_still_opens(open_app: OpenApp, tmp_path: Path) -> None:
    from dataclasses import replace

    bare = content("lexclip-bare", auc=0.9, repaired=True)
    run_folder_module.write_run(tmp_path, replace(bare, metrics={}, layout=None, pairs=bare.pairs.iloc[:0]))
    expected = {
        "home": "names no measure on test words",
        "pairs": "lists no pairs",
        "subtree_map": "drew no map",
        "neighbours": "Of the 10 words nearest to **happy**",
        "training": "measured nothing",
    }
    for page, sentence in expected.items():
        app = open_app(page, folder=tmp_path)
        assert not app.exception
        assert sentence in texts(app)


def test_pairs_start_with_the_blogs_own(open_app: OpenApp) -> None:
    app = open_app("pairs")
    named = charts(app)[0]
    assert named["layout"]["xaxis"]["range"] == [-1.0, 1.0]
    ticks = named["layout"]["yaxis"]["ticktext"]
    assert [tick.split(" ")[0] for tick in ticks] == ["happy", "happy", "smart", "smart"]
    said = texts(app)
    assert "**happy**: before tuning it is nearer to **sad**" in said
    assert "after it is nearer to **cheerful**" in said


def test_a_pair_typed_in_is_encoded_by_both_towers(open_app: OpenApp) -> None:
    app = open_app("pairs")
    app.text_input(key="a").set_value("Volcano").run()
    assert "second word is empty" in texts(app)
    app.text_input(key="b").set_value("glacier").run()
    assert not app.exception
    assert "**volcano \N{EN DASH} glacier**: cosine" in texts(app)
    assert len(charts(app)[0]["layout"]["yaxis"]["ticktext"]) == 5


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("a" * 10_000, "sad", "has 10,000 characters"),
        ("happy", "   ", "The second word is empty"),
        ("happy", "happy", "Both boxes hold “happy”"),
        ("happy", "HAPPY ", "Both boxes hold “happy”"),
        ("?!", "sad", "“?!” has no letter or digit"),
        ("[x](http://evil.example) :red[y] $z$", "sad", ""),
        ("<script>alert(1)</script>", "sad", ""),
    ],
)
def test_bad_pairs_get_a_message_and_break_nothing(
    open_app: OpenApp, first: str, second: str, message: str
) -> None:
    app = open_app("pairs", a=first, b=second)
    assert not app.exception
    assert message in texts(app)
    assert len(app.get("plotly_chart")) == CHARTS["pairs"]


def test_typed_text_is_shown_letter_by_letter(open_app: OpenApp) -> None:
    app = open_app("pairs", a="[x](http://evil.example)", b="sad")
    said = next(element.value for element in app.markdown if "evil" in element.value)
    assert "\\[x\\]\\(http\\:\u2060\\/\\/evil\\.example\\)" in said


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("", "The word is empty"),
        ("x" * 10_000, "has 10,000 characters"),
        ("....", "has no letter or digit"),
    ],
)
def test_bad_words_get_a_message(open_app: OpenApp, word: str, message: str) -> None:
    app = open_app("neighbours")
    app.text_input(key="word").set_value(word).run()
    assert not app.exception
    assert message in texts(app)
    app.text_input(key="word").set_value("sad").run()
    assert "nearest to **sad**" in texts(app)


def test_a_script_that_the_tokenizer_cannot_read_gets_a_message(open_app: OpenApp, run_folder: Path) -> None:
    config = run_folder / "lexclip-0123abcd" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"tower": "all-MiniLM-L6-v2"}))
    for word in ("ᛗᚨᚾᚾ", "ᛗᚨᚾᚾ ᚠ", "\u200b1\u200b"):
        app = open_app("neighbours", folder=run_folder, word=word)
        assert not app.exception
        assert ("has no piece for" in texts(app)) == ("1" not in word)


def test_without_tuned_tensors_a_new_word_names_the_command(open_app: OpenApp) -> None:
    app = open_app("neighbours", run="blog-release-4567cdef", word="volcano")
    assert not app.exception
    assert "has no tuned tensors" in app.error[0].value.replace("\\", "")
    assert COMMAND in texts(app)
    app.text_input(key="word").set_value("happy").run()
    assert not app.error
    assert "nearest to **happy**" in texts(app)


def test_damaged_tuned_tensors_are_named(open_app: OpenApp, run_folder: Path) -> None:
    tuned = run_folder / "lexclip-0123abcd" / "tuned.safetensors"
    tuned.write_bytes(tuned.read_bytes()[:1000])
    app = open_app("neighbours", folder=run_folder, word="volcano")
    assert not app.exception
    assert "tuned.safetensors" in app.error[0].value.replace("\\", "")


def test_missing_base_weights_are_named(open_app: OpenApp, run_folder: Path) -> None:
    config = run_folder / "lexclip-0123abcd" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"tower": "no-such-tower"}))
    app = open_app("neighbours", folder=run_folder, word="volcano")
    assert not app.exception
    assert "no-such-tower" in texts(app)


def test_neighbours_of_a_word_of_the_run_and_of_a_new_one(open_app: OpenApp) -> None:
    app = open_app("neighbours", word="Sad", k="5")
    assert "Of the 5 words nearest to **sad**" in texts(app)
    assert "vectors come from the run" in texts(app)
    assert "sad" not in set(app.dataframe[0].value["neighbour"])
    app.text_input(key="word").set_value("volcano").run()
    assert "encoded now by both towers" in texts(app)
    assert len(app.dataframe[0].value) >= 5


def test_subtree_and_view_follow_the_address(open_app: OpenApp) -> None:
    app = open_app("subtree_map", subtree="canine.n.02", view="Movement")
    assert app.selectbox(key="subtree").value == "canine.n.02"
    assert len(app.get("plotly_chart")) == 1
    assert "Distances on a map are not cosines" in texts(app)
    assert "Trustworthiness of the map: 0.91 before, 0.93 after" in texts(app)
    both = charts(open_app("subtree_map"))
    assert both[0]["layout"]["xaxis"]["range"] == both[1]["layout"]["xaxis"]["range"]


def test_relations_are_filtered(open_app: OpenApp) -> None:
    app = open_app("pairs")
    app.button_group(key="relations").set_value(["antonym"]).run()
    assert set(app.dataframe[0].value["relation"]) == {"antonym"}
    app.button_group(key="relations").set_value([]).run()
    assert "Choose at least one relation" in texts(app)


def test_an_unknown_run_in_the_address_gets_a_message_until_another_is_chosen(open_app: OpenApp) -> None:
    app = open_app("pairs", run="lexclip-gone")
    assert "There is no run called “lexclip-gone”. Showing lexclip-0123abcd instead." in texts(app)
    app.sidebar.selectbox[0].set_value("shuffled-89ab0123").run()
    assert not app.warning
    assert "a control: the same targets, shuffled" in texts(app)


def test_a_damaged_run_is_named_and_the_others_stay(open_app: OpenApp, run_folder: Path) -> None:
    (run_folder / "shuffled-89ab0123" / "metrics.json").write_text("{")
    app = open_app(folder=run_folder)
    assert "Skipped shuffled-89ab0123: metrics.json is not JSON" in app.sidebar.warning[0].value.replace(
        "\\", ""
    )
    assert len(app.sidebar.selectbox[0].options) == 2


EXTREMES: dict[str, dict[str, str]] = {
    "numbers": {
        "metrics.json": '{"test/synonym_over_antonym_auc": {"value": 1e30, "low": -1e30, "n": 0, '
        '"before": -1}, "": {"value": 0}, "///": {"value": 1, "high": null}, '
        '"heldout/men/spearman": {"value": 7, "x": [[]]}}',
        "history.csv": "step,epoch,seconds,total,a|b\n0,0,0,1e30,-1e30\n-5,2.5,-1,0,0\n",
    },
    "nothing": {
        "config.json": "{}",
        "metrics.json": "{}",
        "provenance.json": "{}",
        "history.csv": "step,epoch,seconds,total\n",
        "pairs.csv": ",".join(run_folder_module.PAIR_COLUMNS) + "\n",
        "layout.csv": ",".join(run_folder_module.LAYOUT_COLUMNS) + "\n",
    },
    "nested": {
        "config.json": '{"method": "unheard of", "a": {"b": [[1], {"c": null}]}, "": "\\u0000"}',
        "provenance.json": '{"command": "`rm -rf` $(x)", "packages": [1, {"a": []}], "seed": {"": 10}}',
    },
}


@pytest.mark.parametrize("run_id", ["lexclip-0123abcd", *EXTREMES])
def test_the_pages_of_a_run_stay_whatever_other_folders_hold(
    open_app: OpenApp, run_folder: Path, run_id: str
) -> None:
    for name, files in EXTREMES.items():
        shutil.copytree(run_folder / "lexclip-0123abcd", run_folder / name)
        for file, text in files.items():
            (run_folder / name / file).write_text(text)
    for number in range(30):
        (run_folder / f"dangling{number}").symlink_to("nowhere")
    os.mkdir(os.fsencode(run_folder) + b"/\xff")
    for page in PAGES if run_id == "numbers" else ("home", "training"):
        app = open_app(page, folder=run_folder, run=run_id)
        assert not app.exception, (page, app.exception)
        assert not app.error, (page, app.error)
        assert f"Run **{run_id}**" in texts(app)
        assert len(app.sidebar.warning) == 6
        assert "and 26 more" in app.sidebar.warning[-1].value


def test_a_run_damaged_beyond_its_headers_gets_a_message(open_app: OpenApp, run_folder: Path) -> None:
    (run_folder / "lexclip-0123abcd" / "pairs.csv").write_text("word_a\nhappy\n")
    app = open_app("pairs", folder=run_folder)
    assert not app.exception
    assert "column 'word_b' is missing" in texts(app)


def test_a_run_written_again_is_read_again(open_app: OpenApp, run_folder: Path) -> None:
    app = open_app(folder=run_folder)
    assert "**0.87** after" in texts(app)
    shutil.rmtree(run_folder / "lexclip-0123abcd")
    run_folder_module.write_run(run_folder, content("lexclip-0123abcd", auc=0.77, repaired=True))
    assert "**0.77** after" in texts(app.run())


def test_training_shows_terms_settings_and_the_command(open_app: OpenApp) -> None:
    app = open_app("training")
    assert traces(app) == {"distance", "anchor", "total"}
    assert app.code[0].value == COMMAND
    tables = [frame.value for frame in app.dataframe]
    assert set(tables[0]["run"]) == {"before tuning", *RUNS}
    assert "synthetic vectors made by a test" in set(tables[1]["value"])
    assert "versions.torch" in set(tables[2]["setting"])


def test_the_app_never_asks_the_hub(open_app: OpenApp) -> None:
    open_app()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
