"""Define a chip of your own by its limits (a target) and constants (an energy model), and make a network fit.

    cores   = the least number that holds the neurons and the non-zero weights of every layer
    joules  = sum over terms of count * constants

Both are TOML files, and the chip is invented. Constants without a unit or a source are refused, and so are units whose
product is not an energy.
"""

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.conversion import HardwareTarget
from neuropinn_lava.hardware_sim.costs.energy import EnergyEstimate, estimate_energy
from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model
from neuropinn_lava.hardware_sim.costs.energy_model import EnergyModel
from neuropinn_lava.hardware_sim.counts.workload import deployed_workload
from neuropinn_lava.hardware_sim.mapping.cores import partition_network

TARGET = """
name = "tiny"
title = "A tiny chip"
source = "invented for this example"
max_weight_bits = 6
max_payload_bits = 12
state_bits = 24
max_neurons_per_core = 32
synapse_bytes_per_core = 1024
cores_per_chip = 8
"""
ENERGY = """
name = "tiny"
title = "A tiny chip"
kind = "estimated"
source = "invented for this example"
leaves_out = "everything but its synapses and its neurons"

[constants.event]
value = 12.0
low = 10.0
high = 15.0
unit = "pJ"
source = "invented"

[constants.update]
value = 40.0
unit = "pJ"
source = "invented"

[[terms]]
name = "synapses"
quantity = "synaptic_operations"
constants = ["event"]

[[terms]]
name = "neurons"
quantity = "neuron_updates"
constants = ["update"]
"""


def read_chip() -> tuple[HardwareTarget, EnergyModel]:
    """Read both files, as `--target tiny.toml` and `--energy tiny_energy.toml` do."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, name) for name in ("tiny.toml", "tiny_energy.toml")}
        files["tiny.toml"].write_text(TARGET)
        files["tiny_energy.toml"].write_text(ENERGY)
        return nl.find_target(files["tiny.toml"]), find_energy_model(files["tiny_energy.toml"])


def fit(target: HardwareTarget) -> nl.QuantizedNetwork:
    """Convert with the word lengths of Loihi 2, print the broken rules, and convert again."""
    source = nl.find_network("poisson")
    try:
        nl.require_fit(nl.convert(source).network, target)
    except HardwareRuleError as error:
        print(error)
    chip = nl.convert(source, nl.QuantizationScheme(weight_bits=6, payload_bits=12, input_bits=12), target=None).network
    nl.require_fit(chip, target)
    return chip


def estimate() -> tuple[nl.QuantizedNetwork, EnergyEstimate]:
    """Place the network on the chip and estimate the energy of 500 samples."""
    target, model = read_chip()
    chip = fit(target)
    print(f"fits {partition_network(chip, target).n_cores} of {target.cores_per_chip} cores")
    points = np.random.default_rng(0).random((500, 2))
    counts = nl.count_operations(chip, nl.run(chip, points))
    energy = estimate_energy(deployed_workload(chip, counts), model)
    for term in energy.terms:
        print(f"{term.name}: {term.count:.0f} per sample, {term.joules * 1e9:.2f} nJ")
    return chip, energy


def main() -> float:
    """Return the nanojoules of a sample on the tiny chip."""
    _, energy = estimate()
    nanojoules = energy.joules_per_sample * 1e9
    print(f"{nanojoules:.1f} nJ a sample ({energy.low * 1e9:.1f} to {energy.high * 1e9:.1f}), one dense pass", end=" ")
    print(f"{energy.dense_joules_per_sample * 1e9:.1f} nJ")
    return nanojoules


def draw() -> Figure:
    """Draw the neurons and synaptic memory of each core, and the energy's terms."""
    chip, energy = estimate()
    cores = partition_network(chip, read_chip()[0]).cores
    figure = Figure(figsize=(6, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.bar(range(len(cores)), [core.neurons.stop - core.neurons.start for core in cores])
    left.axhline(32, color="gray", lw=0.8)
    left.set_xticks(range(len(cores)), [core.node for core in cores], rotation=60)
    left.set(title="neurons on each core")
    right.barh([term.name for term in energy.terms], [term.joules * 1e9 for term in energy.terms])
    right.set(title="nJ per sample")
    return figure


if __name__ == "__main__":
    main()
