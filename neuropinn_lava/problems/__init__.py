"""The PDE problems: geometry, equation, conditions, reference solution and training recipe of each, found by name."""

from .registry import find_problem, list_problems

__all__ = ["find_problem", "list_problems"]
