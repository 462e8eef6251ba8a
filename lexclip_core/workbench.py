"""What a prompt needs: load a tower, tune it on words, look at what moved, compare two towers."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from lexclip_core.errors import InputError
from lexclip_core.targets.registry import drawn
from lexclip_core.towers.registry import MINILM, Precision

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go

    from lexclip_core.evaluation.card import Card
    from lexclip_core.evaluation.senses import SenseKey
    from lexclip_core.experiments.pipeline import Experiment, Trained
    from lexclip_core.towers.tower import Tower
    from lexclip_core.training.loop import Watch
    from lexclip_core.training.settings import TrainingSettings

OWN_WORDS: dict[str, Any] = {
    "preset": "own-words",
    "method": "matrix",
    "target": "lexical",
    "sampling": "full_matrix",
    "steps": 60,
    "optimizer": "adamw",
    "lr": 5e-5,
    "trainable": "last:2",
}
"""How words of one's own are tuned on: every step sees all pairs, and the targets know antonyms."""

FREQUENT = 2_000
"""How many of WordNet's most frequent words join the given ones as possible neighbours."""

MOST_WORDS = 500
"""Words whose pairs are shown one by one; of more there would be over 100,000 pairs."""

Side = Literal["before", "after"]


def load(
    tower: str | Path = MINILM,
    *,
    architecture: str | None = None,
    device: str = "auto",
    dtype: Precision = "float32",
) -> Tower:
    """Load a text tower: texts in, unit vectors out.

    Args:
        tower: A name that `lexclip models` lists; `architecture/tag` of open_clip; `hf-hub:owner/model` or
            its address; a folder with a model; a weight file; or a .txt, .vec or .bin file of word vectors.
        architecture: open_clip's name of what a weight file is of, where the file does not show it.
        device: `auto`, or a torch device.
        dtype: Arithmetic of the encoder; what it returns is float32 either way.

    Raises:
        InputError: The name is unknown; the message lists those that are known.
        MissingResourceError: Its weights are not here and cannot be fetched; the message says from where.

    >>> tower = load()
    >>> rows = tower.encode_texts(["hot", "cold"])
    >>> rows.shape
    (2, 384)
    >>> bool(rows[0] @ rows[1] > 0.5)  # opposites, and yet near
    True
    """
    from lexclip_core.towers import loading

    if not isinstance(tower, str | Path):
        raise InputError(f"the tower is {tower!r}", "give a name that `lexclip models` lists, or a folder")
    return loading.load(str(tower), architecture=architecture, device=device, dtype=dtype)


def tune(
    words: Sequence[str] | None = None,
    *,
    tower: Tower | str | Path | None = None,
    preset: str | None = None,
    targets: Sequence[Sequence[float]] | np.ndarray | None = None,
    watch: Watch | None = None,
    **changes: Any,
) -> Result:
    """Tune a copy of a tower and return what moved; the tower itself stays as it is.

    Args:
        words: Words of your own, two or more, which WordNet knows; or None with a `preset`.
        tower: What `load` returned, or what it takes; by default the settings' own.
        preset: A name of `lexclip tune --help`, such as `lexclip` or `blog-release`.
        targets: Target cosines of your own, one row per word, symmetric, in [-1, 1]; four decimals count.
        watch: Called after each step with the tower in training and its history; what it raises ends it.
        **changes: Settings to change, such as `steps=20` or `seed=1`.

    Raises:
        InputError: Words or settings that cannot be used; the message says which and what to do.
        DivergenceError: The loss became useless.

    >>> result = tune(["hot", "cold", "warm", "tepid"], steps=2)
    >>> list(result.pairs().columns)
    ['word_a', 'word_b', 'relation', 'target', 'cosine_before', 'cosine_after']
    """
    from lexclip_core.experiments import pipeline

    if targets is not None:
        changes["target"] = drawn(targets)
    settings = _settings(words, preset, changes)
    base, settings = _base(tower, settings)
    experiment = pipeline.EXPERIMENTS[settings.method](settings, base, None)
    with pipeline.one_training(settings):
        trained = pipeline.train_tower(
            settings, experiment.objective, base, every=experiment.every, watch=watch
        )
        return Result(experiment, trained)  # which takes the files over: the next call trains anew


