"""The stops of the tour: each a page, what it says there of a run, its picture, and questions for a class.

A stop is one entry of `STOPS`. What it says is computed from the run that its page shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import layout
import metric_names
import numpy as np
import pages
import pandas as pd
import store
import triples

from lexclip_core.errors import InputError
from lexclip_core.experiments import run_folder
from lexclip_core.words import normalise

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from lexclip_core.datasets.pictures.picture_set import PictureSet
    from lexclip_core.experiments.explorer_data import WideVocabulary

K = 10
PROBES = ("negation/meaning", "comparison/meaning", "kinds/meaning", "negation/thing")
TRIED, TAUGHT = 80, 4
"""Triples among which a word is chosen, and triples whose words are to be trained."""
Picture = tuple["go.Figure | str", str]
"""A figure or HTML, and what it shows in words."""


@dataclass(frozen=True)
class Scene:
    """What a stop speaks of.

    Args:
        summary: The run that its page shows.
        run: The same, whole.
        summaries: All runs.
        chosen: What the address chooses.
    """

    summary: run_folder.RunSummary
    run: run_folder.Run
    summaries: tuple[run_folder.RunSummary, ...]
    chosen: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def triples(self) -> pd.DataFrame:
        """The run's triples, what shows most first; with cosines before alone where nothing was tuned."""
        return triples.of_run(self.run)

    @property
    def tuned(self) -> bool:
        """Whether its triples have cosines after tuning."""
        return "antonym_100" in self.triples


@dataclass(frozen=True)
class Said:
    """What a stop says.

    Args:
        sentences: Two or three, Markdown.
        picture: What draws the picture of the hand-out; None where there is nothing to draw.
        answer: A sentence for the hand-out alone, which would spoil a guess.
    """

    sentences: tuple[str, ...]
    picture: Callable[[], Picture] | None = None
    answer: str = ""


@dataclass(frozen=True)
class Stop:
    """One stop.

    Args:
        page: The address of its page, such as "word".
        question: What it answers.
        say: What it says of a scene.
        ask: Two questions for a class.
        choose: What its address chooses, by measuring; nothing where the page opens well by itself.
        prefer: Which runs its page opens with, as the page itself says.
    """

    page: str
    question: str
    say: Callable[[Scene], Said]
    ask: tuple[str, str]
    choose: Callable[[Scene], dict[str, str]] = lambda _scene: {}
    prefer: Callable[[run_folder.RunSummary], bool] | None = None

    @property
    def entry(self) -> pages.Page:
        """Its page."""
        return next(one for one in pages.PAGES if pages.address(one) == self.page)


