"""A user's torch module as a network of the command line: `package.module:factory`, weights, and the box that it is for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...network.spec import NetworkSpec
from .option_texts import parse_corner

FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""What `package.module:factory` looks like."""


def names_factory(text: str) -> bool:
    """Tell whether a text is the name of a factory rather than of a file."""
    return FACTORY.fullmatch(text) is not None


def read_named_module(
    factory: str, weights: Path | None, lower: str | None, upper: str | None, n_steps: int
) -> NetworkSpec:
    """Read the module that a factory makes.

    Args:
        factory: `package.module:factory`.
        weights: Its weights, .safetensors.
        lower: Lower corner of the box of points that it is for, as `0,0`; -1 everywhere if None.
        upper: Upper corner; 1 everywhere if None.
        n_steps: T.

    Raises:
        SpecError: If the factory, its weights, a layer or the box are refused.
    """
    from ...conversion.formats.factories import load_module
    from ...conversion.formats.torch_modules import read_module

    module = load_module(factory, weights)
    name = factory.rpartition(":")[2]
    return read_module(
        module, name=name, n_steps=n_steps, lower=parse_corner(lower, "--lower"), upper=parse_corner(upper, "--upper")
    )


def is_module(value: Any) -> bool:
    """Tell whether a value is a torch module, without importing torch for anything else."""
    return any(
        kind.__module__ == "torch.nn.modules.module" and kind.__name__ == "Module" for kind in type(value).__mro__
    )