def compare(
    tower: Tower | str | Path,
    other: Tower | str | Path,
    words: Sequence[str] = (),
    *,
    measures: Sequence[str] = (),
    test_sets: Path | str | None = None,
) -> Comparison:
    """Return two towers side by side: their lexical cards, as tables and a dot plot, and single words.

    Args:
        tower: What `load` returned, or what it takes.
        other: The same; also `result.after` of a tuning.
        words: Words for `pairs` and `neighbours`; without them the pairs are WordNet's held-out synonyms and
            antonyms.
        measures: Measures of the cards, such as `antonym_nearer`; all by default, which takes minutes.
        test_sets: Folder with `wordsim`, `sts` and `sugarcrepe_pp`, measured as well.

    Raises:
        InputError: The towers, words or measures cannot be used.

    >>> compared = compare("tiny-random", "all-MiniLM-L6-v2", ["hot", "cold"], measures=["antonym_nearer"])
    >>> compared.table()[["measure", "chance", "tiny-random"]].iloc[0].tolist()[:2]
    ['antonym nearer than synonym', '0.5']
    >>> compared.pairs().relation.tolist()
    ['antonym']
    """
    from lexclip_core.datasets.cards import entry_of
    from lexclip_core.evaluation.card_measures import MEASURES

    if isinstance(measures, str):
        raise InputError(f"measures is {measures!r}", "give a list of names, such as ['antonym_nearer']")
    for name in measures:
        entry_of(MEASURES, name, "measure")
    before, after = (load(one) if isinstance(one, str | Path) else one for one in (tower, other))
    checked = _checked_words(words, fewest=2) if words else ()
    folder = Path(test_sets) if test_sets else None
    return Comparison(before, after, checked, measures=measures, test_sets=folder)


def senses(
    word: str,
    *,
    tower: Tower | str | Path | None = None,
    other: Tower | str | Path | None = None,
    key: SenseKey = "gloss",
) -> Senses:
    """Return a vector for each sense of a word, before and after tuning.

    A sense is encoded as the word and what says which sense it is: "crane, large long-necked wading bird of
    marshes", or by its hypernym: "crane, wading bird".

    Args:
        word: A word of WordNet.
        tower: What `load` returned, or what it takes.
        other: The tuned tower; by default that of the run of `lexclip` that comes with the installation.
        key: What says which sense: `gloss`, `hypernym`, or `word` for nothing, when all senses are alike.

    Raises:
        InputError: WordNet does not know the word, the key is unknown, or no run tuned this tower.

    >>> result = senses("crane")
    >>> result.table[["sense", "count"]].values.tolist()[-2:]
    [['crane.n.05', 0], ['crane.v.01', 2]]
    >>> result.after.shape
    (6, 384)
    """
    tower = tower or MINILM
    before = load(tower) if isinstance(tower, str | Path) else tower
    after = load(other) if isinstance(other, str | Path) else other or shipped_tower(before)
    return Comparison(before, after).senses(word, key)


def shipped_tower(base: Tower) -> Tower:
    """Return a tower as the run of `lexclip` that comes with the installation tuned it.

    Raises:
        InputError: No such run tuned this tower.
        MissingResourceError: Its tensors are not on this machine.
    """
    from lexclip_core.experiments.run_folder import run_of_preset, tensors_of
    from lexclip_core.towers.weights import apply_tuned

    if (run := run_of_preset("lexclip", base.name)) is None:
        raise InputError(f"no run of lexclip tuned {base.name}", "give the tuned tower")
    return apply_tuned(base, tensors_of(run))


@dataclass(frozen=True, eq=False)
class Senses:
    """The senses of one word.

    Attributes:
        word: The word.
        table: One row per sense in WordNet's order: sense, pos, gloss, count (in WordNet's sense-tagged
            texts), text (what was encoded), cosine_before and cosine_after with the bare word, in [-1, 1].
        before: Unit rows of the senses by the first tower, (senses, dim).
        after: The same by the second one.
    """

    word: str
    table: pd.DataFrame
    before: np.ndarray
    after: np.ndarray

    def cosines(self, side: Side = "after") -> pd.DataFrame:
        """Return the cosine of every sense with every other, in [-1, 1], rows and columns by sense."""
        import pandas as pd

        if side not in ("before", "after"):
            raise InputError(f"side is {side!r}", "choose before or after")
        rows, names = (self.before if side == "before" else self.after), self.table["sense"]
        return pd.DataFrame(rows @ rows.T, index=names, columns=names)

    def show(self) -> go.Figure:
        """Return the figure: one arrow per sense, from its cosine with the bare word before to that after."""
        from lexclip_core.figures.cosines import senses_figure

        return senses_figure(self.table, self.word)


