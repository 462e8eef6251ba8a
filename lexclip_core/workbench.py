"""What a prompt needs: load a tower, tune it on words, look at what moved, compare two towers."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from lexclip_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go

    from lexclip_core.experiments.pipeline import Experiment, Trained
    from lexclip_core.towers.tower import Tower
    from lexclip_core.training.settings import TrainingSettings

DEFAULT_TOWER = "all-MiniLM-L6-v2"
"""The tower that comes with the installation and needs no network."""

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
"""How many of WordNet's most frequent words stand beside the given ones as possible neighbours."""

MOST_WORDS = 500
"""Words whose pairs are shown one by one; of more there would be over 100,000 pairs."""

Side = Literal["before", "after"]


def load(
    tower: str | Path = DEFAULT_TOWER,
    *,
    architecture: str | None = None,
    device: str = "auto",
    dtype: Literal["float32", "bfloat16"] = "float32",
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
    **changes: Any,
) -> Result:
    """Tune a copy of a tower and return what moved; the tower itself stays as it is.

    Args:
        words: Words of your own, two or more, which WordNet knows; or None with a `preset`.
        tower: What `load` returned, or what it takes; by default the settings' own.
        preset: A name of `lexclip tune --help`, such as `lexclip` or `blog-release`.
        **changes: Settings to change, such as `steps=20` or `seed=1`.

    Raises:
        InputError: Words or settings that cannot be used; the message says which and what to do.
        DivergenceError: The loss became useless.

    >>> result = tune(["hot", "cold", "warm", "tepid"], steps=2)
    >>> list(result.pairs().columns)
    ['word_a', 'word_b', 'relation', 'target', 'cosine_before', 'cosine_after']
    """
    from lexclip_core.experiments import pipeline

    settings = _settings(words, preset, changes)
    base, settings = _base(tower, settings)
    experiment = pipeline.EXPERIMENTS[settings.method](settings, base, None)
    with pipeline.one_training(settings):
        trained = pipeline.train_tower(settings, experiment.objective, base, every=experiment.every)
        return Result(experiment, trained)  # which takes the files over: the next call trains anew


def compare(tower: Tower | str | Path, other: Tower | str | Path, words: Sequence[str] = ()) -> Comparison:
    """Return the tables and figures of two towers, side by side as before and after.

    Args:
        tower: What `load` returned, or what it takes.
        other: The same.
        words: Words to look at; without them the pairs are WordNet's held-out synonyms and antonyms.

    Raises:
        InputError: The towers or words cannot be used.

    >>> compare("tiny-random", "tiny-random", ["hot", "cold"]).pairs().relation.tolist()
    ['antonym']
    """
    both = [load(one) if isinstance(one, str | Path) else one for one in (tower, other)]
    return Comparison(both[0], both[1], _checked_words(words, fewest=2) if words else ())


class Comparison:
    """Two towers on the same words, called before and after.

    Args:
        before: The first tower.
        after: The second one.
        words: Words to look at; () looks at WordNet's held-out pairs.
    """

    def __init__(self, before: Tower, after: Tower, words: Sequence[str] = ()) -> None:
        self.before, self.after, self.words = before, after, tuple(words)

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

    def show(self, most: int = 40) -> go.Figure:
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
        table = self.pairs()
        shown = table.round(3).head(20).to_html(index=False, border=0)
        more = f"<p>{len(table) - 20:,} more rows in <code>.pairs()</code></p>" if len(table) > 20 else ""
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
    """A tuned tower beside the one it was tuned from.

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

    @cached_property
    def history(self) -> pd.DataFrame:
        """The loss terms of the training, one row per step: step, epoch, seconds, and each term."""
        from lexclip_core.experiments.pipeline import history_table

        return history_table(self._trained.history)

    def save(self, folder: Path | str | None = None) -> Path:
        """Measure the tuned tower on words it never saw, write the run folder and return it.

        Args:
            folder: Folder of runs; the explorer's by default, which lists the run at its next page load.

        Raises:
            StorageError: The folder cannot be written.
        """
        from lexclip_core.experiments.pipeline import save_run

        return save_run(self._experiment, self._trained, Path(folder) if folder is not None else None)

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
