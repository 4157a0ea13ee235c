"""Lava models with one thing wrong each, made from the real ones: the certificate must find and locate every one.

A mutant of the arithmetic is the real source of the loops with one expression replaced; a mutant of the numbers is the real
model with one bit of its layer changed.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from neuropinn_lava.hardware_sim.kernels import compiled_loops, numpy_loops
from neuropinn_lava.hardware_sim.kernels.layer_kernel import IntegerKernel, Kernel
from neuropinn_lava.hardware_sim.kernels.product_kernel import ProductKernel
from neuropinn_lava.hardware_sim.lava.processes.layer_models import (
    IntegerProductLayerModel,
    IntegerReadoutLayerModel,
    IntegerVsnModel,
    IntegerVsnNeuronsModel,
)
from neuropinn_lava.hardware_sim.steps.inbox import Inbox
from neuropinn_lava.hardware_sim.steps.layer_runs import NodeRun


def mutated(original: ModuleType, expression: str, instead: str) -> Any:
    """Execute a module's source with an expression, which occurs once, replaced."""
    source = inspect.getsource(original)
    assert source.count(expression) == 1, (
        f"{expression!r} occurs {source.count(expression)} times in {original.__name__}"
    )
    module = ModuleType(f"{original.__name__}_mutant")
    module.__package__ = original.__package__  # from where its imports start
    exec(source.replace(expression, instead), module.__dict__)
    return module


class WrongArithmetic(IntegerVsnModel):
    """A layer that computes with `loops`."""

    loops: Any = None

    def make_kernel(self) -> Kernel:
        return IntegerKernel(self.proc_params["layer"], self.loops)


class StrictThreshold(WrongArithmetic):
    """Fires above the threshold, not at it."""

    loops = mutated(numpy_loops, ">= neurons.theta", "> neurons.theta")


class StrictThresholdInCompiledLoops(WrongArithmetic):
    """The same in the loops that numba compiles."""

    loops = mutated(compiled_loops, "reached < neurons.theta[j]", "reached <= neurons.theta[j]")


class LeakRoundedDown(WrongArithmetic):
    """A negative membrane leaks toward minus infinity, not toward zero."""

    loops = mutated(numpy_loops, "(scaled < 0) * 4095", "0")


class LeakRoundedDownInCompiledLoops(WrongArithmetic):
    """The same in the loops that numba compiles."""

    loops = mutated(compiled_loops, "I32(-kept) if", "I32(-kept - 1) if")


class StrictNeurons(IntegerVsnNeuronsModel):
    """Neurons behind Lava's Dense that fire above the threshold, not at it."""

    def make_kernel(self) -> Kernel:
        return IntegerKernel(self.proc_params["layer"], StrictThreshold.loops)


FLIPPED = (1, 2, 3)
"""Layer, neuron and input of the weight whose lowest bit is flipped."""


class FlippedWeight(IntegerVsnModel):
    """The lowest bit of one weight of one layer is flipped."""

    def make_kernel(self) -> Kernel:
        layer = self.proc_params["layer"]
        index, neuron, source = FLIPPED
        if layer.name != f"hidden{index}":
            return IntegerKernel(layer)
        weight = layer.affine.weight.copy()
        weight[neuron, source] ^= np.int64(1)
        return IntegerKernel(replace(layer, affine=layer.affine.with_weight(weight)))


class FlippedReadoutBias(IntegerReadoutLayerModel):
    """The lowest bit of one output's bias is flipped."""

    def make_kernel(self) -> Kernel:
        layer = self.proc_params["layer"]
        bias = layer.affine.bias.copy()
        bias[0] ^= np.int64(1)
        return IntegerKernel(replace(layer, affine=replace(layer.affine, bias=bias)))


class Failing(IntegerVsnModel):
    """Raises at Lava's third step."""

    def step(self) -> None:
        if self.time_step == 3:
            raise ZeroDivisionError("on purpose")
        super().step()


class LateConnection(IntegerVsnModel):
    """The first connection of hidden2 has a delay longer by one step."""

    def make_work(self) -> NodeRun:
        run, given = super().make_work(), self.proc_params
        if given["layer"].name == "hidden2":
            first, *others = given["timing"].lines
            late = replace(first, delay=first.delay + 1, length=first.length + given["schedule"].interval)
            timing = replace(given["timing"], lines=(late, *others))
            run._inbox = Inbox(timing, run.kernel.widths_in, given["schedule"], np.int32)
        return run


class SwappedConnections(IntegerVsnModel):
    """The first two connections of hidden2 receive each other's messages."""

    def make_work(self) -> NodeRun:
        run = super().make_work()
        if self.proc_params["layer"].name == "hidden2":
            self._in[0], self._in[1] = self._in[1], self._in[0]
        return run


class ShiftedProduct(IntegerProductLayerModel):
    """A product is shifted by one bit less."""

    def make_kernel(self) -> ProductKernel:
        layer = self.proc_params["layer"]
        return ProductKernel(replace(layer, sends=replace(layer.sends, exponent=layer.sends.exponent - 1)))


class DroppedRelay(IntegerVsnModel):
    """The relay hidden1 passes nothing on."""

    def make_kernel(self) -> Kernel:
        layer = self.proc_params["layer"]
        if layer.name != "hidden1":
            return IntegerKernel(layer)
        silent = layer.affine.with_weight(np.zeros_like(layer.affine.weight), bias=np.zeros_like(layer.affine.bias))
        return IntegerKernel(replace(layer, affine=silent))
