"""Errors, read-only arrays, rules that records share, error norms and points, which every other room uses."""
