"""Equations of several unknowns."""