def say_home(scene: Scene) -> Said:
    """Say what is to be guessed."""
    meaning = (
        "A program that reads text, a “text tower”, learns a word from the sentences it stands in; and "
        "opposites stand in the same sentences."
    )
    table = scene.triples
    if table.empty:
        return Said(
            (meaning, "This run has no word with a synonym and an opposite; type one below, or go on.")
        )
    asked = scene.chosen.get("n", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and 1 <= int(asked) <= len(table) else 1
    triple, say = triples.of_row(table.iloc[number - 1]), layout.literal
    what = "Guess which of the two lies nearer" + (", then turn the dial." if scene.tuned else ".")
    ends = (("Before tuning", 0), ("After", -1)) if scene.tuned else (("Here", 0),)
    answer = " ".join(
        f"{when}, “{say(triple.antonym)}” has a cosine of **{triple.far[end]:.2f}** to “{say(triple.word)}” "
        f"and “{say(triple.synonym)}” **{triple.near[end]:.2f}**."
        for when, end in ends
    )
    return Said(
        (meaning, f"Here is one of **{len(table):,}** words with a synonym and an opposite. {what}"),
        lambda: _picture_of_triple(triple),
        f"{answer} 1 is the same, 0 unrelated.",
    )


def _picture_of_triple(triple: triples.Triple) -> Picture:
    """Draw the cosines of a word with its synonym and its opposite."""
    from lexclip_core.figures import alt_texts, cosines, scores

    ends = (("synonym", triple.synonym, triple.near), ("antonym", triple.antonym, triple.far))
    if len(triple.positions) > 1:
        rows = [(triple.word, other, relation, at[0], at[-1]) for relation, other, at in ends]
        columns = ["word_a", "word_b", "relation", "cosine_before", "cosine_after"]
        table = pd.DataFrame(rows, columns=columns)
        figure = cosines.pair_cosines_figure(table, title=f"How near two words lie to “{triple.word}”")
        return figure, alt_texts.alt_text("pair_cosines", table)
    bars = [(f"{other} ({relation})", "cosine", at[0], np.nan, np.nan) for relation, other, at in ends]
    table = pd.DataFrame(bars, columns=["run", "metric", "value", "low", "high"])
    figure = scores.metric_bars_figure(table, title=f"How near two words lie to “{triple.word}”")
    return figure, alt_texts.alt_text("metric_bars", table)


def say_pairs(scene: Scene) -> Said:
    """Say how often the opposite lies nearer: before, after, and for controls."""
    entry, table = scene.summary.metrics.get(metric_names.INVERSION_RATE), scene.triples
    if table.empty and entry is None:
        return Said(
            ("This run measured no words with a synonym and an opposite, so it says nothing here. Go on.",)
        )
    said = []
    if entry is not None and entry.get("before") is not None:
        said.append(
            f"Of **{int(entry.get('n') or 0):,}** words that training never saw, the opposite lay nearer in "
            f"**{entry['before']:.0%}** before tuning, and in **{entry['value']:.0%}** after."
        )
        said += _controls(scene, entry["value"])
    elif not table.empty:
        ends = (("before tuning", 0), ("after", 100)) if scene.tuned else (("as it is", 0),)
        shares = [
            f"**{(table[f'antonym_{at}'] >= table[f'synonym_{at}']).mean():.0%}** {when}" for when, at in ends
        ]
        said.append(f"Of **{len(table):,}** words, the opposite lies nearer in {' and '.join(shares)}.")
    if scene.tuned and not table.empty:
        count = table["outcome"].value_counts()
        said.append(
            f"Of {len(table):,} words in the list, **{count.get('repaired', 0)}** were repaired, "
            f"**{count.get('not repaired', 0)}** were not, **{count.get('made worse', 0)}** were made worse."
        )
    return Said(tuple(said), None if entry is None else lambda: _picture_of_rates(scene))


def _control_runs(scene: Scene) -> list[run_folder.RunSummary]:
    """Return the control runs of the same tower in which the same was measured."""
    return [
        one
        for one in scene.summaries
        if str(one.config.get("control") or "none") != "none"
        and metric_names.INVERSION_RATE in one.metrics
        and store.tower_name(one) == store.tower_name(scene.summary)
    ]


def _controls(scene: Scene, value: float) -> list[str]:
    import run_names

    if str(scene.summary.config.get("control") or "none") != "none":
        return ["This run is a control: it was trained on nonsense, to see what training does by itself."]
    rates = {}
    for one in _control_runs(scene):
        control = str(one.config["control"])
        name = run_names.CONTROLS.get(control, control).removeprefix("control: ")
        rates[name] = one.metrics[metric_names.INVERSION_RATE]["value"]
    if not rates:
        return []
    listed = ", ".join(f"**{rate:.0%}** with {name}" for name, rate in rates.items())
    rest = (
        "what goes beyond that comes from the meanings"
        if value < min(rates.values())
        else "so this run does no better than nonsense"
    )
    return [f"Trained alike on nonsense it ends at {listed}: {rest}."]


def _picture_of_rates(scene: Scene) -> Picture:
    import run_names
    import tables

    from lexclip_core.figures import alt_texts, scores

    summary, named = scene.summary, run_names.names(scene.summaries)
    runs = [one for one in _control_runs(scene) if one.run_id != summary.run_id]
    rows = tables.metric_rows(runs, summary, [metric_names.INVERSION_RATE])
    subject = run_names.subject(summary.config)
    short = {name: name.removeprefix(f"{subject}, ").removesuffix(", seed 0") for name in rows["run"]}
    short[named.get(summary.run_id, summary.run_id)] = "after tuning"
    rows = rows.assign(run=rows["run"].replace(short), metric="the opposite is nearer")
    figure = scores.metric_bars_figure(
        rows, title="How often the opposite is nearer", value_title="share of words, with 95 % interval"
    )
    return figure.update_xaxes(tickformat=".0%"), alt_texts.alt_text("metric_bars", rows)


def _vocabulary(scene: Scene) -> WideVocabulary:
    """Return the words that neighbours are taken among, as the page Word does."""
    from lexclip_core.experiments.explorer_data import WideVocabulary

    run = scene.run
    return store.wide_vocabulary(scene.summary) or WideVocabulary(run.words, run.before, run.after)


def _ranks(among: WideVocabulary, rows: pd.DataFrame) -> np.ndarray:
    """Return of each triple the ranks of synonym and opposite before, then of both after, (n, 4).

    1 is the nearest word that is not the word itself.
    """
    place = {word: row for row, word in enumerate(among.words)}
    word, near, far = (rows[name].map(place).to_numpy(int) for name in ("word", "synonym", "antonym"))
    ranks = []
    for space in (among.before, among.after):
        cosines = space[word] @ space.T
        cosines[np.arange(len(word)), word] = -2.0
        for other in (near, far):
            ranks.append(1 + (cosines > cosines[np.arange(len(word)), other][:, None]).sum(axis=1))
    return np.column_stack(ranks)


def choose_word(scene: Scene) -> dict[str, str]:
    """Choose the word whose opposite was among the nearest and fell furthest, its synonym being near.

    Where nothing was tuned, or nothing fell, it is the first of the triples.
    """
    table = scene.triples
    if table.empty:
        return {}
    among = _vocabulary(scene)
    known = set(among.words)
    rows = table[[known.issuperset(row) for row in table[["word", "synonym", "antonym"]].to_numpy()]]
    if rows.empty or not scene.tuned:
        return {"word": str(table["word"].iloc[0])}
    rows = rows.head(TRIED)
    _, far_before, near_after, far_after = _ranks(among, rows).T
    shows = (far_before <= K) & (far_after > K) & (near_after <= K)
    return {"word": str(rows["word"].iloc[int(np.where(shows, far_after / far_before, 0.0).argmax())])}


def say_word(scene: Scene) -> Said:
    """Say where a word's opposite and synonym stand among its neighbours."""
    word = scene.chosen.get("word") or (str(scene.triples["word"].iloc[0]) if len(scene.triples) else "")
    triple = triples.find(scene.triples, normalise(word)) if len(scene.triples) else None
    if triple is None:
        return Said(
            ("This run measured no synonym and opposite of the word below; its neighbours are shown. Go on.",)
        )
    among, say = _vocabulary(scene), layout.literal
    if not {triple.word, triple.synonym, triple.antonym} <= set(among.words):
        ends = dict.fromkeys(triples.sentences(triple)[:: max(len(triple.positions) - 1, 1)])
        return Said(
            tuple(f"**{say(triple.word)}**: {say(one)}" for one in ends), lambda: _picture_of_triple(triple)
        )
    row = pd.DataFrame([{"word": triple.word, "synonym": triple.synonym, "antonym": triple.antonym}])
    near_before, far_before, near_after, far_after = _ranks(among, row)[0]
    opposite, synonym, itself = (say(one) for one in (triple.antonym, triple.synonym, triple.word))
    now = f"was number **{far_before:,}**; after tuning it is number **{far_after:,}**"
    moved = (
        f"stays at number **{near_after:,}**"
        if near_before == near_after
        else f"went from number **{near_before:,}** to number **{near_after:,}**"
    )
    if not scene.tuned:
        now, moved = f"is number **{far_before:,}**", f"is number **{near_before:,}**"
    said = [
        f"Of **{len(among.words):,}** words, ordered by how near they lie to **{itself}**, its opposite "
        f"**{opposite}** {now}.",
        f"Its synonym **{synonym}** {moved}.",
    ]
    if scene.tuned:
        said.append("The lines show which words left its nearest ones, and which entered.")
        return Said(tuple(said), lambda: _picture_of_neighbours(among, triple.word))
    return Said(tuple(said), lambda: _picture_of_triple(triple))


def _picture_of_neighbours(among: WideVocabulary, word: str) -> Picture:
    from lexclip_core.figures import alt_texts, neighbours

    place = among.words.index(word)
    vectors = among.before[place], among.after[place]
    k = min(K, len(among.words) - 1)
    table = neighbours.neighbour_table_of_vector(
        among.words, among.before, among.after, *vectors, k, exclude=(word,)
    )
    figure = neighbours.neighbours_figure(table, title=f"The {k} words nearest to {word}")
    return figure, alt_texts.alt_text("neighbours", table)


def _branch(scene: Scene) -> pd.DataFrame | None:
    """Return the stored map on which most moves; None where none is stored."""
    from lexclip_core.figures import maps

    if scene.run.layout is None or scene.run.layout.empty:
        return None
    drawn = [rows.reset_index(drop=True) for _, rows in scene.run.layout.groupby("subtree", sort=False)]
    return max(drawn, key=lambda rows: float(maps.layout_summary(rows)["relative_movement"]))


def choose_map(scene: Scene) -> dict[str, str]:
    """Choose the stored map on which most moves, where the page would open with another."""
    rows, stored = _branch(scene), scene.run.layout
    if rows is None or stored is None or rows["subtree"].iloc[0] == stored["subtree"].iloc[0]:
        return {}
    return {"subtree": str(rows["subtree"].iloc[0])}


def say_map(scene: Scene) -> Said:
    """Say what a map shows, and how far it can be trusted."""
    from lexclip_core.figures import maps

    stored = scene.run.layout if "words" not in scene.chosen else None
    asked = scene.chosen.get("subtree") or (
        "" if stored is None or stored.empty else stored["subtree"].iloc[0]
    )
    rows = None if stored is None else stored[stored["subtree"] == asked].reset_index(drop=True)
    if rows is None or rows.empty:
        return Said(
            ("This run stores no map of what is chosen. Below, any branch of WordNet is laid out; or go on.",)
        )
    about, say = maps.layout_summary(rows), layout.literal
    root = rows["word"].iloc[int((maps.parent_rows(rows) < 0).argmax())]
    trust = [about[f"trustworthiness_{when}"] for when in ("before", "after")]
    rated = (
        f": who is near whom can be trusted to **{trust[0]:.2f}** of 1 before, **{trust[1]:.2f}** after"
        if pd.notna(trust).all()
        else ""
    )
    return Said(
        (
            f"Each dot is one of **{about['words']}** words around **{say(root)}**. Turn the dial, or press "
            f"“Play”: each moves from before tuning to after, **{say(about['furthest'])}** furthest.",
            f"A map is a picture, not a measurement{rated}.",
        ),
        lambda: _picture_of_map(rows),
    )


def _picture_of_map(rows: pd.DataFrame) -> Picture:
    from lexclip_core.figures import alt_texts, maps

    return maps.subtree_map_figure(rows, "movement"), alt_texts.alt_text("subtree_map", rows, "movement")


def say_negation(scene: Scene) -> Said:
    """Say how often a tower notices what turns a sentence round."""
    import probe_scores

    from lexclip_core.evaluation.composition import prefers_paraphrase

    tests = probe_scores.probes()
    once = probe_scores.texts(tests)
    rows, place = store.name_rows(scene.summary, once, "name"), {text: row for row, text in enumerate(once)}
    parts = [[place[text] for text in part] for part in (tests.true, tests.paraphrases, tests.false)]
    right = pd.DataFrame(
        {tower: prefers_paraphrase(*(encoded[part] for part in parts)) for tower, encoded in rows.items()}
    )
    share, count = right.groupby(list(tests.groups)).mean(), pd.Series(tests.groups).value_counts()

    def of(group: str) -> str:
        values = list(dict.fromkeys(f"**{share.loc[group, tower]:.0%}**" for tower in rows))
        if len(values) > 1:
            return f"{values[0]} before tuning and {values[1]} after"
        return f"{values[0]} before and after" if len(rows) > 1 else values[0]

    opening = (
        f"A “no” turns a sentence round. Of **{count['negation/meaning']}** such sentences the tower "
        f"notices it in {of('negation/meaning')}; by chance it would be one in three."
    )
    return Said(
        (
            opening if "tuned" in rows else f"Only the tower before tuning can answer here. {opening}",
            f"Which of two is larger or more: {of('comparison/meaning')}. Which is a kind of which: "
            f"{of('kinds/meaning')}.",
            f"Exchange the thing itself, in the same sentences with a “no”: {of('negation/thing')}.",
        ),
        lambda: _picture_of_probes(rows),
    )


def _picture_of_probes(rows: Mapping[str, np.ndarray]) -> Picture:
    import probe_scores

    from lexclip_core.figures import alt_texts, scores

    table = probe_scores.shares(rows, probe_scores.probes())
    table = table[table["metric"].isin([probe_scores.PROBES[one] for one in PROBES])]
    figure = scores.metric_bars_figure(
        table,
        title="How often it is right; the line is chance",
        value_title="share right, with 95 % interval",
    )
    figure.add_vline(1 / 3, line_dash="dash", line_color="#595959").update_xaxes(tickformat=".0%")
    return figure, alt_texts.alt_text("metric_bars", table)


def _emoji() -> tuple[PictureSet, tuple[str, ...], tuple[str, ...]]:
    """Return the pictures that the page Names opens with, their usual names, and synonyms of these."""
    import naming
    import picture_choice

    from lexclip_core.wordnet.tables import load_wordnet

    which = next(iter(picture_choice.SETS.values()))
    pictures = picture_choice.choose(which, picture_choice.USUAL, 0, "synonym")
    other = naming.swapped(load_wordnet(), pictures.classes, "synonym", 0, naming.POS)
    return pictures, tuple(one.name for one in pictures.classes), tuple(other)


def say_names(scene: Scene) -> Said:
    """Say how many pictures get their name, by usual names and by synonyms."""
    import run_names

    from lexclip_core.evaluation import zero_shot

    (pictures, own, other), say = _emoji(), layout.literal
    unpaired = Said(("No image tower goes with this text tower, so it cannot name pictures. Go on.",))
    try:
        features = store.picture_rows(scene.summary, pictures)
    except InputError:
        return unpaired
    rows = [store.name_rows(scene.summary, names, "name") for names in (own, other)]
    if rows[0]["base"].shape[1] != features.shape[1]:
        return unpaired
    right = [
        {tower: int(zero_shot.correct(features, part[tower], pictures.labels).sum()) for tower in part}
        for part in rows
    ]
    said = [
        f"A picture gets the name that lies nearest to it. Before tuning, the tower names "
        f"**{right[0]['base']}** of **{len(own)}** emoji right by their usual names.",
        f"Call the same things by synonyms, as “{say(other[0])}” for “{say(own[0])}”, and it names "
        f"**{right[1]['base']}** right.",
    ]
    if "tuned" in right[0]:
        said.append(
            f"Tuned on {say(run_names.subject(scene.summary.config))}, it names **{right[0]['tuned']}** and "
            f"**{right[1]['tuned']}** right; of so few, a small difference may be chance."
        )
    tower = list(rows[1])[-1]
    called = [other[place] for place in (features @ rows[1][tower].T).argmax(axis=1)]
    return Said(tuple(said), lambda: _picture_of_emoji(pictures, own, other, called))


def _picture_of_emoji(
    pictures: PictureSet, own: Sequence[str], other: Sequence[str], called: Sequence[str]
) -> Picture:
    """Draw each emoji with its two names, and what the tower calls it by the second ones."""
    figures = []
    for place, (first, second, name) in enumerate(zip(own, other, called, strict=True)):
        source = store.thumbnail(pictures.digests[place], pictures, place)
        sign = "✓" if name == second else "✗"
        figures.append(
            f'<figure><img src="{source}" alt="{escape(first)}"><figcaption>{escape(first)}: '
            f"<b>{escape(second)}</b><br>called {escape(name)} {sign}</figcaption></figure>"
        )
    said = (
        "Under each emoji: its usual name, <b>its synonym</b>, and which of the synonyms the tower calls it."
    )
    return f'<div class="grid">{"".join(figures)}</div><p>{said}</p>', said


def _taught(scene: Scene) -> pd.DataFrame:
    """Return the first triples, of different words, that the tower before tuning inverts."""
    table = scene.triples
    if table.empty:
        return table
    used: set[str] = set()
    places: list[object] = []
    for place, row in table[table["antonym_0"] > table["synonym_0"]].iterrows():
        words = {row["word"], row["synonym"], row["antonym"]}
        if len(places) < TAUGHT and not words & used:
            places.append(place)
            used |= words
    return table.loc[places]


def choose_train(scene: Scene) -> dict[str, str]:
    """Choose words that the tower before tuning gets wrong."""
    words = _taught(scene)[["word", "synonym", "antonym"]].to_numpy().ravel() if len(scene.triples) else []
    return {"words": ", ".join(words)} if len(words) else {}


def say_train(scene: Scene) -> Said:
    """Say what can be tried, and where the papers' claims stand."""
    rows, say = _taught(scene), layout.literal
    end = "What holds of the papers behind all this stands on the page “Ledger”."
    if rows.empty:
        return Said(
            ("Type words, press “Train”, and watch a copy of the tower learn how near they should be.", end)
        )
    first = rows.iloc[0]
    return Said(
        (
            f"Here are **{len(rows)}** words with their synonyms and opposites, all of which the tower gets "
            f"wrong before any training: to {say(first['word'])}, {say(first['antonym'])} has a cosine of "
            f"**{first['antonym_0']:.2f}**, {say(first['synonym'])} of **{first['synonym_0']:.2f}**.",
            "Press “Train” and watch a copy of the tower learn; then type words of your own.",
            end,
        ),
        lambda: _picture_of_words(scene, rows),
    )


def _picture_of_words(scene: Scene, rows: pd.DataFrame) -> Picture:
    """Draw the cosines before any training of words that are to be taught."""
    from lexclip_core.figures import alt_texts, scores

    words = list(dict.fromkeys(rows[["word", "synonym", "antonym"]].to_numpy().ravel()))
    vectors = store.base_vectors(scene.summary, tuple(words))
    frame = pd.DataFrame(vectors @ vectors.T, index=words, columns=words)
    figure = scores.matrix_figure(frame, "Cosines before training", scale="cosine")
    return figure.update_layout(height=560), alt_texts.alt_text("matrix", frame)


STOPS = (
    Stop(
        "home",
        "Which word is nearer?",
        say_home,
        (
            "Write your guess down before you look. Why could two opposites stand near each other?",
            "Find a word of your own for which the tower is wrong, and one for which it is right.",
        ),
    ),
    Stop(
        "pairs",
        "How often does it take opposites for alike?",
        say_pairs,
        (
            "Why does one train again on nonsense before one believes a result?",
            "Look at words that were not repaired. What may make them hard?",
        ),
    ),
    Stop(
        "word",
        "What became of one word?",
        say_word,
        (
            "Which of the neighbours before would you not have put there? Which of those after?",
            "Type a word with two meanings. Which of the two do its neighbours belong to?",
        ),
        choose_word,
    ),
    Stop(
        "map",
        "Where did all the words go?",
        say_map,
        (
            "Find words that moved together. What have they in common?",
            "The map has two dimensions, the tower hundreds. What can therefore not be read off the map?",
        ),
        choose_map,
    ),
    Stop(
        "negation_and_order",
        "Does it notice a “no”?",
        say_negation,
        (
            "Change one of the three sentences on the page. When is the tower wrong?",
            "Where would it do harm to overlook a “no”?",
        ),
    ),
    Stop(
        "names",
        "What if a thing goes by another name?",
        say_names,
        (
            "Which of the other names would you have understood? Did the tower?",
            "Make the list of names harder, then easier. What makes a name hard?",
        ),
        prefer=layout.tuned_on_captions,
    ),
    Stop(
        "train",
        "Can you teach it?",
        say_train,
        (
            "Draw the targets by hand, and make two opposites alike. What else moves?",
            "Train on shuffled targets. What does the tower learn, and what is lost?",
        ),
        choose_train,
    ),
)
"""Every stop, in order. To add one, add an entry: its page, its question, what it says, what to ask."""
