"""Scalar fields of the coordinates: polynomials, waves, expressions, and those that vanish on a boundary."""
