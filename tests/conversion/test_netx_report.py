"""netx files: what each layer lacks, and files that are not what they claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuropinn_lava.base.errors import FileFormatError
from neuropinn_lava.conversion.netx_report import read_netx


def write_netx(path: Path, layers: list[dict[str, Any]]) -> Path:
    """Write layers as lava-dl does: datasets `type`, `shape`, `weight`, a group `neuron`."""
    with h5py.File(path, "w") as file:
        for index, layer in enumerate(layers):
            group = file.create_group(f"layer/{index}")
            for name, value in layer.items():
                if name == "neuron":
                    group.create_group("neuron")["type"] = np.array([value], dtype="S10")
                elif isinstance(value, str):
                    group[name] = np.array([value], dtype="S10")
                else:
                    group[name] = value
    return path


INPUT = {"type": "input", "shape": [2], "neuron": "SDNN"}
DENSE = {"type": "dense", "shape": [3], "neuron": "SDNN", "weight": np.array([[1, -127], [0, 4], [5, 6]])}
OUT = {"type": "dense", "shape": [1], "neuron": "CUBA", "weight": np.array([[1, 2, 3]])}


def test_sigma_delta_and_leaky_layers(tmp_path) -> None:
    report = read_netx(write_netx(tmp_path / "net.net", [INPUT, DENSE, OUT]))
    kinds = [(layer.kind, layer.neuron, layer.n_weights, layer.weight_bits) for layer in report.layers]
    assert kinds == [("input", "SDNN", 0, 0), ("dense", "SDNN", 6, 8), ("dense", "CUBA", 3, 3)]
    assert report.layers[0].obstacles == ()
    assert "VSN(n, activation='relu'" in report.layers[1].obstacles[0]
    assert "binary spikes" in report.layers[2].obstacles[0]
    assert not report.deployable


def test_convolutions_delays_and_unknown_layers(tmp_path) -> None:
    layers = [
        INPUT,
        {"type": "conv", "shape": [4, 4, 2], "weight": np.ones((2, 1, 3, 3))},
        {"type": "flatten", "shape": [32]},
        {"type": "dense", "shape": [1], "weight": np.ones((1, 32)), "delay": np.zeros(32)},
        {"type": "wavelet"},
    ]
    report = read_netx(write_netx(tmp_path / "net.net", layers))
    obstacles = [layer.obstacles for layer in report.layers]
    assert obstacles[1] == ("conv: write the kernel as a dense matrix",)
    assert obstacles[2] == ()
    assert obstacles[3] == ("delays: synapses have none here; train without them",)
    assert obstacles[4] == ("wavelet: an unknown kind of layer",)


def test_a_chain_of_dense_matrices_has_no_obstacles(tmp_path) -> None:
    plain = {"type": "dense", "shape": [3], "weight": np.ones((3, 2))}
    assert read_netx(write_netx(tmp_path / "net.net", [INPUT, plain])).deployable


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([INPUT, DENSE | {"shape": [4]}], r"layer 1\.weight: the shape \(4, 2\)"),
        ([INPUT, DENSE, OUT | {"weight": np.ones((1, 5))}], r"layer 2\.weight: the shape \(1, 3\)"),
        ([INPUT, {"type": "dense", "shape": [3]}], r"layer 1\.weight: the shape \(3, 2\).*got \(0,\)"),
        ([{"shape": [2]}], "HDF5 as lava-dl's export_hdf5 writes it; got KeyError"),
        ([], "a group `layer` with layers; got none"),
    ],
)
def test_files_that_contradict_themselves_are_refused(layers, message, tmp_path) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_netx(write_netx(tmp_path / "net.net", layers))


def test_missing_layers_are_named(tmp_path) -> None:
    path = write_netx(tmp_path / "net.net", [INPUT, DENSE, OUT])
    with h5py.File(path, "r+") as file:
        file.move("layer/1", "layer/7")
    with pytest.raises(FileFormatError, match=r"layers 0 to 2; got no \['1'\]"):
        read_netx(path)


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_files_that_are_no_hdf5_are_refused(content, tmp_path) -> None:
    path = tmp_path / "net.net"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="HDF5 as lava-dl's"):
        read_netx(path)


def test_missing_files_are_refused(tmp_path) -> None:
    with pytest.raises(FileFormatError, match="HDF5 as lava-dl's"):
        read_netx(tmp_path / "none.net")
