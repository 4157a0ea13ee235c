"""Trained networks shipped with the package, each with the exact command that made it. Holds no code."""
