"""Input ports of the layers: Lava's dense vectors, without two of the three copies that Lava makes of a message."""

from __future__ import annotations

from typing import Any

from lava.magma.core.model.py.ports import IdentityTransformer, PyInPortVectorDense


class MessagePort(PyInPortVectorDense):
    """A dense input port. One channel's message is returned as it came; several are added up, as Lava does."""

    def recv(self) -> Any:
        """Wait for a message of the port's shape."""
        if len(self.csp_ports) == 1 and isinstance(self._transformer, IdentityTransformer):
            return self.csp_ports[0].recv().astype(self._d_type, copy=False)
        return super().recv()
