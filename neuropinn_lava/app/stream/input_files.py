"""Files of points for a network: one array of all columns, or an .npz file with an array for each input by its name.

An .npz file is read at once, unlike the others: it has an array for each input, (n, width), or (n, n_steps, width) of a
sequence.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import FileFormatError, SpecError
from ...network.given_points import checked_samples
from ...network.quantized import Network
from .arrays_io import PointFile, open_points, read_points

INPUT_SUFFIX = ".npz"
"""Ending of files with one array for each input."""


def open_inputs(path: Path, network: Network) -> PointFile | FloatArray:
    """Open the points of a network: the file itself, not read yet, or the columns of all inputs of an .npz file.

    Raises:
        SpecError: If there is no such file, if its ending is unknown, or if its arrays are not those of the inputs.
        FileFormatError: If the file cannot be read, or does not hold arrays of numbers.
    """
    return _read_named(path, network) if path.suffix.lower() == INPUT_SUFFIX else open_points(path)


def read_inputs(path: Path, network: Network) -> FloatArray:
    """Read all points of a network at once, shape (n, n_in), or (n, n_steps, n_in) where an input is a sequence.

    Raises:
        SpecError: If there is no such file, if its ending is unknown, or if its arrays are not those of the inputs.
        FileFormatError: If the file cannot be read, or does not hold arrays of numbers.
    """
    return _read_named(path, network) if path.suffix.lower() == INPUT_SUFFIX else read_points(path)


def _read_named(path: Path, network: Network) -> FloatArray:
    """Read the arrays of an .npz file, and put them side by side in the order of the inputs."""
    return checked_samples(read_arrays(path), network, f"file {path}")


def read_arrays(path: Path) -> dict[str, FloatArray]:
    """Read the arrays of an .npz file, one for each input by its name.

    Raises:
        SpecError: If there is no such file.
        FileFormatError: If it does not hold arrays of numbers.
    """
    if not path.is_file():
        raise SpecError("points file", "be an existing file", str(path), "Check its name and folder.")
    try:
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        repair = "Save it with numpy.savez(path, name=array, …), a name for each input."
        raise FileFormatError(f"file {path}", "hold an array of numbers for each input", error, repair) from error
