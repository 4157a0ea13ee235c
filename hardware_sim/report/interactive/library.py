"""The drawing library of the interactive page, plotly, as text to be embedded; and arrays as text that its scripts decode."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ....base.extras import MissingPackageError, import_extra

WITHOUT = (
    "Figures are pictures here; with the package plotly installed (`pip install 'neuropinn-lava[report]'`) the page of a new "
    "report is interactive."
)
"""The sentence of a page that was made without plotly."""


def library_script() -> str | None:
    """Return the script of plotly.js, some 5 MB; None where plotly is not installed."""
    try:
        offline = import_extra("plotly.offline", "report")
    except MissingPackageError:
        return None
    script: str = offline.get_plotlyjs()
    return script.replace("</script", "<\\/script")


def encode_array(values: FloatArray) -> dict[str, Any]:
    """Return an array as an object for a page: its shape, and its values in single precision as base64."""
    single = np.ascontiguousarray(values, dtype="<f4")
    return {"shape": list(values.shape), "f4": base64.b64encode(single.tobytes()).decode("ascii")}


def page_data(data: dict[str, Any]) -> str:
    """Return data as JSON that may stand in a script element of a page."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
