"""Derivatives on a cloud of points as constant sparse matrices, and potential energies as quadratic forms."""
