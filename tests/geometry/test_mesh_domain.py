"""Meshes as domains: membership, tags, normals and samples through cells and facets, and meshes that are refused."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from neuropinn_lava.base.arrays import FloatArray, IntArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.geometry.mesh_domain import MeshDomain
from neuropinn_lava.geometry.simplices import boundary_facets
from neuropinn_lava.geometry.space_time import SpaceTime
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.operators.projection import build_operators

ROUNDING = 1e-12
"""Coordinates of order one pass through a few dozen roundings."""
FITTED = 1e-7
"""As `ONE_SIDED` of test_projection.py."""
STEP = 1e-5
"""Length of a step off the boundary: far above the nearness that counts as on it."""


def meshed(box: Box, n: int) -> MeshDomain:
    """Cut a box into n^d cells, and each into d! simplices: one for each order of the axes."""
    places = np.array(list(product(range(n + 1), repeat=box.n_dim)))
    place_of = {tuple(place): k for k, place in enumerate(places.tolist())}
    steps = np.eye(box.n_dim, dtype=int)
    walks = [np.cumsum([0 * steps[0], *steps[list(order)]], axis=0) for order in permutations(range(box.n_dim))]
    corners = (np.array(corner) + walk for corner in product(range(n), repeat=box.n_dim) for walk in walks)
    cells = np.array([[place_of[tuple(vertex)] for vertex in cell.tolist()] for cell in corners])
    points = box.lower + box.span * places / n
    facets = boundary_facets(cells)[0]
    on = np.array([box.on(tag, points[facets].mean(axis=1)) for tag in box.tags])
    return MeshDomain(points=points, cells=cells, facets=facets, facet_tags=on.argmax(axis=0), tags=box.tags)


def meshed_disc(n: int) -> MeshDomain:
    """A disc of n edges around a middle, which the outline joins in n triangles, refined by a ring at half the radius."""
    angles = 2 * np.pi * np.arange(n) / n
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.concatenate([[[0.0, 0.0]], ring / 2, ring])
    k, following = np.arange(n), (np.arange(n) + 1) % n
    inner, outer = 1 + k, 1 + n + k
    cells = np.concatenate(
        [
            np.stack([np.zeros(n, dtype=int), inner, 1 + following], axis=1),
            np.stack([inner, outer, 1 + n + following], axis=1),
            np.stack([inner, 1 + n + following, 1 + following], axis=1),
        ]
    )
    facets = np.stack([outer, 1 + n + following], axis=1)
    return MeshDomain(points=points, cells=cells, facets=facets, facet_tags=np.zeros(n, dtype=int), tags=("rim",))


BOXES = {"square": (Box([0, 0], [1, 2]), 6), "cube": (Box([0, 0, -1], [1, 1, 1]), 4)}
MESHES = {name: (box, meshed(box, n)) for name, (box, n) in BOXES.items()}


@pytest.fixture(params=MESHES)
def pair(request: pytest.FixtureRequest) -> tuple[Box, MeshDomain]:
    return MESHES[request.param]


def test_the_mesh_of_a_box_answers_as_the_box(pair: tuple[Box, MeshDomain]) -> None:
    """Vertices inside edges and faces, corners, inner points and points outside."""
    box, mesh = pair
    rng = np.random.default_rng(1)
    sampled = box.sample_boundary(60, rng)
    points = np.concatenate([mesh.points, sampled, box.sample(60, rng), sampled + 0.1, sampled - 0.1])
    np.testing.assert_array_equal(mesh.contains(points), box.contains(points))
    for tag in box.tags:
        np.testing.assert_array_equal(mesh.on(tag, points), box.on(tag, points))
    np.testing.assert_allclose(mesh.normals(points), box.normals(points), atol=ROUNDING)
    np.testing.assert_array_equal(mesh.lower, box.lower)
    np.testing.assert_array_equal(mesh.upper, box.upper)
    assert (mesh.tags, mesh.has_time) == (box.tags, False)


def test_samples_are_uniform_and_where_they_should_be(pair: tuple[Box, MeshDomain]) -> None:
    box, mesh = pair
    inside, boundary = mesh.sample(2000, np.random.default_rng(2)), mesh.sample_boundary(200, np.random.default_rng(3))
    assert (inside.shape, boundary.shape) == ((2000, box.n_dim), (200, box.n_dim))
    assert box.contains(inside).all()
    assert box.on_boundary(boundary).all()
    middle = (box.lower + box.upper) / 2
    np.testing.assert_allclose((inside < middle).mean(axis=0), 0.5, atol=0.05)  # four standard errors


def test_the_cloud_of_a_mesh_is_its_vertices(pair: tuple[Box, MeshDomain]) -> None:
    box, mesh = pair
    cloud = mesh.cloud((2,) * box.n_dim)
    assert cloud.n_points == len(mesh.points)
    assert not box.on_boundary(cloud.centres).any()
    assert box.on_boundary(cloud.points[cloud.n_inside :]).all()


def test_fits_on_the_vertices_are_exact() -> None:
    cloud = meshed_disc(40).cloud((2, 2))
    base = 1 + cloud.points @ np.array([0.2, -0.1])
    operators = build_operators(cloud.everywhere, ("x", "xy"), ("x", "y"), OperatorKind.QUADRATIC, 12)
    assert np.abs(operators.apply("x", base**2) - 0.4 * base).max() <= FITTED
    assert np.abs(operators.apply("xy", base**2) + 0.04).max() <= FITTED


def test_vertices_of_round_boundaries_have_the_mean_normal_and_edges_their_own() -> None:
    disc = meshed_disc(24)
    rim = disc.points[-24:]
    np.testing.assert_allclose(disc.normals(rim), rim, atol=ROUNDING)  # of a regular polygon: radial
    middles = (rim + np.roll(rim, -1, axis=0)) / 2
    np.testing.assert_allclose(disc.normals(middles), middles / np.linalg.norm(middles, axis=1)[:, None], atol=ROUNDING)
    assert np.isnan(meshed_disc(6).normals(meshed_disc(6).points)).all()  # a hexagon has corners


def test_normals_point_outward() -> None:
    for mesh in (meshed_disc(24), MESHES["cube"][1]):
        points = mesh.sample_boundary(100, np.random.default_rng(4))
        normals = mesh.normals(points)
        assert not np.isnan(normals).any()
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=ROUNDING)
        assert not mesh.contains(points + STEP * normals).any()


def test_a_mesh_over_time_has_its_vertices_at_every_time() -> None:
    mesh = meshed_disc(12)
    cloud = SpaceTime(mesh, 0.0, 1.0).cloud((2, 2, 4))
    assert (cloud.n_points, cloud.n_inside) == (5 * 25, 4 * 13)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"facets": np.zeros((0, 2), dtype=int)}, "have tags on the boundary of the mesh; got none"),
        ({"facets": [[0, 1], [1, 2]], "facet_tags": [0, 0]}, "tag for every facet of the boundary; got 2 of 4 facets"),
        (
            {"facets": [[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]], "facet_tags": [0] * 5},
            "lie on the boundary of the mesh",
        ),
        ({"facet_tags": [0, 0, 0, 1]}, r"facet_tags must lie in \[0, 0\]"),
        ({"cells": [[0, 1, 9], [0, 2, 3]]}, r"MeshDomain\.cells must lie in \[0, 3\]; got 9"),
        ({"cells": [[0, 1, 1], [0, 2, 3]]}, "have an inside each; got cell 0"),
        ({"points": [[0, 0], [1, 0], [1, 1], [0, 1], [9, 9]]}, "be vertices of cells; got 1"),
        ({"points": [[0], [1], [2], [3]]}, r"number of coordinates must lie in \[2, 3\]"),
        ({"points": [[0, 0], [1, 0], [1, 1], [0, np.nan]]}, "have only finite entries"),
    ],
)
def test_meshes_that_are_none_are_refused(changes: dict[str, FloatArray | IntArray], rule: str) -> None:
    square = {
        "points": np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
        "cells": np.array([[0, 1, 2], [0, 2, 3]]),
        "facets": np.array([[0, 1], [1, 2], [2, 3], [3, 0]]),
        "facet_tags": np.zeros(4, dtype=int),
    }
    with pytest.raises(SpecError, match=rule):
        MeshDomain(**{**square, **changes}, tags=("wall",))


def test_clouds_that_a_mesh_cannot_give_are_refused() -> None:
    with pytest.raises(SpecError, match="be left out on a mesh"):
        meshed_disc(8).cloud((2, 2), (Grading(axis=0, centre=0.0, width=0.1, gain=1.0),))
    triangle = MeshDomain(
        points=[[0, 0], [1, 0], [0, 1]],
        cells=[[0, 1, 2]],
        facets=[[0, 1], [1, 2], [0, 2]],
        facet_tags=[0] * 3,
        tags=("w",),
    )
    with pytest.raises(SpecError, match="have vertices inside; got 3 vertices, all on the boundary"):
        triangle.cloud((2, 2))
    with pytest.raises(SpecError, match="have no part named start"):
        SpaceTime(
            MeshDomain(
                points=triangle.points,
                cells=triangle.cells,
                facets=triangle.facets,
                facet_tags=[0] * 3,
                tags=("start",),
            ),
            0.0,
            1.0,
        )
