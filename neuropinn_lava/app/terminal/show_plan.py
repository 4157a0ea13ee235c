"""The output of `run --plan`: how Lava would run a network at some points, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .console import out, print_json, show_table

if TYPE_CHECKING:
    from ...hardware_sim.lava.plan import LavaPlan


def show_plan(plan: LavaPlan, name: str, n_points: int, block_size: int, *, as_json: bool) -> None:
    """Print the plan of a run's first block, as long as all but the last one; `name` is the network's."""
    n_blocks = -(-n_points // block_size)
    if as_json:
        print_json({**asdict(plan), "n_points": n_points, "block_size": block_size, "n_blocks": n_blocks})
        return
    rows = [
        ("mode", plan.mode.value),
        ("layers", plan.model.value),
        ("blocks", f"{n_blocks:,} of {block_size:,} points, each a run of its own"),
        ("Lava processes", f"{plan.n_processes}, one thread each"),
        ("samples in a message", "1, no batch axis" if plan.batch_size is None else f"{plan.batch_size:,}"),
        ("messages in a channel", f"{plan.channel_size}"),
        ("steps of Lava in a block", f"{plan.n_lava_steps:,}"),
    ]
    show_table(f"{n_points:,} points of {name} on Lava", ("", "chosen"), rows)
    for reason in plan.reasons:
        out.print(f"- {reason}")
