"""Domains in which equations hold, the clouds of points in them, and scalar fields of the coordinates."""
