"""The cache of finished trainings and points of sweeps: one SQLite database, so that no work is done twice.

    trainings    key, contents: JSON with the seconds, network: bytes of the float network's .h5 file, sha256
    points       key, contents: JSON of the row, network: the same of the deployed network, or NULL, sha256

Each entry carries the SHA-256 of its key, contents and network. Several processes may use the database at the same time: every
access is one short transaction on a connection of its own, which also keeps it out of the processes that Lava forks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...base.errors import FileFormatError, SpecError
from ...files.atomic import check_writable
from ...files.network_file import network_bytes, read_network
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import NetworkSpec
from .result import SweepRow
from .work import TrainedNetwork

DATABASE_NAME = "sweeps.sqlite"
"""Name of the database in the cache's folder."""
TABLES = ("trainings", "points")
"""Names of the tables, which have the same columns."""
LOCK_SECONDS = 60.0
"""Longest wait for the transaction of another process, in seconds: a transaction takes milliseconds."""


def default_cache() -> Path:
    """Return the folder that is used where none is named: the user's cache, by the XDG rules."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neuropinn-lava" / "sweeps"


class SweepCache:
    """The database in a folder, which is made if it is missing.

    A database that SQLite cannot read is renamed to `sweeps.sqlite.damaged`, and an entry that is not whole counts as missing;
    `on_damage` is called with a sentence about each.

    Raises:
        SpecError: If the folder or the database cannot be made or written.
    """

    def __init__(self, folder: str | Path, on_damage: Callable[[str], None]) -> None:
        self._file, self._on_damage = Path(folder) / DATABASE_NAME, on_damage
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            got, repair = error.strerror or error, "Choose another `cache=`."
            raise SpecError(f"cache {folder}", "be a folder that can be made and written", got, repair) from error
        check_writable(self._file)
        for table in TABLES:
            columns = "key TEXT PRIMARY KEY, contents BLOB, network BLOB, sha256 TEXT"
            self._execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")

    def read_training(self, key: str) -> TrainedNetwork | None:
        """Return a finished training, or None where it is missing or damaged."""
        contents, network = self._read("trainings", key)
        return TrainedNetwork(network=network, **contents) if isinstance(network, NetworkSpec) else None

    def write_training(self, key: str, trained: TrainedNetwork) -> None:
        """Store a finished training."""
        self._write("trainings", key, {"seconds": trained.seconds}, trained.network)

    def read_point(self, key: str) -> SweepRow | None:
        """Return the row of a finished point, or None where it is missing or damaged."""
        contents, network = self._read("points", key)
        held = network if isinstance(network, QuantizedNetwork) else None
        return SweepRow(network=held, **contents) if contents else None

    def write_point(self, key: str, row: SweepRow) -> None:
        """Store the row of a finished point, with its network."""
        self._write("points", key, row.cells(), row.network)

    def _read(self, table: str, key: str) -> tuple[dict[str, Any], Network | None]:
        """Return contents and network of an entry: empty and None where it is missing or damaged."""
        found = self._execute(f"SELECT contents, network, sha256 FROM {table} WHERE key = ?", key)
        if not found:
            return {}, None
        contents, network, sha256 = found[0]
        try:
            if sha256 == _checksum(key, contents, network):
                return json.loads(contents), None if network is None else _parse_network(network)
        except (FileFormatError, TypeError):
            pass
        self._on_damage(f"The entry {key[:12]} of the cache's {table} is damaged; it is computed again.")
        return {}, None

    def _write(self, table: str, key: str, contents: dict[str, Any], network: Network | None) -> None:
        blobs = json.dumps(contents).encode(), None if network is None else network_bytes(network)
        self._execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)", key, *blobs, _checksum(key, *blobs))

    def _execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute one statement as a transaction, in a new database if the old one is damaged.

        Raises:
            SpecError: If the database cannot be used: on a full disk, or where it is locked for too long.
        """
        try:
            with contextlib.closing(sqlite3.connect(self._file, timeout=LOCK_SECONDS)) as connection, connection:
                return connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            repair = "Free some space, wait for other sweeps, or choose another `cache=`."
            raise SpecError(
                f"cache {self._file}", "be a database that can be read and written", error, repair
            ) from error
        except sqlite3.DatabaseError as error:
            aside = self._file.with_name(f"{DATABASE_NAME}.damaged")
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                self._file.replace(aside)
            self._file.with_name(f"{DATABASE_NAME}-journal").unlink(missing_ok=True)  # it is not the new database's
            self._on_damage(
                f"The cache {self._file} is damaged ({error}): it is now {aside.name}, and a new one begins."
            )
            SweepCache(self._file.parent, self._on_damage)
            return self._execute(statement, *values)


def _parse_network(contents: bytes) -> Network:
    """Read a network from the bytes of its file.

    Raises:
        FileFormatError: If they are not whole.
    """
    with tempfile.NamedTemporaryFile(suffix=".h5") as file:
        file.write(contents)
        file.flush()
        return read_network(file.name)


def _checksum(key: str, contents: bytes, network: bytes | None) -> str:
    return hashlib.sha256(key.encode() + contents + (network or b"")).hexdigest()
