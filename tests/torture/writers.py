"""Everything of the package that replaces files: how to write, what was there before, and what may be found afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from subjects import load_checkpoint, tiny_training

import builders
import report_cases
from neuropinn_lava.app.stream.row_files import RowFile
from neuropinn_lava.conversion.formats.nir_graphs import write_nir
from neuropinn_lava.files.atomic import write_text
from neuropinn_lava.files.network_file import write_network
from neuropinn_lava.hardware_sim.fields import vtk_export
from neuropinn_lava.hardware_sim.report import folder as report_folder
from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.micromechanics.stresses import build_stress_cloud

State = dict[str, bytes]
"""Contents of what the writer answers for, by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One of them. All of it happens in a folder that nothing else uses."""

    target: str
    """The file or folder whose name it takes."""
    write: Callable[[Path, int], None]
    """Writes version 0 or 1 of the contents to a path."""
    read: Callable[[Path], bytes] = Path.read_bytes
    """Gives what a file says; its bytes, unless the same contents may have several."""
    keeps: tuple[str, ...] = ()
    """Files of the user's in the target that must be there before, after, and in between."""

    def state(self, folder: Path) -> State:
        """Read what stands at the target."""
        target = folder / self.target
        if target.is_file():
            return {"": self.read(target)}
        return {
            str(path.relative_to(target)): path.read_bytes() for path in sorted(target.rglob("*")) if path.is_file()
        }

    def begin(self, folder: Path) -> State:
        """Empty the folder, write version 0 and the user's files, and give that state."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.write(folder / self.target, 0)
        for name in self.keeps:
            (folder / self.target / name).parent.mkdir(exist_ok=True)
            (folder / self.target / name).write_text("the user's")
        return self.state(folder)


NETWORKS = (builders.random_spec(1, widths=(2, 40, 40, 1)), builders.random_quantized(1, widths=(2, 60, 60, 1)))


def write_a_checkpoint(path: Path, version: int) -> None:
    from neuropinn_lava.training.run.checkpoints import write_checkpoint

    state, identity = tiny_training()
    state.iteration = version
    write_checkpoint(state, identity, path)


def read_a_checkpoint(path: Path) -> bytes:
    """Read it with the package: safetensors writes texts in any order. Half a file is told by its digest."""
    return load_checkpoint(path).encode()


def write_a_history(path: Path, version: int) -> None:
    from neuropinn_lava.training.run.history import TrainingHistory, TrainingProgress, write_history

    row = TrainingProgress(
        iteration=version,
        n_iterations=9,
        phase=0,
        learning_rate=0.1,
        loss=1.0,
        residual=1.0,
        activity=0.5,
        relative_l2=0.1,
    )
    write_history(TrainingHistory(rows=(row,) * 500), path)


def write_outputs(path: Path, version: int) -> None:
    """Write three blocks, and go on where an earlier attempt was killed."""
    rows_of = np.random.default_rng(version).normal(size=(3, 2000, 2))
    with RowFile.open(path, ("u", "v"), resume=True) as rows:
        for block in range(rows.n_rows // 2000, 3):
            rows.append(rows_of[block], {"version": version})
        rows.finish()


class VtkFiles:
    """Two fields on one cloud, which is laid once."""

    def __init__(self) -> None:
        self._cell = sphere_cell(radius=0.27, contrast=10.0)
        self._cloud = build_stress_cloud(self._cell, 8)

    def write(self, path: Path, version: int) -> None:
        """Write one of them."""
        vtk_export.build_stress_cloud = lambda cell, n: self._cloud
        vtk_export.write_vtk(path, self._cell, lambda points: (1 + version) * points, n=8)


class Reports:
    """Two reports, drawn once: what is tortured is how they reach the disk."""

    def __init__(self) -> None:
        self._report = report_cases.full_report()
        self._figures = report_folder.draw_report(self._report)
        self._page = report_folder.report_page(self._report, self._figures)
        self._text = report_folder.report_text(self._report)

    def write(self, path: Path, version: int) -> None:
        """Write one of them."""
        report_folder.draw_report = lambda report: self._figures[: 3 - version]
        report_folder.report_page = lambda report, figures: self._page + f"<!-- {version} -->"
        report_folder.report_text = lambda report: self._text + "\n" * version
        report_folder.write_report(self._report, path)


def make_writers() -> dict[str, Writer]:
    """Give them by name."""
    return {
        "text": Writer(target="a.txt", write=lambda path, version: write_text(path, f"{version}" * 100_000)),
        "network": Writer(target="net.h5", write=lambda path, version: write_network(NETWORKS[version], path)),
        "checkpoint": Writer(target="state.safetensors", write=write_a_checkpoint, read=read_a_checkpoint),
        "history": Writer(target="history.csv", write=write_a_history),
        "NIR graph": Writer(
            target="net.nir", write=lambda path, version: write_nir(builders.random_spec(version), path)
        ),
        "VTK file": Writer(target="field.vtu", write=VtkFiles().write),
        "NPY outputs": Writer(target="u.npy", write=write_outputs),
        "CSV outputs": Writer(target="u.csv", write=write_outputs),
        "HDF5 outputs": Writer(target="u.h5", write=write_outputs),
        "report folder": Writer(target="report", write=Reports().write, keeps=("notes.txt", "mine/data.txt")),
    }


NAMES = (
    "text",
    "network",
    "checkpoint",
    "history",
    "NIR graph",
    "VTK file",
    "NPY outputs",
    "CSV outputs",
    "HDF5 outputs",
    "report folder",
)
NEEDS = {"NIR graph": "nir", "VTK file": "meshio"}
"""Modules that some of them need, which come with an extra."""
