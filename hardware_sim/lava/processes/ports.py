"""Ports of the nodes: Lava's dense vectors, without two of the three copies that Lava makes of a message, and numbered ones.

Lava casts messages silently, 0.7 to 0 and 2**40 to 0. These ports refuse what their type cannot hold. A process model names
the type of each of its ports as an attribute of its class; a node has as many input ports as connections, so that the
attributes of numbered ports are made by the class of the class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import IdentityTransformer, PyInPortVectorDense

from neuropinn_lava.base.errors import SpecError


class MessagePort(PyInPortVectorDense):
    """A dense input port. One channel's message is returned as it came; several are added up, as Lava does."""

    takes_exact_messages = True
    """Asks the runner to refuse, where it is sent, a message that the sender's port would cast with a loss."""

    def recv(self) -> Any:
        """Wait for a message of the port's shape.

        Raises:
            SpecError: If the port's type cannot hold a value of the message.
        """
        if len(self.csp_ports) == 1 and isinstance(self._transformer, IdentityTransformer):
            message = self.csp_ports[0].recv()
        else:
            message = super().recv()
        if message.dtype == self._d_type:
            return message
        with np.errstate(invalid="ignore"):
            held = message.astype(self._d_type)
        if not np.array_equal(held, message):
            lost = message[held != message][0]
            repair = "Send input words, as `neuropinn_lava.engine.host.encode_points` makes them."
            raise SpecError("input port", f"receive messages that fit {np.dtype(self._d_type)}", lost, repair)
        return held


class ProductPort(MessagePort):
    """A port for the products of Lava's own Dense, whose model must compute in the same numbers as the neurons."""

    def recv(self) -> Any:
        """Wait for products.

        Raises:
            SpecError: If they come in another type: the float model of a Dense does not undo the doubling of integer weights.
        """
        products = super(MessagePort, self).recv() if len(self.csp_ports) > 1 else self.csp_ports[0].recv()
        if products.dtype != self._d_type:
            repair = "Take the exception for Dense out of the run configuration, or use `net.run_config()`."
            raise SpecError("input port", f"receive products of type {np.dtype(self._d_type)}", products.dtype, repair)
        return products


class NumberedPorts(type(PyLoihiProcessModel)):  # type: ignore[misc]
    """Class of process models whose ports `a_in`, or `a_in_0`, `a_in_1`, …, have the type `numbered["a_in"]`."""

    def __getattr__(cls, name: str) -> Any:
        """Return the type of a port or variable that the process has any number of.

        Raises:
            AttributeError: If there are none of that name.
        """
        kind, _, number = name.rpartition("_")
        kind = kind if number.isdigit() else name
        if kind in cls.numbered:
            return cls.numbered[kind]
        raise AttributeError(name)
