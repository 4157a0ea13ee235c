"""What is tortured: every reader of files, with sound files to damage, the damage, and what tells two contents apart."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from byte_damage import damage_bytes, damage_text
from hdf5_damage import damage_hdf5

import builders
from neuropinn_lava.base.arrays import record_digest
from neuropinn_lava.files import network_file as files
from neuropinn_lava.files.sealed_file import HEADER_BYTES
from neuropinn_lava.network.spec import Provenance

Damage = Callable[[random.Random, bytes, Path], None]
"""Leaves a damaged copy of the contents at the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A reader, and how to torture it."""

    suffix: str
    """Ending of its files."""
    make: Callable[[Path], Iterable[Path]]
    """Writes sound files into a folder."""
    damage: Damage
    """What is done to them."""
    load: Callable[[Path], str]
    """Reads a file with the package, and names what was read: equal names, equal contents."""
    sealed: bool = False
    """Whether a digest vouches for the contents, so that nothing else may be read than what was written."""
    guarded: Callable[[Path], object] | None = None
    """The reader with its child process before it, where the library underneath may hang or crash."""


def in_bytes(rng: random.Random, contents: bytes, path: Path) -> None:
    """Damage bytes anywhere."""
    path.write_bytes(damage_bytes(rng, contents))


def in_text(*tokens: str) -> Damage:
    """Damage lines and words, with these as what to put in."""
    words = tuple(token.encode() for token in tokens)

    def damage(rng: random.Random, contents: bytes, path: Path) -> None:
        path.write_bytes(damage_text(rng, contents, words))

    return damage


def in_hdf5(rng: random.Random, contents: bytes, path: Path) -> None:
    """Change what a whole HDF5 file says, or in one case out of three its bytes."""
    if rng.random() < 1 / 3:
        return in_bytes(rng, contents, path)
    path.write_bytes(contents)
    return damage_hdf5(rng, path)


def resealed(rng: random.Random, contents: bytes, path: Path) -> None:
    """Damage the body of a network file, and give it the header that fits: a forger's file."""
    if rng.random() < 0.5:
        body = damage_bytes(rng, contents[HEADER_BYTES:])
        path.write_bytes(contents[:HEADER_BYTES] + body)
    else:
        path.write_bytes(contents)
        damage_hdf5(rng, path)
    body = path.read_bytes()[HEADER_BYTES:]
    path.write_bytes(files.SEAL.header(len(body), hashlib.sha256(body).hexdigest()) + body)


# Network files.


def make_networks(folder: Path) -> Iterable[Path]:
    told = Provenance(problem="poisson", seed=3, command="neuropinn-lava train poisson")
    networks = (
        replace(builders.random_spec(1, widths=(1, 2, 1), ansatz=True), provenance=told),
        builders.random_spec(2, widths=(2, 5, 4, 2), n_steps=4),
        builders.random_quantized(1, widths=(1, 2, 1), activation="tanh", index_size=3),
    )
    for index, network in enumerate(networks):
        files.write_network(network, folder / f"{index}.h5")
        yield folder / f"{index}.h5"


def load_network(path: Path) -> str:
    return files.read_network(path).digest()


def guarded_network(path: Path) -> object:
    from neuropinn_lava.app.lookup.networks import find_network

    return find_network(path)


# TOML files.

NUMBERS = (
    "0",
    "-1",
    "1",
    "1e999",
    "-0.0",
    "nan",
    "inf",
    "1e-400",
    "9" * 400,
    "9" * 5000,
    "0x7fffffffffffffff",
    "1_000",
)
TOML = (
    *NUMBERS, "true", '""', "''", '"text"', "[]", "{}", '["a", "b"]', "[[[[1]]]]", "1979-05-27T07:32:00Z", "07:32:00", '"""',
    "[constants]", "[constants.x]", "[[terms]]", "[terms]", "[[constants]]", "a.b.c = 1", "name = 3", "[" * 3000, "{a=" * 2000,
    'name = "again"', "x = [", '"pJ"', '"s"', '"\\uD800"', '"\\u0000"', "target = 5", "#", "=", "part = 'static'", "low = -1",
    'quantity = "spikes"',
)  # fmt: skip


