"""Put the processes of a network into a Lava graph of your own, between your source and your sink.

`to_lava` returns connected processes with an open input port and an open output port. The source sends the input integers of
a sample at each of its T steps; the outputs arrive `latency` steps later, one message per step.
"""

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.engine.host import decode_integers, encode_points


def main() -> float:
    """Run eight points through a graph of Lava's own source and sink; return the largest difference from `nl.run`."""
    chip = nl.convert(nl.find_network("poisson")).network
    points = np.random.default_rng(0).random((8, 2))
    words, _ = encode_points(chip, points)

    net = nl.to_lava(chip)
    source = Source(data=np.repeat(words, chip.n_steps, axis=0).T.astype(np.int32))
    n_lava_steps = len(points) * chip.n_steps + net.latency
    sink = Sink(shape=(chip.n_out,), buffer=n_lava_steps)
    source.s_out.connect(net.a_in)
    net.y_out.connect(sink.a_in)

    sink.run(RunSteps(num_steps=n_lava_steps), net.run_config())
    emitted = sink.data.get().astype(np.int64)[:, net.latency :]
    sink.stop()

    sums = emitted.reshape(chip.n_out, len(points), chip.n_steps).sum(axis=2).T
    u = decode_integers(chip, points, sums)
    difference = float(np.abs(u - nl.run(chip, points, backend="integer").outputs).max())
    print(
        f"{len(points)} points through a graph of Lava's own source and sink; difference from the reference: {difference}"
    )
    return difference


def draw() -> Figure:
    """Draw which layer sends in which step of Lava: layers are one step apart, and samples follow one another."""
    chip = nl.convert(nl.find_network("poisson")).network
    points = np.random.default_rng(0).random((8, 2))
    probe = nl.run(chip, points, backend="lava", mode="faithful", probe=nl.Probe(n_samples=8)).probe
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    for k, layer in enumerate(probe.nodes):
        sample, step, neuron = np.nonzero(layer.payload)
        axes.plot(sample * chip.n_steps + step + k + 1, neuron + 55 * k, ".", ms=3, color=f"C{k}")
    axes.set_yticks([55 * k + 25 for k in range(len(probe.nodes))], [layer.name for layer in probe.nodes])
    axes.set(xlabel="step of Lava", title="events of eight samples on their way through the network")
    return figure


if __name__ == "__main__":
    main()
