"""The output of `run --plan`: how Lava would run a network at some points, and why."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.trace import LavaMode, LayerModel
from ...network.quantized import Network
from ..stream.input_files import open_inputs
from .console import out, print_json, show_table

if TYPE_CHECKING:
    from ...hardware_sim.lava.plan import LavaPlan


def show_plan(
    network: Network,
    points: Path,
    mode: LavaMode,
    model: LayerModel | None,
    batch_size: int | None,
    n_cores: int | None,
    block_size: int | None,
    *,
    as_json: bool,
) -> None:
    """Print the plan of a run's first block, as long as all but the last one."""
    from ...hardware_sim.lava.plan import plan_run
    from ..stream.point_source import suitable_block

    given = open_inputs(points, network)
    n_points = len(given) if isinstance(given, np.ndarray) else given.n_points
    size = min(n_points, block_size or suitable_block(network, mode))
    plan = plan_run(network, size, mode=mode, model=model, batch_size=batch_size, n_cores=n_cores)
    if as_json:
        print_json({**asdict(plan), "n_points": n_points, "block_size": size, "n_blocks": -(-n_points // size)})
        return
    show_table(f"{n_points:,} points of {network.name} on Lava", ("", "chosen"), _rows(plan, n_points, size))
    for reason in plan.reasons:
        out.print(f"- {reason}")


def _rows(plan: LavaPlan, n_points: int, block_size: int) -> list[tuple[str, str]]:
    n_blocks = -(-n_points // block_size)
    return [
        ("mode", plan.mode.value),
        ("layers", plan.model.value),
        ("blocks", f"{n_blocks:,} of {block_size:,} points, each a run of its own"),
        ("Lava processes", f"{plan.n_processes}, one thread each"),
        ("samples in a message", "1, no batch axis" if plan.batch_size is None else f"{plan.batch_size:,}"),
        ("messages in a channel", f"{plan.channel_size}"),
        ("steps of Lava in a block", f"{plan.n_lava_steps:,}"),
    ]
