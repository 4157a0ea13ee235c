"""The network in torch: equal to calling its Sequential T times, built from a seed alone, and picky about its layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.spec import Readout
from neuropinn_lava.problems.recipes.phases import ActivityMeasure
from neuropinn_lava.problems.recipes.recipe import NetworkRecipe
from neuropinn_lava.training.network.network import VsnNetwork, build_network
from neuropinn_lava.training.neuron.vsn import VSN, successive_steps

ROUNDING = 1e-6
"""float32 sums of ten products in another order."""


def sequential() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(2, 9), VSN(9, theta=0.2), nn.Linear(9, 7), VSN(7, theta=0.1), nn.Linear(7, 2))


@pytest.mark.parametrize("readout", builders.READOUTS)
@pytest.mark.parametrize("n_steps", [1, 2, 8])
def test_equals_the_sequential_called_t_times(n_steps: int, readout: Readout) -> None:
    layers = sequential()
    x = torch.randn(6, 2)
    with successive_steps(layers):
        outputs = torch.stack([layers(x) for _ in range(n_steps)])
    expected = outputs[-1] if readout is Readout.LAST else outputs.mean(0)
    network = VsnNetwork(layers, n_steps, readout)
    assert torch.equal(network(x), expected)
    torch.testing.assert_close(network.run(x).output, expected, rtol=0.0, atol=ROUNDING)


def test_every_forward_pass_starts_from_rest() -> None:
    network = VsnNetwork(sequential(), 3)
    x = torch.randn(4, 2)
    first = network(x)
    network(torch.randn(9, 2))
    assert torch.equal(network(x), first)


def test_rate_counts_every_neuron_once() -> None:
    network = VsnNetwork(sequential(), 2)
    run = network.run(torch.randn(50, 2))
    assert run.activities.shape == (2,)
    assert run.activity.item() == pytest.approx((9 * run.activities[0].item() + 7 * run.activities[1].item()) / 16)


def test_seed_alone_decides_and_the_global_generator_stays_as_it_is() -> None:
    recipe = NetworkRecipe(widths=(5, 4))
    before = torch.get_rng_state()
    first, again, other = (build_network(recipe, 2, 1, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.layers[0].weight, other.layers[0].weight)
    double = build_network(recipe, 2, 1, 0, torch.float64)
    assert torch.equal(double.layers[0].weight.float(), first.layers[0].weight)
    assert double.vsn_layers[0].theta.dtype == torch.float64


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        ([nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)], r"layer 1 \(Tanh\).*polarity='both', theta=0.0"),
        ([nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 1)], r"layer 1 \(Softplus\).*read the module by from_torch"),
        ([nn.Linear(2, 3), nn.Bilinear(3, 3, 3), nn.Linear(3, 1)], "Replace it by Linear and VSN layers"),
        ([nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 1)], r"layer 1 \(Linear\).*merge two Linear layers"),
        ([VSN(2), nn.Linear(2, 1)], r"layer 0 \(VSN\).*alternate between Linear and VSN"),
        ([nn.Linear(2, 3), VSN(3)], "End with the Linear read-out"),
        ([nn.Linear(2, 3), VSN(4), nn.Linear(4, 1)], r"layer 1 \(VSN\) must have as many inputs as .* outputs, 3; got 4"),
        ([nn.Linear(2, 1)], "an odd number of layers, three or more; got 1"),
    ],
)  # fmt: skip
def test_refused_layers(layers: list[nn.Module], match: str) -> None:
    with pytest.raises(SpecError, match=match):
        VsnNetwork(nn.Sequential(*layers))


def test_all_broken_rules_are_listed_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        VsnNetwork(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3), nn.Dropout(), nn.Linear(3, 1)), n_steps=0)
    assert [violation.got for violation in caught.value.violations] == ["ReLU", "Dropout", 0]


def test_a_readout_of_every_step_is_for_sequences() -> None:
    with pytest.raises(SpecError, match="readout must be 'mean' or 'last'; got every"):
        VsnNetwork(sequential(), 2, "every")


def test_operations_count_a_spike_by_its_targets() -> None:
    """Widths 4 and 2, one output: a spike of the first layer goes to 2 neurons, one of the second to 1, of 4 * 2 + 2 in all."""
    network = build_network(NetworkRecipe(widths=(4, 2)), 3, 1, 0)
    activities = [torch.tensor(0.5), torch.tensor(1.0)]
    assert network.mean_activity(activities).item() == pytest.approx((4 * 0.5 + 2 * 1.0) / 6)
    network.measure = ActivityMeasure.OPERATIONS
    assert network.mean_activity(activities).item() == pytest.approx((4 * 2 * 0.5 + 2 * 1 * 1.0) / 10)
    assert network.mean_activity(activities, ActivityMeasure.RATE).item() == pytest.approx(4 / 6)
