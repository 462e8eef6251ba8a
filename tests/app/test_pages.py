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
PAGES = ("home", "word", "pairs", "map", "runs")
RUNS = ("lexclip-0123abcd", "blog-release-4567cdef", "shuffled-89ab0123")
NAMES = ("Antonym-aware similarities, seed 0", "Wu-Palmer of class names, seed 0")
TITLES = dict(zip(PAGES, ("Does it know opposites?", "Word", "Pairs", "Map", "Runs"), strict=True))
CHARTS = {"home": 1, "word": 1, "pairs": 2, "map": 0, "runs": 2}


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
    assert app.sidebar.selectbox[0].value == run_id
    assert "hash" not in texts(app)
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
    assert app.sidebar.selectbox[0].options[0].startswith(NAMES[0])


def test_the_unchanged_preset_comes_before_a_visitors_own_experiments(
    open_app: OpenApp, run_folder: Path
) -> None:
    unchanged = PRESETS["lexclip"].run_id
    run_folder_module.write_run(run_folder, content("lexclip-00000000", auc=0.5, repaired=False))
    run_folder_module.write_run(run_folder, content(unchanged, auc=0.5, repaired=False))
    app = open_app(folder=run_folder)
    assert app.sidebar.selectbox[0].value == unchanged
    offered = app.sidebar.selectbox[0].options
    assert len(set(offered)) == len(offered) == 5
    assert [name.split(" (")[-1].rstrip(")") for name in offered[:3]] == [
        unchanged, "lexclip-00000000", "lexclip-0123abcd",
    ]  # fmt: skip


def test_home_opens_on_the_clearest_repair_and_says_how_often_with_every_control(open_app: OpenApp) -> None:
    app = open_app()
    said = texts(app)
    assert (
        "Of 300 words that training never saw, the opposite was nearer in **52%** before and **13%**" in said
    )
    assert "as a control: shuffled targets 56%." in said
    assert traces(app) == {
        "before tuning", "after tuning", "antonym-aware similarities, control: shuffled targets",
        "Wu-Palmer of class names",
    } or "control: shuffled targets" in traces(app)  # fmt: skip
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert data["antonym"] != data["synonym"]
    assert data["far"][0] > data["near"][0]
    assert data["near"][-1] > data["far"][-1]
    assert len(data["near"]) == len(data["sentences"]) == 5
    assert data["sentences"][-1] == f"Before, the opposite was nearer. Now “{data['synonym']}” is."
    assert not data["revealed"]


def test_another_word_goes_through_the_list_and_a_typed_one_is_answered(open_app: OpenApp) -> None:
    app = open_app()
    first = json.loads(app.get("bidi_component")[0].proto.json)["word"]
    button = next(one for one in app.button if one.label == "Another word")
    button.click().run()
    assert json.loads(app.get("bidi_component")[0].proto.json)["word"] != first
    assert app.query_params["n"] == "2"
    app.text_input(key="word").set_value("Volcano").run()
    assert "WordNet lists no opposite of “volcano”" in texts(app)
    app.text_input(key="synonym").set_value("lava").run()
    app.text_input(key="opposite").set_value("glacier").run()
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert (data["word"], data["synonym"], data["antonym"]) == ("volcano", "lava", "glacier")
    assert data["positions"] == [0, 25, 50, 75, 100]
    assert data["revealed"]


def test_a_run_without_metrics_or_map_still_opens(open_app: OpenApp, tmp_path: Path) -> None:
    from dataclasses import replace

    bare = content("lexclip-bare", auc=0.9, repaired=True)
    empty = {"metrics": {}, "layout": None, "pairs": bare.pairs.iloc[:0], "triples": None}
    run_folder_module.write_run(tmp_path, replace(bare, **empty))
    expected = {
        "home": "has no word with a synonym and an opposite",
        "pairs": "lists no pairs",
        "map": "has stored no map",
        "word": "Of the 10 words nearest to **happy**",
        "runs": "measured nothing",
    }
    for page, sentence in expected.items():
        app = open_app(page, folder=tmp_path)
        assert not app.exception
        assert sentence in texts(app)