class Comparison:
    """Two towers on the same words, called before and after.

    Args:
        before: The first tower.
        after: The second one.
        words: Words to look at; () looks at WordNet's held-out pairs.
        measures: Measures of the cards; () is all.
        test_sets: Folder of test sets that the cards ask for as well.
    """

    def __init__(
        self,
        before: Tower,
        after: Tower,
        words: Sequence[str] = (),
        *,
        measures: Sequence[str] = (),
        test_sets: Path | None = None,
    ) -> None:
        self.before, self.after, self.words = before, after, tuple(words)
        self.measures, self.test_sets = tuple(measures), test_sets

    @cached_property
    def cards(self) -> dict[str, Card]:
        """The lexical cards of both towers, on words that both know, by what figures and tables call them.

        They are measured when they are first asked for; what the cache has is not measured again.
        """
        from dataclasses import replace

        from lexclip_core.experiments.word_measures import card_items, tower_card

        items, towers = replace(card_items(), test_sets=self.test_sets), (self.before, self.after)
        words = [*items.vocabulary, *sorted(items.heldout)]
        items = items.without({word for tower in towers for word in tower.unknown_texts(words)})
        made = [tower_card(tower, items, only=self.measures) for tower in towers]
        names = [card.tower.label for card in made]
        if names[0] == names[1]:
            names = [f"{name}, {side}" for name, side in zip(names, ("before", "after"), strict=True)]
        return dict(zip(names, made, strict=True))

    def table(self) -> pd.DataFrame:
        """Return the values of both cards: columns measure, axis, chance, and both towers, with intervals.

        `card_table(comparison.cards)` of `evaluation.card` has them as numbers, and centred as well.
        """
        from lexclip_core.evaluation.card import side_by_side

        return side_by_side(self.cards)

    def show(self) -> go.Figure:
        """Return the figure of both cards: a dot with interval per measure and tower, a line at chance."""
        from lexclip_core.evaluation.card import card_table
        from lexclip_core.figures.cards import card_dots_figure

        table = card_table(self.cards)
        return card_dots_figure(table[table["vectors"] == "plain"], title=self._title())

    def pairs(self, pairs: Sequence[tuple[str, str]] | None = None) -> pd.DataFrame:
        """Return pairs of words with their relation, target and cosines.

        Args:
            pairs: The pairs; by default all related pairs among the words, or WordNet's held-out pairs.

        Returns:
            Columns word_a, word_b, relation, target (of the antonym-aware targets), cosine_before and
            cosine_after in [-1, 1]; where the pairs are WordNet's, pos and split in place of the target.

        Raises:
            InputError: Something is not a pair of words, or a word is unknown to WordNet.
        """
        from lexclip_core.experiments.word_measures import judged_pairs
        from lexclip_core.figures.cosines import pair_table

        if pairs is None:
            table = _related([self.words]) if self.words else judged_pairs("test")
        else:
            wrong = next((pair for pair in pairs if isinstance(pair, str) or len(pair) != 2), None)
            if wrong is not None:
                raise InputError(f"{wrong!r} is not a pair of words", "give pairs: .pairs([('hot', 'cold')])")
            table = _related([_checked_words(list(pair), fewest=2) for pair in pairs])
        words = tuple(dict.fromkeys([*table["word_a"], *table["word_b"]]))
        return pair_table(table, words, self.before.encode_texts(words), self.after.encode_texts(words))

    def neighbours(self, word: str, k: int = 10) -> pd.DataFrame:
        """Return the words nearest to a word before and after: what stayed, entered and left.

        They are taken among the words at hand and WordNet's 2,000 most frequent ones.

        Raises:
            InputError: The text cannot be a word, or k is out of range.
        """
        from lexclip_core.figures.neighbours import neighbour_table_of_vector

        text = _checked_words([word], fewest=1)[0]
        words, before, after = self._vocabulary
        own = [tower.encode_texts([text])[0] for tower in (self.before, self.after)]
        return neighbour_table_of_vector(words, before, after, own[0], own[1], k, exclude=(text,))

    def senses(self, word: str, key: SenseKey = "gloss") -> Senses:
        """Return a vector for each sense of a word before and after, as `lexclip.senses` does.

        Raises:
            InputError: WordNet does not know the word, or the key is unknown.
        """
        from lexclip_core.evaluation.embeddings import row_cosines
        from lexclip_core.evaluation.senses import sense_table
        from lexclip_core.wordnet.tables import load_wordnet

        form = _checked_words([word], fewest=1)[0]
        table = sense_table(load_wordnet(), form, key)
        texts = [form, *table["text"]]
        before, after = (tower.encode_texts(texts) for tower in (self.before, self.after))
        cosines = [row_cosines(rows[1:], rows[:1].repeat(len(table), axis=0)) for rows in (before, after)]
        table = table.assign(cosine_before=cosines[0], cosine_after=cosines[1])
        return Senses(form, table, before[1:], after[1:])

    def map(self, root: str, side: Side = "after", *, seed: int = 0) -> go.Figure:
        """Return the map of a WordNet branch; both sides are laid out in one frame.

        Args:
            root: The branch's root, such as `emotion.n.01`.
            side: `before` or `after`.
            seed: Of the layout.

        Raises:
            InputError: The synset is unknown, or has too few words below it.
        """
        from lexclip_core.figures.maps import subtree_map_figure

        if side not in ("before", "after"):
            raise InputError(f"side is {side!r}", "choose before or after")
        return subtree_map_figure(self._layout(root, seed), side)

    def arrows(self, most: int = 40) -> go.Figure:
        """Return the figure of the pairs: one arrow per pair, from the first cosine to the second.

        Args:
            most: Pairs drawn; those that moved farthest.
        """
        from lexclip_core.figures.cosines import pair_cosines_figure

        table = self.pairs()
        moved = (table["cosine_after"] - table["cosine_before"]).abs()
        return pair_cosines_figure(table.loc[moved.nlargest(most).index], title=self._title())

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self._title()}"

    def _repr_html_(self) -> str:
        return self._html(self.table(), ".table()")

    def _html(self, table: pd.DataFrame, rest: str) -> str:
        shown = table.round(3).head(20).to_html(index=False, border=0)
        more = f"<p>{len(table) - 20:,} more rows in <code>{rest}</code></p>" if len(table) > 20 else ""
        return f"<h4>{html.escape(self._title())}</h4>{shown}{more}"

    def _title(self) -> str:
        return f"{self.before.name} and {self.after.name}"

    def _layout(self, root: str, seed: int) -> pd.DataFrame:
        from lexclip_core.experiments.word_measures import subtree_nodes
        from lexclip_core.figures.maps import subtree_layout
        from lexclip_core.wordnet.tables import load_wordnet

        nodes = subtree_nodes(load_wordnet(), root)
        words = tuple(nodes["word"])
        before, after = self.before.encode_texts(words), self.after.encode_texts(words)
        return subtree_layout(nodes, words, before, after, seed=seed)

    @cached_property
    def _vocabulary(self) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
        from lexclip_core.experiments.words import frequent_words

        words = tuple(dict.fromkeys([*self.words, *frequent_words(FREQUENT)]))
        return words, self.before.encode_texts(words), self.after.encode_texts(words)


