"""Fields of a deployed network: outputs, gradients, stresses, and their triangulation for maps."""
