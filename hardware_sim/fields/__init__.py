"""Fields of a deployed network: outputs, gradients and stresses, on regular grids for maps."""
