"""open_clip's models: architectures and activations, published tags, weight files, and their text towers."""

from __future__ import annotations

import copy
import difflib
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NotRequired

import numpy as np
import open_clip
import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.pretrained import get_pretrained_cfg, list_pretrained, list_pretrained_tags_by_model
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from pydantic import Field
from torch import Tensor, nn
from torch.nn import init
from torch.overrides import TorchFunctionMode
from typing_extensions import TypedDict

from lexclip_core.download import checked_sha256, fetch, offline
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.text_files import check_shape, read_json
from lexclip_core.towers import sources
from lexclip_core.towers.forward import TextTokenizer, read_config, whole_ids
from lexclip_core.towers.registry import (
    EMOJI,
    EMOJI_SHA256,
    REGISTRY,
    TINY,
    Activation,
    TowerSpec,
    elsewhere,
    spec,
)
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import tensors_digest
from lexclip_core.towers.weight_files import file_metadata, load_text_strictly, read_tensors

Config = dict[str, Any]
"""What open_clip calls a model_cfg: embed_dim, text_cfg, vision_cfg and more."""
_Encode = Callable[[list[str]], list[list[int]]]

# It knows one token, so that no text can be encoded with it by accident.
PLACEHOLDER_TEXT = {"context_length": 1, "vocab_size": 1, "width": 1, "heads": 1, "layers": 1}
# Where the image half is not used, the smallest one stands in while the model is built.
_SMALLEST_IMAGE = {"layers": 1, "width": 64, "head_width": 64, "image_size": 32, "patch_size": 32}
_QUICK = "-quickgelu"
_DRAWN = ("normal_", "trunc_normal_", "uniform_", "kaiming_normal_", "kaiming_uniform_", "xavier_uniform_")
UNTRAINED_SEED = 20_000

logger = logging.getLogger(__name__)


def architecture_config(architecture: str) -> Config:
    """Return open_clip's configuration of an architecture.

    Raises:
        InputError: open_clip does not know it (the message names the nearest one), or it is a CoCa model.
    """
    config: Config | None = open_clip.get_model_config(architecture)
    if config is None:
        near = difflib.get_close_matches(architecture, open_clip.list_models(), n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}? " if near else ""
        problem = f"unknown architecture {architecture!r}"
        raise InputError(problem, f"{hint}open_clip.list_models() lists all of them")
    return _no_captioner(config, architecture)


def _no_captioner(config: Config, source: str) -> Config:
    if "multimodal_cfg" in config:
        problem = (
            f"{source} is not a plain text encoder: CoCa also writes captions, and reads a text at a token "
            "that it adds behind the end"
        )
        remedy = "use a CLIP with the same image half, such as ViT-B-32/laion2b_s34b_b79k"
        raise InputError(problem, remedy)
    return config


def activation_of(config: Config) -> Activation:
    """Return the activation the text half of an architecture computes with."""
    if config["text_cfg"].get("hf_model_name"):
        return "gelu"  # open_clip's switch reaches native halves alone
    return "quickgelu" if config.get("quick_gelu", False) else "gelu"


def published(architecture: str, tag: str) -> dict[str, Any]:
    """Return open_clip's entry of published weights (url, hf_hub, quick_gelu, mean, ...); empty if none."""
    for name in (architecture, architecture.removesuffix(_QUICK)):
        if entry := get_pretrained_cfg(name, tag):
            return dict(entry)
    return {}


def trained_activation(architecture: str, tag: str) -> Activation | None:
    """Return the activation published weights were trained with, or None when the tag is unknown."""
    entry = published(architecture, tag)
    if not entry:
        return None
    return "quickgelu" if entry.get("quick_gelu", False) else "gelu"


