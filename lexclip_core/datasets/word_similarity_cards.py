"""Where each word-similarity set comes from, under which terms, and how its official files are called."""

from __future__ import annotations

from typing import Any

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.word_similarity_layouts import Layout

# File names in the order in which they are looked for: the authors' own archive, unpacked in place or in its
# folder, then the "word-sim" collection of Faruqui and Dyer (2014), which keeps words and score only.
FILES: dict[str, dict[str, Layout]] = {
    "simlex-999": {
        "SimLex-999.txt": "simlex",
        "SimLex-999/SimLex-999.txt": "simlex",
        "EN-SIMLEX-999.txt": "pairs",
    },
    "simverb-3500": {
        "SimVerb-3500.txt": "simverb",
        "data/SimVerb-3500.txt": "simverb",
        "simverb-3500-data/data/SimVerb-3500.txt": "simverb",
        "EN-SimVerb-3500.txt": "pairs",
    },
    "men": {
        "MEN_dataset_natural_form_full": "pairs",
        "MEN/MEN_dataset_natural_form_full": "pairs",
        "EN-MEN-TR-3k.txt": "pairs",
    },
    "men-lemma": {
        "MEN_dataset_lemma_form_full": "men_lemma",
        "MEN/MEN_dataset_lemma_form_full": "men_lemma",
    },
    "rg-65": {
        "EN-RG-65.txt": "pairs",
        "RG-65.txt": "semicolon",
    },
    "wordsim-353-similarity": {
        "wordsim_similarity_goldstandard.txt": "pairs",
        "wordsim353_sim_rel/wordsim_similarity_goldstandard.txt": "pairs",
        "EN-WS-353-SIM.txt": "pairs",
    },
    "wordsim-353-relatedness": {
        "wordsim_relatedness_goldstandard.txt": "pairs",
        "wordsim353_sim_rel/wordsim_relatedness_goldstandard.txt": "pairs",
        "EN-WS-353-REL.txt": "pairs",
    },
    "wordsim-353": {
        "combined.tab": "combined",
        "wordsim353/combined.tab": "combined",
        "EN-WS-353-ALL.txt": "pairs",
    },
}

_CITE = "no licence stated; free for research, cite the paper"
_MEASURE = "it measures: tune nothing on it"
_NOT_ANTONYMS = f"{_MEASURE}; its annotators scored antonyms as similar: never an antonym test"
_MEN: dict[str, Any] = {
    "rows": 3000,
    "scale": "0 to 50, relatedness",
    "reference": "Bruni, Tran and Baroni (2014), Multimodal distributional semantics",
    "source": "https://staff.fnwi.uva.nl/e.bruni/MEN",
    "licence": "CC BY 2.0",
    "warning": _MEASURE,
}
_WORDSIM: dict[str, Any] = {
    "reference": "Agirre et al. (2009), A study on similarity and relatedness using distributional and "
    "WordNet-based approaches",
    "source": "http://alfonseca.org/eng/research/wordsim353.html",
    "licence": _CITE,
    "warning": _NOT_ANTONYMS,
}
_ROWS: dict[str, dict[str, Any]] = {
    "simlex-999": {
        "title": "SimLex-999",
        "rows": 999,
        "scale": "0 to 10, similarity, not relatedness",
        "reference": "Hill, Reichart and Korhonen (2015), SimLex-999: evaluating semantic models with "
        "(genuine) similarity estimation",
        "source": "https://fh295.github.io/simlex.html",
        "licence": _CITE,
        "warning": _MEASURE,
    },
    "simverb-3500": {
        "title": "SimVerb-3500",
        "rows": 3500,
        "scale": "0 to 10, similarity of verbs",
        "reference": "Gerz et al. (2016), SimVerb-3500: a large-scale evaluation set of verb similarity",
        "source": "https://people.ds.cam.ac.uk/dsg40/simverb.html",
        "licence": _CITE,
        "warning": _MEASURE,
    },
    "men": {"title": "MEN, natural form", **_MEN},
    "men-lemma": {"title": "MEN, lemma form", **_MEN},
    "rg-65": {
        "title": "RG-65",
        "rows": 65,
        "scale": "0 to 4, similarity of nouns",
        "reference": "Rubenstein and Goodenough (1965), Contextual correlates of synonymy",
        "source": "https://github.com/mfaruqui/eval-word-vectors",
        "licence": _CITE,
        "warning": _MEASURE,
    },
    "wordsim-353-similarity": {
        "title": "WordSim-353 similarity",
        "rows": 203,
        "scale": "0 to 10, similarity",
        **_WORDSIM,
    },
    "wordsim-353-relatedness": {
        "title": "WordSim-353 relatedness",
        "rows": 252,
        "scale": "0 to 10, relatedness",
        **_WORDSIM,
    },
    "wordsim-353": {
        "title": "WordSim-353",
        "rows": 353,
        "scale": "0 to 10, similarity and relatedness mixed",
        "reference": "Finkelstein et al. (2002), Placing search in context: the concept revisited",
        "source": "https://gabrilovich.com/resources/data/wordsim353/wordsim353.html",
        "licence": _CITE,
        "warning": _NOT_ANTONYMS,
    },
}

CARDS: dict[str, Card] = {
    name: Card(name=name, files=tuple(FILES[name]), **row) for name, row in _ROWS.items()
}
