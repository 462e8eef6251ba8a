"""What happens inside a notebook's kernel: static pictures next to figures, and the check of parameters."""

from __future__ import annotations

import base64
import io
import logging
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from PIL import Image
from plotly.io.base_renderers import MimetypeRenderer

from lexclip_core.errors import InputError
from lexclip_core.figures.style import PLOTLY_CONFIG
from tools.notebook_runner.parameters import ParameterCheck
from tools.notebook_runner.static_pictures import static_picture

logger = logging.getLogger(__name__)
_PICTURE = "lexclip_picture"


class PictureRenderer(MimetypeRenderer):  # type: ignore[misc]  # plotly has no types
    """Adds a figure's static picture to what plotly's own renderers show.

    Args:
        asked_by_lab: Says whether JupyterLab or Notebook asked for the cell that runs.
    """

    def __init__(self, asked_by_lab: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self._asked_by_lab = asked_by_lab

    def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, str]:
        """Return the picture as PNG, or nothing where the figure has traces that cannot be drawn.

        As JPEG for JupyterLab: plotly's extension there shows a PNG in place of the figure, and stores its
        own as soon as it has drawn.
        """
        try:
            picture = static_picture(
                go.Figure({name: _decoded(fig_dict[name]) for name in ("data", "layout")})
            )
        except InputError as error:
            logger.warning("no static picture: %s", error)
            return {}
        if not self._asked_by_lab():
            return {"image/png": base64.b64encode(picture).decode()}
        stream = io.BytesIO()
        Image.open(io.BytesIO(picture)).convert("RGB").save(stream, "JPEG", quality=90, subsampling=0)
        return {"image/jpeg": base64.b64encode(stream.getvalue()).decode()}


def _lab_asks(shell: Any) -> bool:
    """Return whether the running cell came with its id, as from JupyterLab; VS Code's is a URI."""
    asked: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}  # a terminal's shell has none
    cell = str(asked.get("metadata", {}).get("cellId", ""))
    return bool(cell) and ":" not in cell


def _decoded(content: Any) -> Any:
    """Return a part of a figure with plotly's packed arrays, {"dtype", "bdata", "shape"}, as arrays."""
    if isinstance(content, list | tuple):
        return [_decoded(one) for one in content]
    if not isinstance(content, dict):
        return content
    if "bdata" not in content:
        return {name: _decoded(one) for name, one in content.items()}
    values = np.frombuffer(base64.b64decode(content["bdata"]), content["dtype"])
    return values.reshape([int(size) for size in str(content.get("shape", values.size)).split(",")])


def prepare(shell: Any) -> None:
    """Let a kernel show static pictures next to figures, and refuse wrong parameters where they are given.

    Figures offer no upload.

    Args:
        shell: What `IPython.get_ipython()` returns, None outside a kernel.
    """
    for name in ("plotly_mimetype", "notebook", "notebook_connected", "vscode", "colab"):
        pio.renderers[name].config = dict(PLOTLY_CONFIG)
    if shell is None:
        return
    pio.renderers[_PICTURE] = PictureRenderer(lambda: _lab_asks(shell))
    shown = pio.renderers.default or "plotly_mimetype"
    if "PLOTLY_RENDERER" not in os.environ and _PICTURE not in shown:
        pio.renderers.default = f"{shown}+{_PICTURE}"
    checks = [one for one in shell.ast_transformers if not isinstance(one, ParameterCheck)]
    shell.ast_transformers[:] = [*checks, ParameterCheck(lambda: str(shell.user_ns["In"][-1]))]