def check_activation(architecture: str, config: Config, trained: Activation | None, source: str) -> None:
    """Refuse to run weights with an activation they were not trained with.

    A Hugging Face text tower carries its own activation, so there is nothing to compare.

    Raises:
        InputError: They differ; the message names the architecture that fits.
    """
    if trained is None or config["text_cfg"].get("hf_model_name") or activation_of(config) == trained:
        return
    right = architecture.removesuffix(_QUICK) + (_QUICK if trained == "quickgelu" else "")
    raise InputError(
        f"{source} was trained with {trained}, but {architecture} computes {activation_of(config)}: "
        "its vectors would be subtly wrong",
        f"name the architecture {right!r}, or pass activation='as-published' to run the mismatch on purpose",
    )


class Unfilled(TorchFunctionMode):
    """Leaves out the random numbers that weights begin with: a second, where a file fills them all."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function of torch, unless it draws initial weights."""
        options = dict(kwargs or {})
        if getattr(function, "__module__", "") == init.__name__ and function.__name__ in _DRAWN:
            return options["tensor"] if "tensor" in options else args[0]
        return function(*args, **options)


def build_text_model(config: Config, *, folder: Path | None = None) -> nn.Module:
    """Return a model with the text half of an architecture, randomly initialised, and no image half.

    Args:
        config: As `architecture_config` gives it.
        folder: A folder that may hold the files of a Hugging Face text tower.

    Raises:
        InputError: The configuration is not one that open_clip builds, or needs code of its own.
        DamagedFileError: The configuration of a Hugging Face text tower cannot be read.
        MissingResourceError: The configuration of a Hugging Face text tower is nowhere.
    """
    config = copy.deepcopy(config)
    text = config["text_cfg"]
    custom = config.pop("custom_text", False) or bool(text.get("hf_model_name"))
    if text.get("hf_model_name"):
        files = sources.hugging_face_folder(text["hf_model_name"], folder).resolve()
        if getattr(read_config(files), "auto_map", None):  # open_clip would ask to run it
            problem = f"{files} needs Python code of its own, which is never run"
            raise InputError(problem, "take another model")
        text["hf_model_name"] = str(files)
        text["hf_model_pretrained"] = False
    config["vision_cfg"] = _SMALLEST_IMAGE
    with torch.random.fork_rng(devices=[]):  # random initial weights must not move the caller's seed
        try:
            model: nn.Module = (CustomTextCLIP if custom else CLIP)(**config)
        except (TypeError, RuntimeError, ValueError, AssertionError) as error:
            problem = f"open_clip builds no text tower of this configuration: {error}"
            raise InputError(problem, "mend its text_cfg") from error
    _check_projection(model, config["embed_dim"])
    model.register_module("visual", None)
    return model


def build_image_model(config: Config) -> CLIP:
    """Return a model with the image half of an architecture, randomly initialised, and no text half to use.

    Args:
        config: As `architecture_config` gives it; of `text_cfg` nothing is read.

    Raises:
        InputError: The configuration is not one that open_clip builds.
    """
    vision = {**config["vision_cfg"], "timm_model_pretrained": False}
    with torch.random.fork_rng(devices=[]):
        try:
            return CLIP(
                config["embed_dim"],
                vision,
                dict(PLACEHOLDER_TEXT),
                quick_gelu=config.get("quick_gelu", False),
            )
        except (TypeError, RuntimeError, ValueError, AssertionError) as error:
            problem = f"open_clip builds no image tower of this configuration: {error}"
            raise InputError(problem, "mend its vision_cfg") from error


def _check_projection(model: nn.Module, dim: int) -> None:
    text = getattr(model, "text", None)
    if hasattr(text, "config") and not hasattr(text, "proj"):
        remedy = "set hf_proj_type to 'linear' or 'mlp' in the configuration, as it was in training"
        raise InputError(f"the text tower has no projection to the embedding's {dim} numbers", remedy)


