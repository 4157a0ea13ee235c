"""Input ports of the layers: Lava's dense vectors, without two of the three copies that Lava makes of a message.

Lava casts messages silently, 0.7 to 0 and 2**40 to 0. These ports refuse what their type cannot hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import IdentityTransformer, PyInPortVectorDense

from neuropinn_lava.base.errors import SpecError


class MessagePort(PyInPortVectorDense):
    """A dense input port. One channel's message is returned as it came; several are added up, as Lava does."""

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
            mend = "Send input words, as `neuropinn_lava.engine.host.encode_points` makes them."
            raise SpecError("input port", f"messages that fit {np.dtype(self._d_type)}", lost, mend)
        return held
