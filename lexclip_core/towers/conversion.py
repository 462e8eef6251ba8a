"""Bare weight files: which architecture one is of, and old pickled ones turned into safetensors.

A checkpoint of `torch.save` is a program that names classes and functions to call. PyTorch's restricted
reader calls only those it knows to be harmless, and so refuses what training scripts used to leave beside the
tensors: an `argparse.Namespace`, a NumPy scalar. Here every name that it does not know is bound to one class
that takes anything and does nothing. What a file names is then neither imported nor called, whatever it is:
the tensors come through, the rest is ignored.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save
from torch import Tensor

from lexclip_core import storage
from lexclip_core.download import checked_sha256
from lexclip_core.errors import InputError
from lexclip_core.towers import open_clip as architectures
from lexclip_core.towers import weight_files
from lexclip_core.towers.open_clip import Checkpoint, Config
from lexclip_core.towers.registry import Activation
from lexclip_core.towers.sources import PICKLED, existing_file

_BLOCK = re.compile(r"(?:text\.)?transformer\.resblocks\.(\d+)\.")

logger = logging.getLogger(__name__)


def from_file(path: Path, architecture: str | None) -> Checkpoint:
    """Return the weights of a local file, of the architecture that is named or that it is certain to be of.

    It is certain where the file is one that was published, or says it itself, or where the names and shapes
    of its tensors fit one architecture alone.

    Args:
        path: The file.
        architecture: open_clip's name of an architecture; None to go by the file.

    Raises:
        InputError: No architecture was named, and none or several fit; the message lists them.
        DamagedFileError: The file cannot be read.
        MissingResourceError: There is no such file.
    """
    stated = weight_files.file_metadata(existing_file(path)).get("architecture")
    known = architectures.recognise(path, checked_sha256(path))
    trained = known[1] if known else architectures.stated_activation(path)
    tensors = None
    if architecture is None and (architecture := stated) is None:
        tensors = weight_files.read_tensors(path)
        openai = not known and any(name in tensors for name in weight_files.OPENAI_EXTRAS)
        trained = "quickgelu" if openai else trained  # their program computes no other
        architecture = _certain(path, tensors, trained)
        logger.info("%s is of architecture %s, by the shapes of its tensors", path.name, architecture)
    config = architectures.architecture_config(architecture)
    if trained is None:
        message = "%s does not say which activation it was trained with; %s computes %s"
        logger.warning(message, path.name, architecture, architectures.activation_of(config))
    pretrained = known[0] if known else ""
    if tensors is None:
        return Checkpoint(path, config, architecture, pretrained, trained)
    return Checkpoint(path, config, architecture, pretrained, trained, read=lambda _: tensors)


def _certain(path: Path, tensors: Mapping[str, Tensor], trained: Activation | None) -> str:
    fitting = fitting_architectures(tensors)
    chosen = [
        name
        for name in fitting
        if trained in (None, architectures.activation_of(architectures.architecture_config(name)))
    ]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        problem = f"{path.name} does not say which architecture it is for, and its tensors fit none"
    else:
        listed = ", ".join(chosen[:6]) + (", ..." if len(chosen) > 6 else "")
        problem = f"{path.name} does not say which architecture it is for, and its tensors fit {listed}"
    first = chosen[0] if chosen else "ViT-B-32-quickgelu"
    raise InputError(
        problem,
        f"pass architecture=... (--architecture), for example {first!r}, or write it behind the file: "
        f"{path}#{first}; names that differ in -quickgelu alone differ in nothing that a file shows",
    )


def fitting_architectures(tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Return open_clip's architectures that have tensors of these names and shapes, in both halves.

    Text halves of Hugging Face encoders are never among them: open_clip does not state their sizes.

    Args:
        tensors: Of a whole CLIP, or of its text half alone, under open_clip's names.

    >>> fitting_architectures({})
    ()
    """
    custom = any(name.startswith("text.") for name in tensors)
    prefix = "text." if custom else ""
    wanted = [f"{prefix}{name}" for name in ("token_embedding.weight", "positional_embedding")]
    if not all(name in tensors for name in wanted) or not (blocks := _blocks(tensors)):
        return ()
    vocabulary, width = tensors[wanted[0]].shape
    sizes = (vocabulary, width, len(tensors[wanted[1]]), len(blocks), _dim(tensors, prefix))
    visual = {
        name: tuple(value.shape)
        for name, value in tensors.items()
        if name.startswith("visual.") and not name.endswith(weight_files.BUFFERS)
    }
    names = []
    for name in open_clip.list_models():
        config: Config = open_clip.get_model_config(name) or {}
        if "multimodal_cfg" in config or config.get("custom_text", False) != custom:
            continue
        if _text_sizes(config) == sizes and (not visual or _visual_shapes(config) == visual):
            names.append(name)
    return tuple(names)


