"""Recipes refuse what no network can be, by field, before anything is built."""

from __future__ import annotations

from typing import Any

import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.problems.recipe import ModelRecipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("widths", (50, 0)),
        ("widths", ()),
        ("n_steps", 0),
        ("n_steps", 4097),
        ("beta", 1.5),
        ("theta", -0.1),
        ("theta", float("nan")),
        ("output_scale", 0.0),
        ("surrogate_slope", 0.0),
        ("initial_gain", -1.0),
    ],
)
def test_a_model_out_of_range_is_refused(field: str, value: Any) -> None:
    with pytest.raises(SpecError, match=rf"ModelRecipe.{field}: "):
        ModelRecipe(**{field: value})


def test_all_of_it_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        ModelRecipe(widths=(), beta=2.0, theta=-1.0)
    assert len(caught.value.violations) == 3
