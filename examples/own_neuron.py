"""Define a neuron of your own, phi(z) = 1 - exp(-z^2), as one record; train it on Poisson's equation and run it on Lava.

    phi'(z)  = 2 z exp(-z^2)             at most sqrt(2 / e) = 0.858, at z = 1 / sqrt 2
    phi''(z) = (2 - 4 z^2) exp(-z^2)     at most 2 in size, at z = 0
    1 - phi  = exp(-z^2)                 below 2e-6 from z = 3.7 on

phi(0) = 0, so a silent neuron contributes nothing, and phi'(0) = 0, so the output of a neuron at its threshold jumps only by
theta^2. The error bound of the integer table is computed from these bounds.
"""

import numpy as np
import torch
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.app.verbs.train import RecipeChanges
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.network.activations import ActivationRule, Asymptote, Symmetry, register_activation
from neuropinn_lava.network.phi_table import look_up
from neuropinn_lava.training.neuron.activations import TorchActivation


def bell(z: np.ndarray) -> np.ndarray:
    return -np.expm1(-np.square(z))


def torch_bell(z: torch.Tensor, tanh: object) -> tuple[torch.Tensor, torch.Tensor]:
    phi = -torch.expm1(-z.square())
    return phi, z


def torch_bell_slope(z: torch.Tensor, phi: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    return 2 * z * (1 - phi)


BELL = ActivationRule(
    name="bell",
    phi=bell,
    symmetry=Symmetry.EVEN,
    asymptote=Asymptote(slope=0.0, reach=3.7),
    curvature=2.0,
    bound=1.0,
    steepest=0.858,
    torch=TorchActivation(value=torch_bell, slope=torch_bell_slope),
)


def deploy() -> nl.QuantizedNetwork:
    """Train for 400 steps, a twentieth of the recipe, and quantize."""
    register_activation(BELL)
    trained = nl.train(nl.find_problem("poisson"), changes=RecipeChanges(activation="bell", iterations=0.05))
    return nl.convert(trained.network).network


def main() -> float:
    """Return how many values on Lava differ from the integer reference, out of all that were compared."""
    chip = deploy()
    problem = nl.find_problem("poisson")
    points = problem.domain.sample(2000, np.random.default_rng(0))
    error = relative_l2(nl.run(chip, points, backend="lava").outputs, problem.reference.evaluate(points))
    parity = nl.verify(chip, n_points=200)
    print(f"relative L2 error on Lava after 400 steps of training: {error:.2%}")
    print(f"{parity.integer_vs_lava_mismatches} of {parity.values_compared:,} values differ from the integer reference")
    return parity.integer_vs_lava_mismatches


def draw() -> Figure:
    """Draw the neuron as float and as the integers of its table."""
    table = deploy().populations[0].table
    z = np.linspace(-3, 3, 601)
    words = np.rint(z / 2.0**table.state_exponent).astype(np.int64)
    figure = Figure(figsize=(6, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(z, bell(z), label="phi(z)")
    left.plot(z, np.where(z >= 0.02, bell(z), 0), "--", label="what a neuron at T = 1 sends")
    left.set(xlabel="z", title="1 − exp(−z²)")
    left.legend()
    error = look_up(table, words)[0] * 2.0**table.payload_exponent - bell(words * 2.0**table.state_exponent)
    right.plot(z, error)
    for sign in (-1, 1):
        right.axhline(sign * table.error_bound(), color="gray", lw=0.8)
    right.set(xlabel="z", title=f"table − phi; bound {table.error_bound():.1e}")
    return figure


if __name__ == "__main__":
    main()
