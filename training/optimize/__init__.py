"""The optimizers of a phase: Adam, L-BFGS, and Gauss-Newton with the tangents that it needs."""
