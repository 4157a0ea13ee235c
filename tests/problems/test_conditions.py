"""Conditions by kind: their rows by hand, and which of them are built into the output."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box, Domain
from neuropinn_lava.geometry.fields.expression_field import ExpressionField
from neuropinn_lava.geometry.plane_region import Disc
from neuropinn_lava.geometry.polygon import PolygonDomain
from neuropinn_lava.network.transforms import Ansatz, Link
from neuropinn_lava.problems.conditions import (
    Condition,
    Data,
    Dirichlet,
    Equation,
    Free,
    Initial,
    InitialDerivative,
    Interface,
    Mean,
    Neumann,
    Periodic,
    Robin,
)
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.solvers.star import LEVEL_SET, star_domain

SQUARE = Box(lower=np.zeros(2), upper=np.ones(2))
EVOLUTION = Box.space_time([0.0, 0.0], [2.0, 1.0])
ROUNDING = 1e-12
"""Products of distances and sines of order one, times outputs of order ten."""


def laplacian(f: Any) -> Any:
    return f.u_xx + f.u_yy


def of_square(*conditions: Condition, **changes: Any) -> PdeProblem:
    return PdeProblem(**{"domain": SQUARE, "equations": laplacian, "conditions": conditions, **changes})


def of_evolution(*conditions: Condition, **changes: Any) -> PdeProblem:
    held = {"domain": EVOLUTION, "equations": lambda f: f.u_t - f.u_xx, "conditions": conditions}
    return PdeProblem(**{**held, **changes})


def texts(condition: Condition, unknowns: str = "u", domain: Box = SQUARE) -> list[str]:
    names = tuple(unknowns.split())
    first = [lambda f, each=each: getattr(f, f"{each}_x") for each in names]
    problem = PdeProblem(
        domain=domain,
        unknowns=names,
        equations=lambda f: tuple(row(f) for row in first),
        fields={"k": lambda points: points[:, 0]},
        conditions=[Free()],
    )
    return [row.text() for row in condition.rows(problem.names(on_boundary=True), names)]


NORMAL = "n_x * u_x + n_y * u_y"


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (Dirichlet(), ["u"]),
        (Dirichlet(2.0), ["u - 2"]),
        (Dirichlet(lambda p: np.sin(p.x) * p.k), ["u - sin(x) * k"]),
        (Dirichlet(lambda p: p.u**2), ["u - u ** 2"]),
        (Neumann(0.0), [NORMAL]),
        (Neumann(lambda p: p.y), [f"{NORMAL} - y"]),
        (Robin(1.5, coefficient=2.0), [f"2 * u + ({NORMAL}) - 1.5"]),
        (Robin(lambda p: p.x, coefficient=lambda p: p.y), [f"y * u + ({NORMAL}) - x"]),
        (Mean(0.5), ["u - 0.5"]),
        (Periodic(axis="x"), []),
        (Free(), []),
        (Equation(lambda f: f.u_n - f.u), [f"{NORMAL} - u"]),
        (Equation(lambda f: (f.u_x, f.u_y - 1)), ["u_x", "u_y - 1"]),
        (Data([[0.5, 0.5]], [3.0]), ["u - measured"]),
    ],
)
def test_rows_of_each_kind(condition: Condition, rows: list[str]) -> None:
    assert texts(condition) == rows


def test_rows_at_the_start_of_time() -> None:
    assert texts(Initial(lambda p: p.x), domain=EVOLUTION) == ["u - x"]
    assert texts(InitialDerivative(lambda p: -p.x), domain=EVOLUTION) == ["u_t - -x"]
    assert texts(Neumann(1.0), domain=EVOLUTION) == ["n_x * u_x - 1"]  # a normal of space alone


def test_values_of_several_unknowns() -> None:
    assert texts(Dirichlet(1.0), "u v") == ["u - 1", "v - 1"]
    assert texts(Dirichlet(1.0, unknown="v"), "u v") == ["v - 1"]
    assert texts(Dirichlet(lambda p: (p.x, 0.0)), "u v") == ["u - x", "v"]
    assert texts(Dirichlet((1.0, 2.0)), "u v") == ["u - 1", "v - 2"]
    assert texts(Data([[0.5, 0.5]], [3.0], unknown="v"), "u v") == ["v - measured"]


def test_rows_of_an_interface() -> None:
    """Perfect contact, and a resistance that falls along it with a source of heat."""
    outward = [f"n_x * {each}_x + n_y * {each}_y" for each in "uv"]
    contact = Interface(("u", "v"), conductivities=[1.0, 10.0], on="x_lower")
    assert texts(contact, "u v") == ["u - v", f"{outward[0]} + 10 * ({outward[1]})"]
    assert contact.label == "interface on x_lower"
    heated = Interface(("v", "u"), conductivities=(lambda p: p.k, 2), jump=lambda p: p.y, flux=3.0, on="x_lower")
    assert texts(heated, "u v") == ["v - u - y", f"k * ({outward[1]}) + 2 * ({outward[0]}) - 3"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Interface(("u", "u"), on="x_lower"),
            r"Interface.between must be two different unknowns; got \('u', 'u'\)",
        ),
        (lambda: Interface("uv", on="x_lower"), r"Interface.between must be two different unknowns; got 'uv'"),
        (lambda: Interface(("u", "v")), r"Interface.on must be a part of the boundary; got None"),
        (
            lambda: Interface(("u", "v"), (1.0,), on="x_lower"),
            r"Interface.conductivities must be two values; got \(1.0,\)",
        ),
        (lambda: Interface(("u", "v"), (1.0, -2.0), on="x_lower"), r"Interface.conductivities must lie in .*got -2"),
        (lambda: texts(Interface(("u", "w"), on="x_lower"), "u v"), r"Interface.between must be one of u, v; got 'w'"),
        (lambda: texts(Dirichlet((1.0, 2.0, 3.0)), "u v"), r"have one entry for each of u, v; got 3 entries"),
        (lambda: texts(Neumann(1.0, unknown="w"), "u v"), r"Neumann.unknown must be one of u, v; got 'w'"),
        (lambda: texts(Data([[0.5, 0.5]], [3.0]), "u v"), r"Data.unknown must be one of u, v; got None"),
        (lambda: Data([0.5, 0.5], [3.0]), r"Data.points must"),
        (lambda: Data([[0.5, 0.5]], [3.0, 4.0]), r"Data.values must"),
        (lambda: Data([[0.5, np.nan]], [3.0]), r"Data.points must .*finite"),
        (lambda: Data([[0.5, 0.5]], [np.inf]), r"Data.values must .*finite"),
        (lambda: Dirichlet(weight=0.0), r"Dirichlet.weight must lie in"),
        (lambda: of_square(Dirichlet(lambda p: np.sin(np.ones(3)) * p.x)), "be made of names, numbers and functions"),
        (lambda: of_square(Dirichlet(lambda p: p.t)), "name in problem 'problem' must .*got 't'"),
        (lambda: of_square(Dirichlet(), equations=lambda f: f.u_xx + f.n_x), "name in problem .*got 'n_x'"),
    ],
)
def test_what_is_no_condition_is_refused(build: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build()


def test_labels_name_kind_and_place() -> None:
    assert Dirichlet(name="walls").label == "walls"
    assert Neumann(on="x_upper").label == "neumann on x_upper"
    assert Robin(on=("x_lower", "x_upper")).label == "robin on x_lower and x_upper"
    assert Mean(0.0).label == "mean"


def faces(box: Box, n: int = 40) -> dict[str, np.ndarray]:
    points = box.sample_boundary(n * len(box.tags), np.random.default_rng(5))
    return {tag: points[box.on(tag, points)] for tag in box.tags}


def wild(problem: PdeProblem, points: np.ndarray, seed: int) -> np.ndarray:
    outputs = np.random.default_rng(seed).normal(size=(len(points), problem.n_out)) * 10
    return problem.ansatz.apply(points, outputs)


def test_different_data_on_all_faces_of_a_square_are_built_in() -> None:
    """g on each face is the trace of one function with different expressions: they agree in the corners."""
    data = {
        "x_lower": lambda p: p.y**2,
        "x_upper": lambda p: 1 + p.y**2 + np.sin(p.y),
        "y_lower": lambda p: p.x**3,
        "y_upper": lambda p: p.x**3 + 1 + p.x * np.sin(1.0),
    }
    problem = of_square(*(Dirichlet(value, on=tag) for tag, value in data.items()))
    assert problem.soft_conditions == ()
    for tag, points in faces(SQUARE).items():
        x, y = points.T
        exact = x**3 + y**2 + x * np.sin(y)
        for seed in (1, 2):
            np.testing.assert_allclose(wild(problem, points, seed)[:, 0], exact, rtol=0, atol=ROUNDING, err_msg=tag)
    inside = SQUARE.sample(500, np.random.default_rng(3))
    assert (problem.ansatz.evaluate(inside)[1] > 0).all()


def test_values_on_some_faces_leave_the_others_free() -> None:
    problem = of_square(Dirichlet(lambda p: 1 + p.y, on="x_lower"), Neumann(0.0, on=("x_upper", "y_lower", "y_upper")))
    on = faces(SQUARE)
    np.testing.assert_allclose(wild(problem, on["x_lower"], 1)[:, 0], 1 + on["x_lower"][:, 1], atol=ROUNDING)
    for tag in ("x_upper", "y_lower", "y_upper"):
        assert (problem.ansatz.evaluate(on[tag])[1] > 0).all()
    assert [each.label for each in problem.soft_conditions] == ["neumann on x_upper and y_lower and y_upper"]
    d = problem.ansatz.evaluate(np.array([[0.25, 0.5], [1.0, 0.5]]))[1][:, 0]
    assert d.tolist() == [0.25, 1.0]


def test_walls_and_start_of_an_evolution_are_built_in() -> None:
    problem = of_evolution(
        Initial(lambda p: np.sin(np.pi * p.x) + p.x),
        Dirichlet(lambda p: p.t**2, on="x_lower"),
        Dirichlet(lambda p: 2.0 + p.t, on="x_upper"),
    )
    assert problem.soft_conditions == ()
    on = faces(EVOLUTION)
    exact = {
        "start": lambda x, t: np.sin(np.pi * x) + x,
        "x_lower": lambda x, t: t**2,
        "x_upper": lambda x, t: 2 + t,
    }
    for tag, values in exact.items():
        np.testing.assert_allclose(wild(problem, on[tag], 4)[:, 0], values(*on[tag].T), atol=100 * ROUNDING)


@pytest.mark.parametrize("walls", [Dirichlet(0.0, on=("x_lower", "x_upper")), Neumann(0.0)])
def test_the_slope_at_the_start_is_rows_beside_the_built_in_value(walls: Condition) -> None:
    """A factor t^2, which would build both in, leaves the network nothing to say at early times."""
    problem = of_evolution(
        walls,
        Initial(lambda p: np.sin(np.pi * p.x / 2)),
        InitialDerivative(lambda p: p.x * (2 - p.x)),
        equations=lambda f: f.u_tt - f.u_xx,
    )
    flux = ["neumann"] if isinstance(walls, Neumann) else []
    assert [each.label for each in problem.soft_conditions] == [*flux, "initialderivative on start"]
    start = faces(EVOLUTION)["start"]
    np.testing.assert_allclose(wild(problem, start, 1)[:, 0], np.sin(np.pi * start[:, 0] / 2), atol=ROUNDING)


def test_each_unknown_has_its_own_data() -> None:
    problem = PdeProblem(
        domain=SQUARE,
        unknowns="u v",
        equations=lambda f: (f.u_xx + f.u_yy + f.v, f.v_xx + f.v_yy - f.u),
        conditions=[Dirichlet((1.0, 2.0), on="x_lower"), Dirichlet(3.0, on="x_upper", unknown="v"), Free()],
    )
    assert problem.soft_conditions == ()
    on = faces(SQUARE)
    np.testing.assert_allclose(wild(problem, on["x_lower"], 1), [[1.0, 2.0]] * 40, atol=ROUNDING)
    np.testing.assert_allclose(wild(problem, on["x_upper"], 1)[:, 1], 3.0, atol=ROUNDING)
    assert np.ptp(wild(problem, on["x_upper"], 1)[:, 0]) > 1.0


def test_one_value_on_the_whole_boundary_of_a_star_is_built_in() -> None:
    domain = star_domain()
    problem = of_square(Dirichlet(lambda p: p.x + 1), domain=domain)
    assert problem.soft_conditions == ()
    points = domain.sample_boundary(200, np.random.default_rng(1))
    np.testing.assert_allclose(wild(problem, points, 1)[:, 0], points[:, 0] + 1, atol=1e-9)


L_SHAPE = PolygonDomain(exterior=[(0, 0), (1, 0), (1, 0.5), (0.5, 0.5), (0.5, 1), (0, 1)])
HOLED = SQUARE - Disc([0.5, 0.5], 0.2)


@pytest.mark.parametrize(
    ("domain", "on"),
    [
        (L_SHAPE, "outline"),
        (L_SHAPE, tuple(f"edge_{k}" for k in range(1, 7))),
        (L_SHAPE, ("x_lower", "x_upper", "y_lower", "y_upper", "edge_3", "edge_4")),
        (HOLED, ("outline", "hole_1")),
        (star_domain(), ("hole_1", "outline")),
    ],
)
def test_one_value_on_parts_that_make_up_the_whole_boundary_is_built_in(
    domain: Domain, on: str | tuple[str, ...]
) -> None:
    problem = of_square(Dirichlet(lambda p: p.x + 1, on=on), domain=domain)
    assert problem.soft_conditions == ()
    points = domain.sample_boundary(200, np.random.default_rng(1))
    np.testing.assert_allclose(wild(problem, points, 1)[:, 0], points[:, 0] + 1, atol=1e-7)


@pytest.mark.parametrize(
    ("domain", "on", "rest"),
    [
        (L_SHAPE, ("x_lower", "x_upper", "y_upper", "edge_3", "edge_4"), "edge_1"),
        (HOLED, "outline", "hole_1"),
        (star_domain(), "outline", "hole_1"),
    ],
)
def test_a_value_on_a_part_of_a_region_is_rows(domain: Domain, on: str | tuple[str, ...], rest: str) -> None:
    value = Dirichlet(0.0, on=on)
    assert of_square(value, Free(on=rest), domain=domain).soft_conditions == (value,)


def test_soft_by_choice_and_soft_where_nothing_can_be_built() -> None:
    """A mask has no face that the package knows, data with a field are no expression of coordinates, jumps have no corner."""
    soft = of_square(Dirichlet(0.0, hard=False))
    assert [each.label for each in soft.soft_conditions] == ["dirichlet"]
    np.testing.assert_array_equal(soft.ansatz.apply(np.ones((2, 2)), np.array([[3.0], [4.0]])), [[3.0], [4.0]])
    masked = of_square(Dirichlet(1.0, on=lambda p: p.x == 0), Free())
    assert [each.label for each in masked.soft_conditions] == ["dirichlet"]
    fielded = of_square(Dirichlet(lambda p: p.k), fields={"k": lambda points: points[:, 0]})
    assert len(fielded.soft_conditions) == 1
    one_of_two = of_square(
        Dirichlet(0.0, on="x_lower"), Dirichlet(0.0, on=("x_upper", "y_lower", "y_upper"), hard=False)
    )
    assert [each.label for each in one_of_two.soft_conditions] == ["dirichlet on x_upper and y_lower and y_upper"]


@pytest.mark.parametrize(
    "build",
    [
        lambda: of_square(Dirichlet(1.0, on=lambda p: p.x == 0, hard=True), Free()),
        lambda: of_square(Dirichlet(lambda p: p.k, hard=True), fields={"k": lambda points: points[:, 0]}),
        lambda: of_square(Dirichlet(1.0, hard=True), own_ansatz=own_ansatz(0.0)),
    ],
)
def test_hard_conditions_that_cannot_be_built_in_are_refused(build: Any) -> None:
    with pytest.raises(SpecError, match=r"must be data that the domain can build in; got hard=True\. Leave `hard` out"):
        build()


def own_ansatz(offset: float, link: Link = Link.IDENTITY) -> Ansatz:
    factor = ExpressionField.of(lambda p: p.x * (1 - p.x) * np.sin(np.pi * p.y), "xy")
    return Ansatz(offset=(ExpressionField.of(offset, "xy"),), factor=(factor,), link=link)


def test_an_own_ansatz_is_checked() -> None:
    held = of_square(Dirichlet(1.0), own_ansatz=own_ansatz(1.0))
    assert held.soft_conditions == ()
    assert held.ansatz is held.own_ansatz
    assert of_square(Dirichlet(1.0), own_ansatz=own_ansatz(1.0, Link.SOFTPLUS)).soft_conditions == ()
    broken = of_square(Dirichlet(1.0), own_ansatz=own_ansatz(1.001))
    assert [each.label for each in broken.soft_conditions] == ["dirichlet"]
    partly = of_square(
        Dirichlet(0.0, on=("x_lower", "x_upper")),
        Dirichlet(lambda p: p.x * (1 - p.x), on=("y_lower", "y_upper")),
        own_ansatz=own_ansatz(0.0),
    )
    assert [each.label for each in partly.soft_conditions] == ["dirichlet on y_lower and y_upper"]
    with pytest.raises(SpecError, match=r"own_ansatz must have \(n_dim, n_out\) = \(2, 1\); got \(2, 2\)"):
        of_square(Free(), own_ansatz=Ansatz(offset=own_ansatz(0.0).offset * 2, factor=own_ansatz(0.0).factor * 2))
    assert LEVEL_SET.n_dim == 2


def test_a_periodic_condition_closes_the_box() -> None:
    problem = of_evolution(Periodic(axis="x"), Initial(lambda p: np.sin(np.pi * p.x)))
    assert problem.domain.periodic_axes == (0,)
    assert problem.domain.tags == ("start",)
    assert problem.soft_conditions == ()
    with pytest.raises(SpecError, match=r"Periodic.axis must .*got 'z'"):
        of_square(Periodic(axis="z"), Free())
    with pytest.raises(SpecError, match=r"Periodic.axis must be an axis of a box; got CurvedDomain"):
        of_square(Periodic(axis="x"), domain=star_domain())


def test_conditions_and_their_weights_are_told_in_the_equation() -> None:
    problem = of_square(Dirichlet(0.0, on="x_lower"), Neumann(1.0, on=("x_upper", "y_lower", "y_upper"), name="flux"))
    assert problem.equation == f"u_xx + u_yy = 0; u = 0 (dirichlet on x_lower); {NORMAL} - 1 = 0 (flux)"
    assert of_square(Dirichlet(0.0), text="lap u = 0").equation == "lap u = 0"


def test_data_that_jump_in_a_corner_leave_their_face_free() -> None:
    """A lid at one over walls at zero: what is not built in is rows, and the output can follow them."""
    problem = of_square(Dirichlet(1.0, on="y_upper", name="lid"), Dirichlet(0.0, on=("x_lower", "x_upper", "y_lower")))
    soft = {each.label: each for each in problem.soft_conditions}
    inside = np.linspace(0.1, 0.9, 9)
    for condition in problem.conditions:
        if condition.label in soft:
            for tag in condition.parts(problem.domain.tags):
                face = SQUARE.closed_faces[SQUARE.tags.index(tag)]
                points = np.stack([inside, inside], axis=1)
                points[:, face.axis] = SQUARE.face_coordinate(face)
                assert (problem.ansatz.evaluate(points)[1] > 0).all()
    assert len(soft) == 1
