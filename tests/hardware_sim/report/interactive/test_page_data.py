"""Data of the interactive page: arrays come back as they were, sums are small, and nothing escapes from a script element."""

from __future__ import annotations

import base64
import json

import numpy as np

import report_cases
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.hardware_sim.report.interactive import library
from neuropinn_lava.hardware_sim.report.interactive.activity_data import activity_data
from neuropinn_lava.hardware_sim.report.interactive.field_data import field_data, solid_data
from neuropinn_lava.hardware_sim.report.interactive.library import WITHOUT, encode_array, library_script, page_data
from neuropinn_lava.hardware_sim.report.page import report_page

MOST_BYTES = 2_000_000
"""What a page may take beside the library."""


def decoded(held: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(held["f4"]), "<f4").reshape(held["shape"])


def test_arrays_come_back_in_single_precision() -> None:
    values = np.array([[1.0, np.nan, -2.5], [1e-30, np.pi, 0.0]])
    assert np.array_equal(decoded(encode_array(values)), values.astype(np.float32), equal_nan=True)


def test_fields_of_a_page_are_those_of_the_report() -> None:
    fields = report_cases.full_report().fields
    assert fields is not None
    data = field_data(fields)
    assert data["errors"] == ["error", "estimate", "difference"]
    assert set(data["layers"]) == {"reference", "float", "deployed", "estimate"}  # errors follow from the solutions
    assert np.array_equal(
        decoded(data["layers"]["deployed"]), fields.deployed_outputs.astype(np.float32), equal_nan=True
    )
    low, high = data["scales"][0]["low"], data["scales"][0]["high"]
    assert low == min(np.nanmin(fields.float_outputs), np.nanmin(fields.deployed_outputs))
    assert high == np.nanmax(fields.reference_outputs)


def test_every_set_of_data_is_json_and_small() -> None:
    report = report_cases.full_report()
    assert report.fields
    assert report.solid
    assert report.activity
    for data in (field_data(report.fields), solid_data(report.solid), activity_data(report.activity)):
        text = page_data(data)
        json.loads(text)
        assert len(text) < MOST_BYTES


def test_data_do_not_end_their_script_element() -> None:
    text = page_data({"name": "</script><b>"})
    assert "<" not in text
    assert json.loads(text) == {"name": "</script><b>"}


def test_without_plotly_the_page_says_so_and_has_its_pictures(monkeypatch) -> None:
    def missing(package: str, extra: str) -> None:
        raise MissingPackageError(f"The package `{package}`", "be installed for this", "no such package", "Install it.")

    monkeypatch.setattr(library, "import_extra", missing)
    assert library_script() is None
    page = report_page(report_cases.empty_report(), ())
    assert WITHOUT.partition("(")[0] in page
    assert "fields-data" not in page
