"""Run a network of micromechanics on Lava: a stiff sphere in an elastic cube, 8-bit weights, compared with finite elements.

    div sigma = 0      sigma = lambda tr(epsilon) 1 + 2 mu epsilon      epsilon = sym grad u      E = 10 in the sphere, else 1
    u = 0 at z = 0     u = (0, 0, -0.1) at z = 1                        sides free

The built-in lift u_0 = (0, 0, -0.1 z) alone has an error of 17 %; the error of u - u_0 is therefore the one to compare.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

import neuropinn_lava as nl
from neuropinn_lava.base.metrics import relative_l2

LOAD = 0.1


def lift(points: np.ndarray) -> np.ndarray:
    return points * np.array([0.0, 0.0, -LOAD])


def deploy() -> tuple[nl.QuantizedNetwork, object]:
    """Quantize the shipped network and find its problem, which contains the solution by finite elements."""
    return nl.convert(nl.find_network("elasticity3d")).network, nl.find_problem("elasticity3d")


def main() -> float:
    """Return the relative L2 error of u - u_0 on Lava, on points that were not used in training."""
    chip, problem = deploy()
    points = problem.domain.sample(4000, np.random.default_rng(0))
    u, exact = nl.run(chip, points, backend="lava").outputs, problem.reference.evaluate(points)
    error = relative_l2(u - lift(points), exact - lift(points))
    print(f"error of u: {relative_l2(u, exact):.2e}; of u - u_0: {error:.2e}")
    return error


def draw() -> Figure:
    """Draw w - w_0 on the plane y = 1/2: Lava, finite elements, and their difference."""
    chip, problem = deploy()
    axis = np.linspace(0.005, 0.995, 100)
    x, z = (grid.ravel() for grid in np.meshgrid(axis, axis))
    points = np.stack([x, np.full_like(x, 0.5), z], axis=1)
    w = [
        (values - lift(points))[:, 2].reshape(100, 100)
        for values in (nl.run(chip, points, backend="lava").outputs, problem.reference.evaluate(points))
    ]
    figure = Figure(figsize=(7, 2.4), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axes, field, title in zip(panels, (*w, w[0] - w[1]), ("Lava", "finite elements", "difference"), strict=True):
        size = np.abs(field).max()
        image = axes.imshow(field, origin="lower", extent=(0, 1, 0, 1), cmap="RdBu_r", vmin=-size, vmax=size)
        axes.add_patch(Circle((0.5, 0.5), 0.27, fill=False, lw=0.8))
        axes.set(title=f"{title}, w − w₀", xlabel="x")
        figure.colorbar(image, ax=axes, format="%.0e")
    panels[0].set_ylabel("z")
    return figure


if __name__ == "__main__":
    main()
