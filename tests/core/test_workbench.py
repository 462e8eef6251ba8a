"""The front door: load, tune and compare from a prompt, and the errors of wrong calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from case_tables import each
from few_words import few_words

import lexclip_core as lexclip
from lexclip_core.errors import InputError
from lexclip_core.experiments import pipeline, run_folder
from lexclip_core.targets.registry import TARGETS, Among, Target
from lexclip_core.towers.weights import apply_tuned

pytestmark = pytest.mark.usefixtures("quick_maps")

WORDS = ["hot", "cold", "warm", "tepid"]


@pytest.fixture(scope="module", autouse=True)
def _judged_by_few_words() -> Iterator[None]:
    """Measure what is saved on few words: which numbers come of it is not asked here."""
    with pytest.MonkeyPatch.context() as patch:
        for method, usual in pipeline.EXPERIMENTS.items():
            patch.setitem(pipeline.EXPERIMENTS, method, partial(usual, vocabulary=few_words()))
        yield


@pytest.fixture(scope="module")
def result() -> lexclip.Result:
    """Return a tower of two small layers, tuned for three steps on four words."""
    return lexclip.tune(WORDS, tower="tiny-random", steps=3, trainable="all", lr=1e-3)


def test_the_version_is_that_of_the_installation():
    assert lexclip.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lexclip.nothing  # noqa: B018


def test_the_public_names_are_there():
    for name in lexclip.__all__:
        assert getattr(lexclip, name)


def test_tuning_leaves_the_tower_as_it_is():
    tower = lexclip.load("tiny-random")
    before = tower.encode_texts(WORDS)
    tuned = lexclip.tune(WORDS, tower=tower, steps=3, trainable="all", lr=1e-3)
    assert np.array_equal(tower.encode_texts(WORDS), before)
    assert not np.array_equal(tuned.after.encode_texts(WORDS), before)
    assert tuned.before is tower


def test_pairs_are_those_that_wordnet_relates_with_targets_and_cosines(result: lexclip.Result):
    table = result.pairs()
    antonyms = table[table.relation == "antonym"]
    assert list(zip(antonyms.word_a, antonyms.word_b, strict=True)) == [("hot", "cold")]
    assert antonyms.target.item() == 0
    rows = result.before.encode_texts(["hot", "cold"])
    assert antonyms.cosine_before.item() == pytest.approx(float(rows[0] @ rows[1]), abs=1e-6)
    rows = result.after.encode_texts(["hot", "cold"])
    assert antonyms.cosine_after.item() == pytest.approx(float(rows[0] @ rows[1]), abs=1e-6)


def test_pairs_may_be_named(result: lexclip.Result):
    with pytest.raises(InputError, match="'big' is not a pair of words"):
        result.pairs(["big", "small"])
    table = result.pairs([("big", "small"), ("car", "automobile")])
    assert table.relation.tolist() == ["antonym", "synonym"]
    assert len(table.columns) == 6


def test_neighbours_are_taken_in_a_wide_vocabulary(result: lexclip.Result):
    table = result.neighbours("hot", k=5)
    assert "hot" not in set(table.neighbour)
    assert (table.rank_after <= 5).sum() == 5
    assert table[["rank_before", "rank_after"]].to_numpy().max() > len(WORDS)


def test_figures_and_texts_say_what_was_tuned(result: lexclip.Result):
    assert isinstance(result.show(), go.Figure)
    assert repr(result) == "Result: tiny-random tuned as own-words, 3 steps"
    shown = result._repr_html_()
    assert "<table" in shown
    assert "antonym" in shown
    assert len(result.history) == 3
    assert {"distance", "anchor", "total"} <= set(result.history.columns)


def test_a_map_shows_the_branch_on_the_side_that_is_asked_for(result: lexclip.Result):
    figure = result.map("feline.n.01", "before")
    texts = str(figure.to_dict())
    assert "lion" in texts
    with pytest.raises(InputError, match="side is 'left'"):
        result.map("feline.n.01", "left")  # type: ignore[arg-type]


def test_a_saved_result_is_a_run_that_the_explorer_lists(result: lexclip.Result, tmp_path: Path):
    path = result.save(tmp_path)
    summaries, damaged = run_folder.list_runs(tmp_path)
    assert [summary.run_id for summary in summaries] == [path.name]
    assert not damaged
    run = run_folder.read_run(path)
    assert set(WORDS) <= set(run.words)
    assert run.config["words"] == "hot, cold, warm, tepid"
    assert "--set words=" in run.provenance["command"].replace("'", "")
    again = result.save(tmp_path)  # nothing is used up by saving
    assert again == path


def test_each_call_trains_anew_and_each_result_saves_its_own_tensors(tmp_path: Path):
    def towards(value: float) -> Target:
        def of(words: Sequence[str], synsets: Sequence[str]) -> Among:
            return lambda rows: np.where(np.eye(len(rows), dtype=bool), 1.0, value)

        return Target("one value for all", of)

    results = []
    try:
        for value in (0.9, -0.5):  # one name and one run id, and yet another target
            TARGETS["changed"] = towards(value)
            options = {"target": "changed", "steps": 3, "trainable": "all", "lr": 1e-3}
            results.append(lexclip.tune(WORDS, tower="tiny-random", **options))
    finally:
        del TARGETS["changed"]
    first, second = (result.after.encode_texts(WORDS) for result in results)
    assert not np.array_equal(first, second)
    saved = results[0].save(tmp_path)  # the second training has not taken the first one's place
    again = apply_tuned(lexclip.load("tiny-random"), saved / "tuned.safetensors")
    assert np.array_equal(again.encode_texts(WORDS), first)


def test_two_towers_are_compared_on_given_words_or_on_held_out_pairs():
    towers = lexclip.load("tiny-random"), lexclip.load("tiny-random")
    same = lexclip.compare(*towers, WORDS).pairs()
    assert np.array_equal(same.cosine_before, same.cosine_after)
    heldout = lexclip.compare(*towers).pairs()
    assert set(heldout.relation) == {"synonym", "antonym"}
    assert (heldout.split == "test").all()
    assert isinstance(lexclip.compare(*towers, WORDS).arrows(), go.Figure)
    assert "tiny-random and tiny-random" in repr(lexclip.compare(*towers))


def test_two_towers_are_compared_by_their_cards_in_a_table_and_a_dot_plot(result: lexclip.Result):
    compared = lexclip.compare(result.before, result.after, measures=["antonym_nearer"])
    names = ["tiny-random, before", "tiny-random, after"]
    table = compared.table()
    assert table.columns.tolist() == ["measure", "axis", "chance", *names]
    for name in names:
        (row,) = compared.cards[name].rows
        assert table[name].tolist() == [
            f"{row.plain.value:.3f} ({row.plain.low:.3f} to {row.plain.high:.3f})"
        ]
    assert compared.cards[names[0]].tower.tuned_sha256 == ""
    assert len(compared.cards[names[1]].tower.tuned_sha256) == 64  # or the base's numbers would be its own
    assert {trace.name for trace in compared.show().data} == {*names, "chance"}
    assert "antonym nearer than synonym" in compared._repr_html_()


def test_towers_that_know_other_words_are_compared_on_those_that_both_know(tmp_path: Path):
    (tmp_path / "few.txt").write_text("".join(f"{w} {i} 1\n" for i, w in enumerate(("hot", "cold", "big"))))
    compared = lexclip.compare("tiny-random", tmp_path / "few.txt", measures=["anisotropy"])
    assert len({card.digest for card in compared.cards.values()}) == 1


@each(
    ("options", "said"),
    [
        ({"measures": ["separatoin"]}, "unknown measure 'separatoin'"),
        ({"measures": "separation"}, "measures is 'separation'"),
        ({"words": ["hot"]}, "1 different words"),
    ],
)
def test_comparisons_refuse_what_they_cannot_use(options: dict[str, Any], said: str):
    with pytest.raises(InputError) as caught:
        lexclip.compare("tiny-random", "tiny-random", **options)
    assert said in str(caught.value)


@each(
    ("arguments", "options", "said"),
    [
        (["hot"], {}, "the words are 'hot'"),
        ([["hot"]], {}, "1 different words"),
        ([["hot", "HOT ", ""]], {}, "1 different words"),
        ([["hot", 3]], {}, "3 stands among the words"),
        ([["hot", "ice, cold"]], {}, "'ice, cold' stands among the words"),
        ([["hot", "xyzzyq"]], {}, "does not know 'xyzzyq'"),
        ([["running", "cats"]], {}, "give its base form, as in cat.n.01"),
        ([], {}, "neither words nor a preset"),
        ([], {"preset": "nope"}, "unknown preset 'nope'"),
        ([], {"preset": {"seed": 1}}, "preset is {'seed': 1}"),
        ([WORDS], {"preset": "lexclip"}, "does not read the setting 'words'"),
        ([WORDS], {"stps": 3}, "unknown setting 'stps'"),
        ([WORDS], {"steps": "3"}, "steps"),
        ([WORDS], {"lenient": 1.0}, "weight_abstract"),
        ([WORDS], {"tower": "nope"}, "unknown tower 'nope'"),
    ],
)
def test_wrong_calls_name_the_value_and_the_remedy(arguments: list[Any], options: dict[str, Any], said: str):
    options = {"tower": "tiny-random", **options} if "tower" not in options else options
    with pytest.raises(InputError) as caught:
        lexclip.tune(*arguments, **options)
    assert said in str(caught.value)
    assert caught.value.remedy


def test_a_tower_is_named_by_a_text():
    with pytest.raises(InputError, match="the tower is 3"):
        lexclip.load(3)  # type: ignore[arg-type]


def test_every_step_is_watched_and_what_a_watcher_raises_ends_the_training():
    tower, seen = lexclip.load("tiny-random"), []

    def watch(trained: Any, history: Any) -> None:
        seen.append((trained is tower, len(history.rows), trained.encode_texts(WORDS)))

    whole = lexclip.tune(WORDS, tower=tower, steps=3, trainable="all", lr=1e-3, watch=watch)
    assert [(same, steps) for same, steps, _ in seen] == [(False, 1), (False, 2), (False, 3)]
    np.testing.assert_allclose(seen[-1][2], whole.after.encode_texts(WORDS), atol=2e-3)  # half precision
    first = lexclip.tune(WORDS, tower=tower, steps=1, trainable="all", lr=1e-3)
    np.testing.assert_allclose(seen[0][2], first.after.encode_texts(WORDS), atol=2e-3)

    def stop(trained: Any, history: Any) -> None:
        raise StopIteration

    with pytest.raises(StopIteration):
        lexclip.tune(WORDS, tower=tower, steps=3, watch=stop)


def test_targets_of_ones_own_are_trained_towards_and_stand_in_the_settings(tmp_path: Path):
    targets = np.full((4, 4), 0.25) + 0.75 * np.eye(4)
    result = lexclip.tune(WORDS, tower="tiny-random", targets=targets, steps=1, trainable="all")
    assert result.settings.target == "drawn:" + ",".join(["0.25"] * 6)
    again = type(result.settings).from_flat(result.settings.flat())
    assert again == result.settings
    with pytest.raises(InputError, match="3 targets are drawn for 4 words"):
        lexclip.tune(WORDS, tower="tiny-random", targets=np.eye(3))
    with pytest.raises(InputError, match="not a symmetric matrix"):
        lexclip.tune(WORDS, tower="tiny-random", targets=[[1, 0.5], [0.25, 1]])
    with pytest.raises(InputError, match=r"a target is 1\.5"):
        lexclip.tune(WORDS, tower="tiny-random", targets=[[1, 1.5], [1.5, 1]])
