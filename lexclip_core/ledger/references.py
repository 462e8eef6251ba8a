"""What a reported number is an effect against, and what it was measured on."""

from __future__ import annotations

from lexclip_core.datasets.reported import Place, places
from lexclip_core.ledger.measurement import Conditions, reported_at

BLOG_TOWER = "ViT-B-32/laion400m_e31"
_PARACLIP_TOWERS = {  # beginnings of names: of the base, and of the authors' own tuned weights
    "OpenAI": ("ViT-B-32-quickgelu/openai", "ViT-B-32/openai", "ParaCLIP/openai"),
    "OpenCLIP (400M)": ("ViT-B-32/laion400m_e32", "ParaCLIP/laion400m_e32"),
    "OpenCLIP (2B)": ("ViT-B-32/laion2b_s34b_b79k", "ParaCLIP/laion2b_s34b_b79k"),
    "OpenCLIP-RoBERTa (2B)": ("roberta-ViT-B-32/laion2b_s12b_b32k", "ParaCLIP/laion2b_s12b_b32k"),
    "LaCLIP (400M)": ("LaCLIP/", "ParaCLIP/laion400m_laclip"),
}
_DATA = {  # the first words of a column -> a word that the name of the data must have
    "AO@10": "coco",
    "JS@10": "coco",
    "VG-R": "vg",
    "VG-A": "vg",
    "STS": "sts",
    "classification": "imagenet",
    "ImageNet": "imagenet",
    "text": "coco",
    "image": "coco",
    "COCO": "coco",
    "FER2013": "fer2013",
}
_NEARER = {"cosine with sad": "cosine with cheerful", "cosine with dumb": "cosine with intelligent"}


def reference(place: Place) -> Place | None:
    """Return the place of the number that this one is an effect against, or None for a level.

    Tuned against base, replaced against original names, ParaCLIP against its base, losses against none, an
    antonym's cosine against the synonym's, QuickGELU against GELU for weights trained with it.
    """
    found = _BY_PAPER[place.paper](place)
    return found if found is not None and found in places() else None


def _blog(place: Place) -> Place | None:
    tower, _, names = place.column.rpartition(" ")
    if place.where == "OpenImages comparison" and not place.setting.endswith(" / base"):
        return place._replace(setting=f"{place.setting.split(' / ')[0]} / base")
    if tower == "tuned":
        return place._replace(column=f"base {names}")
    if names == "replaced":
        return place._replace(column=f"{tower} original".strip())
    return place._replace(column=_NEARER[place.column]) if place.column in _NEARER else None


def _paraclip(place: Place) -> Place | None:
    if place.where == "Table 1" and place.setting == "ParaCLIP":
        return place._replace(setting="base")
    return place._replace(row="base") if place.where == "Table 2" and place.row != "base" else None


def _open_clip(place: Place) -> Place | None:
    return place._replace(row="ViT-B-32") if place.row == "ViT-B-32-quickgelu" else None


_BY_PAPER = {
    "blog": _blog,
    "paraclip": _paraclip,
    "open_clip": _open_clip,
    "clip_benchmark": lambda place: None,
}


def tower_of(place: Place) -> tuple[str, ...]:
    """Return the names of the tower that a number was measured on; none for a number without one."""
    if place.paper in ("open_clip", "clip_benchmark"):
        return (f"{place.row}/{place.setting}",)
    if reported_at(place).unit in ("count", "number"):
        return ()
    if place.paper == "blog":
        return (BLOG_TOWER,)
    return _PARACLIP_TOWERS.get(
        "OpenAI" if place.where == "Table 2" else place.row, _PARACLIP_TOWERS["OpenAI"]
    )


def data_of(place: Place) -> str:
    """Return a word, lower case, that the name of the data must have; empty where words are all the data."""
    if place.paper == "blog":
        named = place.where.split()[0].casefold()
        return "" if place.column.startswith("cosine") else "imagenet" if named == "text" else named
    return _DATA.get(place.column.split()[0], "")


def same_setting(place: Place, made: Conditions) -> bool:
    """Return whether a measurement was made on the tower and the data of the reported number.

    A count or a setting has no tower; it is the same wherever it is counted. What the blog says of accuracy
    in its text ("up to 8 %", "more than 25 %") and of relations over templates (B6) is never the same: it
    does not say on what.
    """
    towers = tower_of(place)
    if not towers:
        return not made.text_tower and not made.image_tower
    if place.setting in ("templates", "classification"):
        return False
    return made.text_tower.startswith(towers) and data_of(place) in made.data.casefold()


def notebook_of(place: Place) -> str:
    """Return the stem of the notebook that measures a number, or "" where its claim says it."""
    by_setting = {"hypernym": "13_hypernyms", "mixed": "14_mixed"}
    return _NOTEBOOKS.get(place.where, "") or (
        by_setting.get(place.setting, "") if place.where == "ImageNet" else ""
    )


_NOTEBOOKS = {
    "OpenImages": "15_second_domain",
    "OpenImages comparison": "16_transfer",
    "FER2013": "11_emotions",
    "Table 1": "22_table1",
    "Table 2": "23_table2_ablation",
}
