"""The network of the speed benchmark, 2 → 5×64 → 1 with T = 8, at an activity that is asked for; and who runs it besides us."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from neuropinn_lava.conversion import quantize_network
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.network.nodes import ConnectionSpec, InputSpec, OutputSpec, PopulationSpec
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform

WIDTHS = (2, 64, 64, 64, 64, 64, 1)
N_STEPS = 8
N_CALIBRATION = 500


def make_network(activity: float, seed: int = 0) -> QuantizedNetwork:
    """Draw a network in which about this share of the neurons sends an event at every step.

    Biases are quantiles of the drives; there is no leak to remember, so that the activity is the same at all steps.
    """
    rng = np.random.default_rng(seed)
    points = rng.random((N_CALIBRATION, WIDTHS[0]))
    a, layers, source = 2.0 * points - 1.0, [], "input"
    for index, (n_in, n_out) in enumerate(pairwise(WIDTHS[:-1])):
        weight = rng.normal(size=(n_out, n_in)) * 1.3 / np.sqrt(n_in * max(activity, 0.1) / 0.5)
        product = a @ weight.T
        bias = -np.quantile(product, 1.0 - activity, axis=0)
        zeros = np.zeros(n_out)
        layers.append(
            PopulationSpec(
                name=f"hidden{index}",
                connections=(ConnectionSpec(source=source, weight=weight),),
                bias=bias,
                beta=zeros,
                theta=zeros,
                activation="tanh_squared",
            )
        )
        source = layers[-1].name
        z = product + bias
        a = np.where(z >= 0.0, np.tanh(z) ** 2, 0.0)
    network = NetworkSpec(
        name=f"speed at {activity:.0%}",
        inputs=(InputSpec(width=WIDTHS[0]),),
        nodes=tuple(layers),
        output=OutputSpec(
            connections=(ConnectionSpec(source=source, weight=rng.normal(size=(1, WIDTHS[-2]))),), bias=np.zeros(1)
        ),
        n_steps=N_STEPS,
        input_transform=AffineTransform.to_unit_box(np.zeros(2), np.ones(2)),
        output_transform=AffineTransform.identity(1),
        lower=np.zeros(2),
        upper=np.ones(2),
    )
    return quantize_network(network, points=points).network


def n_macs() -> int:
    """Multiplications of one sample, dense, all steps."""
    return N_STEPS * sum(n_in * n_out for n_in, n_out in pairwise(WIDTHS))


def run_stock_lava(network: QuantizedNetwork, points: np.ndarray, batch_size: int | None) -> np.ndarray:
    """Run a stock graph with Lava's own run, configuration and channels; return the sums of outputs (n_samples, n_out)."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.utils.weightutils import SignMode

    sys.path.insert(0, str(Path(__file__).with_name("_stock")))
    from stock_processes import BatchedSynapses, StockNeurons

    words = encode_points(network, points)[0].astype(np.int32)
    if batch_size is None:
        data = np.repeat(words, N_STEPS, axis=0).T  # (n_in, time)
    else:
        data = np.repeat(words.reshape(-1, batch_size, words.shape[1]), N_STEPS, axis=0).transpose(1, 2, 0)
    layers = (*network.populations, network.output)
    n_lava_steps = data.shape[-1] + len(layers)
    source, sink_shape = Source(data=data), (network.n_out,) if batch_size is None else (batch_size, network.n_out)
    sent, parts = source.s_out, [source]
    for latency, layer in enumerate(layers, start=1):
        doubled = 2 * layer.affine.weight
        if batch_size is None:
            synapses = Dense(weights=doubled, weight_exp=-1, sign_mode=SignMode.MIXED, num_message_bits=24)
            shape: tuple[int, ...] = (layer.n_out,)
        else:
            synapses = BatchedSynapses(weights=layer.affine.weight, batch_size=batch_size)
            shape = (batch_size, layer.n_out)
        neurons = StockNeurons(layer=layer, n_steps=N_STEPS, latency=latency, shape=shape)
        sent.connect(synapses.s_in)
        synapses.a_out.connect(neurons.a_in)
        sent = neurons.s_out
        parts += [synapses, neurons]
    sink = Sink(shape=sink_shape, buffer=n_lava_steps)
    sent.connect(sink.a_in)
    try:
        source.run(condition=RunSteps(n_lava_steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        emitted = sink.data.get()[..., len(layers) :]
    finally:
        source.stop()
    by_step = np.moveaxis(emitted, -1, 0).reshape(-1, N_STEPS, *sink_shape)
    return by_step.sum(axis=1).reshape(len(points), network.n_out)


def torch_steps(network: NetworkSpec) -> Callable[[np.ndarray], np.ndarray]:
    """Make a function that runs the float network in torch float32, all samples of a batch at once."""
    import torch

    weights = [
        torch.tensor(layer.weight.T.copy(), dtype=torch.float32) for layer in (*network.populations, network.output)
    ]
    biases = [torch.tensor(layer.bias, dtype=torch.float32) for layer in (*network.populations, network.output)]
    thetas = [torch.tensor(layer.theta, dtype=torch.float32) for layer in network.populations]
    betas = [torch.tensor(layer.beta, dtype=torch.float32) for layer in network.populations]

    @torch.no_grad()
    def run(x: np.ndarray) -> np.ndarray:
        given = torch.from_numpy(x.astype(np.float32))
        membranes = [torch.zeros(len(x), len(theta)) for theta in thetas]
        total = torch.zeros(len(x), network.n_out)
        for _ in range(network.n_steps):
            a = given
            for index, theta in enumerate(thetas):
                z = torch.addmm(biases[index], a, weights[index])
                m = betas[index] * membranes[index] + z
                fired = m >= theta
                a = torch.where(fired, torch.tanh(z).square(), 0.0)
                membranes[index] = torch.where(fired, 0.0, m)
            total += torch.addmm(biases[-1], a, weights[-1])
        return total.numpy()

    return run
