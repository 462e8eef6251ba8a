"""What tuning did to words it never saw, and the WordNet subtrees that a run draws before and after.

All functions take the vocabulary that words are judged in; by default WordNet's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lexclip_core.datasets.composition import attribute_swaps
from lexclip_core.evaluation import lexical, neighbourhoods, similarity
from lexclip_core.evaluation.composition import measure_text_only
from lexclip_core.evaluation.embeddings import BeforeAfter
from lexclip_core.evaluation.intervals import Estimate, with_baseline
from lexclip_core.evaluation.lexical import Triples, wordnet_triples
from lexclip_core.evaluation.similarity import heldout_pairs
from lexclip_core.experiments.words import FREQUENT, Lexicon, frequent_words, lexicon
from lexclip_core.targets.relations import WordRelation
from lexclip_core.towers.encoder import Encoder, Unknown
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import normalise

if TYPE_CHECKING:
    from lexclip_core.evaluation.card import Card
    from lexclip_core.evaluation.card_measures import CardItems
    from lexclip_core.towers.images import ImageTower
    from lexclip_core.towers.tower import Tower

Metrics = dict[str, dict[str, Any]]
Encoders = BeforeAfter[Encoder]
_POS_NAMES = {"a": "adjectives", "n": "nouns", "v": "verbs"}
_RETAINED, _SENTENCE_TASK = 2_000, "sts-b"

_MOST = 120


@lru_cache(maxsize=4)
def judged_pairs(split: str, vocabulary: Lexicon | None = None) -> pd.DataFrame:
    """Return the synonym and antonym pairs of one split: columns word_a, word_b, relation, pos, share, split.

    Synonyms share a synset, antonyms are linked directly or stand in synsets that are; both words belong to
    the split and occur in WordNet's sense-tagged texts; adverbs are left out. `pos` is that of the two senses
    that are related so, `share` theirs among the tags of their words (`related_senses`).
    """
    vocabulary = vocabulary or lexicon()
    tables = [
        _table(vocabulary, split, [WordRelation.SYNONYM], "synonym"),
        _table(vocabulary, split, [WordRelation.ANTONYM, WordRelation.OPPOSITE], "antonym"),
    ]
    return pd.concat(tables, ignore_index=True)


def _table(vocabulary: Lexicon, split: str, relations: list[WordRelation], relation: str) -> pd.DataFrame:
    found = vocabulary.within(split, relations)
    keep = (vocabulary.counts[found.first] > 0) & (vocabulary.counts[found.second] > 0)
    ends = zip(found.first[keep].tolist(), found.second[keep].tolist(), strict=True)
    pairs = [(vocabulary.words[first], vocabulary.words[second]) for first, second in ends]
    senses = lexical.related_senses(load_wordnet(), pairs, [relation] * len(pairs))
    table = pd.DataFrame(pairs, columns=["word_a", "word_b"])
    table = table.assign(
        relation=relation, pos=[one.pos for one in senses], share=[one.share for one in senses]
    )
    return table[table.pos.isin(list(_POS_NAMES))].assign(split=split)


def card_items(split: str = "test", vocabulary: Lexicon | None = None) -> CardItems:
    """Return what lexical cards measure: the pairs and words of one split among 12,000 frequent words."""
    from lexclip_core.evaluation.card_measures import CardItems

    known = vocabulary or lexicon()
    heldout = (word for word, part in zip(known.words, known.split, strict=True) if part == split)
    pairs = judged_pairs(split, vocabulary)[["word_a", "word_b", "relation"]]
    said = f"words of the {split} split of WordNet's vocabulary"
    return CardItems(said, pairs, frequent_words(FREQUENT, known), frozenset(heldout))


def tower_card(
    tower: Tower,
    items: CardItems,
    *,
    only: Collection[str] = (),
    command: str = "",
    about: Callable[[CardItems], Mapping[str, str]] = lambda _: {},
) -> Card:
    """Measure a loaded tower: its lexical card, with the image tower that goes with it.

    Args:
        tower: Untouched, tuned here, or with a run's tensors.
        items: What is asked; words that the tower does not know are left out.
        only: Names of `card_measures.MEASURES`; all by default.
        command: How the card can be made again.
        about: What else the card says of the tower, once it is known which words are measured.

    Raises:
        InputError: An unknown measure.
    """
    from lexclip_core.evaluation.card import CardTower
    from lexclip_core.evaluation.card_measures import make_card

    items = items.without(tower.unknown_texts([*items.vocabulary, *sorted(items.heldout)]))
    items = replace(items, images=_image_tower(tower), unknown=tower.unknown_texts)
    encode = partial(tower.encode_texts, progress=True)
    return make_card(CardTower.of(tower, **about(items)), encode, items, only=only, command=command)


def _image_tower(tower: Tower) -> Callable[[], ImageTower] | None:
    """Return what loads the image tower that goes with a text tower, None where there is none."""
    from lexclip_core.towers.loading import load_image
    from lexclip_core.towers.registry import EMOJI, MINILM

    if tower.name == MINILM:
        return lambda: load_image(EMOJI)
    return (lambda: load_image(tower.name)) if tower.spec.image_size else None


def measured_pairs(
    encoders: Encoders, split: str, seen: Collection[str], vocabulary: Lexicon | None = None
) -> pd.DataFrame:
    """Return `judged_pairs` of which tuning saw neither word, with cosine_before and cosine_after."""
    table = judged_pairs(split, vocabulary)
    heldout = heldout_pairs(list(zip(table.word_a, table.word_b, strict=True)), seen)
    table = table[heldout].reset_index(drop=True)
    for column, encode in (("cosine_before", encoders.before), ("cosine_after", encoders.after)):
        table[column] = similarity.text_cosines(encode, table.word_a.tolist(), table.word_b.tolist())
    return table


def separation(pairs: pd.DataFrame, split: str) -> Metrics:
    """Return the synonym-over-antonym AUC of a table of pairs: all, of dominant senses, by part of speech."""
    metrics = _auc(pairs, split)
    parts = {"dominant": pairs.share >= lexical.DOMINANT}
    parts |= {name: pairs.pos == pos for pos, name in _POS_NAMES.items()}
    for name, chosen in parts.items():
        part = pairs[chosen]
        if part.relation.nunique() == 2:
            metrics |= {f"{key}/{name}": value for key, value in _auc(part, split).items()}
    return metrics


def _auc(pairs: pd.DataFrame, split: str) -> Metrics:
    words = list(zip(pairs.word_a, pairs.word_b, strict=True))
    relations, old, new = (
        pairs.relation.tolist(),
        pairs.cosine_before.to_numpy(),
        pairs.cosine_after.to_numpy(),
    )

    def one(cosines: np.ndarray) -> dict[str, Estimate]:
        return lexical.synonym_over_antonym_auc(cosines, relations, split=split, words=words)

    return with_baseline(one(old), one(new), one(np.stack([old, new])))


def retrieval(
    encoders: Encoders, pairs: pd.DataFrame, split: str, vocabulary: Lexicon | None = None
) -> Metrics:
    """Return median rank, MRR and hits@10 of synonyms and antonyms among 12,000 frequent words.

    Args:
        encoders: The encoder before and after.
        pairs: Of `judged_pairs`; each word is looked for among the other's neighbours.
        split: What the words are.
        vocabulary: What the frequent words are taken from; the words of the pairs are looked for as well.
    """
    words = list(zip(pairs.word_a, pairs.word_b, strict=True))
    names = tuple(dict.fromkeys([*frequent_words(FREQUENT, vocabulary), *chain.from_iterable(words)]))
    kinds = {relation: (pairs.relation == relation).to_numpy() for relation in ("synonym", "antonym")}
    dominant = (pairs.share >= lexical.DOMINANT).to_numpy()
    kinds |= {f"{relation}/dominant": chosen & dominant for relation, chosen in kinds.items()}

    before, after = (
        neighbourhoods.ranks_by_kind(encode(names), names, words, kinds, split=split)
        for encode in (encoders.before, encoders.after)
    )
    return with_baseline(before, after)


def inversions(encoders: Encoders, seen: Collection[str], vocabulary: Lexicon | None = None) -> Metrics:
    """Return the inversion rate of WordNet's triples of which all three words are held out and unseen."""
    triples = _heldout_triples(frozenset(normalise(word) for word in seen), vocabulary or lexicon())

    def rate(encode: Encoder) -> dict[str, Estimate]:
        return lexical.measure_triples(encode, triples, split="test")

    return with_baseline(rate(encoders.before), rate(encoders.after))