class Result(Comparison):
    """A tuned tower and the one it was tuned from.

    Attributes:
        settings: How it was tuned.
        before: The base tower.
        after: The tuned tower, interpolated and rounded as it would be stored.
        words: The words that were given; () where a preset chose them.
    """

    def __init__(self, experiment: Experiment, trained: Trained) -> None:
        self.settings: TrainingSettings = experiment.settings
        super().__init__(trained.base, trained.tower, getattr(self.settings, "listed_words", ()))
        self._folder = TemporaryDirectory(prefix="lexclip-")  # as long as the result lives
        self._experiment, self._trained = experiment, trained.moved_to(Path(self._folder.name))

    def show(self, most: int = 40) -> go.Figure:
        """Return the figure of the pairs, as `arrows` does; `compare(before, after)` draws cards."""
        return self.arrows(most)

    @cached_property
    def history(self) -> pd.DataFrame:
        """The loss terms of the training, one row per step: step, epoch, seconds, and each term."""
        from lexclip_core.experiments.pipeline import history_table

        return history_table(self._trained.history)

    def save(self, folder: Path | str | None = None, *, maps: bool = True) -> Path:
        """Measure the tuned tower on words it never saw, write the run folder and return it.

        Args:
            folder: Folder of runs; the explorer's by default, which lists the run at its next page load.
            maps: Whether its maps are laid out; else the explorer lays out those that are looked at.

        Raises:
            StorageError: The folder cannot be written.
        """
        from lexclip_core.experiments.pipeline import save_run

        return save_run(self._experiment, self._trained, None if folder is None else Path(folder), maps=maps)

    def _repr_html_(self) -> str:
        return self._html(self.pairs(), ".pairs()")

    def _title(self) -> str:
        return f"{self.before.name} tuned as {self.settings.preset}, {len(self._trained.history.rows)} steps"


