"""The official files of the composition sets, fetched from where their authors keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from lexclip_core import storage
from lexclip_core.datasets.card import Card
from lexclip_core.errors import MissingResourceError
from lexclip_core.towers import download, sources

_SUGARCREPE = "https://raw.githubusercontent.com/RAIVNLab/sugar-crepe/main/data/"
_SUGARCREPE_PP = "https://raw.githubusercontent.com/Sri-Harsha/scpp/main/data/"
_DRIVE = "https://drive.google.com/uc?export=download&id="
_ARO = {  # the identifiers in ARO's own loader
    "visual_genome_relation.json": "1kX2iCHEv0CADL8dSO1nMdW-V0NqIAiP3",
    "visual_genome_attribution.json": "13tWvOrNOLHxl3Rm9cR3geAdHx2qR3-Tw",
}

SHA256: Mapping[str, str] = MappingProxyType(
    {
        "sugarcrepe/add_att.json": "012d88d729693d193760e6f3393b06a1cf874380a9db0062e937201199fe044d",
        "sugarcrepe/add_obj.json": "1b9d76b93139a937b8dc1ada92a4f05ecc821bb3c291d752428bafadd4bb0682",
        "sugarcrepe/replace_att.json": "9fe55fd4c0a9ad1f85d486d9f6d0215b41f867eb025026e7f7b5ce44352545ee",
        "sugarcrepe/replace_obj.json": "9d299600639947e9d15281a9ded1382b376cf4ea088a8d08a1314bfe76e81898",
        "sugarcrepe/replace_rel.json": "356bcc2fc4c6aed3f4d9fd50acc58489bb1fe70c28791f9368d4cbf9ea39cdc9",
        "sugarcrepe/swap_att.json": "7a7ce04e5c4c80412b48c6f0c1347fb1a2f5d54c0be6aa429b64d390e442f8d0",
        "sugarcrepe/swap_obj.json": "073cdb8e253d053614e80710834d9773b09dbc1dd0a412f6f9492262caa1dcad",
        "sugarcrepe_pp/replace_att.json": "6826413592894754eeca02aeebbcbbc8b95a7456998abcc714e71c033ce6fe87",
        "sugarcrepe_pp/swap_att.json": "450d0fd9fcad3e6f44950dc634e7f901ab1c6d9c60a569ade5ae8ffb3d203ad8",
    }
)
"""File -> checksum of the copy that this project was tried on; of the others none is known."""


def address(file: str) -> str:
    """Return where a file of a card can be had."""
    if file in _ARO:
        return f"{_DRIVE}{_ARO[file]}"
    set_folder, _, name = file.rpartition("/")
    return {"sugarcrepe": _SUGARCREPE, "sugarcrepe_pp": _SUGARCREPE_PP}[set_folder] + name


def fetched(card: Card, files: Sequence[str]) -> Path:
    """Return a folder of the cache that holds files of a set, fetching those that are not there yet.

    Raises:
        MissingResourceError: A file is not there and nothing may be fetched, or its server does not answer.
        DamagedFileError: What came has not the checksum that it should have.
        StorageError: There is no room for it.
    """
    folder = storage.cache_folder() / "composition"
    for file in files:
        target = folder / file
        if target.is_file():
            continue
        by_hand = f"get {Path(file).name} from {card.source} and put it at {target}, or name its folder"
        if sources.offline():
            raise MissingResourceError(
                f"{card.title}: {target} is not there, and HF_HUB_OFFLINE asks that nothing is fetched",
                by_hand,
            )
        try:
            download.fetch(address(file), target, sha256=SHA256.get(file, ""))
        except MissingResourceError as error:
            raise MissingResourceError(f"{card.title}: {error.problem}", by_hand) from error
    return folder
