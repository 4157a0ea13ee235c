"""Our counts against NeuroBench's own, taken on a torch module that computes the deployed integers in dequantized floats."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import fires, run_float, run_integer
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.neurobench import (
    DECIMALS,
    NeuroBenchCounts,
    count_parameters,
    footprint_bytes,
    neurobench_counts,
    neuromorphic_proxy,
)
from neuropinn_lava.hardware_sim.counts.samples import count_samples
from neuropinn_lava.network.integers import IntFormat, dequantize_array, leaked, saturate, shift_half_up
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.phi_table import look_up
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedPopulation
from small_graphs import gated_network

N_SAMPLES, BATCH = 48, 16
FLOAT64_BYTES = 8


def measured(network: QuantizedNetwork, points: FloatArray) -> NeuroBenchCounts:
    counts = count_operations(network, run_integer(network, points))
    return neurobench_counts(network, counts, count_samples(network, points))


def test_names_by_hand() -> None:
    # builders' network 2-7-5-1 over T = 2: 14 + 35 + 5 = 54 weights; one pass of all weights at two steps: 108.
    network = builders.random_quantized(0, n_steps=2)
    bench = measured(network, builders.random_points(network, 10))
    assert (bench.dense, bench.effective_acs) == (108.0, 0.0)
    assert 0 < bench.effective_macs <= bench.dense
    assert count_parameters(network) == 14 + 3 * 7 + 35 + 3 * 5 + 5 + 1


def test_relays_are_neurons_as_their_weights_are_weights() -> None:
    network = gated_network()
    points = builders.random_points(network, 10)
    trace, bench = run_integer(network, points), measured(network, points)
    populations = [node for node in trace.nodes if node.name != "gate"]  # hidden0, the relay hidden1, hidden2
    sent = sum(int(node.events.sum()) for node in populations)
    assert bench.activation_sparsity == (540 - sent) / 540  # 10 samples, 3 steps, 18 neurons
    weights = sum(each.weight.size for affine in network.affines for each in affine.connections)
    assert bench.dense == 3 * weights  # those into the relay with them


def test_footprint_counts_the_deployed_words() -> None:
    # 54 weights of 8 bits; 13 biases and 12 thresholds of 24 bits; 12 leaks of 13 bits; two tables.
    network = builders.random_quantized(0, activation="relu")
    assert footprint_bytes(network) == int(np.ceil((54 * 8 + 25 * 24 + 12 * 13) / 8))
    assert footprint_bytes(network.source) == 4 * count_parameters(network)
    tabled = builders.random_quantized(0, activation="tanh")
    n_entries = sum(len(layer.table.entries) for layer in tabled.populations)
    assert footprint_bytes(tabled) == int(np.ceil((54 * 8 + 25 * 24 + 12 * 13 + 32 * n_entries) / 8))


def test_proxy_is_operations_plus_ten_updates() -> None:
    network = builders.random_quantized(0, n_steps=2)
    counts = count_operations(network, run_integer(network, builders.random_points(network, 10)))
    assert neuromorphic_proxy(counts) == counts.synaptic_operations_per_sample + 10 * 2 * 13


def test_counts_of_another_network_are_refused() -> None:
    one, other = builders.random_quantized(0), builders.random_quantized(1)
    counts = count_operations(other, run_integer(other, builders.random_points(other, 4)))
    with pytest.raises(SpecError, match="neurobench_counts"):
        neurobench_counts(one, counts)


# Against the package.


def import_package() -> tuple[Any, Any, Any]:
    """Import torch, snnTorch and NeuroBench, or skip."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages' own imports
        neurobench = pytest.importorskip(
            "neurobench.metrics.workload", reason="the extra `neurobench` is not installed"
        )
        snntorch = pytest.importorskip("snntorch")
        torch = pytest.importorskip("torch")
        pytest.importorskip("neurobench.benchmarks")
        pytest.importorskip("neurobench.models")
    return torch, snntorch, neurobench