def _settings(words: Sequence[str] | None, preset: str | None, changes: dict[str, Any]) -> TrainingSettings:
    from lexclip_core.training.settings import MatrixSettings, settings_of

    if isinstance(preset, dict) or not isinstance(preset, str | None):
        raise InputError(f"preset is {preset!r}", "give a preset's name, and settings by keyword: seed=1")
    if words is None:
        if preset is None:
            raise InputError("neither words nor a preset are given", "lexclip.tune(['hot', 'cold', ...])")
        return settings_of(preset, changes)
    checked = ", ".join(_checked_words(words, fewest=2))
    if preset is None:
        return MatrixSettings(**{**OWN_WORDS, "words": checked, **changes})
    return settings_of(preset, {"words": checked, **changes})


def _base(tower: Tower | str | Path | None, settings: TrainingSettings) -> tuple[Tower, TrainingSettings]:
    """Return the tower to tune, and the settings with its name."""
    name = settings.tower if tower is None else tower
    if not isinstance(name, str | Path):
        return name, settings if settings.tower == name.name else settings.replace(tower=name.name)
    base = load(name, device=settings.device, dtype=settings.dtype)
    return base, settings if settings.tower == base.name else settings.replace(tower=base.name)


def _checked_words(words: Sequence[str], *, fewest: int) -> tuple[str, ...]:
    from lexclip_core.words import read_words

    if isinstance(words, str) or not isinstance(words, Sequence):
        raise InputError(f"the words are {words!r}", "give a list of words, such as ['hot', 'cold']")
    wrong = next((word for word in words if not isinstance(word, str) or "," in word), None)
    if wrong is not None:
        raise InputError(f"{wrong!r} stands among the words", "give each word as a text of its own")
    listed = read_words(list(words))
    if len(listed.words) < fewest:
        reasons = "; ".join(f"{one.text!r}: {one.reason}" for one in listed.dropped)
        said = f" ({reasons})" if reasons else ""
        raise InputError(f"{len(listed.words)} different words are given{said}", f"give at least {fewest}")
    return listed.words


def _related(groups: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Return the pairs within each group of words that WordNet relates; all pairs where it relates none."""
    import numpy as np
    import pandas as pd

    from lexclip_core.targets import relations

    rows = []
    for words in groups:
        if len(words) > MOST_WORDS:
            problem = f"{len(words):,} words make too many pairs to list"
            raise InputError(problem, "name the pairs: .pairs([...])")
        relation, target = relations.lexical_relations(words), relations.lexical_targets(words)
        known = np.argwhere(np.triu(relation != relations.WordRelation.UNRELATED, k=1))
        for i, j in known if len(known) else np.argwhere(np.triu(np.ones_like(relation), k=1)):
            name = relations.WordRelation(relation[i, j]).name.lower()
            rows.append((words[i], words[j], name, float(target[i, j])))
    return pd.DataFrame(rows, columns=["word_a", "word_b", "relation", "target"])
