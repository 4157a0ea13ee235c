"""All shipped networks in one table: errors, activity, operations, LEE, seconds of training, and bits compared with Lava.

    python benchmarks/shipped.py                      # the table of docs/results.md without seconds, half a minute a network
    python benchmarks/shipped.py poisson heat         # some of them
    python benchmarks/shipped.py --train              # with the processor's seconds of each training, an hour in all

Each network is converted with the defaults (8-bit weights, 16-bit payloads, no tuning) and profiled on points of its problem's
domain that were not used in training. "Operations" are the synaptic operations of a point beside those of one dense pass of the
same network. The last two columns are the certificate's: values of Lava, in all its modes, that were compared with the integer
engine, and how many of them differ.
"""

from __future__ import annotations

import argparse
import time

import neuropinn_lava as nl

NAMES = tuple(name for name in nl.list_models() if name != "rod-sensor")
N_POINTS = 2500
COLUMNS = (
    "network", "problem", "float", "8 bit", "activity", "operations / dense", "LEE, 8 bit", "seconds",
    "values compared", "different",
)  # fmt: skip


def seconds_of_training(name: str) -> float:
    """Train a network by its recipe with seed 0, and return the processor's seconds."""
    start = time.process_time()
    nl.train(nl.find_problem(name), seed=0)
    return time.process_time() - start


def table_row(name: str, with_training: bool) -> str:
    """Measure one shipped network."""
    report = nl.profile(nl.convert(nl.find_network(name)).network, n_points=N_POINTS)
    errors = [each.relative_l2 if each else None for each in (report.float_result, report.deployed_result)]
    counts, parity = report.counts, report.parity
    cells = [
        f"`{name}`",
        report.problem.title if report.problem else "–",
        *("–" if error is None else f"{error:.1e}" for error in errors),
        f"{counts.total.spiking_activity:.3f}",
        f"{counts.synaptic_operations_per_sample / counts.ann_macs:.2f}",
        "–" if report.lee is None else f"{report.lee:.2g}",
        f"{seconds_of_training(name):.0f}" if with_training else "–",
        f"{parity.values_compared:,}".replace(",", " "),
        str(parity.mismatches),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", default=NAMES, help="shipped networks; all that take points if none is named"
    )
    parser.add_argument("--train", action="store_true", help="train each network anew for the column of seconds")
    given = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |")
    print(f"|{'---|' * len(COLUMNS)}")
    for name in given.names:
        print(table_row(name, given.train), flush=True)


if __name__ == "__main__":
    main()
