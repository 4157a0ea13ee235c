"""Lava's channels, with a sender that refuses a message which its own type cannot hold.

Lava writes a message into memory of the sending port's type and casts it silently: 0.7 becomes 0, 2**40 becomes 0. A receiver
cannot see it. So where a receiving port asks for exact messages, the sender is watched. Lava is imported inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ...base.errors import SpecError


@cache
def linked_channel_class() -> Any:
    """Build the class of Lava's channels between Python models whose receiving end knows its sending end."""
    from lava.magma.compiler.channels.pypychannel import PyPyChannel

    class LinkedChannel(PyPyChannel):
        """A channel whose `dst_port` has its `src_port` as `sender`."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.dst_port.sender = self.src_port

    return LinkedChannel


def watch_senders(executable: Any) -> None:
    """Have the senders to all ports that take exact messages refuse others; to be called when the channels are built.

    Args:
        executable: Lava's, whose builders have their channels' ends.
    """
    for builder in executable.proc_builders.values():
        for name, ends in getattr(builder, "csp_ports", {}).items():
            port_type = getattr(getattr(builder.proc_model, name, None), "cls", None)
            if getattr(port_type, "takes_exact_messages", False):
                for sender in (end.sender for end in ends if hasattr(end, "sender")):
                    sender.send = _exact(sender.send, np.dtype(sender.d_type))


def _exact(send: Callable[[Any], None], kind: Any) -> Callable[[Any], None]:
    """Wrap a channel's `send` for messages that must not change on their way."""

    def send_exactly(message: Any) -> None:
        """Send a message, or refuse one that the port's type would change."""
        if isinstance(message, np.ndarray) and not np.can_cast(message.dtype, kind, "safe"):
            with np.errstate(invalid="ignore"):
                differs = message != message.astype(kind)
            if differs.any():
                repair = (
                    "Send the input words of `neuropinn_lava.engine.host.encode_points`, or give the port a wider type."
                )
                rule = f"send messages to a network that fit its own type, {kind}"
                raise SpecError("output port", rule, message[differs][0], repair)
        send(message)

    return send_exactly
