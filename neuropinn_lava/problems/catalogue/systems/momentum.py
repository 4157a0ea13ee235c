"""The steady equations of a viscous flow in the plane, which flows of the catalogue share."""

from __future__ import annotations

from ....base.expression_sources import Names
from ....base.expressions import Expression


def steady_flow(f: Names, viscosity: float) -> tuple[Expression, Expression, Expression]:
    """Return the equations of momentum along x and y and of continuity, for the unknowns u, v and p.

        u u_x + v u_y + p_x - nu (u_xx + u_yy) = 0,  u v_x + v v_y + p_y - nu (v_xx + v_yy) = 0,  u_x + v_y = 0

    Args:
        f: Named values.
        viscosity: Kinematic viscosity nu.
    """
    along_x = f.u * f.u_x + f.v * f.u_y + f.p_x - viscosity * (f.u_xx + f.u_yy)
    along_y = f.u * f.v_x + f.v * f.v_y + f.p_y - viscosity * (f.v_xx + f.v_yy)
    return along_x, along_y, f.u_x + f.v_y