def make_toml(prefix: str) -> Callable[[Path], Iterable[Path]]:
    def make(folder: Path) -> Iterable[Path]:
        for item in sorted(resources.files("neuropinn_lava.data").iterdir(), key=lambda item: item.name):
            if item.name.startswith(prefix):
                (folder / item.name).write_bytes(item.read_bytes())
                yield folder / item.name

    return make


def load_target(path: Path) -> str:
    from neuropinn_lava.conversion.targets.target import find_target

    return record_digest(find_target(path))


def load_energy_model(path: Path) -> str:
    from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model

    return record_digest(find_energy_model(path))


def load_timing(path: Path) -> str:
    from neuropinn_lava.hardware_sim.costs.latency import find_timing

    return record_digest(find_timing(path))


# Other tools' files.


def make_nir(folder: Path) -> Iterable[Path]:
    from neuropinn_lava.conversion.formats.nir_graphs import write_nir

    for index, spec in enumerate((builders.random_spec(1, ansatz=True), builders.random_spec(2, widths=(2, 3, 1)))):
        write_nir(spec, folder / f"{index}.nir")
        yield folder / f"{index}.nir"


def load_nir(path: Path) -> str:
    from neuropinn_lava.conversion.formats.nir_graphs import parse_nir

    return replace(parse_nir(path), name="any").digest()


def guarded_nir(path: Path) -> object:
    from neuropinn_lava.conversion.formats.nir_graphs import read_nir

    return read_nir(path)


# Points.

POINTS = np.random.default_rng(0).normal(size=(20, 2))
CSV = (
    *NUMBERS, "", ",", ",,,", "x,y", "#", "a", "1,2,3", '"1","2"', "1;2", "\x00", "1e5,", " 1 , 2 ", "0x10", "1+2j", "\r", "é"
)  # fmt: skip


def make_csv(folder: Path) -> Iterable[Path]:
    for index, header in enumerate(("", "x,y")):
        path = folder / f"{index}.csv"
        np.savetxt(path, POINTS, delimiter=",", header=header, comments="", fmt="%.17g")
        yield path


def make_npy(folder: Path) -> Iterable[Path]:
    for index, array in enumerate((POINTS, np.asfortranarray(POINTS.astype(np.float32)), np.arange(6).reshape(3, 2))):
        np.save(folder / f"{index}.npy", array)
        yield folder / f"{index}.npy"


