"""How a lexical card is measured: what is asked of every tower, and one entry of `MEASURES` per measure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.cache import ARRAY, JSON, cached, content_key
from lexclip_core.datasets import composition, sentence_similarity, word_similarity
from lexclip_core.datasets.cards import entry_of
from lexclip_core.datasets.class_names import Kind, combinations, name_set
from lexclip_core.datasets.emoji import scene_sets, scenes, sprites
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.datasets.pictures.picture_set import named_classes
from lexclip_core.datasets.probes import sentence_probes
from lexclip_core.errors import LexclipError, MissingResourceError
from lexclip_core.evaluation import neighbourhoods, zero_shot
from lexclip_core.evaluation.card import Card, CardTower, Row, card_texts, family_of
from lexclip_core.evaluation.composition import measure_text_only
from lexclip_core.evaluation.intervals import Estimate, bootstrap_interval, grouped_mean, mean_over_words
from lexclip_core.evaluation.lexical import (
    DOMINANT,
    Triples,
    measure_triples,
    related_senses,
    synonym_over_antonym_auc,
    template_cosines,
    wordnet_triples,
)
from lexclip_core.evaluation.retrieval import K
from lexclip_core.evaluation.senses import POLYSEMY, polysemy_parts, sense_scores
from lexclip_core.evaluation.similarity import measure_sts, measure_word_similarity, spearman, text_cosines
from lexclip_core.evaluation.table1 import Table1Tests, measure_table1
from lexclip_core.targets.wu_palmer import wu_palmer_pairs
from lexclip_core.towers.encoder import Encoder, TextRows, Unknown
from lexclip_core.wordnet.tables import WordNet, load_wordnet

if TYPE_CHECKING:
    from lexclip_core.towers.images import ImageTower

Scores = dict[str, Estimate]

_VERSION = 1  # of how things are measured: raise it with every change, so that no old number is found
_MANY = 2_000  # texts whose rows are worth a file in the cache, and as many are in each file
_PAIRS, _LEVELS, _SCENES, _NAMINGS, _POLYSEMOUS = 2_000, 3, 300, 5, 300
_POS_NAMES = {"a": "adjectives", "n": "nouns", "v": "verbs"}
_DEPTHS = {"all": (0, 99), "shallow": (0, 6), "middle": (7, 8), "deep": (9, 99)}
_PROBES = {"kinds": "is_a", "negation": "negation", "comparison": "comparison"}
_SWAPS = ("replace_att", "swap_att")


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
        unknown: Tells the texts that the text tower has no vector for.
    """

    split: str
    pairs: pd.DataFrame
    frequent: tuple[str, ...]
    heldout: frozenset[str]
    test_sets: Path | None = None
    images: Callable[[], ImageTower] | None = None
    unknown: Unknown = lambda _: ()

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


def _separations(cosines: np.ndarray, pairs: pd.DataFrame, parts: Mapping[str, np.ndarray]) -> Scores:
    """Return the AUC of each part of the pairs, (pairs,) bool, that has both relations, by its name."""
    found: Scores = {}
    for name, rows in parts.items():
        part = pairs[rows]
        if part["relation"].nunique() == 2:
            (found[name],) = synonym_over_antonym_auc(
                cosines[rows], part["relation"].tolist(), split=name, words=_both(part)
            ).values()
    return found


def _separation(asked: CardItems) -> Task:
    pairs = asked.related
    dominant = pairs["share"] >= DOMINANT
    chosen = {"dominant": dominant, "all": dominant | True}
    chosen |= {name: pairs["pos"] == pos for pos, name in _POS_NAMES.items()}
    parts = {f"separation/{name}": rows.to_numpy() for name, rows in chosen.items()}

    def measure(encode: Encoder) -> Scores:
        cosines = text_cosines(encode, pairs["word_a"].tolist(), pairs["word_b"].tolist())
        return _separations(cosines, pairs, parts)

    return Task([_both(pairs), pairs["relation"].tolist()], measure)


