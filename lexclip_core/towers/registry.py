"""The text towers lexclip knows by name, with everything that must be right for their vectors to be right."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Literal

from lexclip_core.errors import InputError

Activation = Literal["gelu", "quickgelu"]

LACLIP, PARACLIP = "LaCLIP", "ParaCLIP"
BY_PATH = (f"{LACLIP}/", f"{PARACLIP}/")
"""How the names of weights begin that no program can fetch."""

MINILM = "all-MiniLM-L6-v2"
TINY = "tiny-random"


@dataclass(frozen=True)
class TowerSpec:
    """What a text tower is made of.

    Attributes:
        name: The name `load` takes.
        architecture: open_clip architecture name, or the Hugging Face model type.
        pretrained: open_clip tag, or the pinned revision on the hub; empty when there is none.
        activation: The activation the text tower computes with; in the registry also the trained one.
        tokenizer: `clip-bpe`, or the Hugging Face name of a tokenizer.
        context_length: Longest text in tokens, start and end tokens included.
        dim: Length of an embedding.
        source: Where the weights come from.
        sha256: Checksum of the weight file as its authors released it, 64 hex digits or the first 8 that they
            published; empty where they published none. The hub's conversions are other files, which the hub
            itself names by their checksum.
        licence: Licence of the weights.
        note: One sentence for the reader of a list of models.
        image_size: Side, in pixels, of the pictures that the image half takes; 0 for towers without one.
    """

    name: str
    architecture: str
    pretrained: str
    activation: Activation
    tokenizer: str
    context_length: int
    dim: int
    source: str
    sha256: str = ""
    licence: str = ""
    note: str = ""
    image_size: int = 0


def _clip(name: str, architecture: str, activation: Activation, source: str, **about: str) -> TowerSpec:
    return TowerSpec(
        name=name,
        architecture=architecture,
        pretrained=name.rpartition("/")[2],
        activation=activation,
        tokenizer="clip-bpe",
        context_length=77,
        dim=512,
        source=source,
        image_size=224,
        **about,  # type: ignore[arg-type]
    )


def _paraclip(base: TowerSpec) -> TowerSpec:
    """Return the record of ParaCLIP's tuning of a base: its text tower moved, the rest is the base's."""
    # Its notebook builds plain ViT-B-32, so that the LAION-400M one was tuned as such; OpenAI's weights
    # brought QuickGELU with them whatever was asked for.
    plain = base.pretrained == "laion400m_e32"
    return replace(
        base,
        name=f"{PARACLIP}/{base.pretrained}",
        architecture=base.architecture.removesuffix("-quickgelu") if plain else base.architecture,
        activation="gelu" if plain else base.activation,
        source="its authors, on request",
        sha256="",
        licence="",
        note="ParaCLIP (Kim et al., 2024): not published; bring the file, and name it with path=.",
    )


_SPECS = (
    TowerSpec(
        name=MINILM,
        architecture="bert",
        pretrained="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        activation="gelu",
        tokenizer="sentence-transformers/all-MiniLM-L6-v2",
        context_length=256,
        dim=384,
        source="sentence-transformers/all-MiniLM-L6-v2",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        licence="Apache-2.0",
        note="The default: a sentence encoder of 22.7M parameters that runs offline on a laptop.",
    ),
    _clip(
        "ViT-B-32-quickgelu/laion400m_e31",
        "ViT-B-32-quickgelu",
        "quickgelu",
        "timm/vit_base_patch32_clip_224.laion400m_e31",
        sha256="d867053b",
        licence="MIT",
        note="The papers' checkpoint with the activation it was trained with.",
    ),
    _clip(
        "ViT-B-32-quickgelu/laion400m_e32",
        "ViT-B-32-quickgelu",
        "quickgelu",
        "timm/vit_base_patch32_clip_224.laion400m_e32",
        sha256="46683a32",
        licence="MIT",
        note="One epoch later than laion400m_e31.",
    ),
    _clip(
        "ViT-B-32-quickgelu/openai",
        "ViT-B-32-quickgelu",
        "quickgelu",
        "timm/vit_base_patch32_clip_224.openai",
        sha256="40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        licence="MIT",
        note="The first published CLIP.",
    ),
    _clip(
        "ViT-B-32/laion2b_s34b_b79k",
        "ViT-B-32",
        "gelu",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        licence="MIT",
        note="The same architecture trained on LAION-2B, with plain GELU.",
    ),
    TowerSpec(
        name="roberta-ViT-B-32/laion2b_s12b_b32k",
        architecture="roberta-ViT-B-32",
        pretrained="laion2b_s12b_b32k",
        activation="gelu",
        tokenizer="roberta-base",
        context_length=77,
        dim=512,
        source="laion/CLIP-ViT-B-32-roberta-base-laion2B-s12B-b32k",
        licence="MIT",
        note="CLIP with a RoBERTa text tower; also needs the configuration and tokenizer of roberta-base.",
        image_size=224,
    ),
    _clip(
        "LaCLIP/laion400m_laclip",
        "ViT-B-32",
        "gelu",
        "https://github.com/LijieFan/LaCLIP (laion400m_laclip.pt)",
        licence="BSD-2-Clause",
        note="LaCLIP (Fan et al., 2023), trained on rewritten captions; bring the file, name it with path=.",
    ),
    TowerSpec(
        name=TINY,
        architecture="lexclip-tiny",
        pretrained="",
        activation="gelu",
        tokenizer="clip-bpe",
        context_length=77,
        dim=64,
        source="seeded random numbers",
        licence="MIT",
        note="Untrained: random weights (2 layers of width 64) for tests; its cosines mean nothing.",
    ),
)

_PARACLIP = (_paraclip(one) for one in _SPECS if one.image_size and one.pretrained != "laion400m_e31")
REGISTRY: dict[str, TowerSpec] = {one.name: one for one in (*_SPECS, *_PARACLIP)}


def spec(name: str) -> TowerSpec:
    """Return the record of a registered tower.

    Raises:
        InputError: The name is not registered; the message lists the names and the nearest one.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    raise unknown_tower(name)


def unknown_tower(name: str) -> InputError:
    """Return the error for a name that is no tower: what names there are, and the nearest one."""
    near = difflib.get_close_matches(name, REGISTRY, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return InputError(
        f"unknown tower {name!r}",
        f"{hint}registered towers: {', '.join(REGISTRY)}; also open_clip's 'architecture/tag', "
        "'hf-hub:owner/model', a folder of open_clip, Hugging Face CLIP or sentence-transformers, or a "
        "weight file with architecture=...",
    )
