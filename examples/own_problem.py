"""Define a PDE of your own in twelve lines, train a spiking network on it, and estimate its error without a reference.

-(u_xx + u_yy) + u = f on the unit square with u = 0 on its walls; f is chosen so that u = sin(pi x) sin(pi y).
"""

import numpy as np
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.engine.reference import run_float

SCREENED = nl.PdeProblem(
    name="screened-poisson",
    domain=nl.Box(lower=[0, 0], upper=[1, 1]),
    equations=lambda f: -(f.u_xx + f.u_yy) + f.u - (2 * np.pi**2 + 1) * np.sin(np.pi * f.x) * np.sin(np.pi * f.y),
    conditions=[nl.Dirichlet(0.0)],
    recipe=nl.TrainingRecipe(
        cloud=nl.CloudRecipe(n_per_axis=(12, 12)),
        phases=(nl.PhaseRecipe(n_iterations=300, learning_rate=5e-3),),
    ),
)


def solution(points: np.ndarray) -> np.ndarray:
    return np.sin(np.pi * points).prod(axis=1, keepdims=True)


def main() -> float:
    """Train for a few seconds and return the relative L2 error on points not trained on."""
    result = nl.train(SCREENED)
    points = SCREENED.domain.sample(2000, np.random.default_rng(0))
    exact = solution(points)
    error = float(np.linalg.norm(run_float(result.network, points).outputs - exact) / np.linalg.norm(exact))
    print(
        f"{result.status.value} after {result.n_iterations} steps: "
        f"estimated error {result.estimated_l2:.2%}, true error {error:.2%}"
    )
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