def build_tokenizer(config: Config, *, folder: Path | None = None) -> TextTokenizer:
    """Return the tokenizer an architecture was trained with, or fail: never another vocabulary in its place.

    Args:
        config: As `architecture_config` gives it.
        folder: A folder that may hold the files of a Hugging Face tokenizer.

    Raises:
        MissingResourceError: The files of a Hugging Face tokenizer are nowhere.
    """
    text = config["text_cfg"]
    length = text.get("context_length", 77)
    options = dict(text.get("tokenizer_kwargs") or {})
    name = text.get("hf_tokenizer_name")
    if name:
        files = str(sources.hugging_face_folder(name, folder))
        mode = text.get("tokenizer_mode")
        options.pop("trust_remote_code", None)  # a configuration comes with the weights, from anywhere
        tokenizer: Any = HFTokenizer(
            files, context_length=length, tokenizer_mode=mode, trust_remote_code=False, **options
        )
    else:
        tokenizer = _simple_tokenizer(length, json.dumps(options))
    _check_vocabulary(tokenizer, text)
    if _attends_to_padding(text):
        encode: _Encode = lambda texts: tokenizer(texts).tolist()  # noqa: E731
    else:
        encode = _hugging_face_ids(tokenizer) if name else _clip_ids(tokenizer)
    return TextTokenizer(encode, context_length=length, name=name or "clip-bpe")


@lru_cache(maxsize=4)  # its vocabulary takes half a second to read, and it is never changed
def _simple_tokenizer(length: int, options: str) -> SimpleTokenizer:
    return SimpleTokenizer(context_length=length, **json.loads(options))


def _attends_to_padding(text: Config) -> bool:
    return not text.get("hf_model_name") and (
        bool(text.get("no_causal_mask")) or text.get("pool_type", "argmax") != "argmax"
    )


def _check_vocabulary(tokenizer: Any, text: Config) -> None:
    size = getattr(tokenizer, "vocab_size", None) or len(getattr(tokenizer, "tokenizer", ()))
    expected = text.get("vocab_size", math.inf if text.get("hf_model_name") else 49408)
    if size > expected:
        raise InputError(
            f"the tokenizer knows {size} tokens but the text tower only {expected}: it is another model's",
            "put the model's own tokenizer files next to its weights",
        )


def _clip_ids(tokenizer: Any) -> _Encode:
    start, end = tokenizer.sot_token_id, tokenizer.eot_token_id
    return lambda texts: [[start, *tokenizer.encode(text), end] for text in texts]


def _hugging_face_ids(tokenizer: Any) -> _Encode:
    return lambda texts: whole_ids(tokenizer.tokenizer, [tokenizer.clean_fn(text) for text in texts])


def split_tag(name: str) -> tuple[str, str]:
    """Return (architecture, tag) of a name such as `ViT-B-32-quickgelu/laion400m_e31`.

    Raises:
        InputError: open_clip has published no such tag for the architecture.
    """
    architecture, _, tag = name.rpartition("/")
    architecture = architecture.replace("/", "-")
    if not published(architecture, tag):
        tags = list_pretrained_tags_by_model(architecture)
        listed = f"{elsewhere(name)}open_clip.list_pretrained() lists all pairs"
        known = f"its tags are: {', '.join(tags)}" if tags else listed
        raise InputError(f"open_clip has no weights {tag!r} for the architecture {architecture!r}", known)
    return architecture, tag


