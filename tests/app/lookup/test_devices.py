"""Other hardware in the verbs: run, verify and profile on C99; names and options that are refused."""

from __future__ import annotations

import importlib.util
import shutil

import numpy as np
import pytest

import neuropinn_lava as nl
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.app.verbs.profile import HardwareChoices
from neuropinn_lava.hardware_sim.report.content.json_record import report_object
from neuropinn_lava.hardware_sim.report.content.markdown import report_markdown

POINTS = np.random.default_rng(0).random((40, 2))
needs_compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("cc", "gcc", "clang")), reason="needs a C compiler"
)
needs_emulator = pytest.mark.skipif(
    importlib.util.find_spec("unicorn") is None or shutil.which("arm-none-eabi-gcc") is None,
    reason="needs the extra `mcu` and arm-none-eabi-gcc",
)


@pytest.fixture(scope="module")
def chip() -> nl.QuantizedNetwork:
    found = find_network("poisson")
    assert isinstance(found, nl.NetworkSpec)
    return nl.convert(found).network


@needs_compiler
def test_c99_is_run_and_certified(chip: nl.QuantizedNetwork) -> None:
    trace = nl.run(chip, POINTS, backend="c99")
    assert np.array_equal(trace.readout, nl.run(chip, POINTS).readout)
    parity = nl.verify(chip, POINTS, backends=("c99",))
    assert parity.integer_vs_lava_mismatches is None
    assert parity.mismatches == 0
    assert parity.devices[0].n_samples == len(POINTS)
    assert parity.values_compared > 10_000


@needs_compiler
def test_a_report_shows_devices_beside_the_target(chip: nl.QuantizedNetwork) -> None:
    report = nl.profile(chip, n_points=30, with_lava=False, hardware=HardwareChoices(devices=("c99",)))
    assert [device.name for device in report.devices] == ["loihi2", "c99"]
    assert report.devices[1].mismatches == 0
    assert [each["name"] for each in report_object(report)["devices"]] == ["loihi2", "c99"]
    assert "## On devices" in report_markdown(report)


@needs_emulator
def test_an_emulated_microcontroller_computes_the_same_bits(chip: nl.QuantizedNetwork) -> None:
    trace = nl.run(chip, POINTS[:4], backend="c99", device="cortex-m4")
    assert np.array_equal(trace.readout, nl.run(chip, POINTS[:4]).readout)


def test_what_devices_cannot_have_is_refused(chip: nl.QuantizedNetwork) -> None:
    with pytest.raises(nl.SpecError, match=r"run\.device must be left out on backend 'integer'"):
        nl.run(chip, POINTS, device="cortex-m4")
    with pytest.raises(nl.SpecError, match=r"HardwareChoices\.devices must be one of .*Did you mean"):
        nl.profile(chip, n_points=10, with_lava=False, hardware=HardwareChoices(devices=("cortex-m5",)))
    with pytest.raises(nl.SpecError, match="devices compute integers"):
        nl.profile(chip.source, n_points=10, with_lava=False, hardware=HardwareChoices(devices=("c99",)))
    with pytest.raises(nl.SpecError, match=r"verify\.backends must be one of c99, lava, onnx, qonnx, rtl"):
        nl.verify(chip, POINTS, backends=("integer",))
    with pytest.raises(nl.SpecError, match=r"verify: backend `c99` must get a quantized network"):
        nl.verify(chip.source, POINTS, backends=("c99",))
