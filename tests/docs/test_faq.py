"""Every error that the FAQ quotes can be produced, and reads as quoted; `…` on the page stands for any text."""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Callable
from multiprocessing import Process, SimpleQueue
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

import neuropinn_lava as nl
from neuropinn_lava.base.errors import NeuroPinnError

FAQ = Path(__file__).parents[2] / "docs" / "faq.md"
QUOTES = re.findall(r"^```text\n(.*?)\n```$", FAQ.read_text(encoding="utf-8"), re.M | re.S)
FAULTY = Path(__file__).parents[1] / "hardware_sim" / "runner" / "faulty_processes"
"""Lava processes that fail on demand."""
STALL_SECONDS = 1.0
"""Time after which a hang is found, in seconds; the page leaves the number open."""

Producer = Callable[[Path, pytest.MonkeyPatch], Any]
PRODUCERS: dict[str, Producer] = {}
"""Functions that produce each error, by a part of its quotation that no other quotation has."""


def produces(part: str) -> Callable[[Producer], Producer]:
    def enter(producer: Producer) -> Producer:
        PRODUCERS[part] = producer
        return producer

    return enter


@functools.cache
def poisson() -> nl.NetworkSpec:
    return nl.find_network("poisson")


@functools.cache
def chip() -> nl.QuantizedNetwork:
    return nl.convert(poisson()).network


def module_with(layer: torch.nn.Module) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(2, 4), layer, torch.nn.Tanh(), torch.nn.Linear(4, 1))


@produces("search_bits")
def no_weights_keep_the_budget(folder, patch):
    nl.convert(poisson(), nl.QuantizationScheme(payload_bits=4), error_budget=1.01)


@produces("(LayerNorm)")
def layer_norm(folder, patch):
    nl.from_torch(module_with(torch.nn.LayerNorm(4)))


