"""Domains in which equations hold, the clouds of points laid in them, and scalar fields of the coordinates."""
