"""A lava-dl netx file looked through: which of its layers could be deployed as they are, and what the others lack.

netx is lava-dl's HDF5 exchange format: groups `layer/0`, `layer/1`, … with `type`, `shape`, `weight` and `neuron`. It has
dense and convolutional layers, leaky (CUBA, LOIHI) and sigma-delta (SDNN) neurons, no graded VSN, no scales, no version. So no
netx file can become a network of this toolkit without training; the report says for each layer what stands in the way.

Source: lava-dl 0.6, `lib/dl/netx/hdf5.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import FileFormatError
from ..files.hdf5_links import check_self_contained
from ..files.parser_guard import try_parser

if TYPE_CHECKING:
    import h5py

MAX_BYTES = 1 << 30
"""Larger files are refused."""

NEURON_VERDICTS = {
    "CUBA": "fires binary spikes from a current and a membrane; train a Variable Spiking Neuron in its place",
    "LOIHI": "fires binary spikes from a current and a membrane; train a Variable Spiking Neuron in its place",
    "SDNN": "sends differences and keeps sums; its ReLU is VSN(n, activation='relu', theta=0)",
}
"""What stands between a netx neuron and a Variable Spiking Neuron."""

LAYER_VERDICTS = {
    "conv": "write the kernel as a dense matrix",
    "pool": "write it as a dense matrix",
    "average": "fold it into the next dense matrix",
    "concat": "branches cannot be deployed; give a chain of layers",
    "convT": "write the kernel as a dense matrix",
    "unpool": "write it as a dense matrix",
}
"""What would make a layer deployable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetxLayer:
    """One layer of a netx file."""

    index: int
    """Its number in the file."""
    kind: str
    """`input`, `dense`, `conv`, …"""
    shape: tuple[int, ...]
    """Shape of what it sends."""
    neuron: str | None
    """Its neuron's type, None where it has none."""
    n_weights: int
    """How many weights it stores."""
    weight_bits: int
    """Length of the shortest word that holds its weights, 0 without weights."""
    has_delays: bool
    """Whether it stores synaptic delays."""
    obstacles: tuple[str, ...]
    """What keeps it from being deployed; empty if nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetxReport:
    """What a netx file holds, and what can be deployed."""

    path: str
    """The file."""
    layers: tuple[NetxLayer, ...]
    """Its layers, in order."""

    @property
    def deployable(self) -> bool:
        """Whether nothing stands in the way."""
        return not any(layer.obstacles for layer in self.layers)


def read_netx(path: str | Path) -> NetxReport:
    """Look through a netx file; a child process tries it first, because nothing proves such a file whole.

    Raises:
        FileFormatError: If it is no netx file, leads to other files, hangs its parser, or if a layer claims one shape and holds
            another.
    """
    try_parser(f"{__name__}:parse_netx", path, "netx file")
    return parse_netx(path)


def parse_netx(path: str | Path) -> NetxReport:
    """Do what `read_netx` does, without trying it in a child process first.

    Raises:
        FileFormatError: If it is no netx file, leads to other files, or if a layer claims one shape and holds another.
    """
    import h5py

    where = f"netx file {path}"
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise FileFormatError(where, f"at most {MAX_BYTES} bytes", Path(path).stat().st_size, "Is this netx?")
        with h5py.File(path, "r") as file:
            check_self_contained(file, where)
            return NetxReport(path=str(path), layers=_read_layers(file, where))
    except FileFormatError:
        raise
    except Exception as error:  # whatever h5py and numpy make of what such a file may hold
        got = f"{type(error).__name__}: {error}"
        raise FileFormatError(where, "HDF5 as lava-dl's export_hdf5 writes it", got, "Export it again.") from error


def _read_layers(file: h5py.File, where: str) -> tuple[NetxLayer, ...]:
    if "layer" not in file or not len(file["layer"]):
        raise FileFormatError(where, "a group `layer` with layers", "none", "Export it again with lava-dl.")
    group = file["layer"]
    missing = [str(index) for index in range(len(group)) if str(index) not in group]
    if missing:
        raise FileFormatError(where, f"layers 0 to {len(group) - 1}", f"no {missing}", "Export it again.")
    layers: list[NetxLayer] = []
    for index in range(len(group)):
        layers.append(_read_layer(group[str(index)], index, layers[-1] if layers else None, f"{where}, layer {index}"))
    return tuple(layers)


def _read_layer(group: h5py.Group, index: int, before: NetxLayer | None, where: str) -> NetxLayer:
    kind = _text(group["type"])
    shape = tuple(int(n) for n in np.ravel(group["shape"][()])) if "shape" in group else ()
    neuron = _text(group["neuron"]["type"]) if "neuron" in group else None
    weight = np.asarray(group["weight"][()]) if "weight" in group and kind != "input" else np.zeros(0)
    if kind == "dense":
        _check_dense(weight, shape, before, where)
    has_delays = "delay" in group
    return NetxLayer(
        index=index,
        kind=kind,
        shape=shape,
        neuron=neuron,
        n_weights=int(weight.size),
        weight_bits=_bits_of(weight),
        has_delays=has_delays,
        obstacles=tuple(_obstacles(kind, neuron, has_delays)),
    )


def _check_dense(weight: Any, shape: tuple[int, ...], before: NetxLayer | None, where: str) -> None:
    """Refuse a matrix that does not lead from the layer before to this one."""
    n_out = int(np.prod(shape))
    n_in = int(np.prod(before.shape)) if before and before.shape else None
    expected = f"({n_out}, {n_in or 'any'})"
    fits = weight.size > 0 and n_out > 0 and weight.size % n_out == 0 and n_in in (None, weight.size // n_out)
    if not fits or (weight.ndim > 1 and weight.shape[0] != n_out):
        raise FileFormatError(
            f"{where}.weight", f"the shape {expected} that its layers claim", weight.shape, "Export it again."
        )


def _obstacles(kind: str, neuron: str | None, has_delays: bool) -> list[str]:
    found = []
    if kind in LAYER_VERDICTS:
        found.append(f"{kind}: {LAYER_VERDICTS[kind]}")
    elif kind not in ("input", "flatten", "dense"):
        found.append(f"{kind}: an unknown kind of layer")
    if neuron is not None and kind != "input":
        found.append(f"{neuron}: {NEURON_VERDICTS.get(neuron, 'an unknown neuron')}")
    if has_delays:
        found.append("delays: synapses have none here; train without them")
    return found


def _bits_of(weight: Any) -> int:
    highest = int(np.abs(weight).max()) if weight.size else 0
    return highest.bit_length() + 1 if weight.size else 0


def _text(dataset: Any) -> str:
    value = dataset[()]
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode() if isinstance(value, bytes) else str(value)
