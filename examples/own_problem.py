"""Define a PDE of your own in one record (geometry, equation, conditions, reference) and train a spiking network on it.

-(u_xx + u_yy) + u = f on the unit square with u = 0 on its walls; f is chosen so that u = sin(pi x) sin(pi y).
"""

import numpy as np
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.problems.conditions import zero_ansatz
from neuropinn_lava.problems.phases import PhaseRecipe
from neuropinn_lava.problems.problem import Condition, PdeProblem, ReferenceSolution, constant_value
from neuropinn_lava.problems.recipe import CloudRecipe, TrainingRecipe

BOX = Box(lower=np.zeros(2), upper=np.ones(2))
ADAM = PhaseRecipe(n_iterations=300, learning_rate=5e-3)


def solution(points: np.ndarray) -> np.ndarray:
    return np.sin(np.pi * points).prod(axis=1, keepdims=True)


SCREENED = PdeProblem(
    name="screened-poisson",
    title="Screened Poisson equation",
    equation="-(u_xx + u_yy) + u = f; u = 0 on the boundary",
    coordinates=("x", "y"),
    domain=BOX,
    derivatives=("u_xx", "u_yy"),
    source=lambda points: (2 * np.pi**2 + 1) * solution(points)[:, 0],
    residual=lambda f: (-(f.u_xx + f.u_yy) + f.u - f.source,),
    residual_scale=20.0,
    conditions=(Condition(name="walls", applies=BOX.on_boundary, value=constant_value(0.0)),),
    ansatz=zero_ansatz(BOX),
    reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
    recipe=TrainingRecipe(cloud=CloudRecipe(n_per_axis=(12, 12)), phases=(ADAM,)),
)


def main() -> float:
    """Train for a few seconds and return the relative L2 error on points not trained on."""
    result = nl.train(SCREENED)
    error = result.history.rows[-1].relative_l2
    print(f"{result.status.value} after {result.n_iterations} steps: relative L2 error {error:.2%}")
    return error


def draw() -> Figure:
    """Draw the trained network and its error."""
    network = nl.train(SCREENED).network
    axis = np.linspace(0, 1, 101)
    points = np.stack([grid.ravel() for grid in np.meshgrid(axis, axis)], axis=1)
    u, exact = (values.reshape(101, 101) for values in (run_float(network, points).outputs, solution(points)))
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    for axes, field, title in zip(figure.subplots(1, 2), (u, u - exact), ("u", "u − exact"), strict=True):
        image = axes.imshow(field, origin="lower", extent=(0, 1, 0, 1), cmap="viridis" if title == "u" else "RdBu_r")
        axes.set(title=title, xlabel="x", ylabel="y")
        figure.colorbar(image, ax=axes)
    return figure


if __name__ == "__main__":
    main()