class Branches(torch.nn.Module):
    """A network whose layers depend on the signs of its points."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)) if x.sum() > 0 else x)


@produces("GuardOnDataDependentSymNode")
def data_dependent(folder, patch):
    nl.from_torch(Branches())


@produces("run on Python 3.10, which Lava")
def python_too_new(folder, patch):
    patch.setattr(sys, "version_info", (3, 12, 1))
    nl.run(chip(), np.full((3, 2), 0.5), backend="lava")


def no_such_voltage(model: Any) -> NoReturn:
    raise ValueError("no such voltage")


def send_nothing(model: Any) -> None:
    model.sends = False


@produces("no such voltage")
def a_model_raises(folder, patch):
    run_chain(patch, no_such_voltage)


@produces("finish a step")
def a_model_does_not_send(folder, patch):
    run_chain(patch, send_nothing)


def run_chain(patch: pytest.MonkeyPatch, fault: Callable[[Any], None]) -> None:
    """Run three processes, of which the middle one fails."""
    from lava.magma.core.run_configs import Loihi2SimCfg

    from neuropinn_lava.hardware_sim.runner.run_graph import run_graph

    patch.syspath_prepend(FAULTY)
    chain = importlib.import_module("faulty_chain").chain
    run_graph(chain(3, fault, at=1), Loihi2SimCfg(), 5, stall_seconds=STALL_SECONDS)


def send_error(queue: SimpleQueue) -> None:
    """Run on Lava in this process and send its error to the parent."""
    try:
        nl.run(chip(), np.full((3, 2), 0.5), backend="lava")
    except NeuroPinnError as error:
        queue.put(error)


@produces("daemonic process")
def in_a_daemonic_process(folder, patch):
    chip()  # once, before the fork
    queue: SimpleQueue = SimpleQueue()
    worker = Process(target=send_error, args=(queue,), daemon=True)
    worker.start()
    error = queue.get()
    worker.join()
    raise error


@produces("no other graph is being compiled")
def inside_a_compilation(folder, patch):
    from neuropinn_lava.hardware_sim.runner.lava_guard import compiling

    with compiling():
        nl.run(chip(), np.full((3, 2), 0.5), backend="lava")


@produces("within time_limit")
def too_little_time(folder, patch):
    nl.run(chip(), np.full((400_000, 2), 0.5), backend="lava", time_limit=0.05)


@produces("'event'.unit")
def a_constant_without_unit(folder, patch):
    from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model

    path = folder / "mine.toml"
    path.write_text(
        'name = "mine"\ntitle = "t"\nkind = "measured"\nsource = "s"\nleaves_out = "l"\n'
        '[constants.event]\nvalue = 12.0\nsource = "t"\n'
        '[[terms]]\nname = "n"\nquantity = "synaptic_operations"\nconstants = ["event"]\n'
    )
    find_energy_model(path)


@produces("graded spikes; got Loihi 1")
def on_loihi1(folder, patch):
    nl.convert(poisson(), target="loihi1")


@produces("weights of at most 8 bits")
def ten_bit_weights(folder, patch):
    nl.convert(poisson(), nl.QuantizationScheme(weight_bits=10))


@produces("backend `integer`")
def integers_of_a_float_network(folder, patch):
    nl.run(poisson(), np.zeros((1, 2)), backend="integer")


@produces("convert: network")
def convert_twice(folder, patch):
    nl.convert(chip())


@produces("got 'poison'")
def unknown_network(folder, patch):
    nl.find_network("poison")


@produces("the contents that its header states")
def damaged_file(folder, patch):
    path = folder / "chip.h5"
    nl.write_network(chip(), path)
    contents = bytearray(path.read_bytes())
    contents[3000] ^= 1
    path.write_bytes(contents)
    nl.read_network(path)


@produces("begin with")
def somebody_elses_file(folder, patch):
    (folder / "other.h5").write_bytes(b"not ours " * 200)
    nl.read_network(folder / "other.h5")


@produces("have the shape")
def points_of_three_columns(folder, patch):
    nl.run(chip(), np.zeros((5, 3)))


@produces("have only finite coordinates")
def points_that_are_nan(folder, patch):
    nl.run(chip(), np.full((5, 2), np.nan))


@produces("calibration points")
def calibration_outside(folder, patch):
    nl.convert(poisson(), points=np.full((10, 2), 2.0))


@produces("report directory")
def a_folder_with_other_files(folder, patch):
    (folder / "thesis.tex").write_text("years of work")
    nl.demo("poisson", folder)


@produces("TrainingFiles")
def resume_from_nothing(folder, patch):
    from neuropinn_lava.app.verbs.train import TrainingFiles

    nl.train(nl.find_problem("poisson"), files=TrainingFiles(resume=True))


@produces("count_operations")
def counts_of_another_run(folder, patch):
    nl.count_operations(chip(), nl.run(poisson(), np.full((2, 2), 0.5), backend="float"))


@produces("`nir`")
def nir_is_missing(folder, patch):
    from neuropinn_lava.conversion.formats.nir_graphs import write_nir

    patch.setitem(sys.modules, "nir", None)
    write_nir(poisson(), folder / "net.nir")


def in_one_line(text: str) -> str:
    return " ".join(text.split())


ON_LAVA = {
    "no such voltage",
    "finish a step",
    "daemonic process",
    "no other graph is being compiled",
    "within time_limit",
}


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=pytest.mark.lava) if part in ON_LAVA else part for part in PRODUCERS]
)
def test_the_error_reads_as_quoted(part, tmp_path, monkeypatch):
    (quote,) = [quote for quote in QUOTES if part in quote]
    with pytest.raises(NeuroPinnError) as caught, monkeypatch.context() as patch:
        PRODUCERS[part](tmp_path, patch)
    expected = ".*".join(re.escape(in_one_line(piece)) for piece in quote.split("…"))
    error = in_one_line(str(caught.value))
    assert re.fullmatch(expected, error), f"the page says\n{quote}\nand the error is\n{error}"


def test_every_quoted_error_is_produced():
    assert [quote for quote in QUOTES if not any(part in quote for part in PRODUCERS)] == []


def number_after(words: str) -> float:
    """Read a number of the page, by the words before it."""
    (found,) = re.findall(re.escape(words) + r"\s+([\d.e-]+)", FAQ.read_text(encoding="utf-8"))
    return float(found)


ANOTHER_MACHINE = 0.1
"""Relative tolerance: on another machine rounding may choose other integers of the same error; the page gives two digits."""


@pytest.mark.parametrize(
    ("words", "rounding"),
    [("nearest rounding\nchanges u by", "nearest"), ("compensated rounding by", "compensated")],
)
def test_what_the_page_says_of_rounding_is_measured(words, rounding):
    scheme = nl.QuantizationScheme(weight_bits=6, payload_bits=10, rounding=rounding)
    points = np.random.default_rng(0).random((2000, 2))
    exact = nl.run(poisson(), points, backend="float").outputs
    change = nl.run(nl.convert(poisson(), scheme).network, points, backend="integer").outputs - exact
    assert np.linalg.norm(change) / np.linalg.norm(exact) == pytest.approx(number_after(words), rel=ANOTHER_MACHINE)


def test_what_the_page_says_of_sparsity_is_counted():
    points = np.random.default_rng(0).random((2000, 2))
    counts = nl.count_operations(chip(), nl.run(chip(), points, backend="integer"))
    assert round(100 * counts.total.spiking_activity) == number_after("In operations, yes: a shipped network at")
    share = counts.synaptic_operations_per_sample / counts.ann_macs
    assert round(100 * share) == number_after("% activity does")
