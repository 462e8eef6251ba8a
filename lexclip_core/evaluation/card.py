"""The lexical card of a text tower: what it makes of words, every number with interval, chance and meaning.

`make_card` measures, `read_card` reads what `write_card` wrote; `Card` is the published schema, which
`data/cards/schema.json` has for other programs. What each measure is called and means stands in
`data/cards/measures.toml`; how it is measured is one entry of `MEASURES`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lexclip_core import storage
from lexclip_core.cache import ARRAY, JSON, cached, content_key
from lexclip_core.datasets import composition, sentence_similarity, word_similarity
from lexclip_core.datasets.cards import entry_of
from lexclip_core.datasets.class_names import Kind, combinations, name_set
from lexclip_core.datasets.emoji import scene_sets, scenes, sprites
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.datasets.pictures.picture_set import named_classes
from lexclip_core.datasets.probes import sentence_probes
from lexclip_core.errors import DamagedFileError, LexclipError, MissingResourceError
from lexclip_core.evaluation import neighbourhoods, suite, zero_shot
from lexclip_core.evaluation.composition import measure_text_only
from lexclip_core.evaluation.intervals import Estimate, bootstrap_interval, grouped_mean, mean_over_words
from lexclip_core.evaluation.lexical import (
    DOMINANT,
    Triples,
    related_senses,
    synonym_over_antonym_auc,
    wordnet_triples,
)
from lexclip_core.evaluation.retrieval import K
from lexclip_core.evaluation.similarity import spearman
from lexclip_core.evaluation.table1 import Table1Tests, measure_table1
from lexclip_core.targets.wu_palmer import wu_palmer_pairs
from lexclip_core.text_files import read_json, read_toml
from lexclip_core.towers.encoder import Encoder, TextRows
from lexclip_core.towers.registry import titled
from lexclip_core.wordnet.tables import WordNet, load_wordnet

if TYPE_CHECKING:
    from lexclip_core.towers.images import ImageTower

Better = Literal["higher", "lower", "neither"]
Scores = dict[str, Estimate]
Text = Annotated[str, Field(max_length=2_000)]

_VERSION = 1  # of how things are measured: raise it with every change, so that no old number is found
_REMEDY = "make it again: lexclip card TOWER"
_MANY = 2_000  # texts whose rows are worth a file in the cache
_PAIRS, _LEVELS, _SCENES, _NAMINGS = 2_000, 3, 300, 5
_POS_NAMES = {"a": "adjectives", "n": "nouns", "v": "verbs"}
_DEPTHS = {"all": (0, 99), "shallow": (0, 6), "middle": (7, 8), "deep": (9, 99)}
_PROBES = {"kinds": "is_a", "negation": "negation", "comparison": "comparison"}
_SWAPS = ("replace_att", "swap_att")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Row(_Part):
    """One measure of a card: what it is, and the tower's number, as its vectors are and with them centred."""

    id: Text
    group: Text
    title: Text
    axis: Text
    better: Better
    chance: float | None = None
    main: bool = False
    meaning: Text
    plain: Estimate
    centred: Estimate | None = None


class CardTower(_Part):
    """Whose card it is.

    Attributes:
        name: What the tower is loaded by.
        architecture: Its architecture.
        activation: The activation it computes with, "" where it has none.
        dim: Length of an embedding.
        sha256: Checksum of the base's weights.
        verified: Whether that is the checksum that their authors, or the hub, published.
        run: The run that tuned it, "" for a base.
        tuned_sha256: Checksum of the tuned tensors.
        tuned_on: Which words were tuned on, in a sentence.
    """

    name: Text
    architecture: Text = ""
    activation: Text = ""
    dim: int
    sha256: Text
    verified: bool = False
    run: Text = ""
    tuned_sha256: Text = ""
    tuned_on: Text = ""

    @property
    def label(self) -> str:
        """What figures and tables call it: the run, else the tower; said to be unverified where it is."""
        return titled(self.run or self.name, verified=self.verified)


