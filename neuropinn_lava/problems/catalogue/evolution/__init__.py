"""Equations of one unknown in space and time."""
