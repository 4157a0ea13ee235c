"""A user's module by name: `package.module:factory`, with its weights in a safetensors file.

The factory is imported and called without arguments; nothing is unpickled. This module knows torch and safetensors, and what
can go wrong with other people's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from ...base.checks import raise_violations
from ...base.errors import FileFormatError, SpecError, Violation
from ...files.user_modules import import_user_module


def load_module(factory: str, weights: str | Path | None = None) -> nn.Module:
    """Call a factory and load weights into what it makes.

    Args:
        factory: `package.module:factory`, found on the path of Python or in the working folder.
        weights: A safetensors file with the module's state; None keeps what the factory gives.

    Returns:
        The module, in evaluation mode.

    Raises:
        SpecError: If the factory cannot be imported, raises, or gives no module, or if the weights do not match it.
        FileFormatError: If the weights are no safetensors file.
    """
    module = _call(factory)
    if weights is not None:
        state = _read_state(Path(weights))
        raise_violations(_state_violations(factory, module.state_dict(), state))
        module.load_state_dict(state)
    return module.eval()


def _call(factory: str) -> nn.Module:
    where = f"factory {factory!r}"
    path, _, name = factory.partition(":")
    if not path or not name:
        raise SpecError(where, "package.module:factory", repr(factory), "Name a function that makes the module.")
    try:
        made = getattr(import_user_module(path), name)()
    except Exception as error:  # whatever the user's code raises
        got = f"{type(error).__name__}: {error}"
        mend = "Check its name, and that it needs no arguments; it is looked for in the working folder too."
        raise SpecError(where, "a function that can be called", got, mend) from error
    if not isinstance(made, nn.Module):
        raise SpecError(where, "a torch.nn.Module as result", type(made).__name__, "Return the module.")
    return made


def _read_state(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        mend = "Write it with safetensors.torch.save_file(module.state_dict(), path)."
        raise FileFormatError(f"weights {path}", "a readable safetensors file", error, mend) from error


def _state_violations(factory: str, wanted: dict[str, Tensor], given: dict[str, Tensor]) -> Iterator[Violation]:
    where = f"weights for {factory!r}"
    mend = "Give the weights of this very module; names are those of its state_dict()."
    for name in sorted(set(wanted) - set(given)):
        yield Violation(f"{where}: {name}", "is in the file", "nothing", mend)
    for name in sorted(set(given) - set(wanted)):
        yield Violation(f"{where}: {name}", "is in the module", "only in the file", mend)
    for name in sorted(set(given) & set(wanted)):
        shapes = tuple(given[name].shape), tuple(wanted[name].shape)
        if shapes[0] != shapes[1]:
            yield Violation(f"{where}: {name}", f"the shape {shapes[1]}", shapes[0], mend)
        elif given[name].is_floating_point() and not bool(torch.isfinite(given[name]).all()):
            n_bad = int((~torch.isfinite(given[name])).sum())
            yield Violation(f"{where}: {name}", "every number is finite", f"{n_bad} that are not", "Train again.")