def test_pairs_show_what_was_repaired_and_the_blogs_own(open_app: OpenApp) -> None:
    app = open_app("pairs")
    gallery = charts(app)[0]
    assert gallery["layout"]["xaxis"]["range"] == [-1.0, 1.0]
    ticks = gallery["layout"]["yaxis"]["ticktext"]
    assert len(ticks) == 8
    assert ticks[0].split(" / ")[0] == ticks[1].split(" / ")[0]
    said = texts(app)
    assert "**4 of 6** words that training never saw" in said
    assert "**happy**: before tuning it is nearer to **sad**" in said
    assert "after it is nearer to **cheerful**" in said
    assert "**0 of 6**" in texts(open_app("pairs", outcome="Made worse"))


def test_a_pair_typed_in_is_encoded_by_both_towers(open_app: OpenApp) -> None:
    app = open_app("pairs")
    app.text_input(key="a").set_value("Volcano").run()
    assert "second word is empty" in texts(app)
    app.text_input(key="b").set_value("glacier").run()
    assert not app.exception
    assert "**volcano \N{EN DASH} glacier**: cosine" in texts(app)
    assert (
        "WordNet relates them only by its tree of wider words; training on its relations asks for a cosine of"
        in texts(app)
    )
    assert "a fissure in the earth" in texts(app)
    assert len(charts(app)[0]["layout"]["yaxis"]["ticktext"]) == 1


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
    assert len(app.get("plotly_chart")) == CHARTS["pairs"] + (not message)


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
    app = open_app("word")
    app.text_input(key="word").set_value(word).run()
    assert not app.exception
    assert message in texts(app)
    app.text_input(key="word").set_value("sad").run()
    assert "nearest to **sad**" in texts(app)


def test_a_script_that_the_tokenizer_cannot_read_gets_a_message(open_app: OpenApp, run_folder: Path) -> None:
    config = run_folder / "lexclip-0123abcd" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"tower": "all-MiniLM-L6-v2"}))
    for word in ("ᛗᚨᚾᚾ", "ᛗᚨᚾᚾ ᚠ", "\u200b1\u200b"):
        app = open_app("word", folder=run_folder, word=word)
        assert not app.exception
        assert ("has no piece for" in texts(app)) == ("1" not in word)


def test_without_tuned_tensors_a_new_word_names_the_command(open_app: OpenApp) -> None:
    app = open_app("word", run="blog-release-4567cdef", word="volcano")
    assert not app.exception
    assert "Before tuning, the nearest to **volcano** is" in texts(app)
    assert "has no tuned tensors" in texts(app)
    assert COMMAND in texts(app)
    app.text_input(key="word").set_value("happy").run()
    assert not app.error
    assert "nearest to **happy**" in texts(app)


def test_damaged_tuned_tensors_are_named(open_app: OpenApp, run_folder: Path) -> None:
    tuned = run_folder / "lexclip-0123abcd" / "tuned.safetensors"
    tuned.write_bytes(b"\x10" + bytes(1000))
    app = open_app("word", folder=run_folder, word="volcano")
    assert not app.exception
    assert "tuned.safetensors" in app.error[0].value.replace("\\", "")


def test_missing_base_weights_are_named(open_app: OpenApp, run_folder: Path) -> None:
    config = run_folder / "lexclip-0123abcd" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"tower": "no-such-tower"}))
    app = open_app("word", folder=run_folder, word="volcano")
    assert not app.exception
    assert "no-such-tower" in texts(app)


def test_the_page_of_a_word_says_what_it_means_and_why_neighbours_moved(open_app: OpenApp) -> None:
    app = open_app("word", word="Sad", k="23")
    said = texts(app)
    assert app.title[0].value == "Word: Sad"
    assert "Of the 23 words nearest to **sad**" in said
    assert "experiencing or showing sorrow or unhappiness" in said
    assert app.dataframe[0].value.set_index("neighbour")["why"]["happy"] == "derived antonym"
    assert "this run\N{RIGHT SINGLE QUOTATION MARK}s 24 words" in said
    assert "This run was not trained on WordNet" in said
    app.text_input(key="word").set_value("\N{FULLWIDTH LATIN SMALL LETTER V}olcano").run()
    assert "Read as “volcano”" in texts(app)
    app.text_input(key="word").set_value("froodle").run()
    assert "WordNet does not list “froodle”" in texts(app)


