"""Probes on the command line: `--probe 0:16` read, recorded, written, and what it cost said."""

from __future__ import annotations

from pathlib import Path

from ...base.errors import SpecError
from ...engine.trace import Backend, LavaMode, Probe
from ...network.quantized import Network
from ..stream.arrays_io import PointFile
from ..terminal.console import out, show_note
from .option_values import parse_samples


def parse_probe(samples: str | None, layers: str | None, steps: str | None, folder: Path | None) -> Probe | None:
    """Make a probe of the options of `run`, None where there are none.

    Raises:
        SpecError: If an option is not a list of numbers, or some are given without the others that they need.
    """
    if samples is None and folder is None:
        if layers or steps:
            raise SpecError("run.probe", "name samples to record", None, "Give --probe, as 0:16, and --probe-out.")
        return None
    if samples is None or folder is None:
        mend = "Give both, as `--probe 0:16 --probe-out probe/`."
        raise SpecError("run.probe", "name samples, and a folder for what is recorded", samples or folder, mend)
    return Probe(
        samples=parse_samples(samples, "--probe"),
        layers=tuple(name.strip() for name in layers.split(",")) if layers else None,
        steps=parse_samples(steps, "--probe-steps") if steps else None,
    )


def show_probe(
    network: Network,
    points: PointFile,
    chosen: Probe,
    backend: Backend,
    mode: LavaMode | None,
    folder: Path,
    *,
    as_json: bool,
) -> None:
    """Record, write, and print what it cost; with `as_json` to standard error, so that standard output stays JSON."""
    from ..stream.probes import probe, write_probe

    recorded = probe(network, points, chosen, backend=backend, mode=mode)
    files = write_probe(recorded.trace, folder)
    trace = recorded.trace
    text = (
        f"Probed {len(trace.samples):,} samples, {len(trace.layers)} layers, {trace.output.shape[1]} steps:"
        f" {trace.n_bytes / 1e6:.3g} MB in {recorded.seconds:.2f} s. Wrote {files[0]} and {len(files) - 1} figures"
    )
    if as_json:
        show_note(text)
    else:
        out.print(text)
