"""A network that takes a point and functions, and its record.

    u(x, f) = sum over k of w_k b_k(f) a_k(x)          a: the trunk's last neurons, b: what the branch sends

b is a relay of the branch's sums, scaled so that every b_k has a size near one; w are powers of two, which eight bits hold
exactly. The host builds the conditions around u.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...base.arrays import FloatArray
from ...network.nodes import ConnectionSpec, InputSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from ...network.spec import NetworkSpec, Provenance
from ...network.transforms import AffineTransform, Ansatz
from ..neuron.vsn import VSN

POINT, FUNCTION = "point", "function"
"""Names of the inputs."""
WEIGHT_OCTAVES = 6
"""Powers of two from the least weight of the output to the largest: words of eight bits hold 1, 2, 4 ... 64."""


class Layers(nn.Module):
    """Linear layers and neurons in turn, which return payloads and the activity of every layer of neurons."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """Return what the last layer sends, shape (n_points, n_out)."""
        return self.watch(x)[0]

    def watch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the last layer sends, and the activities, shape (n_layers,)."""
        activities = []
        for layer in self.layers:
            if isinstance(layer, VSN):
                payload, activity = layer.unrolled(x, 1)
                x = payload[0]
                activities.append(activity.mean())
            else:
                x = layer(x)
        return x, torch.stack(activities) if activities else x.new_zeros(1)


class Branch(nn.Module):
    """The coefficients of a function: an affine map of its columns, and what neurons add to it."""

    def __init__(self, n_columns: int, n_features: int, layers: Layers | None) -> None:
        super().__init__()
        self.direct = nn.Linear(n_columns, n_features, dtype=torch.float64)
        self.layers = layers
        width = 0 if layers is None else int(layers.layers[-1].n_neurons)  # type: ignore[arg-type]
        self.added = None if layers is None else nn.Linear(width, n_features, bias=False, dtype=torch.float64)

    def forward(self, columns: Tensor) -> Tensor:
        """Return the coefficients, shape (n_functions, n_features), of normalised columns."""
        return self.watch(columns)[0]

    def watch(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coefficients, and the activities of the layers."""
        found = self.direct(columns)
        if self.layers is None or self.added is None:
            return found, columns.new_zeros(1)
        payload, activities = self.layers.watch(columns)
        return found + self.added(payload), activities


class OperatorModule(nn.Module):
    """The sum over the features of a trunk, each times its coefficient from a branch."""

    def __init__(self, trunk: Layers, branch: Branch) -> None:
        super().__init__()
        self.trunk, self.branch = trunk, branch
        n_features = branch.direct.out_features
        self.output = nn.Linear(n_features, 1, dtype=torch.float64)
        with torch.no_grad():
            self.output.weight.fill_(1.0)
            self.output.bias.zero_()

    def forward(self, point: Tensor, function: Tensor) -> Tensor:
        """Return the output before the built-in conditions, shape (n_points, 1), of normalised inputs."""
        output: Tensor = self.output(self.trunk(point) * self.branch(function))
        return output

    def balance(self, columns: Tensor) -> None:
        """Scale the coefficients to a size near one over some functions, and the output's weights, powers of two, against it.

        The least weight is a share of the largest; a coefficient that is smaller still ends below one.
        """
        with torch.no_grad():
            sizes = self.branch(columns).pow(2).mean(0).sqrt().clamp_min(1e-12).log2().round()
            sizes = sizes.clamp_min(float(sizes.max()) - WEIGHT_OCTAVES).exp2()
            self.output.weight.mul_(sizes)
            self.branch.direct.weight.div_(sizes[:, None])
            self.branch.direct.bias.div_(sizes)
            if self.branch.added is not None:
                self.branch.added.weight.div_(sizes[:, None])


def export_operator(
    module: OperatorModule,
    *,
    name: str,
    input_transform: AffineTransform,
    ansatz: Ansatz | None,
    lower: FloatArray,
    upper: FloatArray,
    provenance: Provenance,
) -> NetworkSpec:
    """Return the record of a network that takes a point and functions.

    Args:
        module: The trained module.
        name: Name in reports.
        input_transform: What the host does to points and functions.
        ansatz: Conditions built around the output.
        lower: Lower corner of the box of points and columns.
        upper: Upper corner.
        provenance: Where the network comes from.
    """
    nodes: list[PopulationSpec | ProductSpec] = list(_populations(module.trunk, POINT, "trunk"))
    features = nodes[-1].name
    branch = module.branch
    connections = [ConnectionSpec(source=FUNCTION, weight=_array(branch.direct.weight))]
    if branch.layers is not None and branch.added is not None:
        layers = _populations(branch.layers, FUNCTION, "branch")
        nodes += layers
        connections.append(ConnectionSpec(source=layers[-1].name, weight=_array(branch.added.weight)))
    n_features = branch.direct.out_features
    nodes.append(
        PopulationSpec(
            name="coefficients",
            connections=tuple(connections),
            bias=_array(branch.direct.bias),
            beta=np.zeros(n_features),
            theta=np.zeros(n_features),
            activation="identity",
            polarity=Polarity.BOTH,
        )
    )
    nodes.append(ProductSpec(name="terms", left="coefficients", right=features, width=n_features))
    return NetworkSpec(
        name=name,
        inputs=(
            InputSpec(name=POINT, width=module.trunk.layers[0].in_features),  # type: ignore[arg-type]
            InputSpec(name=FUNCTION, width=branch.direct.in_features, is_held=True),
        ),
        nodes=tuple(nodes),
        output=OutputSpec(
            connections=(ConnectionSpec(source="terms", weight=_array(module.output.weight)),),
            bias=_array(module.output.bias),
        ),
        input_transform=input_transform,
        output_transform=AffineTransform.identity(1),
        ansatz=ansatz,
        lower=lower,
        upper=upper,
        provenance=provenance,
    )


def _populations(layers: Layers, source: str, prefix: str) -> list[PopulationSpec]:
    """Return the populations of layers of neurons, the first of which reads an input."""
    found: list[PopulationSpec] = []
    pairs = zip(layers.layers[::2], layers.layers[1::2], strict=True)
    for number, (linear, neurons) in enumerate(pairs, start=1):
        assert isinstance(linear, nn.Linear) and isinstance(neurons, VSN)  # noqa: PT018
        found.append(
            PopulationSpec(
                name=f"{prefix}{number}",
                connections=(ConnectionSpec(source=found[-1].name if found else source, weight=_array(linear.weight)),),
                bias=_array(linear.bias),
                beta=_array(neurons.beta),
                theta=_array(neurons.theta),
                activation=neurons.rule.activation,
                polarity=neurons.rule.polarity,
            )
        )
    return found


def _array(values: Tensor) -> FloatArray:
    array: FloatArray = values.detach().double().numpy()
    return array
