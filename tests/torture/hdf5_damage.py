"""Seeded changes to what an HDF5 file says: other values, types, shapes, links and members, in a file that is whole."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Change = Callable[[random.Random, h5py.Group, str], None]

VALUES: tuple[Any, ...] = (
    0, 1, -1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, 1e308, -1e-320, float("nan"), float("inf"), True, "", "x" * 70_000,
    "tanh", "NetworkSpec", "Polynomial", "\x00", "Ω", b"bytes \xff", "../../etc/passwd", "__import__('os').abort()",
    h5py.Empty("f8"), h5py.Empty("i8"),
)  # fmt: skip
"""For attributes and scalars."""
ARRAYS: tuple[Any, ...] = (
    np.zeros(0), np.zeros((0, 3)), np.zeros((1, 1)), np.full((2, 3), np.nan), np.arange(6.0).reshape(2, 3), np.ones(7, np.int8),
    np.full(3, 2**63 - 1), np.full(3, 2**64 - 1, np.uint64), np.zeros((1, 1, 1, 1)), np.array([b"text"]), np.zeros(2, complex),
    np.zeros(2, bool), np.zeros(2, [("x", "f8"), ("y", "i4")]), np.float32(1.5), np.full(2, 1e300), np.full((3, 3), -(2**62)),
)  # fmt: skip
"""For datasets."""


def damage_hdf5(rng: random.Random, path: Path) -> None:
    """Change one to three things in a file."""
    with h5py.File(path, "r+") as file:
        for _ in range(rng.randint(1, 3)):
            places = _places(file)
            if places:
                group, name = rng.choice(places)
                with contextlib.suppress(Exception):  # a change before took the place away, or h5py cannot write it
                    rng.choice(_CHANGES)(rng, file[group], name)


def _places(file: h5py.File) -> list[tuple[str, str]]:
    """Name every member and attribute as (group, name); attributes begin with `@`."""
    found = [("/", f"@{name}") for name in file.attrs]

    def note(name: str, item: Any) -> None:
        where = item.parent.name
        found.append((where, name.rpartition("/")[2]))
        found.extend((f"/{name}", f"@{attribute}") for attribute in item.attrs)

    file.visititems(note)
    return found


def _set(rng: random.Random, group: Any, name: str) -> None:
    """Give an attribute another value, or a dataset other numbers in its place."""
    if name.startswith("@"):
        group.attrs[name[1:]] = rng.choice(VALUES if rng.random() < 0.7 else ARRAYS)
    elif isinstance(group.get(name), h5py.Dataset):
        _replace_dataset(rng, group, name)
    else:
        _set(rng, group[name], f"@{rng.choice(('type', 'extra', 'kind'))}")


def _replace_dataset(rng: random.Random, group: h5py.Group, name: str) -> None:
    old = group[name]
    held = old[()] if old.shape is not None and old.size and old.dtype.kind in "fiu" and old.ndim else None
    del group[name]
    if held is not None and rng.random() < 0.5:
        held.reshape(-1)[rng.randrange(held.size)] = rng.choice((0, 1, -1, 100))
        group[name] = held
    elif rng.random() < 0.2:
        shape = rng.choice(((1 << 20, 1 << 20), (1 << 62,), (5, 1 << 40)))
        group.create_dataset(
            name, shape, "f8", **rng.choice(({}, {"chunks": True}, {"chunks": True, "compression": "gzip"}))
        )
    elif rng.random() < 0.3:
        group.create_dataset(name, data=rng.choice(VALUES[:-2]))
    else:
        how = rng.choice(({}, {"chunks": True}, {"compression": "gzip"}, {"fletcher32": True}))
        array = np.asarray(rng.choice(ARRAYS))
        group.create_dataset(name, data=array, **(how if array.ndim and array.size else {}))


def _remove(rng: random.Random, group: Any, name: str) -> None:
    del (group.attrs if name.startswith("@") else group)[name.removeprefix("@")]


def _add(rng: random.Random, group: Any, name: str) -> None:
    """Add a member or an attribute that nobody expects, or one in place of another."""
    if not isinstance(group, h5py.Group):
        group = group.parent
    new = rng.choice(("extra", "0", "1", "9", "type", "layer", "weight", "node", "metadata"))
    if new in group:
        del group[new]
    rng.choice((group.create_group, lambda member: group.create_dataset(member, data=rng.choice(ARRAYS))))(new)


def _link(rng: random.Random, group: Any, name: str) -> None:
    """Put a link in a member's place: to itself, to a parent, to nothing, out of the file."""
    if name.startswith("@"):
        return
    del group[name]
    group[name] = rng.choice(
        (
            h5py.SoftLink(name),
            h5py.SoftLink("/"),
            h5py.SoftLink("/nowhere"),
            h5py.ExternalLink("/dev/zero", "/"),
            h5py.ExternalLink("secret.h5", "/secret"),
        )
    )


def _tie(rng: random.Random, group: Any, name: str) -> None:
    """Let a member be its own ancestor, by a hard link: the graph has a cycle."""
    if isinstance(group, h5py.Group) and not name.startswith("@") and isinstance(group.get(name), h5py.Group):
        group[name]["0" if rng.random() < 0.5 and "0" not in group[name] else f"loop{rng.randrange(1000)}"] = group


def _store_elsewhere(rng: random.Random, group: Any, name: str) -> None:
    """Let a dataset's numbers lie in another file."""
    if name.startswith("@") or not isinstance(group.get(name), h5py.Dataset):
        return
    shape = group[name].shape or (1,)
    del group[name]
    if rng.random() < 0.5:
        group.create_dataset(
            name, shape, "f8", external=[(rng.choice(("secret.h5", "/dev/zero")), 0, h5py.h5f.UNLIMITED)]
        )
    else:
        layout = h5py.VirtualLayout(shape, "f8")
        layout[...] = h5py.VirtualSource("secret.h5", "/secret/numbers", shape=shape)
        group.create_virtual_dataset(name, layout)


def _rename(rng: random.Random, group: Any, name: str) -> None:
    if not name.startswith("@"):
        group.move(name, f"{name}{rng.randrange(1000)}")


_CHANGES: tuple[Change, ...] = (_set, _set, _set, _remove, _add, _link, _tie, _store_elsewhere, _rename)
