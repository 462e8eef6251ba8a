"""What no notebook measures and code can check: counts of classes, settings of presets, formulas.

Everything here is computed when it is asked for; `lexclip notebooks collect` keeps it with what the
notebooks measured.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lexclip_core.datasets.class_names import Kind, name_set
from lexclip_core.datasets.pictures.imagenet import wnids
from lexclip_core.datasets.sentence_similarity import SEVEN
from lexclip_core.evaluation import retrieval
from lexclip_core.experiments.run_folder import git_commit
from lexclip_core.papers.measurement import Conditions, Measurement
from lexclip_core.papers.reported import Place
from lexclip_core.paraphrase.chat import ChatModel
from lexclip_core.training.settings import ParaphraseSettings
from lexclip_core.wordnet.tables import load_wordnet

NOTEBOOK = "checks"
_WORDNET = Conditions("WordNet 3.0", "all")
_CODE = Conditions("this project's code", "all")
_LEAST_LEMMAS: dict[Kind, int] = {"synonym": 2, "hypernym": 1, "mixed": 2}  # what the released code asks for


def measure_checks(profile: str = "embedded") -> tuple[Measurement, ...]:
    """Return what the code measures of itself and of WordNet, for the notebooks of a profile.

    ImageNet's classes in WordNet (B16) and the blog's lists of them (B18), ParaCLIP's loss against its
    formula (P2), overlap and Jaccard similarity against theirs (P9), the sets of P11, and the settings of P23
    and P24.
    """
    checks = [*_class_lists(), _loss(), *_overlap(), *_settings()]
    commit = git_commit()
    return tuple(replace(one, notebook=NOTEBOOK, profile=profile, commit=commit) for one in checks)


def _class_lists() -> list[Measurement]:
    wordnet = load_wordnet()
    keys = [wordnet.index(wnid) for wnid in wnids()]
    mapped = len(set(keys))
    made = [_WORDNET.measured("ImageNet's classes", mapped, "B16", unit="count", expected=("equals", 1000))]
    for kind, least in _LEAST_LEMMAS.items():
        named = {
            wnid: (wnid, wordnet.name(key).rsplit(".", 2)[0].replace("_", " "))
            for wnid, key in zip(wnids(), keys, strict=True)
            if len(wordnet.lemmas[key]) >= least
        }
        classes = name_set(wordnet, named, kind, comparison="as_spelt")
        place = Place("blog", "figures", "ImageNet", "classes of the largest point", kind)
        what = f"ImageNet's classes with {kind} names, all words unique as spelt"
        made.append(_WORDNET.measured(what, len(classes), place, unit="count"))
    return made


def _loss() -> Measurement:
    """Compare the loss of the preset `paraclip` with three symmetric InfoNCE terms, on seeded rows."""
    import torch
    from torch.nn import functional

    from lexclip_core.training.losses import paraclip_loss

    generator = torch.Generator().manual_seed(0)
    fields = ("image", "caption", "paraphrase_1", "paraphrase_2")
    rows = {name: functional.normalize(torch.randn(6, 8, generator=generator), dim=-1) for name in fields}
    scale, own = torch.tensor(10.0), torch.arange(6)
    scales = {"image_text": scale, "text_text": scale}
    library = float(
        sum(
            paraclip_loss(rows, ParaphraseSettings.from_flat({"preset": "paraclip"}).weights, scales).values()
        )
    )

    def info_nce(left: str, right: str) -> float:
        logits = scale * rows[left] @ rows[right].T
        return float((functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2)

    terms = (("image", "paraphrase_2"), ("caption", "paraphrase_1"), ("paraphrase_1", "paraphrase_2"))
    formula = sum(info_nce(*term) for term in terms)
    return _check("L1(I, T'') + L2(T, T') + L3(T', T'')", np.isclose(library, formula, atol=1e-5), "P2")


def _overlap() -> list[Measurement]:
    rng = np.random.default_rng(0)
    a, b = (np.stack([rng.permutation(15)[:10] for _ in range(50)]) for _ in range(2))
    overlap = [
        sum(len({*x[:d]} & {*y[:d]}) / d for d in range(1, 11)) / 10 for x, y in zip(a, b, strict=True)
    ]
    jaccard = [len({*x} & {*y}) / len({*x} | {*y}) for x, y in zip(a, b, strict=True)]
    place = Place("paraclip", "text", "paraphrased retrieval", "k of AO@k and JS@k", "data")
    return [
        _check("average overlap, equation 1", np.allclose(retrieval.average_overlap(a, b), overlap), "P9"),
        _check("Jaccard similarity, equation 2", np.allclose(retrieval.jaccard(a, b), jaccard), "P9"),
        _CODE.measured("k", retrieval.K, place, unit="number"),
    ]


def _settings() -> list[Measurement]:
    preset, chat = ParaphraseSettings.from_flat({"preset": "paraclip"}), ChatModel()
    values = {
        Place("paraclip", "appendix A", "training", "epochs", "training"): preset.epochs,
        Place("paraclip", "appendix A", "training", "learning rate", "training"): preset.lr,
        Place("paraclip", "appendix A", "training", "batch size", "training"): preset.batch,
        Place("paraclip", "appendix A", "training", "weight decay", "training"): preset.weight_decay,
        Place("paraclip", "appendix A", "gpt-3.5-turbo-0301", "temperature", "generation"): chat.temperature,
        Place("paraclip", "appendix A", "gpt-3.5-turbo-0301", "top-p", "generation"): chat.top_p,
    }
    sets = Place("paraclip", "text", "STS", "tasks", "data")
    return [
        *(_CODE.measured(f"{key.column}, as preset", one, key, unit="number") for key, one in values.items()),
        _check("AdamW under a cosine", (preset.optimizer, preset.schedule) == ("adamw", "cosine"), "P23"),
        _check("the model that is asked", chat.model == "gpt-3.5-turbo-0301", "P24"),
        _CODE.measured("sets of sentence similarity", len(SEVEN), sets, unit="count"),
    ]


def _check(what: str, holds: Any, claim: str) -> Measurement:
    return _CODE.measured(what, int(bool(holds)), claim, unit="check", expected=("equals", 1))