def make_pickled(folder: Path) -> Iterable[Path]:
    """Arrays of objects: to read them would be to run what they hold."""
    np.save(folder / "objects.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    yield folder / "objects.npy"
    yield from make_npy(folder)


class Bomb:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        import os

        return os.system, ("echo code ran from a file",)


def make_h5_points(folder: Path) -> Iterable[Path]:
    with h5py.File(folder / "0.h5", "w") as file:
        file["some/grid"] = POINTS
        file["time"] = np.arange(3.0)
    with h5py.File(folder / "1.h5", "w") as file:
        file.create_dataset("points", data=POINTS, chunks=(7, 2), compression="gzip", shuffle=True)
        file["other"] = POINTS
    yield from (folder / "0.h5", folder / "1.h5")


def load_points(path: Path) -> str:
    from neuropinn_lava.app.stream.arrays_io import open_unchecked

    blocks = list(open_unchecked(path).blocks())
    return array_name(np.concatenate(blocks)) if blocks else "none"


def guarded_points(path: Path) -> object:
    from neuropinn_lava.app.stream.arrays_io import read_points

    return read_points(path)


def array_name(array: Any) -> str:
    return f"{array.dtype}{array.shape}{hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()}"


# Trainings, unfinished outputs, reports.


def tiny_training() -> Any:
    """Give a fresh state and what its checkpoint must belong to."""
    import torch

    from neuropinn_lava.operators.operator_kind import OperatorKind
    from neuropinn_lava.problems import find_problem
    from neuropinn_lava.problems.recipes.phases import PhaseRecipe
    from neuropinn_lava.problems.recipes.recipe import CloudRecipe, NetworkRecipe, TrainingRecipe
    from neuropinn_lava.training.network.network import build_network
    from neuropinn_lava.training.run.checkpoints import identify
    from neuropinn_lava.training.run.state import start_state

    recipe = TrainingRecipe(
        network=NetworkRecipe(widths=(3,), activation="tanh_squared", n_steps=1, theta=0.05, output_scale=2.0),
        cloud=CloudRecipe(n_per_axis=(8, 8), operator=OperatorKind.QUADRATIC, n_neighbours=8),
        phases=(PhaseRecipe(n_iterations=30, learning_rate=1e-2, n_warmup=5),),
    )
    state = start_state(build_network(recipe.network, 2, 1, 0))
    return state, identify(find_problem("poisson"), recipe, 0, torch.float32, state.parameters.values.numel())


def make_checkpoints(folder: Path) -> Iterable[Path]:
    from neuropinn_lava.problems import find_problem
    from neuropinn_lava.training.run.checkpoints import write_checkpoint
    from neuropinn_lava.training.run.history import TrainingHistory, TrainingProgress

    state, identity = tiny_training()
    row = TrainingProgress(
        iteration=10,
        n_iterations=30,
        phase=0,
        learning_rate=0.01,
        loss=0.5,
        residual=0.4,
        activity=0.3,
        relative_l2=0.2,
    )
    for index, rows in enumerate(((), (row, row))):
        state.iteration, state.best_loss, state.history = 17, 1 / 3, TrainingHistory(rows=rows)
        state.cloud = find_problem("poisson").domain.cloud((4, 4)) if rows else None
        write_checkpoint(state, identity, folder / f"{index}.safetensors")
        yield folder / f"{index}.safetensors"


def load_checkpoint(path: Path) -> str:
    from neuropinn_lava.training.run.checkpoints import read_checkpoint
    from neuropinn_lava.training.run.state import pack_state

    state, identity = tiny_training()
    read_checkpoint(state, identity, path)
    packed = pack_state(state)
    return repr([array_name(value.numpy()) if hasattr(value, "numpy") else value for value in packed.values()])


METADATA = (*NUMBERS, "", "[]", "{}", "null", "text", '{"seed": 0}', "neuropinn-lava/checkpoint/1", "0x1p+5000", "\x00")


def forged_checkpoint(rng: random.Random, contents: bytes, path: Path) -> None:
    """Change the texts and the tensors of a checkpoint, and give it the digest that fits."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    from neuropinn_lava.training.run.checkpoints import contents_digest

    path.write_bytes(contents)
    with safe_open(path, framework="pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata())  # noqa: SIM118
    del metadata["digest"]
    for _ in range(rng.randint(1, 2)):
        key, name = rng.choice(sorted(metadata)), rng.choice(sorted(tensors))
        n = tensors[name].numel()
        change = rng.randrange(5)
        if change == 0:
            metadata[key] = rng.choice(METADATA)
        elif change == 1 and len(metadata) > 1:
            del metadata[key]
        elif change == 2 and len(tensors) > 1:
            del tensors[name]
        elif change == 3:
            shape = rng.choice(((0,), (1, 1), (n, 1), (n + 1,), (3, 8), ()))
            tensors[name] = torch.full(shape, rng.choice((0.0, float("nan"), 1e300)), dtype=torch.float64)
        else:
            tensors[name] = tensors[name].to(rng.choice((torch.float16, torch.int64, torch.bool, torch.complex64)))
    save_file(tensors, path, {**metadata, "digest": contents_digest(tensors, metadata)})


def make_weights(folder: Path) -> Iterable[Path]:
    from safetensors.torch import save_file

    save_file(make_module().state_dict(), folder / "weights.safetensors")
    yield folder / "weights.safetensors"


def make_module() -> Any:
    """Make the module that the weights belong to."""
    import torch

    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))


def load_weights(path: Path) -> str:
    from neuropinn_lava.conversion.formats.factories import load_module

    return "".join(
        array_name(tensor.numpy()) for tensor in load_module("subjects:make_module", path).state_dict().values()
    )


ROWS = np.arange(12.0).reshape(6, 2)


def make_records(folder: Path) -> Iterable[Path]:
    """Leave outputs unfinished; what is damaged is the record of how far they are."""
    from neuropinn_lava.app.stream.row_files import RowFile, record_path

    for name in ("u.npy", "u.csv"):
        with RowFile.open(folder / name, ("u0", "u1")) as rows:
            rows.append(ROWS, {"network": "a", "seconds": 1.5, "n_outside": 0})
        yield record_path(folder / name)


def load_record(path: Path) -> str:
    """Go on with the outputs, beside whose record a part of the right length stands."""
    from neuropinn_lava.app.stream.row_files import RowFile

    target = path.with_name("u.npy")
    target.with_name("u.npy.part").write_bytes(bytes(128) + ROWS.tobytes())
    path.replace(target.with_name("u.npy.part.json"))
    with RowFile.open(target, ("u0", "u1"), resume=True) as rows:
        return f"{rows.n_rows} {rows.notes}"


JSON = (
    *NUMBERS, '""', '"text"', "[]", "{}", "null", "true", "NaN", "-Infinity", '{"a": {}}', "[" * 3000, '"\\ud800"', ",", "}"
)  # fmt: skip


def make_report(folder: Path) -> Iterable[Path]:
    report = {
        "schema": "neuropinn-lava/report/1",
        "problem": "poisson",
        "network": {"widths": [2, 3, 1], "ansatz_relative_l2": None},
        "backends": {"lava": {"relative_l2": 0.5, "seconds": 1.0}},
        "energy": [{"model": "a", "joules_per_sample": 1e-9, "terms": {"synapses": 1e-9}}],
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    yield folder / "report.json"


def load_report(path: Path) -> str:
    from neuropinn_lava.hardware_sim.report.content.rows import flatten_report, read_report, report_csv

    report = read_report(path)
    return report_csv(report) + repr(flatten_report(report))


def _hdf5(suffix: str, make: Any, load: Any, guarded: Any) -> Subject:
    return Subject(suffix=suffix, make=make, damage=in_hdf5, load=load, guarded=guarded)


def _toml(prefix: str, load: Callable[[Path], str]) -> Subject:
    return Subject(suffix=".toml", make=make_toml(prefix), damage=in_text(*TOML), load=load)


SUBJECTS = {
    "network": Subject(suffix=".h5", make=make_networks, damage=in_bytes, load=load_network, sealed=True),
    "forged network": Subject(
        suffix=".h5", make=make_networks, damage=resealed, load=load_network, sealed=True, guarded=guarded_network
    ),
    "target": _toml("target_", load_target),
    "energy model": _toml("energy_", load_energy_model),
    "timing model": _toml("timing_", load_timing),
    "NIR graph": _hdf5(".nir", make_nir, load_nir, guarded_nir),
    "CSV points": Subject(suffix=".csv", make=make_csv, damage=in_text(*CSV), load=load_points),
    "NPY points": Subject(suffix=".npy", make=make_pickled, damage=in_bytes, load=load_points),
    "HDF5 points": _hdf5(".h5", make_h5_points, load_points, guarded_points),
    "checkpoint": Subject(
        suffix=".safetensors", make=make_checkpoints, damage=in_bytes, load=load_checkpoint, sealed=True
    ),
    "forged checkpoint": Subject(
        suffix=".safetensors", make=make_checkpoints, damage=forged_checkpoint, load=load_checkpoint
    ),
    "weights": Subject(suffix=".safetensors", make=make_weights, damage=in_bytes, load=load_weights),
    "unfinished outputs": Subject(suffix=".json", make=make_records, damage=in_text(*JSON), load=load_record),
    "report": Subject(suffix=".json", make=make_report, damage=in_text(*JSON), load=load_report),
}
"""Every reader by the name that the tests and the figures of docs/reliability.md give it."""
