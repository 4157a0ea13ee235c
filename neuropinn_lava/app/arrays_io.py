"""Points and outputs in files: .npy and .csv, read without pickle, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..arrays import FloatArray
from ..atomic import replacing
from ..errors import FileFormatError, SpecError

SUFFIXES = (".npy", ".csv")
"""File types that points come from and outputs go to."""


def check_suffix(path: Path, where: str) -> Path:
    """Accept a path whose ending names a known type.

    Raises:
        SpecError: If it does not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise SpecError(where, f"a file ending in {' or '.join(SUFFIXES)}", path.name, "Choose another ending.")
    return path


def read_points(path: str | Path) -> FloatArray:
    """Read an (n, d) array of points: .npy, or .csv with one point a row and an optional header line.

    Raises:
        SpecError: If the ending is unknown.
        FileFormatError: If the file cannot be read as numbers.
    """
    file = check_suffix(Path(path), "points file")
    try:
        if file.suffix.lower() == ".npy":
            return np.asarray(np.load(file, allow_pickle=False), dtype=np.float64)
        return _read_csv(file)
    except (OSError, ValueError, EOFError) as error:
        mend = "Save points with numpy.save, or as comma-separated rows."
        raise FileFormatError(f"file {file}", "an array of numbers", error, mend) from error


def _read_csv(file: Path) -> FloatArray:
    """Read rows of numbers; a first line that is not numeric is a header."""
    with file.open(encoding="utf-8") as lines:
        first = lines.readline()
    try:
        [float(entry) for entry in first.split(",")]
    except ValueError:
        header = 1
    else:
        header = 0
    return np.loadtxt(file, delimiter=",", skiprows=header, ndmin=2, dtype=np.float64)


def write_outputs(path: str | Path, outputs: FloatArray, names: tuple[str, ...]) -> None:
    """Write outputs (n, n_out) as .npy, or as .csv with a header of their names."""
    file = check_suffix(Path(path), "output file")
    with replacing(file) as temporary, temporary.open("wb") as handle:
        if file.suffix.lower() == ".npy":
            np.save(handle, outputs, allow_pickle=False)
        else:
            np.savetxt(handle, outputs, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