class Card(_Part):
    """The lexical card of one tower.

    Attributes:
        format: The name of this schema.
        tower: Whose card it is.
        split: Which words were measured.
        counts: How many pairs, triples, and words of the vocabulary.
        digest: Of the words: cards with one digest measured the same.
        rows: The measures.
        missing: Measure -> why it is not there.
        command: How the card is made again.
        version: Of lexclip.
    """

    format: Literal["lexclip-card-1"] = "lexclip-card-1"
    tower: CardTower
    split: Text
    counts: dict[Text, int]
    digest: Text
    rows: Annotated[tuple[Row, ...], Field(max_length=500)]
    missing: dict[Text, Text] = {}
    command: Text = ""
    version: Text = ""

    def row(self, name: str) -> Row | None:
        """Return the row of an id, None where the card does not have it."""
        return next((row for row in self.rows if row.id == name), None)


def read_card(path: Path) -> Card:
    """Return the card of a JSON file, checked.

    Raises:
        MissingResourceError: It is not there.
        DamagedFileError: It is not a card; the message has the path of the first wrong item.
    """
    content = read_json(path, dict[str, Any], remedy=_REMEDY)
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedFileError(f"{path} is not a lexical card: {where}: {first['msg']}", _REMEDY) from error


def write_card(path: Path, card: Card) -> Path:
    """Write a card as JSON and return the path.

    Raises:
        StorageError: The file cannot be written.
    """
    with storage.atomic_write(path) as temporary:
        temporary.write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def read_cards(*folders: Path) -> tuple[dict[str, Card], list[str]]:
    """Return the cards of some folders by file name without its end, and what is wrong with the others.

    Of two files of one name the later folder's counts; `schema.json` is none.
    """
    cards: dict[str, Card] = {}
    problems = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        if path.name != "schema.json":
            try:
                cards[path.stem] = read_card(path)
            except (LexclipError, OSError) as error:
                problems.append(str(getattr(error, "problem", error)).replace(str(path), path.name))
    return cards, problems


def cards_folder() -> Path:
    """Return the folder of the cards that ship."""
    return storage.data_folder() / "cards"


def schema() -> str:
    """Return the JSON schema of a card, as `data/cards/schema.json` has it."""
    return json.dumps(Card.model_json_schema(mode="serialization"), indent=1) + "\n"


def card_table(cards: Mapping[str, Card]) -> pd.DataFrame:
    """Return every number of some cards as a table, for figures and pages.

    Args:
        cards: By the name that the table calls them.

    Returns:
        Columns tower, id, group, title, axis, better, chance, main, meaning, vectors (plain or centred),
        value, low, high, n, in the order of the measures.
    """
    known = {name: place for place, name in enumerate(_texts()["rows"])}
    rows = [
        row.model_dump(exclude={"plain", "centred"})
        | {"tower": name, "vectors": vectors}
        | measured.as_dict()
        for name, card in cards.items()
        for row in card.rows
        for vectors, measured in (("plain", row.plain), ("centred", row.centred))
        if measured is not None
    ]
    columns = ["id", "group", "title", "axis", "better", "chance", "main", "meaning", "tower", "vectors"]
    table = pd.DataFrame(rows, columns=[*columns, "value", "low", "high", "n"])
    place = [known.get(name, known.get(_family(name), len(known))) for name in table["id"]]
    return table.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def _texts() -> dict[str, Any]:
    return read_toml(cards_folder() / "measures.toml")


def _family(name: str) -> str:
    return f"{name.partition('/')[0]}/*"


