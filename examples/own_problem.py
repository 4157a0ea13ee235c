"""Define a PDE of your own in six lines, train a spiking network on it, deploy it, and estimate its error without a reference.

A heated plate with walls at zero and an insulated hole; nobody knows its solution in closed form.
"""

import numpy as np
from matplotlib.figure import Figure

import neuropinn_lava as nl

PLATE = nl.PdeProblem(
    name="plate-with-hole",
    domain=nl.Box([0, 0], [1, 1]) - nl.Disc([0.5, 0.5], 0.2, name="hole"),
    equations=lambda f: f.u_xx + f.u_yy + 1,
    conditions=[nl.Dirichlet(0.0, on="outline"), nl.Neumann(0.0, on="hole")],
)


def main() -> float:
    """Train for up to a minute and return the estimated error of the deployed network."""
    result = nl.train(PLATE)
    chip = nl.convert(result.network, problem=PLATE).network
    estimate = nl.estimate_error(chip, PLATE)
    print(
        f"activity {result.activity:.2f}, estimated error: float {result.estimated_l2:.2%}, 8 bits {estimate.relative_l2:.2%}"
    )
    return estimate.relative_l2


def draw() -> Figure:
    """Draw the deployed solution and its estimated error."""
    chip = nl.convert(nl.train(PLATE).network, problem=PLATE).network
    estimate = nl.estimate_error(chip, PLATE)
    x, y = estimate.points.T
    u = nl.run(chip, estimate.points, backend="integer").outputs[:, 0]
    largest = float(np.abs(estimate.error).max())
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    shown = ((u, "u", "viridis", None), (estimate.error[:, 0], "estimated error", "RdBu_r", largest))
    for axes, (field, title, colours, bound) in zip(figure.subplots(1, 2), shown, strict=True):
        image = axes.scatter(x, y, c=field, s=6, cmap=colours, vmin=None if bound is None else -bound, vmax=bound)
        axes.set(title=title, xlabel="x", ylabel="y", aspect="equal")
        figure.colorbar(image, ax=axes)
    return figure


if __name__ == "__main__":
    main()
