"""WordNet 3.0: installed once, read into frozen tables, queried without NLTK."""

from __future__ import annotations

from lexclip_core.synsets.install import ensure_wordnet, nltk_wordnet
from lexclip_core.synsets.lexicon import Pos
from lexclip_core.synsets.relations import LemmaLinks, Relation
from lexclip_core.synsets.tables import WordNet, load_wordnet

__all__ = ["LemmaLinks", "Pos", "Relation", "WordNet", "ensure_wordnet", "load_wordnet", "nltk_wordnet"]
