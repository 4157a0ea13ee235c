"""Check of networks that users pass to functions, with errors that show the right call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..base.errors import SpecError
from .quantized import Network, QuantizedNetwork
from .spec import NetworkSpec

READ_MODULE = (
    "Read it first: `neuropinn_lava.from_torch(module, lower=…, upper=…)` gives the float network of a module."
)
"""Repair for a torch module in the place of a network."""


def checked_network(network: object, where: str) -> Network:
    """Check that a value is a float or a quantized network, and return it.

    Args:
        network: The user's argument.
        where: The function and its argument, as in `run.network`.

    Raises:
        SpecError: If it is a name, a torch module, the state or the class of one, a whole quantization, or something else.
    """
    if isinstance(network, (NetworkSpec, QuantizedNetwork)):
        return network
    raise SpecError(where, "be a network, float or quantized", describe_given(network), suggest_network(network))


def suggest_network(given: object) -> str:
    """Return the repair for a user's argument that is no network."""
    if isinstance(given, (str, Path)):
        return f"Load it: `neuropinn_lava.find_network({str(given)!r})` takes shipped names and files."
    if isinstance(given, type):
        return f"Give an instance, as `{given.__name__}()`, with its trained weights."
    if is_module(given):
        return READ_MODULE
    if isinstance(given, Mapping):
        return "Load a state into its module by `module.load_state_dict(state)`, and read the module by `from_torch`."
    if isinstance(getattr(given, "network", None), (NetworkSpec, QuantizedNetwork)):
        return "Give its field `.network`."
    return "Give what `find_network`, `read_network`, `from_torch` or `convert(…).network` returns."


def describe_given(given: object) -> str:
    """Format a user's argument that is no network, for an error."""
    if isinstance(given, (str, Path)):
        return repr(str(given))
    return f"the class {given.__name__}" if isinstance(given, type) else f"an object of type {type(given).__name__}"


def is_module(value: object) -> bool:
    """Return whether a value is a torch module, without importing torch."""
    return any(
        kind.__module__ == "torch.nn.modules.module" and kind.__name__ == "Module" for kind in type(value).__mro__
    )
