"""The command `homogenize`: effective stiffness of a periodic cell, by finite elements and from networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer

from ...base.arrays import Record
from ...engine.trace import Backend
from ..lookup.networks import find_network
from ..terminal.console import out, print_json, show_table, stages
from ..verbs.homogenize import DEFAULT_CELLS, Homogenization, homogenize
from .options import JsonOption, ParamOption, refuse_idle, taking

NAMES = ("xx", "yy", "zz", "yz", "xz", "xy")
SHOWN = 1e-3
"""Share of the largest entry below which an entry counts as zero and is not shown."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("homogenize")(taking(HomogenizeOptions, homogenize_command))


@dataclass(frozen=True, kw_only=True)
class HomogenizeOptions(Record):
    """What the user chose for `homogenize`."""

    networks: Annotated[
        list[str] | None, typer.Argument(help="Networks of `elasticity3d`, each trained under one mean strain.")
    ] = None
    param: ParamOption = None
    cells: Annotated[int, typer.Option(help="Cubes along an edge of the mesh, even.", min=2)] = DEFAULT_CELLS
    backend: Annotated[Backend | None, typer.Option(help="Engine that computes the networks' displacements.")] = None
    as_json: JsonOption = False


def homogenize_command(options: HomogenizeOptions) -> None:
    """Compute the effective stiffness of a periodic cell, by finite elements and from networks, beside its bounds.

    A cell with three like axes needs two networks, of a normal strain and of a shear; without networks, finite elements only.

    Example: `neuropinn-lava homogenize xx.h5 xy.h5`
    """
    if not options.networks:
        refuse_idle(("backend",), "without networks, where it would have no effect", "Name networks, or leave it out.")
    with stages(hidden=options.as_json) as tell:
        tell("six load cases by finite elements")
        found = homogenize(
            [find_network(name) for name in options.networks or []],
            parameters=tuple(options.param or ()),
            n=options.cells,
            backend=options.backend,
        )
    if options.as_json:
        print_json(summarize_homogenization(found))
    else:
        show_homogenization(found)


def summarize_homogenization(found: Homogenization) -> dict[str, object]:
    """Return the object that `homogenize --json` prints; matrices are lists of rows in the order xx, yy, zz, yz, xz, xy."""
    return {
        "finite_elements": found.finite_elements.tolist(),
        "network": None if found.network is None else found.network.tolist(),
        "voigt": found.voigt.tolist(),
        "reuss": found.reuss.tolist(),
        "bulk_bounds": list(found.bulk_bounds),
        "within_bounds": found.within_bounds,
        "largest_error": found.largest_error,
        "backend": found.backend.value if found.backend else None,
        "cells": found.n,
    }


def show_homogenization(found: Homogenization) -> None:
    """Print the entries that are not zero, and whether the bounds hold."""
    from ...micromechanics.bounds import bulk_modulus

    by_elements, by_networks = found.finite_elements, found.network
    rows: list[tuple[object, ...]] = []
    for i, j in zip(*np.triu_indices(6), strict=True):
        if abs(by_elements[i, j]) < SHOWN * np.abs(by_elements).max():
            continue
        mine = None if by_networks is None else float(by_networks[i, j])
        error = None if mine is None else f"{mine / by_elements[i, j] - 1:+.2%}"
        low, high = float(found.reuss[i, j]), float(found.voigt[i, j])
        rows.append((f"C {NAMES[i]},{NAMES[j]}", float(by_elements[i, j]), mine, error, low, high))
    mine = None if by_networks is None else bulk_modulus(by_networks)
    kappa = bulk_modulus(by_elements)
    error = None if mine is None else f"{mine / kappa - 1:+.2%}"
    rows.append(("bulk modulus", kappa, mine, error, *found.bulk_bounds))
    title = "Effective stiffness, in the unit of the matrix's modulus"
    who = f"networks, {found.backend.value}" if found.backend else "networks"
    show_table(title, ("entry", "finite elements", who, "difference", "lower bound", "upper bound"), rows)
    out.print("Bounds: Reuss and Voigt (as matrices), Hashin-Shtrikman for the bulk modulus.")
    out.print("All of them hold." if found.within_bounds else "[bold]They do not all hold.[/]")
