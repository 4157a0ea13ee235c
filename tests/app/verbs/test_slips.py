"""What a user may get wrong with the verbs: each slip works, or the error says what to write; none passes in silence."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from neuropinn_lava.app.stream.probes import probe
from neuropinn_lava.app.verbs.homogenize import homogenize
from neuropinn_lava.base.errors import DomainWarning, SpecError
from neuropinn_lava.engine.trace import Probe

SMALL = builders.random_spec(2, widths=(2, 6, 5, 1))
POINTS = builders.random_points(SMALL, 20)


@pytest.fixture(scope="module")
def chip():
    return nl.convert(SMALL).network


@pytest.mark.parametrize("verb", ["run", "verify", "profile", "stream"])
def test_a_name_in_the_place_of_a_network_names_find_network(verb, tmp_path):
    arguments = (POINTS, tmp_path / "u.npy") if verb == "stream" else (POINTS,)
    with pytest.raises(SpecError, match=rf"{verb}\.network.*find_network\('poisson'\)"):
        getattr(nl, verb)("poisson", *arguments)


@pytest.mark.parametrize("verb", ["run", "verify", "profile"])
def test_a_torch_module_in_the_place_of_a_network_names_read_module(verb):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    with pytest.raises(SpecError, match=r"from_torch\(module"):
        getattr(nl, verb)(module, POINTS)


def test_a_state_or_a_class_in_the_place_of_a_module_names_the_step_that_is_missing():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    with pytest.raises(SpecError, match="load_state_dict"):
        nl.convert(module.state_dict())
    with pytest.raises(SpecError, match=r"Sequential\(\)"):
        nl.convert(torch.nn.Sequential)


def test_the_result_of_convert_in_the_place_of_its_network_names_the_field():
    with pytest.raises(SpecError, match=r"\.network"):
        nl.run(nl.convert(SMALL), POINTS)


def test_convert_takes_the_words_of_the_scheme():
    by_words = nl.convert(SMALL, weight_bits=4, payload_bits=[12, 10]).network
    by_scheme = nl.convert(SMALL, nl.QuantizationScheme(weight_bits=4, payload_bits=(12, 10))).network
    assert by_words.digest() == by_scheme.digest()
    changed = nl.convert(SMALL, nl.QuantizationScheme(weight_bits=4, payload_bits=8), payload_bits=(12, 10)).network
    assert changed.digest() == by_words.digest()


def test_convert_names_the_nearest_word_of_the_scheme():
    with pytest.raises(SpecError, match=r"convert: keyword.*Did you mean weight_bits"):
        nl.convert(SMALL, weights_bits=4)


def test_a_time_limit_without_tuning_is_refused():
    with pytest.raises(SpecError, match=r"convert\.time_limit"):
        nl.convert(SMALL, time_limit=3.0)


@pytest.mark.parametrize("backend", ["Lava", "INTEGER", "gpu", None])
def test_an_unknown_backend_lists_the_choices(backend, chip, tmp_path):
    calls = (
        lambda: nl.run(chip, POINTS, backend=backend),
        lambda: nl.stream(chip, POINTS, tmp_path / "u.npy", backend=backend),
        lambda: probe(chip, POINTS, Probe(samples=(0,)), backend=backend),
    )
    for call in calls:
        with pytest.raises(
            SpecError, match=r"backend must be one of c99, float, integer, lava, onnx, qonnx, rtl, torch"
        ):
            call()


def test_case_alone_does_not_hide_the_nearest_choice(chip):
    with pytest.raises(SpecError, match="Did you mean integer"):
        nl.run(chip, POINTS, backend="INTEGER")


@pytest.mark.parametrize("option", ["mode", "model"])
def test_unknown_names_of_lava_choices_are_refused(option, chip):
    with pytest.raises(SpecError, match=rf"run\.{option} must be one of"):
        nl.run(chip, POINTS, backend="lava", **{option: "batch"})


def test_the_torch_backend_runs_torch(chip):
    pytest.importorskip("torch")
    by_torch, by_numpy = (nl.run(SMALL, POINTS, backend=backend) for backend in ("torch", "float"))
    assert by_torch.backend is nl.Backend.TORCH
    assert by_torch.outputs == pytest.approx(by_numpy.outputs, rel=1e-12)
    assert by_torch.nodes[0].fired.tolist() == by_numpy.nodes[0].fired.tolist()
    assert nl.run(chip, POINTS, backend="torch").network_digest == chip.source.digest()


def test_the_torch_backend_records_and_joins_blocks(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr("neuropinn_lava.engine.recording.BLOCK", 7)
    chosen = Probe(samples=(3, 12), nodes=(SMALL.populations[0].name,))
    by_torch, by_numpy = (nl.run(SMALL, POINTS, backend=backend, probe=chosen) for backend in ("torch", "float"))
    assert by_torch.outputs == pytest.approx(by_numpy.outputs, rel=1e-12)
    assert by_torch.probe.samples.tolist() == [3, 12]
    assert by_torch.probe.nodes[0].payload == pytest.approx(by_numpy.probe.nodes[0].payload, rel=1e-12)


@pytest.mark.parametrize("backend", ["float", "integer", "torch"])
@pytest.mark.parametrize(
    ("option", "value"),
    [("mode", "faithful"), ("model", "fused"), ("batch_size", 3), ("n_cores", 2), ("time_limit", 1.0)],
)
def test_choices_of_lava_are_refused_on_other_backends(backend, option, value, chip, tmp_path):
    with pytest.raises(SpecError, match=rf"run\.{option}"):
        nl.run(chip, POINTS, backend=backend, **{option: value})
    with pytest.raises(SpecError, match=rf"stream\.{option}"):
        nl.stream(chip, POINTS, tmp_path / "u.npy", backend=backend, **{option: value})


@pytest.mark.parametrize("choices", [{"mode": "faithful"}, {"model": "fused"}])
def test_cores_are_refused_where_the_graph_fixes_the_processes(choices, chip):
    with pytest.raises(SpecError, match=r"run\.n_cores"):
        nl.run(chip, POINTS, backend="lava", n_cores=2, **choices)


def test_progress_is_told_by_every_backend(chip):
    told = []
    nl.run(chip, POINTS, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (20, 20)


def test_points_outside_are_told_once_a_call(chip, tmp_path):
    far = np.vstack([SMALL.lower, SMALL.upper + 76.5, SMALL.upper + 80.0])
    calls = (
        lambda: nl.run(chip, far),
        lambda: nl.stream(chip, far, tmp_path / "u.npy", backend="integer"),
        lambda: probe(chip, far, Probe(samples=(1, 2)), backend="integer"),
        lambda: nl.profile(chip, points=far, with_lava=False),
    )
    for call in calls:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            call()
        told = [each for each in told if issubclass(each.category, nl.DomainWarning)]
        assert len(told) == 1
        assert "2 of" in str(told[0].message)
        assert told[0].filename == __file__


def test_a_point_on_the_edge_is_not_outside(chip):
    span = SMALL.upper - SMALL.lower
    on_edges = np.vstack([SMALL.lower - 1e-12 * span, SMALL.upper + 1e-12 * span])
    assert nl.run(chip, on_edges).n_samples == 2  # a warning would be an error here


def test_a_problem_of_another_dimension_is_not_asked_about_points():
    from dataclasses import replace

    from neuropinn_lava.network.spec import Provenance

    own = replace(builders.random_spec(3, widths=(3, 4, 1)), provenance=Provenance(problem="poisson"))
    nl.run(own, builders.random_points(own, 5), backend="float")
    with pytest.warns(DomainWarning, match="1 of 1"):
        nl.run(own, own.upper[None] + 50.0, backend="float")


def test_points_and_their_number_are_not_both_given(chip):
    for verb in (nl.verify, nl.profile):
        with pytest.raises(SpecError, match="n_points"):
            verb(chip, points=POINTS, n_points=7)


def test_a_reference_without_its_points_is_refused(chip):
    with pytest.raises(SpecError, match=r"profile\.reference"):
        nl.profile(chip, n_points=20, reference=np.zeros((20, 1)), with_lava=False)


def test_parity_without_lava_is_refused(chip):
    with pytest.raises(SpecError, match=r"profile\.with_parity"):
        nl.profile(chip, points=POINTS, with_lava=False, with_parity=True)


def test_a_profile_of_a_float_network_has_no_target():
    from neuropinn_lava.app.verbs.profile import HardwareChoices

    for choices in (HardwareChoices(timing="loihi2"), HardwareChoices(target="loihi1")):
        with pytest.raises(SpecError, match=r"HardwareChoices\.(timing|target)"):
            nl.profile(SMALL, points=POINTS, with_lava=False, hardware=choices)


def test_homogenize_has_no_backend_without_networks():
    with pytest.raises(SpecError, match=r"homogenize\.backend"):
        homogenize(backend="integer", n=2)


def test_an_activity_needs_a_recipe_in_which_spikes_cost():
    from neuropinn_lava.app.verbs.train import RecipeChanges
    from neuropinn_lava.problems.recipes.phases import PhaseRecipe
    from neuropinn_lava.problems.recipes.recipe import NetworkRecipe, TrainingRecipe

    silent = TrainingRecipe(network=NetworkRecipe(), phases=(PhaseRecipe(n_iterations=5, n_warmup=0),))
    with pytest.raises(SpecError, match=r"RecipeChanges\.activity"):
        RecipeChanges(activity=0.3).applied(silent)


def test_equalization_needs_a_layer_that_it_can_scale():
    with pytest.raises(SpecError, match=r"equalization"):
        nl.convert(SMALL, equalization="across-layers")
