"""Measure every architecture of `_architectures.py` from torch to Lava, and write the table of docs/networks.md.

    python benchmarks/architectures.py                # all of them, some minutes
    python benchmarks/architectures.py residual gru   # these, printed only

Each module is trained for a few hundred steps of Adam on a smooth function (a sequence on a leaky sum of its inputs), imported
in one line, converted by the default scheme of 8-bit weights, and run on Lava in both modes.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from _architectures import ARCHITECTURES
from torch import Tensor, nn

import neuropinn_lava as nl
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.metrics import relative_l2

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"
BEGIN, END = "<!-- table: written by benchmarks/architectures.py -->", "<!-- end of the table -->"
N_STEPS_OF_ADAM, N_STEPS_OF_LBFGS = 400, 200
"""Steps of the training by either optimizer, enough for an error of some percent."""
N_POINTS, LENGTH = 512, 12
"""Number of points or sequences, and steps of a sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is shown of one architecture."""

    name: str
    n_lines: int
    """Lines of torch that define the module."""
    n_nodes: int
    import_difference: float
    """Largest difference of the float engine from torch, relative to the largest output."""
    float_error: float
    """Relative L2 error of the float network against the function that it was trained on."""
    integer_error: float
    """The same of the integer network."""
    activity: float
    """Share of the module's own neurons and steps that send."""
    operations: float
    """Synaptic operations a sample, and a step for sequences, as a share of those of a dense network."""
    is_equal: bool
    """Whether Lava gives the bits of the integer engine in both modes."""

    def cells(self) -> tuple[str, ...]:
        """Format the row."""
        return (
            self.name, str(self.n_lines), str(self.n_nodes), f"{self.import_difference:.0e}", f"{self.float_error:.2%}",
            f"{self.integer_error:.2%}", f"{self.activity:.2f}", f"{self.operations:.2f}", "yes" if self.is_equal else "NO",
        )  # fmt: skip


HEADER = ("architecture", "lines of torch", "nodes", "float against torch", "float error", "8-bit error", "activity",
          "operations / dense", "bit for bit on Lava")  # fmt: skip


def target(points: FloatArray, n_out: int) -> FloatArray:
    """Compute a smooth function of each point, or of the past of each step of a sequence."""
    wave = np.sin(points @ np.linspace(1.5, 0.5, points.shape[-1])) + 0.5 * np.cos(2.0 * points[..., 0])
    if points.ndim == 3:
        for t in range(1, wave.shape[1]):
            wave[:, t] = 0.6 * wave[:, t - 1] + 0.4 * wave[:, t]
    return np.stack([wave * (k + 1) / n_out for k in range(n_out)], axis=-1)


def call(module: nn.Module, columns: list[Tensor]) -> Tensor:
    """Run a module on its arguments; several outputs are put side by side."""
    outputs = module(*columns)
    return torch.cat(outputs, dim=-1) if isinstance(outputs, tuple) else outputs


def measure(name: str) -> Row:
    """Train, import, convert and run one architecture."""
    torch.manual_seed(0)
    module = ARCHITECTURES[name]().double()
    is_sequence = hasattr(module, "rnn")
    network = nl.from_torch(module.eval(), sequence=is_sequence)
    rng = np.random.default_rng(0)
    steps = (LENGTH,) if is_sequence else ()
    points = rng.uniform(network.lower, network.upper, (N_POINTS, *steps, network.n_in))
    widths = [each.width for each in network.inputs]
    columns = list(torch.tensor(points).split(widths, dim=-1))
    scaled = network.input_transform.apply(points)
    wanted = target(scaled, network.n_out)
    like = call(module, columns)
    wanted = wanted if like.dim() == wanted.ndim else wanted[:, -1]
    train(module.train(), columns, torch.tensor(wanted))
    network = nl.from_torch(module.eval(), sequence=is_sequence, name=name)
    exact = nl.run_float(network, points)
    of_torch = call(module, columns).detach().numpy()
    chip = nl.convert(network, points=points).network
    trace = nl.run_integer(chip, points)
    counts = nl.count_operations(chip, trace)
    some = points[:16]
    reference = nl.run_integer(chip, some).readout
    is_equal = all(
        np.array_equal(nl.run(chip, some, backend="lava", mode=mode).readout, reference)
        for mode in ("batched", "faithful")
    )
    return Row(
        name=name,
        n_lines=lines_of(name, module),
        n_nodes=len(network.nodes),
        import_difference=float(np.abs(exact.outputs - of_torch).max() / np.abs(of_torch).max()),
        float_error=relative_l2(exact.outputs, wanted),
        integer_error=relative_l2(trace.outputs, wanted),
        activity=counts.total.spiking_activity or 0.0,
        operations=counts.total.synaptic_operations / counts.total.dense_synaptic_operations,
        is_equal=is_equal,
    )


def train(module: nn.Module, columns: list[Tensor], wanted: Tensor) -> None:
    """Fit a module to values by Adam, then by L-BFGS."""
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, N_STEPS_OF_ADAM)
    for _ in range(N_STEPS_OF_ADAM):
        optimizer.zero_grad()
        (call(module, columns) - wanted).square().mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    finisher = torch.optim.LBFGS(
        module.parameters(), max_iter=N_STEPS_OF_LBFGS, line_search_fn="strong_wolfe", history_size=50
    )

    def loss() -> Tensor:
        """Compute the mean square error and its gradient."""
        finisher.zero_grad()
        value = (call(module, columns) - wanted).square().mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    finisher.step(loss)  # type: ignore[no-untyped-call]


def lines_of(name: str, module: nn.Module) -> int:
    """Count the lines of the module's class, or 1 for a Sequential of torch's own layers."""
    if type(module).__module__ != "_architectures":
        return 1
    source = textwrap.dedent(inspect.getsource(type(module)))
    return sum(bool(line.strip()) and not line.strip().startswith('"""') for line in source.splitlines())


def write_table(rows: list[Row]) -> None:
    """Put the table into the page."""
    lines = [
        " | ".join(("", *cells, "")).strip() for cells in (HEADER, ("---",) * len(HEADER), *(r.cells() for r in rows))
    ]
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(text[:before] + "\n\n" + "\n".join(lines) + "\n\n" + text[after:], encoding="utf-8")


def main(names: list[str]) -> None:
    """Measure, print and, for all of them, write."""
    rows = []
    for name in names or list(ARCHITECTURES):
        start = time.perf_counter()
        rows.append(measure(name))
        print(*rows[-1].cells(), f"{time.perf_counter() - start:.0f} s", sep=" | ", flush=True)
    if not names:
        write_table(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
