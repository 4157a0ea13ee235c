"""The device on which torch computes, and its number of threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from threadpoolctl import threadpool_limits

from ...base.errors import SpecError


def find_device(name: torch.device | str) -> torch.device:
    """Return a device by name, after a check that torch can use it here.

    Raises:
        SpecError: If torch cannot use the device.
    """
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # what torch raises depends on how it was built
        repair = "Use cpu, or install what the device needs."
        raise SpecError("train_network.device", "be a device that torch can use", f"{name}: {error}", repair) from error


@contextlib.contextmanager
def limited_threads(n: int) -> Iterator[None]:
    """Limit torch, and the BLAS of numpy and scipy, to n threads within the block."""
    former = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with threadpool_limits(n, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(former)
