"""Old pickled checkpoints turned into safetensors, without running anything that is stored in them.

A checkpoint of `torch.save` is a program that names classes and functions to call. PyTorch's restricted
reader calls only those it knows to be harmless, and so refuses what training scripts used to leave beside the
tensors: an `argparse.Namespace`, a NumPy scalar. Here every name that it does not know is bound to one class
that takes anything and does nothing. What a file names is then neither imported nor called, whatever it is:
the tensors come through, the rest is ignored.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors.torch import save

from lexclip_core import storage
from lexclip_core.download import checked_sha256
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers import open_clip, weight_files
from lexclip_core.towers.sources import PICKLED, existing_file

# What the oldest files, which are not archives and cannot be listed beforehand, are known to hold.
_USUAL = (
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
)


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
    config, digest = open_clip.architecture_config(architecture), checked_sha256(existing_file(source))
    known = open_clip.recognise(source, digest)
    open_clip.check_activation(architecture, config, known[1] if known else None, source.name)
    if weight_files.is_torchscript(source):
        ignored: tuple[str, ...] = ("the program of a TorchScript archive",)
        content: object = weight_files.script_tensors(source)
    else:
        ignored = _unknown_names(source)
        content = weight_files.read_ignoring(source, ignored, source)
    tensors = weight_files.plain_tensors(content, source)
    fits = {"source": str(source), "architecture": architecture}
    weight_files.load_text_strictly(open_clip.build_text_model(config), tensors, **fits)
    if any(name.startswith("visual.") for name in tensors):
        weight_files.load_visual_strictly(open_clip.build_image_model(config).visual, tensors, **fits)
    header = {
        "architecture": architecture,
        "activation": open_clip.activation_of(config),
        "converted_from": source.name,
        "converted_sha256": digest,
    }
    content = save({name: value.contiguous().clone() for name, value in tensors.items()}, header)
    with storage.atomic_write(out) as temporary:
        temporary.write_bytes(content)
    return ignored


def _unknown_names(source: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(source))))
    except ValueError:  # not an archive: the format before PyTorch 1.6
        return _USUAL
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise DamagedFileError(f"{source} cannot be read: {error}", "fetch the file again") from error
