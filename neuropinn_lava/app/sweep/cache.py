"""Finished trainings and points of sweeps in a folder, by identity: what is there is not done again.

    trainings/KEY.h5     the float network             trainings/KEY.json    schema, key, how long it took, digest
    points/KEY.h5        the deployed network          points/KEY.json       schema, key, the row, digest

A network's file proves itself whole; a JSON file carries the SHA-256 of its contents. An entry is there when its JSON file is,
which is written last. One that is damaged counts as missing, and is told of.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from ...base.errors import FileFormatError, SpecError
from ...files.atomic import check_writable, write_text
from ...files.network_file import read_network, write_network
from ...network.quantized import QuantizedNetwork
from ...network.spec import NetworkSpec
from .grid import SweepPoint
from .plan import SCHEMA
from .rows import SweepRow
from .work import MeasuredPoint, TrainedNetwork

_T = TypeVar("_T")


def default_cache() -> Path:
    """Name the folder that is used where none is named: the user's cache, by the XDG rules."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neuropinn-lava" / "sweeps"


class SweepCache:
    """The folder; made if it is missing.

    Raises:
        SpecError: If it cannot be made, or refuses new files.
    """

    def __init__(self, folder: str | Path, on_damage: Callable[[str], None]) -> None:
        self._trainings, self._points = Path(folder) / "trainings", Path(folder) / "points"
        self._on_damage = on_damage
        for part in (self._trainings, self._points):
            try:
                part.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                mend = "Choose another `cache=`."
                got = error.strerror or error
                raise SpecError(f"cache {folder}", "be a folder that can be made and written", got, mend) from error
            check_writable(part / "entry.json")

    def training(self, key: str) -> TrainedNetwork | None:
        """Give a finished training, or None where it is missing or damaged."""

        def read() -> TrainedNetwork | None:
            held = _read_json(self._trainings / f"{key}.json", key)
            if held is None:
                return None
            network = _read_same(self._trainings / f"{key}.h5", held["digest"], NetworkSpec)
            return TrainedNetwork(network=network, seconds=held["seconds"])

        return self._whole(read, f"training {key[:12]}")

    def keep_training(self, key: str, trained: TrainedNetwork) -> None:
        """Keep a finished training."""
        write_network(trained.network, self._trainings / f"{key}.h5")
        contents = {"digest": trained.network.digest(), "seconds": trained.seconds}
        _write_json(self._trainings / f"{key}.json", key, contents)

    def point(self, key: str, point: SweepPoint) -> MeasuredPoint | None:
        """Give a finished point, or None where it is missing or damaged."""

        def read() -> MeasuredPoint | None:
            held = _read_json(self._points / f"{key}.json", key)
            if held is None:
                return None
            row = SweepRow(**held["row"])
            if row.network_digest is None:
                return MeasuredPoint(point=point, row=row, network=None)
            network = _read_same(self._points / f"{key}.h5", row.network_digest, QuantizedNetwork)
            return MeasuredPoint(point=point, row=row, network=network)

        return self._whole(read, f"point {key[:12]}")

    def keep_point(self, key: str, measured: MeasuredPoint) -> None:
        """Keep a finished point."""
        if measured.network is not None:
            write_network(measured.network, self._points / f"{key}.h5")
        _write_json(self._points / f"{key}.json", key, {"row": asdict(measured.row)})

    def _whole(self, read: Callable[[], _T | None], what: str) -> _T | None:
        try:
            return read()
        except (FileFormatError, KeyError, TypeError) as error:
            self._on_damage(f"The cache's {what} is damaged and is computed again: {error}")
            return None


def _read_json(path: Path, key: str) -> dict[str, Any] | None:
    """Read an entry's contents; None where there is none.

    Raises:
        FileFormatError: If it is not whole, or is another entry's.
    """
    mend = "It will be written again."
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"file {path}", "be readable JSON", error, mend) from error
    if not isinstance(held, dict) or (held.get("schema"), held.get("key")) != (SCHEMA, key):
        raise FileFormatError(f"file {path}", f"have schema {SCHEMA} and the key of its name", "something else", mend)
    contents = held.get("contents")
    if not isinstance(contents, dict) or held.get("sha256") != _checksum(contents):
        raise FileFormatError(f"file {path}", "have the checksum of its contents", held.get("sha256"), mend)
    return contents


def _write_json(path: Path, key: str, contents: dict[str, Any]) -> None:
    entry = {"schema": SCHEMA, "key": key, "sha256": _checksum(contents), "contents": contents}
    write_text(path, json.dumps(entry, indent=1) + "\n")


def _checksum(contents: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def _read_same(path: Path, digest: str, kind: type) -> Any:
    """Read a network, and make sure that it is the one that its entry means."""
    network = read_network(path)
    if not isinstance(network, kind) or network.digest() != digest:
        raise FileFormatError(
            f"file {path}", f"hold the network {digest[:12]}", network.digest()[:12], "It will be made again."
        )
    return network
