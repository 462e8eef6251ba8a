"""Where each test of composition comes from, and how its official files are called."""

from __future__ import annotations

from lexclip_core.datasets.card import Card

_ARO = "Yuksekgonul et al. (2023), When and why vision-language models behave like bags-of-words"
_ARO_SOURCE = "https://github.com/mertyg/vision-language-models-are-bows (its README links the files)"
_MEASURE = "it measures: tune nothing on it"
_KINDS = ("add_att", "add_obj", "replace_att", "replace_obj", "replace_rel", "swap_att", "swap_obj")
_KINDS_PP = ("replace_att", "replace_obj", "replace_rel", "swap_att", "swap_obj")

CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        Card(
            name="vg-relation",
            title="ARO, Visual Genome Relation (VG-R)",
            rows=23937,
            scale="no scores: a true and a false caption of a part of a picture",
            reference=_ARO,
            source=_ARO_SOURCE,
            licence="MIT; the pictures are of Visual Genome, CC BY 4.0",
            files=("visual_genome_relation.json",),
            warning=f"{_MEASURE}; it holds relations that read the same both ways, left out of ARO's macro",
        ),
        Card(
            name="vg-attribution",
            title="ARO, Visual Genome Attribution (VG-A)",
            rows=28748,
            scale="no scores: a true and a false caption of a part of a picture",
            reference=_ARO,
            source=_ARO_SOURCE,
            licence="MIT; the pictures are of Visual Genome, CC BY 4.0",
            files=("visual_genome_attribution.json",),
            warning=_MEASURE,
        ),
        Card(
            name="sugarcrepe",
            title="SugarCrepe",
            rows=7511,
            scale="no scores: a true and a false caption of a picture of COCO 2017 val",
            reference="Hsieh et al. (2023), SugarCrepe: fixing hackable benchmarks",
            source="https://github.com/RAIVNLab/sugar-crepe",
            licence="MIT; the pictures are of COCO",
            files=tuple(f"sugarcrepe/{kind}.json" for kind in _KINDS),
            warning=_MEASURE,
        ),
        Card(
            name="sugarcrepe-pp",
            title="SugarCrepe++",
            rows=4757,
            scale="no scores: two true captions and a false one of a picture of COCO 2017 val",
            reference="Dumpala et al. (2024), SugarCrepe++ dataset",
            source="https://github.com/Sri-Harsha/scpp (the hub has a copy: Aman-J/SugarCrepe_pp)",
            licence="CC BY 4.0; the pictures are of COCO",
            files=tuple(f"sugarcrepe_pp/{kind}.json" for kind in _KINDS_PP),
            warning=_MEASURE,
        ),
    )
}
