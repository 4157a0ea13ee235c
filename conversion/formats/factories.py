"""A user's torch module by name, with its weights in a safetensors file.

The factory is imported and called without arguments; nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from ...base.checks import raise_violations
from ...base.errors import FileFormatError, Violation
from ...files.user_objects import find_object


def load_module(factory: str, weights: str | Path | None = None) -> nn.Module:
    """Build a torch module with a user's factory and load its weights.

    Args:
        factory: Function that returns the module, as `package.module:factory` or `file.py:factory`.
        weights: A safetensors file with the module's state; None keeps the weights of the factory.

    Returns:
        The module, in evaluation mode.

    Raises:
        SpecError: If the factory cannot be imported, raises, or returns no module, or if the weights do not match it.
        FileFormatError: If the weights are not a safetensors file.
    """
    module = find_object(factory, nn.Module, "factory")
    if weights is not None:
        state = _read_state(Path(weights))
        raise_violations(_state_violations(factory, module.state_dict(), state))
        module.load_state_dict(state)
    return module.eval()


def _read_state(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        repair = "Write it with safetensors.torch.save_file(module.state_dict(), path)."
        raise FileFormatError(f"weights {path}", "be a readable safetensors file", error, repair) from error


def _state_violations(factory: str, wanted: dict[str, Tensor], given: dict[str, Tensor]) -> Iterator[Violation]:
    where = f"weights for {factory!r}"
    repair = "Give the weights of this very module; names are those of its state_dict()."
    for name in sorted(set(wanted) - set(given)):
        yield Violation(f"{where}: {name}", "be in the file", "nothing", repair)
    for name in sorted(set(given) - set(wanted)):
        yield Violation(f"{where}: {name}", "be in the module", "only in the file", repair)
    for name in sorted(set(given) & set(wanted)):
        shapes = tuple(given[name].shape), tuple(wanted[name].shape)
        if shapes[0] != shapes[1]:
            yield Violation(f"{where}: {name}", f"have the shape {shapes[1]}", shapes[0], repair)
        elif given[name].is_floating_point() and not bool(torch.isfinite(given[name]).all()):
            n_bad = int((~torch.isfinite(given[name])).sum())
            yield Violation(f"{where}: {name}", "hold only finite numbers", f"{n_bad} that are not", "Train again.")
