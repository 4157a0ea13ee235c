"""The table of conversions: every shipped network, every scheme, error and activity of the integers.

    python benchmarks/conversion.py [--networks poisson heat] [--out build/conversion.jsonl]

Errors are relative L2 against the problem's reference on 4000 random points, none of them a calibration point; `x` is their
multiple of the float network's own. A row (network digest, scheme, tuned or not) that the file holds is not measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import neuropinn_lava as nl
from neuropinn_lava.app.lookup.network_domain import known_problem
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, TuningSettings
from neuropinn_lava.network.spec import NetworkSpec

N_POINTS = 4000
POINTS_SEED = 99

NEAREST = {"rounding": "nearest", "weight_range": "min-max"}
W8P12 = {"weight_bits": 8, "payload_bits": 12}
W4P12 = {"weight_bits": 4, "payload_bits": 12}
SCHEMES: dict[str, tuple[dict[str, Any], int | None]] = {
    "w8 p12": (W8P12, None),
    "w8 p12 tuned": (W8P12, 1),
    "w8 p12 compensated": (W8P12 | {"rounding": "compensated"}, None),
    "w8 p12 bias corrected": (W8P12 | NEAREST | {"rounding": "bias-corrected"}, None),
    "w8 p12 nearest": (W8P12 | NEAREST, None),
    "w8 p12 nearest, mse": (W8P12 | {"rounding": "nearest"}, None),
    "w8 p12 nearest, per tensor": (W8P12 | NEAREST | {"granularity": "per-tensor"}, None),
    "w8 p12 per tensor": (W8P12 | {"granularity": "per-tensor"}, None),
    "w8 p12 weights min-max": (W8P12 | {"weight_range": "min-max"}, None),
    "w8 p12 weights percentile": (W8P12 | {"weight_range": "percentile"}, None),
    "w8 p12 payloads percentile": (W8P12 | {"payload_range": "percentile"}, None),
    "w8 p12 payloads mse": (W8P12 | {"payload_range": "mse"}, None),
    "w8 p12 equalized": (W8P12 | {"equalization": "across-layers"}, None),
    "w8 p16": ({"weight_bits": 8, "payload_bits": 16}, None),
    "w8 p8": ({"weight_bits": 8, "payload_bits": 8}, None),
    "w6 p12": ({"weight_bits": 6, "payload_bits": 12}, None),
    "w4 p12": (W4P12, None),
    "w4 p12 tuned": (W4P12, 10),
    "w4 p12 compensated": (W4P12 | {"rounding": "compensated"}, None),
    "w4 p12 nearest": (W4P12 | NEAREST, None),
}
"""Fields of the scheme, and the number of descents of tuning; None does not tune."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement."""

    network: str
    digest: str
    scheme: str
    float_error: float
    error: float
    float_activity: float
    activity: float
    saturations: int
    unproved_states: int
    unproved_payloads: int
    seconds: float


def measure(name: str, network: NetworkSpec, scheme: str) -> Row:
    """Convert one network by one scheme and measure it on unseen points."""
    problem = known_problem(network)
    assert problem is not None, f"{name} has no known problem"
    points = problem.domain.sample(N_POINTS, np.random.default_rng(POINTS_SEED))
    wanted = problem.reference.evaluate(points)
    fields, n_descents = SCHEMES[scheme]
    tuning = None if n_descents is None else TuningSettings(n_descents=n_descents)
    start = time.perf_counter()
    result = nl.convert(network, QuantizationScheme(**fields), tuning=tuning, target=None)
    seconds = time.perf_counter() - start
    exact, integers = nl.run_float(network, points), nl.run_integer(result.network, points)
    layers = result.report.layers
    return Row(
        network=name,
        digest=network.digest(),
        scheme=scheme,
        float_error=relative_l2(exact.outputs, wanted),
        error=relative_l2(integers.outputs, wanted),
        float_activity=activity(exact),
        activity=activity(integers),
        saturations=integers.n_saturated,
        unproved_states=sum(not layer.state_proved for layer in layers),
        unproved_payloads=sum(layer.payload_proved is False for layer in layers),
        seconds=seconds,
    )


def activity(trace: nl.RunTrace) -> float:
    """Give the share of neurons and steps that fire."""
    fired = sum(int(layer.fired.sum()) for layer in trace.nodes)
    return fired / (trace.n_samples * sum(layer.fired.size for layer in trace.nodes))


def read_rows(path: Path) -> list[Row]:
    """Read what was measured before."""
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text().splitlines()]


def show(rows: list[Row]) -> None:
    """Print the table, a line for every network and scheme."""
    for row in rows:
        factor = row.error / row.float_error
        print(
            f"{row.network:26s} {row.scheme:32s} float {row.float_error:.2e}  {row.error:.2e} x{factor:5.2f}  "
            f"activity {row.float_activity:.3f} {row.activity:.3f}  saturated {row.saturations}  "
            f"unproved {row.unproved_states}/{row.unproved_payloads}  {row.seconds:.0f} s"
        )


def main() -> None:
    """Measure what is missing and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=[name for name in nl.list_models() if name != "rod-sensor"])
    parser.add_argument("--schemes", nargs="+", default=list(SCHEMES), choices=list(SCHEMES))
    parser.add_argument("--out", type=Path, default=Path("build/conversion.jsonl"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    known = {(row.digest, row.scheme): row for row in read_rows(options.out)}
    found: list[Row] = []
    for name in options.networks:
        network = nl.find_network(name)
        for scheme in options.schemes:
            row = known.get((network.digest(), scheme)) or measure(name, network, scheme)
            if (row.digest, row.scheme) not in known:
                with options.out.open("a") as file:
                    file.write(json.dumps(dataclasses.asdict(row)) + "\n")
            found.append(row)
            show([row])


if __name__ == "__main__":
    main()