def _antonym_nearer(asked: CardItems) -> Task:
    triples = asked.triples

    def measure(encode: Encoder) -> Scores:
        rate = measure_triples(encode, triples, split="heldout")
        return {"antonym_nearer": rate[f"heldout/inversion_rate/{triples.policy}"]}

    return Task([triples.words, triples.synonyms, triples.antonyms], measure)


def _ranks(asked: CardItems) -> Task:
    pairs, vocabulary = asked.related, asked.vocabulary
    dominant = (pairs["share"] >= DOMINANT).to_numpy()
    kinds = {name: (pairs["relation"] == name).to_numpy() for name in ("synonym", "antonym")}
    kinds |= {f"dominant_{name}": chosen & dominant for name, chosen in kinds.items()}

    def measure(encode: Encoder) -> Scores:
        rows = encode(vocabulary)
        found = neighbourhoods.ranks_by_kind(rows, vocabulary, _both(pairs), kinds, split="ranks")
        known = card_texts()["rows"]
        return {name: one for name, one in found.items() if name in known}

    others = len(vocabulary) - 1
    by_chance = {"median_rank": (others + 1) / 2, "hits@10": min(1.0, 10 / others)}
    by_chance["mrr"] = float((1 / np.arange(1, others + 1)).mean())
    chance = {f"ranks/{kind}/{name}": value for kind in kinds for name, value in by_chance.items()}
    return Task([_both(pairs), vocabulary], measure, chance=chance)


def _polysemy(asked: CardItems) -> Task:
    pairs, vocabulary = asked.related, asked.vocabulary
    part_of, dominant = polysemy_parts(load_wordnet(), asked.both), pairs["share"].to_numpy() >= DOMINANT
    relation = pairs["relation"].to_numpy()

    def measure(encode: Encoder) -> Scores:
        cosines = text_cosines(encode, pairs["word_a"].tolist(), pairs["word_b"].tolist())
        ranks = neighbourhoods.neighbour_ranks(encode(vocabulary), vocabulary, asked.both)
        found: Scores = {}
        for part in POLYSEMY:
            mine = part_of == part
            parts = {f"polysemy_dominant/{part}": mine & dominant, f"polysemy_all/{part}": mine}
            found |= _separations(cosines, pairs, parts)
            for kind in ("synonym", "antonym"):
                chosen = mine & (relation == kind)
                if chosen.any():
                    found[f"polysemy_{kind}/{part}"] = neighbourhoods.rank_metrics(
                        ranks[:, chosen], _both(pairs[chosen]), split="ranks", name=kind
                    )[f"ranks/{kind}/median_rank"]
        return found

    return Task([asked.both, relation.tolist(), vocabulary], measure)


def _senses(asked: CardItems) -> Task:
    wordnet = load_wordnet()
    words = [word for word in asked.frequent if word in asked.heldout and len(wordnet.synsets(word)) > 1]
    order = np.random.default_rng(0).permutation(len(words))[:_POLYSEMOUS]
    drawn = [words[place] for place in sorted(order.tolist())]
    count = max(1, sum(len(wordnet.synsets(word)) for word in drawn))
    chance = {"senses/own": len(drawn) / count, "senses/all": 1 / count}
    return Task(drawn, lambda encode: sense_scores(encode, wordnet, drawn), chance=chance)


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
            cosines = text_cosines(encode, one, other)
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
    triples, templates = asked.triples, card_texts()["templates"]
    words = list(zip(triples.words, triples.synonyms, triples.antonyms, strict=True))

    def measure(encode: Encoder) -> Scores:
        near, far = template_cosines(encode, triples, templates)
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
    questions: Sequence[neighbourhoods.AnalogyQuestion] = card_texts()["analogies"]
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
        return _by_set(measure_word_similarity(encode, folder, unknown=asked.unknown), "word_similarity")

    items = [[one.name, one.words_a, one.words_b, one.scores] for one in sets]
    return Task(items + _not_counted(asked, items), measure)


