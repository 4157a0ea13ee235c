"""The `repr` of a record is one short line, whatever the record holds."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

import builders
from neuropinn_lava.base.arrays import REPR_WIDTH, ArrayRecord, Record
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.problems import find_problem

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("neuropinn_lava", "training", "conversion", "hardware_sim")
LONGEST = REPR_WIDTH + 40
"""Parentheses, dots and the longest name of a record come on top of the fields."""


def _frozen_dataclasses(path):
    """Yield the public frozen dataclasses of a file, as nodes of its syntax tree."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        public = isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if public and any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list):
            yield node


def test_every_public_frozen_dataclass_is_a_record():
    files = [path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")]
    found = [
        (node.name, {ast.unparse(base) for base in node.bases}) for path in files for node in _frozen_dataclasses(path)
    ]
    assert len(found) > 100
    roots = {"Record", "ArrayRecord"}
    records = roots
    while more := {name for name, bases in found if bases & records} - records:
        records = records | more
    assert [name for name, bases in found if not bases & records] == []


def test_real_records_are_one_line():
    network = builders.random_spec()
    trace = run_float(network, np.full((50, network.n_in), 0.5), Probe(n_samples=10))
    problem = find_problem("elasticity3d")
    for record in (
        network,
        *network.populations,
        network.output,
        trace,
        trace.probe,
        problem,
        problem.recipe,
        problem.domain,
    ):
        assert "\n" not in repr(record)
        assert len(repr(record)) <= LONGEST


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example(ArrayRecord):
    name: str
    values: np.ndarray
    inner: object = None
    many: tuple = ()
    text: str = "as always"


def test_arrays_are_shapes_and_records_are_names():
    inner = Example(name="inner", values=np.zeros(3))
    shown = repr(Example(name="outer", values=np.zeros((2, 1000)), inner=inner, many=(inner,) * 9))
    assert shown == "Example(name='outer', values=float64[2, 1000], inner=Example 'inner', many=<9 of Example>)"


@pytest.mark.parametrize(
    "value", ["x" * 1000, "two\nlines" * 30, np.zeros((1000, 1000)), list(range(1000)), ("x" * 99,) * 3]
)
def test_no_value_makes_it_long(value):
    shown = repr(Example(name="n", values=value, inner=value, many=(value,), text=value))
    assert "\n" not in shown
    assert len(shown) <= LONGEST


def test_a_record_without_fields_set_still_shows():
    assert repr(object.__new__(Example)).startswith("Example(")
    assert issubclass(Example, Record)


def test_a_notebook_shows_the_fields_as_a_table_without_markup_of_their_own() -> None:
    inner = Example(name="<b>inner</b>", values=np.zeros(3), inner=None, many=())
    shown = Example(name="outer", values=np.zeros((2, 1000)), inner=inner, many=(inner,) * 9)._repr_html_()
    assert shown.startswith("<table><caption>Example</caption>")
    assert "float64[2, 1000]" in shown
    assert "&lt;b&gt;inner" in shown
    assert "<b>" not in shown
    assert len(shown) <= 10 * LONGEST


def test_networks_say_what_they_are_in_a_notebook() -> None:
    network = builders.random_quantized(0, widths=(2, 7, 1), n_steps=3)
    shown = network._repr_html_()
    for words in ("2 – 7 – 1", "payload bits", "21", "activation"):
        assert words in shown
    assert network.source._repr_html_().count("<tr>") == 6
