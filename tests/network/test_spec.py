"""Float networks as records: every rule broken once, several at once, and what a record promises of its arrays."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.nodes import OutputSpec, Polarity, PopulationSpec
from neuropinn_lava.network.spec import NetworkSpec, Provenance, Readout
from neuropinn_lava.network.transforms import AffineTransform


def make_layer(**changes: object) -> PopulationSpec:
    good = {
        "name": "a",
        "weight": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        "bias": [0.1, 0.2],
        "beta": [0.0, 1.0],
        "theta": [0.0, 0.5],
        "activation": "tanh",
    }
    return PopulationSpec(**{**good, **changes})  # type: ignore[arg-type]


def make_output(**changes: object) -> OutputSpec:
    return OutputSpec(**{"weight": [[1.0, 2.0]], "bias": [0.5], **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"weight": [1.0, 2.0]},
            r"PopulationSpec 'a'.weight must have the shape \(n_out, n_in\) = \(any, any\); got \(2,\)",
        ),
        ({"weight": np.zeros((2, 0))}, r"PopulationSpec 'a'.weight must have the shape .* got \(2, 0\)"),
        (
            {"weight": [[1.0, np.nan], [0.0, 0.0]]},
            r"'a'.weight must have only finite entries; got nan at index \(0, 1\)",
        ),
        ({"weight": [["a"]]}, r"PopulationSpec.weight must be an array that fits float64; got"),
        (
            {"bias": [0.1]},
            r"PopulationSpec 'a'.bias must have the shape \(n_out,\) = \(2\); got \(1,\). Make the widths agree",
        ),
        (
            {"bias": [0.1, np.inf]},
            r"PopulationSpec 'a'.bias must have only finite entries; got inf at index \(1,\) and 1 such",
        ),
        ({"beta": [0.5]}, r"PopulationSpec 'a'.beta must have the shape"),
        ({"beta": [-0.1, 0.5]}, r"PopulationSpec 'a'.beta must lie in \[0, 1\]; got -0.1. Choose a value"),
        ({"beta": [0.5, 1.0000001]}, r"PopulationSpec 'a'.beta must lie in \[0, 1\]; got 1.0000001"),
        ({"beta": [np.nan, 0.5]}, r"PopulationSpec 'a'.beta must lie in \[0, 1\]; got nan"),
        ({"theta": [0.1, 0.1, 0.1]}, r"PopulationSpec 'a'.theta must have the shape"),
        (
            {"theta": [0.1, -1e-9]},
            r"PopulationSpec 'a'.theta must satisfy theta >= 0; got -1e-09. Use a threshold of zero or more",
        ),
        ({"theta": [0.1, np.inf]}, r"PopulationSpec 'a'.theta must have only finite entries"),
        (
            {"activation": "sigmoid"},
            r"PopulationSpec 'a'.activation must satisfy phi\(0\) = 0, .*; got sigmoid, whose value at zero is 0.5",
        ),
        (
            {"activation": "z_tan_z"},
            r"PopulationSpec 'a'.activation must be one of .*; got 'z_tan_z'. Did you mean z_tanh_z",
        ),
        ({"polarity": "negative"}, r"PopulationSpec 'a'.polarity must be one of both, positive; got 'negative'"),
    ],
)
def test_layer_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_layer(**changes)


def test_layer_lists_all_that_is_wrong() -> None:
    with pytest.raises(SpecError) as caught:
        make_layer(weight=[[np.nan, 0.0]] * 2, bias=[1.0], beta=[2.0, 0.0], theta=[-1.0, np.inf])
    where = [violation.where for violation in caught.value.violations]
    fields = ("bias", "weight", "theta", "beta", "theta")
    assert where == [f"PopulationSpec 'a'.{field}" for field in fields]
    assert len(str(caught.value).splitlines()) == 5
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": [1.0]}, r"OutputSpec 'output'.weight must have the shape"),
        ({"bias": [0.5, 0.5]}, r"OutputSpec 'output'.bias must have the shape \(n_out,\) = \(1\); got \(2,\)"),
        ({"weight": [[np.inf, 0.0]]}, r"OutputSpec 'output'.weight must have only finite entries"),
        ({"bias": [np.nan], "name": "last"}, r"OutputSpec 'last'.bias must have only finite entries"),
    ],
)
def test_output_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_output(**changes)


def test_strings_name_members() -> None:
    layer = make_layer(polarity="both")
    assert layer.polarity is Polarity.BOTH
    assert (layer.n_in, layer.n_out) == (3, 2)
    network = replace(builders.random_spec(), readout="last")
    assert network.readout is Readout.LAST


NETWORK = builders.random_spec(0, widths=(2, 7, 5, 1))
"""Layers hidden0 (2 → 7), hidden1 (7 → 5) and output (5 → 1)."""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"layers": ()},
            r"NetworkSpec 'random0'.layers must hold at least one spiking layer; got 0. A network without",
        ),
        (
            {"layers": NETWORK.populations[:1]},
            r"NetworkSpec 'random0': 'output'.weight must have n_in = 7; got 5. Give 'output' as many inputs as 'hidden0'",
        ),
        ({"layers": NETWORK.populations[1:]}, r"NetworkSpec 'random0'.input_transform must have 7 components; got 2"),
        (
            {"output": replace(NETWORK.output, name="hidden1")},
            r"NetworkSpec 'random0'.layers must have different names; got .* Rename one of them",
        ),
        ({"n_steps": 0}, r"NetworkSpec 'random0'.n_steps must lie in \[1, 4096\]; got 0"),
        ({"n_steps": 4097}, r"NetworkSpec 'random0'.n_steps must lie in \[1, 4096\]; got 4097"),
        ({"n_steps": 2.5}, r"NetworkSpec 'random0'.n_steps must be a whole number; got 2.5. Use an int"),
        ({"readout": "median"}, r"NetworkSpec 'random0'.readout must be one of last, mean; got 'median'"),
        (
            {"input_transform": AffineTransform.identity(3)},
            r"NetworkSpec 'random0'.input_transform must have 2 components; got 3",
        ),
        (
            {"output_transform": AffineTransform.identity(2)},
            r"'random0'.output_transform must have 1 components; got 2",
        ),
        (
            {"ansatz": builders.unit_ansatz(3, 1)},
            r"'random0'.ansatz must have \(n_dim, n_out\) = \(2, 1\); got \(3, 1\)",
        ),
        (
            {"ansatz": builders.unit_ansatz(2, 2)},
            r"'random0'.ansatz must have \(n_dim, n_out\) = \(2, 1\); got \(2, 2\)",
        ),
        ({"lower": [0.0]}, r"NetworkSpec 'random0'.lower must have the shape \(n_in,\) = \(2\); got \(1,\)"),
        ({"upper": [1.0, np.inf]}, r"NetworkSpec 'random0'.upper must have only finite entries"),
        (
            {"upper": [1.0, 0.0]},
            r"NetworkSpec 'random0'.upper must lie above lower; got \[1. 0.\]. Give a box with an inside",
        ),
    ],
)
def test_network_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(NETWORK, **changes)  # type: ignore[arg-type]


def test_network_lists_all_that_is_wrong() -> None:
    with pytest.raises(SpecError) as caught:
        replace(
            NETWORK,
            layers=NETWORK.populations[:1],
            n_steps=0,
            output_transform=AffineTransform.identity(3),
            lower=[9.0] * 2,
        )
    assert len(caught.value.violations) == 4


def test_widths() -> None:
    assert NETWORK.widths == (2, 7, 5, 1)
    assert (NETWORK.n_in, NETWORK.n_out) == (2, 1)


def test_layers_may_come_in_a_list_and_steps_from_numpy() -> None:
    network = replace(NETWORK, layers=list(NETWORK.populations), n_steps=np.int64(2))  # type: ignore[arg-type]
    assert isinstance(network.populations, tuple)
    assert network.digest() == NETWORK.digest()


def test_records_do_not_change() -> None:
    weight = np.ones((2, 3))
    layer = make_layer(weight=weight)
    weight[:] = 7.0
    assert layer.weight.tolist() == [[1.0] * 3] * 2
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 2.0
    with pytest.raises(FrozenInstanceError):
        layer.name = "b"  # type: ignore[misc]


def test_records_compare_by_identity_and_digest() -> None:
    again = builders.random_spec(0, widths=(2, 7, 5, 1))
    assert again != NETWORK
    assert again.digest() == NETWORK.digest()
    assert builders.random_spec(1).digest() != NETWORK.digest()
    assert pickle.loads(pickle.dumps(NETWORK)).digest() == NETWORK.digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda n: replace(n, name="other"),
        lambda n: replace(n, n_steps=3),
        lambda n: replace(n, readout=Readout.LAST),
        lambda n: replace(n, ansatz=builders.unit_ansatz(2, 1)),
        lambda n: replace(n, upper=n.upper * 2),
        lambda n: builders.with_layer(n, 1, polarity=Polarity.BOTH),
        lambda n: builders.with_layer(n, 0, activation="tanh"),
        lambda n: builders.with_layer(n, 0, weight=np.nextafter(n.layers[0].weight, 9.0)),
    ],
)
def test_digest_sees_every_change(change) -> None:  # type: ignore[no-untyped-def]
    assert change(NETWORK).digest() != NETWORK.digest()


def test_digest_does_not_see_provenance() -> None:
    told = replace(NETWORK, provenance=Provenance(problem="heat", seed=3, command="neuropinn-lava train heat"))
    assert told.digest() == NETWORK.digest()


def test_restored_applies_transform_then_ansatz() -> None:
    network = replace(
        NETWORK, output_transform=AffineTransform(scale=[2.0], offset=[1.0]), ansatz=builders.unit_ansatz(2, 1)
    )
    points = np.array([[0.5, 0.0]])  # g = x = 0.5, d = x (1 - x) = 0.25
    assert network.restored(points, np.array([[3.0]])).tolist() == [[0.5 + 0.25 * 7.0]]
    assert replace(network, ansatz=None).restored(points, np.array([[3.0]])).tolist() == [[7.0]]


def test_smallest_network() -> None:
    layer = PopulationSpec(name="only", weight=[[1.0]], bias=[0.0], beta=[0.5], theta=[0.0], activation="relu")
    network = NetworkSpec(
        name="small",
        layers=(layer,),
        output=OutputSpec(weight=[[1.0]], bias=[0.0]),
        input_transform=AffineTransform.identity(1),
        output_transform=AffineTransform.identity(1),
        lower=[0.0],
        upper=[1.0],
    )
    assert (network.n_steps, network.readout, network.ansatz) == (1, Readout.MEAN, None)
    assert network.provenance == Provenance()