class Task(NamedTuple):
    """One measure, ready to be asked of an encoder.

    Attributes:
        items: All that decides the result besides the encoder, as `cache.content_key` takes it.
        measure: Encoder -> estimates by the ids of their rows.
        centred: Whether it is also measured with vectors less the vocabulary's mean.
        chance: What a tower without knowledge gets, by id, where it depends on the items.
    """

    items: Any
    measure: Callable[[Encoder], Scores]
    centred: bool = True
    chance: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class CardItems:
    """What every tower is measured on, whether it was tuned or not.

    Attributes:
        split: What the words are, in words.
        pairs: Synonyms and antonyms: columns word_a, word_b, relation.
        frequent: Frequent words: possible neighbours, and the vocabulary's mean.
        heldout: The words of the split: triples and nouns are made of them alone.
        test_sets: Folder with `wordsim`, `sts` and `sugarcrepe_pp`, None without.
        images: Loads the image tower that goes with the text tower, None without one.
    """

    split: str
    pairs: pd.DataFrame
    frequent: tuple[str, ...]
    heldout: frozenset[str]
    test_sets: Path | None = None
    images: Callable[[], ImageTower] | None = None

    def without(self, unknown: Collection[str]) -> CardItems:
        """Return the items less words that a tower does not know, and pairs of such words."""
        if not (missing := frozenset(unknown).intersection([*self.vocabulary, *self.heldout])):
            return self
        known = [missing.isdisjoint(pair) for pair in self.both]
        return replace(
            self,
            split=f"{self.split}; less {known.count(False)} pairs with a word that this tower does not know",
            pairs=self.pairs[known].reset_index(drop=True),
            frequent=tuple(word for word in self.frequent if word not in missing),
            heldout=self.heldout - missing,
        )

    @property
    def both(self) -> list[tuple[str, str]]:
        """Both words of each pair."""
        return _both(self.pairs)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The frequent words, and the words of the pairs."""
        words = (word for pair in self.both for word in pair)
        return tuple(dict.fromkeys([*self.frequent, *words]))

    @cached_property
    def related(self) -> pd.DataFrame:
        """The pairs with `pos` and `share` of the senses that relate them."""
        senses = related_senses(load_wordnet(), self.both, self.pairs["relation"].tolist())
        return self.pairs.assign(pos=[one.pos for one in senses], share=[one.share for one in senses])

    @cached_property
    def triples(self) -> Triples:
        """WordNet's triples of held-out words."""
        triples = wordnet_triples(load_wordnet(), None, "same_synset")
        rows = zip(triples.words, triples.synonyms, triples.antonyms, strict=True)
        return triples.chosen([self.heldout.issuperset(row) for row in rows])

    @cached_property
    def nouns(self) -> dict[str, int]:
        """Frequent held-out words, each with its first noun sense, which has half of its tags or more."""
        wordnet, nouns = load_wordnet(), {}
        for word in self.frequent:
            senses = wordnet.synsets(word, "n") if word in self.heldout else ()
            if senses and 2 * wordnet.sense_counts(word, "n")[0] >= wordnet.sense_counts(word).sum():
                nouns[word] = senses[0]
        return nouns

    def folder(self, name: str) -> Path:
        """Return a folder of the test sets.

        Raises:
            MissingResourceError: There is none.
        """
        if self.test_sets is None or not (self.test_sets / name).is_dir():
            raise MissingResourceError(f"the test sets have no folder {name}", "--test-sets FOLDER")
        return self.test_sets / name

    def image_tower(self) -> ImageTower:
        """Return the image tower.

        Raises:
            MissingResourceError: None goes with the text tower.
        """
        if self.images is None:
            raise MissingResourceError("no image tower goes with this text tower")
        return self.images()


def _both(pairs: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(pairs["word_a"], pairs["word_b"], strict=True))


