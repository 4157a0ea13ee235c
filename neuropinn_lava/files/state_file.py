"""State files: where a run of sequences has ended, sealed like a network file. docs/format.md defines the format.

state = read_state("state.h5")
trace = nl.run(chip, sequences, state=state)        goes on behind the steps of an earlier call
write_state(trace.state, "state.h5")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..base.arrays import record_digest
from ..base.errors import FileFormatError, SpecError
from ..engine.state import RunState
from .atomic import write_bytes
from .parser_guard import try_parser
from .sealed_file import Seal

if TYPE_CHECKING:
    import h5py

SEAL = Seal(
    noun="state",
    schema=1,
    known=(1,),
    writer="`neuropinn-lava run --sequence --save-state`, or `neuropinn_lava.write_state`",
    again="Run the sequence again and save its state",
)
"""The kind of sealed file."""


def write_state(state: RunState | None, path: str | Path) -> None:
    """Write the state in which a run ended to an HDF5 file, all of it or none.

    Args:
        state: `trace.state` of a run that was given one.
        path: The file, .h5; an old one is replaced.

    Raises:
        SpecError: If `state` is no state, if the path does not end in .h5 or cannot be written, or if the disk is full.
    """
    from .record_store import write_record

    if not isinstance(state, RunState):
        repair = "Give the run a state to begin with, `RunState.begin(network, n_samples)`; its trace has the state at the end."
        raise SpecError("write_state.state", "be a RunState", type(state).__name__, repair)

    def fill(file: h5py.File) -> None:
        file.attrs["digest"] = record_digest(state)
        write_record(file.create_group("state", track_order=True), state)

    write_bytes(SEAL.check_path(path), SEAL.contents(fill))


def read_state(path: str | Path) -> RunState:
    """Read a state from a file written by `write_state`.

    A run checks that it is a state of its network and of its samples. As for networks, the digest in the header finds damage
    before HDF5 is opened, and does not authenticate the author.

    Args:
        path: The file.

    Raises:
        FileFormatError: If the file is missing, foreign, damaged, of another schema version, or breaks a rule of the records.
    """
    return SEAL.read(path, lambda file, _: _read_contents(file, str(path)))


def find_state(path: str | Path) -> RunState:
    """Read a state from a user's file, in a child process first: a digest detects damage, but not a malicious writer.

    Raises:
        FileFormatError: If the file is not a whole state file.
    """
    try_parser(f"{__name__}:read_state", path, "file")
    return read_state(path)


def check_state_path(path: str | Path) -> Path:
    """Check that a path ends in .h5 and can be written, before the run whose state it stores.

    Raises:
        SpecError: If it does not end in .h5, or cannot be written.
    """
    return SEAL.check_path(path)


def _read_contents(file: h5py.File, path: str) -> RunState:
    from .record_store import own_member, read_record

    found = sorted([*file.attrs, *file])
    if found != ["digest", "state"]:
        repair = "Use the version of neuropinn-lava that wrote the file."
        raise FileFormatError(f"file {path}", "have the members digest and state", found, repair)
    state = read_record(own_member(file, "state"), RunState)
    if record_digest(state) != file.attrs.get("digest"):
        repair = "Run the sequence again and save its state."
        raise FileFormatError(f"file {path}", "have the digest of its state", file.attrs.get("digest"), repair)
    return state
