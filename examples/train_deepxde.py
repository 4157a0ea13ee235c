"""Train an ordinary tanh PINN with DeepXDE on Poisson's equation and save its weights, for `deploy_deepxde.py`.

    -(u_xx + u_yy) = 5 pi^2 sin(pi x) sin(2 pi y)     on [0, 1]^2          u = 0 on the boundary, built in
    u = sin(pi x) sin(2 pi y)

The script needs the extra `deepxde`, writes `deepxde_poisson.safetensors` to its own folder, and takes some minutes on a CPU.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("DDE_BACKEND", "pytorch")

import deepxde as dde
import numpy as np
import torch
from safetensors.torch import save_file

WEIGHTS = Path(__file__).with_name("deepxde_poisson.safetensors")
N_ADAM = 6000
N_LBFGS = 1500


def residual(x, u):
    """Compute the residual -(u_xx + u_yy) - f."""
    laplacian = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
    source = 5 * np.pi**2 * torch.sin(np.pi * x[:, :1]) * torch.sin(2 * np.pi * x[:, 1:])
    return -laplacian - source


def vanishing(x, y):
    """Apply the boundary condition: u = 16 x (1 - x) y (1 - y) net(x, y)."""
    return 16 * x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:]) * y


def main() -> float:
    """Train, save and return the relative L2 error."""
    dde.config.set_random_seed(0)
    square = dde.geometry.Rectangle([0, 0], [1, 1])
    data = dde.data.PDE(square, residual, [], num_domain=1200, num_boundary=80, num_test=500)
    net = dde.nn.FNN([2, 50, 50, 50, 1], "tanh", "Glorot uniform")
    net.apply_output_transform(vanishing)
    model = dde.Model(data, net)
    model.compile("adam", lr=1e-3, decay=("inverse time", 1000, 0.3))
    model.train(iterations=N_ADAM, display_every=1000)
    dde.optimizers.set_LBFGS_options(maxiter=N_LBFGS)
    model.compile("L-BFGS")
    model.train(display_every=500)
    points = square.random_points(4000)
    exact = np.sin(np.pi * points[:, :1]) * np.sin(2 * np.pi * points[:, 1:])
    error = float(np.linalg.norm(model.predict(points) - exact) / np.linalg.norm(exact))
    save_file({name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}, WEIGHTS)
    print(f"relative L2 error {error:.2e}; weights in {WEIGHTS.name}")
    return error


if __name__ == "__main__":
    main()
