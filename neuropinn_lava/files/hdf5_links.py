"""Check that an HDF5 file is self-contained: no links to other files, no numbers stored in other files.

A link may lead to any file of the machine, or to a device that never ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.errors import FileFormatError

if TYPE_CHECKING:
    import h5py


def check_self_contained(file: h5py.File, where: str) -> None:
    """Refuse a file with a link or a dataset that leads out of it; `where` names the file.

    Raises:
        FileFormatError: If there is one; the first is named.
    """
    import h5py

    seen, waiting = set[int](), [file["/"]]
    while waiting:
        group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:  # hard links may make cycles
            continue
        seen.add(address)
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                _refuse_link(where, f"{group.name}/{name}", type(link).__name__)
            member = group[name]
            if isinstance(member, h5py.Group):
                waiting.append(member)
            elif isinstance(member, h5py.Dataset) and (member.is_virtual or member.external is not None):
                _refuse_link(where, f"{group.name}/{name}", "numbers in another file")


def _refuse_link(where: str, member: str, found: str) -> None:
    repair = "Copy what it leads to into the file."
    raise FileFormatError(f"{where}: {member.replace('//', '/')}", "lie in the file itself", found, repair)
