"""Where expressions come from: the attributes of the object that a user's function is given, and text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import NoReturn

from .checks import check_choice, raise_violations
from .errors import SpecError
from .expressions import FUNCTIONS, Expression, as_expression, name, operation


class Names:
    """An object whose attributes are named values: `p.x`, `f.u_xx`."""

    __slots__ = ("_resolve",)

    def __init__(self, resolve: Callable[[str], Expression]) -> None:
        """Take the function that returns the expression of a name, or raises `SpecError` for one that is unknown."""
        self._resolve = resolve

    def __getitem__(self, place: object) -> NoReturn:
        repair = "Write p.x in place of points[:, 0]; functions of arrays are given by name, in `fields`."
        raise SpecError("coordinates in an expression", "be named values", f"[{place}]", repair)

    def __getattr__(self, text: str) -> Expression:
        if text.startswith("__"):
            raise AttributeError(text)
        return self._resolve(text)


def parse_expression(text: str, known: Sequence[str]) -> Expression:
    """Read an expression from its text; nothing in it is run.

    Args:
        text: As `Expression.text` writes it.
        known: The names that may stand in it.

    Raises:
        SpecError: If it is not an expression of these names, numbers, operators and functions.
    """
    where = f"expression {text!r}"
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SpecError(where, "be one expression", error, "Write it as Python would.") from None
    return _Reader(where, known).read(tree)


_SIGNS = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.BitOr: "bitwise_or",
    ast.BitAnd: "bitwise_and",
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.USub: "negative",
    ast.Invert: "invert",
}
"""Signs in Python's syntax tree."""


class _Reader:
    """Reads Python's syntax tree of an expression."""

    def __init__(self, where: str, known: Sequence[str]) -> None:
        self.where, self.known = where, known

    def read(self, node: ast.AST) -> Expression:
        """Read a node and all below it."""
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return as_expression(node.value)
        if isinstance(node, ast.Name):
            raise_violations(check_choice(f"name in {self.where}", node.id, self.known))
            return name(node.id)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
            return operation(_SIGNS[type(node.op)], self.read(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
            return operation(_SIGNS[type(node.op)], self.read(node.left), self.read(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _SIGNS:
            return operation(_SIGNS[type(node.ops[0])], self.read(node.left), self.read(node.comparators[0]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            raise_violations(check_choice(f"function in {self.where}", node.func.id, FUNCTIONS))
            if len(node.args) == FUNCTIONS[node.func.id]:
                return operation(node.func.id, *(self.read(argument) for argument in node.args))
        rule = "be made of names, numbers, operators and functions"
        raise SpecError(self.where, rule, ast.unparse(node), "Leave out what is no arithmetic.")