@lru_cache(maxsize=2)
def _heldout_triples(seen: frozenset[str], vocabulary: Lexicon) -> Triples:
    heldout = {
        word for word, split in zip(vocabulary.words, vocabulary.split, strict=True) if split == "test"
    }
    heldout -= seen
    triples = wordnet_triples(load_wordnet(), None, "same_synset")
    rows = zip(triples.words, triples.synonyms, triples.antonyms, strict=True)
    return triples.chosen([heldout.issuperset(row) for row in rows])


def retention(
    encoders: Encoders, split: str, seen: Collection[str], vocabulary: Lexicon | None = None
) -> Metrics:
    """Return how much of the base geometry of unseen words stayed: neighbours retained, and drift."""
    vocabulary, unseen = vocabulary or lexicon(), {normalise(word) for word in seen}
    chosen = np.flatnonzero(vocabulary.split == split)
    chosen = chosen[np.argsort(-vocabulary.counts[chosen], kind="stable")]
    words = [vocabulary.words[i] for i in chosen if vocabulary.words[i] not in unseen][:_RETAINED]
    before, after = encoders.before(words), encoders.after(words)
    estimates = neighbourhoods.neighbour_overlap(before, after, split=f"retention/{split}")
    estimates |= neighbourhoods.drift(before, after, split=f"retention/{split}")
    return {name: estimate.as_dict() for name, estimate in estimates.items()}


