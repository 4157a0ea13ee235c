"""Energy and timing models as files: every shipped constant has a source, and every rule of the form is enforced."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.hardware_sim.costs.constants import UNITS, Constant
from neuropinn_lava.hardware_sim.costs.energy_files import SHIPPED, find_energy_model, read_energy_model, shipped_models
from neuropinn_lava.hardware_sim.costs.energy_model import EnergyModel, Kind, Part, Term
from neuropinn_lava.hardware_sim.costs.latency import SHIPPED as SHIPPED_TIMINGS
from neuropinn_lava.hardware_sim.costs.latency import find_timing, read_timing

GOOD = """
name = "mine"
title = "My chip"
kind = "measured"
source = "my laboratory"
leaves_out = "the host"

[constants.event]
value = 2.0
low = 1.0
unit = "pJ"
source = "my laboratory, March"

[[terms]]
name = "synapses"
quantity = "synaptic_operations"
constants = ["event"]
"""


def shipped_constants() -> Iterator[tuple[str, Constant]]:
    for model in shipped_models():
        yield from ((model.name, constant) for constant in model.constants)
    for name in SHIPPED_TIMINGS:
        yield from ((name, constant) for constant in find_timing(name).constants)


def test_every_constant_in_the_repository_has_a_source_and_a_unit() -> None:
    for name, constant in shipped_constants():
        assert len(constant.source.split()) >= 2, f"{name}: {constant.name} needs a source that can be looked up"
        assert constant.unit in UNITS


def test_every_file_is_shipped_and_every_shipped_name_is_a_file() -> None:
    names = {entry.name for entry in resources.files("neuropinn_lava.data").iterdir()}
    assert {name for name in names if name.startswith("energy_")} == {
        f"energy_{name.replace('-', '_')}.toml" for name in SHIPPED
    }
    assert {name for name in names if name.startswith("timing_")} == {f"timing_{name}.toml" for name in SHIPPED_TIMINGS}
    assert [model.name for model in shipped_models()] == list(SHIPPED)


def test_loihi_2_has_joules_of_measured_steps_and_of_no_operation() -> None:
    named = [model for model in shipped_models() if "loihi 2" in model.title.lower() or "loihi2" in model.name]
    assert len(named) == 2
    for model in named:
        assert model.prices_steps
        assert model.kind is Kind.MEASURED
        assert model.measured_on == "another network, read off a figure"
        assert "LoihiScalingEfficiency" in model.source


def test_point_values_lie_inside_their_ranges_and_not_at_the_low_end() -> None:
    for model in shipped_models():
        for constant in model.constants:
            if constant.low is not None or constant.high is not None:
                assert constant.lowest < constant.value <= constant.highest, f"{model.name}: {constant.name}"


def test_measured_constants_say_on_what() -> None:
    for model in shipped_models():
        assert (model.measured_on is not None) == (model.kind is Kind.MEASURED), model.name


@pytest.mark.parametrize(
    ("model", "constant", "joules"),
    [  # FACTS of the field, once more, so that a slip of the file is found
        ("loihi1-davies", "synaptic_event", 28.9e-12),
        ("loihi1-davies", "active_update", 81e-12),
        ("loihi1-davies", "inactive_update", 52e-12),
        ("loihi1-davies", "tile_spike", 1.7e-12),
        ("loihi1-davies", "hop_east_west", 3.0e-12),
        ("loihi1-davies", "hop_north_south", 4.0e-12),
        ("loihi1-davies", "static_power", 0.104),
        ("loihi1-davies", "barrier", 229e-9),
        ("loihi1-davies", "synaptic_time", 3.5e-9),
        ("loihi1-davies", "active_time", 8.4e-9),
        ("loihi1-davies", "inactive_time", 5.3e-9),
        ("loihi2-builtin-step", "energy_of_a_step", 0.94e-6),
        ("loihi2-microcoded-step", "energy_of_a_step", 2.5e-6),
        ("loihi1-sanafe", "synaptic_event", 35.5e-12),
        ("loihi1-sanafe", "neuron_access", 51.2e-12),
        ("loihi1-sanafe", "neuron_update", 21.6e-12),
        ("loihi1-sanafe", "spike_out", 69.3e-12),
        ("loihi1-sanafe", "message_out", 111e-12),
        ("keras-loihi", "synaptic_operation", 27.1e-12),
        ("keras-cpu", "synaptic_operation", 8.6e-9),
        ("keras-gpu", "synaptic_operation", 0.3e-9),
        ("keras-arm", "synaptic_operation", 0.9e-9),
        ("spinnaker", "synaptic_operation", 13.3e-9),
        ("spinnaker", "neuron_update", 26e-9),
        ("spinnaker2", "synaptic_operation", 450e-12),
        ("spinnaker2", "neuron_update", 2.19e-9),
        ("45nm-int8", "multiply_bit", 0.00308e-12),
        ("45nm-fp32", "multiply", 3.7e-12),
        ("vsn-authors", "mac", 4.6e-12),
    ],
)
def test_constants_are_the_published_ones(model: str, constant: str, joules: float) -> None:
    assert find_energy_model(model).constant(constant).si == pytest.approx(joules, rel=1e-12)


def test_a_users_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    model = find_energy_model(path)
    assert (model.name, model.kind, model.constant("event").lowest) == ("mine", Kind.MEASURED, 1.0)
    assert model.terms[0].part is Part.DYNAMIC


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "pJ"\n', "", "unit must be present"),
        ('unit = "pJ"', 'unit = "pj"', "unit must be one of"),
        ('unit = "pJ"', 'unit = "s"', "have a product that is an energy"),
        ('source = "my laboratory, March"\n', "", "source must be present"),
        ('source = "my laboratory, March"', 'source = " "', "a text that is not empty"),
        ('source = "my laboratory"\n', "", "source must be present"),
        ("value = 2.0", "value = -2.0", "a finite number, 0 or more"),
        ("value = 2.0", "value = nan", "a finite number, 0 or more"),
        ("value = 2.0", "value = inf", "a finite number, 0 or more"),
        ("value = 2.0", 'value = "2"', "a number"),
        ("value = 2.0", "value = true", "a number"),
        ("low = 1.0", "low = 3.0", "low <= value <= high"),
        ("low = 1.0", "lowest = 1.0", "key must be one of"),
        ('kind = "measured"', 'kind = "guessed"', "kind must be one of"),
        ('name = "mine"', 'nmae = "mine"', "key must be one of"),
        ('leaves_out = "the host"\n', "", "leaves_out must be present"),
        ('quantity = "synaptic_operations"', 'quantity = "synops"', "quantity must be one of"),
        ('constants = ["event"]', 'constants = ["evnet"]', "constants must be one of"),
        ('constants = ["event"]', 'constants = "event"', "a list of names"),
        ('constants = ["event"]', 'constants = ["event"]\npart = "both"', "part must be one of"),
        ("[[terms]]", "[[trems]]", "one \\[\\[terms\\]\\] or more"),
        ("[constants.event]", "[constants]\nspare = 1\n[constants.event]", "a table"),
        (
            "[constants.event]",
            "[constants.spare]\nvalue = 1\nunit = 'pJ'\nsource = 'my lab'\n[constants.event]",
            "be used",
        ),
        ('name = "mine"', "name = mine", "a readable TOML file"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(FileFormatError, match=message) as caught:
        read_energy_model(path)
    assert "mine.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + 'part = "step"\n', "quantity must be 'steps'"),
        (
            GOOD + '[[terms]]\nname = "step"\nquantity = "steps"\nconstants = ["event"]\npart = "step"\n',
            "terms must hold a term of the part 'step' alone",
        ),
    ],
)
def test_the_energy_of_a_step_stands_alone(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        read_energy_model(path)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("value = 2.0", "value = -1.0").replace('unit = "pJ"', 'unit = "pj"'))
    with pytest.raises(FileFormatError) as caught:
        read_energy_model(path)
    assert len(caught.value.violations) == 3  # below zero, below its own `low`, and no such unit


def test_missing_files_and_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a readable TOML file"):
        find_energy_model(tmp_path / "nothing.toml")
    with pytest.raises(SpecError, match="energy model must be one of"):
        find_energy_model("loihi2")
    with pytest.raises(SpecError, match="timing model must be one of"):
        find_timing("loihi3")


def test_a_timing_file_needs_exactly_its_constants_and_they_are_times(tmp_path: Path) -> None:
    text = (resources.files("neuropinn_lava.data") / "timing_loihi1.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("[constants.step_floor]", "[constants.floor]"))
    with pytest.raises(FileFormatError, match="exactly"):
        read_timing(path)
    path.write_text(text.replace('unit = "us"', 'unit = "uJ"'))
    with pytest.raises(FileFormatError, match="a time"):
        read_timing(path)
    path.write_text(text)
    assert find_timing(path).name == "loihi1"


def test_a_model_of_ones_own_is_checked_like_a_file() -> None:
    event = Constant(name="event", value=1.0, unit="pJ", source="here and now")
    term = Term(name="synapses", quantity="synaptic_operations", constants=("event",))
    texts = {"name": "mine", "title": "Mine", "kind": Kind.ESTIMATED, "source": "here"}
    with pytest.raises(SpecError, match="leaves_out must be a text"):
        EnergyModel(**texts, leaves_out="", constants=(event,), terms=(term,))
    with pytest.raises(SpecError, match="with different names"):
        EnergyModel(**texts, leaves_out="all", constants=(event, event), terms=(term,))
    model = EnergyModel(**texts, leaves_out="all", constants=(event,), terms=(term,))
    assert model.with_constants(event=3.0).price(term) == pytest.approx(3e-12)
    with pytest.raises(SpecError, match="with_constants must be one of"):
        model.with_constants(evnet=3.0)