def neuron_class(torch: Any, snntorch: Any) -> type:
    """The adapter: NeuroBench finds membranes only in subclasses of snnTorch's SpikingNeuron, as `mem` after every call.

    snnTorch's own buffers (a threshold, a graded factor) are taken away: they are no part of the network's footprint.
    """

    class DeployedNeuron(snntorch.SpikingNeuron):  # type: ignore[misc, name-defined]
        def __init__(self, layer: QuantizedPopulation) -> None:
            super().__init__(init_hidden=True, reset_mechanism="zero")
            for name in [name for name, _ in self.named_buffers()]:
                delattr(self, name)
            self.layer = layer
            affine = layer.affine
            self.register_buffer("beta", torch.tensor(layer.beta, dtype=torch.float64))
            self.register_buffer("theta", torch.tensor(layer.theta, dtype=torch.float64))
            self.bias = torch.nn.Parameter(torch.tensor(affine.bias, dtype=torch.float64), requires_grad=False)
            self.mem = torch.zeros(1)

        def forward(self, product: Any) -> Any:
            affine, word = self.layer.affine, IntFormat(bits=self.layer.affine.state_bits)
            scale = affine.weight_exponent + affine.input_exponent
            p = np.rint(np.ldexp(product.numpy(), -scale)).astype(np.int64)
            z, _ = saturate(shift_half_up(p, affine.left) + affine.bias, word)
            before = self.mem.numpy().astype(np.int64)
            m, _ = saturate(leaked(before, self.layer.beta) + z, word)
            fired = fires(m, self.layer.theta, self.layer.polarity)
            payload, _ = look_up(self.layer.table, np.where(fired, z, 0))
            self.mem = torch.tensor(np.where(fired, 0, m), dtype=torch.float64)
            return torch.tensor(dequantize_array(payload, self.layer.table.payload_exponent))

    return DeployedNeuron


def build_module(torch: Any, snntorch: Any, network: QuantizedNetwork) -> Any:
    """A module of Linear layers with dequantized weights, and neurons that work in the deployed integers."""
    neuron = neuron_class(torch, snntorch)

    class Deployed(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            linears = []
            for affine in network.affines:
                linear = torch.nn.Linear(affine.n_in, affine.n_out, bias=affine is network.output.affine).double()
                weight = dequantize_array(affine.weight, affine.weight_exponent[:, None])
                linear.weight.data = torch.tensor(weight)
                linears.append(linear)
            self.linears = torch.nn.ModuleList(linears)
            self.neurons = torch.nn.ModuleList([neuron(layer) for layer in network.populations])

        def forward(self, x: Any) -> Any:
            for held in self.neurons:
                held.mem = torch.zeros(len(x), held.layer.n_out, dtype=torch.float64)
            total = 0.0
            for _ in range(network.n_steps):
                a = x
                for linear, held in zip(self.linears[:-1], self.neurons, strict=True):
                    a = held(linear(a))
                total = total + self.linears[-1](a)
            return total

    return Deployed()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "activation", "polarity", "n_steps"),
    [(0, "tanh", Polarity.BOTH, 1), (1, "z_tanh_z", Polarity.POSITIVE, 3), (2, "relu", Polarity.POSITIVE, 8)],
)
def test_equal_to_the_package(seed: int, activation: str, polarity: Polarity, n_steps: int) -> None:
    torch, snntorch, workload = import_package()
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics import static
    from neurobench.models import TorchModel

    network = builders.random_quantized(
        seed, widths=(2, 12, 9, 2), activation=activation, polarity=polarity, n_steps=n_steps, density=0.7
    )
    points = builders.random_points(network, N_SAMPLES, seed)
    words, _ = encode_points(network, points)
    x = torch.tensor(dequantize_array(words, network.input_exponent))
    data = torch.utils.data.TensorDataset(x, torch.zeros(N_SAMPLES))
    module = build_module(torch, snntorch, network)
    model = TorchModel(module)
    model.add_activation_module(snntorch.SpikingNeuron)
    metrics = [
        [static.Footprint, static.ConnectionSparsity],
        [workload.ActivationSparsity, workload.SynapticOperations, workload.MembraneUpdates],
    ]
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH)
    with torch.no_grad():
        theirs = Benchmark(model, loader, [], [], metrics).run(quiet=True)
    ours = measured(network, points)
    assert ours.effective_macs == theirs["SynapticOperations"]["Effective_MACs"]
    assert ours.effective_acs == theirs["SynapticOperations"]["Effective_ACs"]
    assert ours.dense == theirs["SynapticOperations"]["Dense"]
    # They average over batches and add in another order: the last bit may differ.
    assert ours.activation_sparsity == pytest.approx(theirs["ActivationSparsity"], abs=1e-15)
    assert ours.connection_sparsity == round(theirs["ConnectionSparsity"], DECIMALS)
    assert ours.membrane_updates == theirs["MembraneUpdates"]
    assert count_parameters(network) * FLOAT64_BYTES == theirs["Footprint"]


def test_dense_macs_equal_torchs_own_flop_counter() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    network = builders.random_spec(0, widths=(3, 17, 11, 2))
    widths = network.widths
    module = torch.nn.Sequential(*(torch.nn.Linear(a, b) for a, b in pairwise(widths)))
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 3))
    points = builders.random_points(network, 4)
    assert 2 * count_operations(network, run_float(network, points)).ann_macs == counter.get_total_flops()
