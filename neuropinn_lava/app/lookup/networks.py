"""The trained networks of the package, and networks from files, by name or path."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

from ...base.errors import SpecError
from ...files.network_file import read_network
from ...files.parser_guard import try_parser
from ...files.sealed_file import SUFFIX
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import NetworkSpec

NIR_SUFFIX = ".nir"
"""Suffix of the names of NIR graphs."""
TORCH_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")
"""Suffixes of files of torch and safetensors, which are refused with what to do."""


def list_models() -> tuple[str, ...]:
    """Return the names of the shipped networks, sorted."""
    files = resources.files("neuropinn_lava.data").iterdir()
    return tuple(sorted(file.name.removesuffix(".h5") for file in files if file.name.endswith(".h5")))


def find_network(name: str | Path) -> Network:
    """Load a network by its file's path, .h5 or .nir, or a shipped one by its name.

    A user's file is first read in a child process: the digest in its header detects damage, but not a malicious writer.

    Raises:
        SpecError: If it is neither a file nor the name of a shipped network; the nearest names are shown. If a NIR graph
            cannot be deployed, or the extra `nir` is missing.
        FileFormatError: If the file is not a whole network file.
    """
    shipped = list_models()
    if str(name) in shipped:
        with resources.as_file(resources.files("neuropinn_lava.data") / f"{name}.h5") as path:
            return read_network(path)
    if not Path(name).exists():
        near = difflib.get_close_matches(str(name), shipped, n=2)
        known = f"such as {' or '.join(near)}" if near else "which `neuropinn-lava models` and `list_models()` list"
        repair = f"Give a network file, or one of the shipped networks, {known}."
        raise SpecError("network", "be an existing file or the name of a shipped network", repr(str(name)), repair)
    if Path(name).suffix in TORCH_SUFFIXES:
        repair = "Write a factory that builds the module: `neuropinn-lava convert file.py:factory --weights net.safetensors`."
        rule = f"be a network file, {SUFFIX} or {NIR_SUFFIX}"
        raise SpecError("network", rule, f"{str(name)!r}, which holds weights without their module", repair)
    if Path(name).suffix == NIR_SUFFIX:
        from ...conversion.formats.nir_graphs import read_nir

        return read_nir(name)
    try_parser(f"{read_network.__module__}:read_network", name, "file")
    return read_network(name)


def float_network(network: Network) -> NetworkSpec:
    """Return the float network: itself, or the one that a quantized network was converted from."""
    return network.source if isinstance(network, QuantizedNetwork) else network


def quantized_network(network: Network, where: str) -> QuantizedNetwork:
    """Return a quantized network, and refuse a float one.

    Raises:
        SpecError: If it is a float one; the message names `convert`.
    """
    if isinstance(network, QuantizedNetwork):
        return network
    repair = "Quantize it first: `neuropinn-lava convert net.h5 --out chip.h5`, or `neuropinn_lava.convert(network)`."
    raise SpecError(where, "get a quantized network", f"the float network {network.name!r}", repair)
