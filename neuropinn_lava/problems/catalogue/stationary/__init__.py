"""Equations of one unknown without time."""