def _separation(asked: CardItems) -> Task:
    pairs = asked.related
    dominant = pairs["share"] >= DOMINANT
    parts = {"dominant": dominant, "all": dominant | True}
    parts |= {name: pairs["pos"] == pos for pos, name in _POS_NAMES.items()}

    def measure(encode: Encoder) -> Scores:
        cosines = suite.text_cosines(encode, pairs["word_a"].tolist(), pairs["word_b"].tolist())
        found = {}
        for name, rows in parts.items():
            part = pairs[rows]
            if part["relation"].nunique() == 2:
                relations = part["relation"].tolist()
                (found[f"separation/{name}"],) = synonym_over_antonym_auc(
                    cosines[rows.to_numpy()], relations, split=name, words=_both(part)
                ).values()
        return found

    return Task([_both(pairs), pairs["relation"].tolist()], measure)


def _antonym_nearer(asked: CardItems) -> Task:
    triples = asked.triples

    def measure(encode: Encoder) -> Scores:
        rate = suite.measure_triples(encode, triples, split="heldout")
        return {"antonym_nearer": rate[f"heldout/inversion_rate/{triples.policy}"]}

    return Task([triples.words, triples.synonyms, triples.antonyms], measure)


def _ranks(asked: CardItems) -> Task:
    pairs, vocabulary = asked.related, asked.vocabulary
    kinds = {relation: pairs["relation"] == relation for relation in ("synonym", "antonym")}
    kinds |= {f"dominant_{name}": rows & (pairs["share"] >= DOMINANT) for name, rows in kinds.items()}

    def measure(encode: Encoder) -> Scores:
        ranks = neighbourhoods.neighbour_ranks(encode(vocabulary), vocabulary, _both(pairs))
        found: Scores = {}
        for name, rows in kinds.items():
            if rows.any():
                part = _both(pairs[rows])
                found |= neighbourhoods.rank_metrics(
                    ranks[:, rows.to_numpy()], part, split="ranks", name=name
                )
        known = _texts()["rows"]
        return {name: one for name, one in found.items() if name in known}

    others = len(vocabulary) - 1
    by_chance = {"median_rank": (others + 1) / 2, "hits@10": min(1.0, 10 / others)}
    by_chance["mrr"] = float((1 / np.arange(1, others + 1)).mean())
    chance = {f"ranks/{kind}/{name}": value for kind in kinds for name, value in by_chance.items()}
    return Task([_both(pairs), vocabulary], measure, chance=chance)


def _taxonomy(asked: CardItems) -> Task:
    nouns, rng = asked.nouns, np.random.default_rng(0)
    drawn: dict[str, list[tuple[str, str]]] = {}
    for name, (low, high) in _DEPTHS.items():
        among = [word for word, synset in nouns.items() if low <= load_wordnet().min_depth[synset] <= high]
        if len(among) > 2:
            ends = rng.integers(len(among), size=(_PAIRS, 2))
            drawn[name] = [(among[i], among[j]) for i, j in ends.tolist() if i != j]

    def measure(encode: Encoder) -> Scores:
        found = {}
        for name, pairs in drawn.items():
            one, other = (list(end) for end in zip(*pairs, strict=True))
            scores = wu_palmer_pairs(np.array([nouns[a] for a in one]), np.array([nouns[b] for b in other]))
            cosines = suite.text_cosines(encode, one, other)
            (found[f"taxonomy/{name}"],) = spearman(cosines, scores, split=name, words=pairs).values()
        return found

    return Task(drawn, measure)


def _is_a(asked: CardItems) -> Task:
    pairs = list(_hypernyms(load_wordnet(), asked.nouns))
    fold = np.array([int(content_key({"word": kind}), 16) % 2 for _, kind in pairs])

    def measure(encode: Encoder) -> Scores:
        things, kinds = (encode([pair[end] for pair in pairs]) for end in (0, 1))
        along = neighbourhoods.along_others(kinds - things, fold)
        return {"is_a/direction": mean_over_words(along > 0, pairs)}

    return Task(pairs, measure)


