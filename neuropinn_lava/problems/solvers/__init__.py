"""Reference solutions of the problems that ship: quadrature, spectral methods, finite elements."""