def find_weights(architecture: str, tag: str) -> Path:
    """Return the weight file of a published tag: user-supplied, cached, or fetched from the hub.

    Raises:
        MissingResourceError: It is nowhere and the hub does not answer.
    """
    entry = published(architecture, tag)
    repository, names = _on_the_hub(entry.get("hf_hub", ""))
    url = entry.get("url", "")
    supplied = sources.weights_folder() / architecture / tag
    if supplied.is_dir() and any(file.suffix in sources.SUFFIXES for file in supplied.iterdir()):
        return sources.weight_file(supplied)
    released = Path.home() / ".cache" / "clip" / Path(url).name
    wrong: list[str] = []  # copies that do not have their checksum never hide the right one
    for file, checksum in [*_cached(repository, names), (released, published_checksum(url))]:
        if (url == "" and file == released) or not file.is_file():
            continue
        try:
            checked_sha256(file, checksum)
        except DamagedFileError as error:
            logger.warning("%s; it is ignored", error.problem)
            wrong.append(f"{file} (ignored: it has another checksum)")
        else:
            return file
    if repository and sources.hub_is_reachable():
        return sources.fetched_file(repository, names)
    if url and not repository and not offline():
        return fetch(url, supplied / Path(url).name, sha256=published_checksum(url))
    origins = [f"{names[0]} of https://huggingface.co/{repository}"] if repository else []
    raise sources.missing(
        f"the weights of {architecture}/{tag}",
        [
            str(supplied),
            *([f"the Hugging Face cache ({repository})"] if repository else []),
            *(wrong or ([str(released)] if url else [])),
            "the hub (not reachable)" if repository else f"{url} (not asked: HF_HUB_OFFLINE is set)",
        ],
        f"on a machine with a network, fetch {' or '.join([*origins, *([url] if url else [])])}, "
        f"and put it into {supplied}, or pass path=... with the file",
    )