def _hypernyms(wordnet: WordNet, nouns: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the nouns with those of them that are at most `_LEVELS` levels above."""
    named: dict[int, list[str]] = {}
    for word, synset in nouns.items():
        named.setdefault(synset, []).append(word)
    for word, synset in nouns.items():
        level, above = {synset}, set()
        for _ in range(_LEVELS):
            level = {parent for one in level for parent in wordnet.hypernyms.of(one).tolist()}
            above |= level
        yield from ((word, kind) for one in sorted(above) for kind in named.get(one, ()))


def _probes(_asked: CardItems) -> Task:
    tests = sentence_probes(scenes.things())

    def measure(encode: Encoder) -> Scores:
        found = measure_text_only(encode, tests, split="all")
        named = {f"{probe}/{kind}": (probe, kind) for probe in _PROBES for kind in ("meaning", "thing")}
        return {
            f"{_PROBES[probe]}/{kind}": found[f"all/probes-tot/{group}/accuracy"]
            for group, (probe, kind) in named.items()
        }

    return Task([tests.texts(), tests.groups], measure)


def _templates(asked: CardItems) -> Task:
    triples, templates = asked.triples, _texts()["templates"]
    words = list(zip(triples.words, triples.synonyms, triples.antonyms, strict=True))

    def measure(encode: Encoder) -> Scores:
        near, far = suite.template_cosines(encode, triples, templates)
        right = near > far
        return {
            "templates/consistent": mean_over_words(
                np.asarray(right.min(axis=0) == right.max(axis=0)), words
            ),
            "templates/right": mean_over_words(np.asarray(right.min(axis=0)), words),
            "templates/spread": mean_over_words((near - far).std(axis=0), words),
        }

    by_chance = 0.5 ** len(templates)
    chance = {"templates/consistent": 2 * by_chance, "templates/right": by_chance}
    return Task([words, templates], measure, chance=chance)


def _analogies(asked: CardItems) -> Task:
    questions: Sequence[neighbourhoods.AnalogyQuestion] = _texts()["analogies"]
    asked_about = (word for question in questions for word in question)
    vocabulary = tuple(dict.fromkeys([*asked_about, *asked.frequent]))

    def measure(encode: Encoder) -> Scores:
        vectors, found = encode(vocabulary), {}
        for candidates in ("without_question", "all"):
            answers = neighbourhoods.answer_analogies(vectors, vocabulary, questions, candidates=candidates)
            measured = neighbourhoods.analogy_accuracy(answers, split="all")
            found[f"analogies/{candidates}"] = measured[f"all/analogies/{candidates}/accuracy"]
        return found

    chance = dict.fromkeys(("analogies/without_question", "analogies/all"), 1 / len(vocabulary))
    return Task([vocabulary, questions], measure, chance=chance)


def _word_similarity(asked: CardItems) -> Task:
    folder = asked.folder("wordsim")
    sets = [word_similarity.read(name, folder) for name in word_similarity.available(folder)]

    def measure(encode: Encoder) -> Scores:
        return _by_set(suite.measure_word_similarity(encode, folder), "word_similarity")

    return Task([[one.name, one.words_a, one.words_b, one.scores] for one in sets], measure)


def _sentences(asked: CardItems) -> Task:
    folder = asked.folder("sts")
    tasks = [name for name in sentence_similarity.available(folder) if not name.endswith("-dev")]
    read = [sentence_similarity.read(name, folder) for name in tasks]
    items = [[one.name, one.sentences_a, one.sentences_b, one.scores] for one in read]
    return Task(items, lambda encode: _by_set(suite.measure_sts(encode, folder, tasks), "sentences"))


def _by_set(found: Mapping[str, Estimate], group: str) -> Scores:
    return {f"{group}/{name.split('/')[1]}": one for name, one in found.items()}


def _captions(asked: CardItems) -> Task:
    folder = asked.folder("sugarcrepe_pp")
    tests = composition.read("sugarcrepe-pp", folder, _SWAPS)

    def measure(encode: Encoder) -> Scores:
        found = measure_text_only(encode, tests, split="all")
        return {f"sugarcrepe_pp/{kind}": found[f"all/{tests.name}-tot/{kind}/accuracy"] for kind in _SWAPS}

    return Task([tests.texts(), tests.groups], measure)


def _queries(asked: CardItems) -> Task:
    tower, evaluation = asked.image_tower(), scene_sets.scene_evaluation("test", count=_SCENES)
    shown = evaluation.pictures()
    queries = evaluation.queries

    def measure(encode: Encoder) -> Scores:
        tests = Table1Tests(pictures=picture_features(tower, shown), queries=queries)
        found = measure_table1(encode, tests)
        return {f"queries/{name}@{K}": found[f"test/paraphrased/{name}@{K}"] for name in ("ao", "js")}

    depths, n = np.arange(1, K + 1), len(evaluation.scenes)
    chance = {f"queries/ao@{K}": float((depths / n).mean()), f"queries/js@{K}": K / (2 * n - K)}
    items = [tower.identity, list(shown.digests), queries.queries_a, queries.queries_b]
    return Task(items, measure, centred=False, chance=chance)


def _renaming(asked: CardItems) -> Task:
    tower, shown = asked.image_tower(), sprites.picture_set()
    wordnet, keys = load_wordnet(), np.array([shown.classes[label].key for label in shown.labels])
    classes = named_classes(shown, wordnet)
    kinds: tuple[Kind, Kind] = ("synonym", "hypernym")
    named = {kind: name_set(wordnet, classes, kind).classes for kind in kinds}
    names = {
        kind: [tuple(one.original for one in chosen), *combinations(chosen, _NAMINGS, seed=0)]
        for kind, chosen in named.items()
    }

    def measure(encode: Encoder) -> Scores:
        features, found = picture_features(tower, shown), {}
        for kind, chosen in named.items():
            places = {one.key: place for place, one in enumerate(chosen)}
            rows = np.flatnonzero(np.isin(keys, list(places)))
            labels = np.array([places[key] for key in keys[rows]])
            weights = [zero_shot.class_weights(encode, one) for one in names[kind]]
            own, *renamed = (zero_shot.correct(features[rows], one, labels).astype(float) for one in weights)
            found[f"renaming/{kind}"] = grouped_mean(own - np.mean(renamed, axis=0), labels, over="classes")
            found.setdefault("renaming/original", grouped_mean(own, labels, over="classes"))
        return found

    chance = {"renaming/original": 1 / len(named["synonym"])}
    return Task([tower.identity, list(shown.digests), names], measure, centred=False, chance=chance)


def _anisotropy(asked: CardItems) -> Task:
    words = asked.frequent
    order = np.random.default_rng(0).permutation(len(words))
    half = len(words) // 2
    pairs = [[words[place] for place in part] for part in (order[:half], order[half : 2 * half])]

    def measure(encode: Encoder) -> Scores:
        return {"anisotropy": bootstrap_interval(suite.text_cosines(encode, *pairs))}

    return Task(pairs, measure)


MEASURES: Mapping[str, Callable[[CardItems], Task]] = MappingProxyType(
    {
        "separation": _separation,
        "antonym_nearer": _antonym_nearer,
        "ranks": _ranks,
        "taxonomy": _taxonomy,
        "is_a": _is_a,
        "negation_and_order": _probes,
        "templates": _templates,
        "analogies": _analogies,
        "word_similarity": _word_similarity,
        "sentences": _sentences,
        "sugarcrepe_pp": _captions,
        "queries": _queries,
        "renaming": _renaming,
        "anisotropy": _anisotropy,
    }
)
"""Every measure by its name; each makes a `Task` of what is asked."""


def make_card(
    tower: CardTower, encode: Encoder, asked: CardItems, *, only: Collection[str] = (), command: str = ""
) -> Card:
    """Measure a tower; a measure that the cache has of the same tower and items is not made again.

    Args:
        tower: Whose card it is; its checksums are what the cache knows the tower by.
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        asked: What is asked; what cannot be asked is listed with the reason.
        only: Names of `MEASURES`; all by default.
        command: How the card can be made again.

    Raises:
        InputError: An unknown measure.
    """
    for name in only:
        entry_of(MEASURES, name, "measure")
    names = [name for name in MEASURES if not only or name in only]
    identity = tower.model_dump(include={"architecture", "activation", "sha256", "tuned_sha256"})
    plain = _remembering(encode, identity)
    moved = centred(plain, asked.frequent)
    rows: list[Row] = []
    missing: dict[str, str] = {}
    for name in (bar := storage.progress(names, desc="lexical card", unit="measure")):
        bar.set_postfix_str(name)
        content = {"card": [name, _VERSION], "tower": identity}
        try:
            task = MEASURES[name](asked)
            found = _measured(task, plain, content)
            centre = content | {"centre": asked.frequent}
            rows += _rows(task, found, _measured(task, moved, centre) if task.centred else {})
        except LexclipError as error:
            missing[name] = error.problem
    counts = {"pairs": asked.pairs, "triples": asked.triples, "vocabulary": asked.vocabulary}
    return Card(
        tower=tower,
        split=asked.split,
        counts={name: len(items) for name, items in counts.items()},
        digest=content_key({"items": [asked.both, asked.vocabulary, asked.triples.words]}),
        rows=tuple(rows),
        missing=missing,
        command=command,
        version=version("lexclip"),
    )


def _measured(task: Task, encode: Encoder, content: dict[str, Any]) -> Scores:
    def make() -> dict[str, Any]:
        return {key: one.as_dict() for key, one in task.measure(encode).items()}

    made = cached("measurements", content | {"items": task.items}, make, codec=JSON)
    return {key: Estimate(**one) for key, one in made.items()}


def _rows(task: Task, plain: Scores, moved: Scores) -> Iterator[Row]:
    texts = _texts()["rows"]
    for name, one in plain.items():
        said = dict(texts.get(name) or texts[_family(name)])
        said["title"] = said["title"].format(name=name.partition("/")[2])
        if name in task.chance:
            said["chance"] = task.chance[name]
        yield Row(id=name, plain=one, centred=moved.get(name), **said)


def _remembering(encode: Encoder, identity: Mapping[str, Any]) -> TextRows:
    """Return an encoder that encodes a text once, and keeps large requests in the cache."""

    def rows(texts: Sequence[str]) -> np.ndarray:
        if len(texts) < _MANY:
            return encode(texts)
        content = {"tower": identity, "texts": list(texts)}
        return cached("embeddings", content, lambda: encode(texts), codec=ARRAY)

    return TextRows(rows)


def centred(encode: Encoder, words: Sequence[str]) -> Encoder:
    """Return an encoder whose rows are those of another, less the mean of some words' rows, of length 1.

    It takes away what all words share (Mu and Viswanath 2018, "All-but-the-top"): where every cosine is above
    0.6 only what is left can tell words apart. A text at the mean itself gets a row of zeros.

    Args:
        encode: Texts to unit rows.
        words: The words whose mean is taken.

    >>> rows = {"hot": [1.0, 0.0], "cold": [0.0, 1.0]}
    >>> encode = centred(lambda texts: np.array([rows[text] for text in texts]), ["hot", "cold"])
    >>> encode(["hot"])
    array([[ 0.70710677, -0.70710677]], dtype=float32)
    """
    mean: list[np.ndarray] = []

    def rows(texts: Sequence[str]) -> np.ndarray:
        if not mean:
            mean.append(encode(words).mean(axis=0, dtype=np.float64))
        moved = encode(texts) - mean[0]
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        unit: np.ndarray = (moved / np.maximum(lengths, 1e-9)).astype(np.float32)
        return unit

    return rows
