"""Equations that one network solves for any function of a distribution: a source, a start, a coefficient."""