@pytest.mark.parametrize(
    ("page", "query", "message"),
    [
        ("word", {"k": "999"}, "goes from 5 to 25; “999” is not used"),
        ("pairs", {"split": "tset"}, "no split called “tset”. The nearest is “test”"),
        ("home", {"n": "99"}, "There are 6 words, so there is no number “99”"),
        ("home", {"run": "lexclip-0123abce"}, "The nearest is lexclip-0123abcd"),
        ("ledger", {"claim": "Z9"}, "no claim called “Z9”"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_named_with_the_nearest_right_one(
    open_app: OpenApp, page: str, query: dict[str, str], message: str
) -> None:
    app = open_app(page, **query)
    assert not app.exception
    assert message in texts(app)


def test_a_fault_in_one_part_leaves_the_rest_of_the_page(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    import small_pictures

    monkeypatch.setattr(small_pictures, "axis", lambda _triple: 1 / 0)
    app = open_app()
    assert "could not be drawn: the four steps (ZeroDivisionError)" in texts(app)
    assert [one.value for one in app.header][-2:] == ["Bring your CLIP", "All pages"]


def test_relations_are_filtered(open_app: OpenApp) -> None:
    app = open_app("pairs")
    app.button_group(key="relations").set_value(["antonym"]).run()
    assert set(app.dataframe[-1].value["relation"]) == {"antonym"}
    app.button_group(key="relations").set_value([]).run()
    assert "Choose at least one relation" in texts(app)


def test_an_unknown_run_in_the_address_gets_a_message_until_another_is_chosen(open_app: OpenApp) -> None:
    app = open_app("pairs", run="lexclip-gone")
    assert "There is no run called “lexclip-gone”. The nearest is lexclip-0123abcd." in texts(app)
    app.sidebar.selectbox[0].set_value("shuffled-89ab0123").run()
    assert not app.warning
    assert "control: shuffled targets" in texts(app)


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
    for page in PAGES if run_id == "numbers" else ("home", "runs"):
        app = open_app(page, folder=run_folder, run=run_id)
        assert not app.exception, (page, app.exception)
        assert not app.error, (page, app.error)
        assert app.sidebar.selectbox[0].value == run_id
        assert len(app.sidebar.warning) == 6
        assert "and 26 more" in app.sidebar.warning[-1].value


def test_a_run_damaged_beyond_its_headers_gets_a_message(open_app: OpenApp, run_folder: Path) -> None:
    (run_folder / "lexclip-0123abcd" / "pairs.csv").write_text("word_a\nhappy\n")
    app = open_app("pairs", folder=run_folder)
    assert not app.exception
    assert "column 'word_b' is missing" in texts(app)


def test_a_run_written_again_is_read_again(open_app: OpenApp, run_folder: Path) -> None:
    app = open_app(folder=run_folder)
    assert "**13%** after" in texts(app)
    shutil.rmtree(run_folder / "lexclip-0123abcd")
    run_folder_module.write_run(run_folder, content("lexclip-0123abcd", auc=0.77, repaired=True))
    assert "**23%** after" in texts(app.run())


def test_runs_show_a_comparison_terms_settings_and_the_command(open_app: OpenApp) -> None:
    app = open_app("runs", **{"with": NAMES[1]})
    assert traces(app) >= {"distance", "anchor", "total", "before tuning"}
    assert app.code[0].value == COMMAND
    compared, settings, provenance, listed = (frame.value for frame in app.dataframe)
    assert compared.loc[compared["measure"].str.contains("rate"), "difference"].tolist() == [
        pytest.approx(0.36)
    ]
    assert "synthetic vectors made by a test" in set(settings["value"])
    assert "versions.torch" in set(provenance["setting"])
    assert set(NAMES) < set(listed["run"])
    shown = open_app("runs", run=RUNS[2]).dataframe[-1].value  # its links lead to other runs, not to itself
    assert shown["open"].tolist() == [f"/runs?run={one}" for one in shown["id"]]
    assert "no difference" not in texts(app)


def test_the_app_never_asks_the_hub(open_app: OpenApp) -> None:
    open_app()
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_boxes_left_empty_on_home_do_not_empty_the_page_of_a_word(open_app: OpenApp) -> None:
    app = open_app()
    next(one for one in app.button if one.label == "Another word").click().run()
    app.switch_page("app_pages/word.py").run()
    assert not app.exception
    assert app.text_input(key="word").value
    assert "The word is empty" not in texts(app)
