"""What a report says of conditions, estimated errors and missing references."""

from __future__ import annotations

import dataclasses

from neuropinn_lava.engine.trace import Backend
from neuropinn_lava.hardware_sim.report.content.sections import BackendResult, BackendsSection
from neuropinn_lava.hardware_sim.report.content.sentences import backend_sentences
from neuropinn_lava.hardware_sim.report.content.tables import accuracy_table, condition_table

KNOWN = BackendResult(
    backend=Backend.INTEGER,
    relative_l2=0.003,
    estimated_l2=0.0031,
    residual_rms=0.02,
    condition_rms=(("neumann on hole", 0.004), ("robin", 0.005)),
)
UNKNOWN = dataclasses.replace(KNOWN, relative_l2=None)


def test_every_condition_has_a_row_for_each_backend() -> None:
    table = condition_table(BackendsSection(results=(KNOWN, dataclasses.replace(KNOWN, backend=Backend.LAVA))))
    shown = [[cell.text for cell in row] for row in table.rows]
    assert shown[0] == ["neumann on hole", "integer", "0.004"]
    assert [row[:2] for row in shown] == [
        ["neumann on hole", "integer"],
        ["robin", "integer"],
        ["neumann on hole", "lava"],
        ["robin", "lava"],
    ]
    assert condition_table(BackendsSection(results=(dataclasses.replace(KNOWN, condition_rms=()),))).rows == ()


def test_the_estimate_stands_beside_the_error() -> None:
    table = accuracy_table(BackendsSection(results=(KNOWN,)))
    headings = [column.heading for column in table.columns]
    assert headings[1:3] == ["relative L2 error", "estimated error"]
    assert [cell.text for cell in table.rows[0][1:3]] == ["0.003", "0.0031"]


def test_nothing_is_said_of_a_reference_that_does_not_exist() -> None:
    section = BackendsSection(results=(UNKNOWN,), residual_operator="quartic")
    said = " ".join(backend_sentences(section))
    assert "reference solution" not in said
    assert "reference itself" not in said
    assert "The estimated error needs no reference" in said
    known = BackendsSection(
        results=(KNOWN,), residual_operator="quartic", reference_residual_rms=0.001, reference="a series"
    )
    assert "Errors are against a series" in " ".join(backend_sentences(known))
    assert "the reference itself scores 0.001" in " ".join(backend_sentences(known))
