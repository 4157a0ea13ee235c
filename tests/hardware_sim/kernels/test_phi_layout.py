"""phi in the loops of both kernels, for every activation and every z of a word: the bits of `look_up`."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.hardware_sim.kernels import compiled_loops, layout, numpy_loops
from neuropinn_lava.network.activations import ACTIVATIONS
from neuropinn_lava.network.phi_table import look_up, make_table

TOP = 2**15 - 1


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "leaky_relu(-0.3)", "elu(0.5)"])
@pytest.mark.parametrize("state_exponent", [-14, -11, -6, 3])
@pytest.mark.parametrize("payload_bits", [8, 16])
def test_payloads_of_every_z(activation: str, state_exponent: int, payload_bits: int) -> None:
    table = make_table(
        activation,
        state_exponent=state_exponent,
        state_bits=16,
        payload_exponent=-10,
        payload_bits=payload_bits,
        index_size=5,
    )
    z = np.arange(-TOP, TOP + 1)
    expected, n_saturated = look_up(table, z)
    phi = layout.lay_out_phi(table)
    rounded = numpy_loops._phi(z, phi)
    assert np.clip(rounded, -phi.highest, phi.highest).tolist() == expected.tolist()
    for dtype in (np.int32, np.int64):
        payload, counts, saturated = (np.zeros(shape, np.int32) for shape in (len(z), (2, len(z)), len(z)))
        compiled_loops._send(z.astype(dtype), np.arange(len(z)), phi, payload, counts, saturated)
        assert payload.tolist() == expected.tolist()
        assert saturated.sum() == n_saturated == np.count_nonzero(rounded != expected)