def _sentences(asked: CardItems) -> Task:
    folder = asked.folder("sts")
    tasks = [name for name in sentence_similarity.available(folder) if not name.endswith("-dev")]
    read = [sentence_similarity.read(name, folder) for name in tasks]
    items = [[one.name, one.sentences_a, one.sentences_b, one.scores] for one in read]

    def measure(encode: Encoder) -> Scores:
        return _by_set(measure_sts(encode, folder, tasks, unknown=asked.unknown), "sentences")

    return Task(items + _not_counted(asked, items), measure)


def _not_counted(asked: CardItems, items: list[list[Any]]) -> list[list[Any]]:
    """Return the texts of some sets that the tower has no vector for, as an item; nothing without any."""
    texts = [text for _, one, other, _ in items for text in (*one, *other)]
    unknown = sorted(asked.unknown(texts)) if texts else []
    return [unknown] if unknown else []


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
        return {"anisotropy": bootstrap_interval(text_cosines(encode, *pairs))}

    return Task(pairs, measure)


MEASURES: Mapping[str, Callable[[CardItems], Task]] = MappingProxyType(
    {
        "separation": _separation,
        "antonym_nearer": _antonym_nearer,
        "ranks": _ranks,
        "polysemy": _polysemy,
        "senses": _senses,
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

    Started by torchrun, the processes share out texts and measures through the cache, and all return the
    card.

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
    plain = _remembering(encode, identity, asked.vocabulary)
    moved = centred(plain, asked.frequent)
    rows: dict[str, list[Row]] = {}
    missing: dict[str, str] = {}
    order = dict.fromkeys([*storage.own_share(names), *names])
    for name in (bar := storage.progress(order, desc="lexical card", unit="measure")):
        bar.set_postfix_str(name)
        content = {"card": [name, _VERSION], "tower": identity}
        try:
            task = MEASURES[name](asked)
            found = _measured(task, plain, content)
            centre = content | {"centre": asked.frequent}
            rows[name] = _rows(task, found, _measured(task, moved, centre) if task.centred else {})
        except LexclipError as error:
            missing[name] = error.problem
    counts = {"pairs": asked.pairs, "triples": asked.triples, "vocabulary": asked.vocabulary}
    return Card(
        tower=tower,
        split=asked.split,
        counts={name: len(items) for name, items in counts.items()},
        digest=content_key({"items": [asked.both, asked.vocabulary, asked.triples.words]}),
        rows=tuple(row for name in names for row in rows.get(name, ())),
        missing={name: missing[name] for name in names if name in missing},
        command=command,
        version=version("lexclip"),
    )


def _measured(task: Task, encode: Encoder, content: dict[str, Any]) -> Scores:
    def make() -> dict[str, Any]:
        return {key: one.as_dict() for key, one in task.measure(encode).items()}

    made = cached("measurements", content | {"items": task.items}, make, codec=JSON)
    return {key: Estimate(**one) for key, one in made.items()}


def _rows(task: Task, plain: Scores, moved: Scores) -> list[Row]:
    texts, rows = card_texts()["rows"], []
    for name, one in plain.items():
        said = dict(texts.get(name) or texts[family_of(name)])
        said["title"] = said["title"].format(name=name.partition("/")[2])
        if name in task.chance:
            said["chance"] = task.chance[name]
        rows.append(Row(id=name, plain=one, centred=moved.get(name), **said))
    return rows


def _remembering(encode: Encoder, identity: Mapping[str, Any], vocabulary: Sequence[str]) -> TextRows:
    """Return an encoder that encodes a text once, and keeps large requests in the cache, shard by shard.

    Under torchrun each process encodes its shards; the vocabulary comes first, so that all cut alike.
    """

    def shard(texts: list[str]) -> np.ndarray:
        content = {"tower": identity, "texts": texts}
        return cached("embeddings", content, lambda: encode(texts), codec=ARRAY)

    def rows(texts: Sequence[str]) -> np.ndarray:
        if len(texts) < _MANY:
            return encode(texts)
        shards = [list(texts[start : start + _MANY]) for start in range(0, len(texts), _MANY)]
        for own in storage.own_share(shards):
            shard(own)
        return np.concatenate([shard(one) for one in shards])

    return TextRows(rows, vocabulary)


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
