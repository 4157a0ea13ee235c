"""Fields and solids of a report as objects for the scripts of its page."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...fields.field_grid import AxisRole, FieldGrid
from ...fields.stresses import SolidSection
from ..figures.field_figures import TITLES, error_layers, solution_layers
from ..figures.plane_maps import plain_scale, signed_scale
from .library import encode_array


def field_data(fields: FieldGrid) -> dict[str, Any]:
    """Return axes, values and colour scales of fields; errors that follow from the solutions are left to the page."""
    layers = {name: encode_array(values) for name, values in solution_layers(fields).items()}
    for name, given in (("error", fields.measured_error), ("estimate", fields.estimated_error)):
        if given is not None:
            layers[name] = encode_array(given)
    scales = []
    for k in range(len(fields.unknowns)):
        plain = plain_scale(*(values[..., k] for values in solution_layers(fields).values()))
        signed = signed_scale(*(values[..., k] for values in error_layers(fields).values()))
        scales.append({"low": plain.low, "high": plain.high, "peak": signed.high, "isCut": signed.is_cut})
    axes = [
        {
            "name": axis.name,
            "isSpace": axis.role is AxisRole.SPACE,
            "values": axis.values.tolist(),
            "labels": [axis.label(k) for k in range(axis.n)],
        }
        for axis in fields.axes
    ]
    return {
        "axes": axes,
        "unknowns": list(fields.unknowns),
        "layers": layers,
        "solutions": list(solution_layers(fields)),
        "errors": list(error_layers(fields)),
        "titles": TITLES,
        "scales": scales,
        "worst": [fields.worst(k) for k in range(len(fields.unknowns))],
        "isSolid": fields.is_solid,
    }


def solid_data(section: SolidSection) -> dict[str, Any]:
    """Return displacements of the corners and von Mises stresses in the middles of the cubes of a solid."""
    views = {
        name: {"corners": encode_array(view.corners), "stress": encode_array(view.von_mises)}
        for name, view in (("deployed", section.deployed), ("reference", section.reference))
    }
    change = section.deployed.von_mises - section.reference.von_mises
    peak = max(float(view.von_mises.max()) for view in (section.deployed, section.reference))
    return {"views": views, "n": section.deployed.n, "peak": peak, "change": float(np.abs(change).max()) or 1.0}
