"""What a training shows: its terms in words, a line for every tenth where there is no terminal, and its figure."""

from __future__ import annotations

import pytest

from neuropinn_lava.app.terminal.training_view import N_LINES, progress_words, training_view
from neuropinn_lava.app.verbs.history_figure import draw_history
from neuropinn_lava.training.run.history import TrainingHistory, TrainingProgress


def row(iteration, *, n_iterations=1000, phase=0, residual=1e-3, distillation=0.0, teacher=False):
    return TrainingProgress(
        iteration=iteration,
        n_iterations=n_iterations,
        phase=phase,
        n_phases=2,
        teacher=teacher,
        learning_rate=1e-3,
        loss=2e-3,
        residual=residual,
        distillation=distillation,
        activity=0.25,
        relative_l2=0.0123,
    )


def test_words_tell_all_terms():
    assert progress_words(row(0)) == "loss 2.00e-03   residual 1.00e-03   error 1.23%   activity 0.250"
    assert "residual" not in progress_words(row(0, residual=0.0))
    assert "distance to the teacher 10.00%" in progress_words(row(0, distillation=0.01))


def test_a_line_for_every_tenth(capsys):
    with training_view("heat") as advance:
        for iteration in range(0, 1000, 10):
            advance(row(iteration, phase=iteration // 500))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == N_LINES
    assert lines[0].startswith("heat, phase 1 of 2, 0 of 1,000   loss 2.00e-03")
    assert lines[-1].startswith("heat, phase 2 of 2, 900 of 1,000")


def test_the_teacher_is_named(capsys):
    with training_view("heat") as advance:
        advance(row(0, teacher=True))
        advance(row(0))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", phase")[0] for line in lines] == ["heat, its teacher", "heat"]


def test_nothing_is_shown_beside_json(capsys):
    with training_view("heat", hidden=True) as advance:
        advance(row(0))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_is_drawn_over(monkeypatch):
    import io

    from rich.console import Console

    screen = io.StringIO()
    monkeypatch.setattr(
        "neuropinn_lava.app.terminal.training_view.err",
        Console(file=screen, force_terminal=True, width=100, highlight=False),
    )
    with training_view("heat") as advance:
        advance(row(0))
        advance(row(500, phase=1))
    drawn = screen.getvalue()
    assert "building the collocation set" in drawn
    assert "heat, phase 2 of 2" in drawn
    assert "500/1000" in drawn
    assert "error 1.23%" in drawn


@pytest.mark.parametrize("distillation", [0.0, 0.01])
def test_the_figure_names_its_curves(distillation):
    rows = tuple(row(k, phase=k // 500, distillation=distillation) for k in range(0, 1000, 100))
    figure = draw_history(TrainingHistory(rows=rows), "Heat equation")
    assert ("distance to the teacher" in figure.svg) == (distillation > 0)
    for word in ("residual", "error", "activity", "iteration", "Heat equation"):
        assert word in figure.svg
    assert "relative L2 error against the reference" in figure.caption


def test_a_history_of_one_row_can_be_drawn():
    assert "residual" in draw_history(TrainingHistory(rows=(row(0),)), "Heat equation").svg