def outside_sets(
    encoders: Encoders, folder: Path, seen: Collection[str], unknown: Unknown = lambda _: ()
) -> Metrics:
    """Return rho on the word-similarity sets of a folder, and `sentence_sets`.

    Args:
        encoders: The encoder before and after.
        folder: A folder with `wordsim`, and perhaps `sts` and `sugarcrepe_pp`.
        seen: The words tuning used.
        unknown: Tells the texts without a vector, whose pairs are not counted.
    """
    return _word_similarity(encoders, folder, seen, unknown) | sentence_sets(encoders, folder, unknown)


def sentence_sets(encoders: Encoders, folder: Path, unknown: Unknown = lambda _: ()) -> Metrics:
    """Return rho on STS-B and the text-only accuracies on SugarCrepe++'s attributes, where they are there.

    Args:
        encoders: The encoder before and after.
        folder: A folder with `sts` and `sugarcrepe_pp`.
        unknown: Tells the texts without a vector, whose pairs of STS-B are not counted.
    """
    measured: list[Callable[[Encoder], dict[str, Estimate]]] = []
    if (folder / "sts").is_dir():
        place, tasks = folder / "sts", [_SENTENCE_TASK]
        measured.append(partial(similarity.measure_sts, folder=place, tasks=tasks, unknown=unknown))
    if swaps := attribute_swaps(folder):
        measured.append(partial(measure_text_only, tests=swaps, split="outside"))
    both = (with_baseline(measure(encoders.before), measure(encoders.after)) for measure in measured)
    return dict(chain.from_iterable(metrics.items() for metrics in both))


def _word_similarity(encoders: Encoders, folder: Path, seen: Collection[str], unknown: Unknown) -> Metrics:
    def rho(encode: Encoder, before: Encoder | None = None) -> dict[str, Estimate]:
        return similarity.measure_word_similarity(
            encode, folder / "wordsim", seen_words=seen, before=before, unknown=unknown
        )

    return with_baseline(rho(encoders.before), rho(encoders.after), rho(encoders.after, encoders.before))


SUBTREES = ("feeling.n.01", "carnivore.n.01", "vehicle.n.01")


def subtree_nodes(wordnet: WordNet, root: str, most: int = _MOST) -> pd.DataFrame:
    """Return the synsets below a root, nearest first, each drawn under its first lemma.

    Returns:
        Columns subtree, word, synset, parent (name of the parent drawn, empty at the root), gloss; a word
        stands once, for the synset nearest the root.
    """
    rows: dict[str, dict[str, str]] = {}
    drawn: set[str] = set()
    for synset in wordnet.subtree(wordnet.index(root), most).tolist():
        word, name = normalise(wordnet.lemmas[synset][0]), wordnet.name(synset)
        if word in rows:
            continue
        parents = [wordnet.name(parent) for parent in wordnet.hypernyms.of(synset).tolist()]
        parent = next((one for one in parents if one in drawn), "")
        gloss = wordnet.glosses[synset]
        rows[word] = {"subtree": root, "word": word, "synset": name, "parent": parent, "gloss": gloss}
        drawn.add(name)
    return pd.DataFrame(list(rows.values()))


def nodes(roots: Sequence[str] = SUBTREES) -> pd.DataFrame:
    """Return the nodes of all subtrees, one after the other."""
    wordnet = load_wordnet()
    return pd.concat([subtree_nodes(wordnet, root) for root in roots], ignore_index=True)