def _cached(repository: str, names: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Yield the files of a repository in the hub's cache, and the checksum that the hub calls each by."""
    for name in names if repository else ():
        folder = sources.cached_snapshot(repository, None, names=(name,))
        if folder is not None:
            yield folder / name, sources.stated_checksum(folder / name)


def _on_the_hub(entry: str) -> tuple[str, tuple[str, ...]]:
    """Return the repository of an entry such as `owner/model/` or `owner/model/file.pt`, and its files."""
    owner, _, rest = entry.partition("/")
    model, _, file = rest.partition("/")
    if not model:
        return "", sources.OPEN_CLIP_WEIGHTS
    if not file:
        return f"{owner}/{model}", sources.OPEN_CLIP_WEIGHTS
    safe = Path(file).with_suffix(".safetensors").name  # the same tensors, where the repository has them
    return f"{owner}/{model}", (safe, file)


def published_checksum(url: str) -> str:
    """Return the sha256, or its first digits, that the address of a published file states; else nothing.

    >>> published_checksum("https://host/mlfoundations/vit_b_32-quickgelu-laion400m_e31-d867053b.pt")
    'd867053b'
    """
    if "openaipublic" in url:
        return url.split("/")[-2]
    if "mlfoundations" in url:
        return Path(url).stem.rpartition("-")[2]
    return ""


def recognise(path: Path, sha256: str) -> tuple[str, Activation] | None:
    """Return (tag, activation it was trained with) of a local copy of a published file, else None."""
    for architecture, tag in list_pretrained():
        url = published(architecture, tag).get("url", "")
        checksum = published_checksum(url)
        # a file name alone proves nothing where a checksum is published: anyone may call a file ViT-B-32.pt
        if sha256.startswith(checksum) if checksum else url and Path(url).name == path.name:
            activation = trained_activation(architecture, tag)
            return (f"{architecture}/{tag}", activation) if activation else None
    return None


@dataclass(frozen=True)
class Checkpoint:
    """A weight file, and how it is read.

    Attributes:
        weights: The file.
        config: open_clip's configuration of the architecture it is for.
        architecture: Its name.
        pretrained: The tag; empty when there is none.
        trained: The activation it was trained with; None when nobody says.
        folder: The folder whose configuration it is.
        read: File -> tensors under open_clip's names.
        tokenizer: Makes the model's tokenizer, where the configuration does not say which it is.
        preprocess: How pictures were prepared, where the layout keeps that in its own way.
    """

    weights: Path
    config: Config
    architecture: str
    pretrained: str = ""
    trained: Activation | None = None
    folder: Path | None = None
    read: Callable[[Path], dict[str, Tensor]] = read_tensors
    tokenizer: Callable[[], TextTokenizer] | None = None
    preprocess: dict[str, Any] | None = None

    @property
    def sha256(self) -> str:
        """The file's checksum."""
        return checked_sha256(self.weights)


def from_tag(name: str, path: Path | None, activation: str) -> Checkpoint:
    """Return the weights of `architecture/tag`, from the given file or folder or wherever they are.

    Raises:
        InputError: No such tag, an architecture with another activation, or another tag's file.
        MissingResourceError: The weights are nowhere.
    """
    architecture, tag = split_tag(name)
    config, trained = architecture_config(architecture), trained_activation(architecture, tag)
    if activation == "trained":
        check_activation(architecture, config, trained, name)  # before anything is fetched
    weights = find_weights(architecture, tag) if path is None else sources.weight_file(path)
    _refuse_another(name, weights, f"{architecture.removesuffix(_QUICK)}/{tag}")
    return Checkpoint(weights, config, architecture, tag, trained)


def from_release(name: str, path: Path | None) -> Checkpoint:
    """Return the weights of a registered name that only its user can supply, from the given file or folder.

    Raises:
        InputError: It is a file of another published model.
        MissingResourceError: There is no file, and none was supplied.
    """
    record, supplied = REGISTRY[name], sources.weights_folder() / name
    if path is None and not supplied.is_dir():
        remedy = f"get them from {record.source}, and put the file into {supplied}, or pass path=... with it"
        raise sources.missing(f"the weights of {name}", [str(supplied)], remedy)
    weights = sources.weight_file(path or supplied)
    _refuse_another(name, weights)
    stated = stated_activation(weights) or record.activation
    config = architecture_config(record.architecture)
    return Checkpoint(weights, config, record.architecture, record.pretrained, stated)


def _refuse_another(name: str, weights: Path, own: str = "") -> None:
    known = recognise(weights, checked_sha256(weights))
    if known and known[0] != own:
        raise InputError(f"{weights} holds the weights of {known[0]}, not of {name}", f"load {known[0]!r}")


def stated_activation(path: Path) -> Activation | None:
    """Return the activation that a weight file's header or name says it was trained with; None if neither."""
    stated = file_metadata(path).get("activation")
    if stated == "gelu":
        return "gelu"
    return "quickgelu" if stated == "quickgelu" or "quickgelu" in path.name.lower() else None


_Count = Annotated[int, Field(ge=1)]


class _TextConfig(TypedDict):
    context_length: NotRequired[_Count]
    vocab_size: NotRequired[_Count]
    width: NotRequired[_Count]
    heads: NotRequired[_Count]
    layers: NotRequired[_Count]
    hf_model_name: NotRequired[str | None]
    hf_tokenizer_name: NotRequired[str | None]
    tokenizer_kwargs: NotRequired[dict[str, Any] | None]


class _ModelConfig(TypedDict):
    embed_dim: _Count
    text_cfg: _TextConfig
    vision_cfg: dict[str, Any]
    quick_gelu: NotRequired[bool]
    custom_text: NotRequired[bool]


class _Stated(TypedDict):
    """What `open_clip_config.json` must have; it may have more."""

    model_cfg: _ModelConfig
    preprocess_cfg: NotRequired[dict[str, Any] | None]


def from_folder(folder: Path) -> Checkpoint:
    """Return the weights of a folder with open_clip_config.json.

    Raises:
        DamagedFileError: The configuration cannot be read.
        InputError: It is a CoCa model's.
        MissingResourceError: There is no configuration, or no weight file.
    """
    file = folder / sources.OPEN_CLIP_CONFIG
    content = read_json(file, remedy="restore the file")
    check_shape(content, _Stated, str(file), "restore the file")
    config: Config = content["model_cfg"]
    _no_captioner(config, str(folder))
    heads, width = (config["text_cfg"].get(key, default) for key, default in (("heads", 8), ("width", 512)))
    if width % heads:
        problem = f"{file}: model_cfg.text_cfg.width is {width}, which {heads} heads do not divide"
        raise DamagedFileError(problem, "restore the file")
    activation = activation_of(config)
    return Checkpoint(sources.weight_file(folder), config, folder.name, "", activation, folder)


def build_tower(
    name: str, checkpoint: Checkpoint, *, activation: str, device: torch.device, dtype: torch.dtype
) -> Tower:
    """Return the text tower of a checkpoint, every text tensor of it loaded.

    Args:
        name: The name it was asked for by.
        checkpoint: The weights.
        activation: `trained` or `as-published`, as in `load`.
        device: Where it computes.
        dtype: float32, or bfloat16 for mixed precision.

    Raises:
        InputError: The activation or a tensor does not fit the architecture.
    """
    weights, config, architecture = checkpoint.weights, checkpoint.config, checkpoint.architecture
    if config["text_cfg"] == PLACEHOLDER_TEXT:
        remedy = "load the text tower it was trained against by name"
        remedy += f" ({sources.OPEN_CLIP_CONFIG} there says which)"
        raise InputError(f"{checkpoint.folder} holds an image tower alone", remedy)
    if activation == "trained":
        source = name if checkpoint.pretrained else weights.name
        check_activation(architecture, config, checkpoint.trained, source)
    with Unfilled():
        model = build_text_model(config, folder=checkpoint.folder)
    load_text_strictly(model, checkpoint.read(weights), source=str(weights), architecture=architecture)
    own = checkpoint.tokenizer
    tokenizer = own() if own else build_tokenizer(config, folder=checkpoint.folder)
    known = REGISTRY.get(name)
    record = TowerSpec(
        name=name,
        architecture=architecture,
        pretrained=checkpoint.pretrained,
        activation=activation_of(config),
        tokenizer=tokenizer.name,
        context_length=tokenizer.context_length,
        dim=config["embed_dim"],
        source=str(weights),
        sha256=published_digest(name, checkpoint),
        licence=known.licence if known else "",
        note=known.note if known else "",
        image_size=known.image_size if known else 0,
    )
    return Tower(model, tokenizer, record, sha256=checkpoint.sha256, device=device, dtype=dtype)


def published_digest(name: str, checkpoint: Checkpoint) -> str:
    """Return what its weights were checked against: their authors' or the hub's checksum; nothing if unknown.

    Weights that carry a published model's name without being known as its are named in a warning.

    Args:
        name: The name they were asked for by.
        checkpoint: The weights.
    """
    entry = published(checkpoint.architecture, checkpoint.pretrained.rpartition("/")[2])
    repository = sources.hub_repository(name) or _on_the_hub(entry.get("hf_hub", ""))[0]
    stated = EMOJI_SHA256 if name == EMOJI else published_checksum(entry.get("url", ""))
    digest = sources.published_sha256(checkpoint.weights, checkpoint.sha256, stated, repository)
    if not digest and (name in REGISTRY or entry):
        message = "%s has sha256 %s, which nobody published as that of %s: it is shown as unverified"
        logger.warning(message, checkpoint.weights, checkpoint.sha256[:12], name)
    return digest


def build_untrained_tower(*, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return the text tower `tiny-random`: its vectors are arbitrary, only their shapes are real."""
    config: Config = {
        "embed_dim": 64,
        "vision_cfg": {},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
    }
    model = build_text_model(config)
    fill_with_seeded_numbers(model, UNTRAINED_SEED)
    digest = tensors_digest(dict(model.named_parameters()))
    return Tower(model, build_tokenizer(config), spec(TINY), sha256=digest, device=device, dtype=dtype)


def fill_with_seeded_numbers(model: nn.Module, seed: int) -> None:
    """Fill weight matrices with seeded uniform numbers and biases with zero; scales stay as they are.

    Uniform numbers need no logarithm, so every machine draws the same bits.
    """
    generator = np.random.default_rng(seed)
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            if value.ndim >= 2:
                drawn = generator.random(tuple(value.shape), dtype=np.float32) * 2 - 1
                value.copy_(torch.from_numpy(drawn) * (3 / value.shape[-1]) ** 0.5)
            elif name.endswith("bias"):
                value.zero_()
