"""Lexical cards: measures by hand and by naive loops, schema, cache, figures, page and command."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from fractions import Fraction
from html import escape
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.evaluation import card as cards
from lexclip_core.evaluation import card_measures
from lexclip_core.evaluation.intervals import Estimate, median_over_words
from lexclip_core.evaluation.lexical import related_senses, template_consistency, template_cosines
from lexclip_core.evaluation.neighbourhoods import along_others, neighbour_ranks, rank_metrics
from lexclip_core.experiments.run_folder import run_of_preset
from lexclip_core.figures.cards import card_dots_alt, card_dots_figure, page_html, write_page
from lexclip_core.text_files import read_toml
from lexclip_core.towers.loading import load
from lexclip_core.wordnet.tables import load_wordnet

TUNED = ("lexclip", "lexclip-shuffled", "lexclip-constant", "paraclip-emoji")
COMMITTED = ("all-MiniLM-L6-v2", "glove-6b-50d", *(run_of_preset(preset).run_id for preset in TUNED))
PAIRS = [
    ("couch", "sofa", "synonym"),
    ("car", "auto", "synonym"),
    ("can", "toilet", "synonym"),
    ("hot", "cold", "antonym"),
    ("good", "bad", "antonym"),
    ("rise", "fall", "antonym"),
]
WORDS = (
    *("dog", "animal", "cat", "car", "vehicle", "hot", "cold", "good", "bad", "house", "building", "rise"),
    *("lift", "fall", "come down", "descend", "ascend", "go up"),
)
TINY = "tiny-random"
MAKE_SCHEMA = (
    "make it anew: from lexclip_core.evaluation import card; "
    "(card.cards_folder() / 'schema.json').write_text(card.schema())"
)
TOWER = cards.CardTower(name="toy", dim=8, sha256="0" * 64)


def toy(texts: Sequence[str]) -> np.ndarray:
    """Unit rows that depend on the letters alone."""
    seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) for text in texts]
    rows = np.array([np.random.default_rng(seed).normal(size=8) for seed in seeds], dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def refuse(texts: Sequence[str]) -> np.ndarray:
    raise AssertionError(f"{len(texts)} texts were encoded again")


@pytest.fixture
def items() -> card_measures.CardItems:
    pairs = pd.DataFrame(PAIRS, columns=["word_a", "word_b", "relation"])
    return card_measures.CardItems("a few words", pairs, WORDS, frozenset(WORDS))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    load_wordnet()  # from the usual cache
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


QUICK = ("separation", "ranks", "negation_and_order", "analogies", "anisotropy", "queries", "sentences")


@pytest.fixture
def small(items: card_measures.CardItems, own_cache: Path) -> cards.Card:
    return card_measures.make_card(TOWER, toy, items, only=QUICK)


# by which senses two words are related


@each(
    "pair, relation, pos, share",
    [
        (("couch", "sofa"), "synonym", "n", Fraction(5, 6)),  # 5 of 6 tags of couch, all 5 of sofa
        (("can", "toilet"), "synonym", "n", Fraction(0)),  # no tag of can means a toilet
        (("hot", "cold"), "antonym", "a", Fraction(35, 59)),  # 50 of 61, and 35 of 59
        (("husband", "economize"), "synonym", "v", Fraction(0)),  # husband is mostly a noun
    ],
)
def test_the_related_senses_decide_part_of_speech_and_share(pair, relation, pos, share):
    (found,) = related_senses(load_wordnet(), [pair], [relation])
    assert (found.pos, found.share) == (pos, float(share))


def test_related_senses_are_those_of_a_naive_loop():
    wordnet = load_wordnet()

    def share(word: str, synset: int) -> float:
        counts = wordnet.sense_counts(word)
        return counts[wordnet.synsets(word).index(synset)] / max(counts.sum(), 1)

    for first, second, relation in PAIRS:
        joined = [
            (min(share(first, one), share(second, other)), one)
            for one in wordnet.synsets(first)
            for other in wordnet.synsets(second)
            if (
                one == other
                if relation == "synonym"
                else other in {s for s, _ in wordnet.antonym_links.of(one)}
            )
        ]
        (found,) = related_senses(wordnet, [(first, second)], [relation])
        assert found.share == max(value for value, _ in joined)
        assert found == related_senses(wordnet, [(second, first)], [relation])[0], "the order does not matter"


@each(
    "pairs, relations, message",
    [
        ([("hot", "cold")], ["synonym"], "no senses of 'hot' and 'cold' that are synonyms"),
        ([("hot", "cold")], ["hypernym"], "unknown relation 'hypernym'"),
        ([("hot", "cold")], [], "0 relations for 1 pairs"),
    ],
)
def test_words_that_are_not_so_related_are_refused(pairs, relations, message):
    with pytest.raises(InputError, match=message):
        related_senses(load_wordnet(), pairs, relations)


# ranks and directions


@given(arrays(np.int8, (6, 3), elements=st.integers(-2, 2)), st.permutations(range(6)))
def test_ranks_among_a_vocabulary_are_those_of_a_naive_loop(numbers, order):
    rows, words = numbers.astype(np.float64) / 4, tuple("abcdef")  # exact products; of any length
    pairs = [(words[order[one]], words[order[other]]) for one, other in ((0, 1), (2, 3), (1, 4), (0, 2))]
    found = neighbour_ranks(rows, words, pairs)
    for number, (a, b) in enumerate(pairs):
        for way, (one, other) in enumerate(((a, b), (b, a))):
            i, j = words.index(one), words.index(other)
            nearer = [
                k
                for k in range(6)
                if k not in (i, j)
                and (
                    rows[i] @ rows[k] > rows[i] @ rows[j]
                    or (rows[i] @ rows[k] == rows[i] @ rows[j] and k < j)
                )
            ]
            assert found[way, number] == 1 + len(nearer)


def test_rank_metrics_by_hand():
    found = rank_metrics(np.array([[1, 20], [5, 4]]), [("a", "b"), ("c", "d")], split="x", name="synonym")
    values = {name: estimate.value for name, estimate in found.items()}
    assert values["x/synonym/median_rank"] == Fraction(9, 2)
    assert values["x/synonym/mrr"] == pytest.approx(float(Fraction(1 + Fraction(1, 20) + Fraction(9, 20), 4)))
    assert values["x/synonym/hits@10"] == Fraction(3, 4)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_a_median_over_words_lies_within_its_interval_and_is_the_median(ranks):
    pairs = [(f"a{place}", f"b{place % 3}") for place in range(len(ranks))]
    found = median_over_words(np.array(ranks), pairs)
    assert found.value == np.median(ranks)
    assert min(ranks) <= found.low <= found.high <= max(ranks)


def test_steps_are_judged_by_the_other_folds_alone():
    steps, folds = np.random.default_rng(0).normal(size=(9, 4)), np.arange(9) % 3
    expected = [step @ steps[folds != fold].mean(axis=0) for step, fold in zip(steps, folds, strict=True)]
    np.testing.assert_allclose(along_others(steps, folds), expected)
    with pytest.raises(InputError, match="in 1 folds"):
        along_others(steps, np.zeros(9, int))


def test_centred_rows_have_length_one_and_no_common_part():
    encode = card_measures.centred(
        lambda texts: (toy(texts) + 3) / np.linalg.norm(toy(texts) + 3, axis=1)[:, None], WORDS
    )
    rows = encode(WORDS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert np.linalg.norm(rows.mean(axis=0)) < 0.35  # 0.98 before
    assert card_measures.centred(toy, ["dog"])(["dog"]).tolist() == [[0.0] * 8], (
        "a text at the mean has no direction"
    )


# a card


def test_a_card_names_what_it_could_not_measure(small: cards.Card):
    assert small.missing["queries"] == "no image tower goes with this text tower"
    assert small.missing["sentences"] == "the test sets have no folder sts"
    assert small.counts == {"pairs": 6, "triples": 7, "vocabulary": 23}
    dominant = next(row for row in small.rows if row.id == "separation/dominant")
    assert dominant.plain.n == 5  # can and toilet are no synonyms that a person knows
    assert next(row for row in small.rows if row.id == "separation/all").plain.n == 6


def test_every_number_has_an_interval_a_meaning_and_a_centred_partner(small: cards.Card):
    for row in small.rows:
        assert row.meaning.endswith(".")
        assert row.axis
        for number in (row.plain, row.centred):
            assert number.low <= number.value + 1e-9 <= number.high + 2e-9
    by_id = {row.id: row for row in small.rows}
    assert by_id["ranks/synonym/median_rank"].chance == Fraction(1 + 22, 2)  # the mean of 1 to 22
    assert by_id["analogies/all"].chance < 0.02


def test_what_was_measured_is_not_measured_again(items: card_measures.CardItems, small: cards.Card):
    assert card_measures.make_card(TOWER, refuse, items, only=QUICK) == small
    other = TOWER.model_copy(update={"tuned_sha256": "1" * 64})
    with pytest.raises(AssertionError, match="encoded again"):
        card_measures.make_card(other, refuse, items, only=["anisotropy"])


def test_a_card_that_was_killed_goes_on_where_it_was(items: card_measures.CardItems, own_cache: Path):
    card_measures.make_card(TOWER, toy, items, only=["negation_and_order"])
    with pytest.raises(AssertionError, match="texts were encoded again"):
        card_measures.make_card(TOWER, refuse, items, only=["negation_and_order", "anisotropy"])
    asked: list[str] = []
    card_measures.make_card(TOWER, lambda texts: asked.extend(texts) or toy(texts), items, only=QUICK)
    assert "there is a dog in the picture" not in asked


def test_templates_agree_with_the_curve_of_templates(items: card_measures.CardItems, own_cache: Path):
    made = card_measures.make_card(TOWER, toy, items, only=["templates"])
    found = {row.id: row.plain.value for row in made.rows}
    templates, triples = read_toml(cards.cards_folder() / "measures.toml")["templates"], items.triples
    curves = {
        how: template_consistency(*template_cosines(toy, triples, templates), count=how)
        for how in ("same", "expected")
    }
    assert found["templates/consistent"] == pytest.approx(curves["same"]["value"].iloc[-1])
    assert found["templates/right"] == pytest.approx(curves["expected"]["value"].iloc[-1])


def test_unknown_words_take_their_pairs_with_them_and_the_card_says_so(items: card_measures.CardItems):
    fewer = items.without(["sofa", "dog", "not asked"])
    assert ("couch", "sofa") not in fewer.both
    assert len(fewer.both) == 5
    assert "dog" not in fewer.frequent
    assert "less 1 pairs with a word that this tower does not know" in fewer.split
    assert items.without(["not asked"]) is items


def test_an_unknown_measure_is_refused(items: card_measures.CardItems):
    with pytest.raises(InputError, match="separatoin"):
        card_measures.make_card(TOWER, toy, items, only=["separatoin"])


# files


def test_a_card_is_read_as_it_was_written_and_fits_the_published_schema(small: cards.Card, tmp_path: Path):
    path = cards.write_card(tmp_path / "toy.json", small)
    assert cards.read_card(path) == small
    jsonschema.validate(json.loads(path.read_text()), json.loads(cards.schema()))
    assert (cards.cards_folder() / "schema.json").read_text() == cards.schema(), MAKE_SCHEMA


@each(
    "change, message",
    [
        (lambda card: card | {"format": "other"}, "format"),
        (lambda card: card | {"extra": 1}, "extra"),
        (lambda card: card | {"rows": card["rows"] * 501}, "rows"),
        (lambda card: {key: value for key, value in card.items() if key != "tower"}, "tower"),
        (lambda card: card | {"rows": [card["rows"][0] | {"better": "bigger"}]}, "rows.0.better"),
        (lambda card: card | {"split": "x" * 3_000}, "split"),
        (lambda _: [], "the whole is"),
        (lambda card: json.dumps(card).replace('"value": 0', '"value": NaN, "was": 0', 1), "finite number"),
    ],
)
def test_a_file_that_is_no_card_is_refused_by_name(change, message, tmp_path: Path):
    row = dict.fromkeys(("id", "group", "title", "axis", "meaning"), "x") | {"better": "higher"}
    row["plain"] = {"value": 0.5}
    card = {"tower": TOWER.model_dump(), "split": "s", "counts": {}, "digest": "d", "rows": [row]}
    changed = change(card)
    path = tmp_path / "broken.json"
    path.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    with pytest.raises(DamagedFileError, match=re.escape(message)) as refused:
        cards.read_card(path)
    assert "broken.json" in refused.value.problem
    found, problems = cards.read_cards(tmp_path)
    assert found == {}
    assert problems[0].startswith("broken.json")


def test_the_texts_of_all_measures_are_used(small: cards.Card):
    texts = read_toml(cards.cards_folder() / "measures.toml")["rows"]
    used = {row.id for row in cards.read_card(cards.cards_folder() / "all-MiniLM-L6-v2.json").rows}
    assert {name for name in texts if not name.endswith("/*")} <= used
    assert {name.removesuffix("/*") for name in texts if name.endswith("/*")} <= {
        name.split("/")[0] for name in used
    }


# committed cards


def test_committed_cards_are_whole_and_of_the_same_words():
    found, problems = cards.read_cards(cards.cards_folder())
    assert problems == []
    assert set(found) >= set(COMMITTED)
    assert len({found[name].digest for name in COMMITTED if name != "glove-6b-50d"}) == 1
    for name, card in found.items():
        assert card.tower.verified, name
        assert not re.search(r"/work|/home|/root", card.model_dump_json()), name
        # a tower is better than chance at what all of them can do
        assert card.row("is_a/direction").plain.low > 1 / 2


def test_a_committed_number_is_made_again_from_the_weights():
    """Of the adjectives among the pairs that the run also judged."""
    known = cards.read_card(cards.cards_folder() / "all-MiniLM-L6-v2.json")
    pairs = pd.read_csv(run_of_preset("lexclip").path / "pairs.csv", keep_default_na=False)
    pairs = pairs[pairs["split"] == "test"][["word_a", "word_b", "relation"]].reset_index(drop=True)
    assert len(pairs) == known.counts["pairs"]
    related = card_measures.CardItems("", pairs, (), frozenset()).related
    adjectives = card_measures.CardItems("", pairs[related["pos"] == "a"], (), frozenset())
    measured = card_measures.MEASURES["separation"](adjectives).measure(load("all-MiniLM-L6-v2").encode_texts)
    expected, found = known.row("separation/adjectives").plain, measured["separation/adjectives"]
    assert (found.value, found.n) == (pytest.approx(expected.value, abs=1e-4), expected.n)
    assert found.ends == pytest.approx(expected.ends, abs=0.01)
    probes = card_measures.MEASURES["negation_and_order"](adjectives).measure(
        load("all-MiniLM-L6-v2").encode_texts
    )
    for key, one in probes.items():  # two items: another processor rounds otherwise
        assert one.value == pytest.approx(known.row(key).plain.value, abs=0.015), key


def test_what_the_page_says_of_negation_and_order_holds():
    """Of the right items of the base, the runs on words and on paraphrases, and the shuffled control."""
    base, ours, shuffled, paraclip = (
        {row.id: row.plain for row in cards.read_card(cards.cards_folder() / f"{COMMITTED[place]}.json").rows}
        for place in (0, 2, 3, 5)
    )
    right = {key: round(base[key].value * base[key].n) for key in ("comparison/meaning", "is_a/meaning")}
    assert right == {"comparison/meaning": 0, "is_a/meaning": 1}
    assert min(base[f"{key}/thing"].value for key in ("comparison", "is_a", "negation")) > 0.95
    no = "negation/meaning"
    assert base[no].low < 1 / 3 < base[no].high  # as by guessing
    assert shuffled[no].low < base[no].value < shuffled[no].high  # the control does not move
    assert 1.8 < paraclip[no].value / base[no].value < 2 < ours[no].value / base[no].value
    for card in (ours, paraclip):  # word order does not improve
        assert max(card[f"{key}/meaning"].value for key in ("comparison", "is_a")) < 0.01


# figures and page


def test_the_table_has_every_number_of_every_card(small: cards.Card):
    table = cards.card_table({"one": small, "two": small})
    assert len(table) == 4 * len(small.rows)
    one = table[(table["tower"] == "two") & (table["id"] == "anisotropy") & (table["vectors"] == "centred")]
    assert one["value"].item() == small.row("anisotropy").centred.value
    order = list(dict.fromkeys(table["id"]))
    assert order.index("separation/dominant") < order.index("ranks/synonym/mrr") < order.index("anisotropy")


def test_a_card_from_elsewhere_may_lack_rows_intervals_and_known_names(small: cards.Card, tmp_path: Path):
    bare = small.row("anisotropy").model_copy(update={"id": "other/measure", "plain": Estimate(0.5)})
    other = small.model_copy(update={"rows": (bare,)})
    table = cards.card_table({"small": small, "other": other})
    assert table["id"].iloc[-1] == "other/measure"
    assert "0.500</td>" in page_html({"other": other})
    assert card_dots_figure(table[table["tower"] == "other"]).data
    empty = small.model_copy(update={"rows": ()})
    assert cards.card_table({"empty": empty}).empty
    assert "<h1>" in page_html({"empty": empty})


def test_the_dot_plot_draws_a_dot_per_tower_chance_and_two_kinds_of_axes(small: cards.Card):
    table = cards.card_table({"one": small, "two": small})
    rows = table[table["vectors"] == "plain"]
    figure = card_dots_figure(rows)
    traces = [trace for trace in figure.data if trace.name != "chance"]
    assert [trace.name for trace in traces] == ["one", "two"] * 2
    assert sum(len(trace.x) for trace in traces) == len(rows)
    (marks,) = {len({trace.marker.color for trace in traces}), len({trace.marker.symbol for trace in traces})}
    assert marks == 2
    assert figure.layout.xaxis.type == "linear"
    assert figure.layout.xaxis2.type == "log"
    assert "rank" in figure.layout.xaxis2.title.text
    chance = np.concatenate([trace.x for trace in figure.data if trace.name == "chance"])
    assert {0.5, 1 / 3, 11.5} <= set(chance.tolist())
    only_ranks = card_dots_figure(rows[rows["axis"] == "rank"])
    assert only_ranks.layout.xaxis.type == "log"
    assert "chance 0.500): one" in card_dots_alt(rows)


def test_the_page_needs_nothing_else_and_shows_names_as_they_are(small: cards.Card, tmp_path: Path):
    hostile = "<script>alert(1)</script>"
    page = write_page(tmp_path / "page.html", {"all words": small, hostile: small}).read_text()
    assert page == page_html({"all words": small, hostile: small})
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"https?:|src=|@import|url\(|\{\{", page)
    for row in small.rows:
        assert escape(row.title) in page
    assert page.count("<svg") == 2 * len(small.rows)
    assert page.count(' 1V17"') == 2 * sum(row.chance is not None for row in small.rows), "lines of chance"
    assert "queries was not measured: no image tower" in page


# the command


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    from lexclip_core.cli.__main__ import main

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            main(list(arguments))
        return done.value.code, *capsys.readouterr()

    return run


def test_the_command_writes_json_and_page_and_prints_a_table(call, tmp_path: Path, subtests):
    status, out, _ = call(
        "card", "tiny-random", "--measure", "antonym_nearer", "--out", str(tmp_path / "made")
    )
    assert status == 0
    made = cards.read_card(tmp_path / "made" / "tiny-random.json")
    assert made.command == "lexclip card tiny-random --measure antonym_nearer"
    assert made.tower.label == TINY
    assert "antonym nearer than synonym" in out
    assert f"{made.rows[0].plain.value:.3f} (" in out
    assert TINY in (tmp_path / "made" / "tiny-random.html").read_text()

    with subtests.test("next to a card that ships"):
        status, out, _ = call(
            *("card", "tiny-random", "--measure", "antonym_nearer", "--beside", "all-MiniLM-L6-v2"),
            *("--out", str(tmp_path / "made"), "--json"),
        )
        assert status == 0
        assert list(json.loads(out)["cards"].values()) == [made.model_dump(mode="json")]
        assert "all-MiniLM-L6-v2" in (tmp_path / "made" / "tiny-random.html").read_text()


@each(
    "arguments, message",
    [
        (["tiny-random", "--measure", "nothing"], "nothing"),
        (["no-such-tower"], "no-such-tower"),
        (["tiny-random", "--test-sets", "/no/such/folder"], "/no/such/folder is not a folder"),
    ],
)
def test_the_command_refuses_what_it_cannot_use(call, arguments, message):
    status, _, err = call("card", *arguments)
    assert status in (1, 2)
    assert message in err
    assert "Remedy: " in err