def _blocks(tensors: Mapping[str, Tensor]) -> set[str]:
    return {match[1] for name in tensors if (match := _BLOCK.match(name))}


def _dim(tensors: Mapping[str, Tensor], prefix: str) -> int:
    matrix = tensors.get(f"{prefix}text_projection")
    weight = tensors.get(f"{prefix}text_projection.weight")  # where it is a layer
    return matrix.shape[-1] if matrix is not None else len(weight) if weight is not None else 0


def _text_sizes(config: Config) -> tuple[int, ...]:
    """Return vocabulary, width, context, blocks and dimension of a native text half, open_clip's defaults."""
    text = config["text_cfg"]
    if text.get("hf_model_name"):
        return ()
    defaults = {"vocab_size": 49408, "width": 512, "context_length": 77, "layers": 12}
    return (*(text.get(key, default) for key, default in defaults.items()), config["embed_dim"])


def _visual_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    try:
        with torch.device("meta"):  # shapes without numbers
            visual = architectures.build_image_model(config).visual
    except (InputError, RuntimeError, NotImplementedError):
        return {}
    shapes = {f"visual.{name}": tuple(value.shape) for name, value in visual.state_dict().items()}
    return {name: one for name, one in shapes.items() if not name.endswith(weight_files.BUFFERS)}


def convert(source: Path, out: Path, architecture: str) -> tuple[str, ...]:
    """Write the tensors of a pickled checkpoint as safetensors, and return the names that were ignored.

    The file's header states the architecture and the activation, so that `load` needs neither and refuses
    another one. Both halves must fit the architecture, or nothing is written.

    Args:
        source: A .pt, .pth or .bin file.
        out: The .safetensors file to write; replaced as a whole.
        architecture: What the weights were trained as: `ViT-B-32-quickgelu` and `ViT-B-32` differ in nothing
            that a checkpoint shows, so this is a statement that only its user can make.

    Raises:
        DamagedFileError: The file cannot be read, or holds what may not even be named.
        InputError: A suffix or architecture is wrong, or a tensor does not fit.
        MissingResourceError: There is no such file.
        StorageError: The file cannot be written.
    """
    if source.suffix not in PICKLED or out.suffix != ".safetensors":
        problem = f"{source.name} cannot be converted to {out.name}"
        raise InputError(problem, f"convert a file with one of {', '.join(PICKLED)} to a .safetensors")
    config, digest = architectures.architecture_config(architecture), checked_sha256(existing_file(source))
    known = architectures.recognise(source, digest)
    architectures.check_activation(architecture, config, known[1] if known else None, source.name)
    if weight_files.is_torchscript(source):
        ignored: tuple[str, ...] = ("the program of a TorchScript archive",)
        content: object = weight_files.script_tensors(source)
    else:
        ignored = weight_files.pickled_names(source)
        content = weight_files.read_ignoring(source, ignored, source)
    tensors = weight_files.plain_tensors(content, source)
    fits = {"source": str(source), "architecture": architecture}
    weight_files.load_text_strictly(architectures.build_text_model(config), tensors, **fits)
    if any(name.startswith("visual.") for name in tensors):
        visual = architectures.build_image_model(config).visual
        weight_files.load_visual_strictly(visual, tensors, **fits)
    header = {
        "architecture": architecture,
        "activation": architectures.activation_of(config),
        "converted_from": source.name,
        "converted_sha256": digest,
    }
    content = save({name: value.contiguous().clone() for name, value in tensors.items()}, header)
    with storage.atomic_write(out) as temporary:
        temporary.write_bytes(content)
    return ignored
